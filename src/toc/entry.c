#include <stdio.h>
#include <string.h>

#include "stream/base64.h"
#include "tar/write.h"
#include "tar/xattr.h"
#include "toc/internal.h"

#define NAME_SHOWN_MAX	120
#define XATTR_VALUE_MAX 65536 /* XATTR_SIZE_MAX of include/uapi/linux/limits.h */

static int read_id(json_t *json, const char *key, int64_t *out, struct error *err)
{
	json_t *value;
	int r = oci_json_member(json, key, &value, err);

	if (r < 0 || !value)
		return r;
	if (!json_is_integer(value))
		return err_fail(err, ERR_BAD_INPUT, 0, "'%s' is no whole number", key);
	*out = json_integer_value(value);
	return 0;
}

static int read_digest(json_t *json, const char *key, struct oci_digest *out, struct error *err)
{
	const char *text = "";
	int r = oci_json_string(json, key, &text, err);

	return r < 0 || !*text ? r : oci_digest_parse(out, text, err);
}

static int read_chunk(struct toc_chunk *c, json_t *json, struct error *err)
{
	uint64_t end = 0;
	int r = oci_json_u64(json, "offset", &c->offset, err);

	if (r == 0)
		r = oci_json_u64(json, "endOffset", &end, err);
	if (r == 0)
		r = oci_json_u64(json, "innerOffset", &c->inner, err);
	if (r == 0)
		r = oci_json_u64(json, "chunkOffset", &c->at, err);
	if (r == 0)
		r = oci_json_u64(json, "chunkSize", &c->size, err);
	if (r == 0)
		r = read_digest(json, "chunkDigest", &c->digest, err);
	if (r == 0)
		toc_chunk_end(c, end);
	return r;
}

static int read_fields(struct toc_entry *e, json_t *json, struct error *err)
{
	const struct {
		const char *key;
		const char **to;
	} texts[] = { { "type", &e->type }, { "name", &e->name }, { "linkName", &e->link } };
	const struct {
		const char *key;
		uint64_t *to;
	} numbers[] = { { "size", &e->size },
			{ "mode", &e->mode },
			{ "devMajor", &e->devmajor },
			{ "devMinor", &e->devminor } };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
		r = oci_json_string(json, texts[i].key, texts[i].to, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(numbers); i++)
		r = oci_json_u64(json, numbers[i].key, numbers[i].to, err);
	if (r == 0)
		r = read_id(json, "uid", &e->uid, err);
	if (r == 0)
		r = read_id(json, "gid", &e->gid, err);
	if (r == 0)
		r = oci_json_object(json, "xattrs", &e->xattrs, err);
	if (r == 0)
		r = read_digest(json, "digest", &e->digest, err);
	return r < 0 ? r : read_chunk(&e->first, json, err);
}

void toc_entry_clear(struct toc_entry *e)
{
	struct buf text = e->text;

	buf_clear(&text);
	json_decref(e->json);
	*e = (struct toc_entry){ .type = "", .name = "", .link = "", .text = text };
}

void toc_entry_done(struct toc_entry *e)
{
	toc_entry_clear(e);
	buf_free(&e->text);
}

int toc_entry_fail(const struct toc_entry *e, struct error *err)
{
	char name[NAME_SHOWN_MAX];

	return err_wrap(err, "table of contents: '%s'",
			err_text(name, sizeof(name), e->name, strlen(e->name)));
}

int toc_entry_parse(struct toc_entry *e, const void *bytes, size_t n, struct error *err)
{
	int r;

	toc_entry_clear(e);
	r = oci_json_parse(&e->json, bytes, n, "an entry of the table of contents", err);
	if (r < 0)
		return r;
	r = read_fields(e, e->json, err);
	return r < 0 ? toc_entry_fail(e, err) : 0;
}

int toc_entry_read(struct toc_entry *e, const void *bytes, size_t n, struct error *err)
{
	int r = toc_entry_scan(e, bytes, n, err);

	return r == 1 ? toc_entry_parse(e, bytes, n, err) : r;
}

static int one_xattr(struct buf *out, const char *name, const char *text, struct error *err)
{
	_cleanup_(stream_closep) struct stream *s = NULL, *inner = NULL;
	_cleanup_(freep) uint8_t *value = NULL;
	char key[64];
	size_t len;
	int r = stream_open_memory(&inner, text, strlen(text), err);

	if (r == 0)
		r = base64_open(&s, inner, err);
	if (r < 0)
		return r;
	inner = NULL; /* s owns it */
	r = stream_read_all(s, XATTR_VALUE_MAX + 1, &value, &len, err);
	if (r < 0)
		return r;
	snprintf(key, sizeof(key), "SCHILY.xattr.%s", name);
	return tar_write_record(out, key, value, len) ? err_nomem(err) : 0;
}

int toc_entry_xattrs(struct buf *out, const struct toc_entry *e, struct error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(e->xattrs, name, value)
	{
		int r;

		if (!xattr_is_acl(name, strlen(name)) && !xattr_is_capability(name, strlen(name)))
			continue;
		if (!json_is_string(value))
			return err_fail(err, ERR_BAD_INPUT, 0, "xattr %s: no text", name);
		r = one_xattr(out, name, json_string_value(value), err);
		if (r < 0)
			return err_wrap(err, "xattr %s", name);
	}
	return 0;
}
