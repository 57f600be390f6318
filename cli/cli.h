/* What the verbs share: opening images one after the other, errors, exit statuses.
 */
#pragma once

#include "inventory/image.h"
#include "options.h"
#include "registry.h"
#include "target/check.h"

extern const struct verb verb_check, verb_diff, verb_explain, verb_fix, verb_host, verb_lint,
	verb_owners, verb_platforms, verb_report, verb_run, verb_suggest, verb_unpack;

enum { EXIT_FITS = 0, EXIT_UNFIT = 1, EXIT_USAGE = 2, EXIT_NO_LOOK = 3 };

/* The worse of two, in the order 2, 3, 1, 0. */
int exit_worse(int a, int b);

/* "uidfit: WHAT: message" and a hint on standard error; what may be NULL. Returns the exit status.
 */
int cli_error(const struct common_options *o, const char *what, const struct error *err);

/* The report's options from the common ones; colour as the terminal and the environment say. */
struct report_options cli_report_options(const struct common_options *o);

/* The file that GitHub's runner turns into the step's summary, appended to, the caller's; NULL for
 * other formats, and where GITHUB_STEP_SUMMARY names none that can be written. */
FILE *cli_summary(const struct report_options *report);

/* How images are chosen and read: the options that check and owners share. */
struct image_choice {
	const char *platform;
	bool all_platforms, verify, no_cache;
	unsigned threads;
	const char *images_from;
	struct registry_choice registry;
};
/* Where an operand is one image. */
#define IMAGE_CHOICE_ROWS_ONE(type, member)                                                        \
	{ "platform",  0,                                                                          \
	  "OS/ARCH",   "the image of an index to take, e.g. linux/arm64",                          \
	  OPTION_TEXT, offsetof(struct type, member.platform) },                                   \
		{ "verify",    0,                                                                  \
		  NULL,	       "read every byte and verify every digest",                          \
		  OPTION_FLAG, offsetof(struct type, member.verify) },                             \
		{ "no-cache",  0,                                                                  \
		  NULL,	       "read layers that an earlier run has read",                         \
		  OPTION_FLAG, offsetof(struct type, member.no_cache) },                           \
	{                                                                                          \
		"threads", 0, "N", "layers read at once (default: one a core)", OPTION_NUMBER,     \
			offsetof(struct type, member.threads)                                      \
	}
/* Where there may be several. */
#define IMAGE_CHOICE_ROWS(type, member)                                                            \
	IMAGE_CHOICE_ROWS_ONE(type, member), { "all-platforms",                                    \
					       0,                                                  \
					       NULL,                                               \
					       "all images of an index",                           \
					       OPTION_FLAG,                                        \
					       offsetof(struct type, member.all_platforms) },      \
	{                                                                                          \
		"images-from", 0, "FILE", "more images, one a line ('-': standard input)",         \
			OPTION_TEXT, offsetof(struct type, member.images_from)                     \
	}

/* --fail-on: its index gives a level; 0, not given, is the default. */
#define FAIL_ON_ARG "warning|error|note|never"
enum { FAIL_ON_NEVER = 3 };
enum level cli_fail_on(unsigned index);

struct cli_run;
struct cli_images {
	const struct common_options *common;
	const struct image_choice *choice;
	void *ctx;
	/* One image; label is what to call it; notes stand with the first image of a reference,
	 * else NULL. 0, or an error about this image, which the report holds already. */
	int (*image)(void *ctx, const char *label, struct image *img, const struct notes *notes,
		     struct error *err);
	/* One reference that could not be looked at; below 0 only where the report cannot be
	 * written. */
	int (*failed)(void *ctx, const char *label, const struct error *why, struct error *err);
	/* As in image_options, with the same ctx; or NULL. */
	bool (*enough)(void *ctx, const struct source_image *image,
		       const struct source_layer *layer, const struct layer_inventory *inventory);
	bool (*enough_at)(void *ctx, const struct source_image *image,
			  const struct inv_entry *entry);
	FILE *out;	     /* where it fails, the rest is not looked at */
	bool one;	     /* a reference that gives several images is an error */
	struct cli_run *run; /* while image() runs, for cli_image_beside */
};

/* Every image of every operand and of --images-from; one that fails does not stop the others. The
 * worst exit status. */
int cli_each_image(struct cli_images *how, const struct word_list *operands);

/* From within how->image alone: one more reference, while that image stays open. Its exit status.
 */
int cli_image_beside(struct cli_images *how, const char *text,
		     int (*image)(void *ctx, const char *label, struct image *img,
				  const struct notes *notes, struct error *err));
