/* config.json from an image's config and the command line. Each case says what one member becomes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/macro.h"
#include "base/notes.h"
#include "bundle/bundle.h"

#define CONFIG(inner) "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{" inner "}}"

static struct exec_user root_user; /* 0:0 */

/* 0 with the document, or the error. */
static int make(json_t **out, const char *image, struct bundle_options opts, struct error *err)
{
	struct limits limits = limits_default();
	struct oci_config config = { 0 };
	struct buf text = { 0 };
	int r = oci_config_parse(&config, image, strlen(image), &limits, err);

	if (!opts.user)
		opts.user = &root_user;
	if (r == 0)
		r = bundle_config(&text, &config, &opts, err);
	oci_config_free(&config);
	if (r == 0) {
		*out = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(*out);
	}
	buf_free(&text);
	return r;
}

/* The member at "a.b.c" (a number is an element), as compact JSON with sorted keys; malloc'd. */
static char *at(json_t *json, const char *path)
{
	char part[200];

	while (*path && json) {
		size_t n = strcspn(path, "/");

		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		json = json_is_array(json) ? json_array_get(json, (size_t)atoi(part))
					   : json_object_get(json, part);
		path += n + (path[n] == '/');
	}
	return json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY)
		    : strdup("absent");
}

static void assert_at(json_t *json, const char *path, const char *want)
{
	char *have = at(json, path);

	assert_string_equal(have, want);
	free(have);
}

static void check(const char *image, struct bundle_options opts, const char *path, const char *want)
{
	struct error err = { 0 };
	json_t *json = NULL;

	if (make(&json, image, opts, &err) < 0)
		fail_msg("%s: %s", image, err.msg);
	assert_at(json, path, want);
	json_decref(json);
}

static void check_refused(const char *image, struct bundle_options opts, enum err_code code,
			  const char *words)
{
	struct error err = { 0 };
	json_t *json = NULL;
	int r = make(&json, image, opts, &err);

	if (r == 0)
		fail_msg("taken: %s", image);
	assert_int_equal(r, -(int)code);
	if (!strstr(err.msg, words))
		fail_msg("'%s' does not hold '%s'", err.msg, words);
}

static void test_args(void **state)
{
	static const char *const given[] = { "x", "y z" };
	static const char *const odd[] = { "\xff" };
	static const struct {
		const char *image, *entrypoint;
		size_t given;
		const char *want; /* NULL: nothing to run */
	} cases[] = {
		{ "\"Cmd\":[\"c\"]", NULL, 0, "[\"c\"]" },
		{ "\"Entrypoint\":[\"e\",\"f\"]", NULL, 0, "[\"e\",\"f\"]" },
		{ "\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]", NULL, 0, "[\"e\",\"c\"]" },
		{ "\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]", NULL, 2, "[\"e\",\"x\",\"y z\"]" },
		{ "\"Cmd\":[\"c\"]", NULL, 2, "[\"x\",\"y z\"]" },
		{ "\"Entrypoint\":null,\"Cmd\":[\"c\"]", NULL, 0, "[\"c\"]" },
		{ "\"Entrypoint\":[\"e\"],\"Cmd\":null", NULL, 0, "[\"e\"]" },
		{ "\"entrypoint\":[\"e\"],\"CMD\":[\"c\"]", NULL, 0, "[\"e\",\"c\"]" },
		{ "\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]", "new", 0, "[\"new\"]" },
		{ "\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]", "new", 1, "[\"new\",\"x\"]" },
		{ "\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]", "", 1, "[\"x\"]" },
		{ "\"Entrypoint\":[\"e\"],\"Cmd\":[\"c\"]", "", 0, NULL },
		{ "\"Entrypoint\":[\"\"],\"Cmd\":[\"c\"]", NULL, 0, "[\"c\"]" },
		{ "\"Entrypoint\":[\"\",\"f\"]", NULL, 0, "[\"\",\"f\"]" },
		{ "\"Cmd\":\"echo a\"", NULL, 0, "[\"echo a\"]" },
		{ "\"Cmd\":[\"c\"],\"ArgsEscaped\":true", NULL, 0, "[\"c\"]" },
		{ "", NULL, 0, NULL },
		{ "\"Entrypoint\":[],\"Cmd\":[]", NULL, 0, NULL },
		{ "", NULL, 1, "[\"x\"]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bundle_options opts = { .args = given,
					       .arg_count = cases[i].given,
					       .entrypoint = cases[i].entrypoint };
		char image[400];

		snprintf(image, sizeof(image), CONFIG("%s"), cases[i].image);
		if (cases[i].want)
			check(image, opts, "process/args", cases[i].want);
		else
			check_refused(image, opts, ERR_USAGE, "nothing to run");
	}
	check_refused(CONFIG(""), (struct bundle_options){ .args = odd, .arg_count = 1 }, ERR_USAGE,
		      "is not UTF-8");
	check("{\"config\":null}", (struct bundle_options){ .args = given, .arg_count = 1 },
	      "process/args", "[\"x\"]");
}

static void test_program(void **state)
{
	struct bundle_options opts = { .user = &root_user };
	struct limits limits = limits_default();
	const char *image = CONFIG("\"Entrypoint\":[\"/bin/e\"],\"Cmd\":[\"c\"]");
	struct oci_config config = { 0 };
	struct error err = { 0 };
	char *program = NULL;

	assert_int_equal(oci_config_parse(&config, image, strlen(image), &limits, &err), 0);
	assert_int_equal(bundle_program(&program, &config, &opts, &err), 0);
	assert_string_equal(program, "/bin/e");
	free(program);
	opts.entrypoint = "";
	assert_int_equal(bundle_program(&program, &config, &opts, &err), -ERR_USAGE);
	oci_config_free(&config);
}

#define PATH_ENV "\"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\""

static void test_env(void **state)
{
	static const struct {
		const char *image;
		const char *given[4];
		bool terminal;
		const char *home, *hostname, *want;
	} cases[] = {
		{ "",
		  { NULL },
		  false,
		  NULL,
		  NULL,
		  "[" PATH_ENV ",\"HOSTNAME=uidfit\",\"HOME=/\"]" },
		{ "",
		  { NULL },
		  true,
		  "/root",
		  "h",
		  "[" PATH_ENV ",\"HOSTNAME=h\",\"HOME=/root\",\"TERM=xterm\"]" },
		{ ",\"Env\":[\"PATH=/p\",\"A=1\",\"B=\",\"A=2\"]",
		  { NULL },
		  false,
		  NULL,
		  NULL,
		  "[\"PATH=/p\",\"HOSTNAME=uidfit\",\"HOME=/\",\"A=2\",\"B=\"]" },
		{ ",\"Env\":[\"A=1\",\"HOME=/h\",\"TERM=vt\"]",
		  { "A=x=y", "C=3" },
		  true,
		  "/root",
		  NULL,
		  "[" PATH_ENV ",\"HOSTNAME=uidfit\",\"HOME=/h\",\"TERM=vt\",\"A=x=y\",\"C=3\"]" },
		{ ",\"Env\":[\"A=1\",\"A\"]",
		  { NULL },
		  false,
		  NULL,
		  NULL,
		  "[" PATH_ENV ",\"HOSTNAME=uidfit\",\"HOME=/\"]" },
		{ ",\"Env\":[\"UIDFIT_TEST_A=1\",\"UIDFIT_TEST_B=2\"]",
		  { "UIDFIT_TEST_A", "UIDFIT_TEST_B", "UIDFIT_TEST_C" },
		  false,
		  NULL,
		  NULL,
		  "[" PATH_ENV ",\"HOSTNAME=uidfit\",\"HOME=/\",\"UIDFIT_TEST_A=here\"]" },
		{ ",\"Env\":null",
		  { NULL },
		  false,
		  NULL,
		  NULL,
		  "[" PATH_ENV ",\"HOSTNAME=uidfit\",\"HOME=/\"]" },
	};

	setenv("UIDFIT_TEST_A", "here", 1);
	unsetenv("UIDFIT_TEST_B");
	unsetenv("UIDFIT_TEST_C");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bundle_options opts = { .env = cases[i].given,
					       .terminal = cases[i].terminal,
					       .home = cases[i].home,
					       .hostname = cases[i].hostname };
		char image[400];

		while (opts.env[opts.env_count])
			opts.env_count++;
		snprintf(image, sizeof(image), CONFIG("\"Cmd\":[\"c\"]%s"), cases[i].image);
		check(image, opts, "process/env", cases[i].want);
		check(image, opts, "process/terminal", opts.terminal ? "true" : "false");
	}
	setenv("UIDFIT_TEST_A", "\xff", 1);
	check_refused(CONFIG("\"Cmd\":[\"c\"]"),
		      (struct bundle_options){ .env = (const char *const[]){ "UIDFIT_TEST_A" },
					       .env_count = 1 },
		      ERR_USAGE, "not UTF-8");
	check_refused(
		CONFIG("\"Cmd\":[\"c\"]"),
		(struct bundle_options){ .env = (const char *const[]){ "=x" }, .env_count = 1 },
		ERR_USAGE, "without a name");
}

#define CAPS                                                                                       \
	"[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\",\"CAP_FOWNER\",\"CAP_FSETID\",\"CAP_KILL\","          \
	"\"CAP_MKNOD\",\"CAP_NET_BIND_SERVICE\",\"CAP_NET_RAW\",\"CAP_SETFCAP\",\"CAP_SETGID\","   \
	"\"CAP_SETPCAP\",\"CAP_SETUID\",\"CAP_SYS_CHROOT\",\"CAP_AUDIT_WRITE\"]"

static void test_user(void **state)
{
	int64_t groups[] = { 5, 70000 }, bad_groups[] = { 5, 4294967295 };
	struct exec_user app = { .uid = 1000, .gid = 50, .groups = groups, .group_count = 2 };
	struct exec_user number = { .uid = 1000, .gid = 0 };
	struct exec_user bad[] = {
		{ .uid = 4294967295, .gid = 0 },
		{ .uid = 0, .gid = -1 },
		{ .uid = 0, .gid = 0, .groups = bad_groups, .group_count = 2 },
	};
	struct exec_user none = { .uid = -1, .gid = -1, .error = "unable to find user" };
	const char *image = CONFIG("\"Cmd\":[\"c\"],\"User\":\"app\"");
	struct bundle_options opts = { .user = &app };

	check(image, opts, "process/user",
	      "{\"additionalGids\":[5,70000],\"gid\":50,\"uid\":1000}");
	check(image, opts, "process/capabilities",
	      "{\"ambient\":[],\"bounding\":" CAPS
	      ",\"effective\":[],\"inheritable\":[],\"permitted\":[]}");
	opts.user = &number;
	check(image, opts, "process/user", "{\"gid\":0,\"uid\":1000}");
	opts.user = &root_user;
	check(image, opts, "process/capabilities",
	      "{\"ambient\":[],\"bounding\":" CAPS ",\"effective\":" CAPS
	      ",\"inheritable\":[],\"permitted\":" CAPS "}");
	check(image, opts, "process/noNewPrivileges", "false");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		opts.user = &bad[i];
		check_refused(image, opts, ERR_BAD_INPUT, "is no id");
	}
	opts.user = &none;
	check_refused(image, opts, ERR_BUG, "without a user");
}

static void test_cwd(void **state)
{
	static const struct {
		const char *image, *given, *want;
		enum err_code code;
	} cases[] = {
		{ "", NULL, "\"/\"", 0 },
		{ ",\"WorkingDir\":\"\"", NULL, "\"/\"", 0 },
		{ ",\"WorkingDir\":\"/a b\"", NULL, "\"/a b\"", 0 },
		{ ",\"WorkingDir\":\"/a\"", "/w", "\"/w\"", 0 },
		{ ",\"WorkingDir\":\"a\"", NULL, "not absolute", ERR_BAD_INPUT },
		{ ",\"WorkingDir\":\"a\"", "/w", "\"/w\"", 0 },
		{ ",\"WorkingDir\":\"/a\"", "w", "not absolute", ERR_USAGE },
		{ ",\"WorkingDir\":\"/a\"", "", "not absolute", ERR_USAGE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bundle_options opts = { .cwd = cases[i].given };
		char image[200];

		snprintf(image, sizeof(image), CONFIG("\"Cmd\":[\"c\"]%s"), cases[i].image);
		if (cases[i].code)
			check_refused(image, opts, cases[i].code, cases[i].want);
		else
			check(image, opts, "process/cwd", cases[i].want);
	}
}

static void add(struct idmap_pair *pair, uint32_t container, uint32_t host, uint32_t count)
{
	struct idmap_extent e = { container, host, count };
	struct error err;

	pair->uid.has_host = pair->gid.has_host = true;
	assert_int_equal(idmap_add(&pair->uid, e, &err), 0);
	assert_int_equal(idmap_add(&pair->gid, e, &err), 0);
}

#define PTS "\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\""

static void test_maps(void **state)
{
	const char *image = CONFIG("\"Cmd\":[\"c\"]");
	struct idmap_pair wide = { 0 }, single = { 0 }, range = { 0 };
	struct bundle_options opts = { 0 };
	struct idmap_extent e = { 0, 0, 10 };
	struct error err;

	add(&wide, 0, 100000, 65536);
	add(&wide, 100000, 300000, 1);
	add(&single, 0, 1000, 1);
	check(image, opts, "linux/uidMappings", "absent");
	check(image, opts, "mounts/2/options", "[" PTS ",\"gid=5\"]");
	opts.map = &wide;
	check(image, opts, "linux/uidMappings",
	      "[{\"containerID\":0,\"hostID\":100000,\"size\":65536},"
	      "{\"containerID\":100000,\"hostID\":300000,\"size\":1}]");
	check(image, opts, "linux/gidMappings/1",
	      "{\"containerID\":100000,\"hostID\":300000,\"size\":1}");
	check(image, opts, "mounts/2/options", "[" PTS ",\"gid=5\"]");
	opts.inside = &single;
	check(image, opts, "mounts/2/options", "[" PTS "]");
	opts.map = NULL;
	check(image, opts, "linux/namespaces",
	      "[{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"mount\"},"
	      "{\"type\":\"network\"}]");
	assert_int_equal(idmap_add(&range.uid, e, &err), 0);
	opts.map = &range;
	check_refused(image, opts, ERR_BUG, "host side");
	idmap_pair_free(&wide);
	idmap_pair_free(&single);
	idmap_pair_free(&range);
}

static void test_namespaces(void **state)
{
	const char *image = CONFIG("\"Cmd\":[\"c\"]");
	struct bundle_options opts = {
		.cgroups = true, .host_network = true, .read_only = true, .rootfs = "/r"
	};
	struct idmap_pair map = { 0 };

	add(&map, 0, 100000, 65536);
	opts.map = &map;
	check(image, opts, "linux/namespaces",
	      "[{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"mount\"},"
	      "{\"type\":\"cgroup\"},{\"type\":\"user\"}]");
	check(image, opts, "root", "{\"path\":\"/r\",\"readonly\":true}");
	check(image, opts, "linux/sysctl", "{}");
	check(image, opts, "mounts/3",
	      "{\"destination\":\"/sys\",\"options\":[\"rbind\",\"nosuid\",\"noexec\",\"nodev\","
	      "\"ro\"],\"source\":\"/sys\",\"type\":\"bind\"}");
	check(image, opts, "mounts/4/destination", "\"/sys/fs/cgroup\"");
	check(image, opts, "linux/resources",
	      "{\"devices\":[{\"access\":\"rwm\",\"allow\":false}]}");
	opts.cgroups = false;
	check(image, opts, "mounts/3/type", "\"bind\"");
	check(image, opts, "mounts/4/type", "\"tmpfs\"");
	opts.map = NULL;
	check(image, opts, "mounts/3/type", "\"bind\"");
	opts.cgroups = true; /* root of the host */
	check(image, opts, "mounts/3/type", "\"sysfs\"");
	check(image, opts, "mounts/4/type", "\"cgroup\"");
	check(image, (struct bundle_options){ 0 }, "mounts/3/type", "\"sysfs\"");
	check(image, (struct bundle_options){ 0 }, "mounts/4/destination", "\"/dev/mqueue\"");
	check(image, (struct bundle_options){ 0 }, "mounts/6", "absent");
	check(image, (struct bundle_options){ 0 }, "linux/resources", "absent");
	check(image, (struct bundle_options){ 0 }, "root",
	      "{\"path\":\"rootfs\",\"readonly\":false}");
	check(image, (struct bundle_options){ 0 }, "linux/sysctl",
	      "{\"net.ipv4.ip_unprivileged_port_start\":\"0\"}");
	check(image, (struct bundle_options){ 0 }, "ociVersion", "\"1.0.2\"");
	check(image, (struct bundle_options){ 0 }, "linux/readonlyPaths/3", "\"/proc/sys\"");
	check(image, (struct bundle_options){ 0 }, "linux/maskedPaths/3", "\"/proc/kcore\"");
	idmap_pair_free(&map);
}

static void test_mounts(void **state)
{
	static const struct bundle_mount good[] = {
		{ "/s1", "/data/in//", true },
		{ "/s2", "/data", false },
		{ "/s3", "/./dev/shm", false },
	};
	static const struct {
		struct bundle_mount mounts[2];
		const char *words;
	} bad[] = {
		{ { { "s", "/t", false } }, "the source of '/t' is not absolute" },
		{ { { "/s", "t", false } }, "the target 't' is not absolute" },
		{ { { "/s", "", false } }, "is not absolute" },
		{ { { "/s", "/", false } }, "the root directory" },
		{ { { "/s", "/./.", false } }, "the root directory" },
		{ { { "/s", "/a/../b", false } }, "'..'" },
		{ { { "/s", "/..", false } }, "'..'" },
		{ { { "/s", "/\xff", false } }, "not UTF-8" },
		{ { { "/s", "/a/b", false }, { "/s", "/a//b/.", false } }, "twice" },
	};
	const char *image = CONFIG("\"Cmd\":[\"c\"]");
	struct bundle_options opts = { .mounts = good, .mount_count = ARRAY_SIZE(good) };

	check(image, opts, "mounts/4/destination", "\"/dev/mqueue\"");
	check(image, opts, "mounts/5",
	      "{\"destination\":\"/data\",\"options\":[\"rbind\",\"rw\",\"rprivate\"],"
	      "\"source\":\"/s2\",\"type\":\"bind\"}");
	check(image, opts, "mounts/6",
	      "{\"destination\":\"/data/in//\",\"options\":[\"rbind\",\"ro\",\"rprivate\"],"
	      "\"source\":\"/s1\",\"type\":\"bind\"}");
	check(image, opts, "mounts/7/destination", "\"/./dev/shm\"");
	check(image, opts, "mounts/8", "absent");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		opts.mounts = bad[i].mounts;
		opts.mount_count = bad[i].mounts[1].source ? 2 : 1;
		check_refused(image, opts, ERR_USAGE, bad[i].words);
	}
	/* A name that only begins alike. */
	opts.mounts = (const struct bundle_mount[]){ { "/s", "/dev/shm2", false },
						     { "/s", "/..a", false } };
	opts.mount_count = 2;
	check(image, opts, "mounts/5/destination", "\"/dev/shm\"");
}

static void test_annotations(void **state)
{
	const char *image =
		"{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\",\"author\":\"me\","
		"\"created\":\"2020-01-01T00:00:00Z\",\"os.version\":\"1\",\"os.features\":[\"a\","
		"\"b\"],\"config\":{\"Cmd\":[\"c\"],\"StopSignal\":\"SIGQUIT\",\"ExposedPorts\":{"
		"\"80/tcp\":{},\"53/udp\":{}},\"Volumes\":{\"/v\":{}},\"Labels\":{\"k\":\"v\","
		"\"org.opencontainers.image.author\":\"label\",\"run.oci.seccomp_bpf_data\":\"x\","
		"\"org.systemd.property.ExecStopPost\":\"x\",\"\":\"x\",\"bundle\":\"x\","
		"\"bundled\":\"y\",\"nul\":\"a\\u0000b\"}}}";
	struct bundle_options opts = { .notes = notes_new() };

	check(image, opts, "annotations",
	      "{\"bundled\":\"y\",\"k\":\"v\","
	      "\"org.opencontainers.image.architecture\":\"arm64\","
	      "\"org.opencontainers.image.author\":\"label\","
	      "\"org.opencontainers.image.created\":\"2020-01-01T00:00:00Z\","
	      "\"org.opencontainers.image.exposedPorts\":\"80/tcp,53/udp\","
	      "\"org.opencontainers.image.os\":\"linux\","
	      "\"org.opencontainers.image.os.features\":\"a,b\","
	      "\"org.opencontainers.image.os.version\":\"1\","
	      "\"org.opencontainers.image.stopSignal\":\"SIGQUIT\","
	      "\"org.opencontainers.image.variant\":\"v8\"}");
	assert_int_equal(notes_count(opts.notes), 5);
	assert_string_equal(notes_get(opts.notes, 0),
			    "label 'run.oci.seccomp_bpf_data' left out: a runtime would obey it");
	notes_free(opts.notes);
	check(CONFIG("\"Cmd\":[\"c\"],\"Labels\":null,\"ExposedPorts\":null"),
	      (struct bundle_options){ 0 }, "annotations",
	      "{\"org.opencontainers.image.architecture\":\"amd64\","
	      "\"org.opencontainers.image.os\":\"linux\"}");
}

/* The rule of a call, by its place among those with that name; "absent" past the last. */
static char *rule_of(json_t *json, const char *call, size_t which)
{
	json_t *rule, *name;
	size_t i, k;

	json_array_foreach(
		json_object_get(json_object_get(json_object_get(json, "linux"), "seccomp"),
				"syscalls"),
		i, rule)
	{
		json_array_foreach(json_object_get(rule, "names"), k, name)
		{
			if (strcmp(json_string_value(name), call) == 0 && which-- == 0) {
				json_t *copy = json_copy(rule);
				char *text;

				json_object_del(copy, "names");
				text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
				json_decref(copy);
				return text;
			}
		}
	}
	return strdup("absent");
}

static void test_seccomp(void **state)
{
	static const struct {
		const char *call;
		size_t which;
		const char *want;
	} cases[] = {
		{ "read", 0, "{\"action\":\"SCMP_ACT_ALLOW\"}" },
		{ "ptrace", 0, "{\"action\":\"SCMP_ACT_ALLOW\"}" },
		{ "chroot", 0, "{\"action\":\"SCMP_ACT_ALLOW\"}" },
		{ "clone3", 0, "{\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38}" },
		{ "socket", 0,
		  "{\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_LT\","
		  "\"value\":38}]}" },
		{ "socket", 2,
		  "{\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_GT\","
		  "\"value\":40}]}" },
		{ "socket", 3, "absent" },
		{ "personality", 4,
		  "{\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_EQ\","
		  "\"value\":4294967295}]}" },
		{ "mount", 0, "absent" },
		{ "unshare", 0, "absent" },
		{ "keyctl", 0, "absent" },
		{ "bpf", 0, "absent" },
		{ "io_uring_setup", 0, "absent" },
		{ "open_by_handle_at", 0, "absent" },
		{ "userfaultfd", 0, "absent" },
		{ "clone", 1, "absent" },
#if !defined(__s390x__)
		{ "clone", 0,
		  "{\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
		  "\"op\":\"SCMP_CMP_MASKED_EQ\",\"value\":2114060288,\"valueTwo\":0}]}" },
#endif
#if defined(__x86_64__)
		{ "arch_prctl", 0, "{\"action\":\"SCMP_ACT_ALLOW\"}" },
		{ "riscv_flush_icache", 0, "absent" },
#endif
	};
	struct error err = { 0 };
	json_t *json = NULL;

	assert_int_equal(make(&json, CONFIG("\"Cmd\":[\"c\"]"), (struct bundle_options){ 0 }, &err),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *have = rule_of(json, cases[i].call, cases[i].which);

		if (strcmp(have, cases[i].want) != 0)
			fail_msg("%s: %s, not %s", cases[i].call, have, cases[i].want);
		free(have);
	}
	assert_at(json, "linux/seccomp/defaultAction", "\"SCMP_ACT_ERRNO\"");
	assert_at(json, "linux/seccomp/defaultErrnoRet", "1");
#if defined(__x86_64__)
	assert_at(json, "linux/seccomp/architectures",
		  "[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]");
#endif
	json_decref(json);
}

static void test_hostile(void **state)
{
	static const struct {
		const char *image, *words;
	} cases[] = {
		{ "\"Cmd\":7", "'Cmd'" },
		{ "\"Cmd\":{}", "'Cmd'" },
		{ "\"Cmd\":[7]", "not a string" },
		{ "\"Cmd\":[null]", "not a string" },
		{ "\"Cmd\":[[\"a\"]]", "not a string" },
		{ "\"Cmd\":[\"a\\u0000b\"]", "NUL" },
		{ "\"Cmd\":\"a\\u0000b\"", "NUL" },
		{ "\"Entrypoint\":true,\"Cmd\":[\"c\"]", "'Entrypoint'" },
		{ "\"Cmd\":[\"c\"],\"cmd\":[\"d\"]", "two keys" },
		{ "\"Cmd\":[\"c\"],\"Env\":{}", "'Env'" },
		{ "\"Cmd\":[\"c\"],\"Env\":[7]", "'Env'" },
		{ "\"Cmd\":[\"c\"],\"Env\":[\"A=\\u0000\"]", "NUL" },
		{ "\"Cmd\":[\"c\"],\"Env\":[\"=x\"]", "without a name" },
		{ "\"Cmd\":[\"c\"],\"Env\":[\"\"]", "without a name" },
		{ "\"Cmd\":[\"c\"],\"WorkingDir\":[]", "'WorkingDir'" },
		{ "\"Cmd\":[\"c\"],\"WorkingDir\":\"/\\u0000\"", "NUL" },
		{ "\"Cmd\":[\"c\"],\"Labels\":[]", "'Labels'" },
		{ "\"Cmd\":[\"c\"],\"Labels\":{\"a\\u001b\":7}", "label 'a\\x1b'" },
		{ "\"Cmd\":[\"c\"],\"StopSignal\":9", "'StopSignal'" },
		{ "\"Cmd\":[\"c\"],\"ExposedPorts\":[\"80\"]", "'ExposedPorts'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char image[400];

		snprintf(image, sizeof(image), CONFIG("%s"), cases[i].image);
		check_refused(image, (struct bundle_options){ 0 }, ERR_BAD_INPUT, cases[i].words);
	}
	check_refused("{\"config\":[]}", (struct bundle_options){ 0 }, ERR_BAD_INPUT, "'config'");
	check_refused("{\"config\":{\"Cmd\":[\"c\"]},\"os.features\":[7]}",
		      (struct bundle_options){ 0 }, ERR_BAD_INPUT, "not a string");
}

/* 100,000 names are a table's work, not a square's; more values than a document may have are
 * refused before. */
static void test_many(void **state)
{
	struct bundle_options opts = { .user = &root_user };
	struct error err = { 0 };
	json_t *json = NULL;

	for (size_t n = 100000; n <= 400000; n += 300000) {
		struct buf image = { 0 };

		assert_int_equal(buf_append_str(&image, "{\"config\":{\"Cmd\":[\"c\"],\"Env\":["),
				 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(
				buf_printf(&image, "%s\"V%zu=%zu\"", i ? "," : "", i / 2, i), 0);
		assert_int_equal(buf_append_str(&image, "]}}"), 0);
		if (n == 100000) {
			assert_int_equal(make(&json, buf_str(&image), opts, &err), 0);
			assert_at(json, "process/env/3", "\"V0=1\"");
			assert_at(json, "process/env/50002", "\"V49999=99999\"");
			assert_at(json, "process/env/50003", "absent");
			json_decref(json);
		} else {
			assert_int_equal(make(&json, buf_str(&image), opts, &err), -ERR_LIMIT);
		}
		buf_free(&image);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_args),	    cmocka_unit_test(test_program),
		cmocka_unit_test(test_env),	    cmocka_unit_test(test_user),
		cmocka_unit_test(test_cwd),	    cmocka_unit_test(test_maps),
		cmocka_unit_test(test_namespaces),  cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_annotations), cmocka_unit_test(test_seccomp),
		cmocka_unit_test(test_hostile),	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
