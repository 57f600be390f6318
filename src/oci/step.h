/* The Dockerfile step behind a layer: the config's history, joined across empty layers.
 */
#pragma once

#include "base/buf.h"
#include "oci/image.h"

/* The history element that made layer (from 0), or NULL where history is absent or does not have as
 * many non-empty elements as there are layers (then *why, if not NULL, says so in words; static).
 * Walks the history: ask once a layer. */
const struct oci_history *oci_step_of_layer(const struct oci_config *c, size_t layer,
					    const char **why);

/* The USER in force when layer was made: the last "USER x" among the empty history elements before
 * it, in either builder's style ("/bin/sh -c #(nop)  USER x", "USER x"); NULL where none. Borrowed,
 * *len its length. */
const char *oci_step_user(const struct oci_config *c, size_t layer, size_t *len);

/* created_by as the line of a Dockerfile: "/bin/sh -c #(nop) COPY ..." gives "COPY ..."; "/bin/sh
 * -c x", "RUN /bin/sh -c x # buildkit" and "|1 A=b /bin/sh -c x" give "RUN x". Not escaped. 0 or
 * -ERR_NOMEM. */
int oci_step_pretty(struct buf *out, const char *created_by) _must_check_;
