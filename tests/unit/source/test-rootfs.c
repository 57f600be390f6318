/* rootfs: the entries that tar would make, in order, with owners, links, sizes and small bodies. */
#include <sys/xattr.h>

#include "make.h"
#include "source/rootfs.h"

static char *tree(void)
{
	char *dir = strdup(text("%s/tree", work_dir()));

	remove_tree(dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	return dir;
}

static void touch(const char *dir, const char *name, const char *body)
{
	write_file(text("%s/%s", dir, name), body, strlen(body));
}

struct listing {
	struct notes *notes;
	struct buf lines;  /* "TYPE NAME[ -> LINK] SIZE\n" */
	struct buf bodies; /* "NAME=BODY\n" of files whose name ends in passwd */
	struct buf owners; /* "NAME UID GID XATTRS\n" */
	int r;
	struct error err;
};

static int list_entry(struct listing *l, const struct tar_entry *e, struct tar_reader *reader)
{
	int r = buf_printf(&l->lines, "%c %s%s%s %llu%s\n", e->type == '\0' ? '0' : e->type,
			   e->name, e->link_len ? " -> " : "", e->link, (unsigned long long)e->size,
			   e->was_sparse ? " sparse" : "");

	assert_int_equal(r, 0);
	assert_int_equal(buf_printf(&l->owners, "%s %lld %lld %zu\n", e->name, (long long)e->uid,
				    (long long)e->gid, e->xattr_count),
			 0);
	if (ends_with(e->name, "passwd") && e->type == TAR_REG) {
		struct stream *body;
		uint8_t *data;
		size_t len;

		assert_int_equal(tar_reader_body(reader, &body, &l->err), 0);
		assert_int_equal(stream_read_all(body, 1 << 20, &data, &len, &l->err), 0);
		stream_close(body);
		assert_int_equal(buf_printf(&l->bodies, "%s=%s\n", e->name, data), 0);
		free(data);
	}
	return 0;
}

static struct listing list(const char *dir, const char *limit, size_t chunk)
{
	struct listing l = { .notes = notes_new() };
	struct limits limits = limits_default();
	struct tar_reader *reader;
	struct tar_entry e;
	struct stream *in;

	if (limit)
		assert_int_equal(limits_set(&limits, limit, NULL), 0);
	l.r = rootfs_stream_open(&in, dir, &limits, l.notes, &l.err);
	if (l.r < 0)
		return l;
	if (chunk) {
		struct stream *inner = in;

		assert_int_equal(stream_open_chunked(&in, inner, chunk, &l.err), 0);
	}
	assert_int_equal(tar_reader_new(&reader, in, &limits, &l.err), 0);
	while ((l.r = tar_reader_next(reader, &e, &l.err)) == 0)
		list_entry(&l, &e, reader);
	if (l.r == 1)
		assert_int_equal(tar_reader_oddities(reader), 0);
	tar_reader_free(reader);
	stream_close(in);
	return l;
}

static void listing_free(struct listing *l)
{
	notes_free(l->notes);
	buf_free(&l->lines);
	buf_free(&l->bodies);
	buf_free(&l->owners);
}

static void test_entries(void **state)
{
	static const size_t chunks[] = { 0, 1, 511, 513 };
	char *dir = tree();
	char long_name[150];

	(void)state;
	memset(long_name, 'n', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(mkdir(text("%s/etc", dir), 0755), 0);
	touch(dir, "etc/passwd", "root:x:0:0::/:\n");
	touch(dir, "etc/group-", "x");
	touch(dir, "b", "body");
	touch(dir, "a", "");
	touch(dir, long_name, "");
	assert_int_equal(link(text("%s/b", dir), text("%s/c", dir)), 0);
	assert_int_equal(symlink("/etc/passwd", text("%s/d", dir)), 0);
	assert_int_equal(mkfifo(text("%s/f", dir), 0600), 0);
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		struct listing l = list(dir, NULL, chunks[i]);

		assert_int_equal(l.r, 1);
		assert_string_equal(
			buf_str(&l.lines),
			text("5 ./ 0\n0 ./a 0\n0 ./b 4\n1 ./c -> ./b 0\n2 ./d -> /etc/passwd 0\n"
			     "5 ./etc/ 0\n0 ./etc/group- 1\n0 ./etc/passwd 15\n6 ./f 0\n"
			     "0 ./%s 0\n",
			     long_name));
		assert_string_equal(buf_str(&l.bodies), "./etc/passwd=root:x:0:0::/:\n\n");
		listing_free(&l);
	}
	free(dir);
}

/* Bodies are not read, yet sizes are right; holes cost nothing, and only holes are told as holes.
 */
static void test_sizes(void **state)
{
	char *dir = tree(), *body = malloc(300000);
	struct listing l;

	(void)state;
	memset(body, 'x', 300000);
	write_file(text("%s/full", dir), body, 300000);
	write_file(text("%s/passwd", dir), body, 5000);
	touch(dir, "hole", "x");
	assert_int_equal(truncate(text("%s/hole", dir), 1ll << 40), 0);
	for (int chunked = 0; chunked < 2; chunked++) {
		l = list(dir, "small-file=4096", chunked ? 1000 : 0);
		assert_int_equal(l.r, 1);
		assert_string_equal(buf_str(&l.lines),
				    "5 ./ 0\n0 ./full 300000\n0 ./hole 1099511627776 sparse\n"
				    "0 ./passwd 5000\n");
		assert_null(strchr(buf_str(&l.bodies), 'x')); /* larger than small-file: not read */
		listing_free(&l);
	}
	free(body);
	free(dir);
}

/* More levels than descriptors may be open; files before and behind each directory. */
static void test_deep(void **state)
{
	char *dir = tree(), path[4096];
	struct listing l;
	size_t lines = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s", dir);
	for (int i = 0; i < 200; i++) {
		touch(path, "a", "");
		touch(path, "z", "");
		strcat(path, "/m");
		assert_int_equal(mkdir(path, 0700), 0);
	}
	l = list(dir, NULL, 0);
	assert_int_equal(l.r, 1);
	for (const char *p = buf_str(&l.lines); (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 1 + 3 * 200);
	assert_true(ends_with(buf_str(&l.lines), "0 ./m/z 0\n0 ./z 0\n"));
	listing_free(&l);
	l = list(dir, "tar-name=100", 0);
	assert_int_equal(l.r, -ERR_LIMIT);
	listing_free(&l);
	free(dir);
}

static void test_owners(void **state)
{
	static const uint8_t acl[] = { 2,   0,	 0,   0,   1,	0,   6,	 0,   255, 255, 255,
				       255, 2,	 0,   4,   0,	57,  48, 0,   0,   4,	0,
				       4,   0,	 255, 255, 255, 255, 16, 0,   4,   0,	255,
				       255, 255, 255, 32,  0,	4,   0,	 255, 255, 255, 255 };
	char *dir = tree();
	struct listing l;
	bool has_acl;

	(void)state;
	touch(dir, "big", "");
	touch(dir, "acl", "");
	if (chown(text("%s/big", dir), 4000000, 70000) < 0) {
		free(dir);
		skip();
	}
	has_acl =
		setxattr(text("%s/acl", dir), "system.posix_acl_access", acl, sizeof(acl), 0) == 0;
	l = list(dir, NULL, 0);
	assert_int_equal(l.r, 1);
	assert_non_null(strstr(buf_str(&l.owners), "./big 4000000 70000 0\n"));
	assert_non_null(strstr(buf_str(&l.owners), has_acl ? "./acl 0 0 1\n" : "./acl 0 0 0\n"));
	listing_free(&l);
	free(dir);
}

static void test_refused(void **state)
{
	char *dir = tree();
	struct listing l = list(text("%s/none", dir), NULL, 0);

	(void)state;
	assert_int_equal(l.r, -ERR_NOT_FOUND);
	listing_free(&l);
	touch(dir, "file", "");
	l = list(text("%s/file", dir), NULL, 0);
	assert_int_equal(l.r, -ERR_IO);
	listing_free(&l);
	free(dir);
}

/* A directory that cannot be read is an error, not an image less. */
static void test_unreadable(void **state)
{
	char *dir = tree();
	struct listing l;

	(void)state;
	assert_int_equal(mkdir(text("%s/closed", dir), 0), 0);
	if (access(text("%s/closed", dir), R_OK) == 0) { /* root reads everything */
		free(dir);
		skip();
	}
	l = list(dir, NULL, 0);
	assert_int_equal(l.r, -ERR_IO);
	assert_non_null(strstr(l.err.msg, "./closed"));
	listing_free(&l);
	free(dir);
}

static int cleanup(void **state)
{
	(void)state;
	remove_tree(work_dir());
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_deep),	cmocka_unit_test(test_owners),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, cleanup);
}
