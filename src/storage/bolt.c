#include "storage/bolt.h"

#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"

/* Fields are little-endian: Go writes them as they lie in memory, and the machines that run
 * containerd are. */
#define MAGIC	    0xed0cdaedu
#define VERSION	    2
#define META_SIZE   64 /* behind the page's header */
#define META_SUMMED 56
#define PAGE_HEADER 16 /* id u64, flags u16, count u16, overflow u32 */
#define ELEMENT	    16
#define BUCKET	    16 /* root u64, sequence u64 */
#define FLAG_BRANCH 1
#define FLAG_LEAF   2
#define FLAG_META   4
#define IS_BUCKET   1
#define PAGE_MIN    512
#define TRIES	    5

struct meta {
	uint64_t page_size, root, pages, txid;
};

/* A node: the page's header, then its elements, then keys and values. */
struct node {
	uint8_t *owned;
	const uint8_t *p;
	size_t n;
	unsigned flags, count;
};

struct found {
	const uint8_t *value;
	size_t len;
	bool bucket;
};

static uint64_t u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static uint32_t u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static unsigned u16(const uint8_t *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static int damaged(const char *why, struct error *err)
{
	return err_fail(err, ERR_BAD_INPUT, 0, "bbolt: %s", why);
}

static int read_at(int fd, uint8_t *to, size_t n, uint64_t at, struct error *err)
{
	while (n) {
		ssize_t k;

		if (at > INT64_MAX - n)
			return damaged("a page beyond every file", err);
		k = pread(fd, to, n, (off_t)at);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_fail(err, ERR_IO, errno, "bbolt: read");
		if (k == 0)
			return damaged("a page behind the file's end", err);
		to += k;
		n -= (size_t)k;
		at += (uint64_t)k;
	}
	return 0;
}

static uint64_t fnv1a(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (n--)
		h = (h ^ *p++) * 0x100000001b3u;
	return h;
}

static bool meta_read(const uint8_t *page, struct meta *m)
{
	const uint8_t *p = page + PAGE_HEADER;

	if (!(u16(page + 8) & FLAG_META) || u32(p) != MAGIC || u32(p + 4) != VERSION ||
	    u64(p + META_SUMMED) != fnv1a(p, META_SUMMED))
		return false;
	*m = (struct meta){ .page_size = u32(p + 8),
			    .root = u64(p + 16),
			    .pages = u64(p + 40),
			    .txid = u64(p + 48) };
	return m->page_size >= PAGE_MIN && m->page_size <= BOLT_PAGE_MAX &&
	       !(m->page_size & (m->page_size - 1));
}

/* The later of the two that are whole. The second stands on the second page, whose size the first
 * tells, or else each power of two could be. */
static int meta_find(int fd, struct meta *out, struct error *err)
{
	uint8_t page[PAGE_HEADER + META_SIZE];
	struct error ignored;
	struct meta m;
	int r = read_at(fd, page, sizeof(page), 0, err);
	bool found;

	if (r < 0)
		return r;
	found = meta_read(page, out);
	for (uint64_t size = found ? out->page_size : PAGE_MIN; size <= BOLT_PAGE_MAX; size *= 2) {
		bool second = read_at(fd, page, sizeof(page), size, &ignored) == 0 &&
			      meta_read(page, &m) && m.page_size == size;

		if (second && (!found || m.txid > out->txid)) {
			*out = m;
			found = true;
		}
		if (found)
			return 0;
	}
	return damaged("no whole meta page: no bbolt file", err);
}

static void node_done(struct node *node)
{
	free(node->owned);
	*node = (struct node){ 0 };
}

/* Of bytes that hold the whole node. */
static int node_take(struct node *node, const uint8_t *p, size_t n, struct error *err)
{
	if (n < PAGE_HEADER)
		return damaged("a node without a header", err);
	node->p = p;
	node->n = n;
	node->flags = u16(p + 8);
	node->count = u16(p + 10);
	if (node->flags != FLAG_BRANCH && node->flags != FLAG_LEAF)
		return damaged("a page that is neither branch nor leaf", err);
	if (PAGE_HEADER + (size_t)node->count * ELEMENT > n)
		return damaged("more elements than the page has room for", err);
	return 0;
}

static int node_read(int fd, const struct meta *m, uint64_t id, struct node *node,
		     struct error *err)
{
	uint8_t header[PAGE_HEADER];
	uint64_t n;
	int r;

	if (id < 2 || id >= m->pages || id > INT64_MAX / m->page_size)
		return damaged("a page that is not there", err);
	r = read_at(fd, header, sizeof(header), id * m->page_size, err);
	if (r < 0)
		return r;
	n = ((uint64_t)u32(header + 12) + 1) * m->page_size;
	if (u64(header) != id || n > BOLT_NODE_MAX)
		return damaged("a page with another's header", err);
	node->owned = malloc(n);
	if (!node->owned)
		return err_nomem(err);
	r = read_at(fd, node->owned, n, id * m->page_size, err);
	if (r == 0)
		r = node_take(node, node->owned, n, err);
	if (r < 0)
		node_done(node);
	return r;
}

/* n bytes at pos behind the i-th element. NULL where they are not in the node. */
static const uint8_t *element_bytes(const struct node *node, unsigned i, uint64_t pos, uint64_t n)
{
	uint64_t at = PAGE_HEADER + (uint64_t)i * ELEMENT + pos;

	return at <= node->n && n <= node->n - at ? node->p + at : NULL;
}

static int compare(const uint8_t *a, size_t n, const struct bolt_key *key)
{
	int r = memcmp(a, key->bytes, MIN(n, key->len));

	return r ? r : n < key->len ? -1 : n > key->len;
}

/* The child below which the key is. */
static int branch_find(const struct node *node, const struct bolt_key *key, uint64_t *child,
		       struct error *err)
{
	*child = 0;
	for (unsigned i = 0; i < node->count; i++) {
		const uint8_t *e = node->p + PAGE_HEADER + (size_t)i * ELEMENT;
		uint32_t n = u32(e + 4);
		const uint8_t *k = element_bytes(node, i, u32(e), n);

		if (!k)
			return damaged("a key outside of its page", err);
		if (i && compare(k, n, key) > 0)
			break;
		*child = u64(e + 8);
	}
	return 0;
}

static int leaf_find(const struct node *node, const struct bolt_key *key, struct found *out,
		     struct error *err)
{
	for (unsigned i = 0; i < node->count; i++) {
		const uint8_t *e = node->p + PAGE_HEADER + (size_t)i * ELEMENT;
		uint32_t pos = u32(e + 4), n = u32(e + 8), len = u32(e + 12);
		const uint8_t *k = element_bytes(node, i, pos, n),
			      *v = element_bytes(node, i, (uint64_t)pos + n, len);

		if (!k || !v)
			return damaged("a key outside of its page", err);
		if (compare(k, n, key) != 0)
			continue;
		*out = (struct found){ v, len, u32(e) & IS_BUCKET };
		return 0;
	}
	return 1;
}

/* From node down to the leaf, which node then is. */
static int tree_find(int fd, const struct meta *m, struct node *node, const struct bolt_key *key,
		     struct found *out, struct error *err)
{
	for (unsigned depth = 0; depth < BOLT_DEPTH_MAX; depth++) {
		uint64_t child;
		int r;

		if (node->flags == FLAG_LEAF)
			return leaf_find(node, key, out, err);
		r = branch_find(node, key, &child, err);
		if (r < 0)
			return r;
		node_done(node);
		r = node_read(fd, m, child, node, err);
		if (r < 0)
			return r;
	}
	return damaged("pages in a circle", err);
}

/* Into the bucket that was found: a tree, or a leaf that stands in the value itself. */
static int bucket_enter(int fd, const struct meta *m, struct node *node, const struct found *f,
			struct error *err)
{
	struct node next = { 0 };
	int r;

	if (!f->bucket || f->len < BUCKET)
		return damaged("a value where a bucket should be", err);
	if (u64(f->value)) {
		r = node_read(fd, m, u64(f->value), &next, err);
	} else {
		size_t n = f->len - BUCKET;

		next.owned = malloc(n + 1);
		if (!next.owned)
			return err_nomem(err);
		memcpy(next.owned, f->value + BUCKET, n);
		r = node_take(&next, next.owned, n, err);
		if (r < 0)
			node_done(&next);
	}
	node_done(node);
	*node = next;
	return r;
}

static int get_once(int fd, const struct meta *m, const struct bolt_key *path, size_t depth,
		    uint8_t **value, size_t *len, struct error *err)
{
	_cleanup_(node_done) struct node node = { 0 };
	struct found f = { 0 };
	int r = node_read(fd, m, m->root, &node, err);

	for (size_t i = 0; r == 0 && i < depth; i++) {
		if (i)
			r = bucket_enter(fd, m, &node, &f, err);
		if (r == 0)
			r = tree_find(fd, m, &node, &path[i], &f, err);
	}
	if (r)
		return r;
	if (f.bucket)
		return damaged("a bucket where a value should be", err);
	*value = malloc(f.len + 1);
	if (!*value)
		return err_nomem(err);
	memcpy(*value, f.value, f.len);
	(*value)[f.len] = '\0';
	*len = f.len;
	return 0;
}

int bolt_get_fd(int fd, const struct bolt_key *path, size_t depth, uint8_t **value, size_t *len,
		struct error *err)
{
	int r = damaged("it changes faster than it is read", err);

	/* Pages that the last transaction has given up are written anew by the next but one. */
	for (unsigned i = 0; i < TRIES; i++) {
		struct meta before, after;
		struct error ignored;

		r = meta_find(fd, &before, err);
		if (r < 0)
			return r;
		r = get_once(fd, &before, path, depth, value, len, err);
		if (meta_find(fd, &after, &ignored) == 0 && after.txid == before.txid)
			return r;
		if (r == 0)
			free(STEAL(*value));
		r = damaged("it changes faster than it is read", err);
	}
	return r;
}

int bolt_get(const char *file, const struct bolt_key *path, size_t depth, uint8_t **value,
	     size_t *len, struct error *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;

	if (fd < 0)
		return err_fail(err,
				errno == EACCES			      ? ERR_DENIED
				: errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
								      : ERR_IO,
				errno, "open '%s'", file);
	r = bolt_get_fd(fd, path, depth, value, len, err);
	close(fd);
	return r < 0 ? err_wrap(err, "%s", file) : r;
}
