/* npm-root: npm 5 and 9.0 to 9.5.0, run by root, keep the owners of the publishers' tarballs. */
#include <string.h>

#include "lint/work.h"

static bool tag_is(const char *tags, const char *tag)
{
	for (const char *p = tags; *p;) {
		size_t n = strcspn(p, ",");

		if (strncmp(tag, p, n) == 0 && (!tag[n] || tag[n] == '.' || tag[n] == '-'))
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

/* The row of "REGISTRY/NAME:TAG@DIGEST". */
static const struct lint_npm *row_of(const char *base, bool package)
{
	const char *slash = strrchr(base, '/'), *name = slash ? slash + 1 : base, *colon;

	colon = strchr(name, ':');
	for (size_t i = 0; colon && i < lint_npm_row_count; i++) {
		const struct lint_npm *row = &lint_npm_rows[i];

		if (row->package == package && strlen(row->image) == (size_t)(colon - name) &&
		    strncmp(row->image, name, (size_t)(colon - name)) == 0 &&
		    tag_is(row->tags, colon + 1))
			return row;
	}
	return NULL;
}

void lint_npm_from(struct lint_work *w)
{
	const struct docker_stage *st = w->stage;
	const struct lint_npm *row;

	if (st->from >= 0) {
		w->npm[w->in->stage] = w->npm[st->from];
		return;
	}
	row = st->base ? row_of(st->base, false) : NULL;
	w->npm[w->in->stage] = row ? row->version : NULL;
}

/* npm@VERSION that was asked for by name: one that keeps owners. */
static bool keeps(const char *version)
{
	static const char *const bad[] = { "5", "9.0", "9.1", "9.2", "9.3", "9.4" };

	if (strcmp(version, "9.5.0") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		size_t n = strlen(bad[i]);

		if (strncmp(version, bad[i], n) == 0 && (!version[n] || version[n] == '.'))
			return true;
	}
	return false;
}

static bool has_word(const struct shell_command *c, const char *word)
{
	for (size_t i = 1; i < c->count; i++)
		if (strcmp(c->words[i].text, word) == 0)
			return true;
	return false;
}

static void from_package(struct lint_work *w, const struct shell_command *c)
{
	const struct docker_stage *st = w->stage;
	const struct lint_npm *row;

	while (st->from >= 0)
		st = &w->scope->stages[st->from];
	row = st->base && has_word(c, "install") && has_word(c, "npm") ? row_of(st->base, true)
								       : NULL;
	if (row)
		w->npm[w->in->stage] = row->version;
}

static const char *const installs[] = {
	"install", "i",	 "in",	    "ins",	     "add",	     "ci", "clean-install",
	"update",  "up", "upgrade", "install-clean", "install-test", "it", "cit",
	NULL
};

static bool is_install(const char *s)
{
	for (size_t i = 0; installs[i]; i++)
		if (strcmp(s, installs[i]) == 0)
			return true;
	return false;
}

static bool chowned_behind(const struct lint_work *w, size_t command)
{
	for (size_t i = command + 1; i < w->script.count; i++) {
		const struct shell_command *c = &w->script.list[i];
		const char *name = shell_program(c);

		if (strcmp(name, "chown") == 0 && (has_word(c, "-R") || has_word(c, "--recursive")))
			return true;
		/* rm -rf node_modules, find ... -exec chown */
		if (strcmp(name, "rm") == 0 && has_word(c, "node_modules"))
			return true;
		if (strcmp(name, "find") == 0 && has_word(c, "chown"))
			return true;
	}
	return false;
}

static const char *cure(const struct lint_work *w, size_t command, bool global)
{
	const struct shell_command *c = &w->script.list[command];

	if (!lint_editable(c) || c->piped_in || c->piped_out || c->background || c->sudo ||
	    has_word(c, "--prefix") || has_word(c, "-C") || has_word(c, "--location=global"))
		return NULL;
	(void)w;
	return global ? " && chown -R 0:0 \"$(npm root -g)\"" : " && chown -R 0:0 node_modules";
}

void lint_npm(struct lint_work *w, size_t command)
{
	const struct shell_command *c = &w->script.list[command];
	const char *name = shell_program(c), *itself = NULL, *verb = NULL, *text;
	bool global;
	struct lint_finding *f;

	if (strcmp(name, "apt-get") == 0 || strcmp(name, "apt") == 0)
		from_package(w, c);
	if (strcmp(name, "npm") != 0)
		return;
	for (size_t i = 1; i < c->count; i++) {
		const char *t = c->words[i].text;

		if (!verb && t[0] != '-')
			verb = t;
		if (strncmp(t, "npm@", 4) == 0)
			itself = c->words[i].known ? t + 4 : "";
	}
	global = has_word(c, "-g") || has_word(c, "--global");
	if (!verb || !is_install(verb))
		return;
	if (itself && global) {
		w->npm[w->in->stage] = !keeps(itself) ? NULL : itself;
		return;
	}
	if (!w->npm[w->in->stage] || !lint_is_root(w, c) || chowned_behind(w, command))
		return;
	f = lint_add(w, LINT_NPM_ROOT, c,
		     "Take npm 9.5.1 or later (npm i -g npm@latest), or end this RUN with chown -R "
		     "0:0 node_modules.",
		     "npm %s as root gives packages to the owners in their publishers' tarballs",
		     lint_shown(w, w->npm[w->in->stage]));
	if (!global && *w->cwd)
		lint_planted_add(w, docker_path(w->arena, w->cwd, "node_modules"));
	text = f ? cure(w, command, global) : NULL;
	if (text)
		lint_insert_behind(w, f, w->text, c->end, text);
}
