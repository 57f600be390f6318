/* Where a docker:// reference leads: the full name, the registry's own and its mirrors, how each is
 * reached. containers-registries.conf(5), containers-certs.d(5), Docker's familiar names
 * (distribution/reference).
 *
 * Files read: $CONTAINERS_REGISTRIES_CONF, else $HOME/.config/containers/registries.conf, else
 * /etc/containers/registries.conf, and the *.conf of the registries.conf.d beside each;
 * certs.d/HOST[:PORT]/ under --cert-dir, $HOME/.config/containers, /etc/containers, /etc/docker.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/notes.h"
#include "oci/descriptor.h"

/* "//registry.example:5000/team/app:1.0@sha256:..." in parts; strings owned. */
struct registry_name {
	char *host;		  /* "docker.io", "localhost:5000" */
	char *repository;	  /* "library/app" */
	char *tag;		  /* NULL where there is a digest and no tag */
	struct oci_digest digest; /* text "" where none; with a tag too, the digest counts */
};

/* text may begin with "//". A name without a host is docker.io's, library/ before a name without a
 * slash; no tag is latest. ERR_USAGE where a part breaks the grammar of distribution/reference
 * (lower case, lengths, 255 bytes of host and repository). */
int registry_name_parse(struct registry_name *out, const char *text,
			struct error *err) _must_check_;
void registry_name_free(struct registry_name *n);

/* One server to ask, in order. */
struct registry_place {
	char *host, *repository; /* after prefix rewriting; docker.io becomes registry-1.docker.io
				    only in the URL */
	char *base;		 /* "https://HOST/v2/REPOSITORY" */
	char *auth_name;	 /* "HOST/REPOSITORY", by which credentials are looked up */
	bool insecure; /* certificates are not checked, and http:// is tried where https fails */
	bool mirror, digest_only; /* a mirror for pulls by digest only */
	char **ca;		  /* *.crt of certs.d */
	size_t ca_count;
	char *cert, *key; /* *.cert with its *.key */
};

struct registry_places {
	struct registry_place *v;
	size_t count;
};

struct registry_place_options {
	const char *cert_dir; /* --cert-dir, or NULL */
	int tls_verify;	      /* -1 not said, 0 --tls-verify=false, 1 */
	const char *root;     /* of another file system, for tests; NULL: this host */
	struct notes *notes;
};

/* Mirrors first, the registry itself last. For writing (push) mirrors are left out. ERR_DENIED
 * where registries.conf blocks it; ERR_BAD_INPUT for a file that breaks TOML, with its line. */
int registry_places(struct registry_places *out, const struct registry_name *name, bool push,
		    const struct registry_place_options *opts, struct error *err) _must_check_;
void registry_places_free(struct registry_places *p);

/* The full names that a short one (as typed, without a host) may mean: an alias of
 * registries.conf.d alone, else one per unqualified-search-registries, else docker.io's. malloc'd
 * array of malloc'd texts. */
int registry_short_names(char ***out, size_t *count, const char *text,
			 const struct registry_place_options *opts, struct error *err) _must_check_;
