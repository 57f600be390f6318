/* Any bytes as a tar of which each entry's owner is patched (tar/patch.h): read again, every entry
 * has the ids that were asked for, and every other thing that a reader tells is as it was. Patched
 * once more, no byte changes. The first twelve bytes say what is asked: uid and gid (4 bytes each,
 * little endian), which (a bit each), mode bits to clear, and a body's new size.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tar/patch.h"
#include "tar/reader.h"
#include "tar/xattr.h"

#define TAR_AT 12
#include "tar-sums.h"

#define ENTRIES_MAX 512
#define ACL_MAX	    64

enum { ASK_UID = 1, ASK_GID = 2, ASK_MODE = 4, ASK_ACL = 8, ASK_ROOTID = 16, ASK_SIZE = 32 };

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

/* What a reader tells of one entry; strings as hashes. */
struct told {
	struct tar_entry e; /* its numbers; the pointers are dead */
	uint64_t name, link, uname, gname;
	uint64_t xattrs; /* their names, and the values of those that no patch touches */
	bool ids_asked;	 /* each id of its ACLs is the one that was asked for */
	bool rootid;	 /* a version-3 capability is there */
};

struct reading {
	struct told v[ENTRIES_MAX];
	size_t count;
	int ret;
};

struct asked {
	struct tar_patch patch;
	unsigned which;
	uint64_t size; /* of a new body, by ASK_SIZE */
};

static bool acl_asked(void *ctx, uint32_t id, bool is_gid, uint32_t *to)
{
	const struct asked *a = ctx;

	*to = is_gid ? a->patch.gid : a->patch.uid;
	return id != *to;
}

static bool rootid_asked(void *ctx, uint32_t rootid)
{
	(void)ctx;
	(void)rootid;
	return true;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ p[i]) * 1099511628211u;
	return (hash ^ n) * 1099511628211u;
}

static void tell_xattr(struct told *t, const struct tar_xattr *x, const struct asked *a)
{
	struct acl_id ids[ACL_MAX];
	uint32_t rootid, to;
	size_t count;

	t->xattrs = mix(t->xattrs, x->name, x->name_len);
	if (a->which & ASK_ACL && xattr_is_acl(x->name, x->name_len)) {
		t->xattrs = mix(t->xattrs, &x->value_len, sizeof(x->value_len));
		if (acl_ids(x->value, x->value_len, ids, ACL_MAX, &count))
			for (size_t i = 0; i < MIN(count, ACL_MAX); i++)
				t->ids_asked &= !acl_asked((void *)(uintptr_t)a, ids[i].id,
							   ids[i].is_gid, &to);
	} else if (a->which & ASK_ROOTID && xattr_is_capability(x->name, x->name_len)) {
		t->rootid |= capability_rootid(x->value, x->value_len, &rootid) == 1;
	} else {
		t->xattrs = mix(t->xattrs, x->value, x->value_len);
	}
}

static void tell(struct told *t, const struct tar_entry *e, const struct asked *a)
{
	*t = (struct told){ .e = *e, .ids_asked = true };
	t->name = mix(0, e->name, e->name_len);
	t->link = mix(0, e->link, e->link_len);
	t->uname = mix(0, e->uname, e->uname_len);
	t->gname = mix(0, e->gname, e->gname_len);
	for (size_t i = 0; i < e->xattr_count; i++)
		tell_xattr(t, &e->xattrs[i], a);
}

static bool gets_new_body(const struct tar_entry *e, const struct asked *a)
{
	return a->which & ASK_SIZE && e->type == TAR_REG && !e->was_sparse;
}

static void put(struct buf *out, const void *bytes, size_t n)
{
	check(buf_append(out, bytes, n) == 0, "there is memory");
}

/* The headers patched, and a new body where one is asked for; *at is passed behind them. */
static void patch(struct buf *out, const struct tar_entry *e, const struct asked *a,
		  const uint8_t *data, size_t n, uint64_t *at)
{
	static const uint8_t body[2 * TAR_BLOCK];
	struct tar_patch p = a->patch;
	struct error err;

	put(out, data + *at, (size_t)(e->start_offset - *at));
	*at = e->header_offset + TAR_BLOCK;
	p.set_size = gets_new_body(e, a);
	p.size = a->size;
	check(tar_patch_entry(out, data + e->start_offset, (size_t)(*at - e->start_offset), &p,
			      &err) == 0,
	      "what a reader took can be patched");
	if (!p.set_size)
		return;
	put(out, body, (size_t)(a->size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK);
	*at = e->body_offset + (e->body_size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	*at = MIN(*at, (uint64_t)n);
}

/* Reads a tar, and where out is there writes it patched. Beyond ENTRIES_MAX it is not looked at. */
static void read_tar(struct reading *to, struct buf *out, const uint8_t *data, size_t n,
		     const struct asked *a, uint64_t room)
{
	struct limits limits = limits_default();
	struct tar_reader *r;
	struct stream *s;
	struct tar_entry e;
	struct error err;
	uint64_t at = 0;

	/* A header may grow, and is to be taken all the same. */
	limits.v[LIMIT_TAR_PAX] += room;
	to->count = 0;
	check(stream_open_memory(&s, data, n, &err) == 0, "memory opens");
	check(tar_reader_new(&r, s, &limits, &err) == 0, "a reader opens");
	while ((to->ret = tar_reader_next(r, &e, &err)) == 0 && to->count < ENTRIES_MAX) {
		tell(&to->v[to->count++], &e, a);
		if (out && e.type != TAR_PAX_GLOBAL)
			patch(out, &e, a, data, n, &at);
	}
	if (out)
		put(out, data + at, (size_t)(n - at));
	tar_reader_free(r);
	stream_close(s);
}

static void check_numbers(const struct told *was, const struct told *is, const struct asked *a)
{
	bool global = was->e.type == TAR_PAX_GLOBAL, body = gets_new_body(&was->e, a);
	const struct tar_patch *p = &a->patch;

	check(is->e.type == was->e.type && is->e.flag == was->e.flag, "the type stays");
	check(is->e.uid == (p->set_uid && !global ? p->uid : was->e.uid), "the uid is as asked");
	check(is->e.gid == (p->set_gid && !global ? p->gid : was->e.gid), "the gid is as asked");
	check(is->e.mode == (was->e.mode & ~(global ? 0 : p->clear_mode)), "the mode is as asked");
	check(is->e.body_size == (body ? a->size : was->e.body_size), "so is the body's size");
	check(is->e.size == (body ? a->size : was->e.size), "and the file's");
	check(is->e.mtime == was->e.mtime && is->e.devmajor == was->e.devmajor &&
		      is->e.devminor == was->e.devminor && is->e.was_sparse == was->e.was_sparse,
	      "other numbers stay");
}

static void check_entry(const struct told *was, const struct told *is, const struct asked *a)
{
	bool global = was->e.type == TAR_PAX_GLOBAL;
	const struct tar_patch *p = &a->patch;

	check_numbers(was, is, a);
	check(is->name == was->name && is->link == was->link, "name and link stay");
	check(is->uname == was->uname || (p->set_uid && !global && !is->e.uname_len),
	      "uname stays, or is blank");
	check(is->gname == was->gname || (p->set_gid && !global && !is->e.gname_len),
	      "gname stays, or is blank");
	check(!(p->set_uid && !global && is->e.uname_len), "uname goes with the uid");
	check(is->e.xattr_count == was->e.xattr_count && is->xattrs == was->xattrs,
	      "other xattrs stay");
	check(is->ids_asked && !is->rootid, "ids of xattrs are as asked");
}

static void check_bodies(const struct reading *was, const struct reading *is, const uint8_t *before,
			 const uint8_t *after, const struct asked *a)
{
	for (size_t i = 0; i < was->count; i++) {
		const struct tar_entry *b = &was->v[i].e, *e = &is->v[i].e;

		check_entry(&was->v[i], &is->v[i], a);
		check(gets_new_body(b, a) || memcmp(before + b->body_offset, after + e->body_offset,
						    b->body_size) == 0,
		      "a body stays");
	}
}

static struct asked read_asked(const uint8_t head[TAR_AT])
{
	struct asked a = { .which = head[8], .size = head[10] | (head[11] & 3u) << 8 };

	a.patch = (struct tar_patch){
		.set_uid = a.which & ASK_UID,
		.set_gid = a.which & ASK_GID,
		.clear_mode = a.which & ASK_MODE ? (head[9] & 7u) << 9 : 0,
		.acl = a.which & ASK_ACL ? acl_asked : NULL,
		.rootid = a.which & ASK_ROOTID ? rootid_asked : NULL,
	};
	memcpy(&a.patch.uid, head, 4);
	memcpy(&a.patch.gid, head + 4, 4);
	a.patch.uid = le32toh(a.patch.uid);
	a.patch.gid = le32toh(a.patch.gid);
	return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reading was, is;
	struct buf once = { 0 }, twice = { 0 };
	struct asked a;

	if (size < TAR_AT)
		return 0;
	a = read_asked(data);
	a.patch.ctx = &a;
	data += TAR_AT;
	size -= TAR_AT;
	read_tar(&was, &once, data, size, &a, 0);
	if (was.ret == 1) {
		read_tar(&is, &twice, once.data, once.len, &a, 1u << 20);
		check(is.ret == 1 && is.count == was.count, "what was patched can be read");
		check_bodies(&was, &is, data, once.data, &a);
		check(once.len == twice.len &&
			      (!once.len || memcmp(once.data, twice.data, once.len) == 0),
		      "what is so already is not changed");
	}
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
