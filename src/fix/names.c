#include "fix/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "inventory/accounts.h"

/* One name looked up in all images. */
struct search {
	const char *option, *name;
	size_t len;
	bool is_gid, found;
	int64_t id;
	char known[300]; /* what there is instead */
	size_t used, more;
};

static bool is_known(const struct search *s, const char *safe)
{
	size_t n = strlen(safe);

	for (const char *at = s->known; (at = strstr(at, safe)); at += n)
		if ((at == s->known || at[-1] == ' ') && (!at[n] || at[n] == ','))
			return true;
	return false;
}

static void note_known(struct search *s, const char *name)
{
	char safe[80];

	err_text(safe, sizeof(safe), name, strlen(name));
	if (is_known(s, safe))
		return;
	if (s->used + strlen(safe) + 3 > sizeof(s->known)) {
		s->more++;
		return;
	}
	s->used += (size_t)snprintf(s->known + s->used, sizeof(s->known) - s->used, "%s%s",
				    s->used ? ", " : "", safe);
}

static int ambiguous(const struct search *s, int64_t other, struct error *err)
{
	return err_fail(err, ERR_USAGE, 0,
			"%s: the %s '%.*s' is %" PRId64 " and %" PRId64 ": name the number",
			s->option, s->is_gid ? "group" : "user", (int)s->len, s->name, s->id,
			other);
}

static int search_image(struct search *s, struct image *img, struct error *err)
{
	struct accounts a = { 0 };
	int r = accounts_load(&a, img, err);
	const struct account *list = s->is_gid ? a.groups : a.users;
	size_t count = s->is_gid ? a.group_count : a.user_count;

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (strlen(list[i].name) != s->len || memcmp(list[i].name, s->name, s->len) != 0) {
			note_known(s, list[i].name);
			continue;
		}
		if (s->found && s->id != list[i].id)
			r = ambiguous(s, list[i].id, err);
		s->found = true;
		s->id = list[i].id;
	}
	accounts_free(&a);
	return r;
}

static int search(struct search *s, struct image_set *set, struct error *err)
{
	char more[40] = "";
	int r = 0;

	for (size_t i = 0; i < set->count && r == 0; i++)
		r = search_image(s, &set->images[i], err);
	if (r < 0 || s->found)
		return r;
	if (s->more)
		snprintf(more, sizeof(more), " and %zu more", s->more);
	return err_fail(err, ERR_USAGE, 0, "%s: no %s '%.*s' in the image; it has %s%s", s->option,
			s->is_gid ? "group" : "user", (int)s->len, s->name,
			s->used ? s->known : "none", more);
}

static int resolve(struct fix_pair *p, struct image_set *set, struct error *err)
{
	struct search s = { .option = p->is_gid ? "--group" : "--owner", .is_gid = p->is_gid };
	int r = 0;

	if (p->old_name) {
		s.name = p->old_name;
		s.len = strcspn(s.name, "=");
		r = search(&s, set, err);
		p->old = s.id;
	}
	if (r < 0 || !p->new_name)
		return r;
	s = (struct search){ .option = s.option,
			     .is_gid = p->is_gid,
			     .name = p->new_name,
			     .len = strlen(p->new_name) };
	r = search(&s, set, err);
	if (r < 0)
		return r;
	if (s.id < 0 || s.id >= UINT32_MAX || fix_id_is_reserved((uint32_t)s.id))
		return err_fail(err, ERR_USAGE, 0,
				"%s: %.80s is %" PRId64 ", which no user should get", s.option,
				p->new_name, s.id);
	p->new = (uint32_t)s.id;
	return 0;
}

int fix_pairs_resolve(struct fix_pair *pairs, size_t count, struct image_set *set,
		      struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = resolve(&pairs[i], set, err);
	return r;
}
