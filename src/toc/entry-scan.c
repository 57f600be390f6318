/* An entry as the two writers of tables write it (stargz-snapshotter estargz/types.go,
 * containers/storage pkg/chunked/internal), in one pass. All that could mean something else to some
 * reader is left to the parser: escapes, bytes that are no ASCII, keys that are not exactly those
 * of the list or stand twice, numbers that are negative, large or not whole, null, and whatever is
 * nested. So nothing is refused here. */
#include "oci/json-scan.h"
#include "toc/internal.h"

struct scan {
	struct json_scan at;
	struct toc_entry *e;
	uint64_t end;  /* "endOffset" */
	uint32_t seen; /* a bit a key */
	size_t next;   /* the key that Go would write next */
};

static bool scan_ascii(struct json_scan *at, const char **s, size_t *n)
{
	unsigned char any = 0;

	if (!JSON_SCAN(at, "\"") || !json_scan_string(at, s, n) || !json_scan_is_plain(*s, *n))
		return false;
	for (size_t i = 0; i < *n; i++)
		any |= (unsigned char)(*s)[i];
	return any < 0x80;
}

/* The quote behind it becomes its end: the bytes are the entry's own. */
static bool take_text(struct scan *s, size_t field)
{
	char *own = (char *)s->e->text.data;
	const char **to = (const char **)((char *)s->e + field);
	size_t n;

	if (!scan_ascii(&s->at, to, &n))
		return false;
	own[*to - own + (ptrdiff_t)n] = '\0';
	return true;
}

static bool take_number(struct scan *s, size_t field)
{
	return json_scan_number(&s->at, (uint64_t *)((char *)s->e + field));
}

static bool take_id(struct scan *s, size_t field)
{
	uint64_t id;

	if (!json_scan_number(&s->at, &id))
		return false;
	*(int64_t *)((char *)s->e + field) = (int64_t)id;
	return true;
}

static bool take_end(struct scan *s, _unused_ size_t field)
{
	return json_scan_number(&s->at, &s->end);
}

static bool take_digest(struct scan *s, size_t field)
{
	struct oci_digest *to = (struct oci_digest *)((char *)s->e + field);
	char text[sizeof(to->text)];
	const char *from;
	size_t n;

	if (!scan_ascii(&s->at, &from, &n) || n >= sizeof(text))
		return false;
	memcpy(text, from, n);
	text[n] = '\0';
	return !n || oci_digest_parse(to, text, NULL) == 0;
}

static bool take_nothing(struct scan *s, _unused_ size_t field)
{
	return JSON_SCAN(&s->at, "{}");
}

static bool pass(struct scan *s, _unused_ size_t field)
{
	const char *text;
	uint64_t number;
	size_t n;

	return s->at.p < s->at.end && *s->at.p == '"' ? scan_ascii(&s->at, &text, &n)
						      : json_scan_number(&s->at, &number);
}

#define KEY(name, take, field)                                                                     \
	{                                                                                          \
		name, sizeof(name) - 1, take, offsetof(struct toc_entry, field)                    \
	}
#define OTHER(name, take)                                                                          \
	{                                                                                          \
		name, sizeof(name) - 1, take, 0                                                    \
	}

/* In about the order of both writers. */
static const struct {
	const char *name;
	size_t len;
	bool (*take)(struct scan *s, size_t field);
	size_t field; /* where in struct toc_entry */
} keys[] = {
	KEY("type", take_text, type),
	KEY("name", take_text, name),
	KEY("linkName", take_text, link),
	KEY("mode", take_number, mode),
	KEY("size", take_number, size),
	KEY("uid", take_id, uid),
	KEY("gid", take_id, gid),
	OTHER("userName", pass),
	OTHER("groupName", pass),
	OTHER("modtime", pass),
	OTHER("accesstime", pass),
	OTHER("changetime", pass),
	KEY("devMajor", take_number, devmajor),
	KEY("devMinor", take_number, devminor),
	OTHER("NumLink", pass),
	OTHER("xattrs", take_nothing),
	KEY("digest", take_digest, digest),
	KEY("offset", take_number, first.offset),
	OTHER("endOffset", take_end),
	KEY("chunkSize", take_number, first.size),
	KEY("chunkOffset", take_number, first.at),
	KEY("chunkDigest", take_digest, first.digest),
	OTHER("chunkType", pass),
	KEY("innerOffset", take_number, first.inner),
};

_Static_assert(ARRAY_SIZE(keys) <= 32, "a bit of scan.seen each");

static bool scan_key(struct scan *s, size_t *key)
{
	const char *name;
	size_t n;

	if (!JSON_SCAN(&s->at, "\"") || !json_scan_string(&s->at, &name, &n))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		*key = (s->next + i) % ARRAY_SIZE(keys);
		if (n != keys[*key].len || memcmp(name, keys[*key].name, n) != 0)
			continue;
		if (s->seen & 1u << *key)
			return false;
		s->seen |= 1u << *key;
		s->next = *key + 1;
		return true;
	}
	return false;
}

static bool scan_member(struct scan *s)
{
	size_t key;

	json_scan_blanks(&s->at);
	if (!scan_key(s, &key))
		return false;
	json_scan_blanks(&s->at);
	if (!JSON_SCAN(&s->at, ":"))
		return false;
	json_scan_blanks(&s->at);
	if (!keys[key].take(s, keys[key].field))
		return false;
	json_scan_blanks(&s->at);
	return true;
}

static bool scan_object(struct scan *s)
{
	if (!JSON_SCAN(&s->at, "{"))
		return false;
	do {
		if (!scan_member(s))
			return false;
	} while (JSON_SCAN(&s->at, ","));
	return JSON_SCAN(&s->at, "}") && s->at.p == s->at.end;
}

int toc_entry_scan(struct toc_entry *e, const void *bytes, size_t n, struct error *err)
{
	struct scan s = { .e = e };

	toc_entry_clear(e);
	if (buf_append(&e->text, bytes, n))
		return err_nomem(err);
	s.at.p = (const char *)e->text.data;
	s.at.end = s.at.p + n;
	if (!scan_object(&s))
		return 1;
	toc_chunk_end(&e->first, s.end);
	return 0;
}
