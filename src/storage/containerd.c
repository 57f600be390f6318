#include "storage/containerd.h"

#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "oci/familiar.h"
#include "storage/bolt.h"
#include "storage/internal.h"

/* Where an image's descriptor stands in the file. */
struct place {
	const char *file, *namespace, *name;
};

/* A member of the descriptor, malloc'd. */
static int member(const struct place *at, const char *key, uint8_t **value, size_t *len,
		  struct error *err)
{
	const struct bolt_key path[] = {
		{ "v1", 2 },	 { at->namespace, strlen(at->namespace) },
		{ "images", 6 }, { at->name, strlen(at->name) },
		{ "target", 6 }, { key, strlen(key) },
	};

	return bolt_get(at->file, path, ARRAY_SIZE(path), value, len, err);
}

/* Go's binary.PutVarint: seven bits a byte, the lowest first, zigzag. */
static bool varint(const uint8_t *p, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n && i < 10; i++) {
		if (i == 9 && p[i] > 1)
			return false;
		v |= (uint64_t)(p[i] & 0x7f) << (7 * i);
		if (p[i] & 0x80)
			continue;
		*out = v >> 1;
		return !(v & 1);
	}
	return false;
}

static int write_index(struct buf *out, const char *name, const char *media_type,
		       const char *digest, uint64_t size, struct error *err)
{
	json_t *json = NULL, *d = json_object();
	char *text = NULL;
	int r = 0;

	if (media_type && media_type[0])
		r |= json_object_set_new(d, "mediaType", json_string(media_type));
	r |= json_object_set_new(d, "digest", json_string(digest));
	r |= json_object_set_new(d, "size", json_integer((json_int_t)size));
	if (name)
		r |= json_object_set_new(d, "annotations",
					 json_pack("{s:s}", "io.containerd.image.name", name));
	json = json_pack("{s:i,s:[O]}", "schemaVersion", 2, "manifests", d);
	if (!r && json)
		text = json_dumps(json, JSON_COMPACT);
	json_decref(d);
	json_decref(json);
	if (!text)
		return err_fail(err, ERR_BAD_INPUT, 0, "containerd's names are no text");
	r = buf_append_str(out, text);
	free(text);
	return r < 0 ? err_nomem(err) : 0;
}

static int by_name(struct buf *out, const struct place *at, struct error *err)
{
	_cleanup_(freep) uint8_t *digest = NULL, *media_type = NULL, *size = NULL;
	size_t len, size_len;
	struct oci_digest checked;
	uint64_t bytes;
	int r = member(at, "digest", &digest, &len, err);

	if (r == 0)
		r = oci_digest_parse(&checked, (const char *)digest, err);
	if (r == 0)
		r = member(at, "mediatype", &media_type, &len, err);
	if (r == 0)
		r = member(at, "size", &size, &size_len, err);
	if (r)
		return r;
	if (!varint(size, size_len, &bytes))
		return err_fail(err, ERR_BAD_INPUT, 0, "%s: a size that is none", at->file);
	return write_index(out, at->name, (const char *)media_type, checked.text, bytes, err);
}

static int by_digest(struct buf *out, const char *root, const struct oci_digest *digest,
		     struct error *err)
{
	_cleanup_(freep) char *path = storage_path("%s/" CONTAINERD_CONTENT "/blobs/%.6s/%s", root,
						   digest->text, oci_digest_hex(digest));
	struct stat st;

	if (!path)
		return err_nomem(err);
	if (stat(path, &st) < 0)
		return errno == ENOENT ? 1
				       : err_fail(err, errno == EACCES ? ERR_DENIED : ERR_IO, errno,
						  "open '%s'", path);
	return write_index(out, NULL, NULL, digest->text, (uint64_t)st.st_size, err);
}

int containerd_index(struct buf *out, const char *root, const char *name, struct error *err)
{
	static const char *const usual[] = { "default", "moby", "k8s.io" };
	const char *asked = getenv("CONTAINERD_NAMESPACE");
	_cleanup_(freep) char *full = familiar_full(name),
			      *file = storage_path("%s/" CONTAINERD_NAMES, root);
	struct oci_digest digest;
	struct error ignored;
	int r = 1;

	if (!full || !file)
		return err_nomem(err);
	if (oci_digest_parse(&digest, name, &ignored) == 0)
		return by_digest(out, root, &digest, err);
	for (size_t i = 0; r == 1 && i < ARRAY_SIZE(usual); i++) {
		struct place at = { file, asked && asked[0] ? asked : usual[i], name };

		r = by_name(out, &at, err);
		at.name = full;
		if (r == 1 && strcmp(full, name) != 0)
			r = by_name(out, &at, err);
		if (asked && asked[0])
			break;
	}
	return r;
}
