/* Texts as people paste them: what is read from each. */
#include "ask.h"

#include <stdio.h>

#define X  "failed to register layer: Error processing tar file(exit status 1): "
#define C  "Container ID 1000000 cannot be mapped to a host ID"
#define D  "sha256:17c4a3a6d1f0e7c6cf9b9ad0d04d5a0e1f2b3c4d5e6f708192a3b4c5d6e7f809"
#define NO INT64_MIN

/* Members that are left out are not looked at, but for ids: id is NO where none is to be known. */
struct said {
	const char *text, *family, *engine, *versions;
	enum explain_cause cause;
	enum explain_blame blame;
	int64_t id, uid, gid;
	const char *path, *digest;
	enum explain_kind kind;
};

static const struct said said[] = {
	{ X C, "M1", "docker", "1.12 to 23.0", CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1000000, NO, NO },
	{ "failed to register layer: " C, "M1", "docker", "24.0 to 28.0", CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1000000, NO, NO },
	{ "failed to register layer: container ID 1000000 cannot be mapped to a host ID", "M1-lower", "docker", "28.1 and later",
	  CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1000000, NO, NO },
	{ "failed to register layer: ApplyLayer exit status 1 stdout:  stderr: Container ID 321851968 cannot be mapped to a host ID",
	  "M1", "docker", "1.10 to 23.0", CAUSE_IMAGE_OWNER, BLAME_IMAGE, 321851968, NO, NO },
	{ "Untar re-exec error: exit status 1: output: " C, "M1", "docker", "1.9 to 1.11", CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1000000, NO, NO },
	/* All in one case, as some quote it: the wrapper still tells the versions. */
	{ "failed to register layer: error processing tar file(exit status 1): container id 1000000 cannot be mapped to a host id",
	  "M1-any", "docker", "1.12 to 23.0", CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1000000, NO, NO },
	{ "FAILED TO REGISTER LAYER: ERROR PROCESSING TAR FILE(EXIT STATUS 1): CONTAINER ID -5 CANNOT BE MAPPED TO A HOST ID", "M1-any",
	  "docker", NULL, CAUSE_IMAGE_OWNER, BLAME_IMAGE, -5, NO, NO },
	{ "ERROR - DockerApiException: Docker API responded with status code=InternalServerError, response={\"message\":\"" X
	  "Container ID 1210765499 cannot be mapped to a host ID[Err: 0, Message: x\"}",
	  "M1", "docker", NULL, CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1210765499, NO, NO },
	{ X "lchown /etc/gshadow: invalid argument", "M8", "docker-userns", NULL, CAUSE_MAP_TOO_SMALL, BLAME_HOST, NO, NO, NO, "/etc/gshadow" },
	{ X "lchown /usr/x: invalid argument", "M8", "docker-userns", "1.12 to 20.10", CAUSE_IMAGE_OWNER, BLAME_IMAGE, NO, NO, NO, "/usr/x" },
	{ "mount callback failed on /tmp/m2: lchown /tmp/m2/usr/x: invalid argument", "M8", "containerd", "", CAUSE_IMAGE_OWNER, BLAME_IMAGE, NO,
	  NO, NO, "/tmp/m2/usr/x" },
	{ "failed to register layer: failed to Lchown \"/a b\" for UID 2000000, GID 5 (try increasing the number of subordinate IDs in "
	  "/etc/subuid and /etc/subgid): lchown /a b: invalid argument",
	  "M9", "docker-userns", "24.0 and later", CAUSE_IMAGE_OWNER, BLAME_IMAGE, NO, 2000000, 5, "/a b" },
	{ "Error: unable to copy from source docker://x: copying system image from manifest list: writing blob: adding layer with blob \"" D
	  "\"/\"\"/\"" D "\": unpacking failed (error: exit status 1; output: potentially insufficient UIDs or GIDs available in user "
	  "namespace (requested 0:42 for /etc/shadow): Check /etc/subuid and /etc/subgid if configured locally and run \"podman system "
	  "migrate\": lchown /etc/shadow: invalid argument)",
	  "S4", "podman", "5.2 and later", CAUSE_SINGLE_ID_MAP, BLAME_HOST, NO, 0, 42, "/etc/shadow", D },
	{ "Error: writing blob: adding layer with blob \"" D "\": processing tar file(potentially insufficient UIDs or GIDs available in "
	  "user namespace (requested 70000:5 for /a): Check /etc/subuid and /etc/subgid if configured locally and run "
	  "podman-system-migrate: lchown /a: invalid argument): exit status 1",
	  "S3", "podman", "4.2 to 4.4", CAUSE_IMAGE_OWNER, BLAME_IMAGE, NO, 70000, 5, "/a", D },
	{ "processing tar file(container ID 42 cannot be mapped to a host ID): exit status 1", "M1-lower", "podman", "4.2 to 5.1",
	  CAUSE_MAP_TOO_SMALL, BLAME_COMMAND, 42, NO, NO },
	{ "error creating an ID-mapped copy of layer \"ab\": error during chown: error mapping container ID pair idtools.IDPair{UID:994, "
	  "GID:991} for \"/run/x\" to host: Container ID 994 cannot be mapped to a host ID",
	  "S14", "podman", NULL, CAUSE_MAP_TOO_SMALL, BLAME_COMMAND, NO, 994, 991, "/run/x" },
	{ "create runtime bundle: unpack rootfs: unpack layer: unpack entry: usr/bin/x: apply hdr metadata: unmap header: map gid to host: "
	  "container id 70000 cannot be mapped to a host id",
	  "M1u", "umoci", NULL, CAUSE_IMAGE_OWNER, BLAME_IMAGE, 70000, NO, NO, "usr/bin/x", NULL, EXPLAIN_GID },
	/* The classic builder maps twice. */
	{ "failed to copy files: failed to copy file: Container ID 100099 cannot be mapped to a host ID", "M21", "docker-builder", NULL,
	  CAUSE_DOUBLE_MAPPING, BLAME_ENGINE, 100099, NO, NO },
	{ "Step 4/5 : COPY --from=0 /a /b\nContainer ID 166037 cannot be mapped to a host ID", "M1", NULL, NULL, CAUSE_DOUBLE_MAPPING,
	  BLAME_ENGINE, 166037, NO, NO },
	{ "Step 4/5 : COPY --from=0 /a /b\n" C, "M1", NULL, NULL, CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1000000, NO, NO },
	{ "Step 4/5 : COPY --from=0 /a /b\nContainer ID 70000 cannot be mapped to a host ID", "M1", NULL, NULL, CAUSE_IMAGE_OWNER,
	  BLAME_IMAGE, 70000, NO, NO },
	{ "Step 4/6 : COPY --from=0 a b\nStep 5/6 : RUN x\nContainer ID 166037 cannot be mapped to a host ID", "M1", NULL, NULL, CAUSE_IMAGE_OWNER, BLAME_IMAGE, 166037, NO, NO },
	{ "unable to convert uid/gid to host mapping: Container ID 1000000 cannot be mapped to a host ID", "M20", "docker-builder", NULL,
	  CAUSE_IMAGE_OWNER, BLAME_BUILD, 1000000, NO, NO },
	/* containerd: a multiple of 65536 is a pod's base. */
	{ "Warning  Failed  failed to create containerd container: mount callback failed on /tmp/containerd-mount33: container ID 6553600 "
	  "cannot be mapped to a host ID",
	  "M1-lower", "containerd", "2.0 and later", CAUSE_NO_IDMAPPED_MOUNTS, BLAME_HOST, 6553600, NO, NO },
	{ "mount callback failed on /x: container ID 498008064 cannot be mapped to a host ID", "M1-lower", "containerd", NULL,
	  CAUSE_NO_IDMAPPED_MOUNTS, BLAME_HOST, 498008064, NO, NO },
	{ "mount callback failed on /x: container ID 1516583083 cannot be mapped to a host ID", "M1-lower", "containerd", NULL,
	  CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1516583083, NO, NO },
	{ X "Container ID 131072 cannot be mapped to a host ID", "M1", "docker", NULL, CAUSE_IMAGE_OWNER, BLAME_IMAGE, 131072, NO, NO },
	{ X "Container ID 231072 cannot be mapped to a host ID", "M1", "docker", NULL, CAUSE_HOST_ID_LEAKED, BLAME_IMAGE, 231072, NO, NO },
	{ X "Container ID 100000 cannot be mapped to a host ID", "M1", "docker", NULL, CAUSE_HOST_ID_LEAKED, BLAME_IMAGE, 100000, NO, NO },
	{ X "Container ID 65536 cannot be mapped to a host ID", "M1", "docker", NULL, CAUSE_IMAGE_OWNER, BLAME_IMAGE, 65536, NO, NO },
	{ X "Container ID 42 cannot be mapped to a host ID", "M1", "docker", NULL, CAUSE_MAP_TOO_SMALL, BLAME_HOST, 42, NO, NO },
	{ "potentially insufficient UIDs or GIDs available in user namespace (requested 0:65534 for /x)", "S2-cut", "podman", NULL,
	  CAUSE_MAP_TOO_SMALL, BLAME_HOST, NO, 0, 65534 },
	{ "potentially insufficient UIDs or GIDs available in user namespace (requested 4204350:4204350 for /Dockerfile)", "S2-cut", "podman",
	  NULL, CAUSE_BUILD_CONTEXT_OWNER, BLAME_BUILD, NO, 4204350, 4204350, "/Dockerfile" },
	{ "docker: Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to start "
	  "container process: unable to setup user: cannot set uid to unmapped user in user namespace: unknown.",
	  "R1", "docker", "runc 1.0 to 1.1", CAUSE_PROCESS_USER, BLAME_IMAGE, NO, NO, NO, NULL, NULL, EXPLAIN_UID },
	{ "unable to setup user: cannot setgid to unmapped gid 70000 in user namespace", "R2", "runc", "1.2 and later", CAUSE_PROCESS_USER,
	  BLAME_IMAGE, 70000, NO, NO, NULL, NULL, EXPLAIN_GID },
	{ "Error: crun: setgroups: Invalid argument: OCI runtime error", "C2", "crun", NULL, CAUSE_SUPPLEMENTARY_GROUP, BLAME_IMAGE, NO, NO, NO },
	{ "the container needs a user namespace with size '\\U000f4241' that is bigger than the maximum value allowed with userns=auto '\360\220\200\200'",
	  "S12b", "podman", NULL, CAUSE_AUTO_SIZE, BLAME_IMAGE, 1000000, NO, NO },
	{ "the container needs a user namespace with size '\360\220\200\201' that is bigger than the maximum value allowed with userns=auto '\360\220\200\200'",
	  "S12b", "podman", NULL, CAUSE_AUTO_SIZE, BLAME_IMAGE, 65536, NO, NO },
	/* A size above the last character is shown as none. */
	{ "the container needs a user namespace with size '\357\277\275' that is bigger than the maximum value allowed with userns=auto '\360\220\200\200'",
	  "S12b", "podman", NULL, CAUSE_AUTO_SIZE, BLAME_IMAGE, NO, NO, NO },
	/* An ordinary id that a process asks for says nothing of one id alone. */
	{ "container uses ID mappings ([]x{}), but doesn't map GID 1000", "P8", "podman", NULL, CAUSE_PROCESS_USER, BLAME_IMAGE, 1000, NO, NO,
	  NULL, NULL, EXPLAIN_GID },
	{ "[rootlesskit:parent] error: failed to setup UID/GID map: newuidmap 57 [0 1000 1 1 100000 65536] failed: newuidmap: write to "
	  "uid_map failed: Operation not permitted\n: exit status 1",
	  "N2", "shadow", NULL, CAUSE_SETUID_HELPER, BLAME_HOST, NO, NO, NO, NULL, NULL, EXPLAIN_UID },
	{ "newgidmap: gid range [1-65537) -> [165536-231072) not allowed", "N1", "shadow", NULL, CAUSE_SUBID_MISMATCH, BLAME_HOST, NO, NO, NO,
	  NULL, NULL, EXPLAIN_GID },
	{ "tar: package/index.js: Cannot change ownership to uid 205001, gid 89939: Invalid argument", "TAR1", "tar", NULL, CAUSE_ARCHIVE_OWNER,
	  BLAME_BUILD, NO, 205001, 89939, "package/index.js" },
	{ "npm WARN tar TAR_ENTRY_ERROR EINVAL: invalid argument, fchown", "NPM1", "npm", NULL, CAUSE_ARCHIVE_OWNER, BLAME_BUILD, NO, NO, NO },
	{ "write /var/log/lastlog: no space left on device", "LL1", NULL, NULL, CAUSE_SPARSE_LOG, BLAME_IMAGE, NO, NO, NO, "/var/log/lastlog" },
	{ "user id '1234567890' is too big ( > 2097151 )", "W1", "java", NULL, CAUSE_WRITER_LIMIT, BLAME_BUILD, 1234567890, NO, NO, NULL, NULL,
	  EXPLAIN_UID },

	/* As terminals, loggers and JSON write it. */
	{ "\033[31m" X "\033[0m\033[1m" C "\033[0m", "M1", "docker", "1.12 to 23.0", CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1000000, NO, NO },
	{ "2026-11-23T06:14:23.1234567Z app-1  | " X C "\r\n", "M1", "docker", "1.12 to 23.0", CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1000000, NO, NO },
	{ "{\"log\":\"failed to Lchown \\\"/a\\\" for UID 2000000, GID 5 (try increasing the number\\n\",\"stream\":\"stderr\"}", "M9",
	  "docker-userns", NULL, CAUSE_IMAGE_OWNER, BLAME_IMAGE, NO, 2000000, 5, "/a" },
	{ "msg=\"failed to Lchown \\\\\\\"/a\\\\\\\" for UID 2000000, GID 5 (try increasing\"", "M9", "docker-userns", NULL,
	  CAUSE_IMAGE_OWNER, BLAME_IMAGE, NO, 2000000, 5, "/a" },
	{ "{\"error\":\"snapshotter \\u0022overlayfs\\u0022 doesn\\u0027t support idmap mounts on this host\"}", "T3", "containerd", NULL,
	  CAUSE_NO_IDMAPPED_MOUNTS, BLAME_HOST, NO, NO, NO },
	{ "a2abf6c4d29d: Extracting  32B/32B\ra2abf6c4d29d: Extracting  32B/32B\r\r\n" X C, "M1", "docker", "1.12 to 23.0", CAUSE_IMAGE_OWNER,
	  BLAME_IMAGE, 1000000, NO, NO },
	/* Broken by a terminal of 80, of 60, in words, and by one that wraps at blanks; with what stands before and behind. */
	{ "Digest: sha256:1\nfailed to register layer: Error processing tar file(exit status 1): Container ID\n 1000000 cannot be mapped to a host ID\n$ ",
	  "M1", "docker", "1.12 to 23.0", CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1000000, NO, NO },
	{ "failed to register layer: Error processing tar file(exit st\natus 1): Container ID 1000000 cannot be mapped to a host ID\nnext",
	  "M1", "docker", "1.12 to 23.0", CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1000000, NO, NO },
	{ "failed to register layer: Error processing tar file(exit status\n1): Container ID 1000000 cannot be mapped to a host ID", "M1",
	  "docker", "1.12 to 23.0", CAUSE_IMAGE_OWNER, BLAME_IMAGE, 1000000, NO, NO },
	{ "Error: writing blob: adding layer with b\nlob \"" "sha256:17c4a3a6d1f0e7c6cf9b9ad0d04d\n5a0e1f2b3c4d5e6f708192a3b4c5d6e7f809\": p\n"
	  "rocessing tar file(potentially insufficien\nt UIDs or GIDs available in user namespac\n",
	  NULL, NULL, NULL, 0, 0, NO, NO, NO },
	{ "Error: writing blob: adding layer with blob \"sha256:17c4a3a6d1f0e7c6cf9b9ad0d04d\n"
	  "5a0e1f2b3c4d5e6f708192a3b4c5d6e7f809\": processing tar file(potentially insuffici\n"
	  "ent UIDs or GIDs available in user namespace (requested 70000:5 for /a/node_modu\n"
	  "les/x): Check /etc/subuid and /etc/subgid if configured locally and run podman-s\n"
	  "ystem-migrate: lchown /a/node_modules/x: invalid argument): exit status 1\n",
	  "S3", "podman", "4.2 to 4.4", CAUSE_IMAGE_OWNER, BLAME_IMAGE, NO, 70000, 5, "/a/node_modules/x", D },
};

static bool same(const char *want, const char *got)
{
	return !want || (got && strcmp(want, got) == 0);
}

static bool ids_agree(const struct said *s, const struct explain_match *m)
{
	return (s->id == NO ? !m->has_id : m->has_id && m->id == s->id) &&
	       (s->uid == NO ? !m->has_uid : m->has_uid && m->uid == s->uid) &&
	       (s->gid == NO ? !m->has_gid : m->has_gid && m->gid == s->gid) &&
	       (!s->kind || s->kind == m->kind);
}

static bool agrees(const struct said *s, const struct explain *x)
{
	const struct explain_match *m = x->matches;

	if (!s->family)
		return !x->match_count;
	return x->match_count == 1 && same(s->family, m->message->name) && same(s->engine, ask_engine(m)) &&
	       same(s->versions, m->versions) && m->cause == s->cause && m->blame == s->blame && ids_agree(s, m) &&
	       same(s->path, m->path) && same(s->digest, m->digest);
}

static void complain(size_t i, const char *how, const struct explain *x)
{
	const struct explain_match *m = x->matches;

	print_error("row %zu, %s: %.90s: %zu found", i, how, said[i].text, x->match_count);
	if (x->match_count)
		print_error(": %s, engine %s, versions '%s', %s, %s, id %lld uid %lld gid %lld, path %s", m->message->name, ask_engine(m),
			    m->versions, explain_cause_name(m->cause), explain_blame_name(m->blame), (long long)m->id, (long long)m->uid,
			    (long long)m->gid, m->path ? m->path : "-");
	print_error("\n");
}

static unsigned check(size_t i, const char *how, struct explain *x)
{
	bool good = agrees(&said[i], x);

	if (!good)
		complain(i, how, x);
	explain_free(x);
	return !good;
}

static void every_text_is_read(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		wrong += check(i, "whole", ask(said[i].text));
		for (size_t piece = 1; piece < 8; piece += 3)
			wrong += check(i, "in pieces", ask_pieces(said[i].text, strlen(said[i].text), piece, NULL));
	}
	assert_int_equal(wrong, 0);
}

/* The same line, broken at every width by a terminal that breaks anywhere. */
static void any_width(void **state)
{
	static const char text[] =
		"docker: failed to register layer: Error processing tar file(exit status 1): Container ID 1516583083 cannot be mapped to a host ID.";
	unsigned wrong = 0;

	(void)state;
	for (size_t width = 40; width < sizeof(text); width++) {
		char broken[2 * sizeof(text)];
		size_t n = 0;
		struct explain *x;

		for (size_t i = 0; i < sizeof(text) - 1; i++) {
			if (i && i % width == 0)
				broken[n++] = '\n';
			broken[n++] = text[i];
		}
		broken[n] = '\0';
		x = ask(broken);
		if (x->match_count != 1 || x->matches[0].id != 1516583083 || !same("1.12 to 23.0", x->matches[0].versions)) {
			print_error("width %zu: %zu found, versions %s\n", width, x->match_count, x->match_count ? x->matches[0].versions : "");
			wrong++;
		}
		explain_free(x);
	}
	assert_int_equal(wrong, 0);
}

static const char pull[] =
	"Using default tag: latest\nlatest: Pulling from app\n"
	"1f7ce2fa46ab: Already exists\na2abf6c4d29d: Pulling fs layer\n4f4fb700ef54: Pulling fs layer\n"
	"a2abf6c4d29d: Download complete\n4f4fb700ef54: Verifying Checksum\n4f4fb700ef54: Download complete\n"
	"a2abf6c4d29d: Extracting [====>   ]  32.77kB/2.1MB\na2abf6c4d29d: Pull complete\n4f4fb700ef54: Extracting [==> ]\n" X C "\n";

static void a_pull_names_the_layer(void **state)
{
	struct explain *x = ask(pull);
	const struct explain_match *m = ask_first(x);

	(void)state;
	assert_string_equal(m->layer_id, "4f4fb700ef54");
	assert_int_equal(m->layer, 2);
	explain_free(x);

	/* docker load names diff_ids, and only the layers that are new. */
	x = ask("a2abf6c4d29d: Loading layer [==> ] 1B/2B\n4f4fb700ef54: Loading layer [=>] 1B\nError processing tar file(exit status 1): " C);
	assert_string_equal(ask_first(x)->layer_id, "4f4fb700ef54");
	assert_int_equal(ask_first(x)->layer, -1);
	explain_free(x);

	x = ask("#5 extracting sha256:17c4a3a6d1f0e7c6cf9b9ad0d04d5a0e1f2b3c4d5e6f708192a3b4c5d6e7f808 0.1s done\n"
		"#5 extracting " D "\n#5 ERROR: failed to Lchown \"/a\" for UID 70000, GID 0: x");
	assert_string_equal(ask_first(x)->layer_id, D + 7);
	explain_free(x);
}

static void several_messages(void **state)
{
	struct explain *x = ask("time=\"x\" level=warning msg=\"Using rootless single mapping into the namespace. This might break some images.\"\n"
				"ERRO[0000] running `/usr/bin/newuidmap 88 0 1000 1 1 100000 65536`: newuidmap: write to uid_map failed: Operation not permitted\n"
				"Error: cannot set up namespace using \"/usr/bin/newuidmap\": exit status 1\n");

	(void)state;
	assert_int_equal(x->match_count, 3);
	assert_string_equal(x->matches[0].message->name, "P2");
	assert_string_equal(x->matches[1].message->name, "N2");
	assert_string_equal(x->matches[2].message->name, "P1");
	assert_true(x->matches[2].follows);
	assert_int_equal(x->matches[2].advice_count, 0);
	explain_free(x);

	x = ask(X C "\n" X C "\n" X "Container ID 5000000 cannot be mapped to a host ID\n");
	assert_int_equal(x->match_count, 2);
	assert_int_equal(x->matches[0].count, 2);
	assert_int_equal(x->matches[0].line, 1);
	assert_int_equal(x->matches[1].line, 3);
	explain_free(x);
}

static bool advises(const struct explain_match *m, const char *word)
{
	for (size_t i = 0; i < m->advice_count; i++)
		if (!m->advice[i].avoid && strstr(m->advice[i].text, word))
			return true;
	return false;
}

/* Where the range cannot be changed, nobody is sent to change it. */
static void fixed_ranges(void **state)
{
	static const char *const fixed[] = { "circleci", "azure-app-service" };
	static const char *const texts[] = { X "Container ID 70000 cannot be mapped to a host ID",
					     "failed to Lchown \"/a\" for UID 70000, GID 5 (try increasing the number" };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct explain *x = ask(texts[i]);

		assert_true(advises(ask_first(x), "/etc/subuid"));
		explain_free(x);
		for (size_t k = 0; k < ARRAY_SIZE(fixed); k++) {
			x = ask_pieces(texts[i], strlen(texts[i]), 0, fixed[k]);
			ask_must(explain_advise(x, &err), &err);
			assert_false(advises(ask_first(x), "subuid"));
			assert_true(advises(ask_first(x), "only a change of the image helps"));
			assert_true(advises(ask_first(x), "COPY --chown=0:0"));
			explain_free(x);
		}
	}
	/* The words betray where they come from. */
	{
		struct explain *x = ask("CircleCI was unable to start the container because of a userns remapping failure in Docker.\n" X
					"Container ID 70000 cannot be mapped to a host ID");

		assert_string_equal(ask_first(x)->message->name, "M1");
		assert_string_equal(ask_first(x)->platform->name, "circleci");
		assert_false(advises(ask_first(x), "subuid"));
		explain_free(x);
	}
}

/* A hostile log's words do not get into a command. */
static void commands_are_plain(void **state)
{
	struct explain *x = ask("failed to Lchown \"/a$(reboot)\" for UID 70000, GID 5 (try increasing the number");
	const struct explain_match *m = ask_first(x);

	(void)state;
	for (size_t i = 0; i < m->advice_count; i++)
		assert_null(strstr(m->advice[i].text, "reboot"));
	explain_free(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_text_is_read), cmocka_unit_test(any_width),	 cmocka_unit_test(a_pull_names_the_layer),
		cmocka_unit_test(several_messages),   cmocka_unit_test(fixed_ranges), cmocka_unit_test(commands_are_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
