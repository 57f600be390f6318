#include "report/print.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "oci/step.h"

void print_styled(const struct report_options *opts, enum style style, const char *fmt, ...)
{
	static const char *const codes[] = {
		[STYLE_GOOD] = "32", [STYLE_BAD] = "31", [STYLE_WARN] = "33",
		[STYLE_DIM] = "2",   [STYLE_BOLD] = "1",
	};
	va_list ap;

	if (opts->color)
		fprintf(opts->out, "\033[%sm", codes[style]);
	va_start(ap, fmt);
	vfprintf(opts->out, fmt, ap);
	va_end(ap);
	if (opts->color)
		fputs("\033[0m", opts->out);
}

void print_name(FILE *out, const void *bytes, size_t n, size_t max)
{
	const uint8_t *p = bytes;
	size_t used = 0;

	while (n) {
		char one[TEXT_ESCAPE_MAX + 1];
		size_t step, len = text_escape_one(one, p, n, &step);

		if (used + len > max) {
			fputs("...", out);
			return;
		}
		fwrite(one, 1, len, out);
		used += len;
		p += step;
		n -= step;
	}
}

void print_told(FILE *out, const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t n = strlen(text);

	while (n) {
		char one[TEXT_ESCAPE_MAX + 1];
		size_t step, len = text_escape_one(one, p, n, &step);

		if (*p == '\\')
			putc('\\', out);
		else
			fwrite(one, 1, len, out);
		p += step;
		n -= step;
	}
}

const char *plural(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

void print_size(char out[16], uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double v = (double)bytes;
	size_t u = 0;

	while (v >= 999.5 && u + 1 < ARRAY_SIZE(units)) {
		v /= 1000;
		u++;
	}
	snprintf(out, 16, u && v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
}

void print_digest(char out[16], const struct oci_digest *d)
{
	const char *colon = strchr(d->text, ':');

	snprintf(out, 16, "%.12s", colon ? colon + 1 : "");
}

const struct oci_digest *layer_digest(const struct image_layer *layer)
{
	const struct source_layer *s = layer->source;

	if (s->digest.text[0])
		return &s->digest;
	return s->diff_id.text[0] ? &s->diff_id : &layer->inventory->diff_id;
}

int print_range(struct buf *out, const struct target_use *use)
{
	_cleanup_(buf_freep) struct buf uid = { 0 }, gid = { 0 };
	int r;

	if (!use->map_given && use->target->range_text && use->target->range_text[0])
		return buf_append_str(out, use->target->range_text);
	r = idmap_print_ranges(&use->map.uid, &uid);
	if (r >= 0)
		r = idmap_print_ranges(&use->map.gid, &gid);
	if (r < 0)
		return r;
	if (strcmp(buf_str(&uid), buf_str(&gid)) == 0)
		return buf_append_str(out, uid.len ? buf_str(&uid) : "no id");
	return buf_printf(out, "uid %s, gid %s", uid.len ? buf_str(&uid) : "none",
			  gid.len ? buf_str(&gid) : "none");
}

int print_step(struct buf *out, const char *created_by, size_t max)
{
	_cleanup_(buf_freep) struct buf step = { 0 }, shown = { 0 };
	int r;

	if (!created_by)
		return 0;
	r = oci_step_pretty(&step, created_by);
	/* Tabs and line ends of a long RUN would come out as \t and \n: they are blanks here. */
	for (size_t i = 0; r >= 0 && i < step.len; i++)
		if (step.data[i] == '\t' || step.data[i] == '\n')
			step.data[i] = ' ';
	for (size_t i = 0; r >= 0 && i < step.len; i++) {
		if (shown.len >= max)
			return buf_printf(out, "%s...", buf_str(&shown));
		char one[TEXT_ESCAPE_MAX + 1];
		size_t used, len;

		if (step.data[i] == ' ' && shown.len && shown.data[shown.len - 1] == ' ')
			continue;
		len = text_escape_one(one, step.data + i, step.len - i, &used);
		r = buf_append(&shown, one, len);
		i += used - 1;
	}
	while (shown.len && shown.data[shown.len - 1] == ' ')
		shown.len--;
	return r < 0 ? r : buf_append(out, buf_str(&shown), shown.len);
}

int print_check(FILE *out, struct error *err)
{
	if (ferror(out))
		return err_fail(err, ERR_IO, errno, "standard output");
	return 0;
}
