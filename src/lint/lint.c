#include "lint/lint.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "lint/work.h"

static bool word_in_list(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; *p;) {
		size_t len = strcspn(p, ", \t");

		if (len == n && memcmp(p, word, n) == 0)
			return true;
		p += len;
		p += strspn(p, ", \t");
	}
	return false;
}

/* # uidfit: ignore=RULE,RULE above an instruction or in it, ignore-file= anywhere. */
static bool silences(const struct docker_comment *c, const char *key, const char *rule)
{
	const char *s = c->text;

	if (strncmp(s, "uidfit:", 7) != 0)
		return false;
	s += 7 + strspn(s + 7, " \t");
	return strncmp(s, key, strlen(key)) == 0 && s[strlen(key)] == '=' &&
	       word_in_list(s + strlen(key) + 1, rule);
}

static bool silenced(const struct lint_work *w, const char *rule)
{
	const struct dockerfile *d = w->l->d;

	for (size_t i = 0; i < w->in->comment_count; i++)
		if (silences(&d->comments[w->in->comment + i], "ignore", rule))
			return true;
	for (size_t i = 0; i < d->comment_count; i++)
		if (silences(&d->comments[i], "ignore-file", rule))
			return true;
	return false;
}

static void place(const struct lint_work *w, const struct shell_command *c, size_t *line,
		  size_t *end_line)
{
	const struct dockerfile *d = w->l->d;

	*line = w->in->line;
	*end_line = w->in->end_line;
	if (!c || !w->text || c->end <= c->start)
		return;
	*line = docker_line_of(d, docker_source(w->text, c->start));
	*end_line = docker_line_of(d, docker_source(w->text, c->end - 1));
}

struct lint_finding *lint_add(struct lint_work *w, enum lint_rule_id rule,
			      const struct shell_command *c, const char *help, const char *fmt, ...)
{
	struct lint *l = w->l;
	struct lint_finding *list;
	char msg[1024];
	va_list ap;

	if (silenced(w, lint_rules[rule].name)) {
		l->silenced++;
		return NULL;
	}
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	text_trim_cut(msg);
	list = arena_grow(w->arena, l->list, l->count, &l->cap, sizeof(*list));
	if (!list) {
		w->failed = true;
		return NULL;
	}
	l->list = list;
	list += l->count;
	*list = (struct lint_finding){ .rule = rule,
				       .level = lint_rules[rule].level,
				       .instruction = w->index,
				       .message = arena_copy(w->arena, msg, strlen(msg)),
				       .help = help,
				       .uid = -1,
				       .gid = -1,
				       .layer = -1 };
	place(w, c, &list->line, &list->end_line);
	if (!list->message) {
		w->failed = true;
		return NULL;
	}
	l->count++;
	return list;
}

void lint_edit(struct lint_work *w, struct lint_finding *f, const struct docker_text *t,
	       size_t start, size_t end, const char *text)
{
	size_t cap = f ? f->edit_count : 0;
	struct lint_edit *list;

	if (!f)
		return;
	/* Two at most: not worth a capacity of its own. */
	list = arena_grow(w->arena, f->edits, f->edit_count, &cap, sizeof(*list));
	if (!list) {
		w->failed = true;
		return;
	}
	f->edits = list;
	start = start ? docker_source(t, start - 1) + 1 : docker_source(t, 0);
	end = end ? docker_source(t, end - 1) + 1 : start;
	list[f->edit_count++] = (struct lint_edit){ start, MAX(start, end), text };
}

void lint_insert_behind(struct lint_work *w, struct lint_finding *f, const struct docker_text *t,
			size_t end, const char *text)
{
	lint_edit(w, f, t, end, end, text);
}

uint32_t lint_outside(const struct lint_work *w, int64_t id, bool group)
{
	const struct lint_options *o = &w->l->opts;
	uint32_t mask = 0;

	if (id < 0)
		return 0;
	for (size_t i = 0; i < o->use_count; i++) {
		const struct target_use *u = &o->uses[i];
		bool grows = !u->map_given && u->target->max_size > 0 && id < u->target->max_size;

		if (!grows && !idmap_lookup(group ? &u->map.gid : &u->map.uid, id, NULL))
			mask |= (uint32_t)1 << i;
	}
	return mask;
}

const char *lint_map_words(struct lint_work *w, uint32_t mask, bool group)
{
	_cleanup_(buf_freep) struct buf b = { 0 };
	const struct target_use *u = w->l->opts.uses;
	char *out;

	while (mask && !(mask & 1))
		mask >>= 1, u++;
	if (buf_printf(&b, "%s's map (", u->name) < 0 ||
	    idmap_print_ranges(group ? &u->map.gid : &u->map.uid, &b) < 0 ||
	    buf_append_str(&b, ")") < 0 || !(out = arena_copy(w->arena, buf_str(&b), b.len))) {
		w->failed = true;
		return "the map";
	}
	return out;
}

const char *lint_shown(struct lint_work *w, const char *s)
{
	char shown[120], *out;

	err_text(shown, sizeof(shown), s, strlen(s));
	out = arena_copy(w->arena, shown, strlen(shown));
	w->failed |= !out;
	return out ? out : "";
}

static bool is_root_name(const char *user)
{
	size_t n = strcspn(user, ":");

	return (n == 4 && memcmp(user, "root", 4) == 0) || (n == 1 && *user == '0');
}

bool lint_is_root(const struct lint_work *w, const struct shell_command *c)
{
	const struct docker_stage *st = w->stage;

	if (c && c->other_user)
		return false;
	if ((c && c->sudo) || (st->user && is_root_name(st->user)))
		return true;
	if (!st->user || st->user[0])
		return false;
	while (st->from >= 0)
		st = &w->scope->stages[st->from];
	if (!st->base)
		return true;
	for (size_t i = 0; i < lint_nonroot_image_count; i++)
		if (fnmatch(lint_nonroot_images[i], st->base, 0) == 0)
			return false;
	return true;
}

static bool stage_above(const struct lint_work *w, size_t stage)
{
	for (long k = (long)w->in->stage; k >= 0; k = w->scope->stages[k].from)
		if ((size_t)k == stage)
			return true;
	return false;
}

static int64_t id_of(const struct lint_work *w, const char *s, size_t n, bool group)
{
	uint64_t id;

	if (n && *s == '+')
		s++, n--;
	if (num_u64(s, n, &id) && id <= INT64_MAX)
		return (int64_t)id;
	for (size_t i = w->account_count; i-- > 0;) {
		const struct lint_account *a = &w->accounts[i];

		if (a->group == group && strlen(a->name) == n && memcmp(a->name, s, n) == 0 &&
		    stage_above(w, a->stage))
			return a->id;
	}
	return -1;
}

void lint_owner(const struct lint_work *w, const char *text, int64_t *uid, int64_t *gid)
{
	size_t n = strcspn(text, ":");

	*uid = id_of(w, text, n, false);
	*gid = text[n] ? id_of(w, text + n + 1, strlen(text + n + 1), true) : -1;
}

void lint_account_add(struct lint_work *w, const char *name, int64_t id, bool group)
{
	struct lint_account *list;

	if (w->account_count == LINT_KEPT_MAX)
		return;
	list = arena_grow(w->arena, w->accounts, w->account_count, &w->account_cap, sizeof(*list));
	if (!list) {
		w->failed = true;
		return;
	}
	w->accounts = list;
	list[w->account_count++] = (struct lint_account){ name, w->in->stage, id, group };
}

void lint_planted_add(struct lint_work *w, const char *path)
{
	struct lint_planted *list;

	if (!path || !*path || w->planted_count == LINT_KEPT_MAX)
		return;
	list = arena_grow(w->arena, w->planted, w->planted_count, &w->planted_cap, sizeof(*list));
	if (!list) {
		w->failed = true;
		return;
	}
	w->planted = list;
	list[w->planted_count++] = (struct lint_planted){ w->index, w->in->stage, path };
}

static void change_directory(struct lint_work *w, const struct shell_command *c)
{
	const char *path;

	if (c->count < 2 || strcmp(shell_program(c), "cd") != 0)
		return;
	path = c->words[1].known && *c->words[1].text && strcmp(c->words[1].text, "-") != 0
		       ? docker_path(w->arena, w->cwd, c->words[1].text)
		       : NULL;
	w->cwd = path ? path : "";
}

static void commands(struct lint_work *w)
{
	w->cwd = w->stage->cwd;
	for (size_t i = 0; i < w->script.count && !w->failed; i++) {
		const struct shell_command *c = &w->script.list[i];

		change_directory(w, c);
		lint_accounts(w, c);
		lint_chown(w, i);
		lint_tar(w, i);
		lint_npm(w, i);
	}
}

/* True where the heredoc is a script of a POSIX shell, and not a file or another program's. */
static bool is_script(const struct docker_heredoc *h)
{
	const char *s = h->body.s, *end = memchr(s, '\n', h->body.len);
	size_t n = end ? (size_t)(end - s) : h->body.len;

	if (n < 2 || memcmp(s, "#!", 2) != 0)
		return true;
	return n >= 4 && (memcmp(s + n - 2, "sh", 2) == 0 || memmem(s, n, "sh ", 3));
}

static int split(struct lint_work *w, const struct docker_text *t, size_t from)
{
	int r = shell_split(&w->script, w->arena, &w->stage->vars, t->s + from, t->len - from);

	/* Its words count from where the script begins. */
	for (size_t i = 0; i < w->script.count && from; i++) {
		struct shell_command *c = &w->script.list[i];

		c->start += from;
		c->end += from;
		for (size_t k = 0; k < c->count; k++) {
			c->words[k].start += from;
			c->words[k].end += from;
		}
	}
	w->text = t;
	return r;
}

static int run_step(struct lint_work *w)
{
	const struct docker_instruction *in = w->in;
	int r;

	w->script = (struct shell_script){ 0 };
	w->text = NULL;
	if (in->json) {
		const char **words = arena_alloc(w->arena, (in->word_count + 1) * sizeof(*words));

		if (!words)
			return -ERR_NOMEM;
		for (size_t i = 0; i < in->word_count; i++)
			words[i] = in->words[i].raw;
		r = shell_exec_form(&w->script, w->arena, &w->stage->vars, words, in->word_count);
		if (r >= 0)
			commands(w);
		return r;
	}
	if (!w->stage->posix)
		return 0;
	r = split(w, &in->text, in->args);
	if (r >= 0 && w->script.count) {
		const struct shell_command *first = &w->script.list[0];
		const char *name = shell_program(first);

		commands(w);
		if (strcmp(name, "sh") != 0 && strcmp(name, "bash") != 0)
			return r;
	}
	for (size_t i = 0; i < in->heredoc_count && r >= 0 && is_script(&in->heredocs[i]); i++) {
		w->script = (struct shell_script){ 0 };
		r = split(w, &in->heredocs[i].body, 0);
		if (r >= 0)
			commands(w);
	}
	return r;
}

static int look(struct lint_work *w)
{
	switch (w->in->kind) {
	case DOCKER_FROM:
		lint_npm_from(w);
		return 0;
	case DOCKER_RUN:
		return run_step(w);
	case DOCKER_USER:
		lint_user(w);
		return 0;
	case DOCKER_COPY:
	case DOCKER_ADD:
		w->text = NULL;
		lint_copy(w);
		lint_context(w);
		return w->in->kind == DOCKER_ADD ? lint_add_archive(w) : 0;
	default:
		return 0;
	}
}

/* What only stands in a stage from which files are copied reaches nobody's passwd. */
static void weigh(struct lint_work *w, size_t from)
{
	for (size_t i = from; i < w->l->count && !w->stage->lineage; i++) {
		enum lint_rule_id rule = w->l->list[i].rule;

		if (rule == LINT_HIGH_ID || rule == LINT_SPARSE_LASTLOG ||
		    rule == LINT_USER_OUTSIDE_MAP || rule == LINT_LATE_CHOWN)
			w->l->list[i].level = LEVEL_NOTE;
	}
}

static int walk(struct lint_work *w)
{
	struct lint *l = w->l;
	int r = docker_scope_begin(w->scope, l->opts.target, w->err);

	if (r < 0)
		return r;
	w->npm = arena_alloc(w->arena, (w->scope->stage_count + 1) * sizeof(*w->npm));
	if (!w->npm)
		return err_nomem(w->err);
	for (size_t i = 0; i < l->d->count && r >= 0; i++) {
		size_t had = l->count;

		w->index = i;
		w->in = &l->d->list[i];
		if (w->in->stage == SIZE_MAX)
			continue;
		w->stage = &w->scope->stages[w->in->stage];
		r = docker_scope_enter(w->scope, i, w->err);
		if (r >= 0 && w->stage->reached) {
			r = look(w);
			r = r == -ERR_NOMEM || w->failed ? err_nomem(w->err) : r;
			weigh(w, had);
		}
		if (r >= 0)
			r = docker_scope_leave(w->scope, i, w->err);
	}
	return r;
}

int lint_run(struct lint **out, const char *name, const char *bytes, size_t n,
	     const struct lint_options *opts, struct error *err)
{
	_cleanup_(lint_freep) struct lint *l = calloc(1, sizeof(*l));
	struct lint_work w = { .l = l, .err = err };
	int r;

	if (!l)
		return err_nomem(err);
	l->name = name;
	l->opts = *opts;
	r = dockerfile_parse(&l->d, bytes, n, name, opts->limits, err);
	if (r < 0)
		return r;
	w.arena = &l->d->arena;
	w.scope = &l->scope;
	l->scope = (struct docker_scope){ .d = l->d,
					  .limits = opts->limits,
					  .arena = w.arena,
					  .build_args = opts->build_args,
					  .build_arg_count = opts->build_arg_count };
	r = walk(&w);
	if (r < 0)
		return r;
	*out = STEAL(l);
	return 0;
}

void lint_free(struct lint *l)
{
	if (!l)
		return;
	dockerfile_free(l->d);
	free(l);
}
