#include "report/fold.h"

#include <stdlib.h>
#include <string.h>

#include "report/lsmode.h"

struct fold_key fold_key_of(const struct finding *f)
{
	return (struct fold_key){
		.layer = f->layer,
		.rule = f->rule,
		.level = f->level,
		.uid = f->uid,
		.gid = f->gid,
		.has_uid = f->has_uid,
		.has_gid = f->has_gid,
		.security = f->security,
		.visible = f->visible,
		.by_layer = f->by_layer,
		.targets = f->targets,
		.uid_fits = f->uid_fits & f->targets,
		.gid_fits = f->gid_fits & f->targets,
	};
}

static bool key_equal(const struct fold_key *a, const struct fold_key *b)
{
	return a->layer == b->layer && a->rule == b->rule && a->level == b->level &&
	       a->uid == b->uid && a->gid == b->gid && a->has_uid == b->has_uid &&
	       a->has_gid == b->has_gid && a->security == b->security && a->visible == b->visible &&
	       a->by_layer == b->by_layer && a->targets == b->targets &&
	       a->uid_fits == b->uid_fits && a->gid_fits == b->gid_fits;
}

/* True where path is dir or stands below it. */
static bool is_below(const char *dir, size_t dir_len, const char *path, size_t n)
{
	return dir_len && n >= dir_len && memcmp(dir, path, dir_len) == 0 &&
	       (n == dir_len || path[dir_len] == '/');
}

/* Length of the deepest directory above both, or one of them where it is above the other. */
static size_t common_dir(const struct fold_group *a, const struct fold_group *b)
{
	size_t n = MIN(a->dir_len, b->dir_len), last = 0;

	for (size_t i = 0; i < n; i++) {
		if (a->dir[i] != b->dir[i])
			return last;
		if (a->dir[i] == '/')
			last = i;
	}
	if (a->dir_len == b->dir_len || (a->dir_len > n ? a->dir[n] : b->dir[n]) == '/')
		return n;
	return last;
}

static void group_free(struct fold_group *g)
{
	free(g->dir);
	for (size_t i = 0; i < FOLD_LINES; i++)
		buf_free(&g->lines[i]);
}

/* Takes b into a (a came first), under a directory of dir_len bytes of a's; the groups behind b
 * move up. */
static void join(struct fold *fold, size_t a, size_t b, size_t dir_len)
{
	struct fold_group *to = &fold->groups[a], *from = &fold->groups[b];
	size_t used = 0;

	to->whole_tree |= from->whole_tree || (!dir_len && (to->dir_len || from->dir_len));
	to->dir_len = dir_len;
	to->dir[dir_len] = '\0';
	to->count += from->count;
	for (size_t i = 0; i < FOLD_LINES && used < FOLD_LINES; i++) {
		while (used < FOLD_LINES && to->lines[used].len)
			used++;
		if (used < FOLD_LINES && from->lines[i].len) {
			to->lines[used] = from->lines[i];
			from->lines[i] = (struct buf){ 0 };
		}
	}
	group_free(from);
	fold->count--;
	memmove(from, from + 1, (fold->count - b) * sizeof(*from));
	memset(&fold->groups[fold->count], 0, sizeof(*from));
}

static bool group_covers(const struct fold_group *g, const char *path, size_t n)
{
	return g->whole_tree || is_below(g->dir, g->dir_len, path, n);
}

/* Takes into the group at every other of its kind that stands below its directory; returns where it
 * is then. */
static size_t absorb(struct fold *fold, size_t at)
{
	for (size_t i = fold->count; i-- > 0;) {
		struct fold_group *g = &fold->groups[at], *other = &fold->groups[i];

		if (i == at || i >= fold->count || !key_equal(&g->key, &other->key) ||
		    !group_covers(g, other->dir, other->dir_len))
			continue;
		join(fold, MIN(i, at), MAX(i, at), g->dir_len);
		at = MIN(i, at);
	}
	return at;
}

/* Joins the two groups of one kind (of key's, if that is given) whose directories are nearest.
 * False where there are none. */
static bool join_nearest(struct fold *fold, const struct fold_key *key)
{
	size_t best_a = 0, best_b = 0, best_len = 0;

	for (size_t a = 0; a < fold->count; a++)
		for (size_t b = a + 1; b < fold->count; b++) {
			const struct fold_group *x = &fold->groups[a], *y = &fold->groups[b];
			size_t len;

			if (!key_equal(&x->key, &y->key) || (key && !key_equal(&x->key, key)))
				continue;
			len = common_dir(x, y);
			if (best_b && len <= best_len)
				continue;
			best_a = a, best_b = b, best_len = len;
		}
	if (!best_b || (key && !best_len))
		return false;
	join(fold, best_a, best_b, best_len);
	absorb(fold, best_a);
	return true;
}

static size_t alike(const struct fold *fold, const struct fold_key *key)
{
	size_t n = 0;

	for (size_t i = 0; i < fold->count; i++)
		n += key_equal(&fold->groups[i].key, key);
	return n;
}

static int group_count(struct fold_group *g, const struct inv_entry *e, struct error *err)
{
	if (g->count < FOLD_LINES && ls_line(&g->lines[g->count], e) < 0)
		return err_nomem(err);
	g->count++;
	return 0;
}

static struct fold_group *group_find(struct fold *fold, const struct fold_key *key,
				     const struct inv_entry *e, size_t dir_len)
{
	for (size_t i = 0; i < fold->count; i++) {
		struct fold_group *g = &fold->groups[i];

		if (!key_equal(&g->key, key))
			continue;
		if (group_covers(g, e->path, e->path_len) || (!g->dir_len && !dir_len))
			return g;
	}
	return NULL;
}

/* A directory stands for itself, a file for the directory that holds it. */
static size_t dir_of(const struct inv_entry *e)
{
	const char *slash;

	if (e->kind == INV_DIR || e->kind == INV_OPAQUE)
		return e->path_len;
	slash = memrchr(e->path, '/', e->path_len);
	return slash ? (size_t)(slash - e->path) : 0;
}

int fold_add(struct fold *fold, const struct finding *f, struct error *err)
{
	struct fold_key key = fold_key_of(f);
	const struct inv_entry *e = f->entry;
	size_t dir_len = dir_of(e);
	struct fold_group *g;

	/* A note is about owners in use; whether each entry is still seen would only tear it apart.
	 */
	if (key.level == LEVEL_NOTE) {
		key.visible = VISIBLE;
		key.by_layer = -1;
	}
	g = group_find(fold, &key, e, dir_len);

	if (g)
		return group_count(g, e, err);
	if (fold->count == FOLD_GROUPS && (fold->stuck || !join_nearest(fold, NULL))) {
		fold->stuck = true;
		fold->lost++;
		return 0;
	}
	g = group_find(fold, &key, e, dir_len); /* what was joined may hold it now */
	if (g)
		return group_count(g, e, err);
	g = &fold->groups[fold->count];
	g->dir = strndup(e->path, dir_len);
	if (!g->dir)
		return err_nomem(err);
	g->key = key;
	g->dir_len = dir_len;
	fold->stuck = false;
	/* What came before it from below it belongs to it. */
	fold->count++;
	if (group_count(&fold->groups[absorb(fold, fold->count - 1)], e, err) < 0)
		return -ERR_NOMEM;
	while (alike(fold, &key) > FOLD_ALIKE && join_nearest(fold, &key))
		;
	return 0;
}

void fold_free(struct fold *fold)
{
	for (size_t i = 0; i < fold->count; i++)
		group_free(&fold->groups[i]);
	memset(fold, 0, sizeof(*fold));
}
