#include "host/problems.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/num.h"

#define FIRST_FREE   100000u /* SUB_UID_MIN of login.defs(5) */
#define USUAL_COUNT  65536u
#define NOBODY_COUNT 65534u /* with the user himself as 0, ids to 65534 */

struct judge {
	struct host_problems *out;
	const struct host *h;
	uint64_t free[2]; /* where the next unused range begins, by side */
	struct error *err;
	int r;
};

/* Mended by a range that nobody has. */
static bool wants_range(enum host_problem_kind k)
{
	return k == HOST_SUBID_OVERLAP || k == HOST_SUBID_TWICE || k == HOST_SUBID_OWN_ID ||
	       k == HOST_SUBID_HOLDS || k == HOST_SUBID_MISSING || k == HOST_SUBID_SMALL;
}

static void tell(struct judge *j, struct host_problem p)
{
	struct host_problem *list;

	if (j->r < 0)
		return;
	j->out->any |= !p.note;
	if (j->out->count == HOST_PROBLEMS_MAX) {
		j->out->dropped++;
		return;
	}
	list = reallocarray(j->out->list, j->out->count + 1, sizeof(*list));
	if (!list) {
		j->r = err_nomem(j->err);
		return;
	}
	j->out->list = list;
	if (wants_range(p.kind) && j->free[p.side] + USUAL_COUNT <= ID_INVALID) {
		p.free = (uint32_t)j->free[p.side];
		j->free[p.side] += USUAL_COUNT;
	}
	list[j->out->count++] = p;
}

static int by_start(const void *a, const void *b)
{
	const struct subid_line *const *x = a, *const *y = b;

	if ((*x)->span.start != (*y)->span.start)
		return (*x)->span.start < (*y)->span.start ? -1 : 1;
	return (*x)->line < (*y)->line ? -1 : (*x)->line > (*y)->line;
}

static uint64_t end_of(const struct subid_span *s)
{
	return (uint64_t)s->start + s->count;
}

/* The uid of a line's owner, by name or number; ID_INVALID where nobody has it. */
static uint32_t owner_id(const struct judge *j, const char *owner)
{
	uint32_t id;

	if (num_u32(owner, strlen(owner), &id))
		return id;
	for (size_t i = 0; i < j->h->account_count[SUBID_UID]; i++)
		if (strcmp(j->h->accounts[SUBID_UID][i].name, owner) == 0)
			return j->h->accounts[SUBID_UID][i].id;
	return ID_INVALID;
}

static bool same_owner(const struct judge *j, const char *a, const char *b)
{
	uint32_t id = owner_id(j, a);

	return strcmp(a, b) == 0 || (id != ID_INVALID && id == owner_id(j, b));
}

/* Each line against the one before it that reaches furthest. */
static void overlaps(struct judge *j, enum subid_kind side)
{
	const struct subid_file *f = &j->h->subid[side];
	const struct subid_line **sorted = calloc(f->count + 1, sizeof(const struct subid_line *));
	const struct subid_line *far = NULL;
	size_t n = 0;

	if (!sorted) {
		j->r = err_nomem(j->err);
		return;
	}
	for (size_t i = 0; i < f->count; i++)
		if (f->lines[i].bad == SUBID_GOOD)
			sorted[n++] = &f->lines[i];
	qsort(sorted, n, sizeof(const struct subid_line *), by_start);
	for (size_t i = 0; i < n; i++) {
		const struct subid_line *x = sorted[i];

		if (far && x->span.start < end_of(&far->span))
			tell(j, (struct host_problem){ .kind = same_owner(j, x->owner, far->owner)
								       ? HOST_SUBID_TWICE
								       : HOST_SUBID_OVERLAP,
						       .side = side,
						       .file = f->path,
						       .line = x->line,
						       .span = x->span,
						       .who = x->owner,
						       .other_line = far->line,
						       .other = far->owner });
		if (!far || end_of(&x->span) > end_of(&far->span))
			far = x;
	}
	free(sorted);
}

static void lines(struct judge *j, enum subid_kind side)
{
	const struct subid_file *f = &j->h->subid[side];

	for (size_t i = 0; i < f->count; i++) {
		const struct subid_line *x = &f->lines[i];

		if (x->bad == SUBID_GOOD)
			continue;
		tell(j, (struct host_problem){ .kind = x->bad == SUBID_EMPTY ? HOST_SUBID_EMPTY
									     : HOST_SUBID_MALFORMED,
					       .note = x->bad == SUBID_EMPTY,
					       .side = side,
					       .file = f->path,
					       .line = x->line,
					       .who = x->owner,
					       .text = x->text });
	}
}

/* The lowest account whose id the line holds, but the owner's own goes first. */
static const struct host_account *held(const struct judge *j, enum subid_kind side,
				       const struct subid_line *x)
{
	const struct host_account *found = NULL;
	uint32_t own = owner_id(j, x->owner);

	for (size_t k = 0; k < j->h->account_count[side]; k++) {
		const struct host_account *a = &j->h->accounts[side][k];

		if (a->id < x->span.start || a->id >= end_of(&x->span))
			continue;
		if (side == SUBID_UID && a->id == own)
			return a;
		if (!found || a->id < found->id)
			found = a;
	}
	return found;
}

/* Accounts of the host that somebody may become in a container; one of each line is told. */
static void holds(struct judge *j, enum subid_kind side)
{
	const struct subid_file *f = &j->h->subid[side];

	for (size_t i = 0; i < f->count; i++) {
		const struct subid_line *x = &f->lines[i];
		const struct host_account *a = x->bad == SUBID_GOOD ? held(j, side, x) : NULL;
		bool own = a && side == SUBID_UID && a->id == owner_id(j, x->owner);

		if (a)
			tell(j, (struct host_problem){ .kind = own ? HOST_SUBID_OWN_ID
								   : HOST_SUBID_HOLDS,
						       .side = side,
						       .file = f->path,
						       .line = x->line,
						       .span = x->span,
						       .who = x->owner,
						       .other = a->name,
						       .a = a->id });
	}
}

static void find_free(struct judge *j)
{
	uint64_t next = FIRST_FREE;

	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < j->h->subid[side].count; i++)
			if (j->h->subid[side].lines[i].bad == SUBID_GOOD)
				next = MAX(next, end_of(&j->h->subid[side].lines[i].span));
	j->free[0] = j->free[1] = next;
}

/* Each extent that an engine asks for must lie in one extent of the parent's map, or the kernel
 * says EPERM. */
static void outside(struct judge *j, const struct host_user *u, enum subid_kind side)
{
	const struct host_process *p = &j->h->process;
	const struct idmap *m = side == SUBID_UID ? &p->map.uid : &p->map.gid;
	/* Where both say the same, the file's know their lines. */
	const struct subid_spans *spans = u->asked && !subid_same(&u->file[side], &u->nss[side])
						  ? &u->nss[side]
						  : &u->file[side];

	for (size_t i = 0; p->nested && i < spans->count; i++) {
		const struct subid_span *s = &spans->spans[i];
		bool inside = false;

		for (size_t k = 0; k < m->count && !inside; k++)
			inside = s->start >= m->extents[k].container &&
				 end_of(s) <=
					 (uint64_t)m->extents[k].container + m->extents[k].count;
		if (!inside)
			tell(j, (struct host_problem){ .kind = HOST_SUBID_OUTSIDE,
						       .side = side,
						       .file = j->h->subid[side].path,
						       .line = s->line,
						       .span = *s,
						       .who = u->name });
	}
}

/* His own ranges. wanted: the least that an engine's images need; note: whether it matters here. */
static void ranges(struct judge *j, const struct host_user *u, uint64_t wanted, bool note)
{
	for (int k = 0; k < 2; k++) {
		enum subid_kind side = (enum subid_kind)k;
		const struct subid_spans *spans = host_spans(u, side);
		struct host_problem p = { .side = side,
					  .note = note,
					  .file = j->h->subid[k].path,
					  .who = u->name,
					  .a = subid_total(spans) };

		if (u->asked && !subid_same(&u->file[k], &u->nss[k])) {
			p.kind = HOST_SUBID_DIFFERS;
			tell(j, p);
		}
		if (p.a >= wanted) {
			outside(j, u, side);
			continue;
		}
		p.kind = p.a ? HOST_SUBID_SMALL : HOST_SUBID_MISSING;
		tell(j, p);
		outside(j, u, side);
	}
}

static void docker(struct judge *j)
{
	const struct host_docker *d = &j->h->docker;
	struct host_problem p = { .file = "/etc/docker/daemon.json", .who = d->user.name };

	if (d->unread) {
		p.kind = HOST_DOCKER_UNREAD;
		p.text = d->unread;
		tell(j, p);
	}
	if (!d->remap)
		return;
	if (d->remap_off) {
		p.kind = HOST_DOCKER_REMAP_OFF;
		p.text = d->remap;
		tell(j, p);
		return;
	}
	if (d->snapshotter) {
		p.kind = HOST_DOCKER_SNAPSHOTTER;
		tell(j, p);
	}
	/* "default" makes its user and his lines when the daemon starts. */
	p.note = strcmp(d->remap, "default") == 0;
	if (!d->user.known) {
		p.kind = HOST_DOCKER_NO_USER;
		tell(j, p);
	}
	ranges(j, &d->user, USUAL_COUNT - 1,
	       p.note && !d->user.file[0].count && !d->user.file[1].count);
}

static bool number(const char *text, uint32_t *out)
{
	return text && num_u32(text, strlen(text), out);
}

static void podman(struct judge *j)
{
	const struct host_podman *p = &j->h->podman;
	uint32_t least = 1024, most = USUAL_COUNT; /* containers-storage.conf(5) */

	if (p->ignore_chown_errors && strcmp(p->ignore_chown_errors, "true") == 0)
		tell(j, (struct host_problem){ .kind = HOST_PODMAN_IGNORES,
					       .file = p->path,
					       .line = p->ignore_line });
	(void)number(p->auto_min, &least);
	(void)number(p->auto_max, &most);
	if (least > most)
		tell(j, (struct host_problem){ .kind = HOST_PODMAN_AUTO_SIZES,
					       .file = p->path,
					       .a = least,
					       .b = most });
	/* Only who runs podman as root with --userns=auto needs them. */
	if (p->path && !j->h->user.uid)
		ranges(j, &p->auto_owner, least, true);
}

static void helpers(struct judge *j, bool note)
{
	for (size_t i = 0; i < 2; i++) {
		const struct host_helper *x = &j->h->helpers[i];
		struct host_problem p = { .note = note, .file = x->path, .who = x->name };

		p.kind = HOST_HELPER_MISSING;
		if (x->path)
			p.kind = x->setuid || x->capable ? HOST_HELPER_NOSUID
							 : HOST_HELPER_POWERLESS;
		if (!x->path || x->nosuid || p.kind == HOST_HELPER_POWERLESS)
			tell(j, p);
	}
	if (j->h->process.no_new_privs)
		tell(j, (struct host_problem){ .kind = HOST_NO_NEW_PRIVS, .note = note });
}

static void kernel(struct judge *j, bool ordinary)
{
	const struct host_kernel *k = &j->h->kernel;
	const struct host_process *p = &j->h->process;
	uint64_t ids = 0;

	if (!k->has_userns) {
		tell(j, (struct host_problem){ .kind = HOST_NO_USERNS });
		return;
	}
	if (k->max_user_namespaces == 0)
		tell(j, (struct host_problem){ .kind = HOST_USERNS_MAX });
	if (k->unprivileged_clone == 0)
		tell(j, (struct host_problem){ .kind = HOST_USERNS_CLONE, .note = !ordinary });
	if (k->apparmor_restrict > 0)
		tell(j, (struct host_problem){ .kind = HOST_APPARMOR, .note = !ordinary });
	if (!p->nested)
		return;
	for (size_t i = 0; i < p->map.uid.count; i++)
		ids += p->map.uid.extents[i].count;
	if (ids < USUAL_COUNT)
		tell(j, (struct host_problem){ .kind = HOST_NESTED_SMALL, .a = ids });
	if (p->setgroups_denied)
		tell(j, (struct host_problem){ .kind = HOST_SETGROUPS });
}

int host_judge(struct host_problems *out, const struct host *h, struct error *err)
{
	struct host_problems found = { 0 };
	struct judge j = { .out = &found, .h = h, .err = err };
	bool ordinary = h->user.uid != 0;

	find_free(&j);
	for (int side = 0; side < 2; side++) {
		lines(&j, (enum subid_kind)side);
		overlaps(&j, (enum subid_kind)side);
		holds(&j, (enum subid_kind)side);
	}
	if (ordinary)
		ranges(&j, &h->user, NOBODY_COUNT, false);
	docker(&j);
	podman(&j);
	helpers(&j, !ordinary);
	kernel(&j, ordinary);
	if (j.r < 0) {
		host_problems_free(&found);
		return j.r;
	}
	*out = found;
	return 0;
}

void host_problems_free(struct host_problems *p)
{
	free(p->list);
	*p = (struct host_problems){ 0 };
}

const char *host_problem_name(enum host_problem_kind k)
{
	static const char *const names[HOST_PROBLEM_COUNT] = {
		[HOST_SUBID_MALFORMED] = "subid-malformed",
		[HOST_SUBID_EMPTY] = "subid-empty",
		[HOST_SUBID_OVERLAP] = "subid-overlap",
		[HOST_SUBID_TWICE] = "subid-twice",
		[HOST_SUBID_OWN_ID] = "subid-own-id",
		[HOST_SUBID_HOLDS] = "subid-holds-account",
		[HOST_SUBID_MISSING] = "subid-missing",
		[HOST_SUBID_SMALL] = "subid-small",
		[HOST_SUBID_DIFFERS] = "subid-differs",
		[HOST_SUBID_OUTSIDE] = "subid-outside-namespace",
		[HOST_DOCKER_UNREAD] = "docker-unreadable",
		[HOST_DOCKER_REMAP_OFF] = "docker-remap-off",
		[HOST_DOCKER_NO_USER] = "docker-remap-user-missing",
		[HOST_DOCKER_SNAPSHOTTER] = "docker-remap-snapshotter",
		[HOST_PODMAN_IGNORES] = "podman-ignores-owners",
		[HOST_PODMAN_AUTO_SIZES] = "podman-auto-sizes",
		[HOST_HELPER_MISSING] = "helper-missing",
		[HOST_HELPER_POWERLESS] = "helper-unprivileged",
		[HOST_HELPER_NOSUID] = "helper-nosuid",
		[HOST_NO_NEW_PRIVS] = "no-new-privs",
		[HOST_NO_USERNS] = "no-user-namespaces",
		[HOST_USERNS_MAX] = "max-user-namespaces",
		[HOST_USERNS_CLONE] = "unprivileged-userns-clone",
		[HOST_APPARMOR] = "apparmor-restricts",
		[HOST_NESTED_SMALL] = "namespace-small",
		[HOST_SETGROUPS] = "setgroups-denied",
	};

	return names[k];
}
