/* One layer's owners, without any map: made in one walk, asked by every verb, kept by the cache.
 *
 * Distinct owners are interned in a small table. Entries are a serial form
 * (docs/formats/inventory.md): one front-coded record each, in the layer's order, in a spool, so
 * that a million entries cost a few megabytes of memory. The few things that are wanted out of
 * order stand beside it: small files (passwd, group), and what other small files say of ids.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "base/notes.h"
#include "oci/descriptor.h"
#include "stream/spool.h"
#include "stream/stream.h"

enum inv_kind {
	INV_REG,
	INV_DIR,
	INV_SYMLINK,
	INV_HARDLINK,
	INV_CHR,
	INV_BLK,
	INV_FIFO,
	INV_WHITEOUT,  /* .wh.NAME: path is that of NAME, the file that goes */
	INV_OPAQUE,    /* .wh..wh..opq: path is that of the directory */
	INV_AUFS_META, /* .wh..wh.plnk and what else begins with .wh..wh. : path as it stands */
	INV_ROOT,      /* ./ or / itself: path is "" */
	INV_GLOBAL,    /* a PAX global header: no file */
	INV_OTHER,     /* a typeflag that engines do not know */
	INV_KIND_COUNT
};
/* "file", "directory", "symlink", "hardlink", "character-device", "block-device", "fifo",
 * "whiteout", "opaque-whiteout", "aufs-metadata", "root-directory", "pax-global", "unknown". */
const char *inv_kind_name(enum inv_kind k);

enum inv_flag {
	INV_HAS_ACL_IDS = 1 << 0, /* named ACL users or groups stand in acl */
	/* An ACL that the kernel refuses: engines stop with "invalid argument". */
	INV_ACL_INVALID = 1 << 1,
	INV_CAPABILITY = 1 << 2, /* has security.capability */
	INV_CAP_ROOTID = 1 << 3, /* of version 3: rootid is valid */
	INV_SPARSE = 1 << 4,
	INV_GNU_OTHER_ID = 1 << 5, /* GNU tar would read another id (PAX global) */
	INV_ESCAPES = 1 << 6,	   /* the name leaves the root by ".." before it is cleaned */
	INV_UID_BASE256 = 1 << 7,  /* which field said the id; neither flag: octal */
	INV_UID_PAX = 1 << 8,
	INV_GID_BASE256 = 1 << 9,
	INV_GID_PAX = 1 << 10,
	INV_CAP_INVALID = 1 << 11,
	/* The name begins with a slash: engines that pass over "./" take "/" as an entry. */
	INV_ABSOLUTE = 1 << 12,
	/* A default ACL on what is no directory: "permission denied". */
	INV_ACL_MISPLACED = 1 << 13,
};

struct inv_owner {
	int64_t uid, gid;
	uint64_t entries;
};

struct inv_acl_id {
	uint32_t id;
	bool is_gid;
};

/* One entry as decoded; strings and arrays are valid until the iterator moves on. */
struct inv_entry {
	uint64_t index; /* from 0, in the layer's order */
	enum inv_kind kind;
	unsigned flags; /* enum inv_flag */
	unsigned mode;	/* 07777 */
	uint32_t owner; /* index into the layer's owners */
	int64_t uid, gid;
	uint64_t size;		/* logical size of a file */
	uint64_t header_offset; /* in the decompressed layer, of the block with the ids */
	/* Cleaned: no leading or trailing slash, no "." or ".."; "" is the root. */
	const char *path;
	size_t path_len;
	/* As the header has it where that differs from path in more than leading "./", "/" or a
	 * trailing "/"; else NULL. This, path and link end in NUL. */
	const char *name;
	size_t name_len;
	const char *link; /* symlink or hardlink target as it stands, else "" */
	size_t link_len;
	const struct inv_acl_id *acl;
	size_t acl_count;
	uint32_t cap_rootid;
};

/* A small file kept with its bytes: a regular file whose last name ends in passwd, group, passwd-,
 * group-, subuid or subgid (etc/passwd, etc/group, and what NixOS or usr-merged images link to). */
struct inv_file {
	char *path;
	size_t path_len;
	uint64_t index; /* of its entry */
	uint8_t *data;	/* NULL where it was larger than limit small-file */
	size_t len;
	uint64_t size;
};

/* A number that stands for an id in a file that nobody rewrites. */
struct inv_mention {
	int64_t id;
	uint32_t line; /* from 1: the first that has it */
	bool is_gid;
};

enum inv_mentions_flag {
	INV_MENTIONS_UNDECIDED =
		1 << 0, /* an id comes out of a variable or of a program; line says where */
	INV_MENTIONS_MORE = 1 << 1,   /* there is more than was kept */
	INV_MENTIONS_UNREAD = 1 << 2, /* too large (limit script-size), or sparse */
	INV_MENTIONS_DENIED = 1 << 3, /* in a store, and its bytes belong to another user */
};
#define INV_MENTIONS_ALL 15u

/* What one of sudoers, units, tmpfiles.d, sysusers.d, crontabs and scripts that start an image
 * (mention-place.c has the list) says of ids of three digits and more. Files that say nothing are
 * not here. */
struct inv_mentions {
	char *path;
	size_t path_len;
	uint64_t index;		 /* of its entry */
	unsigned flags;		 /* enum inv_mentions_flag */
	uint32_t line;		 /* of what is not decided, else 0 */
	struct inv_mention *ids; /* in the order of the file */
	size_t count;
};

enum inv_verified {
	INV_VERIFIED_NONE, /* bodies were skipped: nothing was hashed whole */
	INV_VERIFIED_BLOB, /* the blob's digest held; the diff_id was not known */
	INV_VERIFIED_FULL, /* every digest that names the layer held */
	INV_VERIFIED_TOC,
	INV_VERIFIED_STORE,
};
const char *inv_verified_name(enum inv_verified v); /* "none" ... */

struct layer_inventory {
	uint64_t entries;
	struct inv_owner *owners;
	size_t owner_count;
	struct inv_file *files;
	size_t file_count;
	/* Sorted by index. mentions_known is false where no bodies were read (a table of contents);
	 * mentions_cut where limit mentions was passed. */
	struct inv_mentions *mentions;
	size_t mention_count;
	bool mentions_known, mentions_cut;
	struct spool *records;
	uint64_t tar_size;   /* decompressed bytes */
	uint64_t blob_size;  /* bytes as stored */
	enum codec codec;    /* found by the bytes */
	unsigned oddities;   /* enum tar_oddity */
	unsigned flags_seen; /* all entries' flags or-ed */
	uint64_t largest;    /* logical size of the largest entry, bytes; not in the form */
	uint64_t kinds[INV_KIND_COUNT]; /* entries of each kind */
	struct oci_digest diff_id;	/* as computed; text "" where bodies were skipped */
	struct oci_digest blob_digest;	/* as computed; text "" where it was not */
	bool cut; /* layer_build.stop ended it: what came so far; not in the form */
};

/* Stands for a layer that was not read: nothing is in it. */
extern const struct layer_inventory inv_nothing;

struct layer_build {
	const struct limits *limits;
	bool verify; /* read every byte even where bodies could be skipped */
	bool want_blob_digest;
	enum digest_algo blob_algo, diff_algo;
	/* Bytes of records kept in memory before a file is made; 0: INV_SPOOL_MEMORY. */
	size_t spool_memory;
	/* True ends the reading behind this entry, or NULL. Not asked twice of entries whose owner
	 * and kind are the same and that have no ids besides. */
	bool (*stop)(void *ctx, const struct inv_entry *e);
	void *stop_ctx;
};
#define INV_SPOOL_MEMORY (8u << 20)

/* Reads a layer's bytes as stored (raw, owned on any outcome) through codec and tar reader into
 * *out (owned by the caller). */
int layer_inventory_build(struct layer_inventory **out, struct stream *raw,
			  const struct layer_build *how, struct error *err) _must_check_;
void layer_inventory_free(struct layer_inventory *inv);
DEFINE_CLEANUP(struct layer_inventory, layer_inventory_free)

/* What a record leaves out because the one before it said it. */
struct inv_state {
	struct buf path;
	uint64_t offset;
	uint32_t owner;
};

struct inv_iter {
	const struct layer_inventory *inv;
	struct spool_reader reader;
	uint64_t next;
	struct inv_state state;
	struct inv_acl_id *acl;
	size_t acl_cap;
};

void inv_iter_init(struct inv_iter *it, const struct layer_inventory *inv);
void inv_iter_done(struct inv_iter *it);
/* 0, 1 at the end, or an error (a spool's file could not be read). Any number of iterators may run
 * at once. */
int inv_iter_next(struct inv_iter *it, struct inv_entry *entry, struct error *err) _must_check_;

/* The whole inventory as bytes and back: versioned, checked on reading (ERR_BAD_INPUT for anything
 * damaged). */
int layer_inventory_write(const struct layer_inventory *inv,
			  int (*sink)(void *ctx, const void *bytes, size_t n, struct error *err),
			  void *ctx, struct error *err) _must_check_;
int layer_inventory_read(struct layer_inventory **out, struct stream *in,
			 const struct limits *limits, struct error *err) _must_check_;
/* The same; spool_memory as in struct layer_build. */
int layer_inventory_read_within(struct layer_inventory **out, struct stream *in,
				const struct limits *limits, size_t spool_memory,
				struct error *err) _must_check_;

/* Hash of a cleaned path, the same for all layers of a process. */
uint64_t inv_path_hash(const char *path, size_t n);
