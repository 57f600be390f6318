#include "source/members.h"

#include <stdlib.h>
#include <string.h>

#define LINK_HOPS_MAX 16 /* docker writes one; a loop ends here */

bool member_clean(char out[MEMBER_NAME_MAX + 1], const char *name, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n;) {
		const char *slash = memchr(name + i, '/', n - i);
		size_t len = slash ? (size_t)(slash - (name + i)) : n - i;
		const char *part = name + i;

		i += len + 1;
		if (!len || (len == 1 && part[0] == '.'))
			continue;
		if (len == 2 && part[0] == '.' && part[1] == '.') {
			if (!used)
				return false;
			while (used && out[used - 1] != '/')
				used--;
			used -= used > 0;
			continue;
		}
		if (used + len + 1 > MEMBER_NAME_MAX)
			return false;
		if (used)
			out[used++] = '/';
		memcpy(out + used, part, len);
		used += len;
	}
	out[used] = '\0';
	return used > 0;
}

/* A symlink is relative to its directory, a hard link to the archive. "" for what leaves the
 * archive. */
static char *clean_link(const char *name, const struct tar_entry *e)
{
	char joined[2 * MEMBER_NAME_MAX + 2], out[MEMBER_NAME_MAX + 1];
	const char *slash = strrchr(name, '/');
	size_t dir = e->type == TAR_SYMLINK && slash ? (size_t)(slash - name) + 1 : 0;

	if (e->link_len > MEMBER_NAME_MAX || (e->type == TAR_SYMLINK && e->link[0] == '/'))
		return strdup("");
	memcpy(joined, name, dir);
	memcpy(joined + dir, e->link, e->link_len);
	return strdup(member_clean(out, joined, dir + e->link_len) ? out : "");
}

static int grow(struct members *m, struct error *err)
{
	size_t cap = m->cap ? m->cap * 2 : 64;
	struct member *v;

	if (m->count < m->cap)
		return 0;
	v = reallocarray(m->v, cap, sizeof(*v));
	if (!v)
		return err_nomem(err);
	m->v = v;
	m->cap = cap;
	return 0;
}

int members_add(struct members *m, const struct tar_entry *e, struct member **out,
		struct error *err)
{
	char name[MEMBER_NAME_MAX + 1];
	bool is_link = e->type == TAR_HARDLINK || e->type == TAR_SYMLINK;
	struct member *new;
	int r;

	*out = NULL;
	if ((e->type != TAR_REG && !is_link) || memchr(e->name, '\0', e->name_len) ||
	    !member_clean(name, e->name, e->name_len))
		return 0;
	r = grow(m, err);
	if (r)
		return r;
	new = &m->v[m->count];
	*new = (struct member){ .offset = e->body_offset,
				.size = e->body_size,
				.sequence = m->count,
				.sparse = e->was_sparse };
	new->name = strdup(name);
	new->link = is_link ? clean_link(name, e) : NULL;
	if (!new->name || (is_link && !new->link)) {
		free(new->name);
		free(new->link);
		return err_nomem(err);
	}
	m->count++;
	*out = new;
	return 0;
}

static void member_done(struct member *m)
{
	free(m->name);
	free(m->link);
	free(m->data);
}

static int by_name(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

void members_finish(struct members *m, struct notes *notes)
{
	size_t kept = 0;

	if (m->count)
		qsort(m->v, m->count, sizeof(*m->v), by_name);
	for (size_t i = 0; i < m->count; i++) {
		if (i + 1 < m->count && strcmp(m->v[i].name, m->v[i + 1].name) == 0) {
			char text[200];

			notes_add(notes, "the archive holds '%s' more than once: the last counts",
				  err_text(text, sizeof(text), m->v[i].name, strlen(m->v[i].name)));
			member_done(&m->v[i]);
			continue;
		}
		m->v[kept++] = m->v[i];
	}
	m->count = kept;
	m->sorted = true;
}

static int compare_name(const void *key, const void *element)
{
	return strcmp(key, ((const struct member *)element)->name);
}

const struct member *members_find(const struct members *m, const char *name)
{
	char clean[MEMBER_NAME_MAX + 1];

	if (!m->count || !m->sorted || !member_clean(clean, name, strlen(name)))
		return NULL;
	name = clean;
	for (int hop = 0; hop <= LINK_HOPS_MAX; hop++) {
		const struct member *found =
			bsearch(name, m->v, m->count, sizeof(*m->v), compare_name);

		if (!found || !found->link)
			return found;
		name = found->link;
	}
	return NULL;
}

int member_stored(const struct member *m, struct stored *out, struct error *err)
{
	char text[200];

	if (m->sparse)
		return err_fail(err, ERR_UNSUPPORTED, 0,
				"'%s' is stored as a sparse file: make the archive again without "
				"--sparse",
				err_text(text, sizeof(text), m->name, strlen(m->name)));
	memcpy(out->name, m->name, strlen(m->name) + 1);
	out->size = m->size;
	out->layer = m->layer;
	return 0;
}

void members_free(struct members *m)
{
	for (size_t i = 0; i < m->count; i++)
		member_done(&m->v[i]);
	free(m->v);
	*m = (struct members){ 0 };
}
