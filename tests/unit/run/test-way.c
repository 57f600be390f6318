/* Which ids a process can give files, by who it is, what the map asks for and what the host has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "idmap/notation.h"
#include "run/way.h"

/* One row: the host, the map, and what is to come out. */
struct row {
	const char *what;
	uint32_t uid;	     /* of the process, where it stands */
	const char *process; /* its own map; NULL: every id */
	const char *subids;  /* the user's "START:COUNT", or NULL */
	const char *taken;   /* a line of /etc/subuid */
	const char *map;     /* asked for */
	bool keep;
	int r;
	enum way_kind kind;
	const char *space, *owners; /* uid_map's lines, blank between numbers, ';' between lines */
	bool chosen, narrowed, single;
};

#define ALL "0 0 4294967295"

static const struct row rows[] = {
	{ "root keeps the image's own", 0, NULL, NULL, NULL, "0-65535", true, 0, WAY_HOST,
	  "0 0 65536", "0 0 65536", false, false, false },
	{ "root takes what is asked", 0, NULL, NULL, NULL, "0:200000:10", true, 0, WAY_HOST,
	  "0 200000 10", "0 200000 10", false, false, false },
	{ "root chooses 100000 where nobody has any", 0, NULL, NULL, NULL, "0-65535", false, 0,
	  WAY_HOST, "0 100000 65536", "0 100000 65536", true, false, false },
	{ "root chooses behind everybody's", 0, NULL, NULL, "a:165536:65536", "0-65535", false, 0,
	  WAY_HOST, "0 231072 65536", "0 231072 65536", true, false, false },
	{ "nothing is left behind the last", 0, NULL, NULL, "a:4294900000:60000", "0-65535", false,
	  -ERR_LIMIT, WAY_HOST, NULL, NULL, false, false, false },
	{ "an ordinary user's own and subordinate ids", 1000, NULL, "100000:65536", NULL, "0-65535",
	  true, 0, WAY_HELPERS, "0 1000 1;1 100000 65535", "0 0 65536", false, false, false },
	{ "fewer than the target has", 1000, NULL, "100000:1000", NULL, "0-65535", true, 0,
	  WAY_HELPERS, "0 1000 1;1 100000 1000", "0 0 1001", false, true, false },
	{ "a map of one's own ids", 1000, NULL, "100000:65536", NULL, "0:100000:65536", true, 0,
	  WAY_HELPERS, "0 100000 65536", "0 0 65536", false, false, false },
	{ "a map of somebody else's", 1000, NULL, "100000:65536", NULL, "0:200000:65536", true,
	  -ERR_DENIED, WAY_HOST, NULL, NULL, false, false, false },
	{ "a map that ends behind one's own", 1000, NULL, "100000:65536", NULL, "0:100000:65537",
	  true, -ERR_DENIED, WAY_HOST, NULL, NULL, false, false, false },
	{ "no subordinate ids", 1000, NULL, NULL, NULL, "0-65535", true, 0, WAY_ALONE, "0 1000 1",
	  "0 0 1", false, true, true },
	{ "the own id alone, asked for", 1000, NULL, "100000:65536", NULL, "0:1000:1", true, 0,
	  WAY_ALONE, "0 1000 1", "0 0 1", false, false, true },
	{ "no container root", 1000, NULL, "100000:65536", NULL, "1:100000:10", true, -ERR_USAGE,
	  WAY_HOST, NULL, NULL, false, false, false },
	{ "root of a namespace has what is there", 0, "0 1000 1;1 100000 65536", NULL, NULL,
	  "0-65535", true, 0, WAY_INSIDE, "0 1000 1;1 100000 65535", "0 0 65536", false, false,
	  false },
	{ "root of a namespace of one", 0, "0 1000 1", NULL, NULL, "0-65535", false, 0, WAY_INSIDE,
	  "0 1000 1", "0 0 1", false, true, true },
	{ "its own map, named", 0, "0 1000 1;1 100000 65536", NULL, NULL, "0:1000:1,1:100000:65536",
	  false, 0, WAY_INSIDE, "0 1000 1;1 100000 65536", "0 0 65537", false, false, false },
	{ "a namespace within", 0, "0 1000 1;1 100000 65536", NULL, NULL, "0:1:65536", false, 0,
	  WAY_HOST, "0 1 65536", "0 1 65536", false, false, false },
	{ "ids that this namespace has not", 0, "0 1000 1;1 100000 65536", NULL, NULL,
	  "0:100000:65536", false, -ERR_DENIED, WAY_HOST, NULL, NULL, false, false, false },
};

static void parse(struct idmap_pair *out, const char *text, char line)
{
	struct error err;
	char copy[200], *p;

	snprintf(copy, sizeof(copy), "%s", text);
	for (p = copy; *p; p++)
		*p = *p == line ? '\n' : *p;
	*out = (struct idmap_pair){ 0 };
	assert_int_equal(idmap_parse(out, copy, IDMAP_BOTH, &err), 0);
}

static void expect(const struct idmap *m, const char *text, const char *what)
{
	struct idmap_pair want;

	parse(&want, text, ';');
	if (!idmap_same(m, &want.uid))
		fail_msg("%s: another map than %s", what, text);
	idmap_pair_free(&want);
}

static void make_host(struct host *h, const struct row *row)
{
	struct error err;

	*h = (struct host){ .root = strdup("") };
	h->process.uid = h->process.gid = h->user.uid = h->user.gid = row->uid;
	h->process.nested = row->process != NULL;
	parse(&h->process.map, row->process ? row->process : ALL, ';');
	for (int i = 0; i < 2; i++) {
		assert_int_equal(subid_file_parse(&h->subid[i], row->taken ? row->taken : "", &err),
				 0);
		if (!row->subids)
			continue;
		h->user.file[i].spans = calloc(1, sizeof(struct subid_span));
		h->user.file[i].count = 1;
		assert_int_equal(sscanf(row->subids, "%u:%u", &h->user.file[i].spans[0].start,
					&h->user.file[i].spans[0].count),
				 2);
	}
}

static void test_rows(void **state)
{
	static const struct target target = { .name = "docker" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct target_use use = { .target = &target };
		struct error err = { 0 };
		struct host h;
		struct way way = { 0 };

		make_host(&h, row);
		parse(&use.map, row->map, ';');
		if (way_find(&way, &use, &h, row->keep, &err) != row->r)
			fail_msg("%s: not %d: %s", row->what, row->r, err.msg);
		if (row->r == 0) {
			assert_int_equal(way.kind, row->kind);
			expect(&way.space.uid, row->space, row->what);
			expect(&way.space.gid, row->space, row->what);
			expect(&way.owners.uid, row->owners, row->what);
			if (way.chosen != row->chosen || way.narrowed != row->narrowed ||
			    way.single != row->single)
				fail_msg("%s: chosen %d, narrowed %d, single %d", row->what,
					 way.chosen, way.narrowed, way.single);
		}
		way_free(&way);
		idmap_pair_free(&use.map);
		host_free(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
