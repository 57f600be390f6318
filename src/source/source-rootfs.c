/* rootfs:DIR as a source of one layer; the layer itself is made in rootfs.c. */
#include <sys/stat.h>

#include "source/internal.h"
#include "source/rootfs.h"

static int rootfs_images(struct source *s, struct error *err)
{
	return single_layer_image(s, "rootfs", SOURCE_SIZE_UNKNOWN, err);
}

static int rootfs_layer_open(struct source *s, _unused_ const struct source_layer *layer,
			     struct stream **out, struct error *err)
{
	return rootfs_stream_open(out, s->path, s->limits, s->notes, err);
}

int rootfs_open(struct source *s, struct error *err)
{
	struct stat st;

	if (stat(s->path, &st) < 0)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "open '%s'",
				s->path);
	if (!S_ISDIR(st.st_mode))
		return err_fail(err, ERR_BAD_INPUT, 0,
				"%s is no directory (tar:FILE reads one layer from a file)",
				s->path);
	s->read_images = rootfs_images;
	s->open_layer = rootfs_layer_open;
	return 0;
}
