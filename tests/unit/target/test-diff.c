/* Two images by hand: owners that come, go and change; findings of one that the other has not. */
#include "make.h"

#include "target/diff-set.h"
#include "target/diff.h"

/* What stands in the one layer of each, and above it; path NULL ends. */
struct row {
	const char *name;
	struct inv_entry old[3], new[3], new_top[2];
	const char *old_user, *new_user;
	uint64_t gained, gone, surfaced, sunk, changed;
	uint64_t came, went; /* findings of docker, errors */
	bool worse, user_changed;
};

static const struct row rows[] = {
	{ "the same", { { .path = "a", .uid = 70000 } }, { { .path = "a", .uid = 70000 } } },
	{ "an owner inside", { { .path = "a" } }, { { .path = "a" }, { .path = "b", .uid = 5 } }, .gained = 1 },
	{ "an owner outside", { { .path = "a" } }, { { .path = "a" }, { .path = "b", .uid = 70000 } }, .gained = 1, .came = 1, .worse = true },
	{ "another path of an owner that was there", { { .path = "a", .uid = 70000 } },
	  { { .path = "a", .uid = 70000 }, { .path = "b", .uid = 70000 } }, .came = 1, .worse = true },
	{ "an owner goes", { { .path = "a", .uid = 70000 } }, { { .path = "b" } }, .gained = 1, .gone = 1, .went = 1 },
	{ "a path of another owner", { { .path = "a" }, { .path = "b", .uid = 5 } }, { { .path = "a", .uid = 5 }, { .path = "b" } }, .changed = 2 },
	{ "group alone", { { .path = "a", .gid = 1 }, { .path = "b" } }, { { .path = "a" } }, .gone = 1, .changed = 1 },
	{ "from one outside to another", { { .path = "a", .uid = 70000 } }, { { .path = "a", .uid = 80000 } },
	  .gained = 1, .gone = 1, .changed = 1, .came = 1, .went = 1, .worse = true },
	{ "now hidden by a whiteout", { { .path = "a", .uid = 70000 } }, { { .path = "a", .uid = 70000 } },
	  { { .path = "a", .kind = INV_WHITEOUT } }, .gained = 1, .sunk = 1 },
	{ "now hidden by a file of root", { { .path = "a", .uid = 70000 }, { .path = "b" } },
	  { { .path = "a", .uid = 70000 }, { .path = "b" } }, { { .path = "a" } }, .sunk = 1, .changed = 1 },
	{ "gained, though hidden", { { .path = "b" } }, { { .path = "a", .uid = 70000 }, { .path = "b" } }, { { .path = "a" } },
	  .gained = 1, .came = 1, .worse = true },
	{ "moved to another layer", { { .path = "a", .uid = 70000 } }, { { .path = "z", .uid = 0 } }, { { .path = "a", .uid = 70000 } }, .gained = 1 },
	{ "USER", { { .path = "a" } }, { { .path = "a" } }, .old_user = "1", .new_user = "70000", .came = 1, .worse = true, .user_changed = true },
	{ "USER in other words", { { .path = "a" } }, { { .path = "a" } }, .old_user = "70000", .new_user = "70000:0", .user_changed = true },
	{ "a global header is no file", { { .path = "a" } }, { { .path = "a" }, { .path = "g", .kind = INV_GLOBAL, .uid = 70000 } }, .came = 0 },
};

static void add(struct made *m, size_t layer, const struct inv_entry *list, size_t max)
{
	for (size_t i = 0; i < max && list[i].path; i++)
		made_add(m, layer, &list[i]);
}

static void check_row(const struct row *r)
{
	struct error err = { 0 };
	struct made old, new;
	struct diff *d = NULL;

	made_begin(&old, 1);
	made_begin(&new, 2);
	add(&old, 0, r->old, 3);
	add(&new, 0, r->new, 3);
	add(&new, 1, r->new_top, 2);
	old.source.config.user = (char *)r->old_user;
	new.source.config.user = (char *)r->new_user;
	made_check(&old, "docker", NULL);
	made_check(&new, "docker", NULL);
	must(diff_images(&d, &old.image, &new.image, &old.opts, &err), &err);
	if (d->states[DIFF_GAINED] != r->gained || d->states[DIFF_GONE] != r->gone || d->states[DIFF_SURFACED] != r->surfaced ||
	    d->states[DIFF_SUNK] != r->sunk || d->changed != r->changed)
		fail_msg("%s: owners: gained %lu, gone %lu, surfaced %lu, sunk %lu, changed %lu", r->name, d->states[DIFF_GAINED],
			 d->states[DIFF_GONE], d->states[DIFF_SURFACED], d->states[DIFF_SUNK], d->changed);
	if (d->targets[0].came[LEVEL_ERROR] != r->came || d->targets[0].went[LEVEL_ERROR] != r->went || d->worse != r->worse ||
	    d->user_changed != r->user_changed)
		fail_msg("%s: came %lu, went %lu, worse %d, USER %d", r->name, d->targets[0].came[LEVEL_ERROR],
			 d->targets[0].went[LEVEL_ERROR], d->worse, d->user_changed);
	diff_free(d);

	/* The other way round everything is the other way round. */
	must(diff_images(&d, &new.image, &old.image, &old.opts, &err), &err);
	if (d->states[DIFF_GAINED] != r->gone || d->states[DIFF_GONE] != r->gained || d->states[DIFF_SURFACED] != r->sunk ||
	    d->changed != r->changed || d->targets[0].came[LEVEL_ERROR] != r->went || d->targets[0].went[LEVEL_ERROR] != r->came)
		fail_msg("%s, backwards", r->name);
	diff_free(d);
	made_end(&old);
	made_end(&new);
}

static void test_rows(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

static int only_second(void *ctx, const struct finding *f, struct error *err _unused_)
{
	assert_int_equal(f->targets, 2);
	++*(int *)ctx;
	return 0;
}

/* kubernetes looks at the merged image alone: for it, not for docker, the file that comes to light is news. */
static void test_targets(void **state _unused_)
{
	const struct inv_entry bad = { .path = "a", .uid = 70000 }, gone = { .path = "a", .kind = INV_WHITEOUT };
	struct error err = { 0 };
	struct made old, new;
	struct diff *d = NULL;
	int told = 0;

	made_begin(&old, 2);
	made_begin(&new, 2);
	made_add(&old, 0, &bad);
	made_add(&old, 1, &gone);
	made_add(&new, 0, &bad);
	made_check(&old, "docker,kubernetes", NULL);
	made_check(&new, "docker,kubernetes", NULL);
	must(diff_images(&d, &old.image, &new.image, &old.opts, &err), &err);
	must(diff_each(d, DIFF_NEW, only_second, &told, &err), &err);
	assert_int_equal(told, 1);
	assert_int_equal(d->states[DIFF_SURFACED], 1);
	diff_free(d);
	made_end(&old);
	made_end(&new);
}

/* Examples: three at most, visible ones first, none of an owner that both have. */
static void test_examples(void **state _unused_)
{
	static const char *const hidden[] = { "h0", "h1", "h2", "h3" };
	struct error err = { 0 };
	struct made old, new;
	struct diff *d = NULL;
	const struct diff_count *c;

	made_begin(&old, 1);
	made_begin(&new, 2);
	made_add(&old, 0, &(struct inv_entry){ .path = "r" });
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		made_add(&new, 0, &(struct inv_entry){ .path = hidden[i], .uid = 7 });
		made_add(&new, 1, &(struct inv_entry){ .path = hidden[i] });
	}
	made_add(&new, 1, &(struct inv_entry){ .path = "seen", .uid = 7 });
	made_check(&old, "docker", NULL);
	made_check(&new, "docker", NULL);
	must(diff_images(&d, &old.image, &new.image, &old.opts, &err), &err);
	assert_int_equal(d->owner_count, 2);
	assert_int_equal(d->owners[0].of[DIFF_NEW].example_count, 0);
	c = &d->owners[1].of[DIFF_NEW];
	assert_int_equal(c->hidden, 4);
	assert_int_equal(c->visible, 1);
	assert_int_equal(c->example_count, 3);
	assert_string_equal(c->examples[0].path, "seen");
	assert_true(c->examples[0].visible);
	diff_free(d);
	made_end(&old);
	made_end(&new);
}

static uint64_t hash_no(uint64_t i)
{
	i *= 0x9e3779b97f4a7c15u;
	i ^= i >> 31;
	return i * 0xbf58476d1ce4e5b9u;
}

/* More than fit at once: each is held in one part and found there with its value. */
static void test_set_parts(void **state _unused_)
{
	const uint64_t n = 3u * DIFF_SET_ENTRIES;
	struct diff_set s;
	struct error err = { 0 };
	uint64_t held = 0, parts = 0;

	must(diff_set_init(&s, n, &err), &err);
	while (diff_set_next(&s)) {
		parts++;
		for (uint64_t i = 0; i < n; i++)
			if (diff_set_holds(&s, hash_no(i)))
				must(diff_set_put(&s, hash_no(i), (uint32_t)i | 1, &err), &err);
		for (uint64_t i = 0; i < n; i += 7)
			if (diff_set_holds(&s, hash_no(i))) {
				held++;
				assert_int_equal(diff_set_get(&s, hash_no(i)), (uint32_t)i | 1);
				assert_int_equal(diff_set_get(&s, hash_no(n + i)), 0);
			}
	}
	assert_int_equal(parts, 4);
	assert_int_equal(held, (n + 6) / 7);
	diff_set_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_targets),
					    cmocka_unit_test(test_examples), cmocka_unit_test(test_set_parts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
