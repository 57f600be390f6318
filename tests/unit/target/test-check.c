/* Whole images: several targets at once, what lies in xattrs, who the process is, and what explains
 * it. */
#include "make.h"

#define REMAP "0:100000:65536"

struct seen {
	struct finding f[32];
	char path[32][64];
	size_t count;
};

static int remember(void *ctx, const struct finding *f, struct error *err _unused_)
{
	struct seen *s = ctx;

	assert_true(s->count < ARRAY_SIZE(s->f));
	if (f->entry)
		snprintf(s->path[s->count], sizeof(s->path[0]), "%s", f->entry->path);
	s->f[s->count++] = *f;
	return 0;
}

static void each(struct made *m, struct seen *s)
{
	struct error err = { 0 };
	uint64_t told = 0;

	memset(s, 0, sizeof(*s));
	must(check_each(m->check, remember, s, &err), &err);
	for (int l = 0; l <= LEVEL_ERROR; l++)
		told += m->check->counts[l];
	assert_int_equal(s->count, told);
}

static void test_worst_of_targets(void **state _unused_)
{
	struct made m;
	struct seen s;

	made_begin(&m, 1);
	made_add(&m, 0, &(struct inv_entry){ .path = "f", .uid = 65536, .gid = 7 });
	made_check(&m, "kubernetes,docker,podman,single-id", NULL);
	each(&m, &s);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.f[0].rule, RULE_OWNER_OUTSIDE_MAP);
	assert_int_equal(s.f[0].level, LEVEL_ERROR);
	assert_int_equal(s.f[0].targets, 1 | 2 | 8);
	assert_int_equal(s.f[0].uid_fits, 4);
	assert_int_equal(s.f[0].gid_fits, 1 | 2 | 4);
	assert_false(m.check->targets[0].fits);
	assert_int_equal(m.check->targets[0].worst, LEVEL_WARNING);
	assert_int_equal(m.check->targets[1].worst, LEVEL_ERROR);
	assert_true(m.check->targets[2].fits);
	assert_false(m.check->fits);
	assert_non_null(made_effect(&m, 0, RULE_OWNER_BECOMES_NOBODY));
	assert_int_equal(made_effect(&m, 3, RULE_OWNER_OUTSIDE_MAP)->outcome, OUTCOME_SQUASHED);
	made_end(&m);
}

/* The lowest layer, then the entry's order; a path where the engine looks at the merged image. */
static void test_first_error(void **state _unused_)
{
	struct made m;
	const struct check_target *t;

	made_begin(&m, 2);
	made_add(&m, 0, &(struct inv_entry){ .path = "z", .uid = 5 });
	made_add(&m, 0, &(struct inv_entry){ .path = "gone", .uid = 70000 });
	made_add(&m, 0, &(struct inv_entry){ .path = "y", .uid = 70001 });
	made_add(&m, 1, &(struct inv_entry){ .kind = INV_WHITEOUT, .path = "gone" });
	made_add(&m, 1, &(struct inv_entry){ .kind = INV_DIR, .path = "a" });
	made_add(&m, 1, &(struct inv_entry){ .path = "a-b", .gid = 70002 });
	made_add(&m, 1, &(struct inv_entry){ .path = "a/b", .uid = 70003 });
	made_check(&m, "docker@20.10,containerd-slow-chown,kubernetes", NULL);
	t = m.check->targets;
	assert_int_equal(t[0].first_layer, 0);
	assert_int_equal(t[0].first_index, 1);
	assert_string_equal(t[0].first_path, "gone");
	assert_string_equal(t[0].errors[1].line,
			    "Error processing tar file(exit status 1): Container ID 70000 cannot "
			    "be mapped to a host ID");
	assert_string_equal(t[0].errors[1].message->when, "load, 1.12 to 23.0");
	assert_int_equal(t[0].effects[0].count, 4);
	/* "a/b" comes before "a-b" in a walk, and what is gone is not there. */
	assert_string_equal(t[1].first_path, "a/b");
	assert_int_equal(t[1].effects[0].count, 3);
	assert_int_equal(t[2].first_layer, -1);
	assert_int_equal(t[2].effects[0].count, 3);
	assert_int_equal(m.check->layer_findings[0], 2);
	assert_int_equal(m.check->layer_findings[1], 2);
	made_end(&m);
}

static void test_undecided(void **state _unused_)
{
	static const struct {
		const char *target, *map;
		int64_t uid;
		bool undecided;
	} rows[] = {
		{ "docker", NULL, 100000, true },     { "docker", REMAP, 100001, false },
		{ "docker", NULL, 5, false },	      { "docker", NULL, -1, false },
		{ "docker", NULL, 1LL << 32, false }, { "podman", NULL, 100000, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made m;

		made_begin(&m, 1);
		made_add(&m, 0, &(struct inv_entry){ .path = "f", .uid = rows[i].uid });
		made_check(&m, rows[i].target, rows[i].map);
		assert_int_equal(!!m.check->targets[0].undecided, rows[i].undecided);
		made_end(&m);
	}
}

static void test_security(void **state _unused_)
{
	static const struct {
		int64_t uid, gid;
		unsigned mode, flags;
		const char *target;
		bool security;
	} rows[] = {
		{ 100000, 5, 04755, 0, "docker", true },
		{ 100000, 5, 02755, 0, "docker", false },
		{ 5, 100000, 02755, 0, "docker", true },
		{ 5, 100000, 04755, 0, "docker", false },
		{ 100000, 5, 0755, 0, "docker", false },
		{ 100000, 5, 0755, INV_CAPABILITY, "docker", true },
		{ 1LL << 32, 5, 04755, 0, "umoci", true },
		{ (1LL << 32) + 1, 5, 04755, 0, "umoci", false },
		{ -1, 5, 04755, 0, "podman", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made m;
		struct seen s;

		made_begin(&m, 1);
		made_add(&m, 0,
			 &(struct inv_entry){ .path = "f",
					      .uid = rows[i].uid,
					      .gid = rows[i].gid,
					      .mode = rows[i].mode,
					      .flags = rows[i].flags });
		made_check(&m, rows[i].target, REMAP);
		each(&m, &s);
		assert_int_equal(s.count, 1);
		if (s.f[0].security != rows[i].security)
			fail_msg("row %zu", i);
		made_end(&m);
	}
}

static void test_xattrs(void **state _unused_)
{
	static const struct inv_acl_id in = { 1000, false }, user = { 70000, false },
				       group = { 70000, true };
	static const struct inv_acl_id twice[] = { { 70000, false },
						   { 70000, false },
						   { 70000, true } };
	static const struct {
		const char *what, *target;
		enum inv_kind kind;
		unsigned flags;
		const struct inv_acl_id *acl;
		size_t acl_count;
		uint32_t rootid;
		int64_t uid;
		size_t findings;
		enum rule rule;
		enum level level;
		const char *line;
	} rows[] = {
		{ "inside", "docker", INV_REG, INV_HAS_ACL_IDS, &in, 1, 0, 0, 0, 0, 0, "" },
		{ "user", "docker", INV_REG, INV_HAS_ACL_IDS, &user, 1, 0, 0, 1,
		  RULE_ACL_OUTSIDE_MAP, LEVEL_WARNING, "" },
		{ "group", "podman@4.3", INV_REG, INV_HAS_ACL_IDS, &group, 1, 0, 0, 1,
		  RULE_ACL_OUTSIDE_MAP, LEVEL_ERROR,
		  "processing tar file(lsetxattr /f: invalid argument): exit status 1" },
		{ "twice", "docker", INV_REG, INV_HAS_ACL_IDS, twice, 3, 0, 0, 2,
		  RULE_ACL_OUTSIDE_MAP, LEVEL_WARNING, "" },
		{ "symlink", "docker", INV_SYMLINK, INV_HAS_ACL_IDS, &user, 1, 0, 0, 0, 0, 0, "" },
		{ "symlink", "podman", INV_SYMLINK, INV_HAS_ACL_IDS, &user, 1, 0, 0, 1,
		  RULE_ACL_OUTSIDE_MAP, LEVEL_ERROR, NULL },
		{ "device", "podman", INV_CHR, INV_HAS_ACL_IDS, &user, 1, 0, 0, 0, 0, 0, "" },
		{ "whiteout", "docker", INV_WHITEOUT, INV_ACL_INVALID, NULL, 0, 0, 0, 0, 0, 0, "" },
		{ "invalid", "docker@20.10", INV_REG, INV_ACL_INVALID, NULL, 0, 0, 0, 1,
		  RULE_ACL_INVALID, LEVEL_ERROR,
		  "failed to register layer: Error processing tar file(exit status 1): invalid "
		  "argument" },
		{ "owner comes first", "docker@20.10", INV_REG, INV_ACL_INVALID, NULL, 0, 0, 70000,
		  2, RULE_OWNER_OUTSIDE_MAP, LEVEL_ERROR,
		  "failed to register layer: Error processing tar file(exit status 1): Container "
		  "ID 70000 cannot be mapped to a host ID" },
		{ "default on a file", "podman@4.3", INV_REG, INV_ACL_MISPLACED, NULL, 0, 0, 0, 1,
		  RULE_ACL_INVALID, LEVEL_ERROR,
		  "processing tar file(lsetxattr /f: permission denied): exit status 1" },
		{ "invalid", "umoci", INV_REG, INV_ACL_INVALID, NULL, 0, 0, 0, 1, RULE_ACL_INVALID,
		  LEVEL_ERROR, "unpack entry: f: apply hdr metadata: restore xattr metadata:" },
		{ "nobody cares", "single-id", INV_REG, INV_ACL_INVALID, NULL, 0, 0, 0, 0, 0, 0,
		  "" },
		{ "root id inside", "podman", INV_REG, INV_CAPABILITY | INV_CAP_ROOTID, NULL, 0,
		  1000, 0, 0, 0, 0, "" },
		{ "root id", "podman", INV_REG, INV_CAPABILITY | INV_CAP_ROOTID, NULL, 0, 70000, 0,
		  1, RULE_CAPABILITY_ROOTID_OUTSIDE_MAP, LEVEL_ERROR, NULL },
		{ "root id", "docker", INV_REG, INV_CAPABILITY | INV_CAP_ROOTID, NULL, 0, 70000, 0,
		  1, RULE_CAPABILITY_ROOTID_OUTSIDE_MAP, LEVEL_WARNING, "" },
		{ "root id that is none", "docker", INV_REG, INV_CAPABILITY | INV_CAP_ROOTID, NULL,
		  0, UINT32_MAX, 0, 1, RULE_CAPABILITY_INVALID, LEVEL_ERROR, NULL },
		{ "capability", "docker", INV_REG, INV_CAPABILITY | INV_CAP_INVALID, NULL, 0, 0, 0,
		  1, RULE_CAPABILITY_INVALID, LEVEL_ERROR, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made m;
		struct seen s;

		made_begin(&m, 1);
		made_add(&m, 0,
			 &(struct inv_entry){ .kind = rows[i].kind,
					      .path = "f",
					      .flags = rows[i].flags,
					      .uid = rows[i].uid,
					      .acl = rows[i].acl,
					      .acl_count = rows[i].acl_count,
					      .cap_rootid = rows[i].rootid });
		made_check(&m, rows[i].target, NULL);
		each(&m, &s);
		if (s.count != rows[i].findings ||
		    (s.count && (s.f[0].rule != rows[i].rule || s.f[0].level != rows[i].level)))
			fail_msg("%s, %s: %zu findings, %s", rows[i].target, rows[i].what, s.count,
				 s.count ? rule_name(s.f[0].rule) : "none");
		if (rows[i].line)
			assert_string_equal(made_line(&m, 0), rows[i].line);
		made_end(&m);
	}
}

static void test_unnamed(void **state _unused_)
{
	static const struct {
		const char *what;
		bool config;
		const char *passwd, *group, *hidden; /* hidden: a passwd of a lower layer */
		int64_t uid, gid;
		size_t notes;
	} rows[] = {
		{ "named", true, "a:x:1000:1000::/:\n", "a:x:1000:\n", NULL, 1000, 1000, 0 },
		{ "uid", true, "a:x:1000:1000::/:\n", "a:x:1000:\n", NULL, 1001, 1000, 1 },
		{ "gid", true, "a:x:1000:1000::/:\n", "a:x:1000:\n", NULL, 1000, 1001, 1 },
		{ "primary group", true, "a:x:1000:7::/:\n", "a:x:1000:\n", NULL, 0, 7, 0 },
		{ "root and nobody", true, "a:x:1000:1000::/:\n", "a:x:1000:\n", NULL, 0, 65534,
		  0 },
		{ "no group file", true, "a:x:1000:1000::/:\n", NULL, NULL, 1000, 1001, 0 },
		{ "no files", true, NULL, NULL, NULL, 1001, 1001, 0 },
		{ "a lower layer's name", true, "a:x:1000:1000::/:\n", NULL, "b:x:1001:1::/:\n",
		  1001, 0, 0 },
		{ "outside is no note", true, "a:x:1000:1000::/:\n", NULL, NULL, 70000, 0, 0 },
		{ "tarball", false, NULL, NULL, NULL, 501, 20, 1 },
		{ "root's tarball", false, NULL, NULL, NULL, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made m;

		made_begin(&m, 2);
		m.source.has_config = rows[i].config;
		if (rows[i].hidden)
			made_file(&m, 0, "etc/passwd", rows[i].hidden);
		if (rows[i].group)
			made_file(&m, 1, "etc/group", rows[i].group);
		if (rows[i].passwd)
			made_file(&m, 1, "etc/passwd", rows[i].passwd);
		made_add(
			&m, 1,
			&(struct inv_entry){ .path = "f", .uid = rows[i].uid, .gid = rows[i].gid });
		made_check(&m, "docker", NULL);
		if (m.check->rule_counts[RULE_OWNER_UNNAMED] != rows[i].notes)
			fail_msg("%s: %d", rows[i].what,
				 (int)m.check->rule_counts[RULE_OWNER_UNNAMED]);
		made_end(&m);
	}
}

static void test_fail_on(void **state _unused_)
{
	static const struct {
		int64_t uid;
		enum level fail_on;
		bool fits;
	} rows[] = {
		{ 501, LEVEL_WARNING, true },	  { 501, LEVEL_ERROR, true },
		{ 100000, LEVEL_WARNING, false }, { 100000, LEVEL_ERROR, true },
		{ 70000, LEVEL_ERROR, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made m;

		made_begin(&m, 1);
		m.source.has_config = false;
		m.opts.fail_on = rows[i].fail_on;
		made_add(&m, 0, &(struct inv_entry){ .path = "f", .uid = rows[i].uid });
		made_check(&m, "docker", REMAP);
		assert_int_equal(m.check->fits, rows[i].fits);
		assert_true(m.check->targets[0].any);
		made_end(&m);
	}
}

static void test_sparse_log(void **state _unused_)
{
	struct made m;
	struct seen s;

	made_begin(&m, 1);
	made_add(&m, 0,
		 &(struct inv_entry){
			 .path = "var/log/lastlog", .size = 257ull << 20, .flags = INV_SPARSE });
	made_add(&m, 0,
		 &(struct inv_entry){
			 .path = "var/log/faillog", .size = 1 << 20, .flags = INV_SPARSE });
	made_add(&m, 0,
		 &(struct inv_entry){
			 .path = "var/log/other", .size = 1ull << 40, .flags = INV_SPARSE });
	made_check(&m, "docker,kubernetes", NULL);
	each(&m, &s);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.f[0].rule, RULE_OVERSIZED_SPARSE_LOG);
	assert_int_equal(s.f[0].level, LEVEL_WARNING);
	assert_int_equal(s.f[0].targets, 3);
	made_end(&m);
}

#define PASSWD                                                                                     \
	"root:x:0:0::/:\nlow:x:1000:1000::/:\nhigh:x:1000000:1000::/:\nhighgid:x:1000:1000000::/"  \
	":\ninhigh:x:1001:1001::/:\n"
#define GROUP "root:x:0:\nlow:x:1000:\nmembers:x:70000:inhigh\n"

static void test_user(void **state _unused_)
{
	static const struct {
		const char *user, *option, *target, *line;
		uint32_t fits;
		size_t users, groups; /* findings */
	} rows[] = {
		{ "", NULL, "docker", "", 1, 0, 0 },
		{ "low", NULL, "docker", "", 1, 0, 0 },
		{ "65536", NULL, "docker",
		  "unable to setup user: cannot set uid to unmapped user in user namespace", 0, 1,
		  0 },
		{ "high", NULL, "docker",
		  "unable to setup user: cannot set uid to unmapped user in user namespace", 0, 1,
		  0 },
		{ "70000:80000", NULL, "docker",
		  "unable to setup user: cannot set uid to unmapped user in user namespace", 0, 1,
		  1 },
		{ "0:70000", NULL, "docker",
		  "unable to setup user: cannot set gid to unmapped user in user namespace", 0, 0,
		  1 },
		{ "inhigh", NULL, "docker", "unable to setup user: setgroups: invalid argument", 0,
		  0, 1 },
		{ "inhigh:1001", NULL, "docker", "", 1, 0, 0 },
		{ "high", "low", "docker", "", 1, 0, 0 },
		{ "low", "70000", "kubernetes",
		  "unable to setup user: cannot setuid to unmapped uid 70000 in user namespace", 0,
		  1, 0 },
		{ "70000:3000000000", NULL, "docker", "uids and gids must be in range 0-2147483647",
		  0, 0, 1 },
		{ "1:2147483647", NULL, "kubernetes", "setresgid to `2147483647`: Invalid argument",
		  0, 0, 1 },
		{ "4294967296", NULL, "docker", "uids and gids must be in range 0-2147483647", 0, 1,
		  0 },
		{ "-1", NULL, "docker", "uids and gids must be in range 0-2147483647", 0, 1, 0 },
		{ "nosuch", NULL, "docker", "", 1, 0, 0 },
		{ "0:70000", NULL, "podman", "setgroups: Invalid argument", 0, 0, 1 },
		{ "70000", NULL, "crio", "but doesn't map UID 70000", 0, 1, 0 },
		{ "70000", NULL, "single-id", "", 0, 1, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made m;
		const struct check *c;
		bool none, said = false;

		made_begin(&m, 1);
		made_file(&m, 0, "etc/passwd", PASSWD);
		made_file(&m, 0, "etc/group", GROUP);
		m.source.config.user = (char *)rows[i].user;
		m.opts.user = rows[i].option;
		made_check(&m, rows[i].target, NULL);
		c = m.check;
		none = c->targets[0].use->target->engine->user_outcome == OUTCOME_NONE;
		if (c->user.fits != rows[i].fits ||
		    c->rule_counts[RULE_USER_OUTSIDE_MAP] != rows[i].users ||
		    c->rule_counts[RULE_GROUP_OUTSIDE_MAP] != rows[i].groups)
			if (!none)
				fail_msg("%s, USER %s: fits %u, %d users, %d groups",
					 rows[i].target, rows[i].user, c->user.fits,
					 (int)c->rule_counts[RULE_USER_OUTSIDE_MAP],
					 (int)c->rule_counts[RULE_GROUP_OUTSIDE_MAP]);
		for (size_t k = 0; k < c->targets[0].error_count; k++)
			said |= !strcmp(c->targets[0].errors[k].line, rows[i].line);
		if (*rows[i].line ? !said : c->targets[0].error_count)
			fail_msg("%s, USER %s: '%s'", rows[i].target, rows[i].user,
				 made_line(&m, 0));
		made_end(&m);
	}
}

static void test_group_add(void **state _unused_)
{
	static const char *const add[] = { "70000" };
	struct made m;

	made_begin(&m, 1);
	m.opts.group_add = add;
	m.opts.group_add_count = 1;
	made_check(&m, "docker,podman-auto,single-id", NULL);
	assert_int_equal(m.check->rule_counts[RULE_GROUP_OUTSIDE_MAP], 1);
	assert_int_equal(m.check->user.group_fits, 0);
	assert_int_equal(m.check->user.uid_fits, 7);
	assert_string_equal(made_line(&m, 0), "unable to setup user: setgroups: invalid argument");
	made_end(&m);
}

/* A layer alone has no process. */
static void test_no_config(void **state _unused_)
{
	struct made m;

	made_begin(&m, 1);
	m.source.has_config = false;
	made_check(&m, "docker", "1000:100000:10");
	assert_int_equal(m.check->user.fits, 1);
	assert_true(m.check->fits);
	made_end(&m);
}

static void test_passwd(void **state _unused_)
{
	struct made m;
	struct seen s;

	made_begin(&m, 1);
	made_file(&m, 0, "etc/passwd", PASSWD);
	made_file(&m, 0, "etc/group", GROUP);
	made_check(&m, "docker,podman-auto,single-id", NULL);
	each(&m, &s);
	assert_int_equal(s.count, 3);
	assert_string_equal(s.f[0].subject, "high");
	assert_string_equal(s.f[0].path, "etc/passwd");
	/* podman counts accounts into its map, so there it is an error. */
	assert_int_equal(s.f[0].level, LEVEL_ERROR);
	assert_int_equal(s.f[0].targets, 2);
	assert_true(m.check->targets[0].fits);
	assert_false(m.check->targets[1].fits);
	assert_int_equal(m.check->targets[1].need, 1000001);
	assert_false(m.check->targets[2].any);
	assert_string_equal(m.check->targets[1].errors[1].line,
			    "the container needs a user namespace with size 1000001 that is bigger "
			    "than the maximum value allowed with userns=auto 65536");
	assert_string_equal(s.f[2].subject, "members");
	assert_false(s.f[2].has_uid);
	made_end(&m);
}

static void test_growing(void **state _unused_)
{
	static const struct {
		int64_t uid;
		const char *user, *passwd, *map;
		uint64_t size, need;
		bool grown;
	} rows[] = {
		{ 5, "", "", NULL, 1024, 0, false },
		{ 1023, "", "", NULL, 1024, 0, false },
		{ 1024, "", "", NULL, 1025, 0, true },
		{ 65535, "", "", NULL, 65536, 0, true },
		{ 65536, "", "", NULL, 1024, 65537, false },
		{ 5, "5000", "", NULL, 5001, 0, true },
		{ 5, "0:5000", "", NULL, 5001, 0, true },
		{ 5, "70000", "", NULL, 65536, 70001, true },
		{ 5, "", "nobody:x:65534:65534::/:\n", NULL, 1024, 0, false },
		{ 5, "", "nobody:x:4294967294:9::/:\n", NULL, 1024, 0, false },
		{ 5, "", "a:x:6000:6001::/:\n", NULL, 6002, 0, true },
		{ 4294967296, "", "", NULL, 1024, 0, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct made m;
		const struct check_target *t;

		made_begin(&m, 1);
		if (*rows[i].passwd)
			made_file(&m, 0, "etc/passwd", rows[i].passwd);
		made_add(&m, 0, &(struct inv_entry){ .path = "f", .uid = rows[i].uid });
		m.source.config.user = (char *)rows[i].user;
		made_check(&m, "podman-auto", rows[i].map);
		t = &m.check->targets[0];
		if (t->size != rows[i].size || t->need != rows[i].need || t->grown != rows[i].grown)
			fail_msg("row %zu: size %d need %d", i, (int)t->size, (int)t->need);
		made_end(&m);
	}
}

static void test_cause(void **state _unused_)
{
	struct made m;
	struct oci_history history[] = {
		{ (char *)"/bin/sh -c #(nop) ADD file:1 in / ", false },
		{ (char *)"USER 70000", true },
		{ (char *)"RUN make", false },
		{ (char *)"RUN make install", false },
		{ (char *)"USER 0", true },
		{ (char *)"RUN true", false },
	};

	made_begin(&m, 4);
	m.source.config.history = history;
	m.source.config.history_count = ARRAY_SIZE(history);
	for (size_t i = 0; i < 4; i++)
		made_add(&m, i, &(struct inv_entry){ .path = "f", .uid = 70000 });
	made_add(&m, 2, &(struct inv_entry){ .path = "g", .uid = 70000 });
	made_add(&m, 2, &(struct inv_entry){ .path = "h", .uid = 70001 });
	m.source.config.diff_id_count = 4;
	made_check(&m, "docker,kubernetes", NULL);
	assert_int_equal(m.check->cause_count, 1);
	assert_string_equal(m.check->causes[0].user, "70000");
	assert_int_equal(m.check->causes[0].user_layer, 1);
	assert_int_equal(m.check->causes[0].layers, 2);
	assert_int_equal(m.check->causes[0].entries, 3);
	made_end(&m);
}

/* A callback that stops is obeyed. */
static int stop(void *ctx, const struct finding *f _unused_, struct error *err)
{
	++*(int *)ctx;
	return err_fail(err, ERR_IO, 0, "full");
}

static void test_stop(void **state _unused_)
{
	struct error err = { 0 };
	struct made m;
	int calls = 0;

	made_begin(&m, 1);
	made_add(&m, 0, &(struct inv_entry){ .path = "f", .uid = 70000 });
	made_add(&m, 0, &(struct inv_entry){ .path = "g", .uid = 70000 });
	made_check(&m, "docker", NULL);
	assert_int_equal(check_each(m.check, stop, &calls, &err), -ERR_IO);
	assert_int_equal(calls, 1);
	made_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worst_of_targets),
		cmocka_unit_test(test_first_error),
		cmocka_unit_test(test_undecided),
		cmocka_unit_test(test_security),
		cmocka_unit_test(test_xattrs),
		cmocka_unit_test(test_unnamed),
		cmocka_unit_test(test_fail_on),
		cmocka_unit_test(test_sparse_log),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_group_add),
		cmocka_unit_test(test_no_config),
		cmocka_unit_test(test_passwd),
		cmocka_unit_test(test_growing),
		cmocka_unit_test(test_cause),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
