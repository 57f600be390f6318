#include "report/owner-table.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"

static size_t hash(int64_t uid, int64_t gid)
{
	uint64_t h = (uint64_t)uid * 0x9e3779b97f4a7c15u ^
		     ((uint64_t)gid + 0x7f4a7c15u) * 0xc2b2ae3d27d4eb4fu;

	return (size_t)(h ^ h >> 29);
}

static size_t slot_of(const struct owner_table *t, int64_t uid, int64_t gid)
{
	size_t i = hash(uid, gid) & (t->slot_count - 1);

	while (t->slots[i] &&
	       (t->rows[t->slots[i] - 1].uid != uid || t->rows[t->slots[i] - 1].gid != gid))
		i = (i + 1) & (t->slot_count - 1);
	return i;
}

static int grow(struct owner_table *t, struct error *err)
{
	size_t cap = t->cap ? t->cap * 2 : 64;
	struct owner_row *rows;
	uint32_t *slots;

	if (cap > UINT32_MAX / 2)
		return err_fail(err, ERR_LIMIT, 0, "more than %zu distinct owners in one image",
				t->cap);
	rows = reallocarray(t->rows, cap, sizeof(*rows));
	if (!rows)
		return err_nomem(err);
	t->rows = rows;
	slots = calloc(cap * 2, sizeof(*slots));
	if (!slots)
		return err_nomem(err);
	free(t->slots);
	t->slots = slots;
	t->slot_count = cap * 2;
	t->cap = cap;
	for (size_t i = 0; i < t->count; i++)
		t->slots[slot_of(t, rows[i].uid, rows[i].gid)] = (uint32_t)i + 1;
	return 0;
}

static int add_layer(struct owner_row *row, size_t layer, struct error *err)
{
	if (row->layer_count && row->layers[row->layer_count - 1] == layer)
		return 0;
	if (row->layer_count == row->layer_cap) {
		size_t cap = row->layer_cap ? row->layer_cap * 2 : 1;
		uint32_t *layers = reallocarray(row->layers, cap, sizeof(*layers));

		if (!layers)
			return err_nomem(err);
		row->layers = layers;
		row->layer_cap = cap;
	}
	row->layers[row->layer_count++] = (uint32_t)layer;
	return 0;
}

int owner_table_add(struct owner_table *t, size_t layer, const struct inv_entry *e,
		    struct error *err)
{
	struct owner_row *row;
	size_t slot;
	int r;

	if (t->count == t->cap) {
		r = grow(t, err);
		if (r < 0)
			return r;
	}
	slot = slot_of(t, e->uid, e->gid);
	if (!t->slots[slot]) {
		t->rows[t->count] = (struct owner_row){ .uid = e->uid, .gid = e->gid };
		t->slots[slot] = (uint32_t)++t->count;
	}
	row = &t->rows[t->slots[slot] - 1];
	if (row->entries < OWNER_EXAMPLES && t->slots[slot] <= OWNERS_WITH_EXAMPLES) {
		char *copy = malloc(e->path_len + 1);

		if (!copy)
			return err_nomem(err);
		memcpy(copy, e->path, e->path_len);
		copy[e->path_len] = '\0';
		row->examples[row->entries] = copy;
		row->example_len[row->entries] = e->path_len;
	}
	row->entries++;
	t->entries++;
	return add_layer(row, layer, err);
}

static int by_ids(const void *a, const void *b)
{
	const struct owner_row *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return x->gid < y->gid ? -1 : x->gid > y->gid;
}

void owner_table_sort(struct owner_table *t)
{
	if (t->count)
		qsort(t->rows, t->count, sizeof(*t->rows), by_ids);
}

void owner_table_free(struct owner_table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		for (size_t k = 0; k < OWNER_EXAMPLES; k++)
			free(t->rows[i].examples[k]);
		free(t->rows[i].layers);
	}
	free(t->rows);
	free(t->slots);
	*t = (struct owner_table){ 0 };
}

static const struct account *by_name(const struct account *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static bool except_number(struct owner_pair *p, const char *word)
{
	const char *colon = strchr(word, ':');
	size_t n = colon ? (size_t)(colon - word) : strlen(word);

	if (!num_i64(word, n, &p->uid))
		return false;
	p->gid = p->uid;
	p->has_uid = p->has_gid = true;
	p->exact = colon;
	return !colon || num_i64(colon + 1, strlen(colon + 1), &p->gid);
}

static bool except_name(struct owner_except *out, const char *word, const struct accounts *a)
{
	const struct account *user = by_name(a->users, a->user_count, word);
	const struct account *group = by_name(a->groups, a->group_count, word);
	struct owner_pair *p = &out->pairs[out->count];

	if (!user && !group && strcmp(word, "root") == 0) {
		p[0] = (struct owner_pair){ .has_uid = true, .has_gid = true };
		out->count++;
		return true;
	}
	if (user) {
		*p++ = (struct owner_pair){
			.uid = user->id, .gid = user->gid, .has_uid = true, .has_gid = true
		};
		out->count++;
	}
	if (group) {
		*p = (struct owner_pair){ .gid = group->id, .has_gid = true };
		out->count++;
	}
	return user || group;
}

int owner_except_make(struct owner_except *out, const char *const *words, size_t count,
		      const struct accounts *accounts, struct error *err)
{
	*out = (struct owner_except){ 0 };
	out->pairs = calloc(2 * count + 1, sizeof(*out->pairs));
	if (!out->pairs)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++) {
		if (except_number(&out->pairs[out->count], words[i]))
			out->count++;
		else if (!except_name(out, words[i], accounts) && !out->unknown)
			out->unknown = words[i];
	}
	return 0;
}

void owner_except_free(struct owner_except *x)
{
	free(x->pairs);
	*x = (struct owner_except){ 0 };
}

bool owner_is_excepted(const struct owner_except *x, int64_t uid, int64_t gid)
{
	bool has_uid = false, has_gid = false;

	for (size_t i = 0; i < x->count; i++) {
		const struct owner_pair *p = &x->pairs[i];

		if (p->exact && p->uid == uid && p->gid == gid)
			return true;
		if (p->exact)
			continue;
		has_uid |= p->has_uid && p->uid == uid;
		has_gid |= p->has_gid && p->gid == gid;
	}
	return has_uid && has_gid;
}
