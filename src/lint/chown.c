/* chown-outside-map, copy-chown-outside-map, user-outside-map and late-chown. */
#include <inttypes.h>
#include <string.h>

#include "lint/work.h"

static void outside(struct lint_work *w, enum lint_rule_id rule, const struct shell_command *c,
		    const char *what, int64_t uid, int64_t gid)
{
	uint32_t users = lint_outside(w, uid, false), groups = lint_outside(w, gid, true);
	struct lint_finding *f;

	if (!(users | groups))
		return;
	f = lint_add(
		w, rule, c,
		rule == LINT_USER_OUTSIDE_MAP
			? "Take a number that the map holds, and make the files it needs its own."
			: "Take a number that the map holds.",
		"%s %s %" PRId64 ", which %s does not hold", what, users ? "uid" : "gid",
		users ? uid : gid, lint_map_words(w, users ? users : groups, !users));
	if (!f)
		return;
	f->targets = users | groups;
	f->uid = uid;
	f->gid = gid;
}

void lint_user(struct lint_work *w)
{
	const char *value = NULL;
	int64_t uid, gid;

	if (docker_word_value(&value, w->arena, &w->stage->vars, w->l->d->escape,
			      w->in->text.s + w->in->args, w->in->text.len - w->in->args) < 0)
		w->failed = true;
	if (!value)
		return;
	lint_owner(w, value, &uid, &gid);
	outside(w, LINT_USER_OUTSIDE_MAP, NULL, "USER is", uid, gid);
}

void lint_copy(struct lint_work *w)
{
	const char *flag = docker_flag(w->in, "chown"), *value = NULL;
	int64_t uid, gid;

	if (!flag)
		return;
	if (docker_word_value(&value, w->arena, &w->stage->vars, w->l->d->escape, flag,
			      strlen(flag)) < 0)
		w->failed = true;
	if (!value)
		return;
	lint_owner(w, value, &uid, &gid);
	/* UID alone is the group's number too. */
	if (gid < 0 && !strchr(value, ':'))
		gid = uid;
	outside(w, LINT_COPY_CHOWN_OUTSIDE_MAP, NULL,
		w->in->kind == DOCKER_COPY ? "COPY --chown gives the files to"
					   : "ADD --chown gives the files to",
		uid, gid);
}

/* The directory that a COPY writes to, absolute; NULL where it is not known. */
static const char *copy_destination(struct lint_work *w, const struct docker_instruction *in,
				    const char *cwd)
{
	const char *value = NULL;

	if (in->word_count < 2 || in->heredoc_count)
		return NULL;
	if (docker_word_value(&value, w->arena, &w->stage->vars, w->l->d->escape,
			      in->words[in->word_count - 1].raw,
			      strlen(in->words[in->word_count - 1].raw)) < 0)
		w->failed = true;
	return value ? docker_path(w->arena, cwd, value) : NULL;
}

static bool beneath(const char *path, const char *top)
{
	size_t n = strlen(top);

	return n > 1 && strncmp(path, top, n) == 0 && (!path[n] || path[n] == '/');
}

static bool same_lineage(const struct lint_work *w, size_t stage)
{
	for (long k = (long)w->in->stage; k >= 0; k = w->scope->stages[k].from)
		if ((size_t)k == stage)
			return true;
	return false;
}

/* Whether an earlier step planted what this chown means to mend. */
static bool after_planted(struct lint_work *w, const struct shell_command *c, const char *path)
{
	for (size_t i = w->planted_count; i-- > 0;) {
		const struct lint_planted *p = &w->planted[i];
		struct lint_finding *f;

		if (p->instruction == w->index || !same_lineage(w, p->stage) ||
		    !(strcmp(path, "/") == 0 || beneath(p->path, path)))
			continue;
		f = lint_add(w, LINT_LATE_CHOWN, c,
			     "Mend the step that makes the files; then this chown is not needed.",
			     "the layer of line %zu keeps the owners that this chown replaces",
			     w->l->d->list[p->instruction].line);
		if (f)
			f->level = LEVEL_WARNING;
		return true;
	}
	return false;
}

/* A script that writes nothing where an application lies, chown and chmod aside where also says so.
 */
static bool harmless(const struct shell_script *s, bool also)
{
	static const char *const programs[] = { "chown",    "chmod",	"useradd", "groupadd",
						"adduser",  "addgroup", "usermod", "apt-get",
						"apk",	    "set",	"dnf",	   "yum",
						"microdnf", NULL };

	for (size_t i = 0; i < s->count; i++) {
		bool good = false;

		for (size_t k = also ? 0 : 2; programs[k]; k++)
			good |= strcmp(shell_program(&s->list[i]), programs[k]) == 0;
		if (!good)
			return false;
	}
	return true;
}

static bool harmless_run(struct lint_work *w, const struct docker_instruction *in)
{
	struct shell_script s = { 0 };

	if (in->json || in->heredoc_count ||
	    shell_split(&s, w->arena, NULL, in->text.s + in->args, in->text.len - in->args) < 0)
		return false;
	return harmless(&s, false);
}

/* --chown in the COPY and a chown of the directory alone do the same, where nothing but COPY has
 * written there. */
static bool only_copies(struct lint_work *w, size_t from)
{
	if (w->stage->from >= 0)
		return false;
	for (size_t i = w->stage->first; i < from; i++)
		if (w->l->d->list[i].kind == DOCKER_RUN && !harmless_run(w, &w->l->d->list[i]))
			return false;
	return true;
}

static const struct shell_word *recursive_word(const struct shell_command *c)
{
	for (size_t i = 1; i < c->count; i++)
		if (c->words[i].plain && strcmp(c->words[i].text, "-R") == 0)
			return &c->words[i];
	return NULL;
}

static bool makes_users(const struct lint_work *w)
{
	for (size_t i = 0; i < w->script.count; i++) {
		const char *name = shell_program(&w->script.list[i]);

		if (strstr(name, "add") || strstr(name, "mod"))
			return true;
	}
	return false;
}

struct copies {
	size_t list[64];
	size_t count;
	bool all; /* nothing else lies between */
};

/* COPY steps into path since the last RUN. */
static struct copies copies_before(struct lint_work *w, const char *path)
{
	struct copies found = { .all = true };

	for (size_t i = w->index; i-- > w->stage->first;) {
		const struct docker_instruction *in = &w->l->d->list[i];
		const char *to;

		if (in->kind == DOCKER_RUN || in->kind == DOCKER_WORKDIR ||
		    in->kind == DOCKER_USER) {
			found.all &= in->kind != DOCKER_USER;
			break;
		}
		if (in->kind != DOCKER_COPY && in->kind != DOCKER_ADD)
			continue;
		to = copy_destination(w, in, w->stage->cwd);
		if (!to || !beneath(to, path))
			continue;
		if (docker_flag(in, "chown") || docker_flag(in, "from") || in->kind == DOCKER_ADD ||
		    found.count == ARRAY_SIZE(found.list))
			found.all = false;
		else
			found.list[found.count++] = i;
	}
	return found;
}

static void mend_copies(struct lint_work *w, struct lint_finding *f, const struct copies *found,
			const char *owner, const struct shell_word *recursive)
{
	_cleanup_(buf_freep) struct buf b = { 0 };
	char *text;

	if (buf_printf(&b, " --chown=%s", owner) < 0 ||
	    !(text = arena_copy(w->arena, buf_str(&b), b.len))) {
		w->failed = true;
		return;
	}
	for (size_t i = 0; i < found->count; i++) {
		const struct docker_instruction *in = &w->l->d->list[found->list[i]];

		lint_insert_behind(w, f, &in->text, 4, text);
	}
	lint_edit(w, f, w->text, recursive->start - 1, recursive->end, "");
}

static void after_copy(struct lint_work *w, const struct shell_command *c, const char *owner,
		       const char *path)
{
	struct copies found = copies_before(w, path);
	const struct shell_word *recursive = recursive_word(c);
	const char *colon = owner ? strchr(owner, ':') : NULL;
	struct lint_finding *f;

	/* Among other commands it may be for what those write; and root's they are already. */
	if (!found.count || !harmless(&w->script, true) || !owner ||
	    strncmp(owner, "root", 4) == 0 || *owner == '0')
		return;
	f = lint_add(w, LINT_LATE_CHOWN, c,
		     "Give COPY --chown, which makes the files their owner's at once.",
		     "the files of line %zu are written twice: as root's, and by this chown again",
		     w->l->d->list[found.list[found.count - 1]].line);
	if (f && found.all && colon && colon > owner && colon[1] && recursive && lint_editable(c) &&
	    !makes_users(w) && owner[strcspn(owner, " \t\"'$\\")] == '\0' &&
	    only_copies(w, found.list[found.count - 1]))
		mend_copies(w, f, &found, owner, recursive);
}

static void late(struct lint_work *w, const struct shell_command *c, const char *owner,
		 const char *path, bool alone)
{
	const char *where = path ? docker_path(w->arena, w->cwd, path) : NULL;

	if (!where || w->in->onbuild || after_planted(w, c, where))
		return;
	if (alone && strcmp(where, "/") != 0)
		after_copy(w, c, owner, where);
}

static void chown_command(struct lint_work *w, const struct shell_command *c, bool group_only)
{
	struct lint_opt o = { .c = c, .letters = "", .longs = "" };
	const char *owner = NULL, *path = NULL;
	bool recursive = false, reference = false;
	size_t operands = 0;
	int64_t uid = -1, gid = -1;

	while (lint_opt_next(&o)) {
		recursive |= lint_opt_is(&o, 'R', "recursive");
		reference |= lint_opt_is(&o, 0, "reference");
		if (!o.operand)
			continue;
		if (operands == 0 && !reference)
			owner = o.value;
		else
			path = o.value;
		operands++;
	}
	if (owner && group_only) {
		int64_t none;
		char *both = arena_alloc(w->arena, strlen(owner) + 2);

		w->failed |= !both;
		if (both) {
			both[0] = ':';
			memcpy(both + 1, owner, strlen(owner));
			lint_owner(w, both, &none, &gid);
		}
	} else if (owner) {
		lint_owner(w, owner, &uid, &gid);
	}
	outside(w, LINT_CHOWN_OUTSIDE_MAP, c,
		group_only ? "chgrp gives files to" : "chown gives files to", uid, gid);
	if (recursive && !group_only && !lint_outside(w, uid, false) && !lint_outside(w, gid, true))
		late(w, c, owner, path, operands == 2);
}

static void install(struct lint_work *w, const struct shell_command *c)
{
	struct lint_opt o = { .c = c,
			      .letters = "gmotS",
			      .longs = "owner group mode target-directory" };
	int64_t uid = -1, gid = -1, none;

	while (lint_opt_next(&o)) {
		if (lint_opt_is(&o, 'o', "owner") && o.value)
			lint_owner(w, o.value, &uid, &none);
		if (lint_opt_is(&o, 'g', "group") && o.value)
			lint_owner(w, o.value, &gid, &none);
	}
	outside(w, LINT_CHOWN_OUTSIDE_MAP, c, "install gives files to", uid, gid);
}

void lint_chown(struct lint_work *w, size_t command)
{
	const struct shell_command *c = &w->script.list[command];
	const char *name = shell_program(c);

	if (strcmp(name, "chown") == 0)
		chown_command(w, c, false);
	else if (strcmp(name, "chgrp") == 0)
		chown_command(w, c, true);
	else if (strcmp(name, "install") == 0)
		install(w, c);
}
