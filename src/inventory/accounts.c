/* passwd and group as moby/sys/user reads them (user.go: ParsePasswdFilter, ParseGroupFilter),
 * which runc, docker, podman and containerd share: blanks around a line go, empty lines go,
 * comments go in group only; fields that are missing are empty or 0; an id that is no number is 0,
 * one out of range the nearest that a 64-bit number holds. So no line is ever refused, but one that
 * is too long for Go's scanner ends the reading with an error.
 */
#include "inventory/accounts.h"

#include <string.h>

#include "inventory/atoi.h"

#define PASSWD_LINE_MAX (64u << 10)   /* bufio.MaxScanTokenSize */
#define GROUP_LINE_MAX	(1024u << 10) /* what user.go gives its scanner for group */
#define FIELDS_MAX	4

struct field {
	const char *s;
	size_t n;
};

static void account_free(struct account *a)
{
	free(a->name);
	if (a->members)
		free(a->members[0]);
	free(a->members);
}

static void list_free(struct account *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		account_free(&list[i]);
	free(list);
}

void accounts_free(struct accounts *a)
{
	list_free(a->users, a->user_count);
	list_free(a->groups, a->group_count);
	*a = (struct accounts){ .passwd_layer = -1, .group_layer = -1 };
}

/* Bytes of the white space that s begins with, as Go's unicode.IsSpace has it, else 0. */
static size_t space_at(const char *s, size_t n)
{
	static const char wide[][4] = { "\xc2\x85",	"\xc2\xa0",	"\xe1\x9a\x80",
					"\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
					"\xe2\x81\x9f", "\xe3\x80\x80" };

	if (!n)
		return 0;
	if (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		if (n >= strlen(wide[i]) && memcmp(s, wide[i], strlen(wide[i])) == 0)
			return strlen(wide[i]);
	/* U+2000 to U+200A */
	return n > 2 && memcmp(s, "\xe2\x80", 2) == 0 && (uint8_t)s[2] >= 0x80 &&
			       (uint8_t)s[2] <= 0x8a
		       ? 3
		       : 0;
}

/* bytes.TrimSpace */
static struct field trim(const char *s, size_t n)
{
	size_t k;

	for (; (k = space_at(s, n)) != 0; n -= k)
		s += k;
	for (k = 1; k <= MIN(n, (size_t)3); k++) {
		if (space_at(s + n - k, k) != k)
			continue;
		n -= k;
		k = 0;
	}
	return (struct field){ s, n };
}

static size_t split(struct field line, struct field fields[FIELDS_MAX])
{
	size_t count = 0;

	while (count < FIELDS_MAX) {
		const char *colon = memchr(line.s, ':', line.n);
		size_t n = colon ? (size_t)(colon - line.s) : line.n;

		fields[count++] = (struct field){ line.s, n };
		if (!colon)
			break;
		line = (struct field){ colon + 1, line.n - n - 1 };
	}
	return count;
}

/* Go's strings may hold a NUL. One that does must match no name that can be asked for. */
static char *dup_field(struct field f)
{
	char *s = malloc(f.n + 1);

	for (size_t i = 0; s && i < f.n; i++)
		s[i] = f.s[i] ? f.s[i] : '\1';
	if (s)
		s[f.n] = '\0';
	return s;
}

/* "a,b" in one allocation of text and one of pointers. */
static int members(struct account *a, struct field list)
{
	size_t count = 1, i = 0;
	char *text;

	if (!list.n)
		return 0;
	for (size_t k = 0; k < list.n; k++)
		count += list.s[k] == ',';
	text = dup_field(list);
	a->members = calloc(count, sizeof(*a->members));
	if (!text || !a->members) {
		free(text);
		free(a->members);
		a->members = NULL;
		return -ERR_NOMEM;
	}
	a->members[i++] = text;
	for (; (text = strchr(text, ',')); text++) {
		*text = '\0';
		a->members[i++] = text + 1;
	}
	a->member_count = i;
	return 0;
}

static int take_line(struct account *out, struct field line, bool is_group, size_t number)
{
	struct field f[FIELDS_MAX];
	size_t count = split(line, f);

	*out = (struct account){ .line = number, .name = dup_field(f[0]) };
	if (!out->name)
		return -ERR_NOMEM;
	if (count > 2)
		atoi_go(f[2].s, f[2].n, &out->id);
	if (count <= 3)
		return 0;
	if (is_group)
		return members(out, f[3]);
	atoi_go(f[3].s, f[3].n, &out->gid);
	return 0;
}

struct reading {
	bool is_group;
	struct account *list;
	size_t count, cap, max;
	const char *unread;
};

static int take(struct reading *r, struct field line, size_t number)
{
	line = trim(line.s, line.n);
	if (!line.n || (r->is_group && line.s[0] == '#'))
		return 0;
	if (r->count >= r->max) {
		r->unread = "it has more lines than limit accounts";
		return 0;
	}
	if (r->count == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 32;
		struct account *grown = realloc(r->list, cap * sizeof(*grown));

		if (!grown)
			return -ERR_NOMEM;
		r->list = grown;
		r->cap = cap;
	}
	if (take_line(&r->list[r->count], line, r->is_group, number) < 0) {
		account_free(&r->list[r->count]);
		return -ERR_NOMEM;
	}
	r->count++;
	return 0;
}

int accounts_parse(struct account **list, size_t *count, const char *text, size_t n, bool is_group,
		   size_t max, const char **unread, bool *refused, struct error *err)
{
	const size_t line_max = is_group ? GROUP_LINE_MAX : PASSWD_LINE_MAX;
	struct reading r = { .is_group = is_group, .max = max };

	for (size_t i = 0, number = 1; i < n && !r.unread; number++) {
		const char *end = memchr(text + i, '\n', n - i);
		size_t len = end ? (size_t)(end - text) - i : n - i;

		if (len >= line_max) {
			r.unread = "it has a line that is longer than engines read";
			*refused = true;
		} else if (take(&r, (struct field){ text + i, len }, number) < 0) {
			list_free(r.list, r.count);
			return err_nomem(err);
		}
		i += len + 1;
	}
	*list = r.list;
	*count = r.count;
	*unread = r.unread;
	return 0;
}

static int load(struct accounts *a, struct image *img, bool is_group, struct error *err)
{
	const char *path = is_group ? "etc/group" : "etc/passwd";
	const char **unread = is_group ? &a->group_unread : &a->passwd_unread;
	const struct limits defaults = limits_default();
	const struct limits *limits = img->limits ? img->limits : &defaults;
	const struct inv_file *file;
	size_t layer;
	int r = image_file(img, path, &file, &layer, unread, err);

	if (r < 0)
		return err_wrap(err, "%s", path);
	*(is_group ? &a->has_group : &a->has_passwd) = file || *unread;
	if (file) {
		*(is_group ? &a->group_layer : &a->passwd_layer) = (long)layer;
		r = accounts_parse(is_group ? &a->groups : &a->users,
				   is_group ? &a->group_count : &a->user_count,
				   (const char *)file->data, file->len, is_group,
				   (size_t)limits->v[LIMIT_ACCOUNTS], unread,
				   is_group ? &a->group_refused : &a->passwd_refused, err);
	}
	if (!a->unread)
		a->unread = *unread;
	return r;
}

int accounts_load(struct accounts *out, struct image *img, struct error *err)
{
	int r;

	*out = (struct accounts){ .passwd_layer = -1, .group_layer = -1 };
	r = load(out, img, false, err);
	if (r == 0)
		r = load(out, img, true, err);
	if (r < 0)
		accounts_free(out);
	return r;
}

static const struct account *by_id(const struct account *list, size_t count, int64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].id == id)
			return &list[i];
	return NULL;
}

const struct account *accounts_user_by_id(const struct accounts *a, int64_t uid)
{
	return by_id(a->users, a->user_count, uid);
}

const struct account *accounts_group_by_id(const struct accounts *a, int64_t gid)
{
	return by_id(a->groups, a->group_count, gid);
}
