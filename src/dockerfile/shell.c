#include "dockerfile/shell.h"

#include <ctype.h>
#include <string.h>

struct heredoc {
	const char *name;
	bool chomp;
};

struct splitter {
	struct arena *arena;
	struct shell_script *out;
	struct docker_vars vars; /* that the script sets, in front of the build's */
	const char *s;
	size_t n, i;
	struct shell_command now;
	size_t cap;
	struct heredoc heredocs[4]; /* whose bodies stand behind the next newline */
	size_t heredoc_count;
	char redirect; /* '<', '>', 'h' (heredoc) or 0: what the next word is */
	bool chomp;
	unsigned depth;
	size_t place_start, place_end; /* of the word that holds a nested script */
	size_t pipeline;
	bool failed;
};

static void *keep(struct splitter *sp, void *p)
{
	if (!p)
		sp->failed = true;
	return p;
}

const char *shell_program(const struct shell_command *c)
{
	const char *slash;

	if (!c->count || !c->words[0].known)
		return "";
	slash = strrchr(c->words[0].text, '/');
	return slash ? slash + 1 : c->words[0].text;
}

/* The byte behind $(...), `...`, or ((...)) that opens at i. */
static size_t behind_substitution(const char *s, size_t n, size_t i)
{
	unsigned open = 0;
	char quote = '\0';

	if (s[i] == '`') {
		for (i++; i < n && s[i] != '`'; i++)
			i += s[i] == '\\';
		return MIN(i + 1, n);
	}
	for (; i < n; i++) {
		if (s[i] == '\\' && quote != '\'') {
			i++;
		} else if (quote) {
			quote = s[i] == quote ? '\0' : quote;
		} else if (s[i] == '\'' || s[i] == '"') {
			quote = s[i];
		} else if (s[i] == '(') {
			open++;
		} else if (s[i] == ')' && --open == 0) {
			return i + 1;
		}
	}
	return n;
}

/* The byte behind the word at i, and whether something in it is a command's output. */
static size_t word_behind(const char *s, size_t n, size_t i, bool *plain, bool *output)
{
	char quote = '\0';

	while (i < n) {
		char c = s[i];

		if (c == '\\' && quote != '\'') {
			*plain = false;
			i += 2;
		} else if (quote != '\'' &&
			   (c == '`' || (c == '$' && i + 1 < n && s[i + 1] == '('))) {
			*output = true;
			i = behind_substitution(s, n, i + (c == '$'));
		} else if (quote != '\'' && c == '$' && i + 1 < n && s[i + 1] == '{') {
			const char *end = memchr(s + i, '}', n - i);

			*plain = false;
			i = end ? (size_t)(end - s) + 1 : n;
		} else if (quote ? c == quote : c == '\'' || c == '"') {
			*plain = false;
			quote = quote ? '\0' : c;
			i++;
		} else if (!quote && strchr(" \t\r\n;|&()<>", c)) {
			break;
		} else {
			*plain &= c != '$';
			i++;
		}
	}
	return MIN(i, n);
}

static void set_var(struct splitter *sp, const char *name, size_t n, const char *value)
{
	struct docker_var *list;
	char *copy = keep(sp, arena_copy(sp->arena, name, n));

	if (!copy)
		return;
	for (size_t i = 0; i < sp->vars.count; i++)
		if (strcmp(sp->vars.list[i].name, copy) == 0) {
			/* Set twice: which one counts, a branch may decide. */
			sp->vars.list[i].value = NULL;
			return;
		}
	if (sp->vars.count == SHELL_VARS_MAX)
		return;
	list = keep(sp, arena_grow(sp->arena, sp->vars.list, sp->vars.count, &sp->vars.cap,
				   sizeof(*list)));
	if (!list)
		return;
	sp->vars.list = list;
	list[sp->vars.count++] = (struct docker_var){ .name = copy, .value = value };
}

static size_t assignment(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && (isalnum((unsigned char)s[i]) || s[i] == '_'))
		i++;
	return i && i < n && s[i] == '=' && !isdigit((unsigned char)*s) ? i : 0;
}

static bool is(const struct shell_word *w, const char *const *list)
{
	for (; w->known && *list; list++)
		if (strcmp(w->text, *list) == 0)
			return true;
	return false;
}

static void drop(struct shell_command *c, size_t n)
{
	n = MIN(n, c->count);
	c->words += n;
	c->count -= n;
}

/* Options of a prefix, of which those in with take a word. */
static void drop_options(struct shell_command *c, const char *with)
{
	while (c->count && c->words[0].known && c->words[0].text[0] == '-' && c->words[0].text[1]) {
		const char *t = c->words[0].text;
		bool takes = t[1] != '-' && !t[2] && strchr(with, t[1]);

		drop(c, 1);
		if (strcmp(t, "--") == 0)
			return;
		if (takes)
			drop(c, 1);
	}
}

static void drop_assignments(struct shell_command *c)
{
	while (c->count && assignment(c->words[0].text, strlen(c->words[0].text)))
		drop(c, 1);
}

static void drop_sudo(struct shell_command *c)
{
	bool other = false;

	for (size_t i = 1; i < c->count && c->words[i].text[0] == '-'; i++) {
		const char *t = c->words[i].text;

		other |= strncmp(t, "-u", 2) == 0 || strncmp(t, "--user", 6) == 0;
		i += strcmp(t, "-u") == 0 || strcmp(t, "-g") == 0;
	}
	drop(c, 1);
	drop_options(c, "ughpCrtTD");
	drop_assignments(c);
	c->other_user |= other;
	c->sudo |= !other;
}

/* What stands in front of a program and calls it. */
static void drop_prefixes(struct shell_command *c)
{
	static const char *const reserved[] = { "if",	 "then", "else", "elif", "do", "while",
						"until", "!",	 "{",	 "time", NULL };
	static const char *const callers[] = { "env",	 "exec",      "command", "nice",   "nohup",
					       "stdbuf", "eatmydata", "xargs",	 "ionice", NULL };
	static const char *const users[] = { "su",	     "gosu",	"su-exec",
					     "runuser",	     "setpriv", "chpst",
					     "s6-setuidgid", "chroot",	NULL };

	for (;;) {
		drop_assignments(c);
		if (!c->count)
			return;
		if (is(c->words, reserved)) {
			drop(c, 1);
		} else if (is(c->words, callers)) {
			drop(c, 1);
			drop_options(c, "unIicCLPsd");
			drop_assignments(c);
		} else if (is(c->words, (const char *const[]){ "sudo", "doas", NULL })) {
			drop_sudo(c);
		} else {
			c->other_user |= is(c->words, users);
			return;
		}
	}
}

static void split_into(struct splitter *sp);

static void nested(struct splitter *sp, const struct shell_command *c)
{
	static const char *const shells[] = { "sh", "bash", "dash", "ash", "zsh", NULL };
	const char *name = shell_program(c);
	struct shell_word program = { .text = name, .known = true };

	if (sp->depth >= SHELL_NESTED_MAX || !is(&program, shells))
		return;
	for (size_t i = 1; i + 1 < c->count; i++) {
		const char *t = c->words[i].text;
		size_t n = strlen(t);
		struct splitter in;

		if (t[0] != '-' || n < 2 || t[1] == '-' || t[n - 1] != 'c')
			continue;
		if (!c->words[i + 1].known)
			return;
		/* Double quotes have put the variables in already; what is left is the inner
		 * shell's. */
		in = (struct splitter){
			.arena = sp->arena,
			.out = sp->out,
			.vars = { .parent = &sp->vars },
			.s = c->words[i + 1].text,
			.n = strlen(c->words[i + 1].text),
			.depth = sp->depth + 1,
			.place_start = sp->depth ? sp->place_start : c->words[i + 1].start,
			.place_end = sp->depth ? sp->place_end : c->words[i + 1].end,
			.pipeline = sp->pipeline + 1,
		};
		in.now.other_user = c->other_user;
		split_into(&in);
		sp->pipeline = in.pipeline;
		sp->failed |= in.failed;
		return;
	}
}

static void loop_variable(struct splitter *sp, const struct shell_command *c)
{
	static const char *const loops[] = { "for", "select", "read", NULL };
	static const char *const exports[] = { "export", "readonly", "local", "declare", NULL };

	if (is(c->words, loops))
		for (size_t i = 1; i < c->count; i++) {
			set_var(sp, c->words[i].text, strlen(c->words[i].text), NULL);
			if (strcmp(c->words[0].text, "read") != 0)
				break;
		}
	if (is(c->words, exports))
		for (size_t i = 1; i < c->count; i++) {
			const char *t = c->words[i].text;
			size_t n = assignment(t, strlen(t));

			if (n)
				set_var(sp, t, n, c->words[i].known ? t + n + 1 : NULL);
		}
}

static void end_command(struct splitter *sp, char by)
{
	struct shell_command *list, now = sp->now;
	bool assigns = true;

	sp->redirect = '\0';
	now.piped_out = by == '|';
	now.background = by == '&';
	now.nested = sp->depth > 0;
	now.pipeline = sp->pipeline;
	sp->now = (struct shell_command){ .piped_in = by == '|',
					  .other_user = now.other_user && sp->depth };
	sp->cap = 0;
	sp->pipeline += by != '|';
	for (size_t i = 0; i < now.count && assigns; i++) {
		const char *t = now.words[i].text;
		size_t n = assignment(t, strlen(t));

		assigns = n > 0;
	}
	for (size_t i = 0; i < now.count && assigns; i++) {
		const char *t = now.words[i].text;
		size_t n = assignment(t, strlen(t));

		set_var(sp, t, n, now.words[i].known ? t + n + 1 : NULL);
	}
	if (!now.count || assigns)
		return;
	drop_prefixes(&now);
	if (!now.count)
		return;
	loop_variable(sp, &now);
	list = keep(sp, arena_grow(sp->arena, sp->out->list, sp->out->count, &sp->out->cap,
				   sizeof(*list)));
	if (!list)
		return;
	sp->out->list = list;
	list[sp->out->count++] = now;
	nested(sp, &now);
}

static void skip_heredocs(struct splitter *sp)
{
	for (size_t k = 0; k < sp->heredoc_count; k++) {
		const struct heredoc *h = &sp->heredocs[k];
		size_t len = strlen(h->name);

		while (sp->i < sp->n) {
			const char *l = sp->s + sp->i, *end = memchr(l, '\n', sp->n - sp->i);
			size_t n = end ? (size_t)(end - l) : sp->n - sp->i;

			sp->i += n + (end != NULL);
			while (h->chomp && n && *l == '\t')
				l++, n--;
			if (n == len && memcmp(l, h->name, n) == 0)
				break;
		}
	}
	sp->heredoc_count = 0;
}

static void redirected(struct splitter *sp, const struct shell_word *w)
{
	if (sp->redirect == 'h' && sp->heredoc_count < ARRAY_SIZE(sp->heredocs))
		sp->heredocs[sp->heredoc_count++] = (struct heredoc){ w->text, sp->chomp };
	if (sp->redirect == '>' && w->known)
		sp->now.output = w->text;
	sp->redirect = '\0';
}

static void word(struct splitter *sp)
{
	_cleanup_(buf_freep) struct buf b = { 0 };
	struct shell_word w = { .start = sp->i, .plain = true }, *list;
	bool output = false;

	sp->i = word_behind(sp->s, sp->n, sp->i, &w.plain, &output);
	w.end = sp->i;
	w.known =
		docker_expand(&b, &sp->vars, '\\', sp->s + w.start, w.end - w.start, &sp->failed) &&
		!output;
	w.plain &= !output;
	w.text = keep(sp, arena_copy(sp->arena, buf_str(&b), b.len));
	if (!w.text)
		return;
	/* The 2 of 2>. */
	if (sp->i < sp->n && (sp->s[sp->i] == '<' || sp->s[sp->i] == '>') && w.text[0] &&
	    !w.text[strspn(w.text, "0123456789")])
		return;
	if (!sp->now.count && !sp->now.end)
		sp->now.start = sp->depth ? sp->place_start : w.start;
	sp->now.end = sp->depth ? sp->place_end : w.end;
	if (sp->depth) {
		w.start = sp->place_start;
		w.end = sp->place_end;
		w.plain = false;
	}
	if (sp->redirect) {
		redirected(sp, &w);
		return;
	}
	list = keep(sp,
		    arena_grow(sp->arena, sp->now.words, sp->now.count, &sp->cap, sizeof(*list)));
	if (!list)
		return;
	sp->now.words = list;
	list[sp->now.count++] = w;
}

static void redirection(struct splitter *sp)
{
	const char *s = sp->s + sp->i;
	size_t left = sp->n - sp->i;

	sp->redirect = *s;
	sp->i++;
	if (left > 2 && memcmp(s, "<<<", 3) == 0) {
		sp->i += 2;
	} else if (left > 1 && memcmp(s, "<<", 2) == 0) {
		sp->redirect = 'h';
		sp->i++;
		sp->chomp = left > 2 && s[2] == '-';
		sp->i += sp->chomp;
	} else if (left > 1 && (s[1] == '&' || s[1] == '>' || s[1] == '|')) {
		sp->redirect = s[1] == '&' ? '&' : *s;
		sp->i++;
	} else if (left > 1 && s[1] == '(') {
		/* <(...): a word that is a command's output. */
		sp->redirect = '\0';
		sp->i += behind_substitution(s, left, 1) - 1;
	}
}

static void operator(struct splitter *sp)
{
	char c = sp->s[sp->i], next = sp->i + 1 < sp->n ? sp->s[sp->i + 1] : '\0';

	if (c == '&' && next == '>') {
		sp->i++;
		redirection(sp);
		return;
	}
	if ((c == '&' || c == '|' || c == ';') && next == c) {
		sp->i += 2;
		end_command(sp, ';');
		return;
	}
	sp->i++;
	if (c == '|' && next == '&')
		sp->i++;
	end_command(sp, c == '|' || c == '&' ? c : ';');
	if (c == '\n')
		skip_heredocs(sp);
}

static void split_into(struct splitter *sp)
{
	while (sp->i < sp->n && !sp->failed) {
		char c = sp->s[sp->i];

		if (c == ' ' || c == '\t' || c == '\r') {
			sp->i++;
		} else if (c == '\\' && sp->i + 1 < sp->n && sp->s[sp->i + 1] == '\n') {
			sp->i += 2;
		} else if (c == '#') {
			while (sp->i < sp->n && sp->s[sp->i] != '\n')
				sp->i++;
		} else if (c == '<' || c == '>') {
			redirection(sp);
		} else if (strchr("\n;|&()", c)) {
			operator(sp);
		} else {
			word(sp);
		}
	}
	end_command(sp, ';');
}

int shell_split(struct shell_script *out, struct arena *a, const struct docker_vars *vars,
		const char *s, size_t n)
{
	struct splitter sp = { .arena = a, .out = out, .vars = { .parent = vars }, .s = s, .n = n };

	if (out->count)
		sp.pipeline = out->list[out->count - 1].pipeline + 1;
	split_into(&sp);
	return sp.failed ? -ERR_NOMEM : 0;
}

int shell_exec_form(struct shell_script *out, struct arena *a, const struct docker_vars *vars,
		    const char *const *words, size_t count)
{
	struct splitter sp = { .arena = a, .out = out, .vars = { .parent = vars } };
	struct shell_command *c = arena_alloc(a, sizeof(*c));

	if (!c)
		return -ERR_NOMEM;
	c->words = arena_alloc(a, (count + 1) * sizeof(*c->words));
	if (!c->words)
		return -ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		c->words[i] = (struct shell_word){ .text = words[i], .known = true };
	c->count = count;
	c->nested = true;
	drop_prefixes(c);
	if (!c->count)
		return 0;
	out->list = c;
	out->count = out->cap = 1;
	nested(&sp, c);
	for (size_t i = 0; i < out->count; i++)
		out->list[i].nested = true;
	return sp.failed ? -ERR_NOMEM : 0;
}
