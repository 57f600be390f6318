/* Image references as users type them: containers-transports(5), and a bare path.
 * Pure text: whether a bare path exists, and what it holds, source/ finds out.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum transport {
	TRANSPORT_PATH,	 /* no transport named: a path recognised by its content, or a bare name */
	TRANSPORT_STDIN, /* "-" */
	TRANSPORT_DOCKER_ARCHIVE,
	TRANSPORT_OCI,
	TRANSPORT_OCI_ARCHIVE,
	TRANSPORT_DIR,
	TRANSPORT_TAR,	  /* tar:FILE, one layer */
	TRANSPORT_ROOTFS, /* rootfs:DIR, one layer from a directory */
	TRANSPORT_DOCKER,
	TRANSPORT_DOCKER_DAEMON,
	TRANSPORT_CONTAINERS_STORAGE,
	TRANSPORT_CONTAINERD, /* containerd:[ROOT]NAME: its content store */
};

struct ref {
	enum transport transport;
	char *path; /* file or directory; for docker:// and the stores the name as typed */
	char *name; /* tag or reference name within the source ("app:1.0", ref.name), or NULL */
	long index; /* :@N, or -1 */
};

/* oci: and oci-archive: end their path at the first ':'; docker-archive: too, /dev/stdin and "-"
 * mean standard input (path is then "-", for tar: too). docker:dind is an image's name, only
 * docker:// a transport. A bare path is not split here (it may hold colons). -ERR_USAGE for an
 * unknown ("http://") or empty transport, for nothing behind it, and for an @ without a number. */
int ref_parse(struct ref *out, const char *text, struct error *err) _must_check_;
void ref_free(struct ref *r);
static inline void ref_freep(struct ref *r)
{
	ref_free(r);
}

const char *transport_name(enum transport t); /* "docker-archive" */
