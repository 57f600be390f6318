/* Any bytes as a tar. The first byte picks how they arrive: its low seven bits a chunk size (0:
 * whole), its top bit whether the stream can skip. Whatever the pieces, the reader must tell the
 * same. PAX records come here too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tar/reader.h"

#define TAR_AT 1
#include "tar-sums.h"

#define SMALL_BODY 4096

struct plain {
	struct stream base;
	struct stream *inner;
};

static int plain_next(struct stream *s, struct block **out, struct error *err)
{
	return stream_next(((struct plain *)s)->inner, out, err);
}

static void plain_close(struct stream *s)
{
	stream_close(((struct plain *)s)->inner);
}

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

/* What two readings must agree on. */
struct told {
	uint64_t hash;
	size_t entries;
	int ret;
	char msg[ERR_MSG_MAX];
};

static void mix(struct told *t, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		t->hash = (t->hash ^ p[i]) * 1099511628211u;
}

static void mix_entry(struct told *t, const struct tar_entry *e, const uint8_t *data, size_t size)
{
	check(e->name[e->name_len] == 0 && e->link[e->link_len] == 0, "strings end in NUL");
	check(e->uname[e->uname_len] == 0 && e->gname[e->gname_len] == 0, "names end in NUL");
	check(e->start_offset <= e->header_offset && e->header_offset < e->body_offset,
	      "offsets are in order");
	check(e->body_offset <= size, "a body begins within the stream");
	check(e->size <= INT64_MAX && e->body_size <= INT64_MAX && e->mode <= 07777,
	      "numbers have their range");
	mix(t, e->name, e->name_len);
	mix(t, e->link, e->link_len);
	mix(t, e->uname, e->uname_len);
	mix(t, e->gname, e->gname_len);
	mix(t, &e->type, 1);
	mix(t, &e->uid, sizeof(e->uid));
	mix(t, &e->gid_gnu, sizeof(e->gid_gnu));
	mix(t, &e->body_offset, sizeof(e->body_offset));
	mix(t, &e->size, sizeof(e->size));
	for (size_t i = 0; i < e->xattr_count; i++) {
		const struct tar_xattr *x = &e->xattrs[i];

		check(x->name[x->name_len] == 0, "an xattr's name ends");
		check(x->value_offset + x->value_len <= size &&
			      memcmp(data + x->value_offset, x->value, x->value_len) == 0,
		      "an xattr's value stands where it says");
		mix(t, x->name, x->name_len);
	}
}

static int read_body(struct tar_reader *r, const struct tar_entry *e, const uint8_t *data,
		     struct error *err)
{
	struct stream *body;
	uint8_t *bytes;
	size_t n;
	int ret = tar_reader_body(r, &body, err);

	check(ret == 0, "a body opens");
	ret = stream_read_all(body, SMALL_BODY, &bytes, &n, err);
	stream_close(body);
	if (ret < 0)
		return ret;
	check(n == e->body_size && memcmp(bytes, data + e->body_offset, n) == 0,
	      "a body is what it is");
	free(bytes);
	return 0;
}

static struct told read_tar(const uint8_t *data, size_t size, size_t chunk, bool skip)
{
	struct told t = { .hash = 14695981039346656037u };
	static const struct stream_ops plain_ops = { plain_next, NULL, plain_close };
	struct plain plain = { .base = { &plain_ops } };
	struct limits limits = limits_default();
	struct stream *s, *inner, *in;
	struct tar_reader *r;
	struct tar_entry e;
	struct error err = { 0 };

	check(stream_open_memory(&s, data, size, &err) == 0, "memory opens");
	inner = s;
	if (chunk)
		check(stream_open_chunked(&s, inner, chunk, &err) == 0, "chunks open");
	plain.inner = s;
	in = skip ? s : &plain.base;
	check(tar_reader_new(&r, in, &limits, &err) == 0, "a reader opens");
	while ((t.ret = tar_reader_next(r, &e, &err)) == 0) {
		mix_entry(&t, &e, data, size);
		t.entries++;
		if (e.body_size <= SMALL_BODY && (t.ret = read_body(r, &e, data, &err)) < 0)
			break;
	}
	check(t.ret == 1 || (t.ret == -(int)err.code && err.msg[0]), "an error says what it is");
	check(t.ret == 1 || err.code == ERR_BAD_INPUT || err.code == ERR_TRUNCATED ||
		      err.code == ERR_LIMIT,
	      "an error is the input's fault");
	check(tar_reader_offset(r) <= size && (t.ret < 0 || tar_reader_offset(r) == size),
	      "all was read");
	if (t.ret < 0)
		memcpy(t.msg, err.msg, sizeof(t.msg));
	else
		t.hash ^= tar_reader_oddities(r);
	tar_reader_free(r);
	stream_close(in);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told whole, pieces;

	if (!size)
		return 0;
	whole = read_tar(data + 1, size - 1, 0, true);
	pieces = read_tar(data + 1, size - 1, data[0] & 127, data[0] >> 7);
	check(whole.ret == pieces.ret && whole.entries == pieces.entries &&
		      whole.hash == pieces.hash,
	      "the pieces make no difference");
	check(strcmp(whole.msg, pieces.msg) == 0, "nor for the message");
	return 0;
}
