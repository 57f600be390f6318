/* From text to matches: one pass over the text, then what the numbers may be. */
#include "explain/work.h"

#include <string.h>

#include "base/num.h"

static const char *const cause_names[CAUSE_COUNT] = {
	[CAUSE_IMAGE_OWNER] = "image-owner",
	[CAUSE_PROCESS_USER] = "process-user",
	[CAUSE_SUPPLEMENTARY_GROUP] = "supplementary-group",
	[CAUSE_ACL] = "acl",
	[CAUSE_MAP_TOO_SMALL] = "map-too-small",
	[CAUSE_SINGLE_ID_MAP] = "single-id-map",
	[CAUSE_SUBID_MISSING] = "subid-missing",
	[CAUSE_SUBID_MISMATCH] = "subid-mismatch",
	[CAUSE_SETUID_HELPER] = "setuid-helper",
	[CAUSE_NESTED_MAP] = "nested-map",
	[CAUSE_DOUBLE_MAPPING] = "double-mapping",
	[CAUSE_HOST_ID_LEAKED] = "host-id-leaked",
	[CAUSE_NO_IDMAPPED_MOUNTS] = "no-idmapped-mounts",
	[CAUSE_BUILD_CONTEXT_OWNER] = "build-context-owner",
	[CAUSE_ARCHIVE_OWNER] = "archive-owner",
	[CAUSE_WRITER_LIMIT] = "writer-limit",
	[CAUSE_SPARSE_LOG] = "sparse-log",
	[CAUSE_AUTO_SIZE] = "auto-size",
	[CAUSE_UNKNOWN] = "unknown",
};
static const char *const blame_names[BLAME_COUNT] = {
	[BLAME_IMAGE] = "image",     [BLAME_HOST] = "host",   [BLAME_ENGINE] = "engine",
	[BLAME_COMMAND] = "command", [BLAME_BUILD] = "build", [BLAME_UNKNOWN] = "unknown",
};
static const char *const kind_names[] = { "unknown", "uid", "gid" };

const char *explain_cause_name(enum explain_cause c)
{
	return cause_names[c];
}

const char *explain_blame_name(enum explain_blame b)
{
	return blame_names[b];
}

const char *explain_kind_name(enum explain_kind k)
{
	return kind_names[k];
}

const char *explain_engine_name(const struct explain_engine *e)
{
	return e->name;
}

const char *explain_engine_title(const struct explain_engine *e)
{
	return e->title;
}

const char *explain_message_name(const struct explain_message *m)
{
	return m->name;
}

const char *explain_message_source(const struct explain_message *m)
{
	return m->source;
}

enum evidence explain_message_evidence(const struct explain_message *m)
{
	return m->evidence;
}

const char *explain_reading_name(const struct explain_reading *r)
{
	return r->name;
}

int explain_new(struct explain **out, const struct explain_options *opts, struct error *err)
{
	_cleanup_(explain_freep) struct explain *x = calloc(1, sizeof(*x));
	int r;

	if (!x)
		return err_nomem(err);
	x->work = calloc(1, sizeof(*x->work));
	x->matches = calloc(EXPLAIN_MATCHES_MAX, sizeof(*x->matches));
	if (!x->work || !x->matches)
		return err_nomem(err);
	x->work->opts = *opts;
	x->work->normaliser = (struct normaliser){ .fn = window_line, .ctx = x };
	r = matcher_init(&x->work->matcher, err);
	if (r < 0)
		return r;
	*out = STEAL(x);
	return 0;
}

void explain_free(struct explain *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->match_count; i++)
		match_done(&x->matches[i]);
	free(x->matches);
	if (x->work) {
		window_done(x->work);
		pull_log_done(&x->work->pull);
		normalise_done(&x->work->normaliser);
		matcher_done(&x->work->matcher);
		free(x->work);
	}
	free(x);
}

int explain_feed(struct explain *x, const void *bytes, size_t n, struct error *err)
{
	x->bytes += n;
	return normalise_feed(&x->work->normaliser, bytes, n, err);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_message(const struct explain_match *a, const struct explain_match *b)
{
	return a->message == b->message && a->engine == b->engine && a->has_id == b->has_id &&
	       a->has_uid == b->has_uid && a->has_gid == b->has_gid && a->id == b->id &&
	       a->uid == b->uid && a->gid == b->gid && same_text(a->path, b->path) &&
	       same_text(a->digest, b->digest) && same_text(a->diff_id, b->diff_id) &&
	       same_text(a->name, b->name) && !strcmp(a->layer_id, b->layer_id);
}

int explain_keep(struct explain *x, struct explain_match *m, struct error *err)
{
	(void)err;
	m->count = 1;
	for (size_t i = 0; i < x->match_count; i++) {
		struct explain_match *old = &x->matches[i];

		if (!same_message(old, m))
			continue;
		/* The pieces of a long line overlap. */
		old->count += old->line != m->line;
		match_done(m);
		return 0;
	}
	if (x->match_count < EXPLAIN_MATCHES_MAX) {
		x->matches[x->match_count++] = *m;
		return 0;
	}
	x->dropped++;
	match_done(m);
	return 0;
}

int explain_number(struct explain *x, const char *text, struct error *err)
{
	size_t n = strlen(text), first = strcspn(text, ":");
	struct explain_match m = {
		.layer = -1, .hides = "", .cause = CAUSE_UNKNOWN, .blame = BLAME_UNKNOWN
	};

	if (first < n) {
		m.has_uid = m.has_gid = num_i64(text, first, &m.uid) &&
					num_i64(text + first + 1, n - first - 1, &m.gid);
		if (!m.has_uid)
			return 1;
	} else {
		m.has_id = num_i64(text, n, &m.id);
		if (!m.has_id)
			return 1;
	}
	m.text = strdup(text);
	if (!m.text)
		return err_nomem(err);
	return explain_keep(x, &m, err);
}

/* What only repeats another line stands behind the others. */
static void order(struct explain *x)
{
	struct explain_match *sorted = x->matches, follows[EXPLAIN_MATCHES_MAX];
	size_t leaves = 0, n = 0;

	for (size_t i = 0; i < x->match_count; i++)
		leaves += !x->matches[i].message || x->matches[i].message->role == EXPLAIN_LEAF;
	if (!leaves || leaves == x->match_count)
		return;
	leaves = 0;
	for (size_t i = 0; i < x->match_count; i++) {
		struct explain_match m = x->matches[i];

		m.follows = m.message && m.message->role == EXPLAIN_FOLLOW;
		if (m.follows)
			follows[n++] = m;
		else
			sorted[leaves++] = m;
	}
	memcpy(sorted + leaves, follows, n * sizeof(*follows));
}

int explain_finish(struct explain *x, struct error *err)
{
	struct explain_work *w = x->work;
	int r = normalise_end(&w->normaliser, err);

	if (r >= 0)
		r = window_end(x, err);
	for (size_t i = 0; i < x->match_count && r >= 0; i++) {
		x->matches[i].platform = w->opts.platform ? w->opts.platform : w->platform;
		r = reading_find(&x->matches[i], err);
	}
	if (r >= 0)
		order(x);
	return r < 0 ? r : 0;
}
