/* A bare path, and standard input: what they hold is told by their content. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "source/internal.h"
#include "source/members.h"
#include "stream/codec.h"
#include "stream/peek.h"

int stdin_open(struct source *s, struct error *err)
{
	free(s->path);
	s->path = strdup("-");
	if (!s->path)
		return err_nomem(err);
	s->read_images = archive_images;
	return archive_store_open(s, err);
}

/* "HEX", "HEX.tar", "HEX/layer.tar", "blobs/sha256/HEX", "sha256:HEX": no layer begins like that.
 */
static bool is_archive_name(const char *name)
{
	static const char *const prefixes[] = { "blobs/sha256/", "sha256:", "" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		size_t n = strlen(prefixes[i]), hex;

		if (strncmp(name, prefixes[i], n) != 0)
			continue;
		hex = strspn(name + n, "0123456789abcdef");
		if (hex == 64 && (!name[n + hex] || strchr("./", name[n + hex])))
			return true;
	}
	return strcmp(name, "oci-layout") == 0;
}

enum guess { GUESS_LAYER, GUESS_ARCHIVE, GUESS_NONE_YET };

static int guess_member(const struct tar_entry *e, struct tar_reader *reader, enum guess *guess,
			struct error *err)
{
	_cleanup_(stream_closep) struct stream *body = NULL, *peeked = NULL;
	char name[MEMBER_NAME_MAX + 1];
	const uint8_t *bytes;
	size_t got;
	int r;

	if (!member_clean(name, e->name, e->name_len))
		return 0;
	if (is_archive_name(name))
		*guess = GUESS_ARCHIVE;
	if (strcmp(name, "manifest.json") != 0 || e->type != TAR_REG)
		return 0;
	r = tar_reader_body(reader, &body, err);
	if (r == 0)
		r = stream_open_peeked(&peeked, body, 64, &bytes, &got, err);
	if (r < 0)
		return r;
	body = NULL; /* peeked owns it */
	if (docker_manifest_begins(bytes, got))
		*guess = GUESS_ARCHIVE;
	return 0;
}

/* A compressed file is read up to the first member that tells what it is; a layer to its end. */
static int guess_compressed(struct source *s, int fd, uint64_t size, enum guess *guess,
			    struct error *err)
{
	_cleanup_(stream_closep) struct stream *raw = NULL, *plain = NULL;
	_cleanup_(tar_reader_freep) struct tar_reader *reader = NULL;
	struct tar_entry e;
	uint64_t entries = 0;
	enum codec found;
	int r;

	*guess = GUESS_NONE_YET;
	r = stream_open_range(&raw, fd, false, 0, size, err);
	if (r == 0)
		r = codec_open_detected(&plain, raw, &found, s->limits, err);
	if (r < 0)
		return r;
	raw = NULL; /* plain owns it */
	r = tar_reader_new(&reader, plain, s->limits, err);
	if (r < 0)
		return r;
	while (*guess == GUESS_NONE_YET && (r = tar_reader_next(reader, &e, err)) == 0) {
		if (++entries > s->limits->v[LIMIT_ARCHIVE_ENTRIES])
			break;
		r = guess_member(&e, reader, guess, err);
		if (r < 0)
			return r;
	}
	if (*guess == GUESS_NONE_YET)
		*guess = GUESS_LAYER;
	return r < 0 ? err_wrap(err, "%s", s->path) : 0;
}

/* An uncompressed one by its member table; one with more members than an archive may have is a
 * layer. */
static int guess_plain(struct source *s, int fd, enum guess *guess, struct error *err)
{
	_cleanup_(freep) uint8_t *data = NULL;
	struct error cause;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3), r;
	size_t len;

	if (own < 0)
		return err_fail(err, ERR_IO, errno, "open '%s'", s->path);
	r = store_archive_open(&s->store, own, s->limits, NULL, &cause);
	*guess = GUESS_LAYER;
	if (r < 0) {
		close(own);
		if (cause.code == ERR_LIMIT)
			return 0;
		*err = cause;
		return err_wrap(err, "%s", s->path);
	}
	if (store_read(s->store, "manifest.json", "manifest.json", s->limits, &data, &len,
		       &cause) == 0 &&
	    docker_manifest_begins(data, len))
		*guess = GUESS_ARCHIVE;
	/* One whose manifest is damaged or missing is no layer that fits. */
	else if (store_archive_any(s->store, is_archive_name))
		*guess = GUESS_ARCHIVE;
	store_close(s->store);
	s->store = NULL;
	return 0;
}

static int open_file(struct source *s, int fd, uint64_t size, struct error *err)
{
	enum guess guess = GUESS_ARCHIVE;
	uint8_t head[TAR_BLOCK];
	ssize_t n = pread(fd, head, sizeof(head), 0);
	int r = 0;

	if (n < 0)
		return err_fail(err, ERR_IO, errno, "read '%s'", s->path);
	if (codec_detect(head, (size_t)n) != CODEC_NONE)
		r = guess_compressed(s, fd, size, &guess, err);
	else if (n == TAR_BLOCK && tar_looks_like(head))
		r = guess_plain(s, fd, &guess, err);
	if (r < 0)
		return r;
	if (guess == GUESS_LAYER) {
		notes_add(s->notes, "%s is no image: read as one layer (tar:)", s->path);
		return tar_open(s, err);
	}
	s->read_images = archive_images;
	return archive_store_open(s, err);
}

static bool holds(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int open_directory(struct source *s, int fd, struct error *err)
{
	if (holds(fd, "oci-layout") || holds(fd, "index.json")) {
		s->transport = TRANSPORT_OCI;
		return oci_open(s, err);
	}
	if (holds(fd, "version") && holds(fd, "manifest.json"))
		return dir_open(s, err);
	return err_fail(err, ERR_BAD_INPUT, 0,
			"%s is a directory that holds no image: rootfs:%s reads it as one layer",
			s->path, s->path);
}

int path_open(struct source *s, struct error *err)
{
	_cleanup_(closep) int fd = -1;
	struct stat st;

	if (path_is_stdin(s->path))
		return stdin_open(s, err);
	if (stat(s->path, &st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)
			return bare_open(s, err);
		return err_fail(err, ERR_IO, errno, "look at '%s'", s->path);
	}
	/* A FIFO is read once: opening it twice would lose its writer. */
	if (S_ISFIFO(st.st_mode)) {
		s->read_images = archive_images;
		return archive_store_open(s, err);
	}
	fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_fail(err, ERR_IO, errno, "open '%s'", s->path);
	if (S_ISDIR(st.st_mode))
		return open_directory(s, fd, err);
	if (!S_ISREG(st.st_mode))
		return err_fail(err, ERR_BAD_INPUT, 0, "%s is neither a file nor a directory",
				s->path);
	return open_file(s, fd, (uint64_t)st.st_size, err);
}
