/* References as users type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/macro.h"
#include "oci/ref.h"

static void test_good(void **state)
{
	static const struct {
		const char *text;
		enum transport transport;
		const char *path, *name;
		long index;
	} rows[] = {
		{ "alpine:3.20", TRANSPORT_PATH, "alpine:3.20", NULL, -1 },
		{ "./a:b.tar", TRANSPORT_PATH, "./a:b.tar", NULL, -1 },
		{ "/x://y", TRANSPORT_PATH, "/x://y", NULL, -1 },
		{ "./x://y", TRANSPORT_PATH, "./x://y", NULL, -1 },
		{ "localhost:5000/a/b@sha256:00", TRANSPORT_PATH, "localhost:5000/a/b@sha256:00",
		  NULL, -1 },
		{ "-", TRANSPORT_STDIN, "-", NULL, -1 },
		{ "/dev/stdin", TRANSPORT_STDIN, "-", NULL, -1 },
		{ "--", TRANSPORT_PATH, "--", NULL, -1 },
		{ "docker", TRANSPORT_PATH, "docker", NULL, -1 },
		{ "docker:dind", TRANSPORT_PATH, "docker:dind", NULL, -1 },
		{ "docker:/dind", TRANSPORT_PATH, "docker:/dind", NULL, -1 },
		{ "docker://docker:dind", TRANSPORT_DOCKER, "docker:dind", NULL, -1 },
		{ "docker://h:5000/a@sha256:00", TRANSPORT_DOCKER, "h:5000/a@sha256:00", NULL, -1 },
		{ "docker-daemon:a:b", TRANSPORT_DOCKER_DAEMON, "a:b", NULL, -1 },
		{ "docker-daemon:sha256:00", TRANSPORT_DOCKER_DAEMON, "sha256:00", NULL, -1 },
		{ "docker-archive:/x.tar", TRANSPORT_DOCKER_ARCHIVE, "/x.tar", NULL, -1 },
		{ "docker-archive:x.tar:a/b:1.0", TRANSPORT_DOCKER_ARCHIVE, "x.tar", "a/b:1.0",
		  -1 },
		{ "docker-archive:x.tar:@3", TRANSPORT_DOCKER_ARCHIVE, "x.tar", NULL, 3 },
		{ "docker-archive:/dev/stdin:a", TRANSPORT_DOCKER_ARCHIVE, "-", "a", -1 },
		{ "docker-archive:-", TRANSPORT_DOCKER_ARCHIVE, "-", NULL, -1 },
		{ "oci:dir", TRANSPORT_OCI, "dir", NULL, -1 },
		{ "oci:dir:", TRANSPORT_OCI, "dir", NULL, -1 },
		{ "oci:dir:latest", TRANSPORT_OCI, "dir", "latest", -1 },
		{ "oci:dir:a:b@c", TRANSPORT_OCI, "dir", "a:b@c", -1 },
		{ "oci:dir:@0", TRANSPORT_OCI, "dir", NULL, 0 },
		{ "oci:-", TRANSPORT_OCI, "-", NULL, -1 },
		{ "oci-archive:x.tar:v1", TRANSPORT_OCI_ARCHIVE, "x.tar", "v1", -1 },
		{ "oci-archive:-:v1", TRANSPORT_OCI_ARCHIVE, "-", "v1", -1 },
		{ "dir:/a:b", TRANSPORT_DIR, "/a:b", NULL, -1 },
		{ "tar:a:b.tgz", TRANSPORT_TAR, "a:b.tgz", NULL, -1 },
		{ "tar:-", TRANSPORT_TAR, "-", NULL, -1 },
		{ "rootfs:/", TRANSPORT_ROOTFS, "/", NULL, -1 },
		{ "rootfs:-", TRANSPORT_ROOTFS, "-", NULL, -1 },
		{ "containers-storage:[overlay@/a+/b:o=1]q:1", TRANSPORT_CONTAINERS_STORAGE,
		  "[overlay@/a+/b:o=1]q:1", NULL, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };
		struct ref ref = { 0 };
		int r = ref_parse(&ref, rows[i].text, &err);

		if (r || ref.transport != rows[i].transport ||
		    strcmp(ref.path, rows[i].path) != 0 || ref.index != rows[i].index ||
		    !ref.name != !rows[i].name || (ref.name && strcmp(ref.name, rows[i].name) != 0))
			fail_msg("%s: %d %s; %d '%s' '%s' %ld", rows[i].text, r, err.msg,
				 ref.transport, ref.path, ref.name, ref.index);
		ref_free(&ref);
	}
}

static void test_bad(void **state)
{
	static const char *const rows[] = {
		"",
		":",
		":x",
		"oci:",
		"oci::tag",
		"docker://",
		"docker-archive:",
		"docker-archive::a",
		"dir:",
		"tar:",
		"rootfs:",
		"docker-daemon:",
		"containers-storage:",
		"http://x/y",
		"HTTPS://x",
		"podman://x",
		"dockr://x",
		"oci:x:@",
		"oci:x:@-1",
		"oci:x:@1x",
		"docker-archive:x:@4294967296",
		"docker-archive:x:@2147483648",
		"docker-archive:x:@latest",
		"\x1b[31m://x",
		"ftp\x1b://",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };
		struct ref ref = { .index = 7 };
		int r = ref_parse(&ref, rows[i], &err);

		/* No scheme has such a letter: a path, which source/ will not find. */
		if (strchr(rows[i], '\x1b')) {
			assert_int_equal(r, 0);
			ref_free(&ref);
			continue;
		}
		if (r != -ERR_USAGE || !err.msg[0] || ref.path || ref.index != 7)
			fail_msg("%s: %d %s", rows[i], r, err.msg);
	}
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(transport_name(TRANSPORT_DOCKER_ARCHIVE), "docker-archive");
	assert_string_equal(transport_name(TRANSPORT_CONTAINERS_STORAGE), "containers-storage");
	ref_free(&(struct ref){ 0 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
