#include "fix/like.h"

#include "base/num.h"
#include "fix/report-file.h"
#include "oci/json.h"

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

static int read_mapping(struct fix_pair **pairs, size_t *count, json_t *doc, struct error *err)
{
	json_t *mapping = NULL;
	int r = oci_json_object(doc, "mapping", &mapping, err);

	if (r == 0 && !mapping)
		r = err_fail(err, ERR_BAD_INPUT, 0, "no 'mapping'");
	if (r == 0)
		r = read_side(pairs, count, mapping, false, err);
	return r < 0 ? r : read_side(pairs, count, mapping, true, err);
}

int fix_like_read(struct fix_pair **pairs, size_t *count, const char *path, struct error *err)
{
	struct fix_report_file f;
	int r = fix_report_file_open(&f, path, err);

	if (r == 0) {
		r = read_mapping(pairs, count, f.doc, err);
		fix_report_file_close(&f);
	}
	return r < 0 ? err_wrap(err, "--like %s", path) : 0;
}
