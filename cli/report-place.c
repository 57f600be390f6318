#include "report-place.h"

#include <sys/stat.h>

#include "sink/place.h"

/* Closes out, which may be NULL. */
static int write_to(FILE *out, bool sync, report_fn *fn, void *ctx, struct error *err)
{
	int r;

	if (!out)
		return err_fail(err, ERR_IO, errno, "open");
	r = fn(ctx, out, err);
	if (r == 0 && (fflush(out) || (sync && fsync(fileno(out)) < 0)))
		r = err_fail(err, ERR_IO, errno, "write");
	if (fclose(out) && r == 0)
		r = err_fail(err, ERR_IO, errno, "write");
	return r;
}

static int write_in_place(const char *path, report_fn *fn, void *ctx, struct error *err)
{
	struct place place;
	FILE *out;
	int fd, r = place_open(&place, path, false, true, err);

	if (r == 0)
		r = place_make(&place, &fd, err);
	if (r == 0) {
		out = fdopen(fd, "w");
		r = write_to(out, true, fn, ctx, err);
		if (!out)
			close(fd);
	}
	if (r == 0)
		r = place_commit(&place, err);
	place_close(&place);
	return r;
}

int cli_report_place(const char *path, report_fn *fn, void *ctx, struct error *err)
{
	struct stat st;
	int r;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		r = write_to(fopen(path, "we"), false, fn, ctx, err);
	else
		r = write_in_place(path, fn, ctx, err);
	return r < 0 ? err_wrap(err, "--report %s", path) : 0;
}
