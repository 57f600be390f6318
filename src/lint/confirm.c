/* An image's findings on the Dockerfile's lines: its history from the last step up, matched to the
 * instructions of the target stage and of those it is built on. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "lint/work.h"
#include "oci/step.h"

/* Words of a and b agree, blanks aside, as far as either goes; which is long enough to be told. */
static bool alike(const char *a, const char *b)
{
	size_t same = 0;

	while (*a && *b) {
		while (isspace((unsigned char)*a))
			a++;
		while (isspace((unsigned char)*b))
			b++;
		if (*a != *b)
			break;
		same += *a != '\0';
		a += *a != '\0';
		b += *b != '\0';
	}
	return (!*a && !*b) || same >= 24;
}

static const char *last_word(const char *s)
{
	const char *end = s + strlen(s), *p;

	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	for (p = end; p > s && !isspace((unsigned char)p[-1]); p--)
		;
	return p;
}

/* "COPY file:abc... in /dest" of the classic builder names the destination alone. */
static bool matches(const struct docker_instruction *in, const char *step)
{
	const char *name = docker_kind_name(in->kind), *hash;
	size_t n = strlen(name);

	if (strncmp(step, name, n) != 0 || (step[n] && !isspace((unsigned char)step[n])))
		return false;
	hash = strstr(step, " # buildkit");
	(void)hash;
	if (in->kind == DOCKER_COPY || in->kind == DOCKER_ADD) {
		const char *to = last_word(step);
		size_t len = strcspn(to, " #");
		const char *raw = in->word_count ? in->words[in->word_count - 1].raw : "";

		/* A relative destination has its directory in front of it, in the history. */
		while (strncmp(raw, "./", 2) == 0)
			raw += 2;
		return !strcmp(raw, ".") || !*raw || strstr(step, " in ") ||
		       memmem(to, len, raw, strlen(raw));
	}
	if (in->json)
		return in->word_count && strstr(step, in->words[0].raw);
	return alike(step + n, in->text.s + in->args);
}

/* created_by of the history's k-th as a Dockerfile's line, without BuildKit's mark. */
static int step_text(struct buf *out, const struct oci_history *h)
{
	char *mark;

	buf_clear(out);
	if (oci_step_pretty(out, h->created_by ? h->created_by : "") < 0)
		return -ERR_NOMEM;
	if (!out->data)
		return 0;
	mark = strstr((char *)out->data, " # buildkit");
	if (mark) {
		*mark = '\0';
		out->len = (size_t)(mark - (char *)out->data);
	}
	return 0;
}

/* The instructions of the target stage and of those above, in order; *count of them. */
static size_t *lineage(const struct lint *l, size_t *count)
{
	size_t *list = calloc(l->d->count + 1, sizeof(*list));

	*count = 0;
	for (size_t i = 0; list && i < l->d->count; i++) {
		const struct docker_instruction *in = &l->d->list[i];

		if (in->stage != SIZE_MAX && l->scope.stages[in->stage].lineage &&
		    in->kind != DOCKER_FROM && in->kind != DOCKER_ARG && !in->onbuild)
			list[(*count)++] = i;
	}
	return list;
}

/* of_layer[k]: the instruction that made layer k, or -1. */
static int tie(const struct lint *l, const struct oci_config *config, long *of_layer,
	       size_t layer_count, struct error *err)
{
	_cleanup_(buf_freep) struct buf step = { 0 };
	_cleanup_(freep) size_t *steps = NULL;
	size_t left, layer = layer_count;

	steps = lineage(l, &left);
	if (!steps)
		return err_nomem(err);
	for (size_t h = config->history_count; h-- > 0 && layer;) {
		const struct oci_history *row = &config->history[h];
		size_t k = left;

		layer -= !row->empty_layer;
		if (step_text(&step, row) < 0)
			return err_nomem(err);
		while (k > 0 && !matches(&l->d->list[steps[k - 1]], buf_str(&step)))
			k--;
		if (!k)
			continue;
		left = k - 1;
		if (!row->empty_layer)
			of_layer[layer] = (long)steps[k - 1];
	}
	return 0;
}

struct tally {
	const struct lint *l;
	struct layer_tally {
		uint64_t entries;
		int64_t uid, gid;
		uint32_t targets;
	} * layers;
	size_t count;
};

static int count(void *ctx, const struct finding *f, struct error *err)
{
	struct tally *t = ctx;
	struct layer_tally *l;

	(void)err;
	if (f->layer < 0 || (size_t)f->layer >= t->count || f->level == LEVEL_NOTE || !f->entry)
		return 0;
	l = &t->layers[f->layer];
	if (!l->entries++) {
		l->uid = f->uid;
		l->gid = f->gid;
	}
	l->targets |= f->targets;
	return 0;
}

static bool guesses_owner(enum lint_rule_id rule)
{
	return rule != LINT_LATE_CHOWN && rule != LINT_CONTEXT_OWNER &&
	       rule != LINT_USER_OUTSIDE_MAP && rule != LINT_SPARSE_LASTLOG;
}

static enum lint_rule_id rule_of(const struct docker_instruction *in)
{
	if (in->kind == DOCKER_COPY)
		return LINT_COPY_CHOWN_OUTSIDE_MAP;
	return in->kind == DOCKER_ADD ? LINT_ADD_ARCHIVE : LINT_CHOWN_OUTSIDE_MAP;
}

static int fact(struct lint *l, size_t instruction, size_t layer, const struct layer_tally *t,
		struct error *err)
{
	struct docker_scope scope = l->scope;
	struct lint_work w = { .l = l,
			       .arena = &l->d->arena,
			       .err = err,
			       .scope = &scope,
			       .index = instruction,
			       .in = &l->d->list[instruction] };
	struct lint_finding *f = lint_add(
		&w, rule_of(w.in), NULL,
		"Give these files to an id that the map holds, in this very step.",
		"layer %zu, which this step made, holds %" PRIu64 " entr%s outside the map "
		"(%" PRId64 ":%" PRId64 ")",
		layer, t->entries, t->entries == 1 ? "y" : "ies", t->uid, t->gid);

	if (w.failed)
		return err_nomem(err);
	if (!f)
		return 0;
	f->level = LEVEL_ERROR;
	f->targets = t->targets;
	f->uid = t->uid;
	f->gid = t->gid;
	f->layer = (long)layer;
	f->entries = t->entries;
	return 0;
}

static int settle(struct lint *l, const long *of_layer, const struct tally *t, uint64_t *untied,
		  struct error *err)
{
	int r = 0;

	for (size_t k = 0; k < t->count && r >= 0; k++) {
		const struct layer_tally *layer = &t->layers[k];
		bool guessed = false;

		if (!layer->entries)
			continue;
		if (of_layer[k] < 0) {
			*untied += layer->entries;
			continue;
		}
		for (size_t i = 0; i < l->count; i++) {
			struct lint_finding *f = &l->list[i];

			if (f->instruction != (size_t)of_layer[k] || !guesses_owner(f->rule))
				continue;
			guessed = true;
			f->level = LEVEL_ERROR;
			f->layer = (long)k;
			f->entries = layer->entries;
		}
		if (!guessed)
			r = fact(l, (size_t)of_layer[k], k, layer, err);
	}
	return r;
}

int lint_confirm(struct lint *l, struct check *c, uint64_t *untied, struct error *err)
{
	const struct image *img = c->image;
	struct tally t = { .l = l, .count = img->layer_count };
	_cleanup_(freep) struct layer_tally *layers = calloc(t.count + 1, sizeof(*layers));
	_cleanup_(freep) long *of_layer = calloc(t.count + 1, sizeof(*of_layer));
	int r;

	*untied = 0;
	if (!layers || !of_layer)
		return err_nomem(err);
	t.layers = layers;
	for (size_t i = 0; i < t.count; i++)
		of_layer[i] = -1;
	/* Without a history that counts as many layers nothing can be tied. */
	if (t.count && img->source->has_config &&
	    oci_step_of_layer(&img->source->config, t.count - 1, NULL)) {
		r = tie(l, &img->source->config, of_layer, t.count, err);
		if (r < 0)
			return r;
	}
	r = check_each(c, count, &t, err);
	return r < 0 ? r : settle(l, of_layer, &t, untied, err);
}
