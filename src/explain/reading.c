/* What the numbers of a message may be. The table (data/readings.conf) says how to look; this runs
 * it. */
#include "explain/work.h"

#include <inttypes.h>
#include <string.h>

#define DEBIAN_FIRST 100000
#define DEBIAN_STEP  65536

bool explain_has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; *p;) {
		size_t n = strcspn(p, " ");

		if (n == len && !memcmp(p, word, n))
			return true;
		p += n;
		p += *p == ' ';
	}
	return false;
}

static bool in_ranges(const struct explain_ranges *r, int64_t id)
{
	for (size_t i = 0; i < r->count; i++)
		if (id >= r->ranges[i].first && id <= r->ranges[i].last)
			return true;
	return false;
}

static bool any_or_in(const struct explain_ranges *r, int64_t id)
{
	return !r->count || in_ranges(r, id);
}

/* The message's name, or that of a line before it. */
static bool named(const char *list, const struct explain_match *m)
{
	if (m->message && explain_has_word(list, m->message->name))
		return true;
	for (size_t i = 0; i < m->wrapper_count; i++)
		if (explain_has_word(list, m->wrappers[i]->name))
			return true;
	return m->context && explain_has_word(list, m->context->name);
}

static bool applies(const struct explain_reading *r, const struct explain_match *m)
{
	if (!m->message)
		return r->bare != BARE_NO;
	if (r->bare == BARE_ONLY)
		return false;
	if (r->engines && !(r->engines & m->engines))
		return false;
	if (r->messages[0] && !named(r->messages, m))
		return false;
	return !named(r->not_messages, m);
}

static bool split(struct explain_found *f, const struct explain_reading *r, int64_t base)
{
	f->base = base;
	f->offset = f->id - base;
	return any_or_in(&r->offset, f->offset);
}

static bool is_base(const struct explain_reading *r, struct explain_found *f)
{
	if (r->debian)
		return f->id >= DEBIAN_FIRST && f->id < UINT32_MAX &&
		       split(f, r, f->id - (f->id - DEBIAN_FIRST) % DEBIAN_STEP);
	for (size_t i = 0; i < r->bases.count; i++)
		if (f->id >= r->bases.ranges[i].first && split(f, r, r->bases.ranges[i].first))
			return true;
	return false;
}

static bool is_multiple(const struct explain_reading *r, struct explain_found *f)
{
	bool exact = r->how == READING_MULTIPLE;

	if (f->id < r->least || f->id >= UINT32_MAX)
		return false;
	f->base = f->id - f->id % r->multiple;
	f->offset = f->id - f->base;
	return exact ? !f->offset : in_ranges(&r->offset, f->offset);
}

static bool ends_with_one_of(const char *path, const char *paths)
{
	size_t len = path ? strlen(path) : 0;

	for (const char *p = paths; len && *p;) {
		size_t n = strcspn(p, " ");

		if (n <= len && !memcmp(path + len - n, p, n) &&
		    (n == len || p[0] == '/' || path[len - n - 1] == '/'))
			return true;
		p += n;
		p += *p == ' ';
	}
	return false;
}

/* All numbers of the message lie at or below the range's end, and the largest inside it. */
static bool is_small(const struct explain_reading *r, const struct explain_match *m,
		     struct explain_found *f)
{
	int64_t ids[2];
	size_t n = match_numbers(m, ids);

	if (!n || ids[0] < 0 || ids[n - 1] < 0)
		return false;
	f->id = n == 2 ? MAX(ids[0], ids[1]) : ids[0];
	return in_ranges(&r->ids, f->id);
}

static bool is_number_reading(const struct explain_reading *r, struct explain_found *f)
{
	switch (r->how) {
	case READING_RANGE:
		return true;
	case READING_BASE:
		return is_base(r, f);
	case READING_MULTIPLE:
	case READING_MULTIPLE_OFFSET:
		return is_multiple(r, f);
	default:
		return false;
	}
}

/* One of the message's numbers is what the row says. */
static bool holds_for_one(const struct explain_reading *r, const struct explain_match *m,
			  struct explain_found *f)
{
	int64_t ids[2];
	size_t n = match_numbers(m, ids);

	for (size_t i = 0; i < n; i++) {
		f->id = ids[i];
		if (any_or_in(&r->ids, f->id) && !in_ranges(&r->not_ids, f->id) &&
		    is_number_reading(r, f))
			return true;
	}
	return false;
}

static bool holds(const struct explain_reading *r, const struct explain_match *m,
		  struct explain_found *f)
{
	int64_t id;

	switch (r->how) {
	case READING_SMALL:
		return is_small(r, m, f);
	case READING_PAIR:
		f->id = m->gid;
		return m->has_uid && m->has_gid && in_ranges(&r->uids, m->uid) &&
		       in_ranges(&r->gids, m->gid);
	case READING_PATH:
		if (!ends_with_one_of(m->path, r->paths))
			return false;
		if (!match_main_id(m, &id))
			return !r->ids.count;
		f->id = id;
		return any_or_in(&r->ids, id);
	default:
		return holds_for_one(r, m, f);
	}
}

/* A row of known owners against what is known of one. */
static bool is_known(const struct explain_owner *o, const struct explain_match *m, int64_t *id)
{
	if (m->has_uid && m->has_gid) {
		*id = o->uids.count ? m->uid : m->gid;
		return any_or_in(&o->uids, m->uid) && any_or_in(&o->gids, m->gid);
	}
	if (!m->has_id || o->pair)
		return false;
	*id = m->id;
	if (m->kind != EXPLAIN_GID && in_ranges(&o->uids, m->id))
		return true;
	/* A gid of a row is only telling where it is no ordinary one. */
	return m->kind != EXPLAIN_UID && in_ranges(&o->gids, m->id) &&
	       (m->id > 65535 || !o->uids.count);
}

static size_t digits_of(int64_t id, char text[24])
{
	return (size_t)snprintf(text, 24, "%" PRId64, id);
}

/* The number is the first digits of a longer one that is known. */
static bool is_prefix(const struct explain_reading *r, const struct explain_owner *o,
		      const struct explain_match *m, int64_t *id)
{
	char ours[24], theirs[24];
	int64_t ids[2];
	size_t n = match_numbers(m, ids);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < o->uids.count; k++) {
			size_t len = digits_of(ids[i], ours);

			if (len == (size_t)r->digits && o->decides &&
			    digits_of(o->uids.ranges[k].first, theirs) > len &&
			    !memcmp(ours, theirs, len)) {
				*id = ids[i];
				return true;
			}
		}
	return false;
}

static void add(struct explain_match *m, const struct explain_found *f)
{
	if (m->reading_count < EXPLAIN_READINGS_MAX)
		m->readings[m->reading_count++] = *f;
}

static bool has_known(const struct explain_match *m)
{
	for (size_t i = 0; i < m->reading_count; i++)
		if (m->readings[i].owner && m->readings[i].owner->decides)
			return true;
	return false;
}

/* decides: rows whose number says enough by itself, or those that are ordinary ids too. */
static void add_owners(const struct explain_reading *r, struct explain_match *m, bool decides)
{
	for (size_t i = 0; i < explain_owner_count; i++) {
		const struct explain_owner *o = &explain_owners[i];
		struct explain_found f = { .reading = r, .owner = o };
		bool known = r->how == READING_PREFIX
				     ? decides && is_prefix(r, o, m, &f.id)
				     : o->decides == decides && is_known(o, m, &f.id);

		if (known)
			add(m, &f);
	}
}

static void decide(struct explain_match *m)
{
	for (size_t i = 0; i < m->reading_count; i++) {
		const struct explain_reading *r = m->readings[i].reading;

		if (!r->decides && m->message)
			continue;
		m->cause = r->cause;
		m->blame = r->blame;
		if (!m->message)
			m->engines = r->engines;
		return;
	}
}

static const struct explain_reading *row_of(enum explain_how how)
{
	for (size_t i = 0; i < explain_reading_count; i++)
		if (explain_readings[i].how == how)
			return &explain_readings[i];
	return NULL;
}

int reading_find(struct explain_match *m, struct error *err)
{
	const struct explain_reading *known = row_of(READING_KNOWN);

	(void)err;
	for (size_t i = 0; i < explain_reading_count; i++) {
		const struct explain_reading *r = &explain_readings[i];
		struct explain_found f = { .reading = r };

		if (!applies(r, m) || (r->alone && m->reading_count))
			continue;
		if (r->how == READING_KNOWN || r->how == READING_PREFIX)
			add_owners(r, m, true);
		else if (!(r->not_known && has_known(m)) && holds(r, m, &f))
			add(m, &f);
	}
	if (known && applies(known, m))
		add_owners(known, m, false);
	decide(m);
	return 0;
}

bool explain_known_owner(int64_t uid, int64_t gid, struct explain_known *out)
{
	const struct explain_match both = {
		.has_uid = true, .uid = uid, .has_gid = true, .gid = gid
	};
	int64_t id;

	for (size_t i = 0; i < explain_owner_count; i++) {
		const struct explain_owner *o = &explain_owners[i];

		if (!o->decides || !is_known(o, &both, &id))
			continue;
		*out = (struct explain_known){ o->package, o->version, o->tool ? o->tool->why : "",
					       o->tool ? o->tool->mend : "" };
		return true;
	}
	return false;
}
