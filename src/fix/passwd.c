#include "fix/passwd.h"

#include <inttypes.h>
#include <string.h>

#include "base/num.h"

#define COLUMNS_MAX 8

/* Which columns hold which ids, and how many a line of the file has. */
static const struct row {
	size_t uid, gid; /* column, from 1; 0: none */
	size_t least, most;
} rows[] = {
	[FIX_FILE_PASSWD] = { 3, 4, 7, 7 },
	[FIX_FILE_GROUP] = { 0, 3, 4, 4 },
	[FIX_FILE_SUBID] = { 1, 0, 3, 3 },
};

struct column {
	const uint8_t *s;
	size_t n;
};

static size_t split(const uint8_t *line, size_t n, struct column columns[COLUMNS_MAX])
{
	size_t count = 0;

	for (;;) {
		const uint8_t *colon = memchr(line, ':', n);
		size_t len = colon ? (size_t)(colon - line) : n;

		if (count == COLUMNS_MAX)
			return count + 1;
		columns[count++] = (struct column){ line, len };
		if (!colon)
			return count;
		line = colon + 1;
		n -= len + 1;
	}
}

static bool is_id(const struct column *c)
{
	int64_t v;

	return num_i64((const char *)c->s, c->n, &v);
}

static bool reads_as(enum fix_file_kind kind, const uint8_t *data, size_t len)
{
	const struct row *row = &rows[kind];
	bool any = false;

	for (size_t i = 0; i < len;) {
		const uint8_t *end = memchr(data + i, '\n', len - i);
		size_t n = end ? (size_t)(end - data) - i : len - i;
		struct column columns[COLUMNS_MAX];

		if (n) {
			size_t count = split(data + i, n, columns);

			if (count < row->least || count > row->most || !columns[0].n ||
			    (row->uid > 1 && !is_id(&columns[row->uid - 1])) ||
			    !is_id(&columns[row->gid - 1]))
				return false;
			any = true;
		}
		i += n + 1;
	}
	return any;
}

enum fix_file_kind fix_file_kind(const char *path, size_t path_len, const uint8_t *data, size_t len)
{
	static const struct {
		const char *name;
		enum fix_file_kind kind;
	} files[] = {
		{ "passwd", FIX_FILE_PASSWD }, { "passwd-", FIX_FILE_PASSWD },
		{ "group", FIX_FILE_GROUP },   { "group-", FIX_FILE_GROUP },
		{ "subuid", FIX_FILE_SUBID },  { "subgid", FIX_FILE_SUBID },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		size_t n = strlen(files[i].name);
		const char *at = path + path_len - n;

		if (path_len < n || memcmp(at, files[i].name, n) != 0)
			continue;
		if (path_len == n + 4 && memcmp(path, "etc/", 4) == 0)
			return files[i].kind;
		if (files[i].kind != FIX_FILE_SUBID && data && reads_as(files[i].kind, data, len))
			return files[i].kind;
	}
	return FIX_FILE_NONE;
}

static int put_id(struct buf *out, const struct column *c, bool is_gid, fix_renumber_fn *fn,
		  const void *ctx, bool *changed)
{
	uint32_t to;
	int64_t id;

	if (!num_i64((const char *)c->s, c->n, &id) || !fn(ctx, is_gid, id, &to))
		return buf_append(out, c->s, c->n);
	*changed = true;
	return buf_printf(out, "%" PRIu32, to);
}

static int put_line(struct buf *out, const struct row *row, const uint8_t *line, size_t n,
		    fix_renumber_fn *fn, const void *ctx, bool *changed)
{
	const uint8_t *end = line + n;

	if (line[0] == '#')
		return buf_append(out, line, n);
	for (size_t i = 1;; i++) {
		const uint8_t *colon = memchr(line, ':', (size_t)(end - line));
		struct column c = { line, (size_t)((colon ? colon : end) - line) };
		int r = i == row->uid || i == row->gid
				? put_id(out, &c, i == row->gid, fn, ctx, changed)
				: buf_append(out, c.s, c.n);

		if (r < 0 || !colon)
			return r;
		if (buf_append(out, ":", 1) < 0)
			return -ERR_NOMEM;
		line = colon + 1;
	}
}

int fix_file_rewrite(struct buf *out, enum fix_file_kind kind, const uint8_t *data, size_t len,
		     fix_renumber_fn *fn, const void *ctx)
{
	bool changed = false;

	for (size_t i = 0; i < len;) {
		const uint8_t *end = memchr(data + i, '\n', len - i);
		size_t n = end ? (size_t)(end - data) - i : len - i;

		if (n && put_line(out, &rows[kind], data + i, n, fn, ctx, &changed) < 0)
			return -ERR_NOMEM;
		if (end && buf_append(out, "\n", 1) < 0)
			return -ERR_NOMEM;
		i += n + 1;
	}
	return changed;
}
