/* Targets by name, and as a user asks for them. Everything about platforms is data
 * (data/targets.conf, data/engines.conf); this file only finds rows. */
#include "target/target.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/macro.h"
#include "base/nearest.h"
#include "base/num.h"
#include "idmap/notation.h"
#include "target/data.h"

static const char *const stage_names[STAGE_COUNT] = {
	[STAGE_PULL] = "pull",
	[STAGE_CREATE] = "create",
	[STAGE_START] = "start",
	[STAGE_RUNTIME] = "runtime",
};
static const char *const outcome_names[OUTCOME_COUNT] = {
	[OUTCOME_NONE] = "none",	 [OUTCOME_ERROR] = "error", [OUTCOME_NOBODY] = "nobody",
	[OUTCOME_SQUASHED] = "squashed", [OUTCOME_ROOT] = "root",   [OUTCOME_IGNORED] = "ignored",
};
static const char *const evidence_names[] = {
	[EVIDENCE_RUN] = "run",
	[EVIDENCE_SOURCE] = "source",
	[EVIDENCE_REPORT] = "report",
};

const char *stage_name(enum stage s)
{
	return stage_names[s];
}

const char *outcome_name(enum outcome o)
{
	return outcome_names[o];
}

const char *evidence_name(enum evidence e)
{
	return evidence_names[e];
}

const struct target *target_all(size_t *count)
{
	*count = target_row_count;
	return target_rows;
}

static bool same_name(const char *name, size_t n, const char *row)
{
	return strlen(row) == n && !strncasecmp(name, row, n);
}

const struct target *target_find(const char *name, size_t n)
{
	for (size_t i = 0; i < target_row_count; i++) {
		if (same_name(name, n, target_rows[i].name))
			return &target_rows[i];
		for (const char *const *a = target_rows[i].aliases; *a; a++)
			if (same_name(name, n, *a))
				return &target_rows[i];
	}
	return NULL;
}

/* Digits and dots, no empty part. */
static bool is_version(const char *s, size_t n)
{
	bool digit = false;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.' ? !digit : s[i] < '0' || s[i] > '9')
			return false;
		digit = s[i] != '.';
	}
	return digit;
}

/* Next number of a dotted version; numbers past 2^32 are all the largest. */
static bool version_part(const char **s, uint32_t *part)
{
	size_t n = strspn(*s, "0123456789");

	if (!n)
		return false;
	if (!num_u32(*s, n, part))
		*part = UINT32_MAX;
	*s += n;
	if (**s == '.')
		++*s;
	return true;
}

/* Compares as many parts as both have. */
static int version_compare(const char *a, const char *b)
{
	uint32_t x, y;

	while (version_part(&a, &x) && version_part(&b, &y))
		if (x != y)
			return x < y ? -1 : 1;
	return 0;
}

bool engine_message_applies(const struct engine_message *m, const char *version)
{
	if (!version)
		return true;
	return version_compare(version, m->since) >= 0 && version_compare(version, m->until) <= 0;
}

static int fail_unknown(struct error *err, const char *name, size_t n)
{
	const char *best = NULL;
	unsigned distance = NEAREST_FAR;
	char shown[128];

	for (size_t i = 0; i < target_row_count; i++) {
		nearest_offer(name, n, target_rows[i].name, &best, &distance);
		for (const char *const *a = target_rows[i].aliases; *a; a++)
			nearest_offer(name, n, *a, &best, &distance);
	}
	err_text(shown, sizeof shown, name, n);
	if (best)
		return err_fail(err, ERR_USAGE, 0, "unknown target '%s'; did you mean '%s'?", shown,
				best);
	return err_fail(err, ERR_USAGE, 0, "unknown target '%s'; 'uidfit platforms' lists them",
			shown);
}

static void use_done(struct target_use *u)
{
	free(u->name);
	free(u->version);
	idmap_pair_free(&u->map);
	*u = (struct target_use){ 0 };
}

void target_uses_free(struct target_use *uses, size_t count)
{
	for (size_t i = 0; i < count; i++)
		use_done(&uses[i]);
	free(uses);
}

/* Its own range, as the table has it. */
static int own_map(struct target_use *u, struct error *err)
{
	int r = idmap_parse(&u->map, u->target->uid_range, IDMAP_UID, err);

	if (!r)
		r = idmap_parse(&u->map, u->target->gid_range, IDMAP_GID, err);
	return r < 0 ? err_wrap(err, "range of target %s", u->target->name) : 0;
}

static int use_parse(struct target_use *u, const char *s, size_t n, struct error *err)
{
	const char *at = memchr(s, '@', n);
	size_t name_len = at ? (size_t)(at - s) : n;
	char shown[128];

	u->target = target_find(s, name_len);
	if (!u->target)
		return fail_unknown(err, s, name_len);
	u->name = strndup(s, n);
	if (!u->name)
		return err_nomem(err);
	if (at) {
		const char *v = at + 1;
		size_t len = n - name_len - 1;

		if (len && *v == 'v')
			v++, len--;
		if (!is_version(v, len))
			return err_fail(err, ERR_USAGE, 0,
					"target '%s': the version is not numbers and dots, as in "
					"docker@20.10",
					err_text(shown, sizeof shown, s, n));
		u->version = strndup(v, len);
		if (!u->version)
			return err_nomem(err);
	}
	return own_map(u, err);
}

static bool same_use(const struct target_use *a, const struct target_use *b)
{
	if (a->target != b->target)
		return false;
	if (!a->version || !b->version)
		return a->version == b->version;
	return !strcmp(a->version, b->version);
}

static int list_add(struct target_use *uses, size_t *count, const char *s, size_t n,
		    struct error *err)
{
	struct target_use one = { 0 };
	int r = use_parse(&one, s, n, err);

	for (size_t i = 0; !r && i < *count; i++) {
		if (same_use(&uses[i], &one)) {
			use_done(&one);
			return 0;
		}
	}
	if (!r && *count == TARGET_USES_MAX)
		r = err_fail(err, ERR_USAGE, 0, "more than %d targets", TARGET_USES_MAX);
	if (r < 0) {
		use_done(&one);
		return r;
	}
	uses[(*count)++] = one;
	return 0;
}

int target_parse_list(struct target_use **uses, size_t *count, const char *text, struct error *err)
{
	struct target_use *list = calloc(TARGET_USES_MAX, sizeof *list);
	size_t n = 0;

	if (!list)
		return err_nomem(err);
	for (const char *s = text;; s++) {
		size_t len = strcspn(s, ",");
		int r = len ? list_add(list, &n, s, len, err)
			    : err_fail(err, ERR_USAGE, 0, "an empty name in the list of targets");

		if (r < 0) {
			target_uses_free(list, n);
			return r;
		}
		s += len;
		if (!*s)
			break;
	}
	*uses = list;
	*count = n;
	return 0;
}

static int replace(struct idmap *side, const struct idmap *map, struct error *err)
{
	struct idmap copy = { 0 };
	int r = idmap_copy(&copy, map, err);

	if (r < 0)
		return r;
	idmap_free(side);
	*side = copy;
	return 0;
}

int target_use_map(struct target_use *uses, size_t count, const struct idmap_pair *map,
		   struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		int r = map->uid.count ? replace(&uses[i].map.uid, &map->uid, err) : 0;

		if (!r && map->gid.count)
			r = replace(&uses[i].map.gid, &map->gid, err);
		if (r < 0)
			return r;
		uses[i].map_given = true;
	}
	return 0;
}
