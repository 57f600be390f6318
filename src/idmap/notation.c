#include "idmap/notation.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/macro.h"
#include "idmap/builder.h"

static int put_one(struct idmap *m, struct idmap_extent e, bool has_host, bool replace,
		   struct error *err)
{
	if (!m->count)
		m->has_host = has_host;
	else if (m->has_host != has_host)
		return err_fail(err, ERR_USAGE, 0,
				"a map has host ids for all of its ranges, or for none");
	return replace ? idmap_replace(m, e, err) : idmap_add(m, e, err);
}

int idmap_builder_put(struct idmap_builder *b, enum idmap_which kinds, struct idmap_extent e,
		      bool has_host, bool replace, struct error *err)
{
	int r = 0;

	if (kinds & IDMAP_UID)
		r = put_one(&b->maps.uid, e, has_host, replace, err);
	if (r == 0 && (kinds & IDMAP_GID))
		r = put_one(&b->maps.gid, e, has_host, replace, err);
	b->extents++;
	return r;
}

static size_t comment_start(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (line[i] == '#' && (!i || strchr(" \t", line[i - 1])))
			return i;
	return n;
}

static int read_text(struct idmap_builder *b, const char *text, struct error *err)
{
	while (*text) {
		size_t whole = strcspn(text, "\n");
		size_t n = comment_start(text, whole), at = 0;

		while (at <= n) {
			size_t len = 0;
			int r;

			while (at + len < n && !strchr(",;", text[at + len]))
				len++;
			r = idmap_builder_piece(b, text + at, len, err);
			if (r < 0)
				return r;
			at += len + 1;
		}
		text += whole + (text[whole] == '\n');
	}
	return 0;
}

static uint64_t end_of(const struct idmap *m)
{
	const struct idmap_extent *last = m->count ? &m->extents[m->count - 1] : NULL;

	return last ? (uint64_t)last->container + last->count : 0;
}

static int copy_pair(struct idmap_pair *out, const struct idmap_pair *p, struct error *err)
{
	int r = idmap_copy(&out->uid, &p->uid, err);

	return r < 0 ? r : idmap_copy(&out->gid, &p->gid, err);
}

static void move_pair(struct idmap_pair *to, struct idmap_pair *from)
{
	idmap_pair_free(to);
	*to = *from;
	*from = (struct idmap_pair){ 0 };
}

int idmap_parse(struct idmap_pair *out, const char *text, enum idmap_which which, struct error *err)
{
	struct idmap_builder b = { .which = which };
	const char *start = text + strspn(text, " \t\r\n");
	char shown[80];
	int r;

	r = copy_pair(&b.maps, out, err);
	if (r == 0) {
		b.next[0] = end_of(&b.maps.uid);
		b.next[1] = end_of(&b.maps.gid);
		r = *start == '{' || *start == '[' ? idmap_builder_json(&b, start, err)
						   : read_text(&b, text, err);
	}
	if (r == 0 && !b.extents)
		r = err_fail(err, ERR_USAGE, 0, "no map in '%s'",
			     err_text(shown, sizeof(shown), text, strlen(text)));
	if (r == 0)
		move_pair(out, &b.maps);
	idmap_pair_free(&b.maps);
	return r;
}

static int read_file(struct buf *out, const char *path, struct error *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "open '%s'",
				path);
	for (;;) {
		ssize_t n;

		if (buf_reserve(out, 4096) < 0)
			return err_nomem(err);
		n = read(fd, out->data + out->len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_fail(err, ERR_IO, errno, "read '%s'", path);
		if (n == 0)
			break;
		if (memchr(out->data + out->len, '\0', (size_t)n))
			return err_fail(err, ERR_USAGE, 0, "'%s' is not a text", path);
		out->len += (size_t)n;
		if (out->len > IDMAP_FILE_MAX)
			return err_fail(err, ERR_LIMIT, 0, "'%s': more than %d bytes for a map",
					path, IDMAP_FILE_MAX);
	}
	out->data[out->len] = '\0';
	return 0;
}

static int parse_file(struct idmap_pair *out, const char *path, enum idmap_which which,
		      struct error *err)
{
	_cleanup_(buf_freep) struct buf text = { 0 };
	int r = read_file(&text, path, err);

	if (r < 0)
		return r;
	r = idmap_parse(out, buf_str(&text), which, err);
	return r < 0 ? err_wrap(err, "%s", path) : 0;
}

static int parse_host(struct idmap_pair *out, enum idmap_which which, struct error *err)
{
	_cleanup_(idmap_pair_freep) struct idmap_pair maps = { 0 };
	int r = copy_pair(&maps, out, err);

	if (r == 0 && (which & IDMAP_UID))
		r = parse_file(&maps, "/proc/self/uid_map", IDMAP_UID, err);
	if (r == 0 && (which & IDMAP_GID))
		r = parse_file(&maps, "/proc/self/gid_map", IDMAP_GID, err);
	if (r == 0)
		move_pair(out, &maps);
	return r;
}

int idmap_parse_option(struct idmap_pair *out, const char *arg, enum idmap_which which,
		       struct error *err)
{
	if (strcmp(arg, "host") == 0)
		return parse_host(out, which, err);
	if (arg[0] == '@')
		return parse_file(out, arg + 1, which, err);
	return idmap_parse(out, arg, which, err);
}
