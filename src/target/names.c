/* The ids that passwd and group files name, of all layers: a name that a later layer dropped still explains why a
 * file has its owner. */
#include "target/check-internal.h"

#include <string.h>

#include "base/num.h"

#define PASSWD_UID_FIELD 2 /* name:password:uid:gid:... */
#define PASSWD_GID_FIELD 3
#define GROUP_GID_FIELD 2 /* name:password:gid:members */

static int add(struct known_ids *k, int64_t id, struct error *err)
{
	if (k->count == k->cap) {
		size_t cap = k->cap ? k->cap * 2 : 64;
		int64_t *ids = reallocarray(k->ids, cap, sizeof *ids);

		if (!ids)
			return err_nomem(err);
		k->ids = ids;
		k->cap = cap;
	}
	k->ids[k->count++] = id;
	return 0;
}

/* The number in the field-th field of a line; what is no number names nothing. */
static int add_field(struct known_ids *k, const char *line, size_t n, int field, struct error *err)
{
	const char *end = line + n;
	const char *colon;
	int64_t id;

	while (field--) {
		colon = memchr(line, ':', (size_t)(end - line));
		if (!colon)
			return 0;
		line = colon + 1;
	}
	colon = memchr(line, ':', (size_t)(end - line));
	if (!num_i64(line, (size_t)((colon ? colon : end) - line), &id))
		return 0;
	return add(k, id, err);
}

static int load_file(struct known_ids *uids, struct known_ids *gids, const struct inv_file *f,
		     bool passwd, struct error *err)
{
	const char *p = (const char *)f->data, *end = p + f->len;
	int r = 0;

	while (p < end && !r) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((newline ? newline : end) - p);

		if (passwd)
			r = add_field(uids, p, n, PASSWD_UID_FIELD, err);
		if (!r)
			r = add_field(gids, p, n, passwd ? PASSWD_GID_FIELD : GROUP_GID_FIELD, err);
		p += n + (newline ? 1 : 0);
	}
	return r;
}

static bool is_named(const struct inv_file *f, const char *name)
{
	size_t n = strlen(name);

	return f->path_len >= n && !memcmp(f->path + f->path_len - n, name, n) &&
	       (f->path_len == n || f->path[f->path_len - n - 1] == '/');
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int known_ids_load(struct known_ids *uids, struct known_ids *gids, const struct image *img,
		   struct error *err)
{
	for (size_t i = 0; i < img->layer_count; i++) {
		const struct layer_inventory *inv = img->layers[i].inventory;

		for (size_t k = 0; k < inv->file_count; k++) {
			const struct inv_file *f = &inv->files[k];
			bool passwd = is_named(f, "passwd"), group = is_named(f, "group");
			struct known_ids *side = passwd ? uids : gids;
			int r;

			if (!passwd && !group)
				continue;
			side->any_file = true;
			if (!f->data) {
				side->unread = side->unread || f->size > 0;
				continue;
			}
			r = load_file(uids, gids, f, passwd, err);
			if (r < 0)
				return r;
		}
	}
	if (uids->count)
		qsort(uids->ids, uids->count, sizeof *uids->ids, compare);
	if (gids->count)
		qsort(gids->ids, gids->count, sizeof *gids->ids, compare);
	return 0;
}

bool known_ids_has(const struct known_ids *k, int64_t id)
{
	return k->count && bsearch(&id, k->ids, k->count, sizeof *k->ids, compare);
}

void known_ids_free(struct known_ids *k)
{
	free(k->ids);
	*k = (struct known_ids){ 0 };
}
