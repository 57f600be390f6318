/* A message and an image: the entry that made it, or that nothing there can have. */
#include "../target/make.h"
#include "ask.h"

#define DIGEST "sha256:17c4a3a6d1f0e7c6cf9b9ad0d04d5a0e1f2b3c4d5e6f708192a3b4c5d6e7f809"

struct joined {
	const char *text;
	enum explain_made made;
	const char *path; /* of the first entry, or NULL */
	long layer;
	enum visible visible;
	enum explain_cause cause;
	enum explain_blame blame;
};

static const struct joined joined[] = {
	{ "Container ID 2000000 cannot be mapped to a host ID", MADE_BY_ENTRY, "tmp/interim", 1, REMOVED, CAUSE_IMAGE_OWNER, BLAME_IMAGE },
	{ "Container ID 3000000 cannot be mapped to a host ID", MADE_BY_ENTRY, "tmp/interim", 1, REMOVED, CAUSE_IMAGE_OWNER, BLAME_IMAGE },
	{ "map gid to host: container id 3000000 cannot be mapped to a host id", MADE_BY_ENTRY, "tmp/interim", 1, REMOVED, CAUSE_IMAGE_OWNER,
	  BLAME_IMAGE },
	{ "map uid to host: container id 3000000 cannot be mapped to a host id", MADE_BY_NOTHING, NULL, -1, 0, CAUSE_UNKNOWN, BLAME_UNKNOWN },
	{ "(requested 70000:5 for /srv/a b): Check", MADE_BY_ENTRY, "srv/a b", 3, VISIBLE, CAUSE_IMAGE_OWNER, BLAME_IMAGE },
	/* containerd names the host's path. */
	{ "failed to Lchown \"/var/lib/c/tmpmounts/m1/srv/a b\" for UID 70000, GID 5: lchown x: invalid argument (Hint: try increasing",
	  MADE_BY_ENTRY, "srv/a b", 3, VISIBLE, CAUSE_IMAGE_OWNER, BLAME_IMAGE },
	{ "(requested 0:42 for /etc/shadow): Check", MADE_BY_ENTRY, "etc/shadow", 0, VISIBLE, CAUSE_SINGLE_ID_MAP, BLAME_HOST },
	{ "lchown /srv/a b: invalid argument", MADE_BY_ENTRY, "srv/a b", 3, VISIBLE, CAUSE_IMAGE_OWNER, BLAME_IMAGE },
	{ "lchown /etc/group: invalid argument", MADE_BY_ENTRY, "etc/group", 0, VISIBLE, CAUSE_MAP_TOO_SMALL, BLAME_HOST },
	{ "lchown /nosuch: invalid argument", MADE_BY_NOTHING, NULL, -1, 0, CAUSE_IMAGE_OWNER, BLAME_IMAGE },
	/* The digest names the layer, so the later of two. */
	{ "adding layer with blob \"" DIGEST "\": (requested 80000:0 for /twice)", MADE_BY_ENTRY, "twice", 3, VISIBLE, CAUSE_IMAGE_OWNER,
	  BLAME_IMAGE },
	{ "(requested 80000:0 for /twice)", MADE_BY_ENTRY, "twice", 1, REPLACED, CAUSE_IMAGE_OWNER, BLAME_IMAGE },
	/* Twice mapped: the image holds the small part. */
	{ "failed to copy files: failed to copy file: Container ID 100099 cannot be mapped to a host ID", MADE_BY_NOTHING, "usr/x", 0, VISIBLE,
	  CAUSE_DOUBLE_MAPPING, BLAME_ENGINE },
	{ "failed to register layer: Container ID 100099 cannot be mapped to a host ID", MADE_BY_NOTHING, "usr/x", 0, VISIBLE,
	  CAUSE_DOUBLE_MAPPING, BLAME_ENGINE },
	{ "failed to register layer: Container ID 7654321 cannot be mapped to a host ID", MADE_BY_NOTHING, NULL, -1, 0, CAUSE_UNKNOWN,
	  BLAME_UNKNOWN },
	{ "mount callback failed on /x: container ID 6553600 cannot be mapped to a host ID", MADE_BY_NOTHING, NULL, -1, 0,
	  CAUSE_NO_IDMAPPED_MOUNTS, BLAME_HOST },
	/* A whiteout's owner is met by overlay2, so by docker's rules; the root entry's is not. */
	{ "failed to register layer: Container ID 90001 cannot be mapped to a host ID", MADE_BY_ENTRY, "tmp/interim", 2, REMOVED,
	  CAUSE_IMAGE_OWNER, BLAME_IMAGE },
	{ "failed to register layer: Container ID 90002 cannot be mapped to a host ID", MADE_BY_NOTHING, NULL, -1, 0, CAUSE_UNKNOWN,
	  BLAME_UNKNOWN },
	{ "unable to setup user: cannot set uid to unmapped user in user namespace", MADE_BY_USER, NULL, -1, 0, CAUSE_PROCESS_USER, BLAME_IMAGE },
	{ "cannot setuid to unmapped uid 1000000 in user namespace", MADE_BY_USER, NULL, -1, 0, CAUSE_PROCESS_USER, BLAME_IMAGE },
	{ "cannot setuid to unmapped uid 99999 in user namespace", MADE_BY_NOTHING, NULL, -1, 0, CAUSE_PROCESS_USER, BLAME_COMMAND },
	{ "setgroups: Invalid argument", MADE_BY_GROUP, NULL, -1, 0, CAUSE_SUPPLEMENTARY_GROUP, BLAME_IMAGE },
	{ "Error processing tar file(exit status 1): invalid argument", MADE_MAYBE, "acl", 3, VISIBLE, CAUSE_ACL, BLAME_IMAGE },
	{ "lsetxattr /acl: invalid argument", MADE_BY_ENTRY, "acl", 3, VISIBLE, CAUSE_ACL, BLAME_IMAGE },
	{ "write /var/log/lastlog: no space left on device", MADE_BY_ENTRY, "var/log/lastlog", 3, VISIBLE, CAUSE_SPARSE_LOG, BLAME_IMAGE },
	{ "needs a user namespace with size 3000001 that is bigger than the maximum value allowed with userns=auto 65536", MADE_BY_ENTRY,
	  "tmp/interim", 1, REMOVED, CAUSE_AUTO_SIZE, BLAME_IMAGE },
	{ "no subuid ranges found for user \"me\" in /etc/subuid", MADE_BY_NOTHING, NULL, -1, 0, CAUSE_SUBID_MISSING, BLAME_HOST },
};

static void make(struct made *m)
{
	static const struct inv_acl_id named = { 70000, false };
	struct error err = { 0 };

	made_begin(m, 4);
	made_add(m, 0, &(struct inv_entry){ .kind = INV_ROOT, .uid = 90002 });
	made_add(m, 0, &(struct inv_entry){ .kind = INV_REG, .path = "etc/shadow", .uid = 0, .gid = 42 });
	made_file(m, 0, "etc/passwd", "root:x:0:0::/:\nhigh:x:1000000:5::/:\n");
	made_file(m, 0, "etc/group", "root:x:0:\nmany:x:80001:high\n");
	made_add(m, 0, &(struct inv_entry){ .kind = INV_REG, .path = "usr/x", .uid = 99, .gid = 99 });
	made_add(m, 1, &(struct inv_entry){ .kind = INV_REG, .path = "tmp/interim", .uid = 2000000, .gid = 3000000 });
	made_add(m, 1, &(struct inv_entry){ .kind = INV_REG, .path = "twice", .uid = 80000 });
	made_add(m, 2, &(struct inv_entry){ .kind = INV_WHITEOUT, .path = "tmp/interim", .uid = 90001 });
	made_add(m, 3, &(struct inv_entry){ .kind = INV_REG, .path = "srv/a b", .uid = 70000, .gid = 5 });
	made_add(m, 3, &(struct inv_entry){ .kind = INV_REG, .path = "twice", .uid = 80000 });
	made_add(m, 3, &(struct inv_entry){ .kind = INV_REG, .path = "acl", .flags = INV_HAS_ACL_IDS, .acl = &named, .acl_count = 1 });
	made_add(m, 3, &(struct inv_entry){ .kind = INV_REG, .path = "var/log/lastlog", .size = 1ull << 40 });
	must(oci_digest_parse(&m->blobs[3].digest, DIGEST, &err), &err);
	m->source.config.user = (char *)"high";
	m->layers[1].created_by = "RUN touch /tmp/interim";
	made_check(m, "docker", NULL);
}

static bool agrees(const struct joined *j, const struct explain_match *m)
{
	const struct explain_join *got = m->join;

	if (!got || got->made != j->made || m->cause != j->cause || m->blame != j->blame || !got->says)
		return false;
	if (!j->path)
		return !got->entry_count;
	return got->entry_count && !strcmp(got->entries[0].path, j->path) && got->entries[0].layer == (size_t)j->layer &&
	       got->entries[0].visible == j->visible;
}

static void complain(const struct joined *j, const struct explain_match *m)
{
	const struct explain_join *got = m->join;

	print_error("%s: made %u, %s, %s, %s", j->text, got->made, explain_cause_name(m->cause), explain_blame_name(m->blame), got->says);
	if (got->entry_count)
		print_error(", /%s in %zu, visible %u", got->entries[0].path, got->entries[0].layer, got->entries[0].visible);
	print_error("\n");
}

static void every_message_finds_its_maker(void **state)
{
	struct made made;
	unsigned wrong = 0;

	(void)state;
	make(&made);
	for (size_t i = 0; i < ARRAY_SIZE(joined); i++) {
		struct explain *x = ask_pieces(joined[i].text, strlen(joined[i].text), 0, NULL);
		struct error err = { 0 };

		ask_must(explain_join(x, &made.image, "app.tar", &err), &err);
		ask_must(explain_advise(x, &err), &err);
		assert_int_equal(x->match_count, 1);
		if (!agrees(&joined[i], &x->matches[0])) {
			complain(&joined[i], &x->matches[0]);
			wrong++;
		}
		explain_free(x);
	}
	made_end(&made);
	assert_int_equal(wrong, 0);
}

/* The pull's log gives the position where the saved image has other digests. */
static void a_position_is_enough(void **state)
{
	static const char text[] = "latest: Pulling from app\n111111111111: Pulling fs layer\n222222222222: Pulling fs layer\n"
				   "333333333333: Pulling fs layer\n444444444444: Pulling fs layer\n"
				   "111111111111: Pull complete\n222222222222: Pull complete\n333333333333: Pull complete\n"
				   "failed to register layer: Container ID 80000 cannot be mapped to a host ID\n";
	struct made made;
	struct error err = { 0 };
	struct explain *x = ask_pieces(text, strlen(text), 0, NULL);

	(void)state;
	make(&made);
	ask_must(explain_join(x, &made.image, "app.tar", &err), &err);
	assert_int_equal(ask_first(x)->layer, 3);
	assert_int_equal(ask_first(x)->join->entries[0].layer, 3);
	explain_free(x);
	made_end(&made);
}

/* A number alone, and one that BusyBox ls has cut. */
static void numbers_too(void **state)
{
	static const struct {
		const char *text, *path;
	} rows[] = { { "3000000", "tmp/interim" }, { "20000000", NULL }, { "70000:5", "srv/a b" }, { "5:6", NULL } };
	struct made made;
	struct error err = { 0 };

	(void)state;
	make(&made);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct explain_options opts = { 0 };
		struct explain *x = NULL;
		const struct explain_join *j;

		ask_must(explain_new(&x, &opts, &err), &err);
		assert_int_equal(explain_number(x, rows[i].text, &err), 0);
		ask_must(explain_finish(x, &err), &err);
		ask_must(explain_join(x, &made.image, "app.tar", &err), &err);
		j = ask_first(x)->join;
		assert_int_equal(j->entry_count > 0, rows[i].path != NULL);
		if (rows[i].path)
			assert_string_equal(j->entries[0].path, rows[i].path);
		explain_free(x);
	}
	made_end(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_finds_its_maker),
		cmocka_unit_test(a_position_is_enough),
		cmocka_unit_test(numbers_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
