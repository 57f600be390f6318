/* A message and the image that it is about: what in the image made it, or that nothing can have.
 * What the image shows outweighs what the words alone suggest, so cause and blame follow it. */
#include "explain/search.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "inventory/accounts.h"

struct joiner {
	struct image *img;
	struct accounts accounts;
	struct exec_user user;
};

static int say(struct explain_join *j, enum explain_made made, struct error *err, const char *fmt,
	       ...) _printf_(4, 5);

static int say(struct explain_join *j, enum explain_made made, struct error *err, const char *fmt,
	       ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&j->says, fmt, ap);
	va_end(ap);
	j->made = made;
	if (n < 0)
		j->says = NULL;
	return n < 0 ? err_nomem(err) : 0;
}

static void blame(struct explain_match *m, enum explain_cause cause, enum explain_blame who)
{
	m->cause = cause;
	m->blame = who;
}

static bool is_digest(const struct oci_digest *d, const char *text)
{
	return d->text[0] && !strcasecmp(d->text, text);
}

static bool has_hex(const struct oci_digest *d, const char *hex)
{
	const char *own = strchr(d->text, ':');

	return own && !strncasecmp(own + 1, hex, strlen(hex));
}

/* The layer that the message or the pull's log names; *named is false where neither does. -1 where
 * the image has no such layer. */
static long layer_of(const struct explain_match *m, const struct image *img, bool *named)
{
	const char *digests[] = { m->digest, m->diff_id };

	*named = m->digest || m->diff_id || m->layer_id[0];
	for (size_t i = 0; i < img->layer_count; i++) {
		const struct image_layer *l = &img->layers[i];
		const struct oci_digest *own[] = { &l->source->digest, &l->source->diff_id,
						   &l->inventory->diff_id,
						   &l->inventory->blob_digest };

		for (size_t k = 0; k < ARRAY_SIZE(own); k++) {
			for (size_t d = 0; d < ARRAY_SIZE(digests); d++)
				if (digests[d] && is_digest(own[k], digests[d]))
					return (long)i;
			if (m->layer_id[0] && has_hex(own[k], m->layer_id))
				return (long)i;
		}
	}
	/* A saved image has no digests of compressed blobs; the position holds. */
	if (m->layer >= 0 && (size_t)m->layer < img->layer_count)
		return m->layer;
	return -1;
}

static const struct engine *rules_of(const struct explain_match *m)
{
	const char *name = m->engine ? m->engine->target : NULL;
	const struct target *t = m->platform ? m->platform
				 : name	     ? target_find(name, strlen(name))
					     : NULL;

	return t ? t->engine : NULL;
}

static int look(struct joiner *w, struct explain_match *m, enum search_by by, int64_t id,
		bool with_path, long layer, struct error *err)
{
	const struct search s = {
		.by = by,
		.m = m,
		.id = id,
		.with_path = with_path,
		.layer = layer,
		.engine = rules_of(m),
	};

	return search_image(&s, w->img, m->join, err);
}

/* Exactly as the message says; then without the path, then in any layer. */
static int look_ids(struct joiner *w, struct explain_match *m, long layer, struct error *err)
{
	struct explain_join *j = m->join;
	int r = 0;

	if (m->path)
		r = look(w, m, SEARCH_IDS, 0, true, layer, err);
	if (r >= 0 && !j->entry_count && layer >= 0)
		r = look(w, m, SEARCH_IDS, 0, false, layer, err);
	if (r >= 0 && !j->entry_count && m->path)
		r = look(w, m, SEARCH_IDS, 0, true, -1, err);
	if (r >= 0 && !j->entry_count)
		r = look(w, m, SEARCH_IDS, 0, false, -1, err);
	return r;
}

static int say_made(struct explain_join *j, struct error *err)
{
	return say(j, MADE_BY_ENTRY, err,
		   j->entries_like_it > 1 ? "The first of these entries made the message"
					  : "This entry made the message");
}

static bool is_host_cause(enum explain_cause c)
{
	return c == CAUSE_SINGLE_ID_MAP || c == CAUSE_MAP_TOO_SMALL;
}

static int found_ids(struct explain_match *m, struct error *err)
{
	struct explain_join *j = m->join;

	if (is_host_cause(m->cause))
		return say(
			j, MADE_BY_ENTRY, err,
			"The engine stopped at this entry; its owner is an ordinary one, and the "
			"map is at fault");
	/* The number is in the image after all: it was no host's. */
	if (m->cause != CAUSE_HOST_ID_LEAKED && m->cause != CAUSE_ARCHIVE_OWNER)
		blame(m, CAUSE_IMAGE_OWNER, BLAME_IMAGE);
	return say_made(j, err);
}

static bool is_user(const struct joiner *w, int64_t id)
{
	return !w->user.error && (w->user.uid == id || w->user.gid == id);
}

/* A reading that splits the number: whose part of it does the image have? */
static int look_offset(struct joiner *w, struct explain_match *m, bool *done, struct error *err)
{
	struct explain_join *j = m->join;

	for (size_t i = 0; i < m->reading_count && !*done; i++) {
		const struct explain_found *f = &m->readings[i];
		int r;

		if (!f->base || !f->offset)
			continue;
		r = look(w, m, SEARCH_ID, f->offset, false, -1, err);
		if (r < 0)
			return r;
		if (!j->entry_count)
			continue;
		*done = true;
		if (m->message || m->cause == CAUSE_IMAGE_OWNER)
			blame(m, f->reading->cause, f->reading->blame);
		return say(j, MADE_BY_NOTHING, err,
			   "No entry of any layer has %" PRId64 ": it is a host id, %" PRId64
			   " + %" PRId64 ", and the image holds %" PRId64,
			   f->id, f->base, f->offset, f->offset);
	}
	return 0;
}

/* BusyBox ls cuts ids at eight characters. */
static int look_prefix(struct joiner *w, struct explain_match *m, int64_t id, bool *done,
		       struct error *err)
{
	struct explain_join *j = m->join;
	int r;

	if (id < 10000000 || id > 99999999)
		return 0;
	r = look(w, m, SEARCH_PREFIX, id, false, -1, err);
	if (r < 0 || !j->entry_count)
		return r;
	*done = true;
	return say(j, MADE_BY_ENTRY, err,
		   "No entry has %" PRId64
		   "; this one's owner begins with it, as BusyBox ls shows it",
		   id);
}

static int not_found(struct joiner *w, struct explain_match *m, struct error *err)
{
	struct explain_join *j = m->join;
	bool done = false;
	int64_t id = 0;
	int r;

	(void)match_main_id(m, &id);
	if (is_user(w, id)) {
		blame(m, CAUSE_PROCESS_USER, BLAME_IMAGE);
		return say(j, MADE_BY_USER, err, "No entry has it, and the image's USER does");
	}
	r = look_offset(w, m, &done, err);
	if (r >= 0 && !done)
		r = look_prefix(w, m, id, &done, err);
	if (r < 0 || done)
		return r;
	if (m->cause != CAUSE_IMAGE_OWNER && m->cause != CAUSE_ARCHIVE_OWNER)
		return say(j, MADE_BY_NOTHING, err,
			   "No entry of any layer has it: nothing in the image can have made this "
			   "message");
	blame(m, CAUSE_UNKNOWN, BLAME_UNKNOWN);
	return say(
		j, MADE_BY_NOTHING, err,
		"No entry of any layer has it, nor has USER: nothing in this image can have made "
		"this message; a host id, a --user or --chown of the command, or another "
		"version of the image did");
}

static int join_ids(struct joiner *w, struct explain_match *m, long layer, struct error *err)
{
	int r = look_ids(w, m, layer, err);

	if (r < 0)
		return r;
	return m->join->entry_count ? found_ids(m, err) : not_found(w, m, err);
}

/* A path and no ids. */
static int join_path(struct joiner *w, struct explain_match *m, long layer, struct error *err)
{
	struct explain_join *j = m->join;
	int r = look(w, m, SEARCH_OUTSIDE, 0, true, layer, err);

	if (r >= 0 && !j->entry_count)
		r = look(w, m, SEARCH_OUTSIDE, 0, true, -1, err);
	if (r < 0)
		return r;
	if (j->entry_count) {
		blame(m, CAUSE_IMAGE_OWNER, BLAME_IMAGE);
		return say_made(j, err);
	}
	r = look(w, m, SEARCH_PATH, 0, true, -1, err);
	if (r < 0)
		return r;
	if (!j->entry_count)
		return say(j, MADE_BY_NOTHING, err,
			   "No layer has such a path: nothing in this image can have made this "
			   "message");
	if (m->cause == CAUSE_IMAGE_OWNER)
		blame(m, CAUSE_MAP_TOO_SMALL, BLAME_HOST);
	return say(j, MADE_BY_ENTRY, err,
		   "The engine stopped at this entry; its owner is an ordinary one, and the map is "
		   "at fault");
}

static int join_anything(struct joiner *w, struct explain_match *m, long layer, struct error *err)
{
	struct explain_join *j = m->join;
	int r = look(w, m, SEARCH_OUTSIDE, 0, false, layer, err);

	if (r < 0)
		return r;
	if (j->entry_count)
		return say(j, MADE_MAYBE, err,
			   "The message names nothing; these are the entries outside 0-65535, in "
			   "the order in which an engine meets them");
	blame(m, CAUSE_MAP_TOO_SMALL, BLAME_HOST);
	return say(j, MADE_BY_NOTHING, err,
		   "Every owner in the image lies within 0-65535: a usual map holds them all");
}

static int join_user(struct joiner *w, struct explain_match *m, struct error *err)
{
	struct explain_join *j = m->join;
	const struct exec_user *u = &w->user;
	bool made =
		m->has_id ? is_user(w, m->id)
			  : !u->error && (u->uid > SEARCH_USUAL_LAST || u->gid > SEARCH_USUAL_LAST);

	if (u->error)
		return say(j, MADE_BY_USER, err, "The image's USER made it: %s", u->error);
	if (made)
		return say(j, MADE_BY_USER, err,
			   "The image's USER made it: it is uid %" PRId64 ", gid %" PRId64, u->uid,
			   u->gid);
	m->blame = BLAME_COMMAND;
	return say(j, MADE_BY_NOTHING, err,
		   "The image's USER is uid %" PRId64 ", gid %" PRId64
		   ": the command asked for another one (--user, runAsUser), or the map is smaller "
		   "than 65536",
		   u->uid, u->gid);
}

static int join_group(struct joiner *w, struct explain_match *m, struct error *err)
{
	struct explain_join *j = m->join;

	for (size_t i = 0; i < w->user.group_count; i++)
		if (w->user.groups[i] > SEARCH_USUAL_LAST)
			return say(j, MADE_BY_GROUP, err,
				   "The image's group file puts its USER into group %" PRId64,
				   w->user.groups[i]);
	if (!w->user.error && w->user.gid > SEARCH_USUAL_LAST)
		return say(j, MADE_BY_USER, err,
			   "The image's USER has gid %" PRId64
			   ", which podman repeats among the groups",
			   w->user.gid);
	m->blame = BLAME_COMMAND;
	return say(j, MADE_BY_NOTHING, err,
		   "Every group of the image's USER lies within 0-65535: the command asked for "
		   "another one (--group-add, --user, supplementalGroups)");
}

static int join_xattr(struct joiner *w, struct explain_match *m, long layer, struct error *err)
{
	struct explain_join *j = m->join;
	int r = look(w, m, SEARCH_XATTR, 0, true, layer, err);

	if (r >= 0 && !j->entry_count)
		r = look(w, m, SEARCH_XATTR, 0, false, -1, err);
	if (r < 0)
		return r;
	if (j->entry_count)
		return say(
			j, m->path ? MADE_BY_ENTRY : MADE_MAYBE, err,
			"This entry has an ACL or a capability with an id outside 0-65535, or one "
			"that the kernel refuses");
	m->blame = BLAME_HOST;
	return say(j, MADE_BY_NOTHING, err,
		   "No entry has an ACL or a capability that a usual map would refuse");
}

static int join_log(struct joiner *w, struct explain_match *m, struct error *err)
{
	int r = look(w, m, SEARCH_LOG, 0, false, -1, err);

	if (r < 0)
		return r;
	if (m->join->entry_count)
		return say_made(m->join, err);
	return say(
		m->join, MADE_BY_NOTHING, err,
		"No layer has a large lastlog or faillog: the build made it, and has not finished");
}

static bool is_account(const struct accounts *a, int64_t id)
{
	return accounts_user_by_id(a, id) || accounts_group_by_id(a, id);
}

/* --userns=auto counts accounts too; it takes the id of one for the size, where that of a file
 * counts one more (podman 4.3.1). */
static int join_auto(struct joiner *w, struct explain_match *m, struct error *err)
{
	struct explain_join *j = m->join;
	int r;

	if (!m->has_id && m->blame == BLAME_IMAGE)
		return join_anything(w, m, -1, err);
	if (!m->has_id)
		return say(j, MADE_BY_NOTHING, err,
			   "The pool is the host's: nothing in the image made this message");
	r = look(w, m, SEARCH_ID, m->id, false, -1, err);
	if (r < 0)
		return r;
	if (j->entry_count)
		return say(j, MADE_BY_ENTRY, err, "This entry has the highest id");
	for (int64_t id = m->id; id <= m->id + 1; id++)
		if (is_user(w, id) || is_account(&w->accounts, id))
			return say(j, MADE_BY_USER, err,
				   "The highest id is %" PRId64
				   ", that of USER or of an account in the image's passwd or group "
				   "file",
				   id);
	return say(j, MADE_BY_NOTHING, err,
		   "No entry and no account has id %" PRId64 ": nothing in this image asks for it",
		   m->id);
}

/* Causes that no image has a part in: what splits the number may still show whose file it was. */
static int join_none(struct joiner *w, struct explain_match *m, struct error *err)
{
	struct explain_join *j = m->join;
	bool done = false;
	int r = 0;

	if (m->has_id || m->has_uid) {
		r = look_ids(w, m, -1, err);
		if (r >= 0 && j->entry_count &&
		    (m->cause == CAUSE_DOUBLE_MAPPING || m->cause == CAUSE_NO_IDMAPPED_MOUNTS))
			return found_ids(m, err);
		if (r >= 0 && !j->entry_count)
			r = look_offset(w, m, &done, err);
	}
	if (r < 0 || done)
		return r;
	return say(j, j->entry_count ? MADE_MAYBE : MADE_BY_NOTHING, err,
		   j->entry_count ? "The image has such an owner, but this message is not about it"
				  : "Nothing in the image can have made this message");
}

static int join_by_cause(struct joiner *w, struct explain_match *m, long layer, struct error *err)
{
	bool ids = m->has_id || (m->has_uid && m->has_gid);

	switch (m->cause) {
	case CAUSE_PROCESS_USER:
		return join_user(w, m, err);
	case CAUSE_SUPPLEMENTARY_GROUP:
		return join_group(w, m, err);
	case CAUSE_ACL:
		return join_xattr(w, m, layer, err);
	case CAUSE_SPARSE_LOG:
		return join_log(w, m, err);
	case CAUSE_AUTO_SIZE:
		return join_auto(w, m, err);
	case CAUSE_IMAGE_OWNER:
	case CAUSE_HOST_ID_LEAKED:
	case CAUSE_SINGLE_ID_MAP:
	case CAUSE_MAP_TOO_SMALL:
	case CAUSE_ARCHIVE_OWNER:
		if (ids)
			return join_ids(w, m, layer, err);
		if (m->path)
			return join_path(w, m, layer, err);
		return m->cause == CAUSE_IMAGE_OWNER ? join_anything(w, m, layer, err)
						     : join_none(w, m, err);
	default:
		return join_none(w, m, err);
	}
}

static int join_one(struct joiner *w, struct explain_match *m, const char *ref_text,
		    struct error *err)
{
	struct explain_join *j = m->join = calloc(1, sizeof(*j));
	bool named;
	long layer;
	int r;

	if (!j)
		return err_nomem(err);
	j->image = strdup(ref_text);
	if (!j->image)
		return err_nomem(err);
	layer = layer_of(m, w->img, &named);
	r = join_by_cause(w, m, named ? layer : -1, err);
	if (r < 0)
		return r;
	if (j->made == MADE_BY_ENTRY && j->entry_count)
		m->layer = (long)j->entries[0].layer;
	else if (named && layer >= 0)
		m->layer = layer;
	return 0;
}

int explain_join(struct explain *x, struct image *img, const char *ref_text, struct error *err)
{
	struct joiner w = { .img = img };
	const struct source_image *s = img->source;
	int r = accounts_load(&w.accounts, img, err);

	if (r >= 0)
		r = exec_user_resolve(&w.user, &w.accounts,
				      s->has_config && s->config.user ? s->config.user : "", NULL,
				      0, err);
	for (size_t i = 0; i < x->match_count && r >= 0; i++)
		r = join_one(&w, &x->matches[i], ref_text, err);
	exec_user_free(&w.user);
	accounts_free(&w.accounts);
	return r < 0 ? r : 0;
}
