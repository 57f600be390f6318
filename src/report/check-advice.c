/* "What to do": few lines, the surest first. Nobody is told to change a range that cannot be
 * changed, and nobody is sent to chown in a later layer.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "report/check-text.h"
#include "report/lsmode.h"
#include "report/print.h"
#include "report/words.h"

#define STEPS_SHOWN 3
#define INDENT	    "       "

/* What a step should have said, by a word in it; the first row that matches counts. */
static const struct {
	const char *word, *advice;
} remedies[] = {
	{ "ADD file", "it is the base image's: take a base that fits, or fix the image as below" },
	{ "COPY", "write COPY --chown=0:0" },
	{ "ADD", "write ADD --chown=0:0 (a tar that ADD unpacks keeps its owners: chown it in a "
		 "RUN of a build stage, then COPY --from --chown=0:0)" },
	{ "WORKDIR", "make that directory in a RUN, with an owner inside the range" },
	{ "useradd", "choose an id inside the range (useradd -u, with --no-log-init), and chown in "
		     "the same RUN" },
	{ "adduser", "choose an id inside the range (adduser -u), and chown in the same RUN" },
	{ "npm",
	  "npm run as root keeps the ids of who published a package: end that same RUN with" },
	{ "yarn", "end that same RUN with" },
	{ "tar", "tar run as root keeps the archive's ids: give it --no-same-owner, or end that "
		 "same RUN with" },
};

const char check_advice_acl[] = "ACLs: setfacl -b on those paths in the step that sets them, or "
				"name ids inside the range";
const char check_advice_log[] = "lastlog and faillog grow with the highest uid: useradd "
				"--no-log-init, or remove them in that same RUN";

struct advice {
	const struct report_options *opts;
	FILE *out;
	struct check *c;
	const struct summary *s;
	unsigned number;
	bool steps; /* a step was told to change owners */
};

static void item(struct advice *a)
{
	if (!a->number++) {
		fputc('\n', a->out);
		print_styled(a->opts, STYLE_BOLD, "  What to do\n");
	}
	fprintf(a->out, "    %u. ", a->number);
}

/* True where word stands in text as a word of its own. */
static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = strstr(text, word); p; p = strstr(p + 1, word))
		if ((p == text || !isalnum((unsigned char)p[-1])) && !isalnum((unsigned char)p[n]))
			return true;
	return false;
}

static const char *remedy_of(const char *step)
{
	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++)
		if (has_word(step, remedies[i].word))
			return remedies[i].advice;
	return "end that same step with";
}

/* The step's USER that all of these owners come from: mended by mending USER. */
static bool has_cause(const struct check *c, const struct fold_key *key)
{
	for (size_t i = 0; i < c->cause_count; i++)
		if (key->uid == c->causes[i].uid && key->layer >= (long)c->causes[i].user_layer &&
		    key->layer <= (long)c->causes[i].last_layer)
			return true;
	return false;
}

static bool wants_chown(const struct advice *a, const struct fold_group *g)
{
	/* A warning of this rule is about an engine that drops owners altogether. */
	bool dropped = g->key.rule == RULE_OWNER_OUTSIDE_MAP && g->key.level == LEVEL_WARNING;

	return words_rule_is_owner(g->key.rule) && !dropped && !has_cause(a->c, &g->key);
}

/* "-user 70000" of what does not fit; a number that no file system holds gives nothing. */
static int find_test(struct buf *out, const struct fold_key *key)
{
	bool uid = key->uid_fits != key->targets, gid = key->gid_fits != key->targets;
	int r = 0;

	if (uid && key->uid >= 0 && key->uid < ID_INVALID)
		r = buf_printf(out, " -user %" PRId64, key->uid);
	else if (gid && key->gid >= 0 && key->gid < ID_INVALID)
		r = buf_printf(out, " -group %" PRId64, key->gid);
	return r;
}

/* True where a shell takes the path as it stands: an image may name a directory $(...). */
static bool is_plain(const char *path)
{
	for (const char *p = path; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._/@+-", *p))
			return false;
	return *path;
}

/* The directories of all groups of first's owner, "/ -xdev" where one is the root or no plain name.
 */
static int find_dirs(struct buf *out, const struct advice *a, const struct fold *fold,
		     const struct fold_group *first)
{
	size_t start = out->len;
	int r = 0;

	for (size_t i = 0; i < fold->count && r >= 0; i++) {
		const struct fold_group *g = &fold->groups[i];

		bool named = !wants_chown(a, g) || g->key.uid != first->key.uid ||
			     g->key.gid != first->key.gid;

		/* Groups differ in level and visibility too; a directory is searched once. */
		for (size_t k = 0; k < i && !named; k++)
			named = wants_chown(a, &fold->groups[k]) &&
				fold->groups[k].key.uid == g->key.uid &&
				fold->groups[k].key.gid == g->key.gid &&
				strcmp(fold->groups[k].dir, g->dir) == 0;
		if (named)
			continue;
		if (!is_plain(g->dir)) {
			out->len = start;
			return buf_append_str(out, " / -xdev");
		}
		r = buf_printf(out, " /%s", g->dir);
	}
	return r;
}

/* A command for the shell of whoever pastes it, that touches nothing but the entries of the layer's
 * first such group: busybox has no chown --from, and find -user takes a number everywhere. Nothing
 * where no file system holds such a number: a find without a test would take every file. */
static int chown_words(struct buf *out, const struct advice *a, const struct fold *fold)
{
	_cleanup_(buf_freep) struct buf test = { 0 };
	const struct fold_group *first = NULL;
	int r = 0;

	for (size_t i = 0; i < fold->count && !first && r >= 0; i++) {
		if (!wants_chown(a, &fold->groups[i]))
			continue;
		r = find_test(&test, &fold->groups[i].key);
		if (test.len)
			first = &fold->groups[i];
	}
	if (r < 0 || !first)
		return r;
	r = buf_append_str(out, "find");
	if (r >= 0)
		r = find_dirs(out, a, fold, first);
	return r < 0 ? r : buf_printf(out, "%s -exec chown -h 0:0 {} +", buf_str(&test));
}

static size_t owners_of(const struct advice *a, const struct fold *fold)
{
	size_t n = 0;

	for (size_t i = 0; i < fold->count; i++) {
		bool seen = !wants_chown(a, &fold->groups[i]);

		for (size_t k = 0; k < i && !seen; k++)
			seen = fold->groups[k].key.uid == fold->groups[i].key.uid &&
			       fold->groups[k].key.gid == fold->groups[i].key.gid;
		n += !seen;
	}
	return n;
}

static int step_words(struct buf *out, const struct advice *a, const struct fold *fold,
		      const char *step)
{
	_cleanup_(buf_freep) struct buf chown = { 0 };
	const char *remedy;
	int r = chown_words(&chown, a, fold);

	if (r < 0)
		return r;
	remedy = chown.len ? remedy_of(step)
			   : "no file system holds such an owner: mend what writes the layer";
	r = buf_append_str(out, remedy);
	if (r >= 0 && strlen(remedy) > 4 && strcmp(remedy + strlen(remedy) - 4, "with") == 0)
		r = buf_printf(out, " `%s`%s", buf_str(&chown),
			       owners_of(a, fold) > 1 ? ", and likewise for the other owners" : "");
	return r;
}

static int step_advice(struct advice *a, size_t layer, const struct fold *fold, struct error *err)
{
	_cleanup_(buf_freep) struct buf step = { 0 }, words = { 0 };

	if (print_step(&step, a->c->image->layers[layer].created_by, 60) < 0 ||
	    step_words(&words, a, fold, buf_str(&step)) < 0)
		return err_nomem(err);
	fprintf(a->out, INDENT "layer %zu%s%s: %s\n", layer, step.len ? ", " : "", buf_str(&step),
		buf_str(&words));
	return 0;
}

int check_advice_step(struct buf *out, struct check *c, const struct summary *s, size_t layer)
{
	struct advice a = { .c = c, .s = s };
	_cleanup_(buf_freep) struct buf step = { 0 };
	int r = print_step(&step, c->image->layers[layer].created_by, 60);

	if (r < 0 || !s->layers[layer] || !owners_of(&a, s->layers[layer]))
		return r;
	return step_words(out, &a, s->layers[layer], buf_str(&step));
}

static bool has_owner(const struct advice *a, const struct fold *fold)
{
	return fold && owners_of(a, fold);
}

static int steps(struct advice *a, struct error *err)
{
	size_t layers = 0, shown = 0;
	int r = 0;

	for (size_t i = 0; i < a->s->layer_count; i++)
		layers += has_owner(a, a->s->layers[i]);
	if (!layers)
		return 0;
	item(a);
	if (!a->c->image->source->has_config) {
		fputs("It is no image yet: give the entries another owner where they come into one "
		      "(COPY --chown=0:0, tar --no-same-owner)\n",
		      a->out);
		return 0;
	}
	a->steps = true;
	fprintf(a->out, "Change the owner in the very %s that %s the entries\n",
		plural(layers, "step", "steps"), plural(layers, "makes", "make"));
	for (size_t i = 0; i < a->s->layer_count && shown < STEPS_SHOWN && r >= 0; i++) {
		if (!has_owner(a, a->s->layers[i]))
			continue;
		shown++;
		r = step_advice(a, i, a->s->layers[i], err);
	}
	if (layers > shown)
		fprintf(a->out, INDENT "... and likewise in %zu more\n", layers - shown);
	return r;
}

/* True where entries have to get other owners: a USER's, or those of the steps told above. */
static bool owners_change(const struct advice *a)
{
	return a->number && (a->steps || a->c->cause_count);
}

/* Why the two things that everybody tries first do not help. */
static void later_layers(struct advice *a)
{
	const struct summary *s = a->s;

	if (!owners_change(a))
		return;
	if (s->hidden_by < 0) {
		fputs(INDENT "A chown or rm in a later step does not help: engines extract every "
			     "layer as it is.\n",
		      a->out);
		return;
	}
	fprintf(a->out,
		INDENT "Layer %ld %s %s of layer %ld, which is extracted all the same, and before "
		       "it:\n" INDENT "no chown or rm in a later step can help.\n",
		s->hidden_by, s->hidden_removes ? "removes" : "replaces",
		plural(s->removed + s->replaced, "an entry", "entries"), s->hidden_layer);
}

static void user(struct advice *a)
{
	const struct check_user *u = &a->c->user;
	bool told = false;

	for (size_t i = 0; i < a->c->cause_count; i++) {
		told |= a->c->causes[i].uid == u->user.uid;
		if (i >= STEPS_SHOWN)
			continue;
		item(a);
		fputs("Give USER ", a->out);
		print_name(a->out, a->c->causes[i].user, strlen(a->c->causes[i].user), 80);
		fputs(" an id inside the range: the entries that its steps make follow\n", a->out);
	}
	if (!a->s->user_outside || told)
		return;
	item(a);
	fputs("Set USER to an id inside the range (groups too)", a->out);
	if (u->user.text && u->user.text[0]) {
		fputs(", it is now ", a->out);
		print_name(a->out, u->user.text, strlen(u->user.text), 80);
	}
	fputs("; or run the container with another --user\n", a->out);
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_advice(const struct check_target *a, const struct check_target *b)
{
	return same_text(a->use->target->advice, b->use->target->advice);
}

static bool same_range_advice(const struct check_target *a, const struct check_target *b)
{
	return a->use->target->range_changeable == b->use->target->range_changeable &&
	       same_text(a->use->target->change_where, b->use->target->change_where) &&
	       (a->worst == LEVEL_ERROR) == (b->worst == LEVEL_ERROR);
}

/* The names of the failing targets that are told the same as target i; false where an earlier one
 * has told it. */
static bool sharers(struct advice *a, size_t i, struct buf *names, int *r,
		    bool (*same)(const struct check_target *a, const struct check_target *b))
{
	const struct check_target *all = a->c->targets;

	for (size_t k = 0; k < a->c->target_count && *r >= 0; k++) {
		if (all[k].fits || all[k].unknown || !same(&all[k], &all[i]))
			continue;
		if (k < i)
			return false;
		*r = buf_printf(names, "%s%s", names->len ? ", " : "", all[k].use->name);
	}
	return true;
}

static int platform_advice(struct advice *a, struct error *err)
{
	int r = 0;

	if (!a->s->owners && !a->s->accounts)
		return 0;
	for (size_t i = 0; i < a->c->target_count; i++) {
		const struct check_target *t = &a->c->targets[i];
		_cleanup_(buf_freep) struct buf names = { 0 };

		if (t->fits || t->unknown || same_text(t->use->target->advice, NULL) ||
		    !sharers(a, i, &names, &r, same_advice))
			continue;
		if (r < 0)
			return err_nomem(err);
		item(a);
		fprintf(a->out, "%s: %s\n", buf_str(&names), t->use->target->advice);
	}
	return 0;
}

static int ranges(struct advice *a, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < a->c->target_count; i++) {
		const struct check_target *t = &a->c->targets[i];
		const struct target *target = t->use->target;
		_cleanup_(buf_freep) struct buf names = { 0 };

		if (t->fits || t->unknown || !sharers(a, i, &names, &r, same_range_advice))
			continue;
		if (r < 0)
			return err_nomem(err);
		if (!target->range_changeable) {
			if (t->worst != LEVEL_ERROR)
				continue;
			item(a);
			fprintf(a->out,
				"%s: the range cannot be changed, the image has to change\n",
				buf_str(&names));
		} else if (!same_text(target->change_where, NULL) && a->s->max_id > 0 &&
			   a->s->max_id < ID_INVALID) {
			item(a);
			fprintf(a->out, "%s the range of %s reach %s%" PRId64 "%s: %s\n",
				a->number > 1 ? "Or let" : "Let", buf_str(&names),
				a->c->image->unread ? "at least " : "", a->s->max_id,
				a->s->max_id > INT32_MAX ? " (too much for most hosts)" : "",
				target->change_where);
		}
	}
	return 0;
}

static void others(struct advice *a)
{
	if (a->s->acl) {
		item(a);
		fprintf(a->out, "%s\n", check_advice_acl);
	}
	if (a->s->sparse_log) {
		item(a);
		fprintf(a->out, "%s\n", check_advice_log);
	}
	if (!owners_change(a))
		return;
	item(a);
	fputs("Not your image, or no rebuild? Rewrite the owners inside its layers: uidfit fix SRC "
	      "docker-archive:FIXED.tar\n",
	      a->out);
}

int check_text_advice(const struct report_options *opts, struct check *c, const struct summary *s,
		      struct error *err)
{
	struct advice a = { .opts = opts, .out = opts->out, .c = c, .s = s };
	int r;

	if (!s->entries && !s->config_count)
		return 0;
	r = platform_advice(&a, err);
	if (r >= 0)
		r = steps(&a, err);
	if (r < 0)
		return r;
	later_layers(&a);
	user(&a);
	r = ranges(&a, err);
	others(&a);
	return r;
}
