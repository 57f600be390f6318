#include "inventory/place.h"

#include <string.h>

#include "inventory/path.h"

/* The last component's whiteout prefix says what an entry is to an engine (go-archive
 * overlayWhiteoutConverter, UnpackLayer). Changes the path to that of the file or directory that is
 * meant. */
static int whiteout_kind(struct buf *path, enum inv_kind *kind, bool *escapes)
{
	static const char opaque[] = ".wh..wh..opq", meta[] = ".wh..wh.", prefix[] = ".wh.";
	size_t parent = path_parent(buf_str(path), path->len), at = parent + (parent != 0);
	char *base = (char *)path->data + at;

	if (strcmp(base, opaque) == 0) {
		path->len = parent;
		path->data[parent] = '\0';
		*kind = INV_OPAQUE;
	} else if (strncmp(base, meta, sizeof(meta) - 1) == 0 ||
		   strncmp(buf_str(path), meta, sizeof(meta) - 1) == 0) {
		*kind = INV_AUFS_META;
	} else if (strncmp(base, prefix, sizeof(prefix) - 1) == 0) {
		_cleanup_(buf_freep) struct buf joined = { 0 };
		bool up;

		/* What stands behind the prefix is joined to the directory: ".wh.." means the
		 * directory, ".wh..." its parent. */
		if (buf_append(&joined, path->data, at) < 0 ||
		    buf_append_str(&joined, base + sizeof(prefix) - 1) < 0 ||
		    path_clean(path, buf_str(&joined), joined.len, &up) < 0)
			return -ERR_NOMEM;
		*escapes |= up;
		*kind = INV_WHITEOUT;
	}
	return 0;
}

static enum inv_kind type_kind(char type)
{
	static const struct {
		char type;
		enum inv_kind kind;
	} kinds[] = {
		{ TAR_REG, INV_REG },	      { TAR_DIR, INV_DIR },
		{ TAR_SYMLINK, INV_SYMLINK }, { TAR_HARDLINK, INV_HARDLINK },
		{ TAR_CHR, INV_CHR },	      { TAR_BLK, INV_BLK },
		{ TAR_FIFO, INV_FIFO },	      { TAR_PAX_GLOBAL, INV_GLOBAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].type == type)
			return kinds[i].kind;
	return INV_OTHER;
}

/* True where the name says no more than the path: leading "./" and "/", trailing "/" apart. */
static bool same_name(const char *name, size_t n, const struct buf *path)
{
	while (n && (name[0] == '/' || (name[0] == '.' && n > 1 && name[1] == '/')))
		name++, n--;
	while (n && name[n - 1] == '/')
		n--;
	if (n == 1 && name[0] == '.')
		n = 0;
	return n == path->len && memcmp(name, path->data, n) == 0;
}

int inv_place(struct buf *path, const struct tar_entry *t, struct inv_entry *e)
{
	bool escapes;

	e->kind = type_kind(t->type);
	if (path_clean(path, t->name, t->name_len, &escapes) < 0)
		return -ERR_NOMEM;
	if (e->kind != INV_GLOBAL && memmem(path->data, path->len, ".wh.", 4) &&
	    whiteout_kind(path, &e->kind, &escapes) < 0)
		return -ERR_NOMEM;
	if (!path->len && e->kind != INV_WHITEOUT && e->kind != INV_OPAQUE && e->kind != INV_GLOBAL)
		e->kind = INV_ROOT;
	if (escapes)
		e->flags |= INV_ESCAPES;
	if (t->name_len && t->name[0] == '/')
		e->flags |= INV_ABSOLUTE;
	e->path = buf_str(path);
	e->path_len = path->len;
	if (!same_name(t->name, t->name_len, path)) {
		e->name = t->name;
		e->name_len = t->name_len;
	}
	return 0;
}
