#include "oci/json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"

/* A value costs jansson some 250 bytes however short its text is: 8 MiB of "{}," would become a
 * gigabyte. A config of 1000 steps has 5000 values. */
#define JSON_VALUES_MAX 300000

/* Refuses too many values before any is allocated. Counts what separates or opens values, outside
 * of strings; text that is no JSON is left to the parser. */
static int check_values(const uint8_t *p, size_t n, const char *what, struct error *err)
{
	uint64_t values = 0;
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		if (quoted && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (p[i] == ',' || p[i] == '[' || p[i] == '{'))
			values++;
	}
	if (values > JSON_VALUES_MAX)
		return err_fail(err, ERR_LIMIT, 0, "%s: JSON of more than %d values", what,
				JSON_VALUES_MAX);
	return 0;
}

/* jansson's message up to " near '...'", which quotes the document. */
static const char *without_excerpt(json_error_t *e)
{
	char *near = strstr(e->text, " near ");

	if (near)
		*near = '\0';
	return e->text;
}

int oci_json_parse(json_t **out, const void *bytes, size_t n, const char *what, struct error *err)
{
	json_error_t where;
	json_t *json;
	int r = check_values(bytes, n, what, err);

	if (r < 0)
		return r;
	/* Go takes \u0000 in a string, so a label may hold it; where this program reads a string,
	 * oci_json_string() refuses it. */
	json = json_loadb(bytes, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
	if (!json && json_error_code(&where) == json_error_out_of_memory)
		return err_nomem(err);
	if (!json)
		return err_fail(err, ERR_BAD_INPUT, 0, "%s: byte %d: %s", what, where.position,
				without_excerpt(&where));
	*out = json;
	return 0;
}

/* Go folds by unicode.SimpleFold: of all that is not ASCII only U+017F and U+212A fold to a letter
 * that is. key is ASCII; s is UTF-8 that jansson has checked. */
static bool folds_to(const char *s, const char *key)
{
	while (*s && *key) {
		char c = *s, want = *key++;

		if (memcmp(s, "\xc5\xbf", 2) == 0) {
			c = 's';
			s += 2;
		} else if (c == '\xe2' && memcmp(s + 1, "\x84\xaa", 2) == 0) {
			c = 'k';
			s += 3;
		} else {
			s++;
		}
		c = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		want = want >= 'A' && want <= 'Z' ? (char)(want | 0x20) : want;
		if (c != want)
			return false;
	}
	return *s == *key;
}

int oci_json_member(json_t *obj, const char *key, json_t **out, struct error *err)
{
	json_t *found = NULL, *value;
	const char *name;

	*out = NULL;
	if (!json_is_object(obj))
		return err_fail(err, ERR_BAD_INPUT, 0, "not an object where '%s' is looked for",
				key);
	json_object_foreach(obj, name, value)
	{
		if (!folds_to(name, key))
			continue;
		if (found)
			return err_fail(err, ERR_BAD_INPUT, 0,
					"two keys that Go reads as the same '%s'", key);
		found = value;
	}
	*out = json_is_null(found) ? NULL : found;
	return 0;
}

static int wrong_type(const char *key, const char *want, struct error *err)
{
	return err_fail(err, ERR_BAD_INPUT, 0, "'%s' is not %s", key, want);
}

static int text_of(json_t *value, const char *key, const char **out, struct error *err)
{
	if (!json_is_string(value))
		return wrong_type(key, "a string", err);
	if (strlen(json_string_value(value)) != json_string_length(value))
		return err_fail(err, ERR_BAD_INPUT, 0, "'%s' holds a NUL", key);
	*out = json_string_value(value);
	return 0;
}

int oci_json_string(json_t *obj, const char *key, const char **out, struct error *err)
{
	json_t *value;
	int r = oci_json_member(obj, key, &value, err);

	return r < 0 || !value ? r : text_of(value, key, out, err);
}

int oci_json_entry(json_t *map, const char *key, const char **out, struct error *err)
{
	json_t *value = json_object_get(map, key);

	return !value || json_is_null(value) ? 0 : text_of(value, key, out, err);
}

int oci_json_item(json_t *array, size_t i, const char **out, struct error *err)
{
	char name[40];

	snprintf(name, sizeof(name), "element %zu", i);
	return text_of(json_array_get(array, i), name, out, err);
}

int oci_json_u64(json_t *obj, const char *key, uint64_t *out, struct error *err)
{
	json_t *value;
	int r = oci_json_member(obj, key, &value, err);

	if (r < 0 || !value)
		return r;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return wrong_type(key, "a whole number from 0 to 2^63-1", err);
	*out = (uint64_t)json_integer_value(value);
	return 0;
}

int oci_json_bool(json_t *obj, const char *key, bool *out, struct error *err)
{
	json_t *value;
	int r = oci_json_member(obj, key, &value, err);

	if (r < 0 || !value)
		return r;
	if (!json_is_boolean(value))
		return wrong_type(key, "true or false", err);
	*out = json_is_true(value);
	return 0;
}

int oci_json_array(json_t *obj, const char *key, json_t **out, struct error *err)
{
	json_t *value;
	int r = oci_json_member(obj, key, &value, err);

	if (r < 0 || !value)
		return r;
	if (!json_is_array(value))
		return wrong_type(key, "an array", err);
	*out = value;
	return 0;
}

int oci_json_object(json_t *obj, const char *key, json_t **out, struct error *err)
{
	json_t *value;
	int r = oci_json_member(obj, key, &value, err);

	if (r < 0 || !value)
		return r;
	if (!json_is_object(value))
		return wrong_type(key, "an object", err);
	*out = value;
	return 0;
}
