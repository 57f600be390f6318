#include "fix/like.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#include "base/num.h"
#include "oci/json.h"
#include "stream/stream.h"

static int read_file(const char *path, uint8_t **data, size_t *len, struct error *err)
{
	_cleanup_(stream_closep) struct stream *in = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno, "%s", path);
	r = stream_open_fd(&in, fd, true, err);
	if (r < 0) {
		close(fd);
		return r;
	}
	return stream_read_all(in, FIX_LIKE_MAX, data, len, err);
}

static int read_side(struct fix_pair **pairs, size_t *count, json_t *mapping, bool is_gid,
		     struct error *err)
{
	json_t *list = NULL;
	int r = oci_json_array(mapping, is_gid ? "gid" : "uid", &list, err);

	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const json_t *old = json_object_get(row, "old"), *new = json_object_get(row, "new");
		json_int_t to = json_integer_value(new);
		struct fix_pair *grown;

		if (!json_is_integer(old) || !json_is_integer(new) || to < 0 || to >= ID_INVALID)
			return err_fail(err, ERR_BAD_INPUT, 0, "mapping: row %zu is none", i);
		grown = reallocarray(*pairs, *count + 1, sizeof(*grown));
		if (!grown)
			return err_nomem(err);
		*pairs = grown;
		grown[(*count)++] = (struct fix_pair){ .is_gid = is_gid,
						       .old = json_integer_value(old),
						       .new = (uint32_t)to,
						       .like = true };
	}
	return r;
}

static int read_report(struct fix_pair **pairs, size_t *count, json_t *doc, struct error *err)
{
	const char *schema = "";
	json_t *mapping = NULL;
	int r = oci_json_string(doc, "schema", &schema, err);

	if (r == 0 && strcmp(schema, "uidfit/fix/1") != 0)
		r = err_fail(err, ERR_BAD_INPUT, 0, "no report of uidfit fix --report");
	if (r == 0)
		r = oci_json_object(doc, "mapping", &mapping, err);
	if (r == 0 && !mapping)
		r = err_fail(err, ERR_BAD_INPUT, 0, "no 'mapping'");
	if (r == 0)
		r = read_side(pairs, count, mapping, false, err);
	return r < 0 ? r : read_side(pairs, count, mapping, true, err);
}

int fix_like_read(struct fix_pair **pairs, size_t *count, const char *path, struct error *err)
{
	_cleanup_(freep) uint8_t *data = NULL;
	json_t *doc = NULL;
	size_t len;
	int r = read_file(path, &data, &len, err);

	if (r < 0)
		return r;
	r = oci_json_parse(&doc, data, len, path, err);
	if (r == 0)
		r = read_report(pairs, count, doc, err);
	json_decref(doc);
	return r < 0 ? err_wrap(err, "--like %s", path) : 0;
}
