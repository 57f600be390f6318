#include "report/baseline.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "oci/json.h"
#include "report/print.h"

#define SCHEMA	 "uidfit/baseline/1"
#define FILE_MAX (64u << 20)
#define HEX	 64

struct baseline {
	char (*prints)[HEX + 1]; /* sorted, once read */
	size_t count, cap;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, HEX);
}

static int put(struct baseline *b, const char *hex, struct error *err)
{
	if (b->count == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 256;
		void *more = reallocarray(b->prints, cap, sizeof(*b->prints));

		if (!more)
			return err_nomem(err);
		b->prints = more;
		b->cap = cap;
	}
	memcpy(b->prints[b->count++], hex, HEX + 1);
	return 0;
}

int baseline_new(struct baseline **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : err_nomem(err);
}

void baseline_free(struct baseline *b)
{
	if (!b)
		return;
	free(b->prints);
	free(b);
}

static int read_file(struct buf *out, const char *path, struct error *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return err_fail(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, errno,
				"open baseline '%s'", path);
	if (fstat(fd, &st) == 0 && st.st_size > FILE_MAX)
		return err_fail(err, ERR_LIMIT, 0, "baseline '%s' is larger than 64 MiB", path);
	do {
		if (buf_reserve(out, 65536) < 0)
			return err_nomem(err);
		n = read(fd, out->data + out->len, 65536);
		out->len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && out->len <= FILE_MAX);
	return n < 0 ? err_fail(err, ERR_IO, errno, "read baseline '%s'", path) : 0;
}

static int take(struct baseline *b, json_t *findings, const char *path, struct error *err)
{
	static const char digits[] = "0123456789abcdef";
	json_t *one;
	size_t i;

	json_array_foreach(findings, i, one)
	{
		const char *hex = json_string_value(one);
		int r;

		if (!hex || strlen(hex) != HEX || strspn(hex, digits) != HEX)
			return err_fail(err, ERR_BAD_INPUT, 0,
					"baseline '%s': finding %zu is no fingerprint", path, i);
		r = put(b, hex, err);
		if (r < 0)
			return r;
	}
	if (b->count)
		qsort(b->prints, b->count, sizeof(*b->prints), compare);
	return 0;
}

int baseline_read(struct baseline **out, const char *path, struct error *err)
{
	_cleanup_(baseline_freep) struct baseline *b = NULL;
	_cleanup_(buf_freep) struct buf text = { 0 };
	const char *schema = "";
	json_t *json = NULL, *findings = NULL;
	int r = baseline_new(&b, err);

	if (r == 0)
		r = read_file(&text, path, err);
	if (r == 0)
		r = oci_json_parse(&json, text.data, text.len, path, err);
	if (r == 0)
		r = oci_json_string(json, "schema", &schema, err);
	if (r == 0 && strcmp(schema, SCHEMA) != 0)
		r = err_fail(err, ERR_BAD_INPUT, 0, "'%s' is no baseline (%s)", path, SCHEMA);
	if (r == 0)
		r = oci_json_array(json, "findings", &findings, err);
	if (r == 0)
		r = take(b, findings, path, err);
	json_decref(json);
	if (r == 0)
		*out = STEAL(b);
	return r;
}

int baseline_has(const struct baseline *b, const struct report_finding *f, struct error *err)
{
	char hex[HEX + 1];
	int r = report_fingerprint(f, hex, err);

	if (r < 0)
		return r;
	return b->count && bsearch(hex, b->prints, b->count, sizeof(*b->prints), compare);
}

int baseline_add(struct baseline *b, const struct report_finding *f, struct error *err)
{
	char hex[HEX + 1];
	int r = report_fingerprint(f, hex, err);

	return r < 0 ? r : put(b, hex, err);
}

int baseline_write(struct baseline *b, FILE *out, size_t *count, struct error *err)
{
	*count = 0;
	if (b->count)
		qsort(b->prints, b->count, sizeof(*b->prints), compare);
	fputs("{\"schema\":\"" SCHEMA "\",\"findings\":[", out);
	for (size_t i = 0; i < b->count; i++) {
		if (i && compare(b->prints[i], b->prints[i - 1]) == 0)
			continue;
		fprintf(out, "%s\n\"%s\"", *count ? "," : "", b->prints[i]);
		++*count;
	}
	fputs("\n]}\n", out);
	return print_check(out, err);
}
