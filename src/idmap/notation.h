/* Every way in which people write an ID map (facts: conventions of container tools).
 *
 *   0-65535   0-999,2000-2999   7        container side only: has_host is false
 *   0:100000:65536   0:100000            container:host[:size] (podman, umoci, runc); size 1 if absent
 *   +0:100000:65536   u0:100000:1   g..  podman's flags; '@' before the host id is accepted
 *   0 100000 65536                       a line of /proc/PID/uid_map
 *   dockremap:100000:65536               a line of /etc/subuid: container ids run on from 0
 *   u 0 100000 65536   lxc.idmap = u ..  LXC; g and b (both) likewise; lxc.id_map too
 *   b:0:100000:65536                     lxc-usernsexec
 *   both 1000 0   uid 50-60 500-510      LXD, Incus raw.idmap: "KIND host container", ranges allowed
 *   {"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],"gidMappings":[..]}
 *                                        OCI runtime-spec (a whole config.json too), podman info's
 *                                        idMappings {"uidmap":[{"container_id":..,"host_id":..,"size":..}]}
 *
 * Several pieces are joined by commas, semicolons or newlines; blank lines and # comments are
 * skipped. A piece that says u or g fills only that map; any other fills those asked for.
 */
#pragma once

#include "idmap/idmap.h"

enum idmap_which { IDMAP_UID = 1, IDMAP_GID = 2, IDMAP_BOTH = 3 };

/* Parses text into the maps of which; a notation that carries kinds may fill the other one too.
 * On success, where only one of the two maps was named by kind letters and which is IDMAP_BOTH, the other
 * stays empty (count 0) and the caller decides. *out must be zeroed or hold earlier pieces.
 * -ERR_USAGE with the piece that is not understood, or as idmap_add(). */
int idmap_parse(struct idmap_pair *out, const char *text, enum idmap_which which,
		struct error *err) _must_check_;

/* As idmap_parse, of "host" (this process's own /proc/self maps), "@FILE" (its content), or text. */
int idmap_parse_option(struct idmap_pair *out, const char *arg, enum idmap_which which,
		       struct error *err) _must_check_;
