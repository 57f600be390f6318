#include "inventory/builder.h"

#include <string.h>

int inv_builder_init(struct inv_builder *b, const struct limits *limits, size_t spool_memory,
		     struct error *err)
{
	*b = (struct inv_builder){ .limits = limits, .slot_count = 64 };
	b->inv = calloc(1, sizeof(*b->inv));
	b->slots = calloc(b->slot_count, sizeof(*b->slots));
	if (b->inv)
		b->inv->records = spool_new(spool_memory ? spool_memory : INV_SPOOL_MEMORY);
	if (b->slots && b->inv && b->inv->records)
		return 0;
	inv_builder_done(b);
	return err_nomem(err);
}

void inv_builder_done(struct inv_builder *b)
{
	layer_inventory_free(b->inv);
	buf_free(&b->record);
	buf_free(&b->state.path);
	free(b->slots);
	*b = (struct inv_builder){ 0 };
}

/* The slot where the pair is or would be. */
static size_t owner_slot(const struct inv_builder *b, int64_t uid, int64_t gid)
{
	const int64_t pair[2] = { uid, gid };
	size_t mask = b->slot_count - 1;
	size_t i = (size_t)inv_path_hash((const char *)pair, sizeof(pair)) & mask;

	for (; b->slots[i]; i = (i + 1) & mask) {
		const struct inv_owner *o = &b->inv->owners[b->slots[i] - 1];

		if (o->uid == uid && o->gid == gid)
			break;
	}
	return i;
}

/* Doubles the table at three quarters full, and the owners when they are full. */
static int owner_room(struct inv_builder *b, struct error *err)
{
	struct layer_inventory *inv = b->inv;

	if (inv->owner_count == b->owner_cap) {
		size_t cap = b->owner_cap ? b->owner_cap * 2 : 16;
		struct inv_owner *grown = realloc(inv->owners, cap * sizeof(*grown));

		if (!grown)
			return err_nomem(err);
		inv->owners = grown;
		b->owner_cap = cap;
	}
	if (inv->owner_count < b->slot_count / 4 * 3)
		return 0;
	free(b->slots);
	b->slot_count *= 2;
	b->slots = calloc(b->slot_count, sizeof(*b->slots));
	if (!b->slots)
		return err_nomem(err);
	for (size_t i = 0; i < inv->owner_count; i++)
		b->slots[owner_slot(b, inv->owners[i].uid, inv->owners[i].gid)] = (uint32_t)i + 1;
	return 0;
}

/* Most entries have the owner of the one before. */
static int owner_intern(struct inv_builder *b, const struct inv_entry *e, uint32_t *owner,
			struct error *err)
{
	struct layer_inventory *inv = b->inv;
	size_t slot;

	if (inv->owner_count && inv->owners[b->last_owner].uid == e->uid &&
	    inv->owners[b->last_owner].gid == e->gid) {
		*owner = b->last_owner;
		return 0;
	}
	slot = owner_slot(b, e->uid, e->gid);
	if (!b->slots[slot]) {
		if (inv->owner_count >= b->limits->v[LIMIT_OWNERS] ||
		    inv->owner_count >= UINT32_MAX - 1)
			return limit_passed(b->limits, LIMIT_OWNERS, "distinct owners", err);
		if (owner_room(b, err) < 0)
			return -ERR_NOMEM;
		slot = owner_slot(b, e->uid, e->gid);
		inv->owners[inv->owner_count] = (struct inv_owner){ .uid = e->uid, .gid = e->gid };
		b->slots[slot] = (uint32_t)++inv->owner_count;
	}
	*owner = b->last_owner = b->slots[slot] - 1;
	return 0;
}

int inv_builder_add(struct inv_builder *b, struct inv_entry *e, struct error *err)
{
	struct layer_inventory *inv = b->inv;
	int r;

	if (inv->entries >= b->limits->v[LIMIT_LAYER_ENTRIES])
		return limit_passed(b->limits, LIMIT_LAYER_ENTRIES, "a layer", err);
	r = owner_intern(b, e, &e->owner, err);
	if (r == 0)
		r = record_encode(&b->record, &b->state, e, err);
	if (r == 0)
		r = spool_append(inv->records, b->record.data, b->record.len, err);
	if (r < 0)
		return r;
	e->index = inv->entries++;
	inv->owners[e->owner].entries++;
	inv->kinds[e->kind]++;
	inv->flags_seen |= e->flags;
	inv->largest = MAX(inv->largest, e->size);
	return 0;
}

bool inv_is_small_file(const struct inv_entry *e)
{
	static const char *const endings[] = { "passwd", "group",  "passwd-",
					       "group-", "subuid", "subgid" };

	if (e->kind != INV_REG)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t n = strlen(endings[i]);

		if (e->path_len >= n && memcmp(e->path + e->path_len - n, endings[i], n) == 0)
			return true;
	}
	return false;
}

/* Bytes that a file costs; half of the limit is kept for the two files that engines read, so that a
 * layer full of word lists does not hide them. */
static bool fits(const struct inv_builder *b, const struct inv_entry *e, uint64_t size)
{
	uint64_t cost = sizeof(struct inv_file) + e->path_len + size;
	uint64_t limit = b->limits->v[LIMIT_SMALL_FILES];

	if (strcmp(e->path, "etc/passwd") != 0 && strcmp(e->path, "etc/group") != 0)
		limit /= 2;
	return b->files_kept <= limit && cost <= limit - b->files_kept;
}

bool inv_builder_keeps(const struct inv_builder *b, const struct inv_entry *e, uint64_t size)
{
	return size <= b->limits->v[LIMIT_SMALL_FILE] && fits(b, e, size);
}

int inv_builder_file(struct inv_builder *b, const struct inv_entry *e, uint8_t *data, size_t len,
		     struct error *err)
{
	struct layer_inventory *inv = b->inv;
	_cleanup_(freep) uint8_t *owned = data;
	struct inv_file *f;

	if (!fits(b, e, len))
		return 0;
	if (inv->file_count == b->file_cap) {
		size_t cap = b->file_cap ? b->file_cap * 2 : 8;
		struct inv_file *grown = realloc(inv->files, cap * sizeof(*grown));

		if (!grown)
			return err_nomem(err);
		inv->files = grown;
		b->file_cap = cap;
	}
	f = &inv->files[inv->file_count];
	*f = (struct inv_file){ .path_len = e->path_len, .index = e->index, .size = e->size };
	f->path = strndup(e->path, e->path_len);
	if (!f->path)
		return err_nomem(err);
	f->data = STEAL(owned);
	f->len = f->data ? len : 0;
	b->files_kept += sizeof(*f) + f->path_len + f->len;
	inv->file_count++;
	return 0;
}

int inv_builder_mentions(struct inv_builder *b, const struct inv_entry *e, struct inv_mentions *m,
			 struct error *err)
{
	struct layer_inventory *inv = b->inv;
	_cleanup_(inv_mentions_done) struct inv_mentions own = *m;
	uint64_t cost = inv_mentions_cost(e->path_len, m->count);

	*m = (struct inv_mentions){ 0 };
	if (!own.count && !own.flags)
		return 0;
	if (b->mentions_kept + cost > b->limits->v[LIMIT_MENTIONS]) {
		inv->mentions_cut = true;
		return 0;
	}
	if (inv->mention_count == b->mention_cap) {
		size_t cap = b->mention_cap ? b->mention_cap * 2 : 8;
		struct inv_mentions *grown = reallocarray(inv->mentions, cap, sizeof(*grown));

		if (!grown)
			return err_nomem(err);
		inv->mentions = grown;
		b->mention_cap = cap;
	}
	own.path = strndup(e->path, e->path_len);
	if (!own.path)
		return err_nomem(err);
	own.path_len = e->path_len;
	own.index = e->index;
	inv->mentions[inv->mention_count++] = own;
	own = (struct inv_mentions){ 0 };
	b->mentions_kept += cost;
	return 0;
}

int inv_builder_finish(struct inv_builder *b, struct layer_inventory **out, struct error *err)
{
	int r = spool_seal(b->inv->records, err);

	if (r < 0)
		return r;
	*out = STEAL(b->inv);
	return 0;
}
