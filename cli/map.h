/* --map, --uidmap and --gidmap, with "host" as the verb host has it.
 */
#pragma once

#include "cli.h"
#include "idmap/notation.h"

/* One word of an option into the maps of which; a note on standard error says what "host" was taken
 * for. Errors as idmap_parse_option(). */
int cli_map_option(struct idmap_pair *out, const char *word, enum idmap_which which,
		   const struct common_options *o, struct error *err) _must_check_;
