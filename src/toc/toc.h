/* Layers with a table of contents: eStargz (containerd stargz-snapshotter docs/estargz.md) and
 * zstd:chunked (containers/storage pkg/chunked). The table tells name, owner, mode, size, links and
 * xattrs of every entry, so that a few ranged reads are enough to check a layer.
 *
 * It becomes a tar stream again (headers made from the table, bodies that can be skipped; the few
 * small files that are wanted come by a ranged read, verified against the table's own digests), so
 * that every rule above it stays one.
 */
#pragma once

#include "oci/descriptor.h"
#include "stream/stream.h"

enum toc_kind { TOC_NONE, TOC_ESTARGZ, TOC_ZSTD_CHUNKED };

struct toc_place {
	enum toc_kind kind;
	struct oci_digest digest; /* of the table, as the manifest's annotation says: eStargz of the
				   * JSON, zstd:chunked of the compressed table */
	/* zstd:chunked: where it lies; eStargz: the footer tells. */
	uint64_t offset, len, raw_len;
};

/* By a layer descriptor's annotations: containerd.io/snapshot/stargz/toc.digest;
 * io.github.containers.zstd-chunked.manifest-position and -checksum, or the same of
 * io.containers., as podman 4 wrote them. A table without a digest
 * counts as none: nothing would vouch for it. ERR_BAD_INPUT where the annotations are damaged. */
int toc_find(struct toc_place *out, const struct descriptor *d, struct error *err) _must_check_;

/* Both name the same table, or none. */
bool toc_is_same(const struct toc_place *a, const struct toc_place *b);

/* n bytes of the blob from offset: ERR_TRUNCATED where it has fewer. Any number of times. */
typedef void toc_done_fn(void *ctx);
typedef int toc_read_fn(void *ctx, uint64_t offset, uint64_t n, struct stream **out,
			struct error *err);

#define TOC_SIZE_MAX (256u << 20) /* bytes of the JSON, decoded: 600 bytes an entry */

/* size is the blob's. done(ctx) is called once, on any outcome, when nothing is read any more; it
 * may be NULL. Errors as reading gives them; ERR_DIGEST where the table is not the annotation's;
 * ERR_BAD_INPUT where the table is damaged, with the entry. What a table can lie about (that the
 * tar holds something else) is not seen here: the caller says that only the table was read. */
int toc_open(struct stream **out, const struct toc_place *toc, uint64_t size, toc_read_fn *read,
	     void *ctx, toc_done_fn *done, const struct limits *limits,
	     struct error *err) _must_check_;
