/* One piece of a map in any of the notations of notation.h but JSON. The number of words and of
 * colons tells the notations apart; every reader here takes the whole piece or refuses it. */
#include <string.h>

#include "base/macro.h"
#include "base/num.h"
#include "idmap/builder.h"

#define PARTS_MAX 5

struct part {
	const char *s;
	size_t n;
};

static const struct {
	const char *word;
	enum idmap_which kinds;
} kind_words[] = {
	{ "u", IDMAP_UID },   { "g", IDMAP_GID },   { "b", IDMAP_BOTH },
	{ "uid", IDMAP_UID }, { "gid", IDMAP_GID }, { "both", IDMAP_BOTH },
};

static int bad(struct part piece, const char *why, struct error *err)
{
	char text[160];

	return err_fail(err, ERR_USAGE, 0, "map '%s': %s",
			err_text(text, sizeof(text), piece.s, piece.n), why);
}

static const char not_understood[] =
	"not a map (0-65535, 0:100000:65536, \"0 100000 65536\", NAME:100000:65536, ...)";
static const char not_an_id[] = "an id is a number from 0 to 4294967294";

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is(struct part p, const char *word)
{
	return p.n == strlen(word) && memcmp(p.s, word, p.n) == 0;
}

/* 0 where the word names no kind; letters alone, or words alone. */
static enum idmap_which kind_of(struct part p, bool letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind_words); i++)
		if (is(p, kind_words[i].word) && (p.n == 1) == letter)
			return kind_words[i].kinds;
	return 0;
}

static bool number(struct part p, uint32_t *out)
{
	return num_u32(p.s, p.n, out);
}

static bool looks_numeric(struct part p)
{
	for (size_t i = 0; i < p.n; i++)
		if (p.s[i] < '0' || p.s[i] > '9')
			return false;
	return p.n > 0;
}

static struct part trim(struct part p)
{
	while (p.n && is_blank(p.s[0]))
		p.s++, p.n--;
	while (p.n && is_blank(p.s[p.n - 1]))
		p.n--;
	return p;
}

/* Splits at runs of blanks. Returns the number of words, PARTS_MAX where there are that many or
 * more. */
static size_t split_words(struct part p, struct part words[PARTS_MAX])
{
	size_t n = 0, i = 0;

	while (i < p.n && n < PARTS_MAX) {
		size_t start;

		while (i < p.n && is_blank(p.s[i]))
			i++;
		start = i;
		while (i < p.n && !is_blank(p.s[i]))
			i++;
		if (i > start)
			words[n++] = (struct part){ p.s + start, i - start };
	}
	return n;
}

/* Splits at every colon; a field may be empty. */
static size_t split_fields(struct part p, struct part fields[PARTS_MAX])
{
	size_t n = 0;

	for (;;) {
		const char *colon = memchr(p.s, ':', p.n);
		size_t len = colon ? (size_t)(colon - p.s) : p.n;

		fields[n++] = (struct part){ p.s, len };
		if (!colon || n == PARTS_MAX)
			return n;
		p.s += len + 1;
		p.n -= len + 1;
	}
}

static int put_line(struct idmap_builder *b, enum idmap_which kinds, const struct part *three,
		    struct part whole, struct error *err)
{
	struct idmap_extent e;

	if (!number(three[0], &e.container) || !number(three[1], &e.host) ||
	    !number(three[2], &e.count))
		return bad(whole, not_an_id, err);
	return idmap_builder_put(b, kinds, e, true, false, err);
}

/* "7" or "0-65535"; *count is 0 where the range is upside down or holds 2^32 ids. */
static bool range(struct part p, uint32_t *first, uint32_t *count)
{
	const char *dash = memchr(p.s, '-', p.n);
	struct part left = p, right = p;
	uint32_t last;

	if (dash) {
		left.n = (size_t)(dash - p.s);
		right = (struct part){ dash + 1, p.n - left.n - 1 };
	}
	if (!number(left, first) || !number(right, &last))
		return false;
	*count = last >= *first ? last - *first + 1 : 0;
	return true;
}

static int read_range(struct idmap_builder *b, struct part p, struct error *err)
{
	struct idmap_extent e = { 0 };

	if (!range(p, &e.container, &e.count))
		return bad(p, not_understood, err);
	if (e.container + (e.count - 1) == ID_INVALID)
		return bad(p, "4294967295 is no id: the largest is 4294967294", err);
	if (!e.count)
		return bad(p, "the range ends before it begins", err);
	return idmap_builder_put(b, b->which, e, false, false, err);
}

/* "uid 50-60 500-510": LXD and Incus put the host's ids first. */
static int read_lxd(struct idmap_builder *b, const struct part *words, struct part p,
		    struct error *err)
{
	struct idmap_extent e;
	uint32_t host_count;

	if (!range(words[1], &e.host, &host_count) || !range(words[2], &e.container, &e.count))
		return bad(p, not_an_id, err);
	if (!e.count || e.count != host_count)
		return bad(p, "the two ranges have different lengths", err);
	return idmap_builder_put(b, kind_of(words[0], false), e, true, false, err);
}

/* owner, start, count: the container ids run on from where the last such line ended. */
static int read_subid(struct idmap_builder *b, struct part owner, struct part start,
		      struct part count, struct part p, struct error *err)
{
	struct idmap_extent e;

	if (!number(start, &e.host) || !number(count, &e.count))
		return bad(p, not_an_id, err);
	if (b->owner && (b->owner_len != owner.n || memcmp(b->owner, owner.s, owner.n) != 0))
		return bad(p, "an earlier line has another owner: give the lines of one only", err);
	b->owner = owner.s;
	b->owner_len = owner.n;
	if (!e.count)
		return 0;
	for (int i = 0; i < 2; i++) {
		enum idmap_which kind = i ? IDMAP_GID : IDMAP_UID;
		int r;

		if (!(b->which & kind))
			continue;
		if (b->next[i] >= ID_INVALID)
			return bad(p, "the lines hold more than 4294967295 ids", err);
		e.container = (uint32_t)b->next[i];
		r = idmap_builder_put(b, kind, e, true, false, err);
		if (r < 0)
			return r;
		b->next[i] += e.count;
	}
	return 0;
}

/* "[+ug]CONTAINER:[@]HOST[:SIZE]"; *mine is false where the first field is no number. */
static int read_podman(struct idmap_builder *b, const struct part *fields, size_t n, struct part p,
		       bool *mine, struct error *err)
{
	struct part first = fields[0], host = fields[1];
	struct idmap_extent e = { .count = 1 };
	bool replace = false;
	int kinds = 0;

	for (; first.n && strchr("+ug", first.s[0]); first.s++, first.n--) {
		replace |= first.s[0] == '+';
		kinds |= first.s[0] == 'u' ? IDMAP_UID : first.s[0] == 'g' ? IDMAP_GID : 0;
	}
	*mine = looks_numeric(first);
	if (!*mine)
		return 0;
	if (host.n && host.s[0] == '@')
		host.s++, host.n--;
	else if (first.s == fields[0].s && n == 3)
		b->plain = true;
	if (!number(first, &e.container) || !number(host, &e.host) ||
	    (n == 3 && !number(fields[2], &e.count)))
		return bad(p, not_an_id, err);
	return idmap_builder_put(b, kinds ? (enum idmap_which)kinds : b->which, e, true, replace,
				 err);
}

static int read_fields(struct idmap_builder *b, struct part p, struct error *err)
{
	struct part fields[PARTS_MAX];
	size_t n = split_fields(p, fields);
	bool mine = false;
	int r;

	if (n == 4 && kind_of(fields[0], true))
		return put_line(b, kind_of(fields[0], true), fields + 1, p, err);
	if (n != 2 && n != 3)
		return bad(p, not_understood, err);
	r = read_podman(b, fields, n, p, &mine, err);
	if (r < 0)
		return r;
	if (!mine) {
		/* An owner that begins with a digit is far rarer than a mistyped number. */
		if (n != 3 || !fields[0].n || strchr("0123456789+-@", fields[0].s[0]))
			return bad(p, not_understood, err);
		if (kind_of(fields[0], true))
			return bad(p, "a kind wants three numbers: u:0:100000:65536", err);
		r = read_subid(b, fields[0], fields[1], fields[2], p, err);
	}
	if (r == 0 && b->plain && b->owner)
		return bad(p, "numbers alone beside lines of /etc/subuid can be read in two ways",
			   err);
	return r;
}

/* What follows "lxc.idmap =" (Proxmox writes a colon), or p itself. */
static struct part after_lxc_key(struct part p, bool *keyed)
{
	static const char *const keys[] = { "lxc.idmap", "lxc.id_map" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i]);
		struct part rest;

		if (p.n < len || memcmp(p.s, keys[i], len) != 0)
			continue;
		rest = trim((struct part){ p.s + len, p.n - len });
		if (!rest.n || (rest.s[0] != '=' && rest.s[0] != ':'))
			continue;
		*keyed = true;
		return trim((struct part){ rest.s + 1, rest.n - 1 });
	}
	return p;
}

int idmap_builder_piece(struct idmap_builder *b, const char *s, size_t n, struct error *err)
{
	struct part p = trim((struct part){ s, n }), words[PARTS_MAX];
	bool keyed = false;
	size_t count;

	count = split_words(after_lxc_key(p, &keyed), words);
	if (count == 4 && kind_of(words[0], true))
		return put_line(b, kind_of(words[0], true), words + 1, p, err);
	if (keyed)
		return bad(p, "lxc.idmap wants a kind and three numbers: u 0 100000 65536", err);
	if (count == 0)
		return 0;
	if (count == 1)
		return memchr(p.s, ':', p.n) ? read_fields(b, p, err) : read_range(b, p, err);
	if (count == 3 && kind_of(words[0], false))
		return read_lxd(b, words, p, err);
	if (count == 3 && looks_numeric(words[0]))
		return put_line(b, b->which, words, p, err);
	if (count == 4 && words[0].s[words[0].n - 1] == ':' &&
	    looks_numeric((struct part){ words[0].s, words[0].n - 1 }))
		return read_subid(b, words[1], words[2], words[3], p, err);
	return bad(p, not_understood, err);
}
