/* The store that a containers-storage: reference names in brackets: "[DRIVER@ROOT+RUN-ROOT:OPTIONS]
 * NAME", containers-transports(5).
 */
#pragma once

#include "base/error.h"

/* Strings are owned; NULL where the reference does not say. */
struct storage_place {
	char *driver, *root, *run_root;
};

/* *name is what stands behind the brackets, in text. ERR_USAGE; storage_place_done on any outcome.
 */
int storage_place_parse(struct storage_place *out, const char **name, const char *text,
			struct error *err) _must_check_;
void storage_place_done(struct storage_place *p);
