/* Every way of writing a map: what it means, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/macro.h"
#include "idmap/notation.h"

/* "0:100000:65536 65536:5:1", "0-9" without host ids, "" for an empty map. */
static void show(const struct idmap *m, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < m->count; i++) {
		const struct idmap_extent *e = &m->extents[i];

		if (m->has_host)
			n += (size_t)snprintf(out + n, size - n, "%s%u:%u:%u", i ? " " : "",
					      e->container, e->host, e->count);
		else
			n += (size_t)snprintf(out + n, size - n, "%s%u-%u", i ? " " : "",
					      e->container, e->container + (e->count - 1));
	}
}

#define BOTH(map) map, map

static const struct {
	const char *text;
	enum idmap_which which;
	const char *uid, *gid;
} good[] = {
	{ "0-65535", IDMAP_BOTH, BOTH("0-65535") },
	{ "0-65535", IDMAP_UID, "0-65535", "" },
	{ "0-65535", IDMAP_GID, "", "0-65535" },
	{ "7", IDMAP_BOTH, BOTH("7-7") },
	{ "0-999,2000-2999", IDMAP_BOTH, BOTH("0-999 2000-2999") },
	{ "2000-2999;0-999", IDMAP_BOTH, BOTH("0-999 2000-2999") },
	{ "0-4294967294", IDMAP_BOTH, BOTH("0-4294967294") },
	{ "0-999,1000-1999", IDMAP_BOTH, BOTH("0-1999") },
	{ "0:100000:65536", IDMAP_BOTH, BOTH("0:100000:65536") },
	{ "0:100000", IDMAP_BOTH, BOTH("0:100000:1") },
	{ " 0:1000:1 , 1:100000:65536 ", IDMAP_BOTH, BOTH("0:1000:1 1:100000:65536") },
	{ "0:@1000:1", IDMAP_BOTH, BOTH("0:1000:1") },
	{ "u0:100000:10", IDMAP_BOTH, "0:100000:10", "" },
	{ "g0:100000:10", IDMAP_BOTH, "", "0:100000:10" },
	{ "g0:100000:10", IDMAP_UID, "", "0:100000:10" },
	{ "ug0:100000:10", IDMAP_UID, BOTH("0:100000:10") },
	{ "0:100000:10,+u5:7:1", IDMAP_BOTH, "0:100000:5 5:7:1 6:100006:4", "0:100000:10" },
	{ "+0:100000:10", IDMAP_BOTH, BOTH("0:100000:10") },
	{ "u+0:100000:10", IDMAP_BOTH, "0:100000:10", "" },
	{ "0 100000 65536", IDMAP_BOTH, BOTH("0:100000:65536") },
	{ "         0       1000          1\n         1     100000      65536\n", IDMAP_BOTH,
	  BOTH("0:1000:1 1:100000:65536") },
	{ "0 0 4294967295", IDMAP_UID, "0:0:4294967295", "" },
	{ "dockremap:100000:65536", IDMAP_BOTH, BOTH("0:100000:65536") },
	{ "dockremap:100000:65536\ndockremap:300000:1000\n", IDMAP_BOTH,
	  BOTH("0:100000:65536 65536:300000:1000") },
	/* The file's order counts, not the host ids'. */
	{ "a:300000:10\na:100000:10\n", IDMAP_BOTH, BOTH("0:300000:10 10:100000:10") },
	{ "a:100000:10\na:100010:10\n", IDMAP_BOTH, BOTH("0:100000:20") },
	{ "a:100000:0\na:200000:5", IDMAP_BOTH, BOTH("0:200000:5") },
	{ "0: dockremap 100000 65536\n1: dockremap 300000 10\n", IDMAP_BOTH,
	  BOTH("0:100000:65536 65536:300000:10") },
	{ "me@corp.example:100000:5", IDMAP_UID, "0:100000:5", "" },
	{ "u 0 100000 65536", IDMAP_BOTH, "0:100000:65536", "" },
	{ "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 200000 65536\n", IDMAP_BOTH,
	  "0:100000:65536", "0:200000:65536" },
	{ "lxc.id_map=b 0 100000 65536", IDMAP_BOTH, BOTH("0:100000:65536") },
	{ "lxc.idmap: g 0 100000 65536", IDMAP_BOTH, "", "0:100000:65536" },
	{ "b:0:100000:65536", IDMAP_UID, BOTH("0:100000:65536") },
	{ "u:0:1000:1", IDMAP_BOTH, "0:1000:1", "" },
	{ "both 1000 0", IDMAP_BOTH, BOTH("0:1000:1") },
	{ "uid 50-60 500-510", IDMAP_BOTH, "500:50:11", "" },
	{ "uid 1000 0\ngid 2000 0", IDMAP_BOTH, "0:1000:1", "0:2000:1" },
	{ "# all of it\n\n0:100000:65536 # dockremap, mostly\n  # 5:5:5, not\n", IDMAP_BOTH,
	  BOTH("0:100000:65536") },
	{ "0:1000:1\r\n1:100000:10\r\n", IDMAP_BOTH, BOTH("0:1000:1 1:100000:10") },
	{ "{\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}],"
	  "\"gidMappings\":[{\"containerID\":0,\"hostID\":200000,\"size\":10}]}",
	  IDMAP_BOTH, "0:100000:65536", "0:200000:10" },
	/* The mounts' own maps are other maps. */
	{ "{\"ociVersion\":\"1.0\",\"mounts\":[{\"uidMappings\":[{\"containerID\":9,\"hostID\":9,"
	  "\"size\":9}]}],\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":2}]}"
	  "}",
	  IDMAP_BOTH, "0:1:2", "" },
	{ "{\"host\":{\"idMappings\":{\"gidmap\":[{\"container_id\":0,\"host_id\":1000,\"size\":1}]"
	  ","
	  "\"uidmap\":[{\"container_id\":0,\"host_id\":1001,\"size\":1},"
	  "{\"container_id\":1,\"host_id\":100000,\"size\":65536}]}}}",
	  IDMAP_BOTH, "0:1001:1 1:100000:65536", "0:1000:1" },
	{ "{\"idMappings\":{\"uidmap\":[{\"container_id\":0,\"host_id\":1,\"size\":1}],"
	  "\"gidmap\":null}}",
	  IDMAP_BOTH, "0:1:1", "" },
	{ "[{\"HostConfig\":{\"IDMappings\":{\"UidMap\":[\"0:1000:1\",\"1:5:2\"],"
	  "\"GidMap\":[\"0:1000:1\"]}}}]",
	  IDMAP_BOTH, "0:1000:1 1:5:2", "0:1000:1" },
	{ "[{\"containerID\":0,\"hostID\":1,\"size\":2}]", IDMAP_GID, "", "0:1:2" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct idmap_pair p = { 0 };
		struct error err = { 0 };
		char uid[400], gid[400];
		int r = idmap_parse(&p, good[i].text, good[i].which, &err);

		show(&p.uid, uid, sizeof(uid));
		show(&p.gid, gid, sizeof(gid));
		if (r || strcmp(uid, good[i].uid) != 0 || strcmp(gid, good[i].gid) != 0)
			fail_msg("%s: %d %s; uid %s; gid %s", good[i].text, r, err.msg, uid, gid);
		idmap_pair_free(&p);
	}
}

static const char *const bad[] = {
	"",
	" \n",
	"# nothing",
	",",
	"a:5:0",
	"x",
	"-1",
	"-5",
	"5-",
	"-",
	"5-3",
	"0-4294967295",
	"4294967295",
	"0-4294967296",
	"0x10",
	"1e3",
	"+5",
	"0 - 5",
	"0-5-9",
	"0-5:100000",
	"0:100000:",
	":100000:5",
	"0::5",
	"0:100000:0",
	"0:100000:5:",
	"0:100000:5:5",
	"0:-1:5",
	"-1:0:5",
	"0:4294967295:1",
	"4294967295:0:1",
	"0:1:4294967295",
	"0:4294967296:1",
	"4294967296:0:1",
	"0:0:4294967296",
	"0:100000:18446744073709551617",
	"0:@@5:1",
	"0:@:1",
	"u:100000:65536",
	"b:0:100000",
	"+name:100000:5",
	"name:100000",
	"0x10:5:5",
	"7o:5:5",
	"name:100000:5x",
	"name::5",
	"name:1:2:3",
	"n:@5:1",
	"a:100000:5\nb:200000:5",
	"a:100000:5\n1000:200000:5",
	"1000:200000:5\na:100000:5",
	"0 100000",
	"0 100000 5 6",
	"0 100000 x",
	"0\t100000\t-5",
	"u 0 100000",
	"u 0 100000 x",
	"u 0 100000 5 6",
	"lxc.idmap",
	"lxc.idmap = 0 100000 5",
	"lxc.idmap = u 0 100000",
	"lxc.idmap = ",
	"lxc.idmap u 0 100000 5",
	"lxc.mount = u 0 100000 5",
	"both 1000",
	"both 1000 0 1",
	"both x 0",
	"both 50-60 500-511",
	"both 60-50 500-510",
	"uid 0-4294967295 0-4294967295",
	"x:0:100000:65536",
	"0-5,3-9",
	"0:100000:5,0:200000:5",
	"0:100000:5,5:100004:5",
	"0-5,6:100000:1",
	"0:100000:5,6-9",
	"0 0 4294967295\n5 5 5",
	"0\xc2\xa0"
	"0 5",
	"{}",
	"[]",
	"{",
	"{\"uidMappings\":5}",
	"{\"uidMappings\":[]}",
	"{\"uidMappings\":[5]}",
	"{\"uidMappings\":[{}]}",
	"{\"uidMappings\":[[]]}",
	"{\"uidMappings\":[{\"containerID\":0,\"hostID\":1}]}",
	"{\"uidMappings\":[{\"containerID\":0,\"size\":1}]}",
	"{\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":0}]}",
	"{\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1.0}]}",
	"{\"uidMappings\":[{\"containerID\":-1,\"hostID\":1,\"size\":1}]}",
	"{\"uidMappings\":[{\"containerID\":0,\"hostID\":4294967296,\"size\":1}]}",
	"{\"uidMappings\":[{\"containerID\":0,\"containerID\":1,\"hostID\":1,\"size\":1}]}",
	"{\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}]} x",
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct idmap_pair p = { 0 };
		struct error err = { 0 };
		int r = idmap_parse(&p, bad[i], IDMAP_BOTH, &err);

		if (r != -ERR_USAGE || !err.msg[0] || p.uid.count || p.gid.count)
			fail_msg("'%s': %d %s", bad[i], r, err.msg);
		idmap_pair_free(&p);
	}
}

static void test_several_calls(void **state)
{
	struct idmap_pair p = { 0 };
	struct error err;
	char text[200];

	(void)state;
	assert_int_equal(idmap_parse(&p, "a:100000:5", IDMAP_BOTH, &err), 0);
	assert_int_equal(idmap_parse(&p, "a:200000:5", IDMAP_BOTH, &err), 0);
	show(&p.uid, text, sizeof(text));
	assert_string_equal(text, "0:100000:5 5:200000:5");
	/* What fails changes nothing, the good part in front included. */
	assert_int_equal(idmap_parse(&p, "500:1:1,0:9:1", IDMAP_BOTH, &err), -ERR_USAGE);
	show(&p.gid, text, sizeof(text));
	assert_string_equal(text, "0:100000:5 5:200000:5");
	idmap_pair_free(&p);
}

static void test_hostile_words_are_escaped(void **state)
{
	struct idmap_pair p = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(idmap_parse(&p, "\x1b[31m", IDMAP_BOTH, &err), -ERR_USAGE);
	assert_null(strchr(err.msg, '\x1b'));
	assert_non_null(strstr(err.msg, "\\x1b"));
}

static void test_host(void **state)
{
	struct idmap_pair p = { 0 };
	struct error err = { 0 };
	unsigned first, host, count;
	FILE *f = fopen("/proc/self/uid_map", "r");

	(void)state;
	if (!f || fscanf(f, "%u %u %u", &first, &host, &count) != 3)
		skip();
	fclose(f);
	assert_int_equal(idmap_parse_option(&p, "host", IDMAP_BOTH, &err), 0);
	assert_true(p.uid.has_host && p.gid.has_host && p.gid.count > 0);
	assert_int_equal(p.uid.extents[0].container, first);
	assert_int_equal(p.uid.extents[0].host, host);
	idmap_pair_free(&p);
	assert_int_equal(idmap_parse_option(&p, "host", IDMAP_GID, &err), 0);
	assert_true(p.gid.count > 0 && p.uid.count == 0);
	idmap_pair_free(&p);
}

static void test_file(void **state)
{
	char arg[] = "@/tmp/uidfit-test-XXXXXX";
	struct idmap_pair p = { 0 };
	struct error err = { 0 };
	char text[100];
	int fd = mkstemp(arg + 1);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "0 1000 1\n1 100000 5\n", 20), 20);
	assert_int_equal(idmap_parse_option(&p, arg, IDMAP_BOTH, &err), 0);
	show(&p.gid, text, sizeof(text));
	assert_string_equal(text, "0:1000:1 1:100000:5");
	idmap_pair_free(&p);
	assert_int_equal(write(fd, "9 9 9\0x", 7), 7);
	assert_int_equal(idmap_parse_option(&p, arg, IDMAP_BOTH, &err), -ERR_USAGE);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(idmap_parse_option(&p, arg, IDMAP_BOTH, &err), -ERR_USAGE);
	assert_non_null(strstr(err.msg, arg + 1));
	close(fd);
	unlink(arg + 1);
	assert_int_equal(idmap_parse_option(&p, arg, IDMAP_BOTH, &err), -ERR_NOT_FOUND);
	assert_int_equal(idmap_parse_option(&p, "@/dev/zero", IDMAP_BOTH, &err), -ERR_USAGE);
	assert_int_equal(idmap_parse_option(&p, "@/", IDMAP_BOTH, &err), -ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_several_calls),
		cmocka_unit_test(test_hostile_words_are_escaped),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
