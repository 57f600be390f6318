/* Findings into what is kept of them: effects, counts, and where each engine stops. */
#include "target/check-internal.h"

#include <string.h>

#include "base/num.h"

static enum stage stage_of(const struct engine *e, const struct part *p)
{
	if (p->stage != STAGE_COUNT)
		return p->stage;
	switch ((int)p->rule) {
	case RULE_ACL_OUTSIDE_MAP:
		return e->acl_stage;
	case RULE_CAPABILITY_ROOTID_OUTSIDE_MAP:
		return e->capability_stage;
	case RULE_USER_OUTSIDE_MAP:
	case RULE_GROUP_OUTSIDE_MAP:
		return e->user_stage;
	case RULE_PASSWD_OUTSIDE_MAP:
		return e->passwd_stage;
	default:
		return e->owner_stage;
	}
}

static int effect_add(struct check_target *t, enum rule rule, enum stage stage,
		      enum outcome outcome, struct error *err)
{
	struct check_effect *more;

	for (size_t i = 0; i < t->effect_count; i++) {
		struct check_effect *e = &t->effects[i];

		if (e->rule == rule && e->stage == stage && e->outcome == outcome) {
			e->count++;
			return 0;
		}
	}
	more = reallocarray(t->effects, t->effect_count + 1, sizeof *more);
	if (!more)
		return err_nomem(err);
	t->effects = more;
	t->effects[t->effect_count++] = (struct check_effect){ rule, stage, outcome, 1 };
	return 0;
}

/* The order of filepath.Walk: names sorted by bytes in each directory, a directory before what it
 * holds. */
static int walk_order(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	if (*a == *b)
		return 0;
	if (!*a || !*b)
		return *a ? 1 : -1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

/* Keeps the entry that the engine meets first, and within it what it does first: told in that
 * order. */
static int first_error(struct check *c, size_t i, const struct told *told, struct error *err)
{
	struct check_target *t = &c->targets[i];
	struct judge *j = c->judge;
	const struct inv_entry *e = told->f.entry;
	char *path;

	if (t->first_path &&
	    (!(j->visible_only >> i & 1) || walk_order(e->path, t->first_path) >= 0))
		return 0;
	path = strndup(e->path, e->path_len);
	if (!path)
		return err_nomem(err);
	free(t->first_path);
	t->first_path = path;
	t->first_layer = told->f.layer;
	t->first_index = e->index;
	j->first_rule[i] = told->message;
	j->first_uid[i] = told->f.uid;
	j->first_gid[i] = told->f.gid;
	j->first_uid_out[i] = told->uid_out >> i & 1;
	j->first_is_absolute[i] = e->flags & INV_ABSOLUTE;
	return 0;
}

static void need_grow(struct check_target *t, const struct told *told, size_t i)
{
	if (told->f.has_uid && !(told->f.uid_fits >> i & 1))
		t->need = MAX(t->need, (uint64_t)(uint32_t)told->f.uid + 1);
	if (told->f.has_gid && !(told->f.gid_fits >> i & 1))
		t->need = MAX(t->need, (uint64_t)(uint32_t)told->f.gid + 1);
}

/* Could be the host id of the mapped root: a real id, not 0. */
static bool could_be_root(int64_t id)
{
	return id > 0 && id < ID_INVALID;
}

static void note_undecided(struct check_target *t, const struct told *told, size_t i)
{
	bool uid = !(told->f.uid_fits >> i & 1) && could_be_root(told->f.uid);
	bool gid = !(told->f.gid_fits >> i & 1) && could_be_root(told->f.gid);

	if (uid || gid)
		t->undecided =
			"the map has no host side: an owner that is the host id of the mapped root "
			"would become root without a word, in place of an error";
}

static int count_part(struct check *c, const struct told *told, const struct part *p, size_t i,
		      struct error *err)
{
	struct check_target *t = &c->targets[i];
	enum level level = rule_level(p->rule, p->outcome);
	enum stage stage = stage_of(t->use->target->engine, p);

	t->any = true;
	t->worst = MAX(t->worst, level);
	if (p->outcome == OUTCOME_ERROR && c->judge->auto_size >> i & 1)
		need_grow(t, told, i);
	else if (p->outcome == OUTCOME_ERROR && told->f.entry) {
		int r = first_error(c, i, told, err);

		if (r < 0)
			return r;
	}
	if (p->rule == RULE_OWNER_OUTSIDE_MAP && c->judge->undecidable >> i & 1)
		note_undecided(t, told, i);
	return effect_add(t, p->rule, stage, p->outcome, err);
}

int count_told(void *check, const struct told *told, struct error *err)
{
	struct check *c = check;
	int r = 0;

	for (size_t k = 0; k < told->part_count; k++)
		for (size_t i = 0; i < c->target_count && !r; i++)
			if (told->parts[k].targets >> i & 1)
				r = count_part(c, told, &told->parts[k], i, err);
	c->counts[told->f.level]++;
	c->rule_counts[told->f.rule]++;
	if (told->f.layer >= 0 && told->f.entry)
		c->layer_findings[told->f.layer]++;
	return r < 0 ? r : causes_count(c, told, err);
}
