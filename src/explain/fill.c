/* Sentences of the tables with their {placeholders} filled. */
#include "explain/work.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

struct fill {
	const struct explain *x;
	const struct explain_match *m;
	const struct explain_found *f;
	bool command;
};

size_t match_numbers(const struct explain_match *m, int64_t out[2])
{
	size_t n = 0;

	if (m->has_uid)
		out[n++] = m->uid;
	if (m->has_gid)
		out[n++] = m->gid;
	if (!n && m->has_id)
		out[n++] = m->id;
	return n;
}

bool match_main_id(const struct explain_match *m, int64_t *out)
{
	int64_t ids[2];
	size_t n = match_numbers(m, ids);

	if (!n)
		return false;
	*out = n == 2 && ids[0] >= 0 && ids[0] < 65536 && (ids[1] < 0 || ids[1] > 65535) ? ids[1]
											 : ids[0];
	return true;
}

/* True where a shell takes it as it stands: logs may hold $(...). */
static bool is_plain(const char *s)
{
	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._/@+:=-", *p))
			return false;
	return *s && *s != '-';
}

static int put_text(struct buf *out, const struct fill *c, const char *s)
{
	if (!s || !*s || (c->command && !is_plain(s)))
		return 1;
	return buf_append_str(out, s);
}

static int put_number(struct buf *out, bool known, int64_t v)
{
	return known ? buf_printf(out, "%" PRId64, v) : 1;
}

static int put_what(struct buf *out, const struct explain_match *m)
{
	static const char *const kinds[] = { "id", "uid", "gid" };

	if (m->has_uid && m->has_gid)
		return buf_printf(out, "%" PRId64 ":%" PRId64, m->uid, m->gid);
	if (m->has_id)
		return buf_printf(out, "%s %" PRId64, kinds[m->kind], m->id);
	return buf_append_str(out, "an id that the message does not name");
}

static int put_package(struct buf *out, const struct explain_owner *o)
{
	return buf_printf(out, "%s%s%s", o->package, o->version[0] ? " " : "", o->version);
}

/* "1516583083:0" as the table has it, where it is one number each. */
static int put_known(struct buf *out, const struct explain_owner *o)
{
	bool uid = o->uids.count == 1 && o->uids.ranges[0].first == o->uids.ranges[0].last;
	bool gid = o->gids.count == 1 && o->gids.ranges[0].first == o->gids.ranges[0].last;

	if (uid && gid)
		return buf_printf(out, "%" PRId64 ":%" PRId64, o->uids.ranges[0].first,
				  o->gids.ranges[0].first);
	if (uid || gid)
		return buf_printf(out, "%s %" PRId64, uid ? "uid" : "gid",
				  uid ? o->uids.ranges[0].first : o->gids.ranges[0].first);
	return 1;
}

/* The first known owner among the readings. */
static const struct explain_owner *owner_of(const struct fill *c)
{
	if (c->f)
		return c->f->owner;
	for (size_t i = 0; i < c->m->reading_count; i++)
		if (c->m->readings[i].owner)
			return c->m->readings[i].owner;
	return NULL;
}

static int put_owner(struct buf *out, const struct fill *c, const char *name)
{
	const struct explain_owner *o = owner_of(c);
	int r;

	if (!o)
		return 1;
	if (!strcmp(name, "package"))
		return put_package(out, o);
	if (!strcmp(name, "tool"))
		return buf_append_str(out, o->tool->why);
	if (!strcmp(name, "mend"))
		return buf_append_str(out, o->tool->mend);
	r = put_known(out, o);
	if (r == 1 && c->f)
		r = buf_printf(out, "%" PRId64, c->f->id);
	return r;
}

static int put_id(struct buf *out, const struct fill *c, const char *name)
{
	int64_t id = 0;
	bool known = c->f != NULL;

	if (known)
		id = c->f->id;
	else
		known = match_main_id(c->m, &id);
	if (!known)
		return 1;
	if (!strcmp(name, "count"))
		return put_number(out, id >= 0 && id < ID_INVALID, id + 1);
	if (!strcmp(name, "unsigned"))
		return buf_printf(out, "%" PRIu32, (uint32_t)(uint64_t)id);
	/* A negative number, or one above 32 bits, is in no map and on no disk. */
	return put_number(out, !c->command || (id >= 0 && id < ID_INVALID), id);
}

/* " --for circleci" for uidfit's own commands: the platform's name, or that of the engine's target.
 */
static int put_for(struct buf *out, const struct explain_match *m)
{
	const char *name = m->platform ? m->platform->name
			   : m->engine ? explain_engines[m->engine - explain_engines].target
				       : NULL;

	if (!name || !strcmp(name, "docker"))
		return 0;
	return buf_printf(out, " --for %s", name);
}

static int put(struct buf *out, const struct fill *c, const char *name)
{
	const struct explain_match *m = c->m;

	if (!strcmp(name, "id") || !strcmp(name, "count") || !strcmp(name, "unsigned"))
		return put_id(out, c, name);
	if (!strcmp(name, "uid"))
		return put_number(out, m->has_uid, m->uid);
	if (!strcmp(name, "gid"))
		return put_number(out, m->has_gid, m->gid);
	if (!strcmp(name, "what"))
		return put_what(out, m);
	if (!strcmp(name, "path"))
		return put_text(out, c, m->path);
	if (!strcmp(name, "name"))
		return put_text(out, c, m->name);
	if (!strcmp(name, "from"))
		return put_text(out, c, m->from);
	if (!strcmp(name, "size"))
		return put_text(out, c, m->size);
	if (!strcmp(name, "max"))
		return buf_append_str(out, "65536");
	if (!strcmp(name, "image"))
		return c->x->work->opts.image ? put_text(out, c, c->x->work->opts.image)
					      : buf_append_str(out, "IMAGE");
	if (!strcmp(name, "platform"))
		return m->platform ? buf_append_str(out, m->platform->title) : 1;
	if (!strcmp(name, "for"))
		return put_for(out, m);
	if (!strcmp(name, "base"))
		return put_number(out, c->f != NULL, c->f ? c->f->base : 0);
	if (!strcmp(name, "offset"))
		return put_number(out, c->f != NULL, c->f ? c->f->offset : 0);
	if (!strcmp(name, "factor"))
		return put_number(out, c->f != NULL, c->f ? c->f->base / 65536 : 0);
	return put_owner(out, c, name);
}

static bool is_fill(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)s[i]))
			return false;
	return n > 0 && n < 16;
}

int fill_text(struct buf *out, const char *text, const struct explain *x,
	      const struct explain_match *m, const struct explain_found *f, bool command,
	      struct error *err)
{
	struct fill c = { x, m, f, command };
	size_t start = out->len;
	int r = 0;

	while (r == 0 && *text) {
		size_t n = strcspn(text, "{"), len;
		char name[16];

		r = buf_append(out, text, n);
		text += n;
		if (r < 0 || !*text)
			break;
		len = strcspn(text + 1, "}");
		if (!is_fill(text + 1, len) || text[1 + len] != '}') {
			r = buf_append(out, text++, 1);
			continue;
		}
		memcpy(name, text + 1, len);
		name[len] = '\0';
		r = put(out, &c, name);
		text += len + 2;
	}
	if (r == 0)
		return 0;
	out->len = start;
	if (out->data)
		out->data[start] = '\0';
	return r < 0 ? err_nomem(err) : 1;
}
