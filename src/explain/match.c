/* The leaf is the first row, in the table's order, that is anywhere in the text: some rows hold a
 * wrapper's words themselves, and what is unknown may stand between. Wrappers tell who printed it.
 */
#include "explain/match.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

#define TEXT_KEPT 1000 /* bytes of a message that are shown again */

int matcher_init(struct matcher *m, struct error *err)
{
	int r = needles_new(&m->needles, err);

	return r < 0 ? r : patterns_new(&m->patterns, err);
}

void matcher_done(struct matcher *m)
{
	needles_free(m->needles);
	patterns_free(m->patterns);
}

void match_done(struct explain_match *m)
{
	free(m->path);
	free(m->digest);
	free(m->diff_id);
	free(m->name);
	free(m->from);
	free(m->size);
	free(m->text);
	free(m->says);
	for (size_t i = 0; i < m->reading_count; i++) {
		free(m->readings[i].says);
		free(m->readings[i].why);
	}
	for (size_t i = 0; i < m->advice_count; i++)
		free(m->advice[i].text);
	free(m->advice);
	if (m->join) {
		for (size_t i = 0; i < m->join->entry_count; i++) {
			free(m->join->entries[i].path);
			free(m->join->entries[i].created_by);
		}
		free(m->join->image);
		free(m->join->says);
		free(m->join);
	}
}

static bool is_leaf(const struct explain_message *m)
{
	return m->role == EXPLAIN_LEAF || m->role == EXPLAIN_FOLLOW;
}

bool match_may_have(const struct needle_rows *rows, bool context)
{
	for (size_t i = 0; i < explain_message_count; i++)
		if (needle_has(rows, i) && (context ? explain_messages[i].role == EXPLAIN_CONTEXT
						    : is_leaf(&explain_messages[i])))
			return true;
	return false;
}

/* A copy of the span where out has none yet. */
static int keep(char **out, struct pattern_span s, struct error *err)
{
	if (*out || !s.at || !s.len)
		return 0;
	*out = strndup(s.at, s.len);
	return *out ? 0 : err_nomem(err);
}

static bool number(int64_t *out, struct pattern_span s)
{
	return s.at && num_i64(s.at, s.len, out);
}

#define RUNE_NONE 0xfffd /* U+FFFD: the number was above the last character */

/* podman 4.3 prints a size with %q's rune: a character, or \U000f4241. The size is one more than
 * the largest id. */
static bool rune(int64_t *out, struct pattern_span s)
{
	size_t len;
	int64_t c = 0;

	if (!s.at || !s.len)
		return false;
	if (s.len > 2 && s.at[0] == '\\' && (s.at[1] | 0x20) == 'u') {
		char digits[16], *end;

		if (s.len - 2 >= sizeof(digits))
			return false;
		memcpy(digits, s.at + 2, s.len - 2);
		digits[s.len - 2] = '\0';
		*out = (int64_t)strtoull(digits, &end, 16);
		return !*end;
	}
	len = text_utf8_len((const uint8_t *)s.at, s.len);
	if (len != s.len)
		return false;
	c = (uint8_t)s.at[0];
	if (len > 1)
		c &= 0x7f >> len;
	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((uint8_t)s.at[i] & 0x3f);
	*out = c;
	return c != RUNE_NONE;
}

static void take_kind(struct explain_match *m, struct pattern_span s)
{
	if (s.at && s.len)
		m->kind = (s.at[0] | 0x20) == 'u'   ? EXPLAIN_UID
			  : (s.at[0] | 0x20) == 'g' ? EXPLAIN_GID
						    : m->kind;
}

static int take_size(struct explain_match *m, const struct pattern_match *p, struct error *err)
{
	char text[32];
	int64_t size;

	if (!rune(&size, p->groups[GROUP_RUNE]) && !number(&size, p->groups[GROUP_SIZE]))
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)size);
	free(m->size);
	m->size = strdup(text);
	if (!m->has_id && size > 0) {
		m->has_id = true;
		m->id = size - 1;
	}
	return m->size ? 0 : err_nomem(err);
}

/* What a leaf or a wrapper names. */
static int take(struct explain_match *m, const struct pattern_match *p, struct error *err)
{
	const struct pattern_span *g = p->groups;
	int r;

	if (!m->has_id)
		m->has_id = number(&m->id, g[GROUP_ID]);
	if (!m->has_uid)
		m->has_uid = number(&m->uid, g[GROUP_UID]);
	if (!m->has_gid)
		m->has_gid = number(&m->gid, g[GROUP_GID]);
	take_kind(m, g[GROUP_KIND]);
	r = keep(&m->path, g[GROUP_PATH], err);
	if (r >= 0)
		r = keep(&m->digest, g[GROUP_DIGEST], err);
	if (r >= 0)
		r = keep(&m->diff_id, g[GROUP_DIFFID], err);
	if (r >= 0)
		r = keep(&m->name, g[GROUP_NAME], err);
	if (r >= 0)
		r = keep(&m->from, g[GROUP_FROM], err);
	return r < 0 ? r : take_size(m, p, err);
}

static uint32_t engine_set(const struct explain_message *m)
{
	uint32_t set = 0;

	for (size_t i = 0; i < m->engine_count; i++)
		set |= UINT32_C(1) << m->engines[i];
	return set;
}

static int compare_versions(const char *a, const char *b)
{
	while (*a || *b) {
		unsigned long x = strtoul(a, (char **)&a, 10), y = strtoul(b, (char **)&b, 10);

		if (x != y)
			return x < y ? -1 : 1;
		a += *a == '.';
		b += *b == '.';
	}
	return 0;
}

/* Narrows the band that a and b hold; one that would leave nothing is not believed: people quote in
 * another case. */
static void narrow(const char **since, const char **until, const struct explain_band *b)
{
	const char *s = *since, *u = *until;

	if (b->since[0] && (!s[0] || compare_versions(b->since, s) > 0))
		s = b->since;
	if (b->until[0] && (!u[0] || compare_versions(b->until, u) < 0))
		u = b->until;
	if (s[0] && u[0] && compare_versions(s, u) > 0)
		return;
	*since = s;
	*until = u;
}

static bool narrow_by(const struct explain_message *m, unsigned engine, const char **since,
		      const char **until)
{
	for (size_t i = 0; i < m->band_count; i++)
		if (m->bands[i].engine == engine) {
			narrow(since, until, &m->bands[i]);
			return true;
		}
	return false;
}

static void say_versions(struct explain_match *m, const char *engine, const char *since,
			 const char *until)
{
	size_t n = sizeof(m->versions);

	if (since[0] && until[0])
		snprintf(m->versions, n, "%s%s to %s", engine, since, until);
	else if (since[0])
		snprintf(m->versions, n, "%s%s and later", engine, since);
	else if (until[0])
		snprintf(m->versions, n, "%sup to %s", engine, until);
}

/* The leaf knows who may have printed it; wrappers leave some of them. Versions are what all of
 * them allow. */
static void infer_engine(struct explain_match *m)
{
	const struct explain_message *leaf = m->message;
	const char *since = "", *until = "";
	bool any = false;
	unsigned engine;

	m->engines = engine_set(leaf);
	for (size_t i = 0; i < m->wrapper_count; i++) {
		uint32_t both = m->engines & engine_set(m->wrappers[i]);

		if (both)
			m->engines = both;
	}
	engine = leaf->engines[0];
	for (size_t i = leaf->engine_count; i--;)
		if (m->engines >> leaf->engines[i] & 1)
			engine = leaf->engines[i];
	m->engine = &explain_engines[engine];
	for (size_t i = 0; i < m->wrapper_count; i++)
		any |= narrow_by(m->wrappers[i], engine, &since, &until);
	any |= narrow_by(leaf, engine, &since, &until);
	if (any || !leaf->band_count || !explain_engines[leaf->bands[0].engine].part) {
		say_versions(m, "", since, until);
		return;
	}
	/* The words are another program's, below the engine: "runc 1.2 and later". */
	char name[32];

	snprintf(name, sizeof(name), "%s ", explain_engines[leaf->bands[0].engine].name);
	say_versions(m, name, leaf->bands[0].since, leaf->bands[0].until);
}

/* The wrapper that begins first in the text behind start; the earlier row where two begin alike. */
static int next_wrapper(struct matcher *m, const struct needle_rows *rows, const char *text,
			size_t len, size_t start, struct pattern_match *best, size_t *row,
			struct error *err)
{
	bool found = false;

	for (size_t i = 0; i < explain_message_count; i++) {
		struct pattern_match p;
		int r;

		if (explain_messages[i].role != EXPLAIN_WRAPPER || !needle_has(rows, i))
			continue;
		r = pattern_search(m->patterns, i, text, len, start, &p, err);
		if (r < 0)
			return r;
		if (r || !p.groups[GROUP_REST].at || (found && p.all.at >= best->all.at))
			continue;
		*best = p;
		*row = i;
		found = true;
	}
	return found ? 0 : 1;
}

static int find_leaf(struct matcher *m, const struct needle_rows *rows, const char *text,
		     size_t len, struct pattern_match *out, size_t *row, struct error *err)
{
	for (size_t i = 0; i < explain_message_count; i++) {
		int r;

		if (!is_leaf(&explain_messages[i]) || !needle_has(rows, i))
			continue;
		r = pattern_search(m->patterns, i, text, len, 0, out, err);
		if (r <= 0) {
			*row = i;
			return r;
		}
	}
	return 1;
}

struct chain {
	struct pattern_match matches[EXPLAIN_WRAPPERS_MAX];
	size_t rows[EXPLAIN_WRAPPERS_MAX];
	size_t count;
};

static int find_wrappers(struct matcher *m, const struct needle_rows *rows, const char *text,
			 size_t len, struct chain *chain, struct error *err)
{
	size_t start = 0;

	while (chain->count < EXPLAIN_WRAPPERS_MAX) {
		struct pattern_match *p = &chain->matches[chain->count];
		int r = next_wrapper(m, rows, text, len, start, p, &chain->rows[chain->count], err);

		if (r)
			return r < 0 ? r : 0;
		chain->count++;
		start = (size_t)(p->groups[GROUP_REST].at - text);
	}
	return 0;
}

/* Wrappers behind the leaf stand around something else. */
static int take_chain(struct explain_match *out, const struct chain *chain, const char *leaf,
		      const char **platform, struct error *err)
{
	for (size_t i = chain->count; i--;) {
		const struct explain_message *w = &explain_messages[chain->rows[i]];
		int r;

		if (chain->matches[i].all.at > leaf)
			continue;
		r = take(out, &chain->matches[i], err);
		if (r < 0)
			return r;
		if (w->platform[0])
			*platform = w->platform;
	}
	for (size_t i = 0; i < chain->count; i++)
		if (chain->matches[i].all.at <= leaf)
			out->wrappers[out->wrapper_count++] = &explain_messages[chain->rows[i]];
	return 0;
}

/* The message itself, with some of what stands before it. */
static int keep_text(struct explain_match *out, const char *text, size_t len,
		     const struct chain *chain, const char *leaf, struct error *err)
{
	const char *from =
		chain->count && chain->matches[0].all.at < leaf ? chain->matches[0].all.at : leaf;
	size_t n = len - (size_t)(from - text);

	if ((size_t)(leaf - from) > TEXT_KEPT / 2)
		from = leaf, n = len - (size_t)(leaf - text);
	while (n && (from[n - 1] == ' ' || from[n - 1] == '\t'))
		n--;
	out->text = strndup(from, MIN(n, (size_t)TEXT_KEPT));
	if (!out->text)
		return err_nomem(err);
	text_trim_cut(out->text);
	return 0;
}

static void note_place(struct match_place *place, const char *text, const struct chain *chain,
		       const struct pattern_match *leaf)
{
	size_t at = (size_t)(leaf->all.at - text);

	place->count = 1;
	place->spans[0].from = at;
	place->spans[0].to = at + leaf->all.len;
	for (size_t i = 0; i < chain->count; i++) {
		const struct pattern_match *w = &chain->matches[i];

		if (w->all.at > leaf->all.at)
			continue;
		place->spans[place->count].from = (size_t)(w->all.at - text);
		place->spans[place->count++].to = (size_t)(w->groups[GROUP_REST].at - text);
	}
}

int match_text(struct matcher *m, const char *text, size_t len, struct explain_match *out,
	       struct match_place *place, const char **platform, struct error *err)
{
	struct needle_rows rows = { 0 };
	struct needle_state state = { 0 };
	struct chain chain = { .count = 0 };
	struct pattern_match leaf;
	uint64_t first;
	size_t row;
	int r;

	*platform = "";
	needles_search(m->needles, &state, text, len, &rows, &first);
	if (!match_may_have(&rows, false))
		return 1;
	r = find_wrappers(m, &rows, text, len, &chain, err);
	if (r >= 0)
		r = find_leaf(m, &rows, text, len, &leaf, &row, err);
	if (r)
		return r;
	if (place)
		note_place(place, text, &chain, &leaf);
	out->message = &explain_messages[row];
	out->cause = out->message->cause;
	out->blame = out->message->blame;
	out->kind = out->message->kind;
	out->layer = -1;
	r = take(out, &leaf, err);
	if (r >= 0)
		r = take_chain(out, &chain, leaf.all.at, platform, err);
	if (r >= 0)
		r = keep_text(out, text, len, &chain, leaf.all.at, err);
	if (r < 0)
		return r;
	if (out->message->platform[0])
		*platform = out->message->platform;
	out->hides = out->message->hides;
	infer_engine(out);
	return 0;
}

const struct explain_message *match_context(struct matcher *m, const struct needle_rows *rows,
					    const char *text, size_t len)
{
	for (size_t i = 0; i < explain_message_count; i++) {
		struct pattern_match p;
		struct error ignored = { 0 };

		if (explain_messages[i].role == EXPLAIN_CONTEXT && needle_has(rows, i) &&
		    pattern_search(m->patterns, i, text, len, 0, &p, &ignored) == 0)
			return &explain_messages[i];
	}
	return NULL;
}
