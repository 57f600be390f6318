/* One page for people: no network, no script but its own (the policy names its digest). Rows are
 * written as findings come; the script only sorts and hides them.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "report/finding-internal.h"
#include "report/print.h"

#define ROWS_MAX   20000 /* of an image: a browser sorts them still */
#define LAYERS_MAX 200
#define PICTURE	   960 /* units of the pictures' width */
#define ROW	   22
#define BAR_LEFT   230
#define AXIS_LEFT  150
#define IDS_LOG	   32.0 /* ids up to 2^32, by their logarithm */

static int put_html(struct finding_writer *w, const char *s, struct error *err)
{
	_cleanup_(buf_freep) struct buf valid = { 0 };

	if (text_replace_invalid(&valid, s, strlen(s)) < 0)
		return err_nomem(err);
	for (const char *p = buf_str(&valid); *p; p++)
		if (strchr("<>&\"'", *p))
			fprintf(w->out, "&#%d;", *p);
		else
			fputc((unsigned char)*p < 0x20 && *p != '\n' ? ' ' : *p, w->out);
	return 0;
}

static int begin(struct finding_writer *w, _unused_ struct error *err)
{
	fprintf(w->out,
		"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<title>uidfit %s</title>\n<style>%s</style></head><body>\n<main><h1>uidfit "
		"%s</h1>\n",
		page_policy, w->about.verb, page_css, w->about.verb);
	return 0;
}

/* Layers from the base up: as wide as they are large, and red where they hold findings. */
static int put_layers(struct finding_writer *w, const struct report_image *img, struct error *err)
{
	size_t shown = MIN(img->layer_count, (size_t)LAYERS_MAX);
	uint64_t most = 1;
	int r = 0;

	for (size_t i = 0; i < shown; i++)
		most = MAX(most, img->layers[i].size);
	fprintf(w->out,
		"<h3>Layers</h3>\n<div class=\"scroll\"><svg role=\"img\" aria-label=\"Layers by "
		"size\" viewBox=\"0 0 %d "
		"%zu\">\n",
		PICTURE, shown * ROW);
	for (size_t i = 0; i < shown && r == 0; i++) {
		const struct report_layer *l = &img->layers[i];
		double width = (double)l->size / (double)most * (PICTURE - BAR_LEFT - 10);
		char size[16];

		print_size(size, l->size);
		fprintf(w->out,
			"<g><title>layer %zu, %s, %" PRIu64
			" findings</title><text x=\"0\" y=\"%zu\">%zu  "
			"%s%s</text><rect class=\"%s\" x=\"%d\" y=\"%zu\" width=\"%.1f\" "
			"height=\"%d\"/>",
			i, size, l->findings, i * ROW + 15, i, size,
			l->findings ? ", findings" : "", l->findings ? "hit" : "bar", BAR_LEFT,
			i * ROW + 3, MAX(width, 2.0), ROW - 6);
		fprintf(w->out, "<text x=\"%d\" y=\"%zu\">", BAR_LEFT + 6, i * ROW + 15);
		r = put_html(w, l->step ? l->step : "", err);
		fputs("</text></g>\n", w->out);
	}
	fputs("</svg></div>\n", w->out);
	if (shown < img->layer_count)
		fprintf(w->out, "<p class=\"dim\">and %zu more layers</p>\n",
			img->layer_count - shown);
	return r;
}

static double at(uint64_t id)
{
	return AXIS_LEFT + log2((double)id + 1) / IDS_LOG * (PICTURE - AXIS_LEFT - 10);
}

/* A line a target: its ranges green, the owners as marks, red where it does not hold them. */
static int put_owners(struct finding_writer *w, const struct report_image *img, struct error *err)
{
	int r = 0;

	fprintf(w->out,
		"<h3>Owners and ranges</h3>\n<div class=\"scroll\"><svg role=\"img\" "
		"aria-label=\"Owners against each "
		"target's range, by the logarithm of the id\" viewBox=\"0 0 %d %zu\">\n",
		PICTURE, (img->target_count + 1) * ROW + 8);
	for (size_t i = 0; i < img->target_count && r == 0; i++) {
		const struct target_use *use = img->targets[i];
		size_t y = i * ROW;

		fprintf(w->out, "<text x=\"0\" y=\"%zu\">", y + 15);
		r = put_html(w, use->name, err);
		fprintf(w->out,
			"</text><line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%zu\" y2=\"%zu\"/>",
			AXIS_LEFT, PICTURE - 10, y + 11, y + 11);
		for (size_t k = 0; k < use->map.uid.count; k++) {
			const struct idmap_extent *e = &use->map.uid.extents[k];
			double from = at(e->container), to = at((uint64_t)e->container + e->count);

			fprintf(w->out,
				"<rect class=\"range\" x=\"%.1f\" y=\"%zu\" width=\"%.1f\" "
				"height=\"12\"/>",
				from, y + 5, MAX(to - from, 1.0));
		}
		for (size_t k = 0; k < img->owner_count; k++) {
			int64_t uid = img->owners[k].uid;
			bool fits = idmap_lookup(&use->map.uid, uid, NULL);

			fprintf(w->out,
				"<rect class=\"%s\" x=\"%.1f\" y=\"%zu\" width=\"3\" "
				"height=\"16\"><title>uid %" PRId64 ", %s</title></rect>",
				fits ? "bar" : "hit", at(uid < 0 ? UINT32_MAX : (uint64_t)uid) - 1,
				y + 3, uid, fits ? "in the range" : "outside");
		}
		fputc('\n', w->out);
	}
	for (unsigned bits = 0; bits <= 32; bits += 8)
		fprintf(w->out, "<text x=\"%.1f\" y=\"%zu\" text-anchor=\"%s\">%" PRIu64 "</text>",
			at((1ull << bits) - 1), img->target_count * ROW + 16,
			bits == 32 ? "end" : "start", (uint64_t)((1ull << bits) - 1));
	fputs("</svg></div>\n", w->out);
	return r;
}

static int put_heading(struct finding_writer *w, const char *name, bool fits, struct error *err)
{
	int r;

	fputs("<section><h2>", w->out);
	r = put_html(w, name, err);
	fprintf(w->out, ": <span class=\"%s\">%s</span></h2>\n", fits ? "fits" : "unfit",
		finding_verdict(w, fits));
	w->section = true;
	return r;
}

static void put_table_head(struct finding_writer *w)
{
	static const char *const heads[] = { "Level", "Rule", "Layer", "Owner", "Place", "What" };

	fprintf(w->out,
		"<h3>Findings</h3>\n<p class=\"find\"><label>Search <input type=\"search\" "
		"id=\"find%zu\"></label> <span id=\"shown%zu\" aria-live=\"polite\"></span></p>\n"
		"<div class=\"scroll\"><table class=\"findings\" data-find=\"find%zu\" "
		"data-shown=\"shown%zu\"><thead><tr>",
		w->inputs, w->inputs, w->inputs, w->inputs);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		fprintf(w->out, "<th scope=\"col\"><button type=\"button\">%s</button></th>",
			heads[i]);
	fputs("</tr></thead><tbody>\n", w->out);
}

static int image(struct finding_writer *w, const struct report_image *img, struct error *err)
{
	int r = put_heading(w, img->name, img->fits, err);

	if (r == 0)
		r = put_layers(w, img, err);
	if (r == 0)
		r = put_owners(w, img, err);
	put_table_head(w);
	w->picture = true;
	return r;
}

/* Where it is, and what is wrong there. */
static int put_words(struct finding_writer *w, const struct report_finding *f, struct error *err)
{
	int r = f->file ? put_html(w, f->file, err) : 0;

	if (f->file)
		fprintf(w->out, ":%zu%s", f->line, f->path ? "<br>" : "");
	if (r == 0)
		r = put_html(w, f->path ? f->path : "", err);
	fputs("</td><td>", w->out);
	if (r == 0)
		r = put_html(w, f->message, err);
	if (r == 0 && f->step) {
		fputs("<br><span class=\"dim\">", w->out);
		r = put_html(w, f->step, err);
		fputs("</span>", w->out);
	}
	/* Of an image the same few sentences would stand in each row. */
	if (r == 0 && f->help && !w->picture) {
		fputs("<br><span class=\"dim\">", w->out);
		r = put_html(w, f->help, err);
		fputs("</span>", w->out);
	}
	for (size_t i = 0; i < f->edit_count && r == 0; i++) {
		fprintf(w->out, "<br>lines %zu to %zu become:<pre>", f->edits[i].first,
			f->edits[i].last);
		r = put_html(w, f->edits[i].text, err);
		fputs("</pre>", w->out);
	}
	return r;
}

static int add(struct finding_writer *w, const struct report_finding *f, struct error *err)
{
	int r = 0;

	if (w->kept++ >= ROWS_MAX)
		return 0;
	if (!w->section) {
		r = put_heading(w, finding_place(f), false, err);
		put_table_head(w);
	}
	fprintf(w->out,
		"<tr><td class=\"%s\" data-head=\"Level\" data-value=\"%d\">%s</td>"
		"<td data-head=\"Rule\">%s</td>",
		level_name(f->level), (int)LEVEL_ERROR - (int)f->level, level_name(f->level),
		f->rule);
	if (f->layer >= 0)
		fprintf(w->out, "<td data-head=\"Layer\" data-value=\"%ld\">%ld</td>", f->layer,
			f->layer);
	else
		fputs("<td data-value=\"-1\"></td>", w->out);
	if (f->path)
		fprintf(w->out,
			"<td data-head=\"Owner\" data-value=\"%" PRId64 "\">%" PRId64 ":%" PRId64
			"</td>",
			f->uid, f->uid, f->gid);
	else
		fputs("<td data-value=\"-1\"></td>", w->out);
	fputs("<td class=\"path\">", w->out);
	if (r == 0)
		r = put_words(w, f, err);
	fputs("</td></tr>\n", w->out);
	return r;
}

static int done(struct finding_writer *w, const char *input, bool fits, struct error *err)
{
	int r = 0;

	if (!w->section) {
		r = put_heading(w, input, fits, err);
		put_table_head(w);
	}
	fputs("</tbody></table></div>\n", w->out);
	if (w->kept > ROWS_MAX)
		fprintf(w->out, "<p>and %" PRIu64 " more findings</p>\n", w->kept - ROWS_MAX);
	if (!fits && w->picture) {
		fputs("<h3>What mends it</h3>\n<p>Give the entries an owner inside the range in "
		      "the very "
		      "step that makes them; or rewrite the image as it is:</p>\n<pre>uidfit fix ",
		      w->out);
		r = put_html(w, input, err);
		fputs(" docker-archive:fixed.tar\ndocker load -i fixed.tar</pre>\n", w->out);
	}
	/* Notes have been kept until the table was over. */
	if (w->input.len)
		fprintf(w->out, "<ul class=\"dim\">%s</ul>\n", buf_str(&w->input));
	fputs("</section>\n", w->out);
	w->section = w->picture = false;
	return r;
}

static int note(struct finding_writer *w, _unused_ const char *input, const char *text,
		struct error *err)
{
	_cleanup_(buf_freep) struct buf valid = { 0 };
	int r = text_replace_invalid(&valid, text, strlen(text));

	if (r == 0)
		r = buf_append_str(&w->input, "<li>");
	for (const char *p = buf_str(&valid); *p && r == 0; p++)
		r = strchr("<>&\"'", *p) ? buf_printf(&w->input, "&#%d;", *p)
					 : buf_append(&w->input, p, 1);
	if (r == 0)
		r = buf_append_str(&w->input, "</li>");
	return r < 0 ? err_nomem(err) : 0;
}

static int failed(struct finding_writer *w, const char *input, const struct error *why,
		  struct error *err)
{
	int r;

	fputs("<section><h2>", w->out);
	r = put_html(w, input, err);
	fputs(": <span class=\"unfit\">could not be looked at</span></h2>\n<p>", w->out);
	if (r == 0)
		r = put_html(w, why->msg, err);
	fputs("</p></section>\n", w->out);
	return r;
}

static int end(struct finding_writer *w, _unused_ struct error *err)
{
	fprintf(w->out,
		"</main><footer class=\"dim\">uidfit "
		"%s</footer>\n<script>%s</script></body></html>\n",
		UIDFIT_VERSION, page_js);
	return 0;
}

const struct finding_ops finding_html = { .begin = begin,
					  .image = image,
					  .add = add,
					  .done = done,
					  .failed = failed,
					  .note = note,
					  .end = end };
