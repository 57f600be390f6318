/* The one walk: a layer's stored bytes through digest, decoder, digest and tar reader into records.
 *
 * It trusts nothing of the layer. It gives up what no verb asks: times, names of users, other
 * xattrs.
 */
#include <string.h>

#include "inventory/builder.h"
#include "inventory/place.h"
#include "inventory/tap.h"
#include "tar/reader.h"
#include "tar/xattr.h"

#define XATTR_VALUE_MAX 65536 /* XATTR_SIZE_MAX of include/uapi/linux/limits.h */
#define ACL_HEADER	4
#define ACL_VALUE_IDS	(XATTR_VALUE_MAX / 8)

struct walk {
	const struct layer_build *how;
	struct inv_builder builder;
	struct stream *stream; /* what the tar reader reads; owns all below it */
	struct digest_tee *blob_tee, *diff_tee;
	uint64_t blob_bytes;
	enum codec codec;
	struct tar_reader *tar;
	struct buf path;
	struct inv_acl_id *acl;
	struct acl_id *acl_scratch;
	uint16_t *asked; /* by owner, a bit a kind: how->stop knows such entries */
	size_t asked_count;
	bool cut;
};
_Static_assert(INV_KIND_COUNT <= 16, "a bit a kind");

/* Wraps *s in a tee, in place. */
static int tee_open(struct stream **s, struct digest_tee **tee, enum digest_algo algo,
		    struct error *err)
{
	struct stream *outer;
	int r = digest_tee_open(&outer, tee, *s, algo, err);

	if (r == 0)
		*s = outer;
	return r;
}

/* Joins the pipeline. A plain blob whose own digest is made already is not hashed twice; one that
 * can be skipped through is not hashed at all unless all of it is to be read. */
static int pipeline_open(struct walk *w, struct stream *raw, struct error *err)
{
	const struct layer_build *how = w->how;
	const struct tap_options tap = { .read_all = how->verify };
	struct stream *next;
	int r;

	w->stream = raw;
	r = tap_open(&next, w->stream, &tap, &w->blob_bytes, err);
	if (r < 0)
		return r;
	w->stream = next;
	if (how->want_blob_digest) {
		r = tee_open(&w->stream, &w->blob_tee, how->blob_algo, err);
		if (r < 0)
			return r;
	}
	r = codec_open_detected(&next, w->stream, &w->codec, how->limits, err);
	if (r < 0)
		return r;
	w->stream = next;
	if (w->codec == CODEC_NONE && w->blob_tee && how->blob_algo == how->diff_algo)
		return 0;
	if (stream_can_skip(w->stream))
		return 0;
	return tee_open(&w->stream, &w->diff_tee, how->diff_algo, err);
}

/* Engines go on where the kernel says EOPNOTSUPP, as it does of any version but 2; an empty value
 * removes what is not there. */
static bool acl_is_passed_over(const struct tar_xattr *x)
{
	static const uint8_t version[ACL_HEADER] = { 2 };

	return !x->value_len ||
	       (x->value_len >= ACL_HEADER && memcmp(x->value, version, ACL_HEADER) != 0);
}

static bool is_default(const struct tar_xattr *x)
{
	static const char name[] = "system.posix_acl_default";

	return x->name_len == sizeof(name) - 1 && memcmp(x->name, name, x->name_len) == 0;
}

/* Where the kernel has such an ACL: a default one on directories only, none on a symlink. */
static bool acl_may_stand(const struct tar_xattr *x, const struct inv_entry *e)
{
	if (e->kind == INV_SYMLINK)
		return false;
	return !is_default(x) || e->kind == INV_DIR || e->kind == INV_ROOT;
}

static int take_acl(struct walk *w, const struct tar_xattr *x, struct inv_entry *e)
{
	bool valid, stands = acl_may_stand(x, e);
	size_t count;

	if (acl_is_passed_over(x))
		return 0;
	if (!w->acl) {
		w->acl = calloc(RECORD_ACL_MAX, sizeof(*w->acl));
		w->acl_scratch = calloc(ACL_VALUE_IDS, sizeof(*w->acl_scratch));
		if (!w->acl || !w->acl_scratch)
			return -ERR_NOMEM;
	}
	/* The kernel takes no xattr above XATTR_SIZE_MAX, whatever it holds. */
	if (x->value_len > XATTR_VALUE_MAX ||
	    !acl_read(x->value, x->value_len, w->acl_scratch, ACL_VALUE_IDS, &count, &valid) ||
	    (stands && !valid)) {
		e->flags |= INV_ACL_INVALID;
		return 0;
	}
	for (size_t i = 0; i < count && e->acl_count < RECORD_ACL_MAX; i++)
		w->acl[e->acl_count++] = (struct inv_acl_id){ .id = w->acl_scratch[i].id,
							      .is_gid = w->acl_scratch[i].is_gid };
	e->acl = w->acl;
	if (x->value_len > ACL_HEADER && !stands && e->kind != INV_SYMLINK)
		e->flags |= INV_ACL_MISPLACED;
	if (e->acl_count)
		e->flags |= INV_HAS_ACL_IDS;
	return 0;
}

static int take_xattrs(struct walk *w, const struct tar_entry *t, struct inv_entry *e)
{
	for (size_t i = 0; i < t->xattr_count; i++) {
		const struct tar_xattr *x = &t->xattrs[i];

		if (xattr_is_acl(x->name, x->name_len)) {
			if (take_acl(w, x, e) < 0)
				return -ERR_NOMEM;
		} else if (xattr_is_capability(x->name, x->name_len) && x->value_len) {
			int version = capability_rootid(x->value, x->value_len, &e->cap_rootid);

			e->flags |= INV_CAPABILITY;
			if (version < 0)
				e->flags |= INV_CAP_INVALID;
			else if (version > 0)
				e->flags |= INV_CAP_ROOTID;
		}
	}
	return 0;
}

static unsigned id_flags(const struct tar_entry *t)
{
	static const unsigned uid[] = {
		[TAR_ID_BASE256] = INV_UID_BASE256, [TAR_ID_PAX] = INV_UID_PAX
	};
	static const unsigned gid[] = {
		[TAR_ID_BASE256] = INV_GID_BASE256, [TAR_ID_PAX] = INV_GID_PAX
	};

	return uid[t->uid_source] | gid[t->gid_source] |
	       (t->uid_gnu != t->uid || t->gid_gnu != t->gid ? INV_GNU_OTHER_ID : 0u) |
	       (t->was_sparse ? INV_SPARSE : 0u);
}

/* passwd, group: the bytes of a sparse one stand in the archive without their holes, so they are
 * not kept. */
static int keep_file(struct walk *w, const struct tar_entry *t, const struct inv_entry *e,
		     struct error *err)
{
	_cleanup_(stream_closep) struct stream *body = NULL;
	uint8_t *data = NULL;
	size_t len = 0;
	int r;

	if (!t->was_sparse && t->body_size == t->size &&
	    inv_builder_keeps(&w->builder, e, t->body_size)) {
		r = tar_reader_body(w->tar, &body, err);
		if (r == 0)
			r = stream_read_all(body, t->body_size, &data, &len, err);
		if (r < 0)
			return r;
	}
	return inv_builder_file(&w->builder, e, data, len, err);
}

/* What the file says of ids: its body is read, which is skipped otherwise. */
static int keep_mentions(struct walk *w, const struct tar_entry *t, const struct inv_entry *e,
			 enum mention_form form, struct error *err)
{
	_cleanup_(inv_mentions_done) struct inv_mentions m = { 0 };
	_cleanup_(stream_closep) struct stream *body = NULL;
	_cleanup_(freep) uint8_t *data = NULL;
	uint64_t max = w->how->limits->v[LIMIT_SCRIPT_SIZE];
	size_t len = 0;
	int r;

	if (t->was_sparse || t->body_size != t->size || t->size > max) {
		/* Where all kinds of programs lie, a large one is likely none. */
		if (form != MENTION_SCRIPT)
			m.flags = INV_MENTIONS_UNREAD;
		return inv_builder_mentions(&w->builder, e, &m, err);
	}
	r = tar_reader_body(w->tar, &body, err);
	if (r == 0)
		r = stream_read_all(body, t->size, &data, &len, err);
	if (r == -ERR_DENIED && stream_can_skip(w->stream)) {
		m.flags = INV_MENTIONS_DENIED;
		return inv_builder_mentions(&w->builder, e, &m, err);
	}
	if (r == 0 && mention_scan(&m, form, (const char *)data, len) < 0)
		r = err_nomem(err);
	return r < 0 ? r : inv_builder_mentions(&w->builder, e, &m, err);
}

/* Whether such an entry was asked about before. */
static int was_asked(struct walk *w, const struct inv_entry *e)
{
	const unsigned ids = INV_HAS_ACL_IDS | INV_ACL_INVALID | INV_ACL_MISPLACED |
			     INV_CAP_ROOTID | INV_CAP_INVALID;
	uint16_t bit = (uint16_t)(1u << e->kind);

	/* To some engines the name of these counts too. */
	if (e->flags & ids || e->kind == INV_ROOT || e->kind == INV_AUFS_META)
		return 0;
	if (e->owner >= w->asked_count) {
		size_t count = (size_t)e->owner * 2 + 16;
		uint16_t *grown = reallocarray(w->asked, count, sizeof(*grown));

		if (!grown)
			return -ERR_NOMEM;
		memset(grown + w->asked_count, 0, (count - w->asked_count) * sizeof(*grown));
		w->asked = grown;
		w->asked_count = count;
	}
	if (w->asked[e->owner] & bit)
		return 1;
	w->asked[e->owner] |= bit;
	return 0;
}

/* 0 to go on, 1 where the reading ends here. */
static int ask_stop(struct walk *w, const struct inv_entry *e, struct error *err)
{
	int r;

	if (!w->how->stop)
		return 0;
	r = was_asked(w, e);
	if (r < 0)
		return err_nomem(err);
	w->cut = r == 0 && w->how->stop(w->how->stop_ctx, e);
	return w->cut;
}

static int walk_entry(struct walk *w, const struct tar_entry *t, struct error *err)
{
	struct inv_entry e = {
		.flags = id_flags(t),
		.mode = t->mode & 07777,
		.uid = t->uid,
		.gid = t->gid,
		.size = t->size,
		.header_offset = t->header_offset,
		.link = t->link,
		.link_len = t->link_len,
	};
	enum mention_form form;
	int r;

	if (inv_place(&w->path, t, &e) < 0 || (t->xattr_count && take_xattrs(w, t, &e) < 0))
		return err_nomem(err);
	if (e.kind != INV_SYMLINK && e.kind != INV_HARDLINK) {
		e.link = "";
		e.link_len = 0;
	}
	r = inv_builder_add(&w->builder, &e, err);
	if (r == 0)
		r = ask_stop(w, &e, err);
	if (r == 0 && inv_is_small_file(&e))
		return keep_file(w, t, &e, err);
	form = r == 0 && e.kind == INV_REG && e.size ? mention_form(e.path, e.path_len)
						     : MENTION_NONE;
	return form == MENTION_NONE ? r : keep_mentions(w, t, &e, form, err);
}

static int take_digest(struct digest_tee *tee, enum digest_algo algo, struct oci_digest *out,
		       struct error *err)
{
	static const char *const names[] = {
		[DIGEST_SHA256] = "sha256:", [DIGEST_SHA512] = "sha512:"
	};
	char hex[DIGEST_HEX_MAX + 1];
	int r;

	if (!tee || !digest_tee_complete(tee))
		return 0;
	r = digest_tee_hex(tee, hex, err);
	if (r < 0)
		return r;
	out->algo = algo;
	strcpy(stpcpy(out->text, names[algo]), hex);
	return 0;
}

/* What is known once every byte has passed. */
static int walk_end(struct walk *w, struct error *err)
{
	struct layer_inventory *inv = w->builder.inv;
	int r = stream_drain(w->stream, err);

	if (r == 0)
		r = take_digest(w->blob_tee, w->how->blob_algo, &inv->blob_digest, err);
	if (r == 0)
		r = take_digest(w->diff_tee, w->how->diff_algo, &inv->diff_id, err);
	if (r < 0)
		return r;
	inv->tar_size = tar_reader_offset(w->tar);
	inv->blob_size = w->blob_bytes;
	inv->codec = w->codec;
	inv->oddities = tar_reader_oddities(w->tar);
	if (inv->codec == CODEC_NONE && !w->diff_tee && w->how->blob_algo == w->how->diff_algo)
		inv->diff_id = inv->blob_digest;
	return 0;
}

static void walk_done(struct walk *w)
{
	tar_reader_free(w->tar);
	stream_close(w->stream);
	inv_builder_done(&w->builder);
	buf_free(&w->path);
	free(w->acl);
	free(w->acl_scratch);
	free(w->asked);
}

int layer_inventory_build(struct layer_inventory **out, struct stream *raw,
			  const struct layer_build *how, struct error *err)
{
	_cleanup_(walk_done) struct walk w = { .how = how, .stream = raw };
	struct tar_entry t;
	int r;

	r = inv_builder_init(&w.builder, how->limits, how->spool_memory, err);
	if (r == 0)
		w.builder.inv->mentions_known = true;
	if (r == 0)
		r = pipeline_open(&w, raw, err);
	if (r == 0)
		r = tar_reader_new(&w.tar, w.stream, how->limits, err);
	while (r == 0) {
		r = tar_reader_next(w.tar, &t, err);
		if (r == 0)
			r = walk_entry(&w, &t, err);
	}
	if (r < 0)
		return r;
	if (w.cut)
		w.builder.inv->cut = true;
	r = w.cut ? 0 : walk_end(&w, err);
	return r < 0 ? r : inv_builder_finish(&w.builder, out, err);
}
