#include "stream/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEEK_MAX   (1u << 20)
#define WRITE_SIZE (256u << 10) /* gathered before a write, once there is a file */
#define READ_SIZE  (128u << 10)

struct spool {
	uint8_t *mem; /* all of it, or what the file does not hold yet */
	size_t len, cap, memory_max;
	int fd; /* -1: in memory */
	uint64_t size;
	bool sealed, failed;
};

struct spool *spool_new(size_t memory_max)
{
	struct spool *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->memory_max = memory_max;
	s->fd = -1;
	return s;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->mem);
	free(s);
}

uint64_t spool_size(const struct spool *s)
{
	return s->size;
}

static int unlinked_file(const char *dir)
{
	char path[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);

	if (fd >= 0 ||
	    (size_t)snprintf(path, sizeof(path), "%s/uidfit-XXXXXX", dir) >= sizeof(path))
		return fd;
	/* A file system without O_TMPFILE. */
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static int make_file(struct spool *s, struct error *err)
{
	const char *dir = getenv("TMPDIR");

	if (dir && *dir) {
		s->fd = unlinked_file(dir);
		if (s->fd < 0)
			return err_fail(err, ERR_IO, errno, "make a temporary file in TMPDIR '%s'",
					dir);
		return 0;
	}
	/* /tmp is memory on many hosts, which is what a spool wants to spare. */
	s->fd = unlinked_file("/var/tmp");
	if (s->fd < 0)
		s->fd = unlinked_file("/tmp");
	if (s->fd < 0)
		return err_fail(err, ERR_IO, errno, "make a temporary file in /var/tmp or /tmp");
	return 0;
}

static int write_all(struct spool *s, const uint8_t *p, size_t n, struct error *err)
{
	while (n > 0) {
		ssize_t k = write(s->fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return err_fail(err, ERR_IO, k < 0 ? errno : ENOSPC,
					"write a temporary file");
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static int flush(struct spool *s, struct error *err)
{
	int r = write_all(s, s->mem, s->len, err);

	s->len = 0;
	return r;
}

static int reserve(struct spool *s, size_t cap, struct error *err)
{
	uint8_t *p = realloc(s->mem, cap);

	if (!p)
		return err_nomem(err);
	s->mem = p;
	s->cap = cap;
	return 0;
}

static int append_memory(struct spool *s, const void *bytes, size_t n, struct error *err)
{
	if (n > s->cap - s->len) {
		size_t want = MIN(MAX(s->cap * 2, (size_t)4096), s->memory_max);
		int r = reserve(s, MAX(want, s->len + n), err);

		if (r < 0)
			return r;
	}
	memcpy(s->mem + s->len, bytes, n);
	s->len += n;
	return 0;
}

static int append_file(struct spool *s, const void *bytes, size_t n, struct error *err)
{
	int r;

	if (n > s->cap - s->len) {
		r = flush(s, err);
		if (r < 0)
			return r;
	}
	if (n >= s->cap)
		return write_all(s, bytes, n, err);
	memcpy(s->mem + s->len, bytes, n);
	s->len += n;
	return 0;
}

static int append(struct spool *s, const void *bytes, size_t n, struct error *err)
{
	int r;

	if (s->fd < 0 && n <= s->memory_max && s->len <= s->memory_max - n)
		return append_memory(s, bytes, n, err);
	if (s->fd < 0) {
		r = make_file(s, err);
		if (r < 0)
			return r;
		r = flush(s, err);
		if (r < 0)
			return r;
		r = reserve(s, WRITE_SIZE, err);
		if (r < 0)
			return r;
	}
	return append_file(s, bytes, n, err);
}

int spool_append(struct spool *s, const void *bytes, size_t n, struct error *err)
{
	int r;

	if (s->sealed || s->failed)
		return err_fail(err, ERR_SEQUENCE, 0, "append to a spool that is %s",
				s->failed ? "broken" : "sealed");
	if (n == 0)
		return 0;
	r = append(s, bytes, n, err);
	if (r < 0)
		s->failed = true;
	else
		s->size += n;
	return r;
}

int spool_seal(struct spool *s, struct error *err)
{
	int r;

	if (s->sealed)
		return 0;
	if (s->failed)
		return err_fail(err, ERR_SEQUENCE, 0, "seal a spool that is broken");
	if (s->fd >= 0) {
		r = flush(s, err);
		if (r < 0) {
			s->failed = true;
			return r;
		}
		free(STEAL(s->mem));
		s->cap = 0;
	} else if (s->len > 0 && s->len < s->cap) {
		uint8_t *p = realloc(s->mem, s->len);

		if (p) {
			s->mem = p;
			s->cap = s->len;
		}
	}
	s->sealed = true;
	return 0;
}

void spool_reader_init(struct spool_reader *r, const struct spool *s)
{
	*r = (struct spool_reader){ .spool = s };
}

void spool_reader_done(struct spool_reader *r)
{
	free(r->buffer);
	*r = (struct spool_reader){ .spool = r->spool };
}

/* Moves what is left to the front of the buffer and fills the rest from the file. */
static int refill(struct spool_reader *r, size_t n, struct error *err)
{
	size_t left = r->len - r->pos;

	if (n > r->buffer_cap) {
		size_t cap = MAX(n, (size_t)READ_SIZE);
		uint8_t *p = realloc(r->buffer, cap);

		if (!p)
			return err_nomem(err);
		r->buffer = p;
		r->buffer_cap = cap;
	}
	memmove(r->buffer, r->buffer + r->pos, left);
	r->window = r->buffer;
	r->offset += r->pos;
	r->pos = 0;
	r->len = left;
	while (r->len < n) {
		uint64_t at = r->offset + r->len;
		size_t want = (size_t)MIN((uint64_t)(r->buffer_cap - r->len), r->spool->size - at);
		ssize_t k = pread(r->spool->fd, r->buffer + r->len, want, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return err_fail(err, ERR_IO, k < 0 ? errno : 0,
					"read a temporary file at byte %" PRIu64, at);
		r->len += (size_t)k;
	}
	return 0;
}

int spool_peek(struct spool_reader *r, size_t n, const uint8_t **bytes, size_t *got,
	       struct error *err)
{
	const struct spool *s = r->spool;
	uint64_t left;
	int ret;

	if (!s->sealed)
		return err_fail(err, ERR_SEQUENCE, 0, "read a spool that is not sealed");
	if (n > PEEK_MAX)
		return err_fail(err, ERR_BUG, 0, "peek of %zu bytes", n);
	if (s->fd < 0) {
		r->window = s->mem;
		r->len = s->len;
	} else if (r->len - r->pos < n) {
		left = s->size - r->offset - r->pos;
		ret = refill(r, (size_t)MIN((uint64_t)n, left), err);
		if (ret < 0)
			return ret;
	}
	*bytes = r->window ? r->window + r->pos : (const uint8_t *)"";
	*got = r->len - r->pos;
	return 0;
}

void spool_advance(struct spool_reader *r, size_t n)
{
	r->pos += n;
}
