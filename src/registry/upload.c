/* A blob's upload: begun, sent in chunks, ended; and what is done where one of these breaks.
 *
 * A chunk is kept in memory, so that it can be sent again from where the server says that it broke
 * off. Some servers give the whole upload up then (docker-registry): of a blob of more chunks what
 * was sent is kept in a file, and all of it sent once more at the end.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "registry/impl.h"
#include "stream/spool.h"

#define CHUNK	(16u << 20)
#define TRIES	6 /* of one chunk, or of the end */
#define REPLAYS 3 /* of a whole blob */
#define PEEK	(1u << 20)

struct registry_upload {
	struct endpoint *e;
	char *location; /* where the next bytes go */
	struct buf chunk;
	uint64_t sent;
	bool keep;	     /* what was sent is spooled */
	bool lost;	     /* the server has given it up: bytes go to the spool alone */
	struct spool *spool; /* NULL for a blob of one chunk */
	struct progress *progress;
	size_t line;
	uint64_t from,
		told; /* where the request begins that is on its way; the most that was told */
};

void registry_upload_watch(struct registry_upload *u, struct progress *progress, size_t line)
{
	u->progress = progress;
	u->line = line;
}

/* What is sent once more is not told before it is news. */
static int sent(void *ctx, uint64_t bytes, struct error *err)
{
	struct registry_upload *u = ctx;

	if (progress_stopped(u->progress))
		return err_fail(err, ERR_SEQUENCE, 0, "interrupted");
	if (u->from + bytes <= u->told)
		return 0;
	u->told = u->from + bytes;
	progress_advance(u->progress, u->line, PROGRESS_WRITING, u->told);
	return 0;
}

/* Where the answer says that the upload goes on. */
static int follow(struct registry_upload *u, const struct http_answer *a, struct error *err)
{
	const char *location = http_header(a, "Location", 0);
	char *next;
	int r;

	if (!location)
		return err_fail(err, ERR_NET, 0, "%s: an upload without a Location",
				u->e->place->host);
	r = http_url_join(&next, http_final_url(a), location, err);
	if (r < 0)
		return err_wrap(err, "%s: the Location of an upload", u->e->place->host);
	if (!http_is_private(next) && strncmp(u->e->base, "https:", 6) == 0) {
		free(next);
		return err_fail(err, ERR_DENIED, 0, "%s: an upload that goes on without TLS",
				u->e->place->host);
	}
	free(u->location);
	u->location = next;
	return 0;
}

static void upload_free(struct registry_upload *u)
{
	free(u->location);
	buf_free(&u->chunk);
	spool_free(u->spool);
	free(u);
}

/* POST to begin; query may be NULL. 1 where the answer is 201: the blob was mounted. */
static int begin(struct registry_upload *u, const char *query, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) char *url = NULL;
	/* Begun twice is no harm: the registry drops what is never finished. */
	struct http_request rq = { .method = "POST", .bytes = "", .idempotent = true };
	int r = endpoint_url(&url, u->e, err, "blobs/uploads/%s", query ? query : "");

	rq.url = url;
	if (r == 0)
		r = endpoint_send(u->e, &rq, &a, err);
	if (r < 0)
		return r;
	if (query && http_status(a) == 201)
		return 1;
	if (http_status(a) != 202)
		return registry_refused(a, u->e, "begin an upload", err);
	return follow(u, a, err);
}

void registry_upload_drop(struct registry_upload *u)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	struct http_request rq = { .method = "DELETE", .once = true };
	struct error ignored;

	if (!u)
		return;
	rq.url = u->location;
	/* Registries drop what is never finished by themselves, later. */
	if (endpoint_send(u->e, &rq, &a, &ignored) < 0)
		a = NULL;
	upload_free(u);
}

int registry_blob_mount(struct registry_upload **out, struct registry *r,
			const struct oci_digest *digest, const char *from, struct error *err)
{
	struct registry_upload *u;
	char query[DIGEST_HEX_MAX + 300];
	struct error refused;
	int n, ret;

	*out = NULL;
	n = snprintf(query, sizeof(query), "?mount=%s&from=%s", digest->text, from);
	if (n < 0 || (size_t)n >= sizeof(query))
		return err_fail(err, ERR_USAGE, 0, "repository %.40s...: too long", from);
	u = calloc(1, sizeof(*u));
	if (!u)
		return err_nomem(err);
	u->e = registry_destination(r);
	ret = begin(u, query, &refused);
	if (ret == 0)
		*out = u; /* it would rather have the bytes */
	else
		upload_free(u);
	/* One that may not be read there: its bytes may be written all the same. */
	return ret != 1;
}

int registry_upload_begin(struct registry_upload **out, struct registry *r, bool keep,
			  struct error *err)
{
	struct registry_upload *u = calloc(1, sizeof(*u));
	int ret;

	if (!u)
		return err_nomem(err);
	u->e = registry_destination(r);
	u->keep = keep;
	ret = begin(u, NULL, err);
	if (ret < 0) {
		upload_free(u);
		return ret;
	}
	*out = u;
	return 0;
}

/* How many bytes the server has: "Range: 0-LAST". */
static int ask_progress(struct registry_upload *u, uint64_t *have, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	struct http_request rq = { .method = "GET", .url = u->location };
	unsigned long long first, last;
	const char *range;
	int r = endpoint_send(u->e, &rq, &a, err);

	if (r < 0)
		return r;
	range = http_header(a, "Range", 0);
	if (http_status(a) != 204 || !range)
		return registry_refused(a, u->e, "resume an upload", err);
	if (strncmp(range, "bytes=", 6) == 0)
		range += 6;
	if (sscanf(range, "%llu-%llu", &first, &last) != 2 || first != 0 || last == UINT64_MAX)
		return err_fail(err, ERR_NET, 0, "%s: an upload whose Range is none",
				u->e->place->host);
	/* distribution says 0-0 for nothing as well as for one byte. */
	*have = last || u->sent ? last + 1 : 0;
	return follow(u, a, err);
}

/* 416: the server has another offset than we think. */
static bool is_passing(long status)
{
	return status == 408 || status == 416 || status == 429 || status >= 500;
}

static void pause_before(const struct registry *r, unsigned try)
{
	unsigned ms = 250u << MIN(try, 5), hurry = r->opts.hurry ? r->opts.hurry : 1;
	struct timespec t = { ms / hurry / 1000, ms / hurry % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* One PATCH of what is left of the chunk from at. *again: it may do better. */
static int patch(struct registry_upload *u, size_t at, bool *again, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	char range[64];
	const struct http_header headers[] = { { "Content-Type", "application/octet-stream" },
					       { "Content-Range", range } };
	struct http_request rq = { .method = "PATCH",
				   .url = u->location,
				   .headers = headers,
				   .header_count = ARRAY_SIZE(headers),
				   .bytes = u->chunk.data + at,
				   .size_bytes = u->chunk.len - at,
				   .sent = sent,
				   .sent_ctx = u };
	int r;

	u->from = u->sent + at;
	snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)u->from,
		 (unsigned long long)(u->sent + u->chunk.len - 1));
	r = endpoint_send(u->e, &rq, &a, err);
	*again = r == -ERR_NET;
	if (r < 0)
		return r;
	*again = is_passing(http_status(a));
	if (http_status(a) != 202 && http_status(a) != 201 && http_status(a) != 204)
		return registry_refused(a, u->e, "upload", err);
	return follow(u, a, err);
}

/* Where a chunk goes on after it broke: how much of it the server has. */
static int find_place(struct registry_upload *u, size_t *at, struct error *err)
{
	uint64_t have = 0;
	int r = ask_progress(u, &have, err);

	/* What has just begun may begin again. */
	if (r < 0 && !u->sent)
		r = begin(u, NULL, err);
	if (r < 0)
		return r;
	if (have < u->sent || have > u->sent + u->chunk.len)
		return err_fail(err, ERR_NET, 0,
				"%s: an upload that has %llu bytes where %llu were sent",
				u->e->place->host, (unsigned long long)have,
				(unsigned long long)(u->sent + u->chunk.len));
	*at = (size_t)(have - u->sent);
	return 0;
}

/* A connection that broke may have brought the bytes all the same: the server is asked. *lost: all
 * of the blob would have to be sent again. */
static int send_chunk(struct registry_upload *u, bool *lost, struct error *err)
{
	size_t at = 0;

	*lost = false;
	for (unsigned try = 0; at < u->chunk.len; try++) {
		struct error ask_err;
		bool again;
		int r = patch(u, at, &again, err);

		if (r == 0)
			break;
		*lost = again;
		if (!again || try + 1 == TRIES)
			return r;
		pause_before(u->e->registry, try);
		if (find_place(u, &at, &ask_err) < 0)
			return r;
		notes_add(u->e->registry->opts.notes, "%s; went on from byte %llu", err->msg,
			  (unsigned long long)(u->sent + at));
	}
	u->sent += u->chunk.len;
	buf_clear(&u->chunk);
	return 0;
}

/* A disk that is full is no reason to stop while the server has what was sent. */
static int keep_chunk(struct registry_upload *u, struct error *err)
{
	int r;

	if (!u->keep)
		return 0;
	if (!u->spool)
		u->spool = spool_new(0);
	r = u->spool ? spool_append(u->spool, u->chunk.data, u->chunk.len, err) : err_nomem(err);
	if (r == 0 || u->lost)
		return r;
	notes_add(u->e->registry->opts.notes,
		  "%s: should this upload break, it cannot be sent again", err->msg);
	spool_free(STEAL(u->spool));
	u->keep = false;
	return 0;
}

/* The chunk goes: to the server, or where that is lost to the spool alone. */
static int chunk_out(struct registry_upload *u, struct error *err)
{
	bool lost = false;
	int r = keep_chunk(u, err);

	if (r == 0 && !u->lost)
		r = send_chunk(u, &lost, err);
	if (r < 0 && lost && u->keep) {
		notes_add(u->e->registry->opts.notes, "%s; the blob will be sent again", err->msg);
		u->lost = true;
		r = 0;
	}
	if (r == 0)
		buf_clear(&u->chunk);
	return r;
}

int registry_upload_write(struct registry_upload *u, const void *bytes, size_t n, struct error *err)
{
	const uint8_t *from = bytes;

	while (n) {
		size_t take = MIN(n, CHUNK - u->chunk.len);
		int r;

		/* A full chunk goes when more comes, so that a small blob is one request. */
		if (!take) {
			r = chunk_out(u, err);
			if (r < 0)
				return r;
			continue;
		}
		if (buf_append(&u->chunk, from, take))
			return err_nomem(err);
		from += take;
		n -= take;
	}
	return 0;
}

static int put(struct registry_upload *u, const struct oci_digest *digest, bool *again,
	       struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) char *url = NULL;
	const struct http_header type = { "Content-Type", "application/octet-stream" };
	struct http_request rq = { .method = "PUT",
				   .headers = &type,
				   .header_count = 1,
				   .bytes = u->chunk.len ? (const void *)u->chunk.data : "",
				   .size_bytes = u->chunk.len,
				   .sent = sent,
				   .sent_ctx = u };
	int r = http_url_add(&url, u->location, "digest", digest->text, err);

	*again = false;
	u->from = u->sent;
	rq.url = url;
	if (r < 0)
		return r;
	r = endpoint_send(u->e, &rq, &a, err);
	*again = r == -ERR_NET;
	if (r < 0)
		return r;
	*again = is_passing(http_status(a));
	if (http_status(a) != 201 && http_status(a) != 204)
		return registry_refused(a, u->e, "finish an upload", err);
	return registry_check_digest(a, u->e, digest->text, err);
}

/* 0 where it can be tried again, 1 where it is done. */
static int after_put(struct registry_upload *u, const struct oci_digest *digest, struct error *err)
{
	size_t at = 0;
	int r = registry_blob_exists(u->e->registry, digest, err);

	if (r <= 0)
		return r == 0 ? 1 : r;
	/* All of a small blob is at hand; of another the server has it. */
	r = u->sent ? find_place(u, &at, err) : begin(u, NULL, err);
	return r < 0 ? r : 0;
}

/* *lost as for a chunk. */
static int put_end(struct registry_upload *u, const struct oci_digest *digest, bool *lost,
		   struct error *err)
{
	for (unsigned try = 0;; try++) {
		struct error ask_err;
		bool again;
		int ask, r = put(u, digest, &again, err);

		*lost = again && u->sent;
		if (r == 0 || !again || try + 1 == TRIES)
			return r;
		pause_before(u->e->registry, try);
		ask = after_put(u, digest, &ask_err);
		if (ask < 0)
			return r;
		notes_add(u->e->registry->opts.notes, "%s; %s", err->msg,
			  ask ? "it was done all the same" : "tried again");
		if (ask)
			return 0;
	}
}

/* All of a kept blob, as a new upload. */
static int send_kept(struct registry_upload *u, bool *lost, struct error *err)
{
	struct spool_reader reader;
	const uint8_t *bytes;
	size_t got = 0;
	int r;

	buf_clear(&u->chunk);
	u->sent = 0;
	*lost = false;
	r = begin(u, NULL, err);
	spool_reader_init(&reader, u->spool);
	while (r == 0 && (r = spool_peek(&reader, PEEK, &bytes, &got, err)) == 0 && got) {
		got = MIN(got, CHUNK - u->chunk.len);
		if (buf_append(&u->chunk, bytes, got))
			r = err_nomem(err);
		spool_advance(&reader, got);
		if (r == 0 && u->chunk.len == CHUNK)
			r = send_chunk(u, lost, err);
	}
	spool_reader_done(&reader);
	return r < 0 || !u->chunk.len ? r : send_chunk(u, lost, err);
}

static int finish(struct registry_upload *u, const struct oci_digest *digest, struct error *err)
{
	bool lost = false;
	/* What has begun in chunks ends in one, so that it can be sent again. */
	int r = (u->sent || u->lost) && u->chunk.len ? chunk_out(u, err) : 0;

	if (r == 0 && !u->lost)
		r = put_end(u, digest, &lost, err);
	if (!u->spool || (r == 0 ? !u->lost : !lost))
		return r;
	r = spool_seal(u->spool, err);
	for (unsigned n = 0; r == 0 && n < REPLAYS; n++) {
		r = send_kept(u, &lost, err);
		if (r == 0)
			r = put_end(u, digest, &lost, err);
		if (r == 0 || !lost || n + 1 == REPLAYS)
			break;
		r = 0;
	}
	return r;
}

int registry_upload_finish(struct registry_upload *u, const struct oci_digest *digest,
			   struct error *err)
{
	int r = finish(u, digest, err);

	if (r < 0)
		registry_upload_drop(u);
	else
		upload_free(u);
	return r;
}
