/* Every way in which people write an ID map (facts: conventions of container tools).
 *
 *   0-65535   0-999,2000-2999   7      container side only: has_host is false
 *   0:100000:65536   0:100000          container:host[:size] (podman, umoci, runc); size 1 if none
 *   +0:100000:65536   u0:100000:1      podman's flags +, u, g; '@' before the host id is accepted
 *   0 100000 65536                     a line of /proc/PID/uid_map
 *   dockremap:100000:65536             a line of /etc/subuid: container ids run on from 0, over
 *   0: dockremap 100000 65536          all lines; as getsubids(1) prints it
 *   u 0 100000 65536   lxc.idmap = u.. LXC; g and b (both) likewise; lxc.id_map too
 *   b:0:100000:65536                   lxc-usernsexec
 *   both 1000 0   uid 50-60 500-510    LXD, Incus raw.idmap: "KIND host container", with ranges
 *   {"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],"gidMappings":[..]}
 *                                      OCI runtime-spec (a whole config.json too)
 *   {"idMappings":{"uidmap":[{"container_id":0,"host_id":100000,"size":65536}],"gidmap":[..]}}
 *                                      podman info; podman inspect's "UidMap":["0:100000:65536"]
 *
 * Where two readings exist, the one above counts: digits before the first colon are a container id,
 * not the owner of a subuid line, and u1000:.. is podman's flag. Refused because a guess would be a
 * wrong map: subuid lines of two owners, or beside a plain 1000:..:.. that may be one;
 * u:100000:65536 (an owner u, or lxc-usernsexec without a field); an owner that begins with a
 * digit; pieces with a host side beside pieces without. A subuid line of count 0 is skipped, as
 * newuidmap(1) does. A '+' piece takes its ids away from earlier ones; that a rootless podman also
 * fills the gaps is not known here.
 *
 * Several pieces are joined by commas, semicolons or newlines; blank lines and # comments are
 * skipped. A piece that says u or g fills only that map; any other fills those asked for.
 */
#pragma once

#include "idmap/idmap.h"

enum idmap_which { IDMAP_UID = 1, IDMAP_GID = 2, IDMAP_BOTH = 3 };

/* Parses text into the maps of which; a notation that carries kinds may fill the other one too.
 * On success, where only one of the two maps was named by kind letters and which is IDMAP_BOTH, the
 * other stays empty (count 0) and the caller decides. *out must be zeroed or hold earlier pieces.
 * -ERR_USAGE with the piece that is not understood, where there is none, or as idmap_add(); *out is
 * then as it was. */
int idmap_parse(struct idmap_pair *out, const char *text, enum idmap_which which,
		struct error *err) _must_check_;

/* As idmap_parse, of "host" (this process's own /proc/self maps), "@FILE" (its content), or text.
 * -ERR_IO where a file cannot be read, -ERR_NOT_FOUND where it does not exist, -ERR_LIMIT where it
 * holds more than IDMAP_FILE_MAX bytes. */
#define IDMAP_FILE_MAX (1 << 20) /* a kernel's map has 4095 bytes, an /etc/subuid some 100 KiB */
int idmap_parse_option(struct idmap_pair *out, const char *arg, enum idmap_which which,
		       struct error *err) _must_check_;
