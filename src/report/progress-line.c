#include "report/progress-line.h"

#include <string.h>

#include "report/print.h"

#define DIGITS	  12 /* of a digest, as docker shows a layer */
#define BAR_LEAST 10
#define BAR_MOST  40

void progress_name(char out[PROGRESS_NAME + 1], const char *name)
{
	for (const char *p = name; *p;) {
		size_t n = strspn(p, "0123456789abcdef");

		if (n >= 2 * DIGITS) {
			snprintf(out, PROGRESS_NAME + 1, "%.*s", DIGITS, p);
			return;
		}
		p += n + (p[n] != '\0');
	}
	err_text(out, PROGRESS_NAME + 1, name, strlen(name));
}

bool progress_is_over(const struct progress_line *l)
{
	return l->step >= PROGRESS_DONE;
}

static const char *step_words(const struct progress_line *l)
{
	static const char *const words[] = {
		[PROGRESS_WAITING] = "Waiting",	      [PROGRESS_READING] = "Checking",
		[PROGRESS_WRITING] = "Writing",	      [PROGRESS_EXTRACTING] = "Extracting",
		[PROGRESS_DONE] = "Check complete",   [PROGRESS_CACHED] = "Known from the cache",
		[PROGRESS_EXISTS] = "Already exists", [PROGRESS_LEFT] = "No longer needed",
		[PROGRESS_FAILED] = "Failed",
	};

	if (l->step != PROGRESS_DONE)
		return words[l->step];
	return l->moved == PROGRESS_WRITING	 ? "Write complete"
	       : l->moved == PROGRESS_EXTRACTING ? "Extract complete"
						 : words[PROGRESS_DONE];
}

static bool moves(const struct progress_line *l)
{
	return l->step > PROGRESS_WAITING && l->step < PROGRESS_DONE;
}

/* "32 MB / 308 MB" */
static int amount(struct buf *out, const struct progress_line *l)
{
	char done[16], all[16];

	print_size(done, l->bytes);
	if (l->total == UINT64_MAX)
		return buf_append_str(out, done);
	print_size(all, l->total);
	return buf_printf(out, "%s / %s", done, all);
}

int progress_words(struct buf *out, const struct progress_line *l)
{
	int r = buf_append_str(out, step_words(l));

	if (r < 0 || !moves(l))
		return r;
	r = buf_append_str(out, " ");
	return r < 0 ? r : amount(out, l);
}

/* "[=====>    ]" */
static int bar(struct buf *out, const struct progress_line *l, size_t inner)
{
	uint64_t bytes = MIN(l->bytes, l->total);
	size_t full = l->total ? (size_t)((double)bytes / (double)l->total * (double)inner) : inner;
	int r = buf_append_str(out, " [");

	for (size_t i = 0; i < inner && r >= 0; i++)
		r = buf_append_str(out, i < full ? "=" : i == full ? ">" : " ");
	return r < 0 ? r : buf_append_str(out, "]");
}

static void cut(struct buf *out, size_t from, size_t width)
{
	size_t max = width ? width - 1 : 0;

	if (out->len - from <= max)
		return;
	out->len = from + max;
	out->data[out->len] = '\0';
}

int progress_bar(struct buf *out, const struct progress_line *l, size_t width)
{
	_cleanup_(buf_freep) struct buf tail = { 0 };
	size_t from = out->len, used;
	char size[16];
	int r = buf_printf(out, "%-*s  %s", DIGITS, l->name, step_words(l));

	if (r >= 0 && moves(l)) {
		r = amount(&tail, l);
		if (r >= 0 && l->rate > 0) {
			print_size(size, (uint64_t)l->rate);
			r = buf_printf(&tail, "  %s/s", size);
		}
		used = out->len - from + tail.len + 5;
		if (r >= 0 && l->total != UINT64_MAX && used + BAR_LEAST < width)
			r = bar(out, l, MIN((size_t)BAR_MOST, width - 1 - used));
		if (r >= 0)
			r = buf_printf(out, "  %s", buf_str(&tail));
	}
	if (r < 0)
		return r;
	cut(out, from, width);
	return 0;
}

int progress_summary(struct buf *out, const struct progress_line *lines, size_t count, size_t width)
{
	size_t from = out->len, over = 0;
	uint64_t bytes = 0;
	char size[16];
	int r;

	for (size_t i = 0; i < count; i++) {
		over += progress_is_over(&lines[i]);
		bytes += lines[i].bytes;
	}
	print_size(size, bytes);
	r = buf_printf(out, "%zu of %zu done, %s", over, count, size);
	if (r < 0)
		return r;
	cut(out, from, width);
	return 0;
}
