/* Names of images in containerd's metadata (core/metadata/boltdb buckets.go, images.go): v1 /
 * NAMESPACE / images / NAME / target. What they name lies in its content store, which is read as
 * the blobs of an OCI layout are.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define CONTAINERD_ROOT	   "/var/lib/containerd"
#define CONTAINERD_CONTENT "io.containerd.content.v1.content"
#define CONTAINERD_NAMES   "io.containerd.metadata.v1.bolt/meta.db"

/* The index.json of a layout that would hold that image alone. name is as people type it, as
 * containerd has it, or "sha256:..." of a manifest or an index; it is looked up in
 * $CONTAINERD_NAMESPACE, or else in default, moby and k8s.io. 0, or 1 where there is none. Errors
 * as bolt_get(). */
int containerd_index(struct buf *out, const char *root, const char *name,
		     struct error *err) _must_check_;
