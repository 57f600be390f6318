/* YAML as trees, and workloads out of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "idmap/notation.h"
#include "kubernetes/workload.h"

static const struct {
	const char *name, *text;
	enum err_code code; /* 0: it is read */
	const char *says;
	size_t documents;
} texts[] = {
	{ "nothing", "", 0, NULL, 0 },
	{ "comments", "# a\n---\n# b\n---\n", 0, NULL, 0 },
	{ "two", "a: 1\n---\nb: 2\n", 0, NULL, 2 },
	{ "JSON", "{\"a\": [1, {\"b\": null}]}", 0, NULL, 1 },
	{ "a key twice", "a: 1\nb: 2\na: 3\n", ERR_BAD_INPUT, "x line 3: the key a stands twice", 0 },
	{ "a key twice, quoted", "a: 1\n\"a\": 3\n", ERR_BAD_INPUT, "twice", 0 },
	{ "the same key in two maps", "a: {k: 1}\nb: {k: 1}\n", 0, NULL, 1 },
	{ "a bracket", "a: [1\nb: 2", ERR_BAD_INPUT, "x line 2", 0 },
	{ "a tab", "a:\n\t- b\n", ERR_BAD_INPUT, "x line 2", 0 },
	{ "no UTF-8", "a: \xff\n", ERR_BAD_INPUT, "x line 1", 0 },
	{ "a NUL", "a: \"b\\0c\"\n", ERR_BAD_INPUT, "NUL", 0 },
	{ "a map as a key", "? {a: 1}\n: b\n", ERR_BAD_INPUT, "key", 0 },
	{ "an alias", "a: &x {b: 1}\nc: *x\n", 0, NULL, 1 },
	{ "an alias to nothing", "a: *x\n", ERR_BAD_INPUT, "no anchor", 0 },
	{ "an alias of the document before", "a: &x 1\n---\nb: *x\n", ERR_BAD_INPUT, "no anchor", 0 },
	{ "an alias in itself", "a: &x [*x]\n", ERR_BAD_INPUT, "inside its own", 0 },
	{ "laughs", "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
		    "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
	  ERR_LIMIT, "yaml-values", 0 },
	{ "a merge of no map", "a: {<<: 1}\n", ERR_BAD_INPUT, "<<", 0 },
};

static void test_texts(void **state _unused_)
{
	const struct limits limits = limits_default();

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct kube_documents d;
		struct error err = { 0 };
		int r = kube_parse(&d, texts[i].text, strlen(texts[i].text), "x", &limits, &err);

		if (r != -(int)texts[i].code || (texts[i].says && !strstr(err.msg, texts[i].says)) || d.count != texts[i].documents)
			fail_msg("%s: %d, %zu documents, %s", texts[i].name, r, d.count, err.msg);
		kube_documents_free(&d);
	}
}

static void test_depth(void **state _unused_)
{
	struct limits limits = limits_default();
	struct kube_documents d;
	struct error err = { 0 };
	char text[400];

	memset(text, '[', 100);
	memset(text + 100, ']', 100);
	assert_int_equal(kube_parse(&d, text, 200, "x", &limits, &err), -ERR_LIMIT);
	assert_non_null(strstr(err.msg, "yaml-depth"));
	limits.v[LIMIT_YAML_DEPTH] = 100;
	assert_int_equal(kube_parse(&d, text, 200, "x", &limits, &err), 0);
	kube_documents_free(&d);
	limits.v[LIMIT_YAML_SIZE] = 199;
	assert_int_equal(kube_parse(&d, text, 200, "x", &limits, &err), -ERR_LIMIT);
}

static const struct {
	const char *text;
	bool is_int, is_bool, is_null;
	int64_t value;
	bool truth;
} scalars[] = {
	{ "7", .is_int = true, .value = 7 },
	{ "-1", .is_int = true, .value = -1 },
	{ "1_000", .is_int = true, .value = 1000 },
	{ "0x10", .is_int = true, .value = 16 },
	{ "010", .is_int = true, .value = 8 },
	{ "0o10", .is_int = true, .value = 8 },
	{ "0", .is_int = true },
	{ "08" }, { "1.5" }, { "1e3" }, { "abc" }, { "99999999999999999999" }, { "'7'" }, { "\"true\"" }, { "!!str 7" }, { "[7]" },
	{ "true", .is_bool = true, .truth = true }, { "No", .is_bool = true }, { "on", .is_bool = true, .truth = true },
	{ "~", .is_null = true }, { "null", .is_null = true }, { "", .is_null = true },
};

static void test_scalars(void **state _unused_)
{
	const struct limits limits = limits_default();

	for (size_t i = 0; i < ARRAY_SIZE(scalars); i++) {
		struct kube_documents d;
		struct error err = { 0 };
		char text[100];
		int64_t v = 0;
		bool b = false;
		int n = snprintf(text, sizeof(text), "k: %s\n", scalars[i].text), want_int, want_bool;

		want_int = scalars[i].is_null ? 0 : scalars[i].is_int ? 1 : -ERR_BAD_INPUT;
		want_bool = scalars[i].is_null ? 0 : scalars[i].is_bool ? 1 : -ERR_BAD_INPUT;
		assert_int_equal(kube_parse(&d, text, (size_t)n, "x", &limits, &err), 0);
		if (kube_int(d.list[0], "k", &v, "x", &err) != want_int || v != scalars[i].value ||
		    kube_bool(d.list[0], "k", &b, "x", &err) != want_bool || b != scalars[i].truth)
			fail_msg("%s", scalars[i].text);
		kube_documents_free(&d);
	}
}

static void test_merge(void **state _unused_)
{
	static const char text[] = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 9}\n";
	const struct limits limits = limits_default();
	struct kube_documents d;
	struct error err = { 0 };
	const struct kube_value *z;

	assert_int_equal(kube_parse(&d, text, sizeof(text) - 1, "x", &limits, &err), 0);
	z = kube_get(d.list[0], "z");
	assert_string_equal(kube_text(z, "a"), "9");
	assert_string_equal(kube_text(z, "b"), "2");
	assert_string_equal(kube_text(z, "c"), "4");
	kube_documents_free(&d);
}

#define POD  "kind: Pod\nmetadata: {name: p}\nspec:\n"
#define CON  "  containers:\n  - name: c\n    image: i\n"
#define NONE ((enum kube_trouble)-1)

/* The pod's first problem and its first container's. */
static const struct {
	const char *name, *text;
	enum kube_trouble pod, container;
} pods[] = {
	{ "plain", POD CON, NONE, NONE },
	{ "hostNetwork", POD "  hostNetwork: true\n" CON, KUBE_HOST_NETWORK, NONE },
	{ "hostNetwork: false", POD "  hostNetwork: false\n" CON, NONE, NONE },
	{ "hostPID", POD "  hostPID: yes\n" CON, KUBE_HOST_PID, NONE },
	{ "hostIPC", POD "  hostIPC: true\n" CON, KUBE_HOST_IPC, NONE },
	{ "nfs", POD "  volumes: [{name: v, nfs: {server: s, path: /}}]\n" CON, KUBE_VOLUME_NO_IDMAP, NONE },
	{ "claim", POD "  volumes: [{name: v, persistentVolumeClaim: {claimName: x}}]\n" CON, KUBE_VOLUME_DEPENDS, NONE },
	{ "host path", POD "  volumes: [{name: v, hostPath: {path: /}}]\n" CON, KUBE_HOST_PATH, NONE },
	{ "emptyDir", POD "  volumes: [{name: v, emptyDir: {}}]\n" CON, NONE, NONE },
	{ "windows", POD "  os: {name: windows}\n" CON, KUBE_WINDOWS, NONE },
	{ "device", POD CON "    volumeDevices: [{name: v, devicePath: /dev/x}]\n", NONE, KUBE_VOLUME_DEVICES },
	{ "no device", POD CON "    volumeDevices: []\n", NONE, NONE },
	{ "fsGroup", POD "  securityContext: {fsGroup: 65536}\n" CON, KUBE_ID_OUTSIDE, NONE },
	{ "fsGroup inside", POD "  securityContext: {fsGroup: 65535}\n" CON, NONE, NONE },
	{ "groups", POD "  securityContext: {supplementalGroups: [1, 70000]}\n" CON, KUBE_ID_OUTSIDE, NONE },
	{ "user of the pod", POD "  securityContext: {runAsUser: 70000}\n" CON, NONE, KUBE_ID_OUTSIDE },
	{ "user of the container", POD "  securityContext: {runAsUser: 70000}\n" CON "    securityContext: {runAsUser: 5}\n", NONE, NONE },
	{ "group of the container", POD CON "    securityContext: {runAsGroup: 70000}\n", NONE, KUBE_ID_OUTSIDE },
	{ "below 0", POD CON "    securityContext: {runAsUser: -1}\n", NONE, KUBE_ID_INVALID },
	{ "2^31", POD CON "    securityContext: {runAsUser: 2147483648}\n", NONE, KUBE_ID_INVALID },
	{ "root for non-root", POD "  securityContext: {runAsNonRoot: true}\n" CON "    securityContext: {runAsUser: 0}\n", NONE, KUBE_NON_ROOT_IS_ROOT },
	{ "allowed", POD "  securityContext: {runAsNonRoot: true}\n" CON "    securityContext: {runAsUser: 0, runAsNonRoot: false}\n", NONE, NONE },
	{ "privileged", POD CON "    securityContext: {privileged: true}\n", NONE, KUBE_PRIVILEGED },
	{ "capability", POD CON "    securityContext: {capabilities: {add: [CAP_SYS_TIME]}}\n", NONE, KUBE_CAPABILITY },
	{ "harmless capability", POD CON "    securityContext: {capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}}\n", NONE, NONE },
};

static int read_text(struct kube_file *f, const char *text, struct error *err)
{
	const struct limits limits = limits_default();
	struct idmap_pair map = { 0 };
	int r;

	assert_int_equal(idmap_parse(&map, "0-65535", IDMAP_BOTH, err), 0);
	r = kube_read(f, text, strlen(text), "x", &map, &limits, err);
	idmap_pair_free(&map);
	return r;
}

static enum kube_trouble first(const struct kube_problems *p)
{
	return p->count ? p->list[0].trouble : NONE;
}

static void test_pods(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++) {
		struct kube_file f;
		struct error err = { 0 };
		int r = read_text(&f, pods[i].text, &err);

		if (r < 0 || f.count != 1 || f.workloads[0].container_count != 1)
			fail_msg("%s: %s", pods[i].name, err.msg);
		if (first(&f.workloads[0].problems) != pods[i].pod || first(&f.workloads[0].containers[0].problems) != pods[i].container)
			fail_msg("%s: pod %d, container %d", pods[i].name, first(&f.workloads[0].problems),
				 first(&f.workloads[0].containers[0].problems));
		kube_file_free(&f);
	}
}

static const struct {
	const char *name, *text;
	enum err_code code;
	size_t workloads, containers; /* of the first */
	uint64_t others;
} objects[] = {
	{ "Deployment", "kind: Deployment\nspec: {template: {spec: {containers: [{image: a}], initContainers: [{image: b}]}}}\n", 0, 1, 2, 0 },
	{ "CronJob", "kind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{image: a}]}}}}}\n", 0, 1, 1, 0 },
	{ "a list", "kind: List\nitems:\n- {kind: Pod, spec: {containers: [{image: a}]}}\n- {kind: Service}\n", 0, 1, 1, 1 },
	{ "a list of pods", "kind: PodList\nitems:\n- spec: {containers: [{image: a}], ephemeralContainers: [{image: b}]}\n", 0, 1, 2, 0 },
	{ "others", "kind: Service\n---\nkind: ConfigMap\n", 0, 0, 0, 2 },
	{ "no spec", "kind: Pod\n", ERR_BAD_INPUT, 0, 0, 0 },
	{ "a list as a spec", "kind: Pod\nspec: []\n", ERR_BAD_INPUT, 0, 0, 0 },
	{ "containers as a map", "kind: Pod\nspec: {containers: {a: b}}\n", ERR_BAD_INPUT, 0, 0, 0 },
	{ "a container as text", "kind: Pod\nspec: {containers: [a]}\n", ERR_BAD_INPUT, 0, 0, 0 },
	{ "a text for a bool", "kind: Pod\nspec: {hostUsers: \"false\", containers: []}\n", ERR_BAD_INPUT, 0, 0, 0 },
	{ "a text for a number", "kind: Pod\nspec: {securityContext: {fsGroup: \"1\"}}\n", ERR_BAD_INPUT, 0, 0, 0 },
	{ "a text", "hello\n", ERR_BAD_INPUT, 0, 0, 0 },
};

static void test_objects(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		struct kube_file f;
		struct error err = { 0 };
		int r = read_text(&f, objects[i].text, &err);

		if (r != -(int)objects[i].code || f.count != objects[i].workloads || f.others != objects[i].others ||
		    (f.count && f.workloads[0].container_count != objects[i].containers))
			fail_msg("%s: %d, %zu workloads, %s", objects[i].name, r, f.count, err.msg);
		kube_file_free(&f);
	}
}

static void test_host_users(void **state _unused_)
{
	struct kube_file f;
	struct error err = { 0 };

	assert_int_equal(read_text(&f, POD "  hostUsers: false\n" CON "---\n" POD CON, &err), 0);
	assert_true(f.workloads[0].has_host_users);
	assert_false(f.workloads[0].host_users);
	assert_false(f.workloads[1].has_host_users);
	assert_int_equal(f.workloads[0].line, 1);
	kube_file_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),	cmocka_unit_test(test_depth),	cmocka_unit_test(test_scalars), cmocka_unit_test(test_merge),
		cmocka_unit_test(test_pods), cmocka_unit_test(test_objects), cmocka_unit_test(test_host_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
