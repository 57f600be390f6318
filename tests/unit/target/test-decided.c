/* Images of which not all is known: what is decided, and what is then told. */
#include "make.h"

struct row {
	const char *name;
	const char *targets, *map;
	struct inv_entry entry;
	const char *user;
	int fail_on;	 /* 0: warning */
	bool notes;	 /* even a note would do */
	bool below, top; /* decided by the layer where another lies above it, and where none does */
	bool config;	 /* decided by USER alone */
};

static const struct row rows[] = {
	{ "inside", "docker", NULL, { .path = "f", .uid = 65535, .gid = 65535 } },
	{ "uid", "docker", NULL, { .path = "f", .uid = 65536 }, .below = true, .top = true },
	{ "gid", "docker", NULL, { .path = "f", .gid = 70000 }, .below = true, .top = true },
	{ "second target", "podman,docker", NULL, { .path = "f", .uid = 65536 }, .below = true, .top = true },
	{ "negative", "docker", NULL, { .path = "f", .uid = -5 }, .below = true, .top = true },
	{ "wraps inside", "umoci", NULL, { .path = "f", .uid = (1LL << 32) + 5 }, .below = true, .top = true },
	{ "wraps outside", "umoci", NULL, { .path = "f", .uid = (1LL << 32) + 70000 }, .below = true, .top = true },
	{ "modulo keeps", "umoci", NULL, { .path = "f", .uid = 4294967295 }, .below = true, .top = true },
	{ "a hard link", "umoci", NULL, { .path = "f", .kind = INV_HARDLINK, .uid = 70000 } },
	{ "a whiteout", "umoci", NULL, { .path = "f", .kind = INV_WHITEOUT, .uid = 70000 } },
	{ "a whiteout", "docker", NULL, { .path = "f", .kind = INV_WHITEOUT, .uid = 70000 }, .below = true, .top = true },
	{ "the root", "docker", NULL, { .kind = INV_ROOT, .uid = 70000 } },
	{ "becomes root", "docker", "0:100000:65536", { .path = "f", .uid = 100000 }, .below = true, .top = true },
	{ "becomes root", "docker", "0:100000:65536", { .path = "f", .uid = 100000 }, .fail_on = LEVEL_ERROR },
	{ "hidden perhaps", "kubernetes", NULL, { .path = "f", .uid = 70000 }, .top = true },
	{ "hidden perhaps", "docker,kubernetes", NULL, { .path = "f", .uid = 65536 }, .below = true, .top = true },
	{ "a warning", "kubernetes", NULL, { .path = "f", .uid = 70000 }, .fail_on = LEVEL_ERROR },
	{ "a map that grows", "podman-auto", NULL, { .path = "f", .uid = 3000 } },
	{ "a map that cannot grow so far", "podman-auto", NULL, { .path = "f", .uid = 70000 }, .below = true, .top = true },
	{ "no name", "docker", NULL, { .path = "f", .uid = 1000 }, .notes = true },
	{ "a sparse log", "docker", NULL, { .path = "var/log/lastlog", .flags = INV_SPARSE, .size = 1LL << 40 }, .below = true, .top = true },
	{ "USER", "docker", NULL, { .path = "f" }, "70000", .config = true },
	{ "USER inside", "docker", NULL, { .path = "f" }, "1000" },
	{ "USER by name", "docker", NULL, { .path = "f" }, "app" },
	{ "its group", "docker", NULL, { .path = "f" }, "1000:70000", .config = true },
	{ "its group by name", "docker", NULL, { .path = "f" }, "70000:app" },
	{ "its group by passwd", "docker", "u 0 100000 65536\ng 5 100000 65536", { .path = "f", .gid = 5 }, "1000" },
	{ "USER, no error", "docker-desktop-eci", NULL, { .path = "f" }, "70000" },
	{ "no USER", "docker", "5:100000:65536", { .path = "f", .uid = 5, .gid = 5 }, "", .config = true },
};

/* The row's layer with an empty one above it (or below). */
static void make(struct made *m, const struct row *r, bool top)
{
	made_begin(m, 2);
	made_add(m, top, &r->entry);
	m->source.config.user = (char *)r->user;
	m->opts.fail_on = (enum level)r->fail_on;
}

static void check_row(const struct row *r, bool top)
{
	const bool want = top ? r->top : r->below;
	struct inv_entry e = r->entry;
	struct made m;
	bool layer, config;

	make(&m, r, top);
	made_check(&m, r->targets, r->map);
	if (r->notes)
		m.opts.fail_on = LEVEL_NOTE;
	layer = check_is_decided(&m.opts, &m.source, &m.blobs[top], m.inventories[top]);
	config = check_is_decided(&m.opts, &m.source, NULL, NULL);
	/* One entry is as good as its layer, where nobody knows what comes behind it. */
	e.path = e.path ? e.path : "";
	e.path_len = strlen(e.path);
	assert_int_equal(check_is_decided_at(&m.opts, &m.source, &e), r->below);
	m.inventories[top]->cut = true;
	assert_int_equal(check_is_decided(&m.opts, &m.source, &m.blobs[top], m.inventories[top]), r->below);
	if (layer != want || config != r->config)
		fail_msg("%s, %s, %s: layer %d, config %d", r->name, r->targets, top ? "top" : "below", layer, config);
	/* Never where the whole has no such finding. */
	if ((layer || config) && m.check->fits)
		fail_msg("%s, %s: it fits", r->name, r->targets);
	made_end(&m);
}

static void test_decided(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row(&rows[i], false);
		check_row(&rows[i], true);
	}
}

struct seen {
	struct finding f[8];
	size_t count;
};

static int remember(void *ctx, const struct finding *f, struct error *err _unused_)
{
	struct seen *s = ctx;

	assert_true(s->count < ARRAY_SIZE(s->f));
	s->f[s->count++] = *f;
	return 0;
}

/* Of an image with an unread layer nothing is told that this one could change. */
static void check_partial(const struct row *r, bool top)
{
	struct seen s = { 0 };
	struct error err = { 0 };
	struct made m;

	if (!(top ? r->top : r->below) && !r->config)
		return;
	make(&m, r, top);
	made_file(&m, top, "etc/passwd", "high:x:90000:90000::/:\n");
	m.image.unread = 1;
	m.layers[!top].unread = true;
	made_check(&m, r->targets, r->map);
	assert_false(m.check->fits);
	for (size_t i = 0; i < m.check->target_count; i++) {
		const struct check_target *t = &m.check->targets[i];

		assert_false(t->fits);
		assert_int_equal(t->unknown, !t->any || t->worst < m.opts.fail_on);
		/* A layer below that is unread may hold what stops the engine first. */
		if (top) {
			assert_int_equal(t->first_layer, -1);
			assert_int_equal(t->error_count, 0);
		}
	}
	must(check_each(m.check, remember, &s, &err), &err);
	for (size_t i = 0; i < s.count; i++) {
		assert_int_not_equal(s.f[i].rule, RULE_PASSWD_OUTSIDE_MAP);
		assert_int_not_equal(s.f[i].rule, RULE_OWNER_UNNAMED);
		if (s.f[i].entry || s.f[i].layer >= 0)
			assert_int_equal(s.f[i].visible_unknown, !top);
	}
	made_end(&m);
}

static void test_partial(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		check_partial(&rows[i], false);
		check_partial(&rows[i], true);
	}
}

/* It was the caller's word that one of the others fails. */
static void test_nothing_found(void **state _unused_)
{
	struct check *c = NULL;
	struct error err = { 0 };
	struct made m;

	made_begin(&m, 2);
	made_check(&m, "docker", NULL);
	m.image.unread = 1;
	m.layers[1].unread = true;
	assert_int_equal(check_image(&c, &m.image, &m.opts, &err), -ERR_BUG);
	assert_null(c);
	made_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decided),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_nothing_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
