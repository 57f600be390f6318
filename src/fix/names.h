/* Names in --owner and --group: what passwd and group of the final image call an id.
 */
#pragma once

#include "fix/policy.h"
#include "inventory/image.h"

/* Puts numbers in the place of names. ERR_USAGE for a name that no image of the set knows (the
 * message lists those it does), that means two ids, or that stands for nobody as NEW. Errors as
 * accounts_load. */
int fix_pairs_resolve(struct fix_pair *pairs, size_t count, struct image_set *set,
		      struct error *err) _must_check_;
