/* Content descriptors, platforms and media types (OCI image-spec descriptor.md, media-types.md,
 * image-index.md; Docker schema 2).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "stream/codec.h"
#include "stream/digest.h"

/* "sha256:<64 hex>" or "sha512:<128 hex>", lower case, checked. */
struct oci_digest {
	enum digest_algo algo;
	char text[8 + DIGEST_HEX_MAX]; /* whole, "sha256:..."; "" where none */
};

/* -ERR_BAD_INPUT for another algorithm, wrong length, or upper-case digits. */
int oci_digest_parse(struct oci_digest *out, const char *text, struct error *err) _must_check_;
const char *oci_digest_hex(const struct oci_digest *d); /* the part behind the colon */

struct platform {
	char os[32], architecture[32], variant[32]; /* "" where not said */
};

/* "linux/arm64/v8"; -ERR_USAGE where there are not two or three non-empty parts. */
int platform_parse(struct platform *out, const char *text, struct error *err) _must_check_;
/* want's empty variant takes any; x86_64 and aarch64 are taken as amd64 and arm64 (v8 is arm64's
 * own). */
bool platform_matches(const struct platform *have, const struct platform *want);
/* The os, architecture and variant of an object; ERR_BAD_INPUT where one is longer than the struct
 * or holds more than letters, digits and "._-+", so that what is here can be printed. */
int platform_from_json(struct platform *out, json_t *json, struct error *err) _must_check_;
void platform_print(const struct platform *p, char out[100]); /* "linux/arm64/v8", "" if unknown */
/* Of this machine, by uname(2); DOCKER_DEFAULT_PLATFORM overrides. */
struct platform platform_host(void);

enum media_kind {
	MEDIA_UNKNOWN,
	MEDIA_INDEX,	/* OCI index, Docker manifest list */
	MEDIA_MANIFEST, /* OCI manifest, Docker schema 2 */
	MEDIA_CONFIG,
	MEDIA_LAYER, /* distributable, non-distributable and foreign */
	MEDIA_SCHEMA1,
};

/* What a media type says; *codec (may be NULL) for layers. Parameters behind ';' are ignored. */
enum media_kind media_kind(const char *media_type, enum codec *codec);

struct descriptor {
	char *media_type; /* "" where not said */
	struct oci_digest digest;
	uint64_t size;
	bool has_platform;
	struct platform platform;
	char *ref_name;	     /* annotation org.opencontainers.image.ref.name, or NULL */
	char *image_name;    /* annotation io.containerd.image.name, or NULL */
	char *artifact_type; /* or NULL */
	bool is_attestation; /* annotation vnd.docker.reference.type is attestation-manifest */
	json_t *json;	     /* borrowed from the document that holds it, which its owner keeps */
};

/* -ERR_BAD_INPUT without a digest, without a size from 0 to 2^63-1, or with a member of a wrong
 * type. media_type and the annotations are as the image wrote them: escape before printing. */
int descriptor_from_json(struct descriptor *out, json_t *json, struct error *err) _must_check_;
void descriptor_free(struct descriptor *d);
