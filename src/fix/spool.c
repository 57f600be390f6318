#include "fix/spool.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "stream/codec.h"
#include "stream/keep.h"
#include "stream/watch.h"

static bool is_stdin(const struct ref *ref)
{
	return ref->transport == TRANSPORT_STDIN ||
	       (ref->path && (strcmp(ref->path, "-") == 0 || strcmp(ref->path, "/dev/stdin") == 0));
}

static bool is_archive(const struct ref *ref)
{
	return ref->transport == TRANSPORT_PATH || ref->transport == TRANSPORT_STDIN ||
	       ref->transport == TRANSPORT_DOCKER_ARCHIVE ||
	       ref->transport == TRANSPORT_OCI_ARCHIVE;
}

/* 1 where the file is a plain one that can be read as it stands. */
static int open_source(const struct ref *ref, int stdin_fd, const struct limits *limits,
		       struct stream **out, struct error *err)
{
	bool in = is_stdin(ref);
	int fd = in ? stdin_fd : open(ref->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	struct stream *raw;
	enum codec found;
	int r;

	if (fd < 0 || (!in && (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode)))) {
		if (fd >= 0)
			close(fd);
		return 1;
	}
	r = stream_open_fd(&raw, fd, !in, err);
	if (r == 0) {
		r = codec_open_detected(out, raw, &found, limits, err);
		if (r < 0)
			stream_close(raw);
		else if (!in && S_ISREG(st.st_mode) && found == CODEC_NONE) {
			stream_close(*out);
			*out = NULL;
			return 1;
		}
	} else if (!in) {
		close(fd);
	}
	return r;
}

int fix_spool(struct ref *ref, int stdin_fd, const struct limits *limits, struct notes *notes,
	      struct progress *progress, int *fd, struct error *err)
{
	_cleanup_(stream_closep) struct stream *in = NULL;
	struct stream *watched;
	size_t line;
	_cleanup_(closep) int file = -1;
	char path[40];
	const char *dir;
	uint64_t total;
	char *copy;
	int r;

	*fd = -1;
	if (!is_archive(ref))
		return 0;
	r = open_source(ref, stdin_fd, limits, &in, err);
	if (r > 0)
		return 0;
	if (r < 0)
		return r;
	line = progress_begin(progress, is_stdin(ref) ? "standard input" : "the archive",
			      UINT64_MAX);
	r = stream_open_watched(&watched, in, progress, line, PROGRESS_WRITING, err);
	if (r == 0) {
		in = watched;
		r = stream_keep(in, &file, &dir, &total, err);
	}
	progress_end(progress, line, r < 0 ? PROGRESS_FAILED : PROGRESS_DONE);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	copy = strdup(path);
	if (!copy)
		return err_nomem(err);
	notes_add(notes,
		  "the source can be read once only: %llu bytes of it were kept in %s meanwhile "
		  "(TMPDIR says where)",
		  (unsigned long long)total, dir);
	free(ref->path);
	ref->path = copy;
	if (ref->transport == TRANSPORT_STDIN)
		ref->transport = TRANSPORT_PATH;
	*fd = file;
	file = -1;
	return 0;
}
