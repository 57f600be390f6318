#include "dockerfile/vars.h"

#include <ctype.h>
#include <string.h>

const struct docker_var *docker_var(const struct docker_vars *v, const char *name, size_t n)
{
	for (; v; v = v->parent)
		for (size_t i = v->count; i-- > 0;)
			if (strncmp(v->list[i].name, name, n) == 0 && !v->list[i].name[n])
				return &v->list[i];
	return NULL;
}

int docker_var_set(struct arena *a, struct docker_vars *v, const struct docker_var *var,
		   const struct limits *limits, struct error *err)
{
	const struct docker_var *old = docker_var(v, var->name, strlen(var->name));
	struct docker_var *list;

	if (old && old->env && !var->env)
		return 0;
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->list[i].name, var->name) == 0) {
			v->list[i] = *var;
			return 0;
		}
	if (v->count >= limits->v[LIMIT_DOCKERFILE_VARIABLES])
		return limit_passed(limits, LIMIT_DOCKERFILE_VARIABLES, "a stage", err);
	list = arena_grow(a, v->list, v->count, &v->cap, sizeof(*list));
	if (!list)
		return err_nomem(err);
	v->list = list;
	v->list[v->count++] = *var;
	return 0;
}

struct expand {
	struct buf *out;
	const struct docker_vars *vars;
	char escape;
	bool *failed;
};

static bool put(struct expand *x, const char *s, size_t n)
{
	if (buf_append(x->out, s, n) < 0)
		*x->failed = true;
	return !*x->failed;
}

static bool expand(struct expand *x, const char *s, size_t n, unsigned depth);

static size_t name_length(const char *s, size_t n)
{
	size_t i = 0;

	if (n && (isdigit((unsigned char)*s) || strchr("@*#?-$!", *s)))
		return 1;
	while (i < n && (isalnum((unsigned char)s[i]) || s[i] == '_'))
		i++;
	return i;
}

/* What stands between the braces, behind the name: 0 for none. */
static size_t closing(const char *s, size_t n)
{
	unsigned open = 1;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\')
			i++;
		else if (s[i] == '{')
			open++;
		else if (s[i] == '}' && --open == 0)
			return i;
	}
	return n;
}

static bool value(struct expand *x, const struct docker_var *v)
{
	return v && v->value && put(x, v->value, strlen(v->value));
}

/* ${NAME}, ${NAME-d}, ${NAME:-d}, ${NAME+d}, ${NAME:+d}; what is behind a '?' is an error's text.
 * Pattern forms are BuildKit's newest and are told as not known. */
static bool braces(struct expand *x, const char *s, size_t n, unsigned depth)
{
	size_t len = name_length(s, n);
	const struct docker_var *v = docker_var(x->vars, s, len);
	bool colon = len < n && s[len] == ':', set;
	const char *rest = s + len + colon;
	size_t rest_len = n - len - colon;

	if (!len)
		return false;
	if (len == n)
		return value(x, v);
	if (!rest_len || !strchr("-+?", *rest))
		return false;
	set = v && (!v->value || v->value[0] || !colon);
	if (*rest == '+')
		return !set || expand(x, rest + 1, rest_len - 1, depth + 1);
	if (set || *rest == '?')
		return value(x, v);
	return expand(x, rest + 1, rest_len - 1, depth + 1);
}

/* At a '$': the index of the last byte taken; *known is cleared where it is not. */
static size_t dollar(struct expand *x, const char *s, size_t n, size_t i, unsigned depth,
		     bool *known)
{
	size_t len;

	if (i + 1 < n && s[i + 1] == '{') {
		len = closing(s + i + 2, n - i - 2);
		*known &= i + 2 + len < n && braces(x, s + i + 2, len, depth);
		return MIN(i + 2 + len, n - 1);
	}
	len = name_length(s + i + 1, n - i - 1);
	if (!len)
		*known &= put(x, "$", 1) && (i + 1 == n || s[i + 1] != '(');
	else
		*known &= value(x, docker_var(x->vars, s + i + 1, len));
	return i + len;
}

static bool expand(struct expand *x, const char *s, size_t n, unsigned depth)
{
	bool known = true;
	char quote = '\0';

	if (depth > DOCKER_EXPAND_DEPTH)
		return false;
	for (size_t i = 0; i < n && !*x->failed; i++) {
		char c = s[i];

		if (quote ? c == quote : c == '"' || c == '\'') {
			quote = quote ? '\0' : c;
		} else if (c == x->escape && quote != '\'' && i + 1 < n) {
			if (quote && !strchr("\"$\\`", s[i + 1]))
				known &= put(x, &c, 1);
			known &= put(x, s + ++i, 1);
		} else if (c == '$' && quote != '\'') {
			i = dollar(x, s, n, i, depth, &known);
		} else {
			known &= put(x, &c, 1);
		}
	}
	return known && !*x->failed;
}

bool docker_expand(struct buf *out, const struct docker_vars *v, char escape, const char *s,
		   size_t n, bool *failed)
{
	struct expand x = { .out = out, .vars = v, .escape = escape, .failed = failed };

	return expand(&x, s, n, 0);
}

int docker_word_value(const char **out, struct arena *a, const struct docker_vars *v, char escape,
		      const char *s, size_t n)
{
	_cleanup_(buf_freep) struct buf b = { 0 };
	bool failed = false, known = docker_expand(&b, v, escape, s, n, &failed);

	*out = NULL;
	if (failed)
		return -ERR_NOMEM;
	if (!known)
		return 0;
	*out = arena_copy(a, buf_str(&b), b.len);
	return *out ? 0 : -ERR_NOMEM;
}
