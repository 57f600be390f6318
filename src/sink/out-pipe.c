/* A tar that goes out as it is made. A header needs the size of its body and, here, its digest: a
 * body that has neither yet waits in a spool.
 */
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/macro.h"
#include "sink/out.h"
#include "stream/spool.h"
#include "tar/reader.h"

#define SPOOL_MEMORY (8u << 20)
#define PART	     (256u << 10)

struct out_pipe {
	struct out base;
	int fd;
	const char *shown;
	struct notes *notes;
	uint64_t size; /* of the open file, so far */
	struct spool *spool;
};

static struct out_pipe *of(struct out *o)
{
	return (struct out_pipe *)o;
}

static int put(struct out_pipe *p, const void *bytes, size_t n, struct error *err)
{
	return out_write(p->fd, -1, bytes, n, p->shown, err);
}

static int put_header(struct out_pipe *p, const char *name, uint64_t size, struct error *err)
{
	_cleanup_(buf_freep) struct buf h = { 0 };
	int r = out_header(&h, name, size, err);

	return r < 0 ? r : put(p, h.data, h.len, err);
}

static int pipe_begin(struct out *o, const char *name, uint64_t size, struct error *err)
{
	struct out_pipe *p = of(o);

	p->size = 0;
	if (name)
		return put_header(p, name, size, err);
	p->spool = spool_new(SPOOL_MEMORY);
	return p->spool ? 0 : err_nomem(err);
}

static int pipe_write(struct out *o, const void *bytes, size_t n, struct error *err)
{
	struct out_pipe *p = of(o);

	p->size += n;
	return p->spool ? spool_append(p->spool, bytes, n, err) : put(p, bytes, n, err);
}

static int empty_spool(struct out_pipe *p, struct error *err)
{
	struct spool_reader reader;
	int r = spool_seal(p->spool, err);

	if (r < 0)
		return r;
	spool_reader_init(&reader, p->spool);
	for (uint64_t left = p->size; r == 0 && left;) {
		const uint8_t *bytes;
		size_t got;

		r = spool_peek(&reader, (size_t)MIN(left, (uint64_t)PART), &bytes, &got, err);
		if (r < 0)
			break;
		if (!got) {
			r = err_fail(err, ERR_BUG, 0, "a spool ends early");
			break;
		}
		r = put(p, bytes, got, err);
		spool_advance(&reader, got);
		left -= got;
	}
	spool_reader_done(&reader);
	return r;
}

static void drop_spool(struct out_pipe *p)
{
	spool_free(p->spool);
	p->spool = NULL;
}

static int write_spool(struct out_pipe *p, const char *name, struct error *err)
{
	const char *dir = getenv("TMPDIR");
	int r;

	if (p->size > SPOOL_MEMORY)
		notes_add(p->notes,
			  "a changed layer of %" PRIu64
			  " bytes was kept in an unlinked file in %s first: a tar names a size "
			  "before its bytes, and %s cannot go back",
			  p->size, dir && *dir ? "TMPDIR" : "/var/tmp", p->shown);
	r = put_header(p, name, p->size, err);
	if (r == 0)
		r = empty_spool(p, err);
	drop_spool(p);
	return r;
}

static int pipe_end(struct out *o, const char *name, struct error *err)
{
	static const uint8_t zeros[TAR_BLOCK];
	struct out_pipe *p = of(o);
	size_t over = p->size % TAR_BLOCK;
	int r = p->spool ? write_spool(p, name, err) : 0;

	return r == 0 && over ? put(p, zeros, TAR_BLOCK - over, err) : r;
}

static int pipe_drop(struct out *o, struct error *err)
{
	(void)err;
	drop_spool(of(o));
	return 0;
}

static int pipe_commit(struct out *o, struct error *err)
{
	static const uint8_t marker[2 * TAR_BLOCK];

	return put(of(o), marker, sizeof(marker), err);
}

static void pipe_close(struct out *o)
{
	drop_spool(of(o));
	free(o);
}

static const struct out_ops pipe_ops = { pipe_begin, pipe_write,  pipe_end,
					 pipe_drop,  pipe_commit, pipe_close };

int out_pipe_open(struct out **out, int fd, const char *shown, struct notes *notes,
		  struct error *err)
{
	struct out_pipe *p = calloc(1, sizeof(*p));

	if (!p)
		return err_nomem(err);
	if (isatty(fd)) {
		free(p);
		return err_fail(err, ERR_USAGE, 0,
				"%s is a terminal: an archive goes to a file or a pipe", shown);
	}
	p->base.ops = &pipe_ops;
	p->fd = fd;
	p->shown = shown;
	p->notes = notes;
	*out = &p->base;
	return 0;
}
