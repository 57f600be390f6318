/* Rows of data/targets.conf and data/engines.conf, and targets as users write them. */
#include "make.h"

static void test_rows(void **state _unused_)
{
	size_t n;
	const struct target *t = target_all(&n);

	assert_true(n >= 20);
	for (size_t i = 0; i < n; i++) {
		const struct engine *e = t[i].engine;

		assert_true(*t[i].source && *t[i].date && *t[i].title && *t[i].advice);
		assert_true(*e->source && *e->date);
		assert_int_equal(t[i].range_changeable, *t[i].change_where != '\0');
		assert_ptr_equal(target_find(t[i].name, strlen(t[i].name)), &t[i]);
		for (const char *const *a = t[i].aliases; *a; a++)
			assert_ptr_equal(target_find(*a, strlen(*a)), &t[i]);
		for (size_t k = 0; k < e->message_count; k++)
			assert_true(*e->messages[k].source && *e->messages[k].date &&
				    *e->messages[k].text && *e->messages[k].when);
	}
}

/* What design.md and the guides call them. */
static void test_names(void **state _unused_)
{
	static const char *const names[][2] = {
		{ "docker-userns-remap", "docker" },
		{ "Docker", "docker" },
		{ "docker-rootless", "docker-rootless" },
		{ "nerdctl-rootless", "nerdctl-rootless" },
		{ "podman", "podman" },
		{ "podman-auto", "podman-auto" },
		{ "k8s", "kubernetes" },
		{ "circleci", "circleci" },
		{ "azure-app-service", "azure-app-service" },
		{ "sysbox", "sysbox" },
		{ "gitpod", "gitpod" },
		{ "proxmox", "lxc" },
		{ "incus", "lxc" },
		{ "apptainer", "apptainer" },
		{ "charliecloud", "single-id" },
		{ "umoci", "umoci" },
		{ "openshift-userns", "openshift-userns" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct target *t = target_find(names[i][0], strlen(names[i][0]));

		assert_non_null(t);
		assert_string_equal(t->name, names[i][1]);
	}
	assert_null(target_find("dock", 4));
}

static void test_lists(void **state _unused_)
{
	static const struct {
		const char *text;
		size_t count;	  /* 0: refused */
		const char *says; /* part of the message, or the first one's version */
	} rows[] = {
		{ "docker", 1, NULL },
		{ "docker,podman", 2, NULL },
		{ "docker@20.10", 1, "20.10" },
		{ "docker@v28", 1, "28" },
		{ "docker,docker-userns-remap", 1, NULL },
		{ "docker@20.10,docker@24", 2, "20.10" },
		{ "docker@20.10,docker@20.10", 1, "20.10" },
		{ "dokcer", 0, "did you mean 'docker'" },
		{ "kubernets", 0, "did you mean 'kubernetes'" },
		{ "no such thing at all", 0, "uidfit platforms" },
		{ "", 0, "empty name" },
		{ "docker,", 0, "empty name" },
		{ ",docker", 0, "empty name" },
		{ "docker@", 0, "version" },
		{ "docker@20.", 0, "version" },
		{ "docker@.1", 0, "version" },
		{ "docker@20..1", 0, "version" },
		{ "docker@latest", 0, "version" },
		{ "@20", 0, "unknown target ''" },
		{ "do\x1b[31mcker", 0, "\\x1b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct target_use *uses = NULL;
		struct error err = { 0 };
		size_t count = 0;
		int r = target_parse_list(&uses, &count, rows[i].text, &err);

		if (!rows[i].count) {
			assert_int_equal(r, -ERR_USAGE);
			if (!strstr(err.msg, rows[i].says))
				fail_msg("'%s': %s", rows[i].text, err.msg);
			continue;
		}
		must(r, &err);
		assert_int_equal(count, rows[i].count);
		if (rows[i].says)
			assert_string_equal(uses[0].version, rows[i].says);
		else
			assert_null(uses[0].version);
		target_uses_free(uses, count);
	}
}

static void test_maps(void **state _unused_)
{
	struct idmap_pair pair = { 0 };
	struct target_use *uses;
	struct error err = { 0 };
	size_t count;

	must(target_parse_list(&uses, &count, "docker,podman", &err), &err);
	assert_true(idmap_lookup(&uses[0].map.uid, 65535, NULL));
	assert_false(idmap_lookup(&uses[0].map.uid, 65536, NULL));
	assert_true(idmap_lookup(&uses[1].map.gid, 65536, NULL));
	assert_false(idmap_lookup(&uses[1].map.gid, 65537, NULL));
	assert_false(uses[0].map_given);
	must(idmap_parse(&pair, "u 0 100000 10", IDMAP_BOTH, &err), &err);
	must(target_use_map(uses, count, &pair, &err), &err);
	assert_true(uses[1].map_given && uses[1].map.uid.has_host);
	assert_false(idmap_lookup(&uses[1].map.uid, 10, NULL));
	/* The side that was not given is the target's own. */
	assert_true(idmap_lookup(&uses[1].map.gid, 65536, NULL));
	idmap_pair_free(&pair);
	target_uses_free(uses, count);
}

static void test_bands(void **state _unused_)
{
	static const struct {
		const char *since, *until, *version;
		bool applies;
	} rows[] = {
		{ "1.12", "23.0", NULL, true },	    { "1.12", "23.0", "20.10", true },
		{ "1.12", "23.0", "23.0.6", true }, { "1.12", "23.0", "24", false },
		{ "1.12", "23.0", "1.9", false },   { "24.0", "28.0", "28", true },
		{ "28.1", "", "28", true },	    { "28.1", "", "28.0", false },
		{ "28.1", "", "29.1.2", true },	    { "", "", "7", true },
		{ "", "4.1", "4.10", false },	    { "1.12", "23.0", "99999999999999", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct engine_message m = { .since = rows[i].since, .until = rows[i].until };

		if (engine_message_applies(&m, rows[i].version) != rows[i].applies)
			fail_msg("%s..%s: %s", m.since, m.until, rows[i].version);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),  cmocka_unit_test(test_names),
		cmocka_unit_test(test_lists), cmocka_unit_test(test_maps),
		cmocka_unit_test(test_bands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
