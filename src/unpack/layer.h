/* One layer's tar put on disk: into a root file system that lower layers have filled (whiteouts
 * applied), or as a directory of its own in overlay's form.
 */
#pragma once

#include "stream/spool.h"
#include "stream/stream.h"
#include "target/target.h"
#include "unpack/beneath.h"
#include "unpack/owners.h"

enum unpack_form {
	UNPACK_MERGED,	/* whiteouts remove, opaque directories empty (OCI image-spec layer.md) */
	UNPACK_OVERLAY, /* whiteouts are character devices 0:0, opaque directories have
			 * trusted.overlay.opaque=y (Documentation/filesystems/overlayfs.rst) */
	UNPACK_OVERLAY_USER, /* the same inside a user namespace: user.overlay.opaque; whiteouts are
			      * devices still (mknod of 0:0 is allowed there since Linux 5.8) */
};

struct unpack_layer_options {
	const struct limits *limits;
	struct notes *notes;
	enum unpack_form form;
	const struct owners *owners;
	/* What the target's engine does with each kind's owner: OWNER_SKIPPED kinds stay as they
	 * are made. NULL: every owner counts. */
	const struct engine *engine;
	bool devices; /* device nodes are made (on request, as root of the host); else each is
		       * passed over and counted */
	bool walk;    /* beneath's fallback */
};

struct unpack_counts {
	uint64_t entries, bytes;
	uint64_t devices_left; /* device nodes that were not made */
	uint64_t xattrs_left;  /* xattrs that the file system or the kernel would not take, */
	uint64_t forged;       /* and those that an image may not have */
	uint64_t confined;     /* names that led out of the root, and stay in it */
};

/* The entry that stops it, for who words the message. */
struct unpack_stop {
	bool stopped; /* an owner outside the map: -ERR_DENIED came back */
	uint64_t index;
	int64_t uid, gid;
	bool uid_outside, gid_outside;
};

/* tar is decoded and read to its end; root is the directory; both are borrowed.
 * Restores: type, owner, mode with set-id bits behind the chown, ACLs, capabilities, xattrs, holes,
 * hardlinks, mtime to the nanosecond; directories' times go to times, as what follows would change
 * them. Nothing is synced. ERR_BAD_INPUT for what an engine refuses (a hardlink to nothing), ERR_IO
 * with the path. */
int unpack_layer(int root, struct stream *tar, const struct unpack_layer_options *opts,
		 struct spool *times, struct unpack_counts *counts, struct unpack_stop *stop,
		 struct error *err) _must_check_;

/* Sets the times of directories that are still there; seals times. */
int unpack_times(int root, struct spool *times, bool walk, struct error *err) _must_check_;
