/* The tables that data/compile-container.py makes of data/container.conf and data/seccomp.conf:
 * what a container gets where its image says nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Lists end with NULL. */
extern const char *const container_capabilities_default[];
extern const char *const container_paths_masked[];
extern const char *const container_paths_read_only[];
extern const char *const container_runtime_labels[];  /* prefixes that a runtime obeys */
extern const char container_path[], container_term[]; /* NAME=VALUE */

enum container_when {
	CONTAINER_ALWAYS,
	CONTAINER_OWN_NETWORK,
	CONTAINER_OWN_SYSFS,
	CONTAINER_HOST_SYSFS,
	CONTAINER_HOST_SYSFS_ALONE,
	CONTAINER_CGROUPS,
};

struct container_mount {
	const char *target, *type, *source;
	const char *const *options;
	int64_t gid; /* gid=N is added where the container has the group; -1 for none */
	enum container_when when;
};

struct container_sysctl {
	const char *key, *value;
	enum container_when when;
};

extern const struct container_mount container_mounts[];
extern const size_t container_mount_count;
extern const struct container_sysctl container_sysctls[];
extern const size_t container_sysctl_count;

struct seccomp_machine {
	const char *name; /* uname(2)'s machine */
	const char *const *architectures;
};

/* What no rule names answers EPERM. */
struct seccomp_rule {
	const char *const *calls;
	int error;		 /* what they answer; 0: they are allowed */
	const char *on, *not_on; /* machines; NULL: any */
	const char *op;		 /* of runtime-spec; NULL: no condition */
	unsigned arg;
	uint64_t value, value_two;
};

extern const struct seccomp_machine seccomp_machines[];
extern const size_t seccomp_machine_count;
extern const struct seccomp_rule seccomp_rules[];
extern const size_t seccomp_rule_count;
