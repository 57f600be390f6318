/* Names of rules and levels, and the level that an outcome has. */
#include "target/check-internal.h"

static const char *const rule_names[RULE_COUNT] = {
	[RULE_OWNER_OUTSIDE_MAP] = "owner-outside-map",
	[RULE_ACL_OUTSIDE_MAP] = "acl-outside-map",
	[RULE_CAPABILITY_ROOTID_OUTSIDE_MAP] = "capability-rootid-outside-map",
	[RULE_USER_OUTSIDE_MAP] = "user-outside-map",
	[RULE_GROUP_OUTSIDE_MAP] = "group-outside-map",
	[RULE_PASSWD_OUTSIDE_MAP] = "passwd-outside-map",
	[RULE_OWNER_BECOMES_ROOT] = "owner-becomes-root",
	[RULE_OWNER_BECOMES_NOBODY] = "owner-becomes-nobody",
	[RULE_OWNER_WRAPS] = "owner-wraps",
	[RULE_OWNER_UNNAMED] = "owner-unnamed",
	[RULE_OVERSIZED_SPARSE_LOG] = "oversized-sparse-log",
	[RULE_ACL_INVALID] = "acl-invalid",
	[RULE_CAPABILITY_INVALID] = "capability-invalid",
};
static const char *const level_names[] = {
	[LEVEL_NOTE] = "note",
	[LEVEL_WARNING] = "warning",
	[LEVEL_ERROR] = "error",
};

const char *rule_name(enum rule r)
{
	return rule_names[r];
}

const char *level_name(enum level l)
{
	return level_names[l];
}

enum level rule_level(enum rule r, enum outcome o)
{
	if (o == OUTCOME_ERROR)
		return LEVEL_ERROR;
	if (o != OUTCOME_NONE || r == RULE_OVERSIZED_SPARSE_LOG)
		return LEVEL_WARNING;
	return LEVEL_NOTE;
}
