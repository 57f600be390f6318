#include "dockerfile/scope.h"

#include <string.h>
#include <strings.h>

#include "base/num.h"

/* Of a platform, of a proxy: who builds gives them. */
static bool predefined(const char *name)
{
	return strncmp(name, "TARGET", 6) == 0 || strncmp(name, "BUILD", 5) == 0;
}

static int value_of(struct docker_scope *s, const struct docker_vars *v, const char **out,
		    const char *raw, size_t n, struct error *err)
{
	int r = docker_word_value(out, s->arena, v, s->d->escape, raw, n);

	return r < 0 ? err_nomem(err) : 0;
}

static const char *build_arg(const struct docker_scope *s, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = s->build_arg_count; i-- > 0;)
		if (strncmp(s->build_args[i], name, n) == 0 && s->build_args[i][n] == '=')
			return s->build_args[i] + n + 1;
	return NULL;
}

static int declare(struct docker_scope *s, struct docker_vars *v, const char *raw, bool global,
		   struct error *err)
{
	const char *eq = strchr(raw, '='), *given;
	size_t n = eq ? (size_t)(eq - raw) : strlen(raw);
	struct docker_var var = { .name = arena_copy(s->arena, raw, n) };
	const struct docker_var *outer;
	int r = 0;

	if (!var.name)
		return err_nomem(err);
	given = build_arg(s, var.name);
	if (given)
		var.value = given;
	else if (eq)
		r = value_of(s, v, &var.value, eq + 1, strlen(eq + 1), err);
	else if (!global && (outer = docker_var(&s->global, var.name, n)))
		var.value = outer->value;
	/* Without a value it is not set, unless an earlier line has set it. */
	if (r < 0 || (!var.value && !eq && !predefined(var.name)))
		return r;
	return docker_var_set(s->arena, v, &var, s->limits, err);
}

static int arg(struct docker_scope *s, struct docker_vars *v, const struct docker_instruction *in,
	       bool global, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < in->word_count && r >= 0; i++)
		r = declare(s, v, in->words[i].raw, global, err);
	return r;
}

static int set_env(struct docker_scope *s, struct docker_stage *st, struct docker_var *var,
		   const char *name, size_t n, const char *raw, struct error *err)
{
	int r = value_of(s, &st->vars, &var->value, raw, strlen(raw), err);

	var->env = true;
	var->name = arena_copy(s->arena, name, n);
	return r < 0 || var->name ? r : err_nomem(err);
}

/* ENV a=b c=d, where no value sees another of the same line; ENV a b c. */
static int env(struct docker_scope *s, struct docker_stage *st, const struct docker_instruction *in,
	       struct error *err)
{
	struct docker_var *vars = arena_alloc(s->arena, (in->word_count + 1) * sizeof(*vars));
	const char *first = in->words[0].raw;
	size_t count = 0;
	int r = 0;

	if (!vars)
		return err_nomem(err);
	if (!strchr(first, '=')) {
		r = set_env(s, st, &vars[count++], first, strlen(first),
			    in->word_count > 1 ? in->text.s + in->words[1].start : "", err);
	} else {
		for (size_t i = 0; i < in->word_count && r >= 0; i++) {
			const char *w = in->words[i].raw, *eq = strchr(w, '=');

			if (eq)
				r = set_env(s, st, &vars[count++], w, (size_t)(eq - w), eq + 1,
					    err);
		}
	}
	for (size_t i = 0; i < count && r >= 0; i++)
		r = docker_var_set(s->arena, &st->vars, &vars[i], s->limits, err);
	return r;
}

const char *docker_path(struct arena *a, const char *cwd, const char *path)
{
	size_t n = 0, room;
	const char *parts[2] = { *path == '/' ? "" : cwd, path };
	char *out;

	if (*path != '/' && !*cwd)
		return NULL;
	room = strlen(parts[0]) + strlen(path) + 3;
	out = arena_alloc(a, room);
	if (!out)
		return NULL;
	for (int k = 0; k < 2; k++)
		for (const char *p = parts[k]; *p;) {
			size_t len = strcspn(p, "/");

			if (len == 2 && p[0] == '.' && p[1] == '.') {
				while (n && out[--n] != '/')
					;
			} else if (len && !(len == 1 && *p == '.')) {
				out[n++] = '/';
				memcpy(out + n, p, len);
				n += len;
			}
			p += len + (p[len] == '/');
		}
	if (!n)
		out[n++] = '/';
	out[n] = '\0';
	return out;
}

static int workdir(struct docker_scope *s, struct docker_stage *st,
		   const struct docker_instruction *in, struct error *err)
{
	const char *value, *path;
	int r = value_of(s, &st->vars, &value, in->text.s + in->args, in->text.len - in->args, err);

	if (r < 0)
		return r;
	path = value ? docker_path(s->arena, st->cwd, value) : NULL;
	st->cwd = path ? path : "";
	return 0;
}

static void shell(struct docker_stage *st, const struct docker_instruction *in)
{
	const char *name, *slash;

	if (!in->json || !in->word_count)
		return;
	name = in->words[0].raw;
	slash = strrchr(name, '/');
	name = slash ? slash + 1 : name;
	st->posix = strcmp(name, "sh") == 0 || strcmp(name, "bash") == 0 ||
		    strcmp(name, "ash") == 0 || strcmp(name, "dash") == 0 ||
		    strcmp(name, "zsh") == 0;
}

long docker_stage_find(const struct docker_scope *s, const char *name, size_t below)
{
	uint32_t number;

	for (size_t i = MIN(below, s->stage_count); i-- > 0;)
		if (s->stages[i].name[0] && strcasecmp(s->stages[i].name, name) == 0)
			return (long)i;
	if (num_u32(name, strlen(name), &number) && number < below)
		return (long)number;
	return -1;
}

static int begin_stage(struct docker_scope *s, size_t index, size_t first, struct error *err)
{
	const struct docker_instruction *in = &s->d->list[first];
	struct docker_stage *st = &s->stages[index];
	int r;

	*st = (struct docker_stage){
		.name = "", .from = -1, .first = first, .user = "", .cwd = "/", .posix = true
	};
	if (in->word_count >= 3 && strcasecmp(in->words[1].raw, "AS") == 0)
		st->name = in->words[2].raw;
	r = value_of(s, &s->global, &st->base, in->words[0].raw, strlen(in->words[0].raw), err);
	if (r >= 0 && st->base)
		st->from = docker_stage_find(s, st->base, index);
	/* Where a base image leaves its directory is not told by its name. */
	if (st->from < 0 && st->base && strcmp(st->base, "scratch") != 0)
		st->cwd = "";
	return r;
}

static void need(struct docker_scope *s, const struct docker_instruction *in, const char *name)
{
	long k = docker_stage_find(s, name, in->stage);

	if (k >= 0)
		s->stages[k].reached = true;
}

static void needs_of(struct docker_scope *s, const struct docker_instruction *in)
{
	for (size_t i = 0; i < in->flag_count; i++) {
		const struct docker_flag *f = &in->flags[i];
		const char *from;

		if (strcmp(f->name, "from") == 0)
			need(s, in, f->value);
		from = strcmp(f->name, "mount") == 0 ? strstr(f->value, "from=") : NULL;
		if (from) {
			char *name = arena_copy(s->arena, from + 5, strcspn(from + 5, ","));

			if (name)
				need(s, in, name);
		}
	}
}

static int reach(struct docker_scope *s, const char *target, struct error *err)
{
	char shown[80];
	long top = target ? docker_stage_find(s, target, s->stage_count) : (long)s->stage_count - 1;

	if (top < 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "no stage '%s'",
				err_text(shown, sizeof(shown), target, strlen(target)));
	for (long k = top; k >= 0; k = s->stages[k].from)
		s->stages[k].lineage = s->stages[k].reached = true;
	/* A stage needs those above it alone: from the last up, each once. */
	for (size_t i = s->d->count; i-- > 0;) {
		const struct docker_instruction *in = &s->d->list[i];

		if (in->stage >= s->stage_count || !s->stages[in->stage].reached)
			continue;
		needs_of(s, in);
		if (in->kind == DOCKER_FROM && s->stages[in->stage].from >= 0)
			s->stages[s->stages[in->stage].from].reached = true;
	}
	return 0;
}

int docker_scope_begin(struct docker_scope *s, const char *target, struct error *err)
{
	int r = 0;

	s->stage_count = 0;
	s->stages = arena_alloc(s->arena, (s->d->stage_count + 1) * sizeof(*s->stages));
	if (!s->stages)
		return err_nomem(err);
	for (size_t i = 0; i < s->d->count && r >= 0; i++) {
		const struct docker_instruction *in = &s->d->list[i];

		if (in->stage == SIZE_MAX)
			r = arg(s, &s->global, in, true, err);
		else if (in->kind == DOCKER_FROM)
			r = begin_stage(s, s->stage_count++, i, err);
	}
	return r < 0 ? r : reach(s, target, err);
}

int docker_scope_enter(struct docker_scope *s, size_t index, struct error *err)
{
	const struct docker_instruction *in = &s->d->list[index];
	struct docker_stage *st;
	const struct docker_stage *from;

	(void)err;
	if (in->kind != DOCKER_FROM)
		return 0;
	st = &s->stages[in->stage];
	if (st->from < 0)
		return 0;
	from = &s->stages[st->from];
	st->vars.parent = &from->vars;
	st->user = from->user;
	st->cwd = from->cwd;
	st->posix = from->posix;
	return 0;
}

int docker_scope_leave(struct docker_scope *s, size_t index, struct error *err)
{
	const struct docker_instruction *in = &s->d->list[index];
	struct docker_stage *st;

	if (in->stage == SIZE_MAX || in->onbuild || !in->word_count)
		return 0;
	st = &s->stages[in->stage];
	switch (in->kind) {
	case DOCKER_ARG:
		return arg(s, &st->vars, in, false, err);
	case DOCKER_ENV:
		return env(s, st, in, err);
	case DOCKER_USER:
		return value_of(s, &st->vars, &st->user, in->text.s + in->args,
				in->text.len - in->args, err);
	case DOCKER_WORKDIR:
		return workdir(s, st, in, err);
	case DOCKER_SHELL:
		shell(st, in);
		return 0;
	default:
		return 0;
	}
}
