/* Bytes into an inventory. The sum at the end finds damage; it is no signature, so nothing before
 * it is trusted either: each record is decoded and held against what the head says.
 */
#include <inttypes.h>
#include <string.h>

#include "inventory/form.h"
#include "inventory/mention.h"
#include "inventory/path.h"
#include "inventory/record.h"
#include "stream/cursor.h"
#include "tar/reader.h"

#define ODDITIES_ALL (TAR_ODD_NO_END_MARKER | TAR_ODD_TRAILING_DATA | TAR_ODD_GLOBAL_IDS)

struct form {
	struct cursor cursor;
	uint64_t sum;
	const struct limits *limits;
	struct layer_inventory *inv;
	uint64_t records_size;
};

static int damaged(const struct form *f, const char *what, struct error *err)
{
	return err_fail(err, ERR_BAD_INPUT, 0, "inventory: %s at byte %" PRIu64, what,
			f->cursor.offset);
}

static void pass(struct form *f, const uint8_t *bytes, size_t n)
{
	f->sum = form_sum(f->sum, bytes, n);
	cursor_advance(&f->cursor, n);
}

/* A number of at most max. */
static int get(struct form *f, uint64_t *out, uint64_t max, const char *what, struct error *err)
{
	const uint8_t *bytes, *end;
	size_t got;
	int r = cursor_peek(&f->cursor, 10, &bytes, &got, err);

	if (r < 0)
		return r;
	end = varint_get(bytes, bytes + got, out);
	if (!end || *out > max)
		return damaged(f, what, err);
	pass(f, bytes, (size_t)(end - bytes));
	return 0;
}

/* n bytes, allocated as they come in: a length costs nothing until its bytes are there. A NUL
 * behind. */
static int get_bytes(struct form *f, struct buf *out, uint64_t n, const char *what,
		     struct error *err)
{
	buf_clear(out);
	if (buf_reserve(out, 0) < 0)
		return err_nomem(err);
	while (out->len < n) {
		const uint8_t *bytes;
		size_t got;
		int r = cursor_peek(&f->cursor, (size_t)MIN(n - out->len, (uint64_t)65536), &bytes,
				    &got, err);

		if (r < 0)
			return r;
		if (!got)
			return damaged(f, what, err);
		if (buf_append(out, bytes, got) < 0)
			return err_nomem(err);
		pass(f, bytes, got);
	}
	out->data[out->len] = '\0';
	return 0;
}

static int get_digest(struct form *f, struct oci_digest *out, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	uint64_t n;
	int r = get(f, &n, sizeof(out->text) - 1, "a digest's length", err);

	if (r < 0 || n == 0)
		return r;
	r = get_bytes(f, &text, n, "a digest", err);
	if (r < 0)
		return r;
	if (strlen(buf_str(&text)) != n || oci_digest_parse(out, buf_str(&text), NULL) < 0)
		return damaged(f, "a digest", err);
	return 0;
}

static int get_numbers(struct form *f, struct error *err)
{
	struct layer_inventory *inv = f->inv;
	uint64_t codec = 0, oddities = 0, flags = 0;
	const struct {
		uint64_t *out, max;
		const char *what;
	} rows[] = {
		{ &inv->entries, f->limits->v[LIMIT_LAYER_ENTRIES], "the number of entries" },
		{ &inv->tar_size, UINT64_MAX, "the size of the tar" },
		{ &inv->blob_size, UINT64_MAX, "the size of the blob" },
		{ &codec, CODEC_COUNT - 1, "the codec" },
		{ &oddities, ODDITIES_ALL, "the oddities" },
		{ &flags, INV_FLAGS_ALL, "the flags" },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++)
		r = get(f, rows[i].out, rows[i].max, rows[i].what, err);
	for (size_t i = 0; r == 0 && i < INV_KIND_COUNT; i++)
		r = get(f, &inv->kinds[i], inv->entries, "the entries of a kind", err);
	inv->codec = (enum codec)codec;
	inv->oddities = (unsigned)oddities;
	inv->flags_seen = (unsigned)flags;
	return r;
}

static int get_owners(struct form *f, struct error *err)
{
	struct layer_inventory *inv = f->inv;
	uint64_t count, uid, gid;
	size_t cap = 0;
	int r = get(f, &count, MIN(f->limits->v[LIMIT_OWNERS], inv->entries),
		    "the number of owners", err);

	for (; r == 0 && inv->owner_count < count; inv->owner_count++) {
		struct inv_owner *o;

		if (inv->owner_count == cap) {
			cap = cap ? cap * 2 : 16;
			o = realloc(inv->owners, cap * sizeof(*o));
			if (!o)
				return err_nomem(err);
			inv->owners = o;
		}
		o = &inv->owners[inv->owner_count];
		*o = (struct inv_owner){ 0 };
		r = get(f, &uid, UINT64_MAX, "a uid", err);
		if (r == 0)
			r = get(f, &gid, UINT64_MAX, "a gid", err);
		if (r == 0)
			r = get(f, &o->entries, inv->entries, "the entries of an owner", err);
		o->uid = r ? 0 : form_unzigzag(uid);
		o->gid = r ? 0 : form_unzigzag(gid);
	}
	return r;
}

static int get_file(struct form *f, struct inv_file *file, uint64_t *budget, struct error *err)
{
	_cleanup_(buf_freep) struct buf bytes = { 0 };
	uint64_t n, stored;
	int r = get(f, &file->index, f->inv->entries - 1, "the entry of a file", err);

	if (r == 0)
		r = get(f, &n, MIN(f->limits->v[LIMIT_TAR_NAME], *budget), "the length of a path",
			err);
	if (r == 0)
		r = get_bytes(f, &bytes, n, "a file's path", err);
	if (r < 0)
		return r;
	*budget -= n;
	if (strlen(buf_str(&bytes)) != n)
		return damaged(f, "a file's path", err);
	file->path_len = bytes.len;
	file->path = (char *)STEAL(bytes.data);
	bytes = (struct buf){ 0 };
	r = get(f, &file->size, UINT64_MAX, "the size of a file", err);
	if (r == 0)
		r = get(f, &stored, MIN(f->limits->v[LIMIT_SMALL_FILE], *budget) + 1,
			"the length of a file", err);
	if (r < 0 || !stored)
		return r;
	if (stored - 1 != file->size)
		return damaged(f, "the length of a file", err);
	r = get_bytes(f, &bytes, stored - 1, "a file", err);
	if (r < 0)
		return r;
	*budget -= bytes.len;
	file->len = bytes.len;
	file->data = STEAL(bytes.data);
	bytes = (struct buf){ 0 };
	return 0;
}

static int get_files(struct form *f, struct error *err)
{
	struct layer_inventory *inv = f->inv;
	uint64_t count, budget = f->limits->v[LIMIT_SMALL_FILES];
	size_t cap = 0;
	int r = get(f, &count, MIN(inv->entries, budget / sizeof(struct inv_file)),
		    "the number of files", err);

	while (r == 0 && inv->file_count < count) {
		struct inv_file *file;

		if (inv->file_count == cap) {
			cap = cap ? cap * 2 : 8;
			file = realloc(inv->files, cap * sizeof(*file));
			if (!file)
				return err_nomem(err);
			inv->files = file;
		}
		file = &inv->files[inv->file_count++];
		*file = (struct inv_file){ 0 };
		r = get_file(f, file, &budget, err);
	}
	return r;
}

static int get_mention(struct form *f, struct inv_mention *m, struct error *err)
{
	uint64_t id, line;
	int r = get(f, &id, INT64_MAX, "an id that a file mentions", err);

	if (r == 0)
		r = get(f, &line, (uint64_t)UINT32_MAX << 1 | 1, "a line of a file", err);
	if (r == 0)
		*m = (struct inv_mention){ .id = (int64_t)id,
					   .line = (uint32_t)(line >> 1),
					   .is_gid = line & 1 };
	return r;
}

static int get_mentions(struct form *f, struct inv_mentions *m, uint64_t *budget, struct error *err)
{
	_cleanup_(buf_freep) struct buf path = { 0 };
	uint64_t n, flags = 0, line = 0, count = 0;
	int r = get(f, &m->index, f->inv->entries - 1, "the entry of a file that mentions ids",
		    err);

	if (r == 0)
		r = get(f, &n, MIN(f->limits->v[LIMIT_TAR_NAME], *budget), "the length of a path",
			err);
	if (r == 0)
		r = get_bytes(f, &path, n, "a file's path", err);
	if (r < 0)
		return r;
	m->path_len = path.len;
	m->path = (char *)STEAL(path.data);
	path = (struct buf){ 0 };
	r = get(f, &flags, INV_MENTIONS_ALL, "the flags of a file", err);
	if (r == 0)
		r = get(f, &line, UINT32_MAX, "a line of a file", err);
	if (r == 0)
		r = get(f, &count, MENTIONS_IN_FILE, "the number of ids that a file mentions", err);
	if (r < 0)
		return r;
	m->flags = (unsigned)flags;
	m->line = (uint32_t)line;
	n = inv_mentions_cost(m->path_len, count);
	if (strlen(m->path) != m->path_len || n > *budget || (!count && !flags))
		return damaged(f, "a file that mentions ids", err);
	*budget -= n;
	m->ids = calloc(count + 1, sizeof(*m->ids));
	if (!m->ids)
		return err_nomem(err);
	for (; r == 0 && m->count < count; m->count++)
		r = get_mention(f, &m->ids[m->count], err);
	return r;
}

static int get_all_mentions(struct form *f, struct error *err)
{
	struct layer_inventory *inv = f->inv;
	uint64_t flags, count = 0, budget = f->limits->v[LIMIT_MENTIONS];
	int r = get(f, &flags, FORM_KNOWN | FORM_CUT, "whether ids were looked for", err);

	if (r == 0)
		r = get(f, &count, MIN(inv->entries, budget / inv_mentions_cost(0, 0)),
			"the number of files that mention ids", err);
	if (r < 0)
		return r;
	inv->mentions_known = flags & FORM_KNOWN;
	inv->mentions_cut = flags & FORM_CUT;
	if (count && !inv->mentions_known)
		return damaged(f, "whether ids were looked for", err);
	inv->mentions = calloc(count + 1, sizeof(*inv->mentions));
	if (!inv->mentions)
		return err_nomem(err);
	while (r == 0 && inv->mention_count < count)
		r = get_mentions(f, &inv->mentions[inv->mention_count++], &budget, err);
	return r;
}

/* What the records add up to, to be held against the head. */
struct tally {
	uint64_t entries, kinds[INV_KIND_COUNT], *owners;
	unsigned flags;
	size_t files, mentions;
	struct inv_state state;
	struct inv_acl_id *acl;
	size_t acl_cap;
};

static void tally_done(struct tally *t)
{
	free(t->owners);
	free(t->acl);
	buf_free(&t->state.path);
}

/* NULL, or what is wrong with a decoded record. */
static const char *count_entry(struct form *f, struct tally *t, const struct inv_entry *e)
{
	const struct layer_inventory *inv = f->inv;
	uint64_t index = t->entries;

	if (t->entries++ >= inv->entries)
		return "one record too many";
	if (e->owner >= inv->owner_count)
		return "a record's owner";
	if (!path_is_clean(e->path, e->path_len) || strlen(e->path) != e->path_len ||
	    e->path_len > f->limits->v[LIMIT_TAR_NAME])
		return "a record's path";
	t->kinds[e->kind]++;
	t->owners[e->owner]++;
	t->flags |= e->flags;
	f->inv->largest = MAX(f->inv->largest, e->size);
	if (t->files < inv->file_count && inv->files[t->files].index == index) {
		const struct inv_file *file = &inv->files[t->files++];

		if (e->kind != INV_REG || file->size != e->size || strcmp(file->path, e->path) != 0)
			return "the record of a file";
	}
	if (t->mentions < inv->mention_count && inv->mentions[t->mentions].index == index) {
		const struct inv_mentions *m = &inv->mentions[t->mentions++];

		if (e->kind != INV_REG || strcmp(m->path, e->path) != 0)
			return "the record of a file that mentions ids";
	}
	return NULL;
}

static int get_record(struct form *f, struct tally *t, uint64_t *left, struct error *err)
{
	const uint8_t *bytes, *body;
	struct inv_entry e;
	const char *wrong;
	uint64_t len;
	size_t got, whole;
	int r = cursor_peek(&f->cursor, (size_t)MIN(*left, (uint64_t)RECORD_PREFIX_MAX), &bytes,
			    &got, err);

	if (r < 0)
		return r;
	body = varint_get(bytes, bytes + got, &len);
	if (!body || len > RECORD_MAX - RECORD_PREFIX_MAX || len + (uint64_t)(body - bytes) > *left)
		return damaged(f, "the length of a record", err);
	whole = (size_t)(len + (uint64_t)(body - bytes));
	r = cursor_peek(&f->cursor, whole, &bytes, &got, err);
	if (r < 0)
		return r;
	if (got < whole)
		return damaged(f, "the end of a record", err);
	wrong = record_decode(&e, &t->state, &t->acl, &t->acl_cap, bytes + (whole - len),
			      (size_t)len);
	if (!wrong)
		wrong = count_entry(f, t, &e);
	if (wrong)
		return damaged(f, wrong, err);
	r = spool_append(f->inv->records, bytes, whole, err);
	if (r < 0)
		return r;
	*left -= whole;
	pass(f, bytes, whole);
	return 0;
}

static int get_records(struct form *f, struct error *err)
{
	_cleanup_(tally_done) struct tally t = { 0 };
	struct layer_inventory *inv = f->inv;
	uint64_t left;
	int r = get(f, &left, UINT64_MAX, "the size of the records", err);

	t.owners = calloc(inv->owner_count + 1, sizeof(*t.owners));
	if (r == 0 && !t.owners)
		return err_nomem(err);
	while (r == 0 && left)
		r = get_record(f, &t, &left, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < inv->owner_count; i++)
		if (inv->owners[i].entries != t.owners[i] || !t.owners[i])
			return damaged(f, "the entries of an owner", err);
	if (t.entries != inv->entries || t.flags != inv->flags_seen || t.files != inv->file_count ||
	    t.mentions != inv->mention_count || memcmp(t.kinds, inv->kinds, sizeof(t.kinds)) != 0)
		return damaged(f, "what the records add up to", err);
	return spool_seal(inv->records, err);
}

static int get_magic(struct form *f, struct error *err)
{
	const uint8_t *bytes;
	size_t got;
	int r = cursor_peek(&f->cursor, FORM_MAGIC_LEN, &bytes, &got, err);

	if (r < 0)
		return r;
	if (got < FORM_MAGIC_LEN || memcmp(bytes, FORM_MAGIC, FORM_MAGIC_LEN - 1) != 0)
		return damaged(f, "no inventory", err);
	if (bytes[FORM_MAGIC_LEN - 1] != FORM_MAGIC[FORM_MAGIC_LEN - 1])
		return damaged(f, "another version", err);
	pass(f, bytes, FORM_MAGIC_LEN);
	return 0;
}

static int get_sum(struct form *f, struct error *err)
{
	uint64_t want = f->sum, have = 0;
	const uint8_t *bytes;
	size_t got;
	int r = cursor_peek(&f->cursor, FORM_SUM_LEN + 1, &bytes, &got, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < FORM_SUM_LEN && got == FORM_SUM_LEN; i++)
		have |= (uint64_t)bytes[i] << (8 * i);
	return got != FORM_SUM_LEN || have != want ? damaged(f, "the sum", err) : 0;
}

static int get_all(struct form *f, struct error *err)
{
	int r = get_magic(f, err);

	if (r == 0)
		r = get_numbers(f, err);
	if (r == 0)
		r = get_digest(f, &f->inv->diff_id, err);
	if (r == 0)
		r = get_digest(f, &f->inv->blob_digest, err);
	if (r == 0)
		r = get_owners(f, err);
	if (r == 0)
		r = get_files(f, err);
	if (r == 0)
		r = get_all_mentions(f, err);
	if (r == 0)
		r = get_records(f, err);
	return r < 0 ? r : get_sum(f, err);
}

int layer_inventory_read(struct layer_inventory **out, struct stream *in,
			 const struct limits *limits, struct error *err)
{
	return layer_inventory_read_within(out, in, limits, INV_SPOOL_MEMORY, err);
}

int layer_inventory_read_within(struct layer_inventory **out, struct stream *in,
				const struct limits *limits, size_t spool_memory, struct error *err)
{
	_cleanup_(layer_inventory_freep) struct layer_inventory *inv = calloc(1, sizeof(*inv));
	struct form f = { .limits = limits, .inv = inv, .sum = FORM_SUM_INIT };
	int r;

	if (inv)
		inv->records = spool_new(spool_memory ? spool_memory : INV_SPOOL_MEMORY);
	if (!inv || !inv->records)
		return err_nomem(err);
	cursor_init(&f.cursor, in);
	r = get_all(&f, err);
	cursor_done(&f.cursor);
	if (r == 0)
		*out = STEAL(inv);
	return r;
}
