/* How bundle.c's parts are joined: each makes one member of config.json.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "bundle/bundle.h"
#include "bundle/data.h"

struct bundle {
	const struct oci_config *config;
	json_t *image; /* config's "config"; NULL where there is none */
	const struct bundle_options *opts;
};

/* *out is owned by the caller. Errors as bundle_config's. */
typedef int bundle_part(json_t **out, const struct bundle *b, struct error *err);
bundle_part bundle_process, bundle_args, bundle_env, bundle_mounts, bundle_annotations;
bundle_part bundle_linux, bundle_seccomp;

/* Whether what the tables have for that case is meant. */
bool bundle_when(const struct bundle *b, enum container_when when);

/* A member, an element; value is taken over, and NULL is what jansson gives where memory is short.
 */
int bundle_put(json_t *object, const char *key, json_t *value, struct error *err) _must_check_;
int bundle_push(json_t *array, json_t *value, struct error *err) _must_check_;
/* A member that a part makes. */
int bundle_put_part(json_t *object, const char *key, bundle_part *part, const struct bundle *b,
		    struct error *err) _must_check_;
/* A list that ends with NULL, of the tables. NULL where memory is short. */
json_t *bundle_list(const char *const *list);
/* A string of the command line or of this process's environment: what names it. ERR_USAGE where it
 * is not UTF-8, which JSON cannot hold. */
int bundle_text(json_t **out, const char *text, const char *what, struct error *err) _must_check_;
