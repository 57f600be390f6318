/* What a bare number or a pair is said to be. */
#include "ask.h"

#include <stdio.h>

struct number {
	const char *text, *reading; /* the likeliest, NULL: none at all */
	enum explain_cause cause;
	enum explain_blame blame;
	const char *says; /* part of the match's sentence or of a reading's */
};

static const struct number numbers[] = {
	{ "1516583083", "known-owner", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "npm's content-type 1.0.4" },
	{ "1516583083:0", "known-owner", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "content-type" },
	{ "718322462:454177323", "known-owner", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "buffer-equal-constant-time" },
	{ "454177323", "known-owner", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "buffer-equal-constant-time" },
	{ "114762", "known-owner", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "etcd's release tarball 3.5 and later" },
	{ "205001:5000", "known-owner", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "docker-credential-gcr" },
	{ "445605:89939", "known-owner", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "Google built" },
	{ "89939", "known-owner", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "Google built" },
	{ "208203:5000", "known-owner", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "Google built" },
	{ "501:20", "known-owner", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "a Mac's user" },
	{ "501", "known-owner", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "a Mac's user" },
	/* BusyBox ls cuts at eight characters. */
	{ "15165830", "busybox-prefix", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "1516583083:0, npm's content-type" },
	{ "71832246", "busybox-prefix", CAUSE_ARCHIVE_OWNER, BLAME_IMAGE, "718322462" },
	{ "1516583", "directory-service", CAUSE_IMAGE_OWNER, BLAME_IMAGE, NULL },
	{ "0:42", "single-id-pair", CAUSE_SINGLE_ID_MAP, BLAME_HOST, "/etc/shadow" },
	{ "6553600", "multiple-bare", CAUSE_NO_IDMAPPED_MOUNTS, BLAME_HOST, "100 x 65536" },
	{ "498008064", "multiple-bare", CAUSE_NO_IDMAPPED_MOUNTS, BLAME_HOST, "7599 x 65536" },
	{ "1109000192", "multiple-bare", CAUSE_NO_IDMAPPED_MOUNTS, BLAME_HOST, "16922 x 65536" },
	{ "100000", "leaked-base", CAUSE_HOST_ID_LEAKED, BLAME_IMAGE, "first id of a subordinate range" },
	{ "165536", "leaked-base", CAUSE_HOST_ID_LEAKED, BLAME_IMAGE, NULL },
	{ "231072", "leaked-base", CAUSE_HOST_ID_LEAKED, BLAME_IMAGE, NULL },
	{ "100099", "base-offset", CAUSE_DOUBLE_MAPPING, BLAME_ENGINE, "100000 + 99" },
	{ "166037", "base-offset", CAUSE_DOUBLE_MAPPING, BLAME_ENGINE, "165536 + 501" },
	{ "262143", "overflow-shifted", CAUSE_HOST_ID_LEAKED, BLAME_IMAGE, "196608 + 65535" },
	{ "1000620000", "openshift", CAUSE_IMAGE_OWNER, BLAME_IMAGE, "OpenShift" },
	{ "4204350", "directory-service", CAUSE_IMAGE_OWNER, BLAME_IMAGE, "SSSD" },
	{ "2044610506", "random-31-bit", CAUSE_IMAGE_OWNER, BLAME_IMAGE, NULL },
	{ "65534", "nobody", CAUSE_MAP_TOO_SMALL, BLAME_HOST, "nobody" },
	{ "65535", "edge", CAUSE_MAP_TOO_SMALL, BLAME_HOST, "edge" },
	{ "1000", "ordinary", CAUSE_MAP_TOO_SMALL, BLAME_UNKNOWN, NULL },
	{ "99999", "large", CAUSE_IMAGE_OWNER, BLAME_IMAGE, NULL },
	{ "-5", "negative", CAUSE_IMAGE_OWNER, BLAME_IMAGE, "4294967291" },
	{ "4294967295", "minus-one", CAUSE_IMAGE_OWNER, BLAME_IMAGE, NULL },
	{ "4294967303", "wraps", CAUSE_IMAGE_OWNER, BLAME_IMAGE, "(7)" },
	{ "9223372036854775807", "wraps", CAUSE_IMAGE_OWNER, BLAME_IMAGE, NULL },
};

static bool said(const struct explain_match *m, const char *what)
{
	bool found = !what || strstr(m->says, what);

	for (size_t i = 0; i < m->reading_count; i++)
		found |= m->readings[i].says && strstr(m->readings[i].says, what ? what : "");
	return found;
}

static void every_number_is_read(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct number *n = &numbers[i];
		struct explain_options opts = { 0 };
		struct explain *x = NULL;
		struct error err = { 0 };
		const struct explain_match *m;

		ask_must(explain_new(&x, &opts, &err), &err);
		assert_int_equal(explain_number(x, n->text, &err), 0);
		ask_must(explain_finish(x, &err), &err);
		ask_must(explain_advise(x, &err), &err);
		m = ask_first(x);
		if (!m->reading_count || strcmp(m->readings[0].reading->name, n->reading) || m->cause != n->cause ||
		    m->blame != n->blame || !said(m, n->says)) {
			print_error("%s: %s, %s, %s: %s\n", n->text, m->reading_count ? m->readings[0].reading->name : "nothing",
				    explain_cause_name(m->cause), explain_blame_name(m->blame), m->says);
			wrong++;
		}
		for (size_t k = 0; k < m->reading_count; k++)
			assert_true(m->readings[k].says && m->readings[k].why);
		explain_free(x);
	}
	assert_int_equal(wrong, 0);
}

static void no_number(void **state)
{
	static const char *const texts[] = { "",     "-",    "+5", "0x10", "1 2", "1:",	 ":1", "1:2:3",
					     "12a", "1.5", "--5", "9223372036854775808", "a" };
	struct explain_options opts = { 0 };
	struct explain *x = NULL;
	struct error err = { 0 };

	(void)state;
	ask_must(explain_new(&x, &opts, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (explain_number(x, texts[i], &err) != 1)
			fail_msg("'%s' is taken as a number", texts[i]);
	assert_int_equal(x->match_count, 0);
	explain_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_is_read),
		cmocka_unit_test(no_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
