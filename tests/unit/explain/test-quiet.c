/* Ordinary build logs explain to nothing: lines of many tools, thousands of them in any order. */
#include "ask.h"

#include <stdio.h>

/* %u, %x and %s are filled with numbers, hex digits and words. */
static const char *const lines[] = {
	"Step %u/%u : FROM debian:12", "Step %u/%u : RUN apt-get update && apt-get install -y %s", "Step %u/%u : COPY --chown=1000:1000 . /app",
	" ---> Running in %x", " ---> %x", "Removing intermediate container %x", "Successfully built %x", "Successfully tagged %s:latest",
	"Sending build context to Docker daemon  %u.3MB", "latest: Pulling from library/%s", "%x: Pulling fs layer", "%x: Already exists",
	"%x: Download complete", "%x: Pull complete", "%x: Extracting [=====>      ]  %u kB/%u kB", "Digest: sha256:%x%x%x%x%x",
	"Status: Downloaded newer image for %s:latest", "#%u [internal] load build definition from Dockerfile", "#%u transferring dockerfile: %uB done",
	"#%u sha256:%x%x%x%x%x %uMB / %uMB 1.2s done", "#%u extracting sha256:%x%x%x%x%x 0.%us done", "#%u DONE 0.%us", "#%u CACHED",
	"Get:%u http://mirror/debian bookworm/main amd64 %s amd64 1.2.%u [%u kB]", "Selecting previously unselected package %s.",
	"Preparing to unpack .../%u-%s_1.0_amd64.deb ...", "Setting up %s (1.%u) ...", "Adding group `%s' (GID %u) ...",
	"Adding user `%s' (UID %u) with group `%s' ...", "adduser: Warning: The home dir /nonexistent you specified can't be accessed",
	"useradd warning: %s's uid %u outside of the UID_MIN 1000 and UID_MAX 60000 range.", "chown -R %u:%u /app", "chown: cannot access '/%s': No such file or directory",
	"chown: changing ownership of '/%s': Operation not permitted", "chown: invalid user: '%s'", "tar: %s: Cannot open: No such file or directory",
	"tar: Exiting with failure status due to previous errors", "tar: Removing leading `/' from member names", "tar: %s: Cannot change ownership to uid %u, gid %u: Operation not permitted",
	"npm WARN deprecated %s@1.%u.0: this version is no longer supported", "npm ERR! code EACCES", "npm ERR! errno -13", "npm ERR! code EINVAL",
	"npm notice New minor version of npm available!", "added %u packages, and audited %u packages in %us", "up to date, audited %u packages in %us",
	"yarn install v1.22.%u", "error Command failed with exit code %u.", "info Visit the docs for documentation about this command.", "Error: invalid argument",
	"invalid argument", "permission denied", "open /%s: permission denied", "mkdir /%s: permission denied", "exit status %u", "error: exit status 1",
	"mount: /%s: invalid argument.", "ioctl: Invalid argument", "setsockopt: Invalid argument", "cc -O2 -Wall -c %s.c -o %s.o", "%s.c:%u:%u: warning: unused variable 'uid'",
	"/usr/bin/ld: cannot find -l%s", "make[%u]: Entering directory '/src/%s'", "make: *** [Makefile:%u: %s] Error 1", "collect2: error: ld returned 1 exit status",
	"checking for %s... yes", "checking whether setgroups is declared... yes", "-- Looking for setresuid - found", "[%u/%u] Compiling C object %s.c.o",
	"test %s ... ok", "ok %u - %s", "PASS: %s (%u tests)", "FAIL: test_uid_map (expected %u, got %u)", "go: downloading github.com/%s v1.%u.0",
	"INFO: uid=%u gid=%u groups=%u", "user id %u is fine", "container ID %x started", "Container %x is running", "container_id=%x host_id=%u mapped",
	"docker: Error response from daemon: pull access denied for %s, repository does not exist.", "Error response from daemon: No such container: %s",
	"Error response from daemon: conflict: unable to delete %x", "failed to register layer: open /var/lib/docker/tmp: no space left on device",
	"failed to register layer: write /%s: no space left on device", "Error processing tar file(exit status 1): unexpected EOF",
	"Error processing tar file(exit status 1): write /%s: no space left on device", "Error processing tar file(duplicates of file paths not supported):",
	"failed to copy files: failed to copy file: open /%s: no such file or directory", "copying system image from manifest list: reading blob sha256:%x%x: EOF",
	"Error: writing blob: storing blob to file: write: no space left on device", "Error: initializing source docker://%s: reading manifest: unauthorized",
	"OCI runtime create failed: runc create failed: unable to start container process: exec: \"%s\": executable file not found in $PATH: unknown.",
	"runc create failed: unable to start container process: error during container init: open /%s: no such file or directory",
	"unable to find image '%s:latest' locally", "Unable to find user", "subuid and subgid are two files", "newuidmap is in the package uidmap",
	"Failed to pull image \"%s\": rpc error: code = NotFound desc = failed to pull and unpack image", "Warning  Failed  %us (x%u over 1m)  kubelet  Error: ErrImagePull",
	"Normal  Pulled  Successfully pulled image \"%s\" in %u.1s", "Back-off restarting failed container", "mount callback failed on /tmp/x: no such file or directory",
	"failed to extract layer sha256:%x%x: unexpected EOF", "time=\"2026-11-23T06:14:23Z\" level=info msg=\"user namespaces enabled\"", "userns-remap is set to default",
	"time=\"2026-11-23T06:14:23Z\" level=error msg=\"write: broken pipe\"", "fatal: unable to access: Could not resolve host", "usage: %s [-u uid] [-g gid] file...",
	"lchown(\"/%s\", %u, %u) = 0", "fchownat(AT_FDCWD, \"/%s\", %u, %u) = -1 EPERM (Operation not permitted)", "stat /%s: invalid argument",
	"Downloading https://example.invalid/%s-%u.tar.gz", "Extracting archive: %s.tar.gz (uid %u, gid %u)", "value %u out of range", "number %u is not a valid port",
};

static const char *const words[] = { "nginx", "libssl3", "curl", "app/node_modules/x", "main", "etc/passwd", "a-b_c", "python3-pip", "uidmap", "z" };

static uint32_t seed = 12345;

static uint32_t next(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

static int fill(struct buf *out, const char *line)
{
	int r = 0;

	for (const char *p = line; *p && r >= 0; p++) {
		if (*p != '%') {
			r = buf_append(out, p, 1);
			continue;
		}
		p++;
		r = *p == 'u'	? buf_printf(out, "%u", next() % 70000)
		    : *p == 'x' ? buf_printf(out, "%06x%06x", next() & 0xffffff, next() & 0xffffff)
				: buf_append_str(out, words[next() % ARRAY_SIZE(words)]);
	}
	return r < 0 ? r : buf_append_str(out, "\n");
}

static void build_logs_explain_to_nothing(void **state)
{
	struct buf log = { 0 };
	struct explain *x;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_int_equal(fill(&log, lines[i]), 0);
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(fill(&log, lines[next() % ARRAY_SIZE(lines)]), 0);
	x = ask(buf_str(&log));
	for (size_t i = 0; i < x->match_count; i++)
		print_error("%s: %s\n", x->matches[i].message->name, x->matches[i].text);
	assert_int_equal(x->match_count, 0);
	assert_true(x->lines >= 5000);
	explain_free(x);

	/* One bad line among them is found all the same. */
	assert_int_equal(fill(&log, "failed to register layer: Container ID 1000000 cannot be mapped to a host ID"), 0);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(fill(&log, lines[next() % ARRAY_SIZE(lines)]), 0);
	x = ask(buf_str(&log));
	assert_int_equal(x->match_count, 1);
	explain_free(x);
	buf_free(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_logs_explain_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
