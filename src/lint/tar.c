/* tar-same-owner and known-archive: tar as root gives files to whoever packed them. */
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "explain/data.h"
#include "lint/work.h"

#define LETTERS "bCfFgHIKLNTVX" /* of GNU tar, those that take a value */

struct extraction {
	bool extracts, creates, no_same_owner, old_style;
	const char *file;      /* NULL: standard input, or not known */
	const char *directory; /* NULL: none given */
	bool directory_known;
	size_t behind; /* word behind which an option may stand; 0: behind the program's name */
};

static void letter(struct extraction *x, char c, const char *value)
{
	switch (c) {
	case 'x':
		x->extracts = true;
		break;
	case 'c':
	case 'O': /* to standard output */
	case 't':
	case 'r':
	case 'u':
		x->creates = true;
		break;
	case 'o':
		x->no_same_owner = true;
		break;
	case 'f':
		x->file = value && strcmp(value, "-") != 0 ? value : NULL;
		break;
	case 'C':
		x->directory = value ? value : "";
		break;
	default:
		break;
	}
}

/* tar xzf FILE: letters without a dash, whose values follow in their order. */
static size_t old_style(struct extraction *x, const struct shell_command *c)
{
	size_t next = 2;

	x->old_style = true;
	for (const char *p = c->words[1].text; *p; p++) {
		const char *value = NULL;

		if (strchr(LETTERS, *p)) {
			value = next < c->count && c->words[next].known ? c->words[next].text
									: NULL;
			next++;
		}
		letter(x, *p, value);
	}
	x->behind = MIN(next, c->count) - 1;
	return next;
}

static struct extraction read_command(const struct shell_command *c)
{
	struct extraction x = { 0 };
	struct lint_opt o = { .c = c,
			      .letters = LETTERS,
			      .longs = "file directory exclude owner group strip-components "
				       "transform use-compress-program files-from mode mtime" };

	if (c->count < 2)
		return x;
	if (c->words[1].known && c->words[1].text[0] != '-')
		o.i = old_style(&x, c);
	while (lint_opt_next(&o)) {
		if (o.operand)
			continue;
		if (!o.name)
			letter(&x, o.letter, o.value);
		x.extracts |= lint_opt_is(&o, 0, "extract") || lint_opt_is(&o, 0, "get");
		x.creates |= lint_opt_is(&o, 0, "create") || lint_opt_is(&o, 0, "list") ||
			     lint_opt_is(&o, 0, "to-stdout");
		x.no_same_owner |= lint_opt_is(&o, 0, "no-same-owner");
		if (lint_opt_is(&o, 0, "file"))
			letter(&x, 'f', o.value);
		if (lint_opt_is(&o, 0, "directory"))
			letter(&x, 'C', o.value);
	}
	return x;
}

static const char *base_name(const char *s)
{
	const char *slash = strrchr(s, '/');

	return slash ? slash + 1 : s;
}

/* The URL of a download, or NULL; its text even where a variable in it is not known. */
static const char *url_of(const struct shell_command *c)
{
	const char *name = shell_program(c);

	if (strcmp(name, "curl") != 0 && strcmp(name, "wget") != 0 && strcmp(name, "aria2c") != 0)
		return NULL;
	for (size_t i = 1; i < c->count; i++)
		if (strstr(c->words[i].text, "://"))
			return c->words[i].text;
	return NULL;
}

/* Whether the download c writes file. */
static bool writes(const struct shell_command *c, const char *url, const char *file)
{
	if (c->output && strcmp(base_name(c->output), base_name(file)) == 0)
		return true;
	for (size_t i = 1; i < c->count; i++)
		if (c->words[i].known && c->words[i].text != url &&
		    strcmp(base_name(c->words[i].text), base_name(file)) == 0)
			return true;
	return strcmp(base_name(url), base_name(file)) == 0;
}

/* Where the archive comes from: a URL of the same RUN, or NULL. */
static const char *origin(const struct lint_work *w, size_t command, const char *file)
{
	const struct shell_command *c = &w->script.list[command];

	for (size_t i = command; i-- > 0;) {
		const struct shell_command *before = &w->script.list[i];
		const char *url = url_of(before);

		if (!url)
			continue;
		if (file ? writes(before, url, file) : before->pipeline == c->pipeline)
			return url;
	}
	return NULL;
}

/* tar c | tar x copies what is there. */
static bool is_copy(const struct lint_work *w, size_t command)
{
	for (size_t i = command;
	     i-- > 0 && w->script.list[i].pipeline == w->script.list[command].pipeline;)
		if (strcmp(shell_program(&w->script.list[i]), "tar") == 0)
			return true;
	return false;
}

static bool under(const char *path, const char *top)
{
	size_t n = strlen(top);

	return strncmp(path, top, n) == 0 && (!path[n] || path[n] == '/' || (n == 1));
}

/* True where word, of a later command, names what was unpacked into directory: it, one above, or
 * what lies in it. */
static bool names_it(struct lint_work *w, const char *cwd, const char *directory, const char *file,
		     const struct shell_word *word)
{
	const char *path;

	if (!word->known || word->text[0] == '-') {
		return false;
	}
	path = docker_path(w->arena, cwd, word->text);
	if (path && *directory)
		return under(directory, path) || under(path, directory);
	/* Where we are is not known: a directory called as the archive. */
	return file && word->text[0] && word->text[0] != '.' &&
	       strncmp(base_name(file), base_name(word->text), strlen(base_name(word->text))) ==
		       0 &&
	       strcmp(base_name(file), base_name(word->text)) != 0;
}

/* A later command of the same RUN gives the files to somebody, or takes them away. */
static bool mended(struct lint_work *w, size_t command, const char *directory, const char *file)
{
	const char *cwd = w->cwd;

	for (size_t i = command + 1; i < w->script.count; i++) {
		const struct shell_command *c = &w->script.list[i];
		const char *name = shell_program(c);
		bool recursive = false, hit = false, chown = strcmp(name, "chown") == 0;

		if (strcmp(name, "cd") == 0 && c->count > 1 && c->words[1].known) {
			const char *to = docker_path(w->arena, cwd, c->words[1].text);

			cwd = to ? to : "";
		}
		if (!chown && strcmp(name, "rm") != 0)
			continue;
		for (size_t k = 1; k < c->count; k++) {
			const char *t = c->words[k].text;

			recursive |= t[0] == '-' && t[1] != '-' && strpbrk(t, "rR");
			recursive |= strcmp(t, "--recursive") == 0;
			hit |= names_it(w, cwd, directory, file, &c->words[k]);
			/* A chown whose place cannot be told may well be the one. */
			hit |= chown && k > 1 && (!c->words[k].known || !*directory);
		}
		if (recursive && hit)
			return true;
	}
	return false;
}

static const struct lint_archive *known_archive(const char *name, const char *url)
{
	for (size_t i = 0; name && i < lint_archive_count; i++) {
		const struct lint_archive *a = &lint_archives[i];

		if (fnmatch(a->match, base_name(name), 0) == 0 &&
		    (!a->url[0] || (url && strstr(url, a->url))))
			return a;
	}
	return NULL;
}

static const struct explain_owner *owner_of(const struct lint_archive *a)
{
	for (size_t i = 0; a && i < explain_owner_count; i++)
		if (strcmp(explain_owners[i].name, a->owner) == 0)
			return &explain_owners[i];
	return NULL;
}

/* NULL where the map holds its owner. */
static struct lint_finding *known(struct lint_work *w, const struct shell_command *c,
				  const struct explain_owner *o)
{
	int64_t uid = o->uids.count ? o->uids.ranges[0].first : -1;
	int64_t gid = o->gids.count ? o->gids.ranges[0].first : -1;
	uint32_t users = lint_outside(w, uid, false), groups = lint_outside(w, gid, true);
	struct lint_finding *f;
	char group[32] = "";

	if (!(users | groups))
		return NULL;
	if (gid >= 0)
		snprintf(group, sizeof(group), ":%" PRId64, gid);
	f = lint_add(w, LINT_KNOWN_ARCHIVE, c, "Give tar --no-same-owner.",
		     "%s%s%s holds files of %" PRId64 "%s, which tar as root keeps and %s does "
		     "not hold",
		     o->package, o->version[0] ? " " : "", o->version, uid, group,
		     lint_map_words(w, users ? users : groups, !users));
	if (f) {
		f->targets = users | groups;
		f->uid = uid;
		f->gid = gid;
	}
	return f;
}

void lint_tar(struct lint_work *w, size_t command)
{
	const struct shell_command *c = &w->script.list[command];
	const char *name = shell_program(c), *url, *directory = "";
	const struct explain_owner *owner;
	struct lint_finding *f;
	struct extraction x;
	size_t had = w->l->count + w->l->silenced;

	if ((strcmp(name, "tar") != 0 && strcmp(name, "gtar") != 0 &&
	     strcmp(name, "bsdtar") != 0) ||
	    !lint_is_root(w, c))
		return;
	x = read_command(c);
	if (!x.extracts || x.creates || x.no_same_owner || is_copy(w, command))
		return;
	if (x.directory)
		directory = x.directory[0] ? docker_path(w->arena, w->cwd, x.directory) : "";
	else
		directory = w->cwd;
	directory = directory ? directory : "";
	url = origin(w, command, x.file);
	if (mended(w, command, directory, x.file ? x.file : url))
		return;
	owner = owner_of(known_archive(x.file, url));
	owner = owner ? owner : owner_of(known_archive(url, url));
	f = owner ? known(w, c, owner) : NULL;
	if (owner && !f)
		return;
	if (!owner)
		f = lint_add(w, LINT_TAR_SAME_OWNER, c, "Give tar --no-same-owner.",
			     "tar as root gives the files to the owners that stand in %s",
			     x.file || url ? lint_shown(w, base_name(url ? url : x.file))
					   : "the archive");
	if (w->l->count + w->l->silenced > had)
		lint_planted_add(w, directory);
	if (f && lint_editable(c))
		lint_insert_behind(w, f, w->text, c->words[x.behind].end, " --no-same-owner");
}
