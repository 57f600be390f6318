/* One entry, one target: what docs/engines.md says real engines did. */
#include "make.h"

#define HIGH 1000000

struct row {
	const char *what, *target, *map;
	struct inv_entry e;
	int rule; /* -1: nothing is found */
	enum outcome outcome;
	const char *line; /* first engine error, whole; NULL: not looked at */
};

#define NOTHING -1
#define FILE_OF(u, g)                                                                              \
	{                                                                                          \
		.kind = INV_REG, .path = "f", .uid = (u), .gid = (g), .mode = 0644                 \
	}
#define KIND_OF(k, p)                                                                              \
	{                                                                                          \
		.kind = (k), .path = (p), .uid = HIGH, .mode = 0755                                \
	}
#define OUT   RULE_OWNER_OUTSIDE_MAP
#define REMAP "0:100000:65536"

#define M1(id)                                                                                     \
	"Error processing tar file(exit status 1): Container ID " id                               \
	" cannot be mapped to a host ID"
#define PULL1(id) "failed to register layer: " M1(id)
#define S3(ids, path, call)                                                                        \
	"processing tar file(potentially insufficient UIDs or GIDs available in user namespace "   \
	"(requested " ids " for " path "): Check /etc/subuid and /etc/subgid if configured "       \
				       "locally and run podman-system-migrate: " call " " path     \
	": invalid argument): exit status 1"
#define UMOCI(name, kind, id)                                                                      \
	"unpack entry: " name ": apply hdr metadata: unmap header: map " kind                      \
	" to host: container id " id " cannot be mapped to a host id"

static const struct row rows[] = {
	{ "last of the map", "docker@20.10", REMAP, FILE_OF(65535, 65535), NOTHING, 0, "" },
	{ "uid behind it", "docker@20.10", REMAP, FILE_OF(65536, 0), OUT, OUTCOME_ERROR,
	  PULL1("65536") },
	{ "gid behind it", "docker@20.10", REMAP, FILE_OF(0, 65536), OUT, OUTCOME_ERROR,
	  PULL1("65536") },
	{ "uid comes first", "docker@20.10", REMAP, FILE_OF(70000, 80000), OUT, OUTCOME_ERROR,
	  PULL1("70000") },
	{ "root's host id and a bad gid", "docker@20.10", REMAP, FILE_OF(100000, 80000), OUT,
	  OUTCOME_ERROR, PULL1("80000") },
	{ "no re-exec", "docker@24", REMAP, FILE_OF(70000, 0), OUT, OUTCOME_ERROR,
	  "failed to register layer: Container ID 70000 cannot be mapped to a host ID" },
	{ "small letter", "docker@28.1", REMAP, FILE_OF(70000, 0), OUT, OUTCOME_ERROR,
	  "failed to register layer: container ID 70000 cannot be mapped to a host ID" },
	{ "-5", "docker@20.10", REMAP, FILE_OF(-5, 0), OUT, OUTCOME_ERROR, PULL1("-5") },
	{ "-1", "docker@20.10", REMAP, FILE_OF(-1, 0), OUT, OUTCOME_ERROR, PULL1("-1") },
	{ "2^32-1", "docker@20.10", REMAP, FILE_OF(4294967295, 0), OUT, OUTCOME_ERROR,
	  PULL1("4294967295") },
	{ "2^32", "docker@20.10", REMAP, FILE_OF(4294967296, 0), OUT, OUTCOME_ERROR,
	  PULL1("4294967296") },
	{ "2^63-1", "docker@20.10", REMAP, FILE_OF(INT64_MAX, 0), OUT, OUTCOME_ERROR,
	  PULL1("9223372036854775807") },
	{ "root's host id", "docker", REMAP, FILE_OF(100000, 5), RULE_OWNER_BECOMES_ROOT,
	  OUTCOME_ROOT, "" },
	{ "root's host gid", "docker", REMAP, FILE_OF(5, 100000), RULE_OWNER_BECOMES_ROOT,
	  OUTCOME_ROOT, "" },
	{ "behind root's host id", "docker@20.10", REMAP, FILE_OF(100001, 0), OUT, OUTCOME_ERROR,
	  PULL1("100001") },
	{ "root's host id inside the map", "docker", "0:5:65536", FILE_OF(5, 0),
	  RULE_OWNER_BECOMES_ROOT, OUTCOME_ROOT, "" },
	{ "identity", "docker", "0:0:65536", FILE_OF(0, 0), NOTHING, 0, "" },
	{ "hardlink", "docker", REMAP, KIND_OF(INV_HARDLINK, "h"), OUT, OUTCOME_ERROR, NULL },
	{ "device", "docker", REMAP, KIND_OF(INV_CHR, "c"), OUT, OUTCOME_ERROR, NULL },
	{ "whiteout", "docker", REMAP, KIND_OF(INV_WHITEOUT, "w"), OUT, OUTCOME_ERROR, NULL },
	{ "opaque", "docker", REMAP, KIND_OF(INV_OPAQUE, "d"), OUT, OUTCOME_ERROR, NULL },
	{ "AUFS", "docker", REMAP, KIND_OF(INV_AUFS_META, ".wh..wh.plnk/1.2"), OUT, OUTCOME_ERROR,
	  NULL },
	{ "root", "docker", REMAP, KIND_OF(INV_ROOT, ""), NOTHING, 0, "" },
	{ "root as /",
	  "docker",
	  REMAP,
	  { .kind = INV_ROOT, .uid = HIGH, .flags = INV_ABSOLUTE },
	  OUT,
	  OUTCOME_ERROR,
	  NULL },
	{ "global", "docker", REMAP, KIND_OF(INV_GLOBAL, "g"), NOTHING, 0, "" },
	{ "naive, file", "docker-vfs@20.10", REMAP, FILE_OF(70000, 0), OUT, OUTCOME_ERROR,
	  "failed to register layer: ApplyLayer exit status 1 stdout:  stderr: Container ID 70000 "
	  "cannot be mapped to a host ID" },
	{ "naive, whiteout", "docker-vfs", REMAP, KIND_OF(INV_WHITEOUT, "w"), NOTHING, 0, "" },
	{ "naive, opaque", "docker-vfs", REMAP, KIND_OF(INV_OPAQUE, "d"), NOTHING, 0, "" },
	{ "naive, AUFS", "docker-vfs", REMAP, KIND_OF(INV_AUFS_META, ".wh..wh.plnk/1.2"), NOTHING,
	  0, "" },
	{ "naive, root", "docker-vfs", REMAP, KIND_OF(INV_ROOT, ""), OUT, OUTCOME_ERROR, NULL },

	{ "one more than docker", "podman@4.3", NULL, FILE_OF(65536, 65536), NOTHING, 0, "" },
	{ "behind it", "podman@4.3", NULL, FILE_OF(65537, 0), OUT, OUTCOME_ERROR,
	  S3("65537:0", "/f", "lchown") },
	{ "gid", "podman@4.3", NULL, FILE_OF(0, 70001), OUT, OUTCOME_ERROR,
	  S3("0:70001", "/f", "lchown") },
	{ "-2", "podman@4.3", NULL, FILE_OF(-2, 0), OUT, OUTCOME_ERROR,
	  S3("-2:0", "/f", "lchown") },
	{ "2^33+70000", "podman@4.3", NULL, FILE_OF(8590004592, 0), OUT, OUTCOME_ERROR,
	  S3("8590004592:0", "/f", "lchown") },
	{ "-1 keeps root", "podman", NULL, FILE_OF(-1, 0), RULE_OWNER_WRAPS, OUTCOME_ROOT, "" },
	{ "2^32-1 keeps root", "podman", NULL, FILE_OF(4294967295, 0), RULE_OWNER_WRAPS,
	  OUTCOME_ROOT, "" },
	{ "2^63-1 is -1", "podman", NULL, FILE_OF(INT64_MAX, 0), RULE_OWNER_WRAPS, OUTCOME_ROOT,
	  "" },
	{ "2^32 is root", "podman", NULL, FILE_OF(4294967296, 0), RULE_OWNER_WRAPS, OUTCOME_ROOT,
	  "" },
	{ "2^32+1 is 1", "podman", NULL, FILE_OF(4294967297, 0), RULE_OWNER_WRAPS, OUTCOME_IGNORED,
	  "" },
	{ "wraps and a bad gid", "podman", NULL, FILE_OF(4294967296, 70000), OUT, OUTCOME_ERROR,
	  NULL },
	{ "device", "podman", NULL, KIND_OF(INV_CHR, "c"), NOTHING, 0, "" },
	{ "fifo", "podman@4.3", NULL, KIND_OF(INV_FIFO, "p"), OUT, OUTCOME_ERROR,
	  S3("1000000:0", "/p", "lchown") },
	{ "whiteout", "podman@4.3", NULL, KIND_OF(INV_WHITEOUT, "d/x"), OUT, OUTCOME_ERROR,
	  S3("1000000:0", "/d/x", "chown") },
	{ "opaque", "podman", NULL, KIND_OF(INV_OPAQUE, "d"), NOTHING, 0, "" },
	{ "AUFS directory", "podman@4.3", NULL, KIND_OF(INV_AUFS_META, "d/.wh..wh.plnk"), OUT,
	  OUTCOME_ERROR, S3("1000000:0", "/d/.wh.plnk", "chown") },
	{ "AUFS file", "podman@4.3", NULL, KIND_OF(INV_AUFS_META, ".wh..wh.plnk/1.2"), OUT,
	  OUTCOME_ERROR, S3("1000000:0", "/.wh..wh.plnk/1.2", "lchown") },
	{ "root", "podman", NULL, KIND_OF(INV_ROOT, ""), NOTHING, 0, "" },
	{ "root as /",
	  "podman@4.3",
	  NULL,
	  { .kind = INV_ROOT, .uid = HIGH, .flags = INV_ABSOLUTE },
	  OUT,
	  OUTCOME_ERROR,
	  S3("1000000:0", "/", "lchown") },
	{ "newest words", "podman@5.2", NULL, FILE_OF(0, 70000), OUT, OUTCOME_ERROR,
	  "unpacking failed (error: exit status 1; output: potentially insufficient UIDs or GIDs "
	  "available in user namespace (requested 0:70000 for /f): Check /etc/subuid and "
	  "/etc/subgid if configured locally and run \"podman system migrate\": lchown /f: invalid "
	  "argument)" },
	{ "single map", "podman-single@4.3", NULL, FILE_OF(0, 42), OUT, OUTCOME_ERROR,
	  S3("0:42", "/f", "lchown") },
	{ "squashed", "podman-hpc", NULL, FILE_OF(0, 42), OUT, OUTCOME_SQUASHED, "" },
	{ "single id", "single-id", NULL, FILE_OF(42, 0), OUT, OUTCOME_SQUASHED, "" },

	{ "in a namespace", "docker-rootless@20.10", NULL, FILE_OF(70000, 0), OUT, OUTCOME_ERROR,
	  "failed to register layer: ApplyLayer exit status 1 stdout:  stderr: lchown /f: invalid "
	  "argument" },
	{ "in a namespace, newer", "docker-rootless@24", NULL, FILE_OF(7, 70000), OUT,
	  OUTCOME_ERROR,
	  "failed to register layer: failed to Lchown \"/f\" for UID 7, GID 70000 (try increasing "
	  "the number of subordinate IDs in /etc/subuid and /etc/subgid): lchown /f: invalid "
	  "argument" },
	{ "in a namespace, whiteout", "docker-rootless", NULL, KIND_OF(INV_WHITEOUT, "w"), NOTHING,
	  0, "" },
	{ "in a namespace, AUFS", "docker-rootless", NULL, KIND_OF(INV_AUFS_META, ".wh..wh.aufs"),
	  NOTHING, 0, "" },
	{ "in a namespace, AUFS file", "docker-rootless", NULL,
	  KIND_OF(INV_AUFS_META, ".wh..wh.plnk/1.2"), OUT, OUTCOME_ERROR, NULL },
	{ "in a namespace, root", "docker-rootless", NULL, KIND_OF(INV_ROOT, ""), OUT,
	  OUTCOME_ERROR, NULL },
	{ "in a namespace, device", "docker-rootless", NULL, KIND_OF(INV_BLK, "b"), NOTHING, 0,
	  "" },
	{ "in a namespace, -1", "docker-rootless", NULL, FILE_OF(-1, 0), RULE_OWNER_WRAPS,
	  OUTCOME_ROOT, "" },

	{ "umoci, uid", "umoci", REMAP, FILE_OF(65536, 65536), OUT, OUTCOME_ERROR,
	  UMOCI("f", "uid", "65536") },
	{ "umoci, gid", "umoci", REMAP, FILE_OF(0, 65536), OUT, OUTCOME_ERROR,
	  UMOCI("f", "gid", "65536") },
	{ "umoci, root's host id", "umoci", REMAP, FILE_OF(100000, 0), OUT, OUTCOME_ERROR,
	  UMOCI("f", "uid", "100000") },
	{ "umoci, -1", "umoci", REMAP, FILE_OF(-1, 0), OUT, OUTCOME_ERROR,
	  UMOCI("f", "uid", "-1") },
	{ "umoci, 2^32", "umoci", REMAP, FILE_OF(4294967296, 0), RULE_OWNER_WRAPS, OUTCOME_ROOT,
	  "" },
	{ "umoci, -2^32+5", "umoci", REMAP, FILE_OF(-4294967291, 0), RULE_OWNER_WRAPS,
	  OUTCOME_IGNORED, "" },
	{ "umoci, hardlink", "umoci", REMAP, KIND_OF(INV_HARDLINK, "h"), NOTHING, 0, "" },
	{ "umoci, whiteout", "umoci", REMAP, KIND_OF(INV_WHITEOUT, "w"), NOTHING, 0, "" },
	{ "umoci, AUFS directory", "umoci", REMAP, KIND_OF(INV_AUFS_META, ".wh..wh.plnk"), NOTHING,
	  0, "" },
	{ "umoci, AUFS file", "umoci", REMAP, KIND_OF(INV_AUFS_META, ".wh..wh.plnk/1"), OUT,
	  OUTCOME_ERROR, UMOCI(".wh..wh.plnk/1", "uid", "1000000") },
	{ "umoci, root", "umoci", REMAP, KIND_OF(INV_ROOT, ""), OUT, OUTCOME_ERROR,
	  UMOCI(".", "uid", "1000000") },
	{ "umoci, root as /",
	  "umoci",
	  REMAP,
	  { .kind = INV_ROOT, .uid = HIGH, .flags = INV_ABSOLUTE },
	  OUT,
	  OUTCOME_ERROR,
	  UMOCI("/", "uid", "1000000") },

	{ "nobody", "kubernetes", NULL, FILE_OF(65536, 0), RULE_OWNER_BECOMES_NOBODY,
	  OUTCOME_NOBODY, "" },
	{ "pod's whiteout", "kubernetes", NULL, KIND_OF(INV_WHITEOUT, "w"), NOTHING, 0, "" },
	{ "slow chown", "containerd-slow-chown", NULL, FILE_OF(0, 65536), OUT, OUTCOME_ERROR,
	  "container ID 65536 cannot be mapped to a host ID" },
	{ "gitpod has no nobody", "gitpod", NULL, FILE_OF(65534, 0), OUT, OUTCOME_ERROR, "" },
	{ "names are escaped",
	  "podman@4.3",
	  NULL,
	  { .kind = INV_REG, .path = "a\n\x1b", .uid = 70000 },
	  OUT,
	  OUTCOME_ERROR,
	  S3("70000:0", "/a\\n\\x1b", "lchown") },

	{ "growing map holds it", "podman-auto", NULL, FILE_OF(65535, 5000), NOTHING, 0, "" },
	{ "beyond its largest", "podman-auto", NULL, FILE_OF(65536, 0), OUT, OUTCOME_ERROR, NULL },
	{ "its whiteouts do not count", "podman-auto", NULL, KIND_OF(INV_WHITEOUT, "w"), NOTHING, 0,
	  "" },
	{ "its devices count", "podman-auto", NULL, KIND_OF(INV_CHR, "c"), OUT, OUTCOME_ERROR,
	  NULL },
};

static void check_row(const struct row *r)
{
	struct made m;
	const struct check_target *t;

	made_begin(&m, 1);
	made_add(&m, 0, &r->e);
	made_check(&m, r->target, r->map);
	t = &m.check->targets[0];
	if (r->rule == NOTHING) {
		if (t->effect_count || !t->fits || !m.check->fits)
			fail_msg("%s, %s: %s", r->target, r->what, rule_name(t->effects[0].rule));
	} else if (t->effect_count != 1 || (int)t->effects[0].rule != r->rule ||
		   t->effects[0].outcome != r->outcome || t->effects[0].count != 1 || t->fits) {
		fail_msg("%s, %s: %zu effects, %s", r->target, r->what, t->effect_count,
			 t->effect_count ? rule_name(t->effects[0].rule) : "none");
	}
	if (r->line && strcmp(r->line, made_line(&m, 0)) != 0)
		fail_msg("%s, %s: '%s'", r->target, r->what, made_line(&m, 0));
	made_end(&m);
}

static void test_rows(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
