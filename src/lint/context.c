/* add-archive and context-owner: what lies in the build context. */
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "inventory/image.h"
#include "lint/work.h"

#define WALK_ENTRIES_MAX 100000 /* of the context: beyond, it is not looked at */
#define WALK_DEPTH_MAX	 64
#define IGNORE_MAX	 (64u << 10) /* bytes of .dockerignore */

static bool is_remote(const char *s)
{
	return strstr(s, "://") || strncmp(s, "git@", 4) == 0;
}

/* The source as a path beneath the context, or NULL: remote, a pattern, out of it, not known. */
static const char *local(struct lint_work *w, const struct docker_word *word)
{
	const char *value = NULL;

	if (docker_word_value(&value, w->arena, &w->stage->vars, w->l->d->escape, word->raw,
			      strlen(word->raw)) < 0)
		w->failed = true;
	if (!value || is_remote(value) || strpbrk(value, "*?["))
		return NULL;
	return docker_path(w->arena, "/", value);
}

struct archive_owner {
	int64_t uid, gid;
	uint32_t users, groups;
	uint64_t entries;
};

static void judge(struct lint_work *w, const struct image_set *set, struct archive_owner *found)
{
	for (size_t i = 0; i < set->inventory_count; i++)
		for (size_t k = 0; k < set->inventories[i]->owner_count; k++) {
			const struct inv_owner *o = &set->inventories[i]->owners[k];
			uint32_t users = lint_outside(w, o->uid, false);
			uint32_t groups = lint_outside(w, o->gid, true);

			if (!(users | groups))
				continue;
			if (!found->entries) {
				found->uid = o->uid;
				found->gid = o->gid;
			}
			found->users |= users;
			found->groups |= groups;
			found->entries += o->entries;
		}
}

/* Below 0 where it is no archive that can be read, which then is copied as it is. */
static int look_into(struct lint_work *w, const char *path, struct archive_owner *found)
{
	const struct source_options opts = { .limits = w->l->opts.limits, .stdin_fd = -1 };
	const struct image_options how = { .limits = w->l->opts.limits, .threads = 1 };
	_cleanup_(ref_freep) struct ref ref = { 0 };
	_cleanup_(source_closep) struct source *source = NULL;
	_cleanup_(buf_freep) struct buf text = { 0 };
	struct image_set set = { 0 };
	struct error err = { 0 };
	int r;

	if (buf_printf(&text, "tar:%s", path) < 0)
		return -ERR_NOMEM;
	r = ref_parse(&ref, buf_str(&text), &err);
	if (r >= 0)
		r = source_open(&source, &ref, &opts, &err);
	if (r >= 0)
		r = image_set_load(&set, source, &how, &err);
	if (r < 0)
		return r;
	judge(w, &set, found);
	image_set_free(&set);
	return 0;
}

static void tell_archive(struct lint_work *w, const char *name, const struct archive_owner *o)
{
	struct lint_finding *f = lint_add(
		w, LINT_ADD_ARCHIVE, NULL,
		"Pack it again with tar --owner=0 --group=0 --numeric-owner, or COPY it and unpack "
		"it in a RUN with tar --no-same-owner.",
		"ADD unpacks %s, where %" PRIu64 " entr%s belong%s to %" PRId64 ":%" PRId64
		"%s, which %s does not hold",
		lint_shown(w, name + 1), o->entries, o->entries == 1 ? "y" : "ies",
		o->entries == 1 ? "s" : "", o->uid, o->gid, o->entries > 1 ? " or others" : "",
		lint_map_words(w, o->users ? o->users : o->groups, !o->users));

	if (!f)
		return;
	f->targets = o->users | o->groups;
	f->uid = o->uid;
	f->gid = o->gid;
}

int lint_add_archive(struct lint_work *w)
{
	const struct docker_instruction *in = w->in;

	/* ONBUILD's context is another build's. */
	if (!w->l->opts.context || in->onbuild || docker_flag(in, "chown") || in->heredoc_count)
		return 0;
	for (size_t i = 0; i + 1 < in->word_count; i++) {
		_cleanup_(buf_freep) struct buf path = { 0 };
		struct archive_owner found = { 0 };
		const char *name = local(w, &in->words[i]);
		struct stat s;
		int r;

		if (!name)
			continue;
		if (buf_printf(&path, "%s%s", w->l->opts.context, name) < 0)
			return -ERR_NOMEM;
		if (lstat(buf_str(&path), &s) < 0 || !S_ISREG(s.st_mode))
			continue;
		r = look_into(w, buf_str(&path), &found);
		if (r == -ERR_NOMEM)
			return r;
		if (r >= 0 && found.entries)
			tell_archive(w, name, &found);
	}
	return 0;
}

struct context_walk {
	struct lint_work *w;
	char ignore[IGNORE_MAX];
	size_t seen, outside;
	int64_t uid, gid;
	uint32_t targets;
	char first[4096];
};

/* One line of .dockerignore against a path; "**" in front stands for any folders. */
static bool matches(const char *pattern, const char *path)
{
	if (fnmatch(pattern, path, FNM_PATHNAME | FNM_PERIOD) == 0 ||
	    fnmatch(pattern, path, FNM_PATHNAME) == 0)
		return true;
	if (strncmp(pattern, "**/", 3) != 0)
		return false;
	for (const char *p = path; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (fnmatch(pattern + 3, p, FNM_PATHNAME) == 0)
			return true;
	}
	return false;
}

static bool ignored(const struct context_walk *k, const char *path)
{
	bool out = false;

	for (const char *p = k->ignore; *p;) {
		size_t n = strcspn(p, "\r\n"), from;
		char line[512];
		bool negative = *p == '!';

		from = negative + strspn(p + negative, " /");
		if (n > from && *p != '#' && n - from < sizeof(line)) {
			memcpy(line, p + from, n - from);
			line[n - from] = '\0';
			while (line[0] && strchr("/ \t", line[strlen(line) - 1]))
				line[strlen(line) - 1] = '\0';
			if (line[0] && matches(line, path))
				out = !negative;
		}
		p += n;
		p += strspn(p, "\r\n");
	}
	return out;
}

static void visit(struct context_walk *k, const char *path, const struct stat *s)
{
	uint32_t mask = lint_outside(k->w, s->st_uid, false) | lint_outside(k->w, s->st_gid, true);

	if (!mask)
		return;
	if (!k->outside++) {
		k->uid = s->st_uid;
		k->gid = s->st_gid;
		snprintf(k->first, sizeof(k->first), "%s", path);
	}
	k->targets |= mask;
}

static void walk_folder(struct context_walk *k, int folder, const char *path, unsigned depth)
{
	DIR *dir = fdopendir(folder);
	const struct dirent *e;

	if (!dir) {
		close(folder);
		return;
	}
	while ((e = readdir(dir)) && k->seen < WALK_ENTRIES_MAX) {
		char name[4096];
		struct stat s;
		int child;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    fstatat(dirfd(dir), e->d_name, &s, AT_SYMLINK_NOFOLLOW) < 0 ||
		    snprintf(name, sizeof(name), "%s%s%s", path, *path ? "/" : "", e->d_name) >=
			    (int)sizeof(name))
			continue;
		k->seen++;
		if (ignored(k, name))
			continue;
		visit(k, name, &s);
		if (!S_ISDIR(s.st_mode) || depth >= WALK_DEPTH_MAX)
			continue;
		child = openat(dirfd(dir), e->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			walk_folder(k, child, name, depth + 1);
	}
	closedir(dir);
}

static void read_ignore(struct context_walk *k, int context)
{
	_cleanup_(closep) int fd = openat(context, ".dockerignore", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, k->ignore, sizeof(k->ignore) - 1);

	k->ignore[n > 0 ? n : 0] = '\0';
}

static void tell_context(struct context_walk *k)
{
	struct lint_work *w = k->w;
	struct lint_finding *f;

	f = lint_add(
		w, LINT_CONTEXT_OWNER, NULL,
		"docker build makes them 0:0, and so does BuildKit. podman's remote client and "
		"docker-compose 1 send them with their owners: chown the context, or name the "
		"files in .dockerignore.",
		"%zu file%s of the context belong%s to %" PRId64 ":%" PRId64
		"%s (%s first), which %s does not hold",
		k->outside, k->outside == 1 ? "" : "s", k->outside == 1 ? "s" : "", k->uid, k->gid,
		k->outside == 1 ? "" : " or others", lint_shown(w, k->first),
		lint_map_words(w, k->targets, false));
	if (!f)
		return;
	f->targets = k->targets;
	f->uid = k->uid;
	f->gid = k->gid;
}

void lint_context(struct lint_work *w)
{
	struct context_walk *k;
	int context;

	if (w->context_told || !w->l->opts.context || w->in->onbuild ||
	    docker_flag(w->in, "from") || w->in->heredoc_count)
		return;
	w->context_told = true;
	k = calloc(1, sizeof(*k));
	context = open(w->l->opts.context, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!k || context < 0) {
		w->failed |= !k;
		free(k);
		if (context >= 0)
			close(context);
		return;
	}
	k->w = w;
	read_ignore(k, context);
	walk_folder(k, context, "", 0);
	if (k->outside)
		tell_context(k);
	free(k);
}
