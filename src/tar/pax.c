#include "tar/pax.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tar/number.h"

#define XATTR_PREFIX  "SCHILY.xattr."
#define SPARSE_PREFIX "GNU.sparse."

/* Go's shortest record that it will look at, "5 k=\n" without its value. */
#define RECORD_MIN 5

#define KEY(name) name, sizeof(name) - 1

static const struct {
	const char *name;
	size_t len;
	bool no_nul; /* a NUL in the value makes the header invalid */
} keys[PAX_KEY_COUNT] = {
	[PAX_PATH] = { KEY("path"), true },
	[PAX_LINKPATH] = { KEY("linkpath"), true },
	[PAX_UNAME] = { KEY("uname"), true },
	[PAX_GNAME] = { KEY("gname"), true },
	[PAX_UID] = { KEY("uid"), false },
	[PAX_GID] = { KEY("gid"), false },
	[PAX_SIZE] = { KEY("size"), false },
	[PAX_MTIME] = { KEY("mtime"), false },
	[PAX_ATIME] = { KEY("atime"), false },
	[PAX_CTIME] = { KEY("ctime"), false },
	[PAX_SPARSE_MAJOR] = { KEY(SPARSE_PREFIX "major"), false },
	[PAX_SPARSE_MINOR] = { KEY(SPARSE_PREFIX "minor"), false },
	[PAX_SPARSE_MAP] = { KEY(SPARSE_PREFIX "map"), false },
	[PAX_SPARSE_NUMBLOCKS] = { KEY(SPARSE_PREFIX "numblocks"), false },
	[PAX_SPARSE_NAME] = { KEY(SPARSE_PREFIX "name"), false },
	[PAX_SPARSE_SIZE] = { KEY(SPARSE_PREFIX "size"), false },
	[PAX_SPARSE_REALSIZE] = { KEY(SPARSE_PREFIX "realsize"), false },
};

struct record {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
	uint64_t value_offset;
};

const char *pax_key_name(enum pax_key key)
{
	return keys[key].name;
}

void pax_free(struct pax *p)
{
	free(p->xattrs);
	free(p->hashes);
	buf_free(&p->map);
	*p = (struct pax){ 0 };
}

static bool is_key(const struct record *rec, const char *name)
{
	return rec->key_len == strlen(name) && memcmp(rec->key, name, rec->key_len) == 0;
}

/* 0, or a sentence on what is wrong with the record at the start of the n bytes; *used is its
 * length. */
static const char *split_record(uint8_t *bytes, size_t n, struct record *rec, size_t *used)
{
	uint8_t *blank = memchr(bytes, ' ', n), *eq;
	size_t head;
	int64_t len;

	if (!blank)
		return "it has no length";
	head = (size_t)(blank - bytes) + 1;
	if (!tar_pax_number((const char *)bytes, head - 1, &len))
		return "its length is no number";
	if (len < RECORD_MIN || (size_t)len <= head)
		return "its length is too small";
	if ((uint64_t)len > n)
		return "its length is larger than the header";
	if (bytes[len - 1] != '\n')
		return "it does not end in a newline";
	eq = memchr(blank + 1, '=', (size_t)len - 1 - head);
	if (!eq)
		return "it has no '='";
	if (eq == blank + 1)
		return "its key is empty";
	if (memchr(blank + 1, 0, (size_t)(eq - blank - 1)))
		return "its key has a NUL";
	bytes[len - 1] = *eq = '\0';
	*rec = (struct record){
		.key = (const char *)blank + 1,
		.key_len = (size_t)(eq - blank - 1),
		.value = (const char *)eq + 1,
		.value_len = (size_t)(bytes + len - 1 - (eq + 1)),
	};
	*used = (size_t)len;
	return NULL;
}

static uint32_t hash_name(const char *s, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h ^ h >> 15;
}

static int grow_xattrs(struct pax *p, struct error *err)
{
	size_t cap = p->xattr_cap ? p->xattr_cap * 2 : 16;
	struct tar_xattr *x = reallocarray(p->xattrs, cap, sizeof(*x));
	struct pax_hash *h;

	if (!x)
		return err_nomem(err);
	p->xattrs = x;
	h = reallocarray(p->hashes, cap, sizeof(*h));
	if (!h)
		return err_nomem(err);
	p->hashes = h;
	p->xattr_cap = cap;
	return 0;
}

static int add_xattr(struct pax *p, const struct record *rec, struct error *err)
{
	const char *name = rec->key + strlen(XATTR_PREFIX);
	size_t n = rec->key_len - strlen(XATTR_PREFIX);
	uint32_t hash = hash_name(name, n), *head = &p->heads[hash & 255];
	struct tar_xattr x = { name, n, (const uint8_t *)rec->value, rec->value_len,
			       rec->value_offset };

	if (!p->xattr_count)
		memset(p->heads, 0xff, sizeof(p->heads));
	for (uint32_t i = *head; i != UINT32_MAX; i = p->hashes[i].next) {
		const struct tar_xattr *old = &p->xattrs[i];

		if (p->hashes[i].hash == hash && old->name_len == n &&
		    memcmp(old->name, name, n) == 0) {
			p->xattrs[i] = x;
			return 0;
		}
	}
	if (p->xattr_count == p->xattr_cap) {
		int r = grow_xattrs(p, err);

		if (r < 0)
			return r;
	}
	p->hashes[p->xattr_count] = (struct pax_hash){ hash, *head };
	p->xattrs[p->xattr_count] = x;
	*head = (uint32_t)p->xattr_count++;
	return 0;
}

/* Format 0.0 repeats two keys, in turn, which PAX has no room for; Go joins them into the one map
 * of format 0.1 (parsePAX). They count as extents, not as records. */
static int add_sparse_number(struct pax *p, const struct record *rec, const struct limits *limits,
			     struct error *err)
{
	bool want_offset = p->map_numbers % 2 == 0;

	if (is_key(rec, SPARSE_PREFIX "offset") != want_offset)
		return err_fail(err, ERR_BAD_INPUT, 0,
				"GNU.sparse.offset and GNU.sparse.numbytes do not take turns");
	if (memchr(rec->value, ',', rec->value_len))
		return err_fail(err, ERR_BAD_INPUT, 0, "%.*s has a comma", (int)rec->key_len,
				rec->key);
	if (p->map_numbers++ / 2 >= limits->v[LIMIT_TAR_SPARSE])
		return limit_passed(limits, LIMIT_TAR_SPARSE, "sparse map", err);
	if (p->map_numbers > 1 && buf_append(&p->map, ",", 1) < 0)
		return err_nomem(err);
	return buf_append(&p->map, rec->value, rec->value_len) < 0 ? err_nomem(err) : 0;
}

static int add_record(struct pax *p, const struct record *rec, const struct limits *limits,
		      struct error *err)
{
	if (is_key(rec, SPARSE_PREFIX "offset") || is_key(rec, SPARSE_PREFIX "numbytes"))
		return add_sparse_number(p, rec, limits, err);
	if (p->records++ >= limits->v[LIMIT_TAR_PAX_RECORDS])
		return limit_passed(limits, LIMIT_TAR_PAX_RECORDS, "PAX records", err);
	if (rec->key_len >= strlen(XATTR_PREFIX) &&
	    memcmp(rec->key, XATTR_PREFIX, strlen(XATTR_PREFIX)) == 0)
		return add_xattr(p, rec, err);
	for (size_t i = 0; i < PAX_KEY_COUNT; i++) {
		if (rec->key_len != keys[i].len ||
		    memcmp(rec->key, keys[i].name, rec->key_len) != 0)
			continue;
		if (keys[i].no_nul && memchr(rec->value, 0, rec->value_len))
			return err_fail(err, ERR_BAD_INPUT, 0, "%s has a NUL", keys[i].name);
		p->v[i] = (struct pax_value){ rec->value, rec->value_len };
		break;
	}
	return 0;
}

/* An empty value sets nothing, but it takes back an earlier record of its header. */
static void drop_empty_xattrs(struct pax *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->xattr_count; i++)
		if (p->xattrs[i].value_len)
			p->xattrs[kept++] = p->xattrs[i];
	p->xattr_count = kept;
}

static void reset(struct pax *p)
{
	memset(p->v, 0, sizeof(p->v));
	p->xattr_count = p->map_numbers = 0;
	p->records = 0;
	buf_clear(&p->map);
}

int pax_parse(struct pax *p, uint8_t *bytes, size_t n, uint64_t offset, const struct limits *limits,
	      struct error *err)
{
	reset(p);
	for (size_t at = 0, used = 0; at < n; at += used) {
		struct record rec;
		const char *bad = split_record(bytes + at, n - at, &rec, &used);
		int r;

		if (bad)
			return err_fail(err, ERR_BAD_INPUT, 0, "PAX record at %" PRIu64 ": %s",
					offset + at, bad);
		rec.value_offset = offset + (uint64_t)((const uint8_t *)rec.value - bytes);
		r = add_record(p, &rec, limits, err);
		if (r == -ERR_BAD_INPUT)
			return err_wrap(err, "PAX record at %" PRIu64, offset + at);
		if (r < 0)
			return r;
	}
	if (p->map_numbers)
		p->v[PAX_SPARSE_MAP] = (struct pax_value){ buf_str(&p->map), p->map.len };
	drop_empty_xattrs(p);
	return 0;
}

bool pax_time(const char *s, size_t n, int64_t *seconds, uint32_t *nsec)
{
	const char *dot = memchr(s, '.', n);
	size_t whole = dot ? (size_t)(dot - s) : n;
	uint32_t unit = 100000000;

	*nsec = 0;
	for (size_t i = whole + 1; i < n; i++, unit /= 10) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		*nsec += (uint32_t)(s[i] - '0') * unit;
	}
	if (!tar_pax_number(s, whole, seconds))
		return false;
	/* The fraction of a time before 1970 leads further back. */
	if (*nsec && s[0] == '-' && *seconds > INT64_MIN) {
		--*seconds;
		*nsec = 1000000000 - *nsec;
	}
	return true;
}
