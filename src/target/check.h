/* Findings: an image × targets. Owners are judged once each, then the entries of those that do not
 * fit are walked. Findings are not kept: they are told again on each walk, so that a million cost
 * no memory.
 */
#pragma once

#include "inventory/accounts.h"
#include "inventory/image.h"
#include "target/target.h"

enum rule {
	RULE_OWNER_OUTSIDE_MAP,
	RULE_ACL_OUTSIDE_MAP,
	RULE_CAPABILITY_ROOTID_OUTSIDE_MAP,
	RULE_USER_OUTSIDE_MAP,
	RULE_GROUP_OUTSIDE_MAP,
	RULE_PASSWD_OUTSIDE_MAP,
	RULE_OWNER_BECOMES_ROOT,
	RULE_OWNER_BECOMES_NOBODY,
	RULE_OWNER_WRAPS,
	RULE_OWNER_UNNAMED,
	RULE_OVERSIZED_SPARSE_LOG,
	RULE_ACL_INVALID,	 /* added to the contract: engines stop with "invalid argument" */
	RULE_CAPABILITY_INVALID, /* likewise: a security.capability that the kernel refuses */
	RULE_COUNT
};
const char *rule_name(enum rule r); /* "owner-outside-map" */

enum level { LEVEL_NOTE, LEVEL_WARNING, LEVEL_ERROR };
const char *level_name(enum level l);

#define CHECK_TARGETS_MAX TARGET_USES_MAX

struct finding {
	enum rule rule;
	enum level level;
	long layer; /* -1 for the image's config */
	/* Borrowed until the next one; NULL for config and passwd findings. */
	const struct inv_entry *entry;
	/* Of the entry, user or account; the ACL's or capability's id in the one that applies. */
	int64_t uid, gid;
	bool has_uid, has_gid;
	enum visible visible;
	long by_layer; /* or -1 */
	/* Not all layers above were looked at: visible is VISIBLE, by_layer -1, neither counts. */
	bool visible_unknown;
	/* Per target, bit i: the id maps. Both are set where the target does not consult it. */
	uint32_t uid_fits, gid_fits;
	uint32_t targets; /* the targets that this finding concerns */
	bool security;	  /* becomes root with a setuid or setgid bit or a capability */
	/* Passwd findings: the account's name; user findings: USER as written; else NULL. */
	const char *subject;
	const char *path; /* of the file that names the subject ("etc/passwd"); NULL else */
};

struct check_effect {
	enum rule rule;
	enum stage stage;
	enum outcome outcome;
	uint64_t count;
};

struct check_engine_error {
	const struct engine_message *message;
	char *line; /* placeholders filled, names escaped */
};

struct check_target {
	const struct target_use *use;
	bool fits; /* no effect at --fail-on's level or above; where it is never, as with warning */
	/* Nothing says that it does not fit, but not all layers were looked at. fits is false. */
	bool unknown;
	enum level worst;
	bool any; /* any finding at all */
	struct check_effect *effects;
	size_t effect_count;
	/* The entry that the engine stops at, its first words about it. */
	long first_layer; /* -1 where it does not stop at an entry */
	uint64_t first_index;
	char *first_path; /* raw bytes, NUL behind */
	struct check_engine_error *errors;
	size_t error_count;
	const char *undecided; /* what could not be decided and why ("the map has no host side"), or
				  NULL */
	bool grown;	       /* podman-auto: the map grew to hold the image */
	uint64_t size; /* podman-auto: ids that its map has for this image, at most max_size; else 0
			*/
	uint64_t need; /* podman-auto: ids that the image asks for, above max_size where it does not
			  fit; else 0 */
};

/* USER and groups judged. */
struct check_user {
	struct exec_user user;
	uint32_t uid_fits, gid_fits; /* bit per target */
	uint32_t group_fits;	     /* all supplementary groups */
	uint32_t fits;		     /* uid, gid and groups */
	/* The gid and the supplementary groups come from files of layers that were not looked at:
	 * what user says of them is nothing, and they fit everywhere. */
	bool gid_unknown;
};

/* One cause that explains several findings: a USER step before layers that then hold its id. */
struct check_cause {
	size_t user_layer; /* first layer made under it */
	char *user;
	int64_t uid;
	uint64_t entries;
	size_t layers;
	size_t last_layer; /* of those */
};

struct check_options {
	const struct target_use *uses;
	size_t use_count;
	const char *user; /* --user, or NULL for the config's */
	const char *const *group_add;
	size_t group_add_count;
	enum level fail_on;
	bool fail_never;
};

struct check {
	struct image *image;
	const struct check_options *opts; /* borrowed */
	struct accounts accounts;
	struct check_target targets[CHECK_TARGETS_MAX];
	size_t target_count;
	struct check_user user;
	struct check_cause *causes;
	size_t cause_count;
	uint64_t *layer_findings; /* per layer */
	uint64_t counts[LEVEL_ERROR + 1];
	uint64_t rule_counts[RULE_COUNT];
	bool fits; /* all targets fit. With fail_never the exit status does not follow it */
	struct judge *judge; /* of target/check-internal.h */
};

/* Findings about an entry: at most one about its owner, whose rule is that of the worst target; one
 * for each ACL id outside; one about its capability; one about its size. A note about a target is
 * not in targets where another fares worse.
 *
 * owner-unnamed: an id other than 0 and 65534 that is inside a map and that no passwd or group file
 * of any layer names; not asked where the image has no such file, except for a single layer that is
 * no image (tar:, rootfs:), where nothing names any.
 *
 * Where layers of img are unread, what they could change is not told: names, accounts, visibility,
 * what an engine stops at if an unread layer lies below. What is told holds whatever they are, and
 * at least one target fails; else ERR_BUG.
 *
 * Looks at everything once: counts, effects, first errors, causes. img and opts are borrowed. */
int check_image(struct check **out, struct image *img, const struct check_options *opts,
		struct error *err) _must_check_;

/* Whether an image that has this layer fails, whatever its other layers hold; with inventory NULL:
 * whether its USER alone fails. True only where check_image of the whole image has such a finding,
 * at fail_on or above. False where memory is short. Any thread. For image_options.enough. */
bool check_is_decided(const struct check_options *opts, const struct source_image *image,
		      const struct source_layer *layer, const struct layer_inventory *inventory);

/* The same of one entry of some layer: for image_options.enough_at. */
bool check_is_decided_at(const struct check_options *opts, const struct source_image *image,
			 const struct inv_entry *entry);
void check_free(struct check *c);
DEFINE_CLEANUP(struct check, check_free)

/* Tells each finding, layers from the base up, entries in their order, then the config's. fn
 * returns 0 to go on, below 0 to stop with that. */
typedef int check_finding_fn(void *ctx, const struct finding *f, struct error *err);
int check_each(struct check *c, check_finding_fn *fn, void *ctx, struct error *err) _must_check_;
