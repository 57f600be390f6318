/* The tar reader reads through a stream that keeps what passes until it is known whether it
 * changes: the reader decides what an entry is, and never sees a byte that is not in the queue.
 */
#include "fix/rewrite.h"

#include <string.h>

#include "tar/patch.h"
#include "tar/reader.h"

#define BODY_SMALL (64u << 10)	/* read over together with the next header */
#define RUN_SMALL  (32u << 10)	/* copied into a block with its neighbours */
#define QUEUE_MAX  (128u << 20) /* kept bytes: headers, until their entry is known */

struct held {
	struct block *block;
	size_t pos;
};

/* Blocks in the order of their bytes. */
struct queue {
	struct held *v;
	size_t head, count, cap;
	uint64_t bytes;
};

struct capture {
	struct stream base;
	struct stream *inner;
	struct queue queue;
	uint64_t offset; /* of the queue's first byte in the tar */
};

struct rewrite {
	struct stream base;
	const struct fix_plan *plan;
	const struct fix_blob *blob;
	struct capture capture;
	struct tar_reader *tar;
	struct inv_iter entries;
	struct stream *body; /* of a large file, on its way */
	uint64_t body_end;   /* as far as it was handed on */
	uint64_t drop_until; /* bytes of the tar that something else stands for */
	size_t file, link;   /* next of blob->files, blob->links */
	struct queue out;
	struct block *fresh; /* being filled */
	struct buf headers, patched;
	uint64_t changed_bytes;
	struct fix_difference *difference; /* borrowed, or NULL */
	bool rest;			   /* behind the end marker: everything stays */
	bool ended;
};

static int queue_push(struct queue *q, struct block *b, size_t pos, struct error *err)
{
	if (q->head && q->head == q->count)
		q->head = q->count = 0;
	if (q->count == q->cap && q->head > q->count / 2) {
		q->count -= q->head;
		memmove(q->v, q->v + q->head, q->count * sizeof(*q->v));
		q->head = 0;
	}
	if (q->count == q->cap) {
		size_t cap = q->cap ? q->cap * 2 : 16;
		struct held *grown = reallocarray(q->v, cap, sizeof(*grown));

		if (!grown)
			return err_nomem(err);
		q->v = grown;
		q->cap = cap;
	}
	q->v[q->count++] = (struct held){ b, pos };
	q->bytes += b->len - pos;
	return 0;
}

static struct held *queue_head(struct queue *q)
{
	return q->head < q->count ? &q->v[q->head] : NULL;
}

/* Passes n bytes of the head, which has as many. */
static void queue_pass(struct queue *q, size_t n)
{
	struct held *h = &q->v[q->head];

	h->pos += n;
	q->bytes -= n;
	if (h->pos == h->block->len) {
		block_unref(h->block);
		q->head++;
	}
}

static void queue_free(struct queue *q)
{
	for (; q->head < q->count; q->head++)
		block_unref(q->v[q->head].block);
	free(q->v);
}

static int capture_next(struct stream *s, struct block **out, struct error *err)
{
	struct capture *c = (struct capture *)s;
	int r;

	if (c->queue.bytes > QUEUE_MAX)
		return err_fail(err, ERR_LIMIT, 0, "more than %u MiB of headers", QUEUE_MAX >> 20);
	r = stream_next(c->inner, out, err);
	if (r)
		return r;
	r = queue_push(&c->queue, block_ref(*out), 0, err);
	if (r < 0) {
		block_unref(*out);
		block_unref(*out);
	}
	return r;
}

static void capture_close(_unused_ struct stream *s)
{
}

static int flush(struct rewrite *w, struct error *err)
{
	struct block *b = STEAL(w->fresh);
	int r;

	if (!b)
		return 0;
	if (!b->len) {
		block_unref(b);
		return 0;
	}
	r = queue_push(&w->out, b, 0, err);
	if (r < 0)
		block_unref(b);
	return r;
}

static int put(struct rewrite *w, const uint8_t *bytes, size_t n, struct error *err)
{
	while (n) {
		size_t k;

		if (!w->fresh) {
			w->fresh = block_new();
			if (!w->fresh)
				return err_nomem(err);
			w->fresh->data = w->fresh->buffer;
			w->fresh->len = 0;
		}
		k = MIN(n, BLOCK_SIZE - w->fresh->len);
		memcpy(w->fresh->buffer + w->fresh->len, bytes, k);
		w->fresh->len += k;
		bytes += k;
		n -= k;
		if (w->fresh->len == BLOCK_SIZE) {
			int r = flush(w, err);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int put_run(struct rewrite *w, const struct held *h, size_t n, struct error *err)
{
	struct block *view;
	int r;

	if (n < RUN_SMALL)
		return put(w, h->block->data + h->pos, n, err);
	r = flush(w, err);
	if (r < 0)
		return r;
	view = n == h->block->len ? block_ref(h->block) : block_view(h->block, h->pos, n);
	if (!view)
		return err_nomem(err);
	r = queue_push(&w->out, view, 0, err);
	if (r < 0)
		block_unref(view);
	return r;
}

/* n bytes of the head are handed on, or go. */
static int record_run(struct rewrite *w, const struct held *h, size_t n, bool drop,
		      struct error *err)
{
	if (!w->difference)
		return 0;
	return drop ? fix_difference_old_bytes(w->difference, h->block->data + h->pos, n, err)
		    : fix_difference_copy(w->difference, n, err);
}

/* Everything up to that offset of the tar, as it is. What was not read yet is not there. */
static int emit_to(struct rewrite *w, uint64_t offset, struct error *err)
{
	struct capture *c = &w->capture;
	struct held *h;

	while (c->offset < offset && (h = queue_head(&c->queue))) {
		bool drop = c->offset < w->drop_until;
		uint64_t end = drop ? MIN(offset, w->drop_until) : offset;
		size_t n = (size_t)MIN(end - c->offset, (uint64_t)(h->block->len - h->pos));
		int r = drop ? 0 : put_run(w, h, n, err);

		if (r == 0)
			r = record_run(w, h, n, drop, err);
		if (r < 0)
			return r;
		queue_pass(&c->queue, n);
		c->offset += n;
	}
	return 0;
}

/* The bytes from where the queue begins up to offset, taken out of it. */
static int take_to(struct rewrite *w, uint64_t offset, struct buf *out, struct error *err)
{
	struct capture *c = &w->capture;
	struct held *h;

	buf_clear(out);
	while (c->offset < offset && (h = queue_head(&c->queue))) {
		size_t n = (size_t)MIN(offset - c->offset, (uint64_t)(h->block->len - h->pos));

		if (buf_append(out, h->block->data + h->pos, n) < 0)
			return err_nomem(err);
		queue_pass(&c->queue, n);
		c->offset += n;
	}
	return c->offset == offset ? 0 : err_fail(err, ERR_BUG, 0, "a header is not in the queue");
}

static bool patch_acl(void *ctx, uint32_t id, bool is_gid, uint32_t *to)
{
	return fix_renumber(((struct rewrite *)ctx)->plan, is_gid, id, to);
}

static bool patch_rootid(void *ctx, uint32_t rootid)
{
	return !fix_maps_hold(&((struct rewrite *)ctx)->plan->maps, false, rootid);
}

static bool patch_of(struct rewrite *w, const struct inv_entry *e, struct tar_patch *p)
{
	const struct fix_blob *b = w->blob;
	struct fix_change c;

	*p = (struct tar_patch){ .ctx = w };
	if (w->link < b->link_count && b->links[w->link].index == e->index) {
		const struct fix_link *l = &b->links[w->link++];

		c = (struct fix_change){ .uid = e->uid != l->uid,
					 .gid = e->gid != l->gid,
					 .new_uid = l->uid,
					 .new_gid = l->gid,
					 .clear_mode = l->clear_mode };
	} else {
		fix_change_of(w->plan, e->kind, e->mode, e->uid, e->gid, &c);
	}
	p->set_uid = c.uid;
	p->set_gid = c.gid;
	p->uid = c.new_uid;
	p->gid = c.new_gid;
	p->clear_mode = c.clear_mode;
	if (e->flags & INV_HAS_ACL_IDS)
		p->acl = patch_acl;
	if (e->flags & INV_CAP_ROOTID)
		p->rootid = patch_rootid;
	return c.uid || c.gid || c.clear_mode || p->acl || p->rootid;
}

/* The old body goes, the new one takes its place. */
static int replace_body(struct rewrite *w, const struct tar_entry *t, const struct fix_file *f,
			struct error *err)
{
	static const uint8_t zeros[TAR_BLOCK];
	_cleanup_(stream_closep) struct stream *body = NULL;
	int r = tar_reader_body(w->tar, &body, err);

	if (r == 0)
		r = stream_drain(body, err);
	w->drop_until = t->body_offset + (t->body_size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	if (r == 0)
		r = put(w, f->data, f->len, err);
	if (r == 0)
		r = put(w, zeros, -f->len & (TAR_BLOCK - 1), err);
	if (r == 0 && w->difference)
		r = fix_difference_new_bytes(w->difference,
					     (f->len + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK, err);
	w->changed_bytes += f->len;
	return r;
}

static int patch(struct rewrite *w, const struct tar_entry *t, const struct tar_patch *p,
		 struct error *err)
{
	int r = emit_to(w, t->start_offset, err);

	if (r == 0)
		r = take_to(w, t->header_offset + TAR_BLOCK, &w->headers, err);
	if (r < 0)
		return r;
	buf_clear(&w->patched);
	r = tar_patch_entry(&w->patched, w->headers.data, w->headers.len, p, err);
	if (r < 0)
		return r;
	if (w->patched.len != w->headers.len ||
	    memcmp(w->patched.data, w->headers.data, w->headers.len) != 0)
		w->changed_bytes += w->patched.len;
	if (w->difference)
		r = fix_difference_patch(w->difference, w->headers.data, w->headers.len,
					 w->patched.data, w->patched.len, err);
	return r < 0 ? r : put(w, w->patched.data, w->patched.len, err);
}

/* An entry of which nothing is to be left; its body passes as that of others does. */
static int drop(struct rewrite *w, const struct tar_entry *t, struct error *err)
{
	int r = emit_to(w, t->start_offset, err);

	w->drop_until = t->body_offset + (t->body_size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	w->body_end = t->body_offset;
	return r < 0 || !t->body_size ? r : tar_reader_body(w->tar, &w->body, err);
}

static int not_the_same(const struct rewrite *w, struct error *err)
{
	return err_fail(err, ERR_DIGEST, 0, "layer %zu is not what it was when it was checked",
			w->blob->layer);
}

static int entry(struct rewrite *w, const struct tar_entry *t, struct error *err)
{
	const struct fix_file *f = NULL;
	struct tar_patch p;
	struct inv_entry e;
	bool changes;
	int r = inv_iter_next(&w->entries, &e, err);

	if (r < 0)
		return r;
	if (r > 0 || e.header_offset != t->header_offset || e.uid != t->uid || e.gid != t->gid)
		return not_the_same(w, err);
	if (w->file < w->blob->file_count && w->blob->files[w->file].index == e.index)
		f = &w->blob->files[w->file++];
	if (fix_is_toc(&e))
		return drop(w, t, err);
	changes = patch_of(w, &e, &p);
	p.set_size = f != NULL;
	p.size = f ? f->len : 0;
	r = changes || f ? patch(w, t, &p, err) : 0;
	if (r == 0 && f)
		return replace_body(w, t, f, err);
	if (r == 0 && t->body_size > BODY_SMALL) {
		r = emit_to(w, t->body_offset, err);
		w->body_end = t->body_offset;
		if (r == 0)
			r = tar_reader_body(w->tar, &w->body, err);
	}
	return r;
}

static int body_step(struct rewrite *w, struct error *err)
{
	_cleanup_(block_unrefp) struct block *b = NULL;
	int r = stream_next(w->body, &b, err);

	if (r > 0) {
		stream_close(STEAL(w->body));
		return 0;
	}
	if (r < 0)
		return r;
	w->body_end += b->len;
	return emit_to(w, w->body_end, err);
}

/* What the reader has seen is in the queue; what lies behind it may be of any size. */
static int end_step(struct rewrite *w, struct error *err)
{
	struct inv_entry e;
	int r = inv_iter_next(&w->entries, &e, err);

	w->rest = true;
	if (r == 0)
		return not_the_same(w, err);
	return r < 0 ? r : emit_to(w, UINT64_MAX, err);
}

static int rest_step(struct rewrite *w, struct error *err)
{
	struct block *b;
	int r = stream_next(w->capture.inner, &b, err);

	if (r == 0) {
		r = queue_push(&w->capture.queue, b, 0, err);
		if (r < 0)
			block_unref(b);
		return r < 0 ? r : emit_to(w, UINT64_MAX, err);
	}
	w->ended = true;
	r = r < 0 ? r : 0;
	if (r == 0 && w->difference)
		r = fix_difference_end(w->difference, err);
	return r < 0 ? r : flush(w, err);
}

static int step(struct rewrite *w, struct error *err)
{
	struct tar_entry t;
	int r;

	if (w->body)
		return body_step(w, err);
	if (w->rest)
		return rest_step(w, err);
	r = tar_reader_next(w->tar, &t, err);
	if (r > 0)
		return end_step(w, err);
	if (r == 0)
		r = entry(w, &t, err);
	/* What lies before the entry at hand is settled. */
	return r == 0 && !w->body ? emit_to(w, t.start_offset, err) : r;
}

static int rewrite_next(struct stream *s, struct block **out, struct error *err)
{
	struct rewrite *w = (struct rewrite *)s;
	struct held *h;

	while (!(h = queue_head(&w->out))) {
		int r = w->ended ? 1 : step(w, err);

		if (r)
			return r;
	}
	*out = block_ref(h->block);
	queue_pass(&w->out, h->block->len);
	return 0;
}

static void rewrite_close(struct stream *s)
{
	struct rewrite *w = (struct rewrite *)s;

	stream_close(w->body);
	tar_reader_free(w->tar);
	inv_iter_done(&w->entries);
	queue_free(&w->capture.queue);
	queue_free(&w->out);
	block_unref(w->fresh);
	stream_close(w->capture.inner);
	buf_free(&w->headers);
	buf_free(&w->patched);
	free(w);
}

void fix_rewrite_record(struct stream *s, struct fix_difference *d)
{
	((struct rewrite *)s)->difference = d;
}

uint64_t fix_rewrite_bytes(const struct stream *s)
{
	return ((const struct rewrite *)s)->changed_bytes;
}

int fix_rewrite_open(struct stream **out, struct stream *tar, const struct fix_plan *plan,
		     const struct fix_blob *blob, const struct limits *limits, struct error *err)
{
	static const struct stream_ops ops = { rewrite_next, NULL, rewrite_close };
	static const struct stream_ops capture_ops = { capture_next, NULL, capture_close };
	struct rewrite *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_nomem(err);
	w->base.ops = &ops;
	w->plan = plan;
	w->blob = blob;
	w->capture.base.ops = &capture_ops;
	r = tar_reader_new(&w->tar, &w->capture.base, limits, err);
	if (r < 0) {
		free(w);
		return r;
	}
	tar_reader_leave_rest(w->tar);
	w->capture.inner = tar;
	inv_iter_init(&w->entries, blob->inventory);
	*out = &w->base;
	return 0;
}
