/* Small sources made by hand: a list of files, written as a directory, as an archive, compressed,
 * or as a stream that is read once; and what each of them gave.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/buf.h"
#include "source/source.h"
#include "tar/reader.h"

struct file {
	char name[300];
	char type; /* typeflag */
	char link[300];
	struct buf data;
};

struct files {
	struct file v[64];
	size_t n;
};

static inline struct file *put_bytes(struct files *f, const char *name, const void *data, size_t n)
{
	struct file *file = &f->v[f->n++];

	assert_true(f->n <= ARRAY_SIZE(f->v));
	*file = (struct file){ .type = TAR_REG };
	snprintf(file->name, sizeof(file->name), "%s", name);
	assert_int_equal(buf_append(&file->data, data, n), 0);
	return file;
}

static inline struct file *put(struct files *f, const char *name, const char *text)
{
	return put_bytes(f, name, text, strlen(text));
}

static inline void put_link(struct files *f, const char *name, char type, const char *target)
{
	struct file *file = put(f, name, "");

	file->type = type;
	snprintf(file->link, sizeof(file->link), "%s", target);
}

static inline struct file *get(struct files *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].name, name) == 0)
			return &f->v[i];
	fail_msg("no file %s", name);
	return NULL;
}

static inline void rename_file(struct files *f, const char *from, const char *to)
{
	struct file *file = get(f, from);

	snprintf(file->name, sizeof(file->name), "%s", to);
}

static inline void drop_file(struct files *f, const char *name)
{
	struct file *file = get(f, name);

	buf_free(&file->data);
	memmove(file, file + 1, (size_t)(&f->v[--f->n] - file) * sizeof(*file));
}

static inline void files_free(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		buf_free(&f->v[i].data);
	f->n = 0;
}

/* The hex in one of a few buffers, taken in turn. */
static inline const char *sha(const void *data, size_t n)
{
	static char hex[32][DIGEST_HEX_MAX + 1];
	static size_t turn;
	char *out = hex[turn++ % 32];

	assert_int_equal(digest_hex(DIGEST_SHA256, data, n, out, NULL), 0);
	return out;
}

static inline const char *text(const char *fmt, ...)
{
	static char out[16][4096];
	static size_t turn;
	char *p = out[turn++ % 16];
	va_list ap;

	va_start(ap, fmt);
	assert_true(vsnprintf(p, sizeof(out[0]), fmt, ap) < (int)sizeof(out[0]));
	va_end(ap);
	return p;
}

static inline void tar_header(struct buf *out, const char *name, char type, const char *link,
			      size_t size)
{
	char h[TAR_BLOCK] = { 0 };
	unsigned sum = 0;

	memcpy(h, name, MIN(strlen(name), (size_t)100));
	memcpy(h + 157, link, MIN(strlen(link), (size_t)100));
	snprintf(h + 100, 8, "%07o", 0644u);
	snprintf(h + 108, 8, "%07o", 0u);
	snprintf(h + 116, 8, "%07o", 0u);
	snprintf(h + 124, 12, "%011zo", size);
	snprintf(h + 136, 12, "%011o", 0u);
	h[156] = type;
	memcpy(h + 257, "ustar\00000", 8);
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(h); i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 7, "%06o", sum);
	assert_int_equal(buf_append(out, h, sizeof(h)), 0);
}

static inline void tar_pad(struct buf *out)
{
	static const char zeros[TAR_BLOCK];

	assert_int_equal(buf_append(out, zeros, (TAR_BLOCK - out->len % TAR_BLOCK) % TAR_BLOCK), 0);
}

static inline void tar_end(struct buf *out)
{
	static const char zeros[2 * TAR_BLOCK];

	assert_int_equal(buf_append(out, zeros, sizeof(zeros)), 0);
}

static inline struct buf as_tar(const struct files *f)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < f->n; i++) {
		const struct file *file = &f->v[i];

		tar_header(&out, file->name, file->type, file->link, file->data.len);
		assert_int_equal(buf_append(&out, buf_str(&file->data), file->data.len), 0);
		tar_pad(&out);
	}
	tar_end(&out);
	return out;
}

/* A layer of one empty file; other names, other digests. */
static inline struct buf layer_of(const char *name)
{
	struct buf out = { 0 };

	tar_header(&out, name, TAR_REG, "", 0);
	tar_end(&out);
	return out;
}

static inline struct buf gzipped(const struct buf *in)
{
	z_stream z = { 0 };
	struct buf out = { 0 };

	assert_int_equal(buf_reserve(&out, in->len + 1000), 0);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = in->data;
	z.avail_in = (unsigned)in->len;
	z.next_out = out.data;
	z.avail_out = (unsigned)in->len + 1000;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.len = z.total_out;
	deflateEnd(&z);
	return out;
}

/* One directory for the whole program; removed at the end. */
static inline const char *work_dir(void)
{
	static char dir[300];

	if (!dir[0]) {
		const char *tmp = getenv("TMPDIR");

		snprintf(dir, sizeof(dir), "%s/test-source-XXXXXX", tmp ? tmp : "/tmp");
		assert_non_null(mkdtemp(dir));
	}
	return dir;
}

static inline void remove_tree(const char *path)
{
	assert_int_equal(system(text("rm -rf '%s'", path)), 0);
}

static inline void write_file(const char *path, const void *data, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static inline void make_parents(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	}
}

static inline void as_dir(const struct files *f, const char *dir)
{
	char path[700];

	remove_tree(dir);
	for (size_t i = 0; i < f->n; i++) {
		const struct file *file = &f->v[i];

		snprintf(path, sizeof(path), "%s/%s", dir, file->name);
		make_parents(path);
		if (file->type == TAR_SYMLINK)
			assert_int_equal(symlink(file->link, path), 0);
		else
			write_file(path, buf_str(&file->data), file->data.len);
	}
}

enum mode { MODE_FILE, MODE_STDIN, MODE_GZIP, MODE_PATH, MODE_DIR, MODE_COUNT };

/* What opening a source, its images and all their layers gave. */
struct outcome {
	struct limits limits;
	struct notes *notes;
	struct source *source;
	const struct source_image *images;
	size_t count;
	size_t scanned;
	char last_scanned[300];
	struct error err;
	int r;
};

struct ask {
	const char *transport; /* for an archive: "docker-archive", "oci-archive" */
	const char *suffix;    /* ":app:1.0" or "" */
	const char *platform;
	bool all;
	const char *limit; /* "images=3" */
};

static inline int count_blob(void *ctx, const char *blob, uint64_t size, struct stream *raw,
			     struct error *err)
{
	struct outcome *o = ctx;
	uint8_t *data;
	size_t len;
	int r = stream_read_all(raw, 1 << 20, &data, &len, err);

	if (r < 0)
		return r;
	free(data);
	if (size != SOURCE_SIZE_UNKNOWN)
		assert_int_equal(len, size);
	o->scanned++;
	snprintf(o->last_scanned, sizeof(o->last_scanned), "%s", blob);
	return 0;
}

static inline int read_layers(struct outcome *o)
{
	for (size_t i = 0; i < o->count; i++)
		for (size_t k = 0; k < o->images[i].layer_count; k++) {
			struct stream *in;
			int r = source_layer_open(o->source, &o->images[i].layers[k], &in, &o->err);

			if (r < 0)
				return r;
			r = stream_drain(in, &o->err);
			stream_close(in);
			if (r < 0)
				return r;
		}
	return 0;
}

static inline int look_at(struct outcome *o, const struct ref *ref, const struct ask *ask, int in)
{
	struct platform platform;
	struct source_options opts = {
		.limits = &o->limits, .notes = o->notes, .stdin_fd = in, .all_platforms = ask->all
	};
	int r;

	if (ask->platform) {
		assert_int_equal(platform_parse(&platform, ask->platform, NULL), 0);
		opts.platform = &platform;
	}
	r = source_open(&o->source, ref, &opts, &o->err);
	if (r == 0 && source_is_one_pass(o->source))
		r = source_scan(o->source, count_blob, o, &o->err);
	if (r == 0)
		r = source_images(o->source, &o->images, &o->count, &o->err);
	if (r == 0 && !source_is_one_pass(o->source))
		r = read_layers(o);
	return r;
}

static inline struct outcome outcome_new(const struct ask *ask)
{
	struct outcome o = { .limits = limits_default(), .notes = notes_new() };

	assert_non_null(o.notes);
	if (ask->limit)
		assert_int_equal(limits_set(&o.limits, ask->limit, NULL), 0);
	return o;
}

/* The bytes of an archive in the way that mode says. */
static inline struct outcome look_at_bytes(const struct buf *bytes, enum mode mode,
					   const struct ask *ask)
{
	struct outcome o = outcome_new(ask);
	const char *path = text("%s/archive", work_dir());
	struct buf gz = { 0 };
	struct ref ref;
	int in = -1;

	if (mode == MODE_GZIP) {
		gz = gzipped(bytes);
		bytes = &gz;
	}
	if (mode == MODE_STDIN) {
		in = memfd_create("stdin", MFD_CLOEXEC);
		assert_true(in >= 0);
		assert_int_equal(write(in, bytes->data, bytes->len), bytes->len);
		lseek(in, 0, SEEK_SET);
		path = "-";
	} else {
		write_file(path, bytes->data, bytes->len);
	}
	if (mode == MODE_PATH)
		ref = (struct ref){ TRANSPORT_PATH, strdup(path), NULL, -1 };
	else
		assert_int_equal(
			ref_parse(&ref, text("%s:%s%s", ask->transport, path, ask->suffix), &o.err),
			0);
	o.r = look_at(&o, &ref, ask, in);
	ref_free(&ref);
	buf_free(&gz);
	if (in >= 0)
		close(in);
	return o;
}

static inline struct outcome look_at_files(const struct files *f, enum mode mode,
					   const struct ask *ask)
{
	struct buf bytes;
	struct outcome o;

	if (mode == MODE_DIR) {
		const char *dir = text("%s/layout", work_dir());
		struct ref ref;

		o = outcome_new(ask);
		as_dir(f, dir);
		assert_int_equal(ref_parse(&ref,
					   text("%s:%s%s",
						strcmp(ask->transport, "dir") == 0 ? "dir" : "oci",
						dir, ask->suffix),
					   &o.err),
				 0);
		o.r = look_at(&o, &ref, ask, -1);
		ref_free(&ref);
		return o;
	}
	bytes = as_tar(f);
	o = look_at_bytes(&bytes, mode, ask);
	buf_free(&bytes);
	return o;
}

static inline void outcome_free(struct outcome *o)
{
	source_close(o->source);
	notes_free(o->notes);
}

static inline bool has_note(const struct outcome *o, const char *part)
{
	for (size_t i = 0; i < notes_count(o->notes); i++)
		if (strstr(notes_get(o->notes, i), part))
			return true;
	return false;
}

static inline bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* What a case expects; the same for every mode. */
struct expect {
	enum err_code code;  /* 0: it works */
	const char *message; /* part of it, NULL: any */
	size_t images;
	const char *name; /* end of the first image's name, or NULL */
	const char *note; /* part of one, or NULL */
	const char *arch; /* the first image's, or NULL */
};

static inline void check_outcome(const char *what, enum mode mode, const struct outcome *o,
				 const struct expect *e)
{
	static const char *const modes[] = { "file", "stdin", "gzip", "path", "directory" };

	if (o->r != -(int)e->code)
		fail_msg("%s, %s: %d instead of %d: %s", what, modes[mode], o->r, -(int)e->code,
			 o->r ? o->err.msg : "");
	if (e->code && e->message && !strstr(o->err.msg, e->message))
		fail_msg("%s, %s: '%s' is not in '%s'", what, modes[mode], e->message, o->err.msg);
	if (e->note && !has_note(o, e->note))
		fail_msg("%s, %s: no note with '%s', but %s", what, modes[mode], e->note,
			 notes_count(o->notes) ? notes_get(o->notes, 0) : "none");
	if (e->code)
		return;
	if (o->count != e->images)
		fail_msg("%s, %s: %zu images", what, modes[mode], o->count);
	if (e->arch && strcmp(o->images[0].platform.architecture, e->arch) != 0)
		fail_msg("%s, %s: for %s", what, modes[mode], o->images[0].platform.architecture);
	if (e->name && !ends_with(o->images[0].name, e->name))
		fail_msg("%s, %s: the name is %s", what, modes[mode], o->images[0].name);
}
