/* --for, --map, --uidmap and --gidmap, as check and fix take them.
 */
#pragma once

#include "cli.h"
#include "target/target.h"

struct target_choice {
	struct word_list targets, map, uidmap, gidmap;
};
#define TARGET_CHOICE_ROWS(type, member)                                                           \
	{ "for",	 'f',                                                                      \
	  "NAME[,NAME]", "targets: see uidfit platforms (default: docker)",                        \
	  OPTION_LIST,	 offsetof(struct type, member.targets) },                                  \
		{ "map",       'm',                                                                \
		  "MAP",       "a range or map in place of the target's own",                      \
		  OPTION_LIST, offsetof(struct type, member.map) },                                \
		{ "uidmap",    0,                                                                  \
		  "MAP",       "likewise, for users alone",                                        \
		  OPTION_LIST, offsetof(struct type, member.uidmap) },                             \
	{                                                                                          \
		"gidmap", 0, "MAP", "likewise, for groups alone", OPTION_LIST,                     \
			offsetof(struct type, member.gidmap)                                       \
	}

/* The targets with their maps, owned by the caller (target_uses_free). -ERR_USAGE, or what reading
 * a map gives. */
int cli_targets(struct target_use **uses, size_t *count, const struct target_choice *choice,
		const struct common_options *common, struct error *err) _must_check_;
