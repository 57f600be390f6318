/* An OCI runtime bundle's config.json from an image's config (runtime-spec config.md,
 * config-linux.md; image-spec conversion.md). The decision alone: no file is touched.
 */
#pragma once

#include "base/buf.h"
#include "idmap/idmap.h"
#include "inventory/accounts.h"
#include "oci/image.h"

struct bundle_mount {
	const char *source, *target; /* both absolute; target in the container */
	bool read_only;
};

/* Borrowed for the call. NULL or 0: what the image says. */
struct bundle_options {
	/* uidMappings and gidMappings, with a host side; NULL: the container stays in the user
	 * namespace of who starts it. */
	const struct idmap_pair *map;
	/* What the container's processes can be given, for what a mount names (devpts' gid=5): map,
	 * or the namespace that they stay in. */
	const struct idmap_pair *inside;
	const struct exec_user *user; /* resolved against the image's accounts; no error in it */
	const char *home;	      /* of the user, for HOME; NULL: "/" */
	const char *const *args;      /* of the command line: in place of Cmd */
	size_t arg_count;
	const char *const *env; /* NAME=VALUE, or NAME: of this process's environment; later wins */
	size_t env_count;
	const char *entrypoint; /* NULL: the image's; one word, "" for none; Cmd is dropped then */
	const char *cwd;
	const struct bundle_mount *mounts;
	size_t mount_count;
	bool terminal, read_only;
	bool host_network;    /* no network namespace, /sys of the host, read-only */
	bool cgroups;	      /* a cgroup namespace and /sys/fs/cgroup; not without root */
	const char *rootfs;   /* root.path; NULL: "rootfs" */
	const char *hostname; /* NULL: "uidfit" */
	struct notes *notes;  /* labels that become no annotation; NULL: not told */
};

/* Appends the JSON. Env: PATH where the image has none, HOSTNAME, HOME, TERM with a terminal, then
 * the image's, then env. Labels become annotations, with those that image-spec conversion.md names
 * (org.opencontainers.image.stopSignal, .os, .architecture, .author, .created, .exposedPorts).
 * Volumes of the image become nothing (the upper directory holds them). Default capabilities,
 * masked and read-only paths, mounts, devices and the seccomp profile are data
 * (data/container.conf, data/seccomp.conf), each with source and date. ERR_USAGE where there is
 * nothing to run, or a -w or -v is not absolute; ERR_BAD_INPUT for a config that breaks its format.
 */
int bundle_config(struct buf *out, const struct oci_config *config,
		  const struct bundle_options *opts, struct error *err) _must_check_;

/* The program that would run: argv[0] (malloc'd), for the words of an error. */
int bundle_program(char **out, const struct oci_config *config, const struct bundle_options *opts,
		   struct error *err) _must_check_;
