/* Commands as shells, cron and units write them, read word by word for those that take a user or a
 * group by number. Nothing is expanded: a variable in such a place is told as not decided.
 */
#include <string.h>

#include "base/macro.h"
#include "inventory/mention.h"

#define WORD_MAX  4096 /* bytes of one word; a quoted one may be a script of its own */
#define DEPTH_MAX 2    /* of scripts within quotes */

struct option {
	char letter;
	const char *name;
	enum mention_kind kind;
};

#define OWNER_GROUP                                                                                \
	{ 'o', "owner", MENTION_UID },                                                             \
	{                                                                                          \
		'g', "group", MENTION_GID                                                          \
	}
#define UID_GID                                                                                    \
	{ 'u', "uid", MENTION_UID },                                                               \
	{                                                                                          \
		'g', "gid", MENTION_GID                                                            \
	}

static const struct tool {
	const char *name;
	bool operand; /* its first operand is of kind */
	enum mention_kind kind;
	struct option options[8];
} tools[] = {
	{ "chown", true, MENTION_OWNER, { { 0, "from", MENTION_OWNER } } },
	{ "chgrp", true, MENTION_GID, { { 0 } } },
	{ "install", false, 0, { OWNER_GROUP } },
	{ "tar", false, 0, { { 0, "owner", MENTION_UID }, { 0, "group", MENTION_GID } } },
	{ "rsync", false, 0, { { 0, "chown", MENTION_OWNER } } },
	{ "find",
	  false,
	  0,
	  { { 0, "user", MENTION_UID },
	    { 0, "uid", MENTION_UID },
	    { 0, "group", MENTION_GID },
	    { 0, "gid", MENTION_GID } } },
	{ "setfacl", false, 0, { { 'm', "modify", MENTION_ACL }, { 'x', "remove", MENTION_ACL } } },
	{ "su-exec", true, MENTION_OWNER, { { 0 } } },
	{ "gosu", true, MENTION_OWNER, { { 0 } } },
	{ "setuidgid", true, MENTION_OWNER, { { 0 } } },
	{ "s6-setuidgid", true, MENTION_OWNER, { { 0 } } },
	{ "s6-applyuidgid", false, 0, { UID_GID, { 'G', NULL, MENTION_GIDS } } },
	{ "chpst", false, 0, { { 'u', NULL, MENTION_OWNER }, { 'U', NULL, MENTION_OWNER } } },
	{ "setpriv",
	  false,
	  0,
	  { { 0, "reuid", MENTION_UID },
	    { 0, "ruid", MENTION_UID },
	    { 0, "euid", MENTION_UID },
	    { 0, "regid", MENTION_GID },
	    { 0, "rgid", MENTION_GID },
	    { 0, "egid", MENTION_GID },
	    { 0, "groups", MENTION_GIDS } } },
	{ "chroot", false, 0, { { 0, "userspec", MENTION_OWNER }, { 0, "groups", MENTION_GIDS } } },
	{ "unshare", false, 0, { { 'S', "setuid", MENTION_UID }, { 'G', "setgid", MENTION_GID } } },
	{ "start-stop-daemon",
	  false,
	  0,
	  { { 'c', "chuid", MENTION_OWNER }, { 'g', "group", MENTION_GID } } },
	{ "sudo", false, 0, { { 'u', "user", MENTION_UID }, { 'g', "group", MENTION_GID } } },
	{ "doas", false, 0, { { 'u', NULL, MENTION_UID } } },
	{ "useradd",
	  false,
	  0,
	  { UID_GID, { 'G', "groups", MENTION_GIDS }, { 0, "group", MENTION_GID } } },
	{ "usermod",
	  false,
	  0,
	  { UID_GID, { 'G', "groups", MENTION_GIDS }, { 0, "group", MENTION_GID } } },
	{ "groupadd", false, 0, { { 'g', "gid", MENTION_GID } } },
	{ "groupmod", false, 0, { { 'g', "gid", MENTION_GID } } },
	{ "addgroup", false, 0, { { 'g', "gid", MENTION_GID } } },
	/* busybox has GECOS behind -g. */
	{ "adduser",
	  false,
	  0,
	  { { 'u', "uid", MENTION_UID },
	    { 0, "gid", MENTION_GID },
	    { 'G', "ingroup", MENTION_GID } } },
};

struct shell {
	struct mention_work *w;
	const struct tool *tool; /* of the command at hand, or NULL */
	bool operand_seen;
	const struct option *pending; /* whose value the next word is */
	unsigned depth;
	char word[WORD_MAX];
	size_t len;
	uint32_t line; /* where the word began */
	bool in_word, quoted;
};

static void scan(struct mention_work *w, const char *s, size_t n, unsigned depth);

static const struct tool *find_tool(const char *s, size_t n)
{
	const char *slash = memrchr(s, '/', n);

	if (slash) {
		n -= (size_t)(slash + 1 - s);
		s = slash + 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (strlen(tools[i].name) == n && memcmp(tools[i].name, s, n) == 0)
			return &tools[i];
	return NULL;
}

static const struct option *long_option(const struct tool *t, const char *s, size_t n)
{
	for (const struct option *o = t->options;
	     o < t->options + ARRAY_SIZE(t->options) && (o->letter || o->name); o++)
		if (o->name && strlen(o->name) == n && memcmp(o->name, s, n) == 0)
			return o;
	return NULL;
}

static const struct option *short_option(const struct tool *t, char letter)
{
	for (const struct option *o = t->options;
	     o < t->options + ARRAY_SIZE(t->options) && (o->letter || o->name); o++)
		if (o->letter && o->letter == letter)
			return o;
	return NULL;
}

/* -o N, -oN, -do N, --owner N, --owner=N, and find's -user N. */
static void option(struct shell *sh, const char *s, size_t n)
{
	size_t dashes = n > 1 && s[1] == '-' ? 2 : 1;
	const char *eq = memchr(s, '=', n), *name = s + dashes;
	size_t len = (eq ? (size_t)(eq - s) : n) - MIN(dashes, eq ? (size_t)(eq - s) : n);
	const struct option *o = long_option(sh->tool, name, len);

	if (o && eq)
		mention_word(sh->w, o->kind, eq + 1, n - (size_t)(eq + 1 - s));
	else
		sh->pending = o;
	if (o || dashes == 2)
		return;
	for (size_t i = 1; i < n; i++) {
		o = short_option(sh->tool, s[i]);
		if (!o)
			continue;
		if (i + 1 < n)
			mention_word(sh->w, o->kind, s + i + 1, n - i - 1);
		else
			sh->pending = o;
		return;
	}
}

static void judge(struct shell *sh)
{
	const char *s = sh->word;
	size_t n = sh->len;
	const struct tool *tool;

	mention_word(sh->w, MENTION_ASSIGN, s, n);
	if (sh->pending) {
		mention_word(sh->w, sh->pending->kind, s, n);
		sh->pending = NULL;
		return;
	}
	tool = find_tool(s, n);
	if (tool) {
		sh->tool = tool;
		sh->operand_seen = false;
	} else if (sh->tool && n > 1 && *s == '-') {
		option(sh, s, n);
	} else if (sh->tool && sh->tool->operand && !sh->operand_seen) {
		sh->operand_seen = true;
		mention_word(sh->w, sh->tool->kind, s, n);
	}
}

static void end_word(struct shell *sh)
{
	uint32_t line = sh->w->line;

	if (!sh->in_word)
		return;
	sh->in_word = false;
	sh->w->line = sh->line;
	judge(sh);
	/* What sh -c and su -c take. */
	if (sh->quoted && sh->depth < DEPTH_MAX &&
	    (memchr(sh->word, ' ', sh->len) || memchr(sh->word, '\n', sh->len)))
		scan(sh->w, sh->word, sh->len, sh->depth + 1);
	sh->w->line = line;
}

static void end_command(struct shell *sh)
{
	end_word(sh);
	sh->tool = NULL;
	sh->pending = NULL;
}

static void put(struct shell *sh, char c)
{
	if (!sh->in_word) {
		sh->in_word = true;
		sh->quoted = false;
		sh->len = 0;
		sh->line = sh->w->line;
	}
	if (sh->len < WORD_MAX)
		sh->word[sh->len++] = c;
	else
		sh->w->out->flags |= INV_MENTIONS_MORE;
}

/* Opens a word that may be empty. */
static void quote(struct shell *sh)
{
	if (!sh->in_word) {
		put(sh, ' ');
		sh->len = 0;
	}
	sh->quoted = true;
}

/* Of the byte at s[i]: the index of the last one that it takes. */
static size_t step(struct shell *sh, const char *s, size_t n, size_t i, char *in_quote)
{
	char c = s[i];

	if (c == '\\' && i + 1 < n && *in_quote != '\'') {
		if (s[i + 1] != '\n') {
			put(sh, s[i + 1]);
		} else {
			if (!*in_quote)
				end_word(sh);
			sh->w->line++;
		}
		return i + 1;
	}
	if (*in_quote) {
		if (c == *in_quote)
			*in_quote = '\0';
		else
			put(sh, c);
		sh->w->line += c == '\n';
		return i;
	}
	if (c == '"' || c == '\'') {
		quote(sh);
		*in_quote = c;
	} else if (c == '#' && !sh->in_word) {
		while (i + 1 < n && s[i + 1] != '\n')
			i++;
	} else if (c == '\n' || strchr(";|&()`", c)) {
		/* A command in a word's place is what cannot be decided. */
		if (c == '`')
			put(sh, c);
		end_command(sh);
		sh->w->line += c == '\n';
	} else if (strchr(" \t\r<>", c)) {
		end_word(sh);
	} else {
		put(sh, c);
	}
	return i;
}

static void scan(struct mention_work *w, const char *s, size_t n, unsigned depth)
{
	struct shell sh = { .w = w, .depth = depth };
	char in_quote = '\0';

	for (size_t i = 0; i < n && !w->failed; i++)
		i = step(&sh, s, n, i, &in_quote);
	end_command(&sh);
}

void mention_shell(struct mention_work *w, const char *s, size_t n)
{
	scan(w, s, n, 0);
}
