/* The ids that passwd and group files name, of all layers: a name that a later layer dropped still
 * explains why a file has its owner. */
#include "target/check-internal.h"

#include <string.h>

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

static int load_file(struct known_ids *uids, struct known_ids *gids, const struct inv_file *f,
		     bool passwd, struct error *err)
{
	const struct limits limits = limits_default();
	struct known_ids *side = passwd ? uids : gids;
	struct accounts a = { 0 };
	struct account **list = passwd ? &a.users : &a.groups;
	size_t *count = passwd ? &a.user_count : &a.group_count;
	const char *unread = NULL;
	bool refused = false;
	int r = accounts_parse(list, count, (const char *)f->data, f->len, !passwd,
			       (size_t)limits.v[LIMIT_ACCOUNTS], &unread, &refused, err);

	side->unread = side->unread || unread || refused;
	for (size_t i = 0; i < *count && !r; i++) {
		r = add(side, (*list)[i].id, err);
		if (!r && passwd)
			r = add(gids, (*list)[i].gid, err);
	}
	accounts_free(&a);
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
