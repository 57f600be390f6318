#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int host_path(struct buf *out, const char *root, const char *path, struct error *err)
{
	return buf_printf(out, "%s%s", root, path) < 0 ? err_nomem(err) : 0;
}

static int read_all(struct buf *out, int fd, const char *path, struct error *err)
{
	size_t start = out->len;

	for (;;) {
		ssize_t n;

		if (buf_reserve(out, 4096) < 0)
			return err_nomem(err);
		n = read(fd, out->data + out->len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_fail(err, ERR_IO, errno, "read '%s'", path);
		if (memchr(out->data + out->len, '\0', (size_t)n))
			return err_fail(err, ERR_BAD_INPUT, 0, "'%s' is not a text", path);
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (n == 0)
			return 0;
		if (out->len - start > HOST_FILE_MAX)
			return err_fail(err, ERR_LIMIT, 0, "'%s' has more than %u bytes", path,
					HOST_FILE_MAX);
	}
}

int host_read(struct buf *out, const char *root, const char *path, struct error *err)
{
	_cleanup_(buf_freep) struct buf full = { 0 };
	_cleanup_(closep) int fd = -1;
	int r = host_path(&full, root, path, err);

	if (r < 0)
		return r;
	/* A pipe in place of a file must not hang us. */
	fd = open(buf_str(&full), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 1;
	if (fd < 0)
		return err_fail(err, ERR_IO, errno, "open '%s'", buf_str(&full));
	return read_all(out, fd, buf_str(&full), err);
}

int host_read_number(long long *out, const char *root, const char *path, struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	char *end;
	int r = host_read(&text, root, path, err);

	if (r)
		return r;
	errno = 0;
	*out = strtoll(buf_str(&text), &end, 10);
	return errno || end == buf_str(&text) ? 1 : 0;
}

bool host_line(const char **text, const char **line, size_t *n)
{
	size_t whole = strcspn(*text, "\n");

	if (!**text)
		return false;
	*line = *text;
	*n = whole && (*text)[whole - 1] == '\r' ? whole - 1 : whole;
	*text += whole + ((*text)[whole] == '\n');
	return true;
}
