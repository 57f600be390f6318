#include "report/check-findings.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "report/baseline.h"
#include "report/print.h"
#include "report/words.h"

#define STEP_SHOWN_MAX 100

/* By enum rule, with the names that rule_name() gives. */
static const struct finding_rule rules[] = {
	{ "owner-outside-map", "The owner of an entry lies outside the map.",
	  "Give the entry an owner inside the range in the very step that makes it; a chown in a "
	  "later step leaves the old layer as it is. uidfit fix rewrites an image that is there." },
	{ "acl-outside-map", "An ACL names an id outside the map.", NULL },
	{ "capability-rootid-outside-map", "A file capability belongs to a root outside the map.",
	  NULL },
	{ "user-outside-map", "USER is a user or group outside the map.",
	  "Set USER to an id inside the range, or run the container with another user." },
	{ "group-outside-map", "A supplementary group of USER lies outside the map.", NULL },
	{ "passwd-outside-map", "An account of passwd or group has an id outside the map.", NULL },
	{ "owner-becomes-root", "An owner becomes root of the container.", NULL },
	{ "owner-becomes-nobody", "An owner outside the map is shown as nobody.", NULL },
	{ "owner-wraps", "An owner of more than 32 bits is taken modulo 2^32.", NULL },
	{ "owner-unnamed", "An owner that no account of the image names.", NULL },
	{ "oversized-sparse-log", "A sparse log as large as the highest uid makes it.",
	  "useradd --no-log-init (-l) avoids it." },
	{ "acl-invalid", "An ACL that the kernel refuses.", NULL },
	{ "capability-invalid", "A capability that the kernel refuses.", NULL },
	{ "not-looked-at", "An image that could not be looked at.", NULL },
};
_Static_assert(ARRAY_SIZE(rules) == RULE_COUNT + 1, "a rule without words");

const struct finding_about check_findings_about = { "check", rules, ARRAY_SIZE(rules) };

struct telling {
	struct check *c;
	const char *ref_text;
	check_findings_fn *fn;
	void *ctx;
	struct buf path, step, message;
};

static int words_of(struct telling *t, const struct finding *f)
{
	const struct fold_key key = fold_key_of(f);
	const char *created_by = NULL;
	int r;

	buf_clear(&t->path);
	buf_clear(&t->step);
	buf_clear(&t->message);
	if (!f->entry)
		return words_config(&t->message, t->c, f);
	if (f->layer >= 0 && (size_t)f->layer < t->c->image->layer_count)
		created_by = t->c->image->layers[f->layer].created_by;
	r = buf_append_str(&t->path, "/");
	if (r == 0)
		r = text_escape(&t->path, f->entry->path, f->entry->path_len);
	if (r == 0)
		r = print_step(&t->step, created_by, STEP_SHOWN_MAX);
	return r < 0 ? r : words_reason(&t->message, t->c, &key);
}

static int tell(void *ctx, const struct finding *f, struct error *err)
{
	struct telling *t = ctx;
	const struct image *img = t->c->image;
	bool in_layer = f->layer >= 0 && (size_t)f->layer < img->layer_count;
	struct report_finding out = {
		.rule = rules[f->rule].name,
		.level = f->level,
		.image = t->ref_text,
		.layer = in_layer ? f->layer : -1,
		.help = rules[f->rule].help,
	};

	if (words_of(t, f) < 0)
		return err_nomem(err);
	out.message = buf_str(&t->message);
	if (in_layer)
		out.digest = layer_digest(&img->layers[f->layer])->text;
	if (f->entry) {
		out.path = buf_str(&t->path);
		out.uid = f->entry->uid;
		out.gid = f->entry->gid;
		out.visible = f->visible_unknown ? NULL : visible_name(f->visible);
	}
	if (t->step.len)
		out.step = buf_str(&t->step);
	return t->fn(t->ctx, &out, err);
}

int check_findings_each(struct check *c, const char *ref_text, check_findings_fn *fn, void *ctx,
			struct error *err)
{
	struct telling t = { .c = c, .ref_text = ref_text, .fn = fn, .ctx = ctx };
	int r = check_each(c, tell, &t, err);

	buf_free(&t.path);
	buf_free(&t.step);
	buf_free(&t.message);
	return r;
}

struct adding {
	struct finding_writer *w;
	const struct baseline *baseline;
	enum level fail_on;
	uint64_t accepted;
	bool fails;
};

static int add(void *ctx, const struct report_finding *f, struct error *err)
{
	struct adding *a = ctx;
	int r = a->baseline ? baseline_has(a->baseline, f, err) : 0;

	if (r < 0)
		return r;
	a->accepted += r > 0;
	a->fails |= r == 0 && f->level >= a->fail_on;
	return r ? 0 : findings_add(a->w, f, err);
}

/* Before its findings are told: what a picture of the image shows. */
struct picture {
	struct check *c;
	struct report_layer *layers;
	struct report_owner owners[REPORT_OWNERS_MAX];
	size_t owner_count;
};

static int look(void *ctx, const struct finding *f, _unused_ struct error *err)
{
	struct picture *p = ctx;
	size_t i = 0;

	if (f->level == LEVEL_NOTE || !f->entry)
		return 0;
	if (f->layer >= 0 && (size_t)f->layer < p->c->image->layer_count)
		p->layers[f->layer].findings++;
	while (i < p->owner_count &&
	       (p->owners[i].uid != f->entry->uid || p->owners[i].gid != f->entry->gid))
		i++;
	if (i == p->owner_count && i < REPORT_OWNERS_MAX)
		p->owners[p->owner_count++] = (struct report_owner){ f->entry->uid, f->entry->gid };
	return 0;
}

static int tell_image(struct finding_writer *w, const char *ref_text, struct check *c,
		      struct error *err)
{
	const struct image *img = c->image;
	const struct target_use *targets[CHECK_TARGETS_MAX];
	struct buf *steps = calloc(img->layer_count + 1, sizeof(*steps));
	struct picture p = { .c = c, .layers = calloc(img->layer_count + 1, sizeof(*p.layers)) };
	int r = p.layers && steps ? check_each(c, look, &p, err) : err_nomem(err);

	for (size_t i = 0; i < img->layer_count && r == 0; i++) {
		if (print_step(&steps[i], img->layers[i].created_by, STEP_SHOWN_MAX) < 0)
			r = err_nomem(err);
		p.layers[i].size = image_layer_size(&img->layers[i]);
		p.layers[i].step = buf_str(&steps[i]);
	}
	for (size_t i = 0; i < c->target_count; i++)
		targets[i] = c->targets[i].use;
	if (r == 0)
		r = findings_image(w,
				   &(struct report_image){ .name = ref_text,
							   .fits = c->fits,
							   .layers = p.layers,
							   .layer_count = img->layer_count,
							   .targets = targets,
							   .target_count = c->target_count,
							   .owners = p.owners,
							   .owner_count = p.owner_count },
				   err);
	for (size_t i = 0; steps && i < img->layer_count; i++)
		buf_free(&steps[i]);
	free(steps);
	free(p.layers);
	return r;
}

/* What rests on something else than every byte. */
static int remarks(struct finding_writer *w, const char *ref_text, const struct check *c,
		   const struct notes *notes, struct error *err)
{
	const struct image *img = c->image;
	size_t unread = 0, unverified = 0, tables = 0;
	char text[160];
	int r = 0;

	for (size_t i = 0; i < img->layer_count; i++) {
		unread += img->layers[i].unread;
		tables += img->layers[i].verified == INV_VERIFIED_TOC;
		unverified += img->layers[i].verified == INV_VERIFIED_NONE &&
			      !img->layers[i].unread && layer_digest(&img->layers[i])->text[0];
	}
	for (size_t i = 0; i < notes_count(notes) && r == 0; i++)
		r = findings_note(w, ref_text, notes_get(notes, i), err);
	if (r == 0 && unread) {
		snprintf(text, sizeof(text), "%zu of %zu layers were not looked at (--fail-fast)",
			 unread, img->layer_count);
		r = findings_note(w, ref_text, text, err);
	}
	if (r == 0 && tables) {
		snprintf(text, sizeof(text),
			 "of %zu %s only the table of contents was read; --verify reads all",
			 tables, plural(tables, "layer", "layers"));
		r = findings_note(w, ref_text, text, err);
	}
	if (r == 0 && unverified) {
		snprintf(text, sizeof(text),
			 "bodies were skipped, so the digests of %zu %s were not verified; "
			 "--verify reads all",
			 unverified, plural(unverified, "layer", "layers"));
		r = findings_note(w, ref_text, text, err);
	}
	if (r == 0 && c->user.user.error)
		r = findings_note(w, ref_text, "USER was not judged", err);
	return r;
}

int check_findings_image(struct finding_writer *w, const char *ref_text, struct check *c,
			 const struct notes *notes, const struct baseline *baseline,
			 struct error *err)
{
	struct adding a = { .w = w, .baseline = baseline, .fail_on = c->opts->fail_on };
	char text[80];
	int r = tell_image(w, ref_text, c, err);

	if (r == 0)
		r = check_findings_each(c, ref_text, add, &a, err);
	if (r == 0)
		r = remarks(w, ref_text, c, notes, err);
	if (r == 0 && a.accepted) {
		snprintf(text, sizeof(text), "%" PRIu64 " %s in the baseline", a.accepted,
			 plural(a.accepted, "finding stands", "findings stand"));
		r = findings_note(w, ref_text, text, err);
	}
	return r < 0 ? r : findings_done(w, ref_text, c->fits || (baseline && !a.fails), err);
}
