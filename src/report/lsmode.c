#include "report/lsmode.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

#define PATH_SHOWN_MAX 400 /* bytes of a name; what is longer keeps its head and its end */

static const char letters[INV_KIND_COUNT] = {
	[INV_REG] = '-',    [INV_DIR] = 'd',	   [INV_SYMLINK] = 'l', [INV_HARDLINK] = 'h',
	[INV_CHR] = 'c',    [INV_BLK] = 'b',	   [INV_FIFO] = 'p',	[INV_WHITEOUT] = 'w',
	[INV_OPAQUE] = 'w', [INV_AUFS_META] = 'w', [INV_ROOT] = 'd',	[INV_GLOBAL] = '?',
	[INV_OTHER] = '?',
};

void ls_mode(char out[11], enum inv_kind kind, unsigned mode)
{
	static const char rwx[] = "rwxrwxrwx";

	out[0] = (unsigned)kind < INV_KIND_COUNT ? letters[kind] : '?';
	for (unsigned i = 0; i < 9; i++)
		out[i + 1] = mode & 0400u >> i ? rwx[i] : '-';
	if (mode & 04000)
		out[3] = mode & 0100 ? 's' : 'S';
	if (mode & 02000)
		out[6] = mode & 0010 ? 's' : 'S';
	if (mode & 01000)
		out[9] = mode & 0001 ? 't' : 'T';
	out[10] = '\0';
}

static int name_shown(struct buf *out, const char *name, size_t n)
{
	size_t half = PATH_SHOWN_MAX / 2;
	int r;

	if (n <= PATH_SHOWN_MAX)
		return text_escape(out, name, n);
	r = text_escape(out, name, half);
	if (r >= 0)
		r = buf_append_str(out, "...");
	return r < 0 ? r : text_escape(out, name + n - half, half);
}

int ls_path(struct buf *out, const char *path, size_t n)
{
	int r = buf_append_str(out, "/");

	return r < 0 ? r : name_shown(out, path, n);
}

int ls_line(struct buf *out, const struct inv_entry *e)
{
	char mode[11];
	int r;

	ls_mode(mode, e->kind, e->mode);
	r = buf_printf(out, "%s %" PRId64 " %" PRId64 " %" PRIu64 " ", mode, e->uid, e->gid,
		       e->size);
	if (r >= 0)
		r = ls_path(out, e->path, e->path_len);
	if (r >= 0 && (e->kind == INV_WHITEOUT || e->kind == INV_OPAQUE))
		r = buf_append_str(out,
				   e->kind == INV_OPAQUE ? " (opaque whiteout)" : " (whiteout)");
	if (r < 0 || !e->link_len)
		return r;
	r = buf_append_str(out, e->kind == INV_HARDLINK ? " link to " : " -> ");
	return r < 0 ? r : name_shown(out, e->link, e->link_len);
}
