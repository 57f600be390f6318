#include "fix/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"

/* Where a moved id goes first: above what distributions give to users (1000 up) and below what
 * systemd takes for itself (60001 up). Then whatever is left, system ids last. */
static const struct id_range bands[] = { { 10000, 60000 }, { 60001, 65533 },
					 { 1000, 9999 },   { 65536, ID_INVALID - 1 },
					 { 100, 999 },	   { 1, 99 } };

const char *fix_why_name(enum fix_why why)
{
	static const char *const names[FIX_WHY_COUNT] = {
		[FIX_STAYS] = "stays",	       [FIX_WHY_NAMED] = "named",
		[FIX_WHY_UNNAMED] = "unnamed", [FIX_WHY_SETUID] = "keep-setuid",
		[FIX_WHY_COMPACT] = "compact", [FIX_WHY_TO] = "to",
		[FIX_WHY_ASKED] = "asked",     [FIX_WHY_LIKE] = "like",
		[FIX_WHY_FOLDED] = "folded",
	};

	return names[why];
}

bool fix_id_is_reserved(uint32_t id)
{
	return id == ID_OVERFLOW || id == 65535;
}

int fix_ids_add(struct fix_ids *ids, bool is_gid, int64_t id, unsigned uses, const char *name,
		struct error *err)
{
	struct fix_side *side = is_gid ? &ids->gid : &ids->uid;
	struct fix_id *row;

	if (side->count && side->ids[side->count - 1].old == id && !name) {
		side->ids[side->count - 1].uses |= uses;
		return 0;
	}
	if (side->count == side->cap) {
		size_t cap = side->cap ? side->cap * 2 : 64;
		struct fix_id *grown = reallocarray(side->ids, cap, sizeof(*grown));

		if (!grown)
			return err_nomem(err);
		side->ids = grown;
		side->cap = cap;
	}
	row = &side->ids[side->count];
	*row = (struct fix_id){ .old = id, .uses = uses };
	if (name) {
		row->name = strdup(name);
		if (!row->name)
			return err_nomem(err);
	}
	side->count++;
	return 0;
}

/* Equal ids keep the order of their names, so that the first account is told. */
static int compare(const void *a, const void *b)
{
	const struct fix_id *x = a, *y = b;

	if (x->old != y->old)
		return x->old < y->old ? -1 : 1;
	if (!x->name || !y->name)
		return !x->name - !y->name;
	return strcmp(x->name, y->name);
}

static void side_tidy(struct fix_side *side)
{
	size_t kept = 0;

	if (side->count)
		qsort(side->ids, side->count, sizeof(*side->ids), compare);
	for (size_t i = 0; i < side->count; i++) {
		if (kept && side->ids[kept - 1].old == side->ids[i].old) {
			side->ids[kept - 1].uses |= side->ids[i].uses;
			free(side->ids[i].name);
			continue;
		}
		side->ids[kept++] = side->ids[i];
	}
	side->count = kept;
}

void fix_ids_tidy(struct fix_ids *ids)
{
	side_tidy(&ids->uid);
	side_tidy(&ids->gid);
}

static int compare_old(const void *key, const void *row)
{
	int64_t x = *(const int64_t *)key, y = ((const struct fix_id *)row)->old;

	return x < y ? -1 : x > y;
}

struct fix_id *fix_ids_find(const struct fix_ids *ids, bool is_gid, int64_t id)
{
	const struct fix_side *side = is_gid ? &ids->gid : &ids->uid;

	return side->count ? bsearch(&id, side->ids, side->count, sizeof(*side->ids), compare_old)
			   : NULL;
}

static void side_free(struct fix_side *side)
{
	for (size_t i = 0; i < side->count; i++) {
		free(side->ids[i].name);
		free(side->ids[i].layers);
	}
	free(side->ids);
}

void fix_ids_free(struct fix_ids *ids)
{
	side_free(&ids->uid);
	side_free(&ids->gid);
	*ids = (struct fix_ids){ 0 };
}

static bool parse_new(const char *s, size_t n, uint32_t *out)
{
	return num_u32(s, n, out) && *out != ID_INVALID && !fix_id_is_reserved(*out);
}

int fix_policy_parse_to(struct fix_policy *p, const char *text, struct error *err)
{
	static const char *const words[] = {
		[FIX_TO_AUTO] = "auto", [FIX_TO_ROOT] = "root", [FIX_TO_COMPACT] = "compact"
	};
	size_t n = strcspn(text, ":");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(text, words[i]) == 0) {
			p->to = (enum fix_to)i;
			return 0;
		}
	p->to = FIX_TO_IDS;
	if (parse_new(text, n, &p->to_uid)) {
		p->to_gid = p->to_uid;
		if (!text[n] || parse_new(text + n + 1, strlen(text + n + 1), &p->to_gid))
			return 0;
	}
	return err_fail(err, ERR_USAGE, 0,
			"--to %.80s: expected auto, root, compact, UID or UID:GID (never 65534 or "
			"65535, which mean nobody)",
			text);
}

/* As useradd(8) takes them, and a little more: what no number can be. */
static bool is_name(const char *s, size_t n)
{
	if (!n || strchr("0123456789-+.", *s))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || strchr(":=,/", s[i]))
			return false;
	return true;
}

int fix_pair_parse(struct fix_pair *out, const char *text, bool is_gid, struct error *err)
{
	size_t n = strcspn(text, "=");

	const char *new = text[n] ? text + n + 1 : "";

	*out = (struct fix_pair){ .is_gid = is_gid };
	if (is_name(text, n))
		out->old_name = text;
	else if (!num_i64(text, n, &out->old))
		new = "";
	if (is_name(new, strlen(new)))
		out->new_name = new;
	if (out->new_name || parse_new(new, strlen(new), &out->new))
		return 0;
	return err_fail(
		err, ERR_USAGE, 0,
		"--%s %.80s: expected OLD=NEW, numbers or names of the image (NEW never 65534 or "
		"65535, which mean nobody)",
		is_gid ? "group" : "owner", text);
}

/* One side at work. */
struct side_work {
	struct fix_side *side;
	bool is_gid;
	const struct idset *map;
	struct idset free_ids; /* of the map, not used by the image */
	struct fix_id **wants; /* rows that want an id of their own, by old */
	size_t want_count;
};

static const char *kind(const struct side_work *w)
{
	return w->is_gid ? "gid" : "uid";
}

static bool is_outside(const struct side_work *w, int64_t id)
{
	return id < 0 || id >= ID_INVALID || !idset_has(w->map, (uint32_t)id);
}

static const struct fix_pair *pair_of(const struct fix_policy *p, bool is_gid, int64_t old)
{
	for (size_t i = p->pair_count; i-- > 0;)
		if (p->pairs[i].is_gid == is_gid && p->pairs[i].old == old)
			return &p->pairs[i];
	return NULL;
}

static void set(struct fix_id *id, enum fix_why why, uint32_t new)
{
	id->why = (int64_t) new == id->old ? FIX_STAYS : why;
	id->new = new;
}

static int not_held(const struct side_work *w, uint32_t id, const char *option, struct error *err)
{
	return err_fail(err, ERR_DENIED, 0, "%s: %s %" PRIu32 " is not in the map of every target",
			option, kind(w), id);
}

static int asked(const struct side_work *w, const struct fix_pair *pair, struct fix_id *id,
		 bool *done, struct error *err)
{
	bool held = idset_has(w->map, pair->new);

	*done = held;
	if (held)
		set(id, pair->like ? FIX_WHY_LIKE : FIX_WHY_ASKED, pair->new);
	else if (!pair->like)
		return not_held(w, pair->new, w->is_gid ? "--group" : "--owner", err);
	return 0;
}

/* What the policy says of one id; *wants where it is to get an id of its own. */
static int decide(const struct fix_policy *p, const struct side_work *w, struct fix_id *id,
		  bool *wants, struct error *err)
{
	const struct fix_pair *pair = pair_of(p, w->is_gid, id->old);
	bool special = p->keep_setuid && id->uses & FIX_USE_SPECIAL, done = false;
	int r = pair ? asked(w, pair, id, &done, err) : 0;

	*wants = false;
	if (r < 0 || done || !is_outside(w, id->old))
		return r;
	/* Only whiteouts have it: they need no owner. */
	if (!(id->uses & ~(unsigned)FIX_USE_SPECIAL))
		return 0;
	if (p->to == FIX_TO_COMPACT || special ||
	    (p->to == FIX_TO_AUTO && id->uses & (FIX_USE_ACCOUNT | FIX_USE_NUMBER))) {
		id->why = p->to == FIX_TO_COMPACT ? FIX_WHY_COMPACT
			  : id->uses & (FIX_USE_ACCOUNT | FIX_USE_NUMBER) && p->to == FIX_TO_AUTO
				  ? FIX_WHY_NAMED
				  : FIX_WHY_SETUID;
		*wants = true;
		return 0;
	}
	if (p->to == FIX_TO_IDS) {
		uint32_t new = w->is_gid ? p->to_gid : p->to_uid;

		if (!idset_has(w->map, new))
			return not_held(w, new, "--to", err);
		set(id, FIX_WHY_TO, new);
		return 0;
	}
	if (!idset_has(w->map, 0))
		return not_held(w, 0, "root", err);
	set(id, p->to == FIX_TO_ROOT ? FIX_WHY_TO : FIX_WHY_UNNAMED, 0);
	return 0;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Free: in the map, no id of the image, given to none, never root or a reserved one. */
static int find_free(const struct fix_policy *p, struct side_work *w, struct error *err)
{
	static const uint32_t never[] = { 0, ID_OVERFLOW, 65535 };
	size_t cap = w->side->count + p->pair_count + ARRAY_SIZE(never), n = 0;
	_cleanup_(freep) uint32_t *taken = reallocarray(NULL, cap, sizeof(*taken));

	if (!taken)
		return err_nomem(err);
	memcpy(taken, never, sizeof(never));
	n = ARRAY_SIZE(never);
	for (size_t i = 0; i < w->side->count; i++)
		if (w->side->ids[i].old >= 0 && w->side->ids[i].old < ID_INVALID)
			taken[n++] = (uint32_t)w->side->ids[i].old;
	for (size_t i = 0; i < p->pair_count; i++)
		if (p->pairs[i].is_gid == w->is_gid)
			taken[n++] = p->pairs[i].new;
	qsort(taken, n, sizeof(*taken), compare_u32);
	return idset_without(&w->free_ids, w->map, taken, n, err);
}

static int prepare(const struct fix_policy *p, struct side_work *w, struct error *err)
{
	int r = find_free(p, w, err);

	w->wants = calloc(w->side->count + 1, sizeof(*w->wants));
	if (!w->wants)
		return err_nomem(err);
	for (size_t i = 0; i < w->side->count && r == 0; i++) {
		bool wants;

		r = decide(p, w, &w->side->ids[i], &wants, err);
		if (r == 0 && wants)
			w->wants[w->want_count++] = &w->side->ids[i];
	}
	return r;
}

/* The n ids (there are as many) that the bands put first, sorted. */
static void take_free(uint32_t *out, size_t n, const struct idset *from)
{
	size_t got = 0;

	for (size_t b = 0; b < ARRAY_SIZE(bands) && got < n; b++)
		for (size_t i = 0; i < from->count && got < n; i++) {
			uint32_t first = MAX(from->ranges[i].first, bands[b].first);
			uint32_t last = MIN(from->ranges[i].last, bands[b].last);

			for (uint64_t id = first; id <= last && got < n; id++)
				out[got++] = (uint32_t)id;
		}
	qsort(out, got, sizeof(*out), compare_u32);
}

static void give(struct fix_id *id, uint32_t new)
{
	id->new = new;
	id->own = true;
}

/* Old ids that users and groups share stay equal where both sides have room enough. */
static int give_together(struct side_work w[2], bool *done, struct error *err)
{
	struct idset both = { 0 };
	size_t n = 0, i[2] = { 0, 0 };
	uint32_t *ids = NULL;
	int r = idset_common(&both, &w[0].free_ids, &w[1].free_ids, err);

	*done = false;
	for (; r == 0 && (i[0] < w[0].want_count || i[1] < w[1].want_count); n++) {
		int64_t a = i[0] < w[0].want_count ? w[0].wants[i[0]]->old : INT64_MAX;
		int64_t b = i[1] < w[1].want_count ? w[1].wants[i[1]]->old : INT64_MAX;

		i[0] += a <= b && i[0] < w[0].want_count;
		i[1] += b <= a && i[1] < w[1].want_count;
	}
	if (r == 0 && idset_size(&both) >= n) {
		ids = reallocarray(NULL, n + 1, sizeof(*ids));
		r = ids ? 0 : err_nomem(err);
		*done = ids != NULL;
	}
	if (*done)
		take_free(ids, n, &both);
	i[0] = i[1] = 0;
	for (size_t k = 0; *done && k < n; k++) {
		int64_t a = i[0] < w[0].want_count ? w[0].wants[i[0]]->old : INT64_MAX;
		int64_t b = i[1] < w[1].want_count ? w[1].wants[i[1]]->old : INT64_MAX;

		if (a <= b && i[0] < w[0].want_count)
			give(w[0].wants[i[0]++], ids[k]);
		if (b <= a && i[1] < w[1].want_count)
			give(w[1].wants[i[1]++], ids[k]);
	}
	free(ids);
	idset_free(&both);
	return r;
}

static bool owns_nothing(const struct fix_id *id)
{
	return !(id->uses & (FIX_USE_OWNER | FIX_USE_PROCESS | FIX_USE_NUMBER));
}

static int too_small(const struct side_work *w, uint64_t room, size_t needed, struct error *err)
{
	char sample[120] = "";
	size_t used = 0;

	for (size_t i = 0; i < w->want_count && used < 80; i++)
		if (!owns_nothing(w->wants[i]))
			used += (size_t)snprintf(sample + used, sizeof(sample) - used, "%s%" PRId64,
						 used ? ", " : "", w->wants[i]->old);
	return err_fail(err, ERR_DENIED, 0,
			"the map is too small: %zu %ss want one of their own (%s%s), and %" PRIu64
			" of the %" PRIu64 " in it %s free: --fold lets those left over share one, "
			"--to root makes all root",
			needed, kind(w), sample, used >= 80 ? ", ..." : "", room,
			idset_size(w->map), room == 1 ? "is" : "are");
}

/* Where there is not room for all, accounts that own nothing stay as they are. */
static int give_apart(const struct fix_policy *p, struct side_work *w, struct error *err)
{
	uint64_t room = idset_size(&w->free_ids);
	size_t needed = 0, kept = 0, n;
	uint32_t *ids;

	for (size_t i = 0; i < w->want_count; i++)
		needed += !owns_nothing(w->wants[i]);
	if (needed > room && !p->fold)
		return too_small(w, room, needed, err);
	if (w->want_count > room) {
		uint64_t spare = room > needed ? room - needed : 0;

		for (size_t i = 0; i < w->want_count; i++) {
			if (owns_nothing(w->wants[i]) && !(spare && spare--)) {
				w->wants[i]->why = FIX_STAYS;
				w->wants[i]->left = true;
				continue;
			}
			w->wants[kept++] = w->wants[i];
		}
		w->want_count = kept;
	}
	n = (size_t)MIN((uint64_t)w->want_count, room);
	ids = reallocarray(NULL, n + 1, sizeof(*ids));
	if (!ids)
		return err_nomem(err);
	take_free(ids, n, &w->free_ids);
	for (size_t i = 0; i < w->want_count; i++) {
		if (i + 1 < n || w->want_count == n) {
			give(w->wants[i], ids[i]);
			continue;
		}
		w->wants[i]->why = FIX_WHY_FOLDED;
		w->wants[i]->new = n ? ids[n - 1] : 0;
	}
	free(ids);
	return n || !w->want_count || idset_has(w->map, 0) ? 0 : not_held(w, 0, "--fold", err);
}

/* An id that was asked for is a user's own where no other of the image has it or gets it. */
static bool is_own(const struct fix_side *side, const struct fix_id *id)
{
	if (!id->new)
		return false;
	for (size_t i = 0; i < side->count; i++) {
		const struct fix_id *other = &side->ids[i];

		if (other != id &&
		    (other->old == id->new || (other->why != FIX_STAYS && other->new == id->new)))
			return false;
	}
	return true;
}

static void judge_asked(struct fix_side *side)
{
	for (size_t i = 0; i < side->count; i++)
		if (side->ids[i].why == FIX_WHY_ASKED || side->ids[i].why == FIX_WHY_LIKE)
			side->ids[i].own = is_own(side, &side->ids[i]);
}

int fix_policy_apply(const struct fix_policy *p, const struct fix_maps *maps, struct fix_ids *ids,
		     struct error *err)
{
	struct side_work w[2] = {
		{ .side = &ids->uid, .is_gid = false, .map = &maps->uid },
		{ .side = &ids->gid, .is_gid = true, .map = &maps->gid },
	};
	bool done = false;
	int r = prepare(p, &w[0], err);

	if (r == 0)
		r = prepare(p, &w[1], err);
	if (r == 0)
		r = give_together(w, &done, err);
	for (size_t i = 0; i < 2 && r == 0 && !done; i++)
		r = give_apart(p, &w[i], err);
	for (size_t i = 0; i < 2; i++) {
		judge_asked(w[i].side);
		idset_free(&w[i].free_ids);
		free(w[i].wants);
	}
	return r;
}
