/* An archive that is read once: standard input, or a compressed file. Which member is a manifest, a
 * config or a layer is known only when manifest.json has been seen, and that may be the last one.
 * So that nothing goes to a temporary file, whatever could be a document (small, begins as JSON
 * does) is kept, and whatever could be a layer is handed on as it passes.
 */
#include <stdlib.h>
#include <string.h>

#include "source/internal.h"
#include "source/members.h"
#include "stream/codec.h"
#include "stream/peek.h"

/* Documents of an archive with a thousand images have half of it; attestations (SBOMs) can be as
 * large as layers. */
#define KEPT_MAX (64u << 20)

struct store_onepass {
	struct store base;
	struct members members;
	struct stream *in;
	uint64_t kept;
};

static int onepass_find(struct store *st, const char *name, struct stored *out, struct error *err)
{
	const struct store_onepass *o = (const struct store_onepass *)st;
	const struct member *m = members_find(&o->members, name);

	if (!m)
		return 1;
	return member_stored(m, out, err);
}

static int onepass_open(struct store *st, const char *name, struct stream **out, struct error *err)
{
	const struct store_onepass *o = (const struct store_onepass *)st;
	const struct member *m = members_find(&o->members, name);
	char text[200];

	if (!m)
		return err_fail(err, ERR_NOT_FOUND, 0, "a member is not in the archive");
	if (m->data)
		return stream_open_memory(out, m->data, (size_t)m->size, err);
	if (m->size > KEPT_MAX - o->kept)
		return err_fail(err, ERR_LIMIT, 0,
				"the archive holds more than %u MiB of JSON: as an uncompressed "
				"file it can be read",
				KEPT_MAX >> 20);
	return err_fail(err, ERR_BAD_INPUT, 0, "'%s' is no JSON document",
			err_text(text, sizeof(text), m->name, strlen(m->name)));
}

static void onepass_close(struct store *st)
{
	struct store_onepass *o = (struct store_onepass *)st;

	members_free(&o->members);
	stream_close(o->in);
	free(o);
}

static const struct store_ops onepass_ops = {
	.find = onepass_find,
	.open = onepass_open,
	.close = onepass_close,
};

int store_onepass_open(struct store **out, struct stream *in, struct error *err)
{
	struct store_onepass *o = calloc(1, sizeof(*o));

	if (!o)
		return err_nomem(err);
	o->base.ops = &onepass_ops;
	o->in = in;
	*out = &o->base;
	return 0;
}

/* A stream that its reader may close or not: the bytes stay with the scan. */
struct lent {
	struct stream base;
	struct stream *inner;
	int failed; /* what inner returned below 0 */
	struct error cause;
};

static int remember(struct lent *l, int r, const struct error *err)
{
	if (r >= 0 || l->failed)
		return r;
	l->failed = r;
	l->cause = *err;
	return r;
}

static int lent_next(struct stream *s, struct block **out, struct error *err)
{
	struct lent *l = (struct lent *)s;

	return remember(l, stream_next(l->inner, out, err), err);
}

static int lent_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct lent *l = (struct lent *)s;

	return remember(l, stream_skip(l->inner, n, skipped, err), err);
}

static void lent_close(_unused_ struct stream *s)
{
}

static const struct stream_ops lent_ops = { lent_next, NULL, lent_close };
static const struct stream_ops lent_skip_ops = { lent_next, lent_skip, lent_close };

int source_lend(source_blob_fn *fn, void *ctx, const char *blob, uint64_t size,
		struct stream *inner, struct error *err)
{
	struct lent lent = { .base = { stream_can_skip(inner) ? &lent_skip_ops : &lent_ops },
			     .inner = inner };

	return fn(ctx, blob, size, &lent.base, err);
}

/* The same of a member of an archive: what fails below it is the archive, which has no next member
 * then, whatever fn made of that. */
static int lend_member(source_blob_fn *fn, void *ctx, const struct member *m, struct stream *inner,
		       struct error *err)
{
	struct lent lent = { .base = { stream_can_skip(inner) ? &lent_skip_ops : &lent_ops },
			     .inner = inner };
	int r = fn(ctx, m->name, m->size, &lent.base, err);

	if (r < 0 || !lent.failed)
		return r;
	*err = lent.cause;
	return lent.failed;
}

static bool looks_like_layer(const uint8_t *bytes, size_t n)
{
	return n == 0 || codec_detect(bytes, n) != CODEC_NONE ||
	       (n >= TAR_BLOCK && tar_looks_like(bytes));
}

/* The formats' own names are kept whatever they hold, so that what is wrong with them can be said.
 */
static bool looks_like_document(const char *name, const uint8_t *bytes, size_t n)
{
	static const char *const known[] = { "manifest.json", "index.json", "oci-layout",
					     "repositories" };
	size_t i = 0;

	for (size_t k = 0; k < ARRAY_SIZE(known); k++)
		if (strcmp(name, known[k]) == 0)
			return true;
	while (i < n && memchr(" \t\r\n", bytes[i], 4))
		i++;
	return n && (i == n || bytes[i] == '{' || bytes[i] == '[');
}

struct scan {
	struct store_onepass *store;
	source_blob_fn *fn;
	void *ctx;
	const struct limits *limits;
};

/* The bytes of a member that may be a document. One that looks like a layer too is handed on as
 * well. */
static int keep(struct scan *s, struct member *m, struct stream *body, struct error *err)
{
	_cleanup_(stream_closep) struct stream *again = NULL;
	size_t len;
	int r;

	r = stream_read_all(body, s->limits->v[LIMIT_JSON_SIZE], &m->data, &len, err);
	if (r < 0)
		return r;
	if (len != m->size)
		return err_fail(err, ERR_TRUNCATED, 0, "a member ends after %zu bytes", len);
	s->store->kept += m->size;
	if (!m->layer)
		return 0;
	r = stream_open_memory(&again, m->data, len, err);
	return r < 0 ? r : lend_member(s->fn, s->ctx, m, again, err);
}

static int scan_member(struct scan *s, struct member *m, struct tar_reader *reader,
		       struct error *err)
{
	_cleanup_(stream_closep) struct stream *body = NULL, *peeked = NULL;
	const uint8_t *bytes;
	size_t got;
	int r;

	r = tar_reader_body(reader, &body, err);
	if (r < 0)
		return r;
	r = stream_open_peeked(&peeked, body, TAR_BLOCK, &bytes, &got, err);
	if (r < 0)
		return r;
	body = NULL; /* peeked owns it */
	m->layer = looks_like_layer(bytes, got);
	if (m->size <= s->limits->v[LIMIT_JSON_SIZE] && m->size <= KEPT_MAX - s->store->kept &&
	    looks_like_document(m->name, bytes, got))
		return keep(s, m, peeked, err);
	if (!m->layer)
		return 0;
	return lend_member(s->fn, s->ctx, m, peeked, err);
}

static int scan_all(struct scan *s, struct tar_reader *reader, struct error *err)
{
	uint64_t entries = 0;
	struct tar_entry e;
	struct member *m;
	int r;

	while ((r = tar_reader_next(reader, &e, err)) == 0) {
		if (++entries > s->limits->v[LIMIT_ARCHIVE_ENTRIES])
			return limit_passed(s->limits, LIMIT_ARCHIVE_ENTRIES, "archive", err);
		r = members_add(&s->store->members, &e, &m, err);
		if (r < 0)
			return r;
		if (!m || m->link || m->sparse)
			continue;
		r = scan_member(s, m, reader, err);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : 0;
}

int store_onepass_scan(struct store *st, source_blob_fn *fn, void *ctx, const struct limits *limits,
		       struct notes *notes, struct error *err)
{
	struct store_onepass *o = (struct store_onepass *)st;
	struct scan scan = { o, fn, ctx, limits };
	_cleanup_(stream_closep) struct stream *plain = NULL;
	_cleanup_(tar_reader_freep) struct tar_reader *reader = NULL;
	enum codec found;
	int r;

	r = codec_open_detected(&plain, o->in, &found, limits, err);
	if (r < 0)
		return r;
	o->in = NULL;
	r = tar_reader_new(&reader, plain, limits, err);
	if (r == 0)
		r = scan_all(&scan, reader, err);
	if (r < 0)
		return r;
	/* An empty input is a valid tar; it is what a failed `docker save` leaves in a pipe. */
	if (!o->members.count)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"it holds no file (did the command that writes it fail?)");
	if (tar_reader_oddities(reader) & TAR_ODD_NO_END_MARKER)
		notes_add(notes, "the archive ends without its end marker");
	members_finish(&o->members, notes);
	return 0;
}
