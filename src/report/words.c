#include "report/words.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

bool words_rule_is_owner(enum rule r)
{
	return r == RULE_OWNER_OUTSIDE_MAP || r == RULE_OWNER_BECOMES_ROOT ||
	       r == RULE_OWNER_BECOMES_NOBODY || r == RULE_OWNER_WRAPS || r == RULE_OWNER_UNNAMED;
}

static const char *which_ids(const struct fold_key *k)
{
	bool uid = k->uid_fits != k->targets, gid = k->gid_fits != k->targets;

	return uid && gid ? "uid and gid" : uid ? "uid" : gid ? "gid" : "owner";
}

/* For the rules that name one id: "user 70000", "group 70000". */
static int one_id(struct buf *out, const char *before, const struct fold_key *k, const char *after)
{
	return buf_printf(out, "%s%s %" PRId64 "%s", before, k->has_uid ? "user" : "group",
			  k->has_uid ? k->uid : k->gid, after);
}

static int rule_words(struct buf *out, const struct fold_key *k)
{
	switch ((int)k->rule) {
	case RULE_OWNER_OUTSIDE_MAP:
		return buf_printf(out, "%s outside the map", which_ids(k));
	case RULE_OWNER_BECOMES_ROOT:
		return buf_printf(out, "%s %s root of the container%s", which_ids(k),
				  k->uid_fits != k->targets && k->gid_fits != k->targets
					  ? "become"
					  : "becomes",
				  k->security ? ", with its setuid bit or capabilities" : "");
	case RULE_OWNER_BECOMES_NOBODY:
		return buf_printf(out, "%s outside the map, shown as nobody (65534)", which_ids(k));
	case RULE_OWNER_WRAPS:
		return buf_printf(out, "%s of more than 32 bits or negative, taken modulo 2^32",
				  which_ids(k));
	case RULE_OWNER_UNNAMED:
		return buf_append_str(out, "inside the map, but no name in the image explains it");
	case RULE_ACL_OUTSIDE_MAP:
		return one_id(out, "its ACL names ", k, ", outside the map");
	case RULE_CAPABILITY_ROOTID_OUTSIDE_MAP:
		return buf_printf(out,
				  "its capability belongs to root id %" PRId64 ", outside the map",
				  k->uid);
	case RULE_ACL_INVALID:
		return buf_append_str(out, "its ACL is one that the kernel refuses");
	case RULE_CAPABILITY_INVALID:
		return buf_append_str(out, "its capability is one that the kernel refuses");
	case RULE_OVERSIZED_SPARSE_LOG:
		return buf_append_str(out, "a sparse log, as large as the highest uid makes "
					   "it: useradd --no-log-init avoids that");
	default:
		return buf_append_str(out, rule_name(k->rule));
	}
}

static uint32_t all_targets(const struct check *c)
{
	return c->target_count >= 32 ? UINT32_MAX : (1u << c->target_count) - 1;
}

static int target_names(struct buf *out, const struct check *c, uint32_t targets)
{
	const char *sep = " [";
	int r = 0;

	if ((targets & all_targets(c)) == all_targets(c) || !targets)
		return 0;
	for (size_t i = 0; i < c->target_count && r >= 0; i++) {
		if (!(targets >> i & 1))
			continue;
		r = buf_printf(out, "%s%s", sep, c->targets[i].use->name);
		sep = ", ";
	}
	return r < 0 ? r : buf_append_str(out, "]");
}

int words_reason(struct buf *out, const struct check *c, const struct fold_key *k)
{
	int r = rule_words(out, k);

	if (r >= 0)
		r = target_names(out, c, k->targets);
	if (r < 0 || k->visible == VISIBLE)
		return r;
	if (k->by_layer == k->layer)
		return k->visible == REPLACED
			       ? buf_append_str(out, "; replaced later in its own layer")
			       : 0;
	return buf_printf(out, "; %s by layer %ld", visible_name(k->visible), k->by_layer);
}

int words_config(struct buf *out, const struct check *c, const struct finding *f)
{
	bool account = f->rule == RULE_PASSWD_OUTSIDE_MAP;
	const char *subject = f->subject ? f->subject : "";
	int r;

	if (account)
		r = buf_printf(out, "/%s: ", f->path ? f->path : "etc/passwd");
	else
		r = buf_append_str(out, subject[0] ? "USER " : "no USER, so root");
	if (r >= 0)
		r = text_escape(out, subject, strnlen(subject, 200));
	if (r >= 0 && f->has_uid)
		r = buf_printf(out, "%s uid %" PRId64, account ? " has" : ":", f->uid);
	if (r >= 0 && f->has_gid)
		r = buf_printf(out, "%s %s %" PRId64,
			       f->has_uid ? ","
			       : account  ? " has"
					  : ":",
			       account ? "gid" : "group", f->gid);
	if (r >= 0)
		r = buf_append_str(out, account ? ", outside the map" : " is outside the map");
	return r < 0 ? r : target_names(out, c, f->targets);
}

static int effect_words(struct buf *out, enum stage stage, enum outcome outcome)
{
	switch ((int)outcome) {
	case OUTCOME_ERROR:
		return buf_printf(out, "fails at %s", stage_name(stage));
	case OUTCOME_NOBODY:
		return buf_append_str(out, "becomes nobody");
	case OUTCOME_SQUASHED:
		return buf_append_str(out, "squashed");
	case OUTCOME_ROOT:
		return buf_append_str(out, "becomes root");
	default:
		return 0;
	}
}

int words_verdict(struct buf *out, const struct check_target *t)
{
	/* What stops comes first, the earliest stage of it before the later ones. */
	static const enum outcome order[] = { OUTCOME_ERROR, OUTCOME_ROOT, OUTCOME_NOBODY,
					      OUTCOME_SQUASHED };
	bool any = false;
	int r = 0;

	if (t->unknown)
		return buf_append_str(out, "not known");
	if (t->fits && (!t->any || t->worst == LEVEL_NOTE))
		return buf_append_str(out, "fits");
	for (size_t o = 0; o < ARRAY_SIZE(order); o++)
		for (int s = 0; s < STAGE_COUNT && r >= 0; s++) {
			bool has = false;

			for (size_t i = 0; i < t->effect_count; i++)
				has |= t->effects[i].outcome == order[o] &&
				       t->effects[i].stage == (enum stage)s && t->effects[i].count;
			if (!has)
				continue;
			if (any)
				r = buf_append_str(out, ", ");
			if (r >= 0)
				r = effect_words(out, (enum stage)s, order[o]);
			any = true;
			if (order[o] != OUTCOME_ERROR)
				break;
		}
	if (r >= 0 && !any)
		r = buf_append_str(out, t->fits ? "fits" : "goes on, with warnings");
	if (r >= 0 && t->need)
		r = buf_printf(out, " (the image needs %" PRIu64 " ids, the map has at most %lld)",
			       t->need, t->use->target->max_size);
	return r;
}

int words_unread(struct buf *out, const struct accounts *a, bool groups)
{
	const char *why = groups ? a->group_unread : a->passwd_unread;

	return why ? buf_printf(out, "names of %s are not known: /etc/%s: %s",
				groups ? "groups" : "users", groups ? "group" : "passwd", why)
		   : 0;
}
