/* A stream that looks at another: counts its bytes, may hide that it can skip, may leave it open,
 * and gives up where a layer that comes first has failed already, or where nobody wants it any
 * more. Private to this folder.
 */
#pragma once

#include <stdatomic.h>

#include "stream/stream.h"

struct tap_options {
	bool read_all;		     /* nothing may be skipped */
	bool leave_open;	     /* closing does not close inner */
	const atomic_size_t *failed; /* position of the lowest failure so far, or NULL */
	size_t position;	     /* of this one: it ends once *failed is lower */
	const atomic_size_t *wanted; /* by so many: it ends at 0; or NULL */
};

/* Owns inner on success. *bytes counts what passed, read or skipped; it must outlive the stream. */
int tap_open(struct stream **out, struct stream *inner, const struct tap_options *how,
	     uint64_t *bytes, struct error *err) _must_check_;
