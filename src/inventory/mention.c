#include "inventory/mention.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void undecided(struct mention_work *w)
{
	if (w->out->flags & INV_MENTIONS_UNDECIDED)
		return;
	w->out->flags |= INV_MENTIONS_UNDECIDED;
	w->out->line = w->line;
}

static void add(struct mention_work *w, bool is_gid, const char *s, size_t n)
{
	struct inv_mentions *m = w->out;
	struct inv_mention *grown;
	int64_t id;

	if (!num_i64(s, n, &id) || id < MENTION_LEAST)
		return;
	for (size_t i = 0; i < m->count; i++)
		if (m->ids[i].id == id && m->ids[i].is_gid == is_gid)
			return;
	if (m->count == MENTIONS_IN_FILE) {
		m->flags |= INV_MENTIONS_MORE;
		return;
	}
	/* Grows by doubling: a power of two is full. */
	if (!(m->count & (m->count - 1))) {
		grown = reallocarray(m->ids, m->count ? m->count * 2 : 1, sizeof(*grown));
		if (!grown) {
			w->failed = -ERR_NOMEM;
			return;
		}
		m->ids = grown;
	}
	m->ids[m->count++] = (struct inv_mention){ .id = id, .line = w->line, .is_gid = is_gid };
}

/* N, with the sign of chown ("+": never a name) or of sudo ("#") before it. */
static void add_id(struct mention_work *w, bool is_gid, const char *s, size_t n)
{
	const char *fallback;
	size_t digits = 0;

	if (memchr(s, '$', n) || memchr(s, '`', n)) {
		undecided(w);
		/* ${PUID:-1000}: what it is unless somebody says another one. */
		fallback = memrchr(s, '-', n);
		if (!fallback)
			fallback = memrchr(s, '=', n);
		if (!fallback)
			return;
		n -= (size_t)(fallback + 1 - s);
		s = fallback + 1;
	} else if (n && (*s == '+' || *s == '#')) {
		s++, n--;
	}
	while (digits < n && is_digit(s[digits]))
		digits++;
	if (digits == n || (digits && s[digits] == '}'))
		add(w, is_gid, s, digits);
}

/* Where UID ends and GID begins; a separator within ${...} is none. */
static size_t split(const char *s, size_t n)
{
	size_t braces = 0;

	for (size_t i = 0; i < n; i++) {
		braces += s[i] == '{';
		braces -= s[i] == '}' && braces;
		if (!braces && s[i] == ':')
			return i;
	}
	for (size_t i = 0; i + 1 < n && (is_digit(s[0]) || s[0] == '+'); i++)
		if (s[i] == '.')
			return i;
	return n;
}

static void add_owner(struct mention_work *w, const char *s, size_t n, bool same)
{
	size_t uid = split(s, n);

	add_id(w, false, s, uid);
	if (uid < n)
		add_id(w, true, s + uid + 1, n - uid - 1);
	else if (same)
		add_id(w, true, s, n);
}

static void add_list(struct mention_work *w, const char *s, size_t n)
{
	for (size_t end; n; s += end, n -= end) {
		for (end = 0; end < n && s[end] != ',' && !is_blank(s[end]);)
			end++;
		add_id(w, true, s, end);
		end += end < n;
	}
}

/* One entry of setfacl(1): [d:]u:ID:rwx. */
static void add_acl_entry(struct mention_work *w, const char *s, size_t n)
{
	const char *colon = memchr(s, ':', n), *end;

	if (colon && *s == 'd') {
		n -= (size_t)(colon + 1 - s);
		s = colon + 1;
		colon = memchr(s, ':', n);
	}
	if (!colon || (*s != 'u' && *s != 'g'))
		return;
	end = memchr(colon + 1, ':', n - (size_t)(colon + 1 - s));
	if (end)
		add_id(w, *s == 'g', colon + 1, (size_t)(end - colon - 1));
}

static void add_acl(struct mention_work *w, const char *s, size_t n)
{
	for (size_t end; n; s += end, n -= end) {
		const char *comma = memchr(s, ',', n);

		end = comma ? (size_t)(comma - s) : n;
		if (end)
			add_acl_entry(w, s, end);
		end += comma != NULL;
	}
}

static bool is_name_byte(char c)
{
	return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether the name that ends before s[end] is one of an id: PUID, uid, GROUP_ID; *is_gid says of
 * which. */
static bool names_id(const char *s, size_t end, bool *is_gid)
{
	static const struct {
		const char *ending;
		bool is_gid;
	} rows[] = {
		{ "uid", false }, { "gid", true }, { "user_id", false }, { "group_id", true }
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t k = strlen(rows[i].ending);

		if (end < k || strncasecmp(s + end - k, rows[i].ending, k) != 0)
			continue;
		*is_gid = rows[i].is_gid;
		return true;
	}
	return false;
}

/* PUID=1000, --gid=1000, ${GID:-1000}, ${uid:=1000}. */
static void add_assigned(struct mention_work *w, const char *s, size_t n)
{
	for (size_t i = 1; i + 1 < n; i++) {
		size_t end = i, digits = 0;
		bool is_gid;

		if (s[i] != '=' && s[i] != '-')
			continue;
		if (s[end - 1] == ':')
			end--;
		else if (s[i] == '-' && !memchr(s, '{', i))
			continue;
		while (digits < n - i - 1 && is_digit(s[i + 1 + digits]))
			digits++;
		if (digits && !(i + 1 + digits < n && is_name_byte(s[i + 1 + digits])) &&
		    names_id(s, end, &is_gid))
			add(w, is_gid, s + i + 1, digits);
	}
}

void mention_word(struct mention_work *w, enum mention_kind kind, const char *s, size_t n)
{
	switch (kind) {
	case MENTION_UID:
	case MENTION_GID:
		add_id(w, kind == MENTION_GID, s, n);
		break;
	case MENTION_OWNER:
	case MENTION_SAME:
		add_owner(w, s, n, kind == MENTION_SAME);
		break;
	case MENTION_GIDS:
		add_list(w, s, n);
		break;
	case MENTION_ACL:
		add_acl(w, s, n);
		break;
	case MENTION_ASSIGN:
		add_assigned(w, s, n);
		break;
	}
}

/* A # before a digit is an id, any other begins a comment. Behind a colon within parentheses stand
 * groups. */
static void sudoers_line(struct mention_work *w, const char *s, size_t n)
{
	bool in_runas = false, groups = false;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '(')
			in_runas = true;
		else if (s[i] == ')')
			in_runas = groups = false;
		else if (s[i] == ':' && in_runas)
			groups = true;
		else if (s[i] == '#') {
			size_t digits = 0;

			while (i + 1 + digits < n && is_digit(s[i + 1 + digits]))
				digits++;
			if (!digits)
				return;
			add(w, groups || (i && s[i - 1] == '%'), s + i + 1, digits);
			i += digits;
		}
	}
}

/* The value of a unit's key where it is a user or a group, or commands. */
static void unit_line(struct mention_work *w, const char *s, size_t n)
{
	static const struct {
		const char *key;
		enum mention_kind kind;
	} keys[] = {
		{ "User", MENTION_UID },
		{ "Group", MENTION_GID },
		{ "SocketUser", MENTION_UID },
		{ "SocketGroup", MENTION_GID },
		{ "SupplementaryGroups", MENTION_GIDS },
	};
	const char *eq = memchr(s, '=', n);
	size_t key = eq ? (size_t)(eq - s) : 0;

	if (!eq || *s == '#' || *s == ';')
		return;
	s = eq + 1;
	n -= key + 1;
	while (key && is_blank(eq[-1]))
		eq--, key--;
	while (n && is_blank(*s))
		s++, n--;
	while (n && is_blank(s[n - 1]))
		n--;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].key) == key && strncasecmp(eq - key, keys[i].key, key) == 0) {
			mention_word(w, keys[i].kind, s, n);
			return;
		}
	mention_shell(w, s, n);
}

/* The i-th of the fields that blanks part; quotes are taken off. */
static const char *field(const char *s, size_t n, size_t want, size_t *len)
{
	const char *end = s + n;

	for (size_t i = 0;; i++) {
		char quote = '\0';
		const char *from;

		while (s < end && is_blank(*s))
			s++;
		from = s;
		for (; s < end && (quote || !is_blank(*s)); s++)
			if (*s == '"' || *s == '\'')
				quote = quote == *s ? '\0' : quote ? quote : *s;
		*len = (size_t)(s - from);
		if (i < want && s < end)
			continue;
		if (i < want)
			*len = 0;
		if (*len > 1 && (*from == '"' || *from == '\'') && from[*len - 1] == *from) {
			from++;
			*len -= 2;
		}
		return from;
	}
}

/* TYPE PATH MODE USER GROUP AGE ARGUMENT; ":" before an id: only for what is made anew. */
static void tmpfiles_line(struct mention_work *w, const char *s, size_t n)
{
	size_t len;
	const char *type = field(s, n, 0, &len), *f;

	if (!len || *type == '#')
		return;
	for (size_t i = 3; i <= 4; i++) {
		f = field(s, n, i, &len);
		if (len && *f == ':')
			f++, len--;
		mention_word(w, i == 3 ? MENTION_UID : MENTION_GID, f, len);
	}
	if (*type != 'a' && *type != 'A')
		return;
	f = field(s, n, 6, &len);
	mention_word(w, MENTION_ACL, f, len);
}

/* TYPE NAME ID ... */
static void sysusers_line(struct mention_work *w, const char *s, size_t n)
{
	size_t type_len, len;
	const char *type = field(s, n, 0, &type_len), *id = field(s, n, 2, &len);

	if (type_len && *type == 'u')
		mention_word(w, MENTION_SAME, id, len);
	else if (type_len && *type == 'g')
		mention_word(w, MENTION_GID, id, len);
}

static void lines(struct mention_work *w, void (*line)(struct mention_work *, const char *, size_t),
		  const char *s, size_t n)
{
	for (size_t end; n && !w->failed; s += end, n -= end) {
		const char *newline = memchr(s, '\n', n);

		end = newline ? (size_t)(newline - s) : n;
		if (end)
			line(w, s, end);
		end += newline != NULL;
		w->line++;
	}
}

/* The interpreter that "#!" names is a shell: sh, bash, dash, ash ..., or what s6 calls one. */
static bool is_shell(const char *s, size_t n)
{
	static const char *const endings[] = { "sh", "execlineb", "with-contenv" };
	const char *newline = memchr(s, '\n', n), *end = newline ? newline : s + n;

	while (s < end) {
		const char *from;

		while (s < end && is_blank(*s))
			s++;
		for (from = s; s < end && !is_blank(*s);)
			s++;
		for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
			size_t k = strlen(endings[i]);

			if ((size_t)(s - from) >= k && memcmp(s - k, endings[i], k) == 0)
				return true;
		}
	}
	return false;
}

/* A program in another language: that it changes owners can be seen, to whom cannot. */
static void foreign_line(struct mention_work *w, const char *s, size_t n)
{
	static const char *const calls[] = { "chown(", "setuid(", "setgid(", "chown " };

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (memmem(s, n, calls[i], strlen(calls[i])))
			undecided(w);
}

int mention_scan(struct inv_mentions *out, enum mention_form form, const char *data, size_t n)
{
	struct mention_work w = { .out = out, .line = 1 };
	bool marked = n > 2 && data[0] == '#' && data[1] == '!';

	/* No text. */
	if (memchr(data, '\0', n))
		return 0;
	if (marked && (form == MENTION_SCRIPT || form == MENTION_SHELL) && !is_shell(data, n))
		lines(&w, foreign_line, data, n);
	else if (form == MENTION_SHELL || (marked && form == MENTION_SCRIPT))
		mention_shell(&w, data, n);
	else if (form == MENTION_SUDOERS)
		lines(&w, sudoers_line, data, n);
	else if (form == MENTION_UNIT)
		lines(&w, unit_line, data, n);
	else if (form == MENTION_TMPFILES)
		lines(&w, tmpfiles_line, data, n);
	else if (form == MENTION_SYSUSERS)
		lines(&w, sysusers_line, data, n);
	return w.failed;
}

void inv_mentions_done(struct inv_mentions *m)
{
	free(m->path);
	free(m->ids);
	*m = (struct inv_mentions){ 0 };
}
