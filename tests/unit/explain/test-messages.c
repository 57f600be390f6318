/* The tables: every example is found by its own row and by no other before it; every row compiles; every text has its words. */
#include "ask.h"

#include "explain/match.h"

static void every_row_compiles(void **state)
{
	struct patterns *p = NULL;
	struct pattern_match m;
	struct error err = { 0 };

	(void)state;
	ask_must(patterns_new(&p, &err), &err);
	for (size_t i = 0; i < explain_message_count; i++)
		ask_must(pattern_search(p, i, "", 0, 0, &m, &err), &err);
	patterns_free(p);
}

static void every_example_is_its_rows(void **state)
{
	struct patterns *p = NULL;
	struct error err = { 0 };
	unsigned wrong = 0;

	(void)state;
	ask_must(patterns_new(&p, &err), &err);
	for (size_t i = 0; i < explain_message_count; i++) {
		const struct explain_message *row = &explain_messages[i];

		assert_non_null(row->examples[0]);
		for (const char *const *e = row->examples; *e; e++) {
			struct pattern_match m;

			bool found = pattern_search(p, i, *e, strlen(*e), 0, &m, &err) == 0;

			if (!found || (row->role == EXPLAIN_WRAPPER && !m.groups[GROUP_REST].at)) {
				print_error("%s does not match its example: %s\n", row->name, *e);
				wrong++;
			}
		}
	}
	patterns_free(p);
	assert_int_equal(wrong, 0);
}

/* What a user sees is the first row. */
static void no_row_takes_anothers_example(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < explain_message_count; i++) {
		const struct explain_message *row = &explain_messages[i];

		if (row->role != EXPLAIN_LEAF && row->role != EXPLAIN_FOLLOW)
			continue;
		for (const char *const *e = row->examples; *e; e++) {
			struct explain *x = ask(*e);

			if (x->match_count != 1 || x->matches[0].message != row) {
				print_error("%s: %s: read as %s\n", row->name, *e,
					    x->match_count ? x->matches[0].message->name : "nothing");
				wrong++;
			}
			explain_free(x);
		}
	}
	assert_int_equal(wrong, 0);
}

/* Each advice, cause and reading fills its placeholders for some message; nothing is left open. */
static void nothing_is_left_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < explain_message_count; i++)
		for (const char *const *e = explain_messages[i].examples; *e; e++) {
			struct explain *x = ask(*e);

			for (size_t k = 0; k < x->match_count; k++) {
				const struct explain_match *m = &x->matches[k];

				assert_non_null(m->says);
				assert_true(m->says[0]);
				for (size_t a = 0; a < m->advice_count; a++)
					assert_null(strstr(m->advice[a].text, "{id}"));
				if (!m->follows && m->message->role == EXPLAIN_LEAF &&
				    m->message->says[0] == '\0' && !m->advice_count)
					fail_msg("%s: no advice for %s", m->message->name,
						 explain_cause_name(m->cause));
			}
			explain_free(x);
		}
}

/* Every id in the tables is one that some reading or owner still finds. */
static void every_owner_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < explain_owner_count; i++) {
		const struct explain_owner *o = &explain_owners[i];
		int64_t uid = o->uids.count ? o->uids.ranges[0].first : 123456;
		int64_t gid = o->gids.count ? o->gids.ranges[0].first : 77;
		struct explain_options opts = { 0 };
		struct explain *x = NULL;
		struct error err = { 0 };
		char text[64];
		bool found = false;

		ask_must(explain_new(&x, &opts, &err), &err);
		snprintf(text, sizeof(text), "%lld:%lld", (long long)uid, (long long)gid);
		assert_int_equal(explain_number(x, text, &err), 0);
		ask_must(explain_finish(x, &err), &err);
		for (size_t k = 0; k < x->matches[0].reading_count; k++)
			found |= x->matches[0].readings[k].owner == o;
		if (!found)
			fail_msg("owner %s: %s is not read as it", o->name, text);
		explain_free(x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_compiles),
		cmocka_unit_test(every_example_is_its_rows),
		cmocka_unit_test(no_row_takes_anothers_example),
		cmocka_unit_test(nothing_is_left_open),
		cmocka_unit_test(every_owner_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
