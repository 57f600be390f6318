/* "What to do": few lines, the surest first. Nobody is told to change a range that cannot be changed, and
 * nobody is sent to chown in a later layer.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "report/check-text.h"
#include "report/lsmode.h"
#include "report/print.h"
#include "report/words.h"

#define STEPS_SHOWN 3

/* What a step should have said, by a word in it; the first row that matches counts. */
static const struct {
	const char *word, *advice;
} remedies[] = {
	{ "COPY", "write COPY --chown=0:0" },
	{ "ADD", "write ADD --chown=0:0 (a tar that ADD unpacks keeps its owners: chown it in a RUN of a build stage, then COPY --from --chown=0:0)" },
	{ "useradd", "choose an id inside the range (useradd -u, with --no-log-init), and chown in the same RUN" },
	{ "adduser", "choose an id inside the range (adduser -u), and chown in the same RUN" },
	{ "npm", "npm run as root keeps the ids of who published a package: end that same RUN with" },
	{ "yarn", "end that same RUN with" },
	{ "tar", "tar run as root keeps the archive's ids: give it --no-same-owner, or end that same RUN with" },
};

struct advice {
	const struct report_options *opts;
	FILE *out;
	struct check *c;
	const struct summary *s;
	unsigned number;
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

/* The directories of a layer's groups as arguments of chown, for the shell of whoever pastes it. */
static int chown_words(struct buf *out, const struct fold *fold)
{
	int r = buf_append_str(out, "chown -R 0:0");
	size_t shown = 0;

	for (size_t i = 0; i < fold->count && r >= 0; i++) {
		const struct fold_group *g = &fold->groups[i];

		if (g->key.level == LEVEL_NOTE || !words_rule_is_owner(g->key.rule))
			continue;
		if (shown++ == 3)
			return buf_append_str(out, " ...");
		r = buf_append_str(out, " ");
		if (r >= 0)
			r = ls_path(out, g->dir, g->dir_len);
	}
	return r;
}

static int step_advice(struct advice *a, size_t layer, const struct fold *fold, struct error *err)
{
	_cleanup_(buf_freep) struct buf step = { 0 }, chown = { 0 };
	const char *remedy;

	if (print_step(&step, a->c->image->layers[layer].created_by, 60) < 0 ||
	    chown_words(&chown, fold) < 0)
		return err_nomem(err);
	item(a);
	fprintf(a->out, "In the step that makes layer %zu", layer);
	if (step.len)
		fprintf(a->out, " (%s)", buf_str(&step));
	remedy = remedy_of(buf_str(&step));
	fprintf(a->out, ": %s", remedy);
	if (strlen(remedy) > 4 && strcmp(remedy + strlen(remedy) - 4, "with") == 0)
		fprintf(a->out, " `%s`", buf_str(&chown));
	fputc('\n', a->out);
	return 0;
}

static int steps(struct advice *a, struct error *err)
{
	size_t shown = 0;
	int r;

	if (!a->s->owner_outside && !a->s->becomes_root)
		return 0;
	for (size_t i = 0; i < a->s->layer_count; i++) {
		if (!a->s->layers[i])
			continue;
		if (shown++ == STEPS_SHOWN) {
			item(a);
			fprintf(a->out, "Likewise in the steps of the other %zu layers above\n",
				a->s->layers_hit - STEPS_SHOWN);
			break;
		}
		r = step_advice(a, i, a->s->layers[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Why the two things that everybody tries first do not help. */
static void later_layers(struct advice *a)
{
	const struct summary *s = a->s;

	if (!s->entries)
		return;
	if (s->removed + s->replaced && s->hidden_by >= 0) {
		fprintf(a->out, "       Layer %ld %s, and still they fail: an engine extracts each layer as it is,\n"
				"       layer %ld before layer %ld. No chown or rm in a later step can help.\n",
			s->hidden_by,
			s->removed && s->replaced ? "and others remove or replace such entries" :
			s->removed		  ? "removes such entries" :
						    "has such paths again",
			s->hidden_layer, s->hidden_by);
		return;
	}
	fputs("       A chown or rm in a later step does not help: an engine extracts each layer as it is.\n", a->out);
}

static void user(struct advice *a)
{
	const struct check_user *u = &a->c->user;

	if (!a->s->user_outside)
		return;
	item(a);
	fputs("Set USER to an id inside the range (groups too)", a->out);
	if (u->user.text && u->user.text[0]) {
		fputs(", it is now ", a->out);
		print_name(a->out, u->user.text, strlen(u->user.text), 80);
	}
	fputs("; or run the container with another --user\n", a->out);
}

static bool told_before(const struct check *c, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (c->targets[k].use->target == c->targets[i].use->target && !c->targets[k].fits)
			return true;
	return false;
}

static void ranges(struct advice *a)
{
	for (size_t i = 0; i < a->c->target_count; i++) {
		const struct check_target *t = &a->c->targets[i];
		const struct target *target = t->use->target;

		if (t->fits || told_before(a->c, i))
			continue;
		if (target->advice && target->advice[0]) {
			item(a);
			fprintf(a->out, "%s: %s\n", t->use->name, target->advice);
		}
		if (!target->range_changeable) {
			fprintf(a->out, "       The range of %s cannot be changed: the image has to change.\n",
				t->use->name);
			continue;
		}
		if (!target->change_where || !target->change_where[0])
			continue;
		item(a);
		fprintf(a->out, "Or give %s a range that holds %" PRId64 ": %s%s\n", t->use->name, a->s->max_id,
			target->change_where,
			a->s->max_id > INT32_MAX ? " (so large a range is seldom wise)" : "");
	}
}

static void others(struct advice *a)
{
	if (a->s->acl) {
		item(a);
		fputs("ACLs: setfacl -b on those paths in the step that sets them, or name ids inside the range\n", a->out);
	}
	if (a->s->sparse_log) {
		item(a);
		fputs("lastlog and faillog grow with the highest uid: useradd --no-log-init, or remove them in that same RUN\n",
		      a->out);
	}
	if (!a->s->owner_outside)
		return;
	item(a);
	fputs("Not your image? Flatten it where it can be pulled: FROM it AS src, RUN the chown, then FROM scratch\n"
	      "       and COPY --from=src / / (repeat its ENV, USER, CMD and ENTRYPOINT)\n",
	      a->out);
}

int check_text_advice(const struct report_options *opts, struct check *c, const struct summary *s,
		      struct error *err)
{
	struct advice a = { .opts = opts, .out = opts->out, .c = c, .s = s };
	int r;

	if (!s->entries && !s->config_count)
		return 0;
	r = steps(&a, err);
	if (r < 0)
		return r;
	later_layers(&a);
	user(&a);
	ranges(&a);
	others(&a);
	return 0;
}
