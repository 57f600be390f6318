/* The patched tar of a layer, as a stream: every byte is handed on as it comes but the headers that
 * the plan changes, and the bodies of the few files that it has new bytes for.
 */
#pragma once

#include "fix/difference.h"
#include "fix/plan.h"
#include "stream/stream.h"

/* tar is the layer decoded, owned on success; plan, blob and limits are borrowed. Reading gives
 * what the tar reader gives, and ERR_DIGEST where the entries are not those of the inventory. */
int fix_rewrite_open(struct stream **out, struct stream *tar, const struct fix_plan *plan,
		     const struct fix_blob *blob, const struct limits *limits,
		     struct error *err) _must_check_;

/* Before the first read: what is done is told to d (borrowed), which reading ends. */
void fix_rewrite_record(struct stream *s, struct fix_difference *d);

/* Bytes that were changed so far: headers and bodies written anew. */
uint64_t fix_rewrite_bytes(const struct stream *s);
