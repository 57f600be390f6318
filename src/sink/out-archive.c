/* A tar in a regular file: a body of unknown size is written first and its header afterwards, so
 * that nothing is kept elsewhere.
 */
#include <fcntl.h>

#include "base/buf.h"
#include "base/macro.h"
#include "sink/out.h"
#include "tar/reader.h"

struct out_archive {
	struct out base;
	struct place place;
	int fd;
	uint64_t header, body, end; /* of the open file, or end alone: where the next begins */
};

static struct out_archive *of(struct out *o)
{
	return (struct out_archive *)o;
}

static int write_at(struct out_archive *a, uint64_t at, const void *bytes, size_t n,
		    struct error *err)
{
	return out_write(a->fd, (int64_t)at, bytes, n, a->place.path, err);
}

static int archive_begin(struct out *o, const char *name, uint64_t size, struct error *err)
{
	_cleanup_(buf_freep) struct buf h = { 0 };
	struct out_archive *a = of(o);
	int r;

	a->header = a->end;
	a->body = a->end = a->header + TAR_BLOCK;
	if (!name)
		return 0;
	r = out_header(&h, name, size, err);
	if (r == 0)
		r = write_at(a, a->header, h.data, h.len, err);
	a->body = a->end = a->header + h.len;
	return r;
}

static int archive_write(struct out *o, const void *bytes, size_t n, struct error *err)
{
	struct out_archive *a = of(o);
	int r = write_at(a, a->end, bytes, n, err);

	a->end += n;
	return r;
}

static int archive_end(struct out *o, const char *name, struct error *err)
{
	static const uint8_t zeros[TAR_BLOCK];
	_cleanup_(buf_freep) struct buf h = { 0 };
	struct out_archive *a = of(o);
	size_t over = a->end % TAR_BLOCK;
	int r = out_header(&h, name, a->end - a->body, err);

	if (r == 0 && h.len != a->body - a->header)
		return err_fail(err, ERR_BUG, 0, "a header of another size than was left for it");
	if (r == 0)
		r = write_at(a, a->header, h.data, h.len, err);
	if (r == 0 && over) {
		r = write_at(a, a->end, zeros, TAR_BLOCK - over, err);
		a->end += TAR_BLOCK - over;
	}
	return r;
}

/* What is written next, or the cut at the end, takes its place. */
static int archive_drop(struct out *o, struct error *err)
{
	struct out_archive *a = of(o);

	(void)err;
	a->end = a->header;
	return 0;
}

static int archive_commit(struct out *o, struct error *err)
{
	static const uint8_t marker[2 * TAR_BLOCK];
	struct out_archive *a = of(o);
	int r = write_at(a, a->end, marker, sizeof(marker), err);

	if (r == 0 && (ftruncate(a->fd, (off_t)(a->end + sizeof(marker))) < 0 || fsync(a->fd) < 0))
		r = err_fail(err, ERR_IO, errno, "write '%s'", a->place.path);
	return r < 0 ? r : place_commit(&a->place, err);
}

static void archive_close(struct out *o)
{
	struct out_archive *a = of(o);

	closep(&a->fd);
	place_close(&a->place);
	free(a);
}

static const struct out_ops archive_ops = { archive_begin, archive_write,  archive_end,
					    archive_drop,  archive_commit, archive_close };

int out_archive_open(struct out **out, const char *path, bool replace, struct error *err)
{
	struct out_archive *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return err_nomem(err);
	a->base.ops = &archive_ops;
	a->fd = -1;
	r = place_open(&a->place, path, false, replace, err);
	if (r == 0)
		r = place_make(&a->place, &a->fd, err);
	if (r < 0)
		archive_close(&a->base);
	else
		*out = &a->base;
	return r;
}
