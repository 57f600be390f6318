/* YAML documents as trees, as the API server's reader takes them (YAML 1.1, sigs.k8s.io/yaml).
 *
 * Hostile input is bounded: bytes (limit yaml-size), values, aliases counted as often as they stand
 * (yaml-values), depth (yaml-depth). A key that stands twice is refused, an alias inside its own
 * anchor too. "<<" merges.
 */
#pragma once

#include <stdbool.h>

#include "base/limits.h"

#define KUBE_ANCHORS_MAX 1000 /* of one document */

enum kube_value_kind { KUBE_SCALAR, KUBE_SEQUENCE, KUBE_MAP };

struct kube_value {
	enum kube_value_kind kind;
	char *key;   /* NULL but in a map */
	char *text;  /* of a scalar, UTF-8 without NUL */
	bool plain;  /* a scalar without quotes and tag: may be a number, a bool or null */
	size_t line; /* from 1 */
	struct kube_value **items;
	size_t count, cap;
};

struct kube_documents {
	struct kube_value **list;
	size_t count, cap;
};

/* Parses n bytes, any number of documents; empty ones are not kept. *out is owned by the caller, on
 * an error empty. ERR_BAD_INPUT and ERR_LIMIT with "WHAT line N". */
int kube_parse(struct kube_documents *out, const char *text, size_t n, const char *what,
	       const struct limits *limits, struct error *err) _must_check_;
void kube_documents_free(struct kube_documents *d);

/* The member of a map; NULL where there is none, where it is null, or v is NULL or no map. */
const struct kube_value *kube_get(const struct kube_value *v, const char *key);
/* The text of a scalar member; NULL where there is none. */
const char *kube_text(const struct kube_value *v, const char *key);
/* True for ~, null and nothing at all. */
bool kube_is_null(const struct kube_value *v);

/* 1 and *out for a bool, 0 where the member is not there, ERR_BAD_INPUT where it is something else.
 */
int kube_bool(const struct kube_value *v, const char *key, bool *out, const char *what,
	      struct error *err) _must_check_;
/* Likewise for an integer of 64 bits, in decimal, 0x, 0o or 0 and octal, "_" between digits. */
int kube_int(const struct kube_value *v, const char *key, int64_t *out, const char *what,
	     struct error *err) _must_check_;
int kube_int_of(const struct kube_value *v, int64_t *out, const char *what,
		struct error *err) _must_check_;
