/* Which id becomes which, without an image. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fix/policy.h"

#define OWNER	FIX_USE_OWNER
#define ACCOUNT FIX_USE_ACCOUNT
#define SETUID	FIX_USE_SPECIAL
#define NUMBER	(FIX_USE_PROCESS | FIX_USE_NUMBER)

struct use {
	bool gid;
	int64_t id;
	unsigned uses;
};

static const struct {
	const char *what, *to;
	struct id_range map[3];
	struct use uses[8];
	bool keep, fold;
	const char *pairs[3]; /* "u1=2", "g1=2", "l1=2" (--like, users) */
	const char *want;     /* of what moves; NULL: no plan */
	int error;
} rows[] = {
	{ "nobody's is root's",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 70000, OWNER } },
	  .want = "u70000=0" },
	{ "a named one moves into the band",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 70000, OWNER | ACCOUNT } },
	  .want = "u70000=10000." },
	{ "both sides alike",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 70000, ACCOUNT }, { false, 80000, ACCOUNT }, { true, 80000, ACCOUNT } },
	  .want = "u70000=10000. u80000=10001. g80000=10001." },
	{ "not onto an id of the image",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 10000, OWNER }, { false, 70000, ACCOUNT } },
	  .want = "u70000=10001." },
	{ "USER by number is a name",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 70000, NUMBER } },
	  .want = "u70000=10000." },
	{ "a group of USER is none",
	  "auto",
	  { { 0, 65535 } },
	  { { true, 70000, FIX_USE_PROCESS } },
	  .want = "g70000=0" },
	{ "a setuid file's",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 70000, OWNER | SETUID } },
	  .want = "u70000=0" },
	{ "a setuid file's, kept",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 70000, OWNER | SETUID } },
	  .keep = true,
	  .want = "u70000=10000." },
	{ "negative and huge",
	  "auto",
	  { { 0, 65535 } },
	  { { false, -5, OWNER }, { true, INT64_MAX, OWNER } },
	  .want = "u-5=0 g9223372036854775807=0" },
	{ "only whiteouts have it", "auto", { { 0, 65535 } }, { { false, 70000, 0 } }, .want = "" },
	{ "a small map's ids",
	  "auto",
	  { { 0, 1001 } },
	  { { false, 1000, OWNER }, { false, 70000, ACCOUNT }, { false, 80000, ACCOUNT } },
	  .want = "u70000=100. u80000=1001." },
	{ "behind the band",
	  "auto",
	  { { 0, 0 }, { 60000, 60002 }, { 65534, 65535 } },
	  { { false, 70000, ACCOUNT }, { false, 70001, ACCOUNT }, { false, 70002, ACCOUNT } },
	  .want = "u70000=60000. u70001=60001. u70002=60002." },
	{ "never nobody",
	  "auto",
	  { { 0, 0 }, { 65534, 65535 } },
	  { { false, 70000, OWNER | ACCOUNT } },
	  .error = -ERR_DENIED },
	{ "accounts that own nothing may stay",
	  "auto",
	  { { 0, 1 } },
	  { { false, 70000, ACCOUNT }, { false, 80000, OWNER | ACCOUNT } },
	  .want = "u80000=1." },
	{ "too small",
	  "auto",
	  { { 0, 1 } },
	  { { false, 70000, OWNER | ACCOUNT }, { false, 80000, OWNER | ACCOUNT } },
	  .error = -ERR_DENIED },
	{ "folded",
	  "auto",
	  { { 0, 2 } },
	  { { false, 70000, NUMBER }, { false, 80000, NUMBER }, { false, 90000, NUMBER } },
	  .fold = true,
	  .want = "u70000=1. u80000=2 u90000=2" },
	{ "folded into root",
	  "auto",
	  { { 0, 0 } },
	  { { false, 70000, NUMBER }, { true, 70000, NUMBER } },
	  .fold = true,
	  .want = "u70000=0 g70000=0" },
	{ "compact",
	  "compact",
	  { { 0, 65535 } },
	  { { false, 90000, OWNER }, { false, 70000, OWNER }, { true, 5, OWNER } },
	  .want = "u70000=10000. u90000=10001." },
	{ "root",
	  "root",
	  { { 0, 65535 } },
	  { { false, 70000, NUMBER }, { true, 70000, ACCOUNT } },
	  .want = "u70000=0 g70000=0" },
	{ "one id",
	  "1000:50",
	  { { 0, 65535 } },
	  { { false, 70000, OWNER }, { true, 70000, OWNER } },
	  .want = "u70000=1000 g70000=50" },
	{ "one id, both",
	  "1000",
	  { { 0, 65535 } },
	  { { true, 70000, OWNER } },
	  .want = "g70000=1000" },
	{ "one id outside",
	  "70000",
	  { { 0, 65535 } },
	  { { true, 80000, OWNER } },
	  .error = -ERR_DENIED },
	{ "asked",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 1000, OWNER }, { false, 70000, ACCOUNT } },
	  .pairs = { "u1000=10000" },
	  .want = "u1000=10000. u70000=10001." },
	{ "asked, another's",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 1000, OWNER }, { false, 70000, OWNER } },
	  .pairs = { "u70000=1000" },
	  .want = "u70000=1000" },
	{ "asked, outside",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 1000, OWNER } },
	  .pairs = { "u1000=70000" },
	  .error = -ERR_DENIED },
	{ "asked for what is",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 1000, OWNER } },
	  .pairs = { "u1000=1000" },
	  .want = "" },
	{ "like before",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 70000, OWNER } },
	  .pairs = { "l70000=20000" },
	  .want = "u70000=20000." },
	{ "like before, where it fits no more",
	  "auto",
	  { { 0, 9999 } },
	  { { false, 70000, OWNER } },
	  .pairs = { "l70000=20000" },
	  .want = "u70000=0" },
	{ "the command line counts more",
	  "auto",
	  { { 0, 65535 } },
	  { { false, 70000, OWNER } },
	  .pairs = { "l70000=20000", "u70000=5" },
	  .want = "u70000=5." },
	{ "no root in the map",
	  "auto",
	  { { 1, 9 } },
	  { { false, 70000, OWNER } },
	  .error = -ERR_DENIED },
};

static void tell(char *out, size_t size, const struct fix_side *side, char letter)
{
	for (size_t i = 0; i < side->count; i++) {
		const struct fix_id *id = &side->ids[i];
		size_t n = strlen(out);

		if (id->why != FIX_STAYS)
			snprintf(out + n, size - n, "%s%c%lld=%u%s", n ? " " : "", letter,
				 (long long)id->old, id->new, id->own ? "." : "");
	}
}

static void one(size_t i)
{
	struct fix_policy p = { .keep_setuid = rows[i].keep, .fold = rows[i].fold };
	struct fix_pair pairs[3];
	struct fix_maps maps = { 0 };
	struct fix_ids ids = { 0 };
	struct error err = { 0 };
	char got[300] = "";
	int r;

	assert_int_equal(fix_policy_parse_to(&p, rows[i].to, &err), 0);
	for (size_t k = 0; k < 3 && (k == 0 || rows[i].map[k].last); k++) {
		assert_int_equal(
			idset_add(&maps.uid, rows[i].map[k].first, rows[i].map[k].last, &err), 0);
		assert_int_equal(
			idset_add(&maps.gid, rows[i].map[k].first, rows[i].map[k].last, &err), 0);
	}
	idset_tidy(&maps.uid);
	idset_tidy(&maps.gid);
	for (size_t k = 0; k < 8 && (rows[i].uses[k].id || rows[i].uses[k].uses); k++)
		assert_int_equal(fix_ids_add(&ids, rows[i].uses[k].gid, rows[i].uses[k].id,
					     rows[i].uses[k].uses, NULL, &err),
				 0);
	fix_ids_tidy(&ids);
	for (; p.pair_count < 3 && rows[i].pairs[p.pair_count]; p.pair_count++) {
		const char *text = rows[i].pairs[p.pair_count];

		assert_int_equal(fix_pair_parse(&pairs[p.pair_count], text + 1, *text == 'g', &err),
				 0);
		pairs[p.pair_count].like = *text == 'l';
	}
	p.pairs = pairs;
	r = fix_policy_apply(&p, &maps, &ids, &err);
	tell(got, sizeof(got), &ids.uid, 'u');
	tell(got, sizeof(got), &ids.gid, 'g');
	if (r != rows[i].error || (r == 0 && strcmp(got, rows[i].want) != 0))
		fail_msg("%s: %d '%s' %s", rows[i].what, r, got, err.msg);
	fix_ids_free(&ids);
	fix_maps_free(&maps);
}

static void policies(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		one(i);
}

static void words(void **state)
{
	static const char *const bad[] = { "",		 "nobody",  "-1",  "65534",
					   "65535",	 "1:65534", "1:",  ":1",
					   "4294967295", "1:2:3",   "Root" };
	static const char *const bad_pairs[] = {
		"", "1", "1=", "=1", "a", "a=", "1:2=3", "1=65534", "1=-1", "1=4294967295", "1=2=3"
	};
	struct fix_policy p = { 0 };
	struct fix_pair pair;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (fix_policy_parse_to(&p, bad[i], &err) != -ERR_USAGE)
			fail_msg("--to %s", bad[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad_pairs); i++)
		if (fix_pair_parse(&pair, bad_pairs[i], false, &err) != -ERR_USAGE)
			fail_msg("--owner %s", bad_pairs[i]);
}

static void sets(void **state)
{
	struct idset a = { 0 }, b = { 0 }, both = { 0 }, less = { 0 };
	static const uint32_t ids[] = { 0, 3, 3, 10, 60 };
	struct error err;

	assert_int_equal(idset_add(&a, 0, 10, &err), 0);
	assert_int_equal(idset_add(&a, 20, 30, &err), 0);
	assert_int_equal(idset_add(&b, 5, 25, &err), 0);
	idset_tidy(&a);
	idset_tidy(&b);
	assert_int_equal(idset_common(&both, &a, &b, &err), 0);
	assert_int_equal(idset_size(&both), 6 + 6);
	assert_int_equal(idset_without(&less, &a, ids, ARRAY_SIZE(ids), &err), 0);
	assert_int_equal(idset_size(&less), 8 + 11);
	assert_false(idset_has(&less, 10));
	assert_true(idset_has(&less, 9));
	idset_free(&a);
	idset_free(&b);
	idset_free(&both);
	idset_free(&less);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies),
		cmocka_unit_test(words),
		cmocka_unit_test(sets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
