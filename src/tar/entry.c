/* From headers to an entry: what an extended header overrides, types, sizes. Go: mergePAX,
 * handleRegularFile, handleSparseFile. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "tar/number.h"
#include "tar/reader-impl.h"
#include "tar/sparse.h"

int tar_bad_number(struct error *err, const char *field, const void *bytes, size_t n)
{
	char text[64];

	return err_fail(err, ERR_BAD_INPUT, 0, "%s '%s' is no number", field,
			err_text(text, sizeof(text), bytes, n));
}

static int set_id(const struct pax_value *v, enum pax_key key, int64_t *id,
		  enum tar_id_source *source, struct error *err)
{
	if (!v->n)
		return 0;
	if (!tar_pax_number(v->s, v->n, id)) {
		char field[16];

		snprintf(field, sizeof(field), "pax %s", pax_key_name(key));
		return tar_bad_number(err, field, v->s, v->n);
	}
	*source = TAR_ID_PAX;
	return 0;
}

/* Go refuses a header whose times are no times, though no owner depends on them. */
static int set_times(const struct pax *p, int64_t *mtime, uint32_t *nsec, struct error *err)
{
	for (enum pax_key k = PAX_MTIME; k <= PAX_CTIME; k++) {
		const struct pax_value *v = &p->v[k];
		char text[64];
		int64_t seconds;
		uint32_t fraction;

		if (!v->n)
			continue;
		if (!pax_time(v->s, v->n, &seconds, &fraction))
			return err_fail(err, ERR_BAD_INPUT, 0, "pax %s '%s' is no time",
					pax_key_name(k), err_text(text, sizeof(text), v->s, v->n));
		if (k == PAX_MTIME) {
			*mtime = seconds;
			*nsec = fraction;
		}
	}
	return 0;
}

static void set_string(const struct pax_value *v, const char **s, size_t *n)
{
	if (!v->n)
		return;
	*s = v->s;
	*n = v->n;
}

/* Go: mergePAX. */
static int apply_records(const struct pax *p, struct tar_entry *e, int64_t *size, struct error *err)
{
	const struct pax_value *v = &p->v[PAX_SIZE];
	int ret;

	set_string(&p->v[PAX_PATH], &e->name, &e->name_len);
	set_string(&p->v[PAX_LINKPATH], &e->link, &e->link_len);
	set_string(&p->v[PAX_UNAME], &e->uname, &e->uname_len);
	set_string(&p->v[PAX_GNAME], &e->gname, &e->gname_len);
	ret = set_id(&p->v[PAX_UID], PAX_UID, &e->uid, &e->uid_source, err);
	if (ret == 0)
		ret = set_id(&p->v[PAX_GID], PAX_GID, &e->gid, &e->gid_source, err);
	if (ret == 0)
		ret = set_times(p, &e->mtime, &e->mtime_nsec, err);
	if (ret == 0 && v->n && !tar_pax_number(v->s, v->n, size))
		ret = tar_bad_number(err, "pax size", v->s, v->n);
	e->xattrs = p->xattrs;
	e->xattr_count = p->xattr_count;
	return ret;
}

static int check_names(const struct tar_reader *r, const struct tar_entry *e, struct error *err)
{
	if (e->name_len > r->limits->v[LIMIT_TAR_NAME])
		return limit_passed(r->limits, LIMIT_TAR_NAME, "name", err);
	if (e->link_len > r->limits->v[LIMIT_TAR_NAME])
		return limit_passed(r->limits, LIMIT_TAR_NAME, "link target", err);
	return 0;
}

static void fill_entry(const struct tar_reader *r, struct tar_entry *e)
{
	*e = (struct tar_entry){
		.type = r->flag,
		.flag = r->flag,
		.name = r->name,
		.name_len = r->name_len,
		.link = r->link,
		.link_len = r->link_len,
		.uid = r->v[FIELD_UID],
		.gid = r->v[FIELD_GID],
		.uid_source = r->base256_uid ? TAR_ID_BASE256 : TAR_ID_OCTAL,
		.gid_source = r->base256_gid ? TAR_ID_BASE256 : TAR_ID_OCTAL,
		.mode = (uint32_t)r->v[FIELD_MODE] & 07777,
		.uname = r->uname,
		.uname_len = r->uname_len,
		.gname = r->gname,
		.gname_len = r->gname_len,
		.mtime = r->v[FIELD_MTIME],
		.devmajor = (uint32_t)r->v[FIELD_DEVMAJOR],
		.devminor = (uint32_t)r->v[FIELD_DEVMINOR],
		.start_offset = e->start_offset,
		.header_offset = r->header_offset,
	};
}

/* GNU tar ignores a global id that is none; it takes no '+'. */
static void set_global(struct tar_reader *r, struct global_id *g, const struct pax_value *v)
{
	g->set = v->n && num_i64(v->s, v->n, &g->id) && g->id >= 0 && g->id <= UINT32_MAX;
	if (v->n)
		r->oddities |= TAR_ODD_GLOBAL_IDS;
}

int tar_finish_global(struct tar_reader *r, struct tar_entry *e, struct error *err)
{
	struct tar_entry all;
	int64_t size = 0; /* checked as Go does, though the body is behind us */
	int ret;

	fill_entry(r, e);
	all = *e;
	ret = apply_records(&r->pax, &all, &size, err);
	if (ret == 0)
		ret = check_names(r, &all, err);
	if (ret < 0)
		return ret;
	set_global(r, &r->global_uid, &r->pax.v[PAX_UID]);
	set_global(r, &r->global_gid, &r->pax.v[PAX_GID]);
	*e = (struct tar_entry){
		.type = TAR_PAX_GLOBAL,
		.flag = TAR_PAX_GLOBAL,
		.name = all.name,
		.name_len = all.name_len,
		.link = "",
		.uname = "",
		.gname = "",
		.start_offset = e->start_offset,
		.header_offset = e->header_offset,
		.body_offset = e->header_offset + TAR_BLOCK,
	};
	return 0;
}

/* Sets the body up, passing a sparse map. Sparse records count for every type but S, which has its
 * own. */
static int set_body(struct tar_reader *r, struct tar_entry *e, int64_t size, struct error *err)
{
	bool in_records = e->flag != 'S' && r->has_pax && sparse_in_records(&r->pax);
	int ret = 0;

	if (tar_has_no_body(e->type))
		size = 0;
	if (size < 0)
		return err_fail(err, ERR_BAD_INPUT, 0, "size %" PRId64 " is negative", size);
	r->body_left = (uint64_t)size;
	r->padding = tar_padding(r->body_left);
	if (e->flag == 'S') {
		if (r->dialect != TAR_GNU)
			return err_fail(err, ERR_BAD_INPUT, 0,
					"type S in a header that is not GNU's");
		ret = sparse_from_header(r->gnu_sparse, &r->cursor, &size, r->limits, &r->sparse,
					 err);
	} else if (in_records) {
		if (tar_has_no_body(e->type))
			return err_fail(err, ERR_BAD_INPUT, 0,
					"sparse map on an entry of type '%c'", e->type);
		set_string(&r->pax.v[PAX_SPARSE_NAME], &e->name, &e->name_len);
		ret = sparse_from_records(&r->pax, &r->cursor, &r->body_left, &size, r->limits,
					  &r->sparse, err);
	}
	e->was_sparse = e->flag == 'S' || in_records;
	if (e->was_sparse && r->sparse.keep) {
		e->extents = r->sparse.v;
		e->extent_count = r->sparse.count;
	}
	e->size = (uint64_t)size;
	e->body_size = r->body_left;
	e->body_offset = r->cursor.offset;
	return ret;
}

static const struct pax_value *long_value(const struct buf *b, struct pax_value *v)
{
	*v = (struct pax_value){ buf_str(b), b->len };
	return v;
}

int tar_finish_entry(struct tar_reader *r, struct tar_entry *e, struct error *err)
{
	int64_t size = r->v[FIELD_SIZE];
	struct pax_value v;
	int ret = 0;

	fill_entry(r, e);
	if (r->has_pax)
		ret = apply_records(&r->pax, e, &size, err);
	set_string(long_value(&r->long_name, &v), &e->name, &e->name_len);
	set_string(long_value(&r->long_link, &v), &e->link, &e->link_len);
	if (e->flag == '\0')
		e->type = e->flag =
			e->name_len && e->name[e->name_len - 1] == '/' ? TAR_DIR : TAR_REG;
	if (ret == 0)
		ret = set_body(r, e, size, err);
	if (ret == 0)
		ret = check_names(r, e, err);
	if (ret < 0)
		return ret;
	if (e->flag == 'S' || e->flag == '7')
		e->type = TAR_REG;
	e->uid_gnu = r->global_uid.set && e->uid_source != TAR_ID_PAX ? r->global_uid.id : e->uid;
	e->gid_gnu = r->global_gid.set && e->gid_source != TAR_ID_PAX ? r->global_gid.id : e->gid;
	return 0;
}
