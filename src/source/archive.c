/* An archive by its bytes: can it be sought in, is it compressed, which format do its members tell.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "source/internal.h"
#include "source/members.h"
#include "stream/codec.h"

bool path_is_stdin(const char *path)
{
	return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0;
}

bool docker_manifest_begins(const uint8_t *bytes, size_t n)
{
	while (n && memchr(" \t\r\n", *bytes, 4))
		bytes++, n--;
	return n && *bytes == '[';
}

static int scan_store(struct source *s, source_blob_fn *fn, void *ctx, struct error *err)
{
	return store_onepass_scan(s->store, fn, ctx, s->limits, s->notes, err);
}

int onepass_source(struct source *s, struct stream *in, struct error *err)
{
	int r = store_onepass_open(&s->store, in, err);

	if (r < 0)
		stream_close(in);
	else
		s->scan = scan_store;
	return r;
}

static int open_once(struct source *s, int fd, bool own, struct error *err)
{
	struct stream *in;
	int r = stream_open_fd(&in, fd, own, err);

	if (r < 0 && own)
		close(fd);
	return r < 0 ? r : onepass_source(s, in, err);
}

/* A regular file: by its first bytes. */
static int open_regular(struct source *s, int fd, uint64_t size, struct error *err)
{
	uint8_t head[TAR_BLOCK];
	struct stream *in;
	ssize_t n = pread(fd, head, sizeof(head), 0);
	int r;

	if (n < 0) {
		r = err_fail(err, ERR_IO, errno, "read '%s'", s->path);
	} else if (codec_detect(head, (size_t)n) != CODEC_NONE) {
		r = stream_open_range(&in, fd, true, 0, size, err);
		if (r == 0)
			return onepass_source(s, in, err);
	} else if (n < TAR_BLOCK || !tar_looks_like(head)) {
		r = err_fail(err, ERR_BAD_INPUT, 0, "%s: neither a tar nor a compressed one",
			     s->path);
	} else {
		r = store_archive_open(&s->store, fd, s->limits, s->notes, err);
		if (r == 0)
			return 0;
		err_wrap(err, "%s", s->path);
	}
	close(fd);
	return r;
}

int archive_store_open(struct source *s, struct error *err)
{
	struct stat st = { 0 };
	int fd;

	if (path_is_stdin(s->path))
		return open_once(s, s->stdin_fd, false, err);
	fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "open '%s'",
				s->path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return open_regular(s, fd, (uint64_t)st.st_size, err);
	if (S_ISDIR(st.st_mode)) {
		close(fd);
		return err_fail(err, ERR_BAD_INPUT, 0,
				"%s is a directory, no archive (oci:, dir: and rootfs: read one)",
				s->path);
	}
	return open_once(s, fd, true, err);
}

int archive_images(struct source *s, struct error *err)
{
	_cleanup_(freep) uint8_t *data = NULL;
	size_t len;
	int r;

	r = store_read(s->store, "manifest.json", "manifest.json", s->limits, &data, &len, err);
	if (r < 0)
		return err_wrap(err, "%s", s->path);
	if (r == 0 && (docker_manifest_begins(data, len) || !store_has(s->store, "index.json")))
		return docker_archive_images(s, err);
	if (store_has(s->store, "index.json"))
		return oci_images(s, err);
	if (store_has(s->store, "repositories"))
		return err_fail(err, ERR_UNSUPPORTED, 0,
				"%s: an archive of Docker before 1.10, without manifest.json: load "
				"it and save it again",
				s->path);
	return err_fail(err, ERR_BAD_INPUT, 0,
			"%s: no image archive: neither manifest.json nor index.json in it "
			"(tar:FILE, tar:- read it as one layer)",
			s->path);
}
