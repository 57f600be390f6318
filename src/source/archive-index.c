/* The member table of an archive in a regular file: one walk over the headers, bodies skipped; then
 * any member can be opened by any thread, through pread.
 */
#include "source/members.h"
#include "source/store.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct store_archive {
	struct store base;
	struct members members;
	int fd;
};

static int archive_find(struct store *st, const char *name, struct stored *out, struct error *err)
{
	const struct store_archive *a = (const struct store_archive *)st;
	const struct member *m = members_find(&a->members, name);

	if (!m)
		return 1;
	return member_stored(m, out, err);
}

static int archive_open(struct store *st, const char *name, struct stream **out, struct error *err)
{
	const struct store_archive *a = (const struct store_archive *)st;
	const struct member *m = members_find(&a->members, name);

	if (!m)
		return err_fail(err, ERR_NOT_FOUND, 0, "a member is not in the archive");
	return stream_open_range(out, a->fd, false, m->offset, m->size, err);
}

bool store_archive_any(const struct store *st, bool (*match)(const char *name))
{
	const struct store_archive *a = (const struct store_archive *)st;

	for (size_t i = 0; i < a->members.count; i++)
		if (match(a->members.v[i].name))
			return true;
	return false;
}

static void archive_close(struct store *st)
{
	struct store_archive *a = (struct store_archive *)st;

	members_free(&a->members);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

static const struct store_ops archive_ops = {
	.find = archive_find,
	.open = archive_open,
	.close = archive_close,
};

static int walk(struct members *members, struct tar_reader *r, const struct limits *limits,
		struct error *err)
{
	struct tar_entry e;
	uint64_t entries = 0;
	struct member *m;
	int ret;

	while ((ret = tar_reader_next(r, &e, err)) == 0) {
		if (++entries > limits->v[LIMIT_ARCHIVE_ENTRIES])
			return limit_passed(limits, LIMIT_ARCHIVE_ENTRIES, "archive", err);
		ret = members_add(members, &e, &m, err);
		if (ret)
			return ret;
		if (m)
			m->layer = true; /* nobody has looked: the bytes can be read again */
	}
	return ret < 0 ? ret : 0;
}

int store_archive_open(struct store **out, int fd, const struct limits *limits, struct notes *notes,
		       struct error *err)
{
	_cleanup_(stream_closep) struct stream *in = NULL;
	_cleanup_(tar_reader_freep) struct tar_reader *reader = NULL;
	struct store_archive *a;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_fail(err, ERR_IO, errno, "stat");
	a = calloc(1, sizeof(*a));
	if (!a)
		return err_nomem(err);
	a->base.ops = &archive_ops;
	a->fd = -1; /* still the caller's */
	r = stream_open_range(&in, fd, false, 0, (uint64_t)st.st_size, err);
	if (r == 0)
		r = tar_reader_new(&reader, in, limits, err);
	if (r == 0)
		r = walk(&a->members, reader, limits, err);
	if (r < 0) {
		archive_close(&a->base);
		return r;
	}
	if (tar_reader_oddities(reader) & TAR_ODD_NO_END_MARKER)
		notes_add(notes, "the archive ends without its end marker");
	members_finish(&a->members, notes);
	a->fd = fd;
	*out = &a->base;
	return 0;
}
