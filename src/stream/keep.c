#include "stream/keep.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/buf.h"

static int make_file(int *fd, const char *dir, struct error *err)
{
	_cleanup_(buf_freep) struct buf name = { 0 };

	if (buf_printf(&name, "%s/uidfit-XXXXXX", dir) < 0)
		return err_nomem(err);
	*fd = mkostemp((char *)name.data, O_CLOEXEC);
	if (*fd < 0)
		return err_fail(err, ERR_IO, errno, "a temporary file in %s", dir);
	unlink((char *)name.data);
	return 0;
}

static int put(int fd, const char *dir, const struct block *b, struct error *err)
{
	for (size_t done = 0; done < b->len;) {
		ssize_t n = write(fd, b->data + done, b->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_fail(err, ERR_IO, errno,
					"keeping the source in %s (TMPDIR says where)", dir);
		done += (size_t)n;
	}
	return 0;
}

int stream_keep(struct stream *in, int *fd, const char **dir, uint64_t *total, struct error *err)
{
	_cleanup_(closep) int file = -1;
	const char *tmp = getenv("TMPDIR");
	struct block *b;
	int r;

	*dir = tmp && tmp[0] ? tmp : "/tmp";
	*total = 0;
	r = make_file(&file, *dir, err);
	while (r == 0 && (r = stream_next(in, &b, err)) == 0) {
		r = put(file, *dir, b, err);
		*total += b->len;
		block_unref(b);
	}
	if (r < 0)
		return r;
	*fd = file;
	file = -1;
	return 0;
}
