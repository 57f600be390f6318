/* tar:FILE: one layer that is no image yet, compressed or not; tar:- reads standard input, once. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "source/internal.h"

#define LAYER_NAME "layer.tar"

static int tar_images(struct source *s, struct error *err)
{
	struct stat st;

	if (s->fd < 0)
		return single_layer_image(s, LAYER_NAME, SOURCE_SIZE_UNKNOWN, err);
	if (fstat(s->fd, &st) < 0)
		return err_fail(err, ERR_IO, errno, "stat '%s'", s->path);
	return single_layer_image(s, LAYER_NAME, (uint64_t)st.st_size, err);
}

static int tar_layer_open(struct source *s, _unused_ const struct source_layer *layer,
			  struct stream **out, struct error *err)
{
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return err_fail(err, ERR_IO, errno, "stat '%s'", s->path);
	return stream_open_range(out, s->fd, false, 0, (uint64_t)st.st_size, err);
}

static int tar_scan(struct source *s, source_blob_fn *fn, void *ctx, struct error *err)
{
	return source_lend(fn, ctx, LAYER_NAME, SOURCE_SIZE_UNKNOWN, s->once, err);
}

int tar_open(struct source *s, struct error *err)
{
	bool in = path_is_stdin(s->path);
	int fd = in ? s->stdin_fd : open(s->path, O_RDONLY | O_CLOEXEC), r;
	struct stat st = { 0 };

	if (fd < 0)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "open '%s'",
				s->path);
	s->transport = TRANSPORT_TAR;
	s->read_images = tar_images;
	if (!in && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		s->fd = fd;
		s->open_layer = tar_layer_open;
		return 0;
	}
	if (!in && S_ISDIR(st.st_mode)) {
		close(fd);
		return err_fail(err, ERR_BAD_INPUT, 0,
				"%s is a directory (rootfs: reads one as a layer)", s->path);
	}
	s->scan = tar_scan;
	r = stream_open_fd(&s->once, fd, !in, err);
	if (r < 0 && !in)
		close(fd);
	return r;
}
