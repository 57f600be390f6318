/* An image on its way to disk: what unpack and run share. The image, the map, the way in which this
 * user can give files their owners, and fix's policy.
 */
#pragma once

#include "cli.h"
#include "fix/plan.h"
#include "run/way.h"
#include "targets.h"
#include "unpack/image.h"

struct on_disk_choice {
	struct target_choice target;
	struct registry_choice registry;
	const char *platform;
	bool fix, devices, idmapped;
	unsigned threads;
};
#define ON_DISK_CHOICE_ROWS(type, member)                                                          \
	TARGET_CHOICE_ROWS(type, member.target),                                                   \
		{ "fix",       0,                                                                  \
		  NULL,	       "owners outside the map move into it, as uidfit fix moves them",    \
		  OPTION_FLAG, offsetof(struct type, member.fix) },                                \
		{ "idmapped",                                                                      \
		  0,                                                                               \
		  NULL,                                                                            \
		  "the image's own owners on disk, for idmapped mounts (root of the host)",        \
		  OPTION_FLAG,                                                                     \
		  offsetof(struct type, member.idmapped) },                                        \
		{ "devices",   0,                                                                  \
		  NULL,	       "make device nodes too",                                            \
		  OPTION_FLAG, offsetof(struct type, member.devices) },                            \
		{ "platform",  0,                                                                  \
		  "OS/ARCH",   "the image of an index to take, e.g. linux/arm64",                  \
		  OPTION_TEXT, offsetof(struct type, member.platform) },                           \
	{                                                                                          \
		"threads", 0, "N", "layers side by side (default: one a core)", OPTION_NUMBER,     \
			offsetof(struct type, member.threads)                                      \
	}

struct on_disk {
	const struct on_disk_choice *choice;
	const struct common_options *common;
	const char *name; /* of the image, as typed */
	struct limits limits;
	struct platform platform;
	struct notes *notes;
	struct registry_settings registry;
	struct target_use *uses; /* one; its map is the one that counts */
	size_t use_count;
	struct host host;
	struct way way;
	bool identity; /* the map has no host side, and the image's own numbers stand */
	int kept;
	struct source *source;
	const struct source_image *image;
	struct image_set set; /* for --fix, and for the words about what does not fit */
	struct fix_options fix_options;
	struct fix_plan *plan;
	struct owners owners;
	struct idmap_pair range; /* of the target, each id to itself: owners that no map changes */
	struct unpack_layer_options layer;
	bool unfit; /* the error is a finding: nothing in the map can hold what does not fit */
};

/* Options, map and way. keep: see way_find(). d is given back by on_disk_close, on an error too. */
int on_disk_prepare(struct on_disk *d, const struct on_disk_choice *choice,
		    const struct common_options *common, bool keep, struct error *err) _must_check_;

/* That, the image, and fix's plan: everything but the writing. */
int on_disk_open(struct on_disk *d, const struct on_disk_choice *choice,
		 const struct common_options *common, const char *image, bool keep,
		 struct error *err) _must_check_;
void on_disk_close(struct on_disk *d);

/* d->owners and d->layer, for owners that stand so. */
int on_disk_owners(struct on_disk *d, enum owners_how how, enum unpack_form form,
		   struct error *err) _must_check_;

/* The image's USER, as fix leaves it. */
const char *on_disk_user(const struct on_disk *d);

/* Whether setgroups(2) may be called where the owners are given. */
bool on_disk_setgroups(const struct on_disk *d);

/* fn where the owners can be given: here, or in a namespace of our own; its exit status. */
int on_disk_run(struct on_disk *d, int (*fn)(void *ctx), void *ctx, int *status,
		struct error *err) _must_check_;

/* What check says of an image that does not fit, on standard error. */
void on_disk_tell_unfit(struct on_disk *d);
