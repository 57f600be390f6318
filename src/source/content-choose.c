/* Which of several manifests of one image are meant: by --platform, by this machine, or the only
 * one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/content.h"

static void group_clear(struct content_walk *w)
{
	for (size_t i = 0; i < w->leaf_count; i++)
		source_image_done(&w->leaves[i].image);
	w->leaf_count = 0;
}

/* Leaves whose platform no descriptor tells are read for it; what turns out to be no image goes. */
static int know_platforms(struct content_walk *w, struct error *err)
{
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; i < w->leaf_count; i++) {
		struct leaf *leaf = &w->leaves[i];

		if (r == 0 && !leaf->has_platform) {
			r = content_build(w, leaf, false, err);
			if (r == 1) {
				r = 0;
				continue;
			}
		}
		w->leaves[kept++] = *leaf;
	}
	w->leaf_count = kept;
	return r;
}

/* The first that fits; one that names the very variant, or the one that this architecture has by
 * default (v7 for arm, v8 for arm64), before others. */
static struct leaf *best(struct content_walk *w)
{
	const struct platform *want = &w->source->platform;
	const char *variant = want->variant[0]			       ? want->variant
			      : strcmp(want->architecture, "arm") == 0 ? "v7"
								       : "v8";
	struct leaf *found = NULL;

	for (size_t i = 0; i < w->leaf_count; i++) {
		struct leaf *leaf = &w->leaves[i];

		if (!platform_matches(&leaf->platform, want))
			continue;
		if (strcmp(leaf->platform.variant, variant) == 0)
			return leaf;
		if (!found)
			found = leaf;
	}
	return found;
}

static int list_seen(struct content_walk *w, struct error *err)
{
	for (size_t i = 0; i < w->leaf_count; i++) {
		char text[100], safe[200];

		platform_print(&w->leaves[i].platform, text);
		err_text(safe, sizeof(safe), text, strlen(text));
		if (w->seen.len < 300 && buf_printf(&w->seen, "%s%s", w->seen.len ? ", " : "",
						    safe[0] ? safe : "unknown platform"))
			return err_nomem(err);
	}
	return 0;
}

/* One image under two tags has both names: 1, else 0. */
static int known_already(const struct content_walk *w, const struct oci_digest *digest,
			 struct error *err)
{
	const struct source *s = w->source;

	for (size_t i = 0; i < s->image_count; i++)
		if (strcmp(s->images[i].digest.text, digest->text) == 0)
			return w->ref && source_image_name(&s->images[i], w->ref, err) < 0
				       ? -ERR_NOMEM
				       : 1;
	return 0;
}

static int take(struct content_walk *w, struct leaf *leaf, bool missing_ok, struct error *err)
{
	int r = known_already(w, &leaf->digest, err);

	if (r)
		return MIN(r, 0);
	r = content_build(w, leaf, missing_ok, err);
	return r ? MIN(r, 0) : source_add_image(w->source, &leaf->image, err);
}

static void note_other_platform(struct content_walk *w, const struct platform *have)
{
	char is[100], host[100], safe[200], name[200];

	platform_print(have, is);
	platform_print(&w->source->platform, host);
	if (is[0] && !platform_matches(have, &w->source->platform))
		notes_add(w->source->notes, "%s is for %s, not %s",
			  err_text(name, sizeof(name), w->name, strlen(w->name)),
			  err_text(safe, sizeof(safe), is, strlen(is)), host);
}

/* The only one, whatever it is for. */
static int take_only(struct content_walk *w, struct leaf *leaf, struct error *err)
{
	int r = known_already(w, &leaf->digest, err);

	if (r)
		return MIN(r, 0);
	r = content_build(w, leaf, false, err);
	if (r)
		return MIN(r, 0);
	note_other_platform(w, &leaf->image.platform);
	return source_add_image(w->source, &leaf->image, err);
}

static int choose(struct content_walk *w, struct error *err)
{
	struct leaf *leaf;
	char want[100], name[200];
	int r;

	if (w->leaf_count == 1 && !w->source->platform_asked)
		return take_only(w, &w->leaves[0], err);
	r = know_platforms(w, err);
	if (r < 0)
		return r;
	leaf = best(w);
	if (leaf)
		return take(w, leaf, false, err);
	if (w->leaf_count == 1 && !w->source->platform_asked)
		return take_only(w, &w->leaves[0], err);
	r = list_seen(w, err);
	if (r < 0 || !w->leaf_count)
		return r;
	platform_print(&w->source->platform, want);
	err_text(name, sizeof(name), w->name, strlen(w->name));
	if (!w->source->platform_asked)
		return err_fail(err, ERR_NOT_FOUND, 0,
				"%s has no image for %s: --platform takes one of %s", name, want,
				buf_str(&w->seen));
	notes_add(w->source->notes, "%s has no image for %s: skipped", name, want);
	return 0;
}

int content_choose(struct content_walk *w, struct error *err)
{
	int r = 0;

	w->found += w->leaf_count;
	if (w->source->all_platforms)
		for (size_t i = 0; r == 0 && i < w->leaf_count; i++)
			r = take(w, &w->leaves[i], true, err);
	else if (w->leaf_count)
		r = choose(w, err);
	group_clear(w);
	return r;
}

int content_finish(struct content_walk *w, struct error *err)
{
	char want[100];

	if (w->source->image_count)
		return 0;
	if (!w->seen.len)
		return err_fail(err, ERR_NOT_FOUND, 0, "%s holds no image", w->source->path);
	platform_print(&w->source->platform, want);
	return err_fail(err, ERR_NOT_FOUND, 0, "%s has no image for %s, but for %s",
			w->source->path, want, buf_str(&w->seen));
}
