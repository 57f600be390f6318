/* Every bound on what an image may ask of this program, in one table (limits.c): name, figure,
 * unit, reason. `--limit NAME=VALUE` raises or lowers one; `uidfit help limits` prints it, and
 * docs/limits.md holds what it prints.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum limit {
	LIMIT_JSON_SIZE,	    /* bytes of one manifest, index or config */
	LIMIT_LAYER_SIZE,	    /* bytes of one layer, decompressed */
	LIMIT_LAYER_ENTRIES,	    /* entries of one layer */
	LIMIT_LAYERS,		    /* layers of one image */
	LIMIT_IMAGES,		    /* images (manifests) looked at in one source */
	LIMIT_INDEX_DEPTH,	    /* indexes nested in indexes */
	LIMIT_TAR_NAME,		    /* bytes of a path or a link target */
	LIMIT_TAR_PAX,		    /* bytes of the extended headers of one entry */
	LIMIT_TAR_PAX_RECORDS,	    /* PAX records of one entry */
	LIMIT_TAR_SPARSE,	    /* sparse-map extents of one entry */
	LIMIT_SMALL_FILE,	    /* bytes of a passwd or group file that are kept */
	LIMIT_SMALL_FILES,	    /* bytes of all such files of one layer */
	LIMIT_SCRIPT_SIZE,	    /* bytes of a script or unit that is read for the ids in it */
	LIMIT_MENTIONS,		    /* bytes of what such files of one layer say */
	LIMIT_ARCHIVE_ENTRIES,	    /* members of an image archive */
	LIMIT_OWNERS,		    /* distinct uid:gid pairs of one layer */
	LIMIT_ACCOUNTS,		    /* entries read of one passwd or group file */
	LIMIT_ZSTD_WINDOW,	    /* bytes of a zstd frame's window */
	LIMIT_XZ_MEMORY,	    /* bytes that decoding an xz stream may take */
	LIMIT_DOCKERFILE_SIZE,	    /* bytes of a Dockerfile */
	LIMIT_DOCKERFILE_STAGES,    /* FROMs of one */
	LIMIT_DOCKERFILE_VARIABLES, /* ARG and ENV of one stage */
	LIMIT_YAML_SIZE,	    /* bytes of one Kubernetes file */
	LIMIT_YAML_VALUES,	    /* its values, those of an alias each time that it stands */
	LIMIT_YAML_DEPTH,	    /* of its maps and lists in one another */
	LIMIT_COUNT
};

struct limits {
	uint64_t v[LIMIT_COUNT];
};

struct limit_row {
	const char *name; /* as --limit takes it: "layer-entries" */
	uint64_t figure;
	const char *unit;   /* "bytes", "entries", ... */
	const char *reason; /* why this figure, in one sentence */
};

/* The row of a limit; never NULL for a value below LIMIT_COUNT. */
const struct limit_row *limit_row(enum limit which);

/* The table's own figures. */
struct limits limits_default(void);

/* Sets a limit from "NAME=VALUE"; VALUE is decimal with an optional K, M, G or T (powers of 1024).
 * 0, or -ERR_USAGE where the name or the value is none. */
int limits_set(struct limits *l, const char *name_value, struct error *err) _must_check_;

/* -ERR_LIMIT with "WHAT: more than FIGURE UNIT (limit NAME)". */
int limit_passed(const struct limits *l, enum limit which, const char *what, struct error *err);
