/* JSON from images: jansson behind the rules of this program. Duplicate keys are refused; keys are
 * compared as Go's encoding/json does (case folds), and two keys that fold alike are refused too,
 * so that no engine reads another value than we do.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Parses n bytes, one document, nothing behind it but blanks. *out is owned by the caller
 * (json_decref). ERR_BAD_INPUT with the byte offset; ERR_LIMIT past 300000 values (a value takes
 * some 250 bytes of memory). what names the document, for the message. */
int oci_json_parse(json_t **out, const void *bytes, size_t n, const char *what,
		   struct error *err) _must_check_;

/* The member key, compared as Go does: borrowed, NULL where absent or null. -ERR_BAD_INPUT where
 * two keys fold alike, or obj is not an object. */
int oci_json_member(json_t *obj, const char *key, json_t **out, struct error *err) _must_check_;

/* Typed members: absent or null leaves *out as it was and returns 0; another type is ERR_BAD_INPUT
 * with the key. Strings are borrowed from the document and hold no NUL. */
int oci_json_string(json_t *obj, const char *key, const char **out, struct error *err) _must_check_;
int oci_json_u64(json_t *obj, const char *key, uint64_t *out, struct error *err) _must_check_;
int oci_json_array(json_t *obj, const char *key, json_t **out, struct error *err) _must_check_;
int oci_json_object(json_t *obj, const char *key, json_t **out, struct error *err) _must_check_;
int oci_json_bool(json_t *obj, const char *key, bool *out, struct error *err) _must_check_;

/* A string of a map of strings (annotations, labels), whose keys Go compares as they are. map may
 * be NULL. */
int oci_json_entry(json_t *map, const char *key, const char **out, struct error *err) _must_check_;

/* The i-th element, a string. ERR_BAD_INPUT where it is none. */
int oci_json_item(json_t *array, size_t i, const char **out, struct error *err) _must_check_;
