#include "base/limits.h"

#include <inttypes.h>
#include <string.h>

#include "base/nearest.h"
#include "base/num.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static const struct limit_row rows[LIMIT_COUNT] = {
	[LIMIT_JSON_SIZE] = { "json-size", 8 * MIB, "bytes",
			      "registries refuse manifests over 4 MiB; a config of 1000 steps has "
			      "300 KiB" },
	[LIMIT_LAYER_SIZE] = { "layer-size", 256 * GIB, "bytes",
			       "a decompression bomb ends here; the largest layers seen have 60 "
			       "GiB" },
	[LIMIT_LAYER_ENTRIES] = { "layer-entries", 50000000, "entries",
				  "ten times the largest layers seen" },
	[LIMIT_LAYERS] = { "layers", 1024, "layers", "dockerd mounts at most 127, overlay 500" },
	[LIMIT_IMAGES] = { "images", 1024, "images", "an index lists a few dozen platforms" },
	[LIMIT_INDEX_DEPTH] = { "index-depth", 8, "levels",
				"an index in an index is rare; loops end here" },
	[LIMIT_TAR_NAME] = { "tar-name", 64 * KIB, "bytes",
			     "Linux takes paths of 4096 bytes, tar writers a little more" },
	[LIMIT_TAR_PAX] = { "tar-pax", MIB, "bytes", "Go's archive/tar stops at 1 MiB" },
	[LIMIT_TAR_PAX_RECORDS] = { "tar-pax-records", 4096, "records",
				    "an entry has a dozen; a large sparse map has thousands" },
	[LIMIT_TAR_SPARSE] = { "tar-sparse", 1000000, "extents", "GNU sparse maps of disk images" },
	[LIMIT_SMALL_FILE] = { "small-file", 2 * MIB, "bytes",
			       "a passwd or group file of 20000 lines" },
	[LIMIT_SMALL_FILES] = { "small-files", 8 * MIB, "bytes", "all such files of one layer" },
	[LIMIT_SCRIPT_SIZE] = { "script-size", 64 * KIB, "bytes",
				"an entrypoint of 1000 lines has 40 KiB" },
	[LIMIT_MENTIONS] = { "mentions", MIB, "bytes",
			     "ids that the scripts and units of one layer mention: 10000 files" },
	[LIMIT_ARCHIVE_ENTRIES] = { "archive-entries", 100000, "members",
				    "three members a layer, 1024 images" },
	[LIMIT_OWNERS] = { "owners", 1 << 20, "owners",
			   "distinct uid:gid pairs of one layer; 16 MiB" },
	[LIMIT_ACCOUNTS] = { "accounts", 100000, "lines", "of one passwd or group file" },
	[LIMIT_ZSTD_WINDOW] = { "zstd-window", 128 * MIB, "bytes",
				"zstd's own default, and what zstd --ultra needs" },
	[LIMIT_XZ_MEMORY] = { "xz-memory", 128 * MIB, "bytes", "xz -9 takes 65 MiB to decode" },
	[LIMIT_DOCKERFILE_SIZE] = { "dockerfile-size", 8 * MIB, "bytes",
				    "a Dockerfile of 100000 lines has 4 MiB" },
	[LIMIT_DOCKERFILE_STAGES] = { "dockerfile-stages", 1024, "stages",
				      "generated Dockerfiles have a few dozen" },
	[LIMIT_DOCKERFILE_VARIABLES] = { "dockerfile-variables", 1024, "variables",
					 "ARG and ENV of one stage; the longest seen have 60" },
	[LIMIT_YAML_SIZE] = { "yaml-size", 4 * MIB, "bytes",
			      "etcd takes objects of 1.5 MiB; a chart with all its objects has 1 "
			      "MiB" },
	[LIMIT_YAML_VALUES] = { "yaml-values", 500000, "values",
				"a chart of 1 MiB has 50000; aliases of aliases end here" },
	[LIMIT_YAML_DEPTH] = { "yaml-depth", 64, "levels",
			       "a CronJob's probe stands 15 levels deep" },
};

const struct limit_row *limit_row(enum limit which)
{
	return &rows[which];
}

struct limits limits_default(void)
{
	struct limits l;

	for (size_t i = 0; i < LIMIT_COUNT; i++)
		l.v[i] = rows[i].figure;
	return l;
}

static bool parse_size(const char *s, uint64_t *out)
{
	static const char units[] = "KMGT";
	size_t n = strlen(s);
	const char *unit = n ? strchr(units, s[n - 1]) : NULL;
	uint64_t v, product, factor = 1;

	for (const char *u = units; unit && u <= unit; u++)
		factor *= 1024;
	if (!num_u64(s, n - (unit != NULL), &v) || __builtin_mul_overflow(v, factor, &product))
		return false;
	*out = product;
	return true;
}

int limits_set(struct limits *l, const char *name_value, struct error *err)
{
	const char *eq = strchr(name_value, '='), *best = NULL;
	unsigned distance = NEAREST_FAR;

	if (!eq)
		return err_fail(err, ERR_USAGE, 0, "--limit %s: expected NAME=VALUE", name_value);
	for (size_t i = 0; i < LIMIT_COUNT; i++) {
		if (strlen(rows[i].name) != (size_t)(eq - name_value) ||
		    strncmp(rows[i].name, name_value, (size_t)(eq - name_value)) != 0) {
			nearest_offer(name_value, (size_t)(eq - name_value), rows[i].name, &best,
				      &distance);
			continue;
		}
		if (!parse_size(eq + 1, &l->v[i]))
			return err_fail(err, ERR_USAGE, 0, "--limit %s: '%s' is no number of %s",
					name_value, eq + 1, rows[i].unit);
		return 0;
	}
	return err_fail(err, ERR_USAGE, 0,
			"--limit %s: no such limit%s%s (uidfit help limits lists them)", name_value,
			best ? "; did you mean " : "", best ? best : "");
}

int limit_passed(const struct limits *l, enum limit which, const char *what, struct error *err)
{
	return err_fail(err, ERR_LIMIT, 0, "%s: more than %" PRIu64 " %s (limit %s)", what,
			l->v[which], rows[which].unit, rows[which].name);
}
