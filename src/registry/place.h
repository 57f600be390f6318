/* Where a docker:// reference leads: the full name, the registry's own and its mirrors, how each is
 * reached. containers-registries.conf(5), containers-certs.d(5), Docker's familiar names
 * (distribution/reference).
 *
 * Files read, as podman reads them: $CONTAINERS_REGISTRIES_CONF (or $REGISTRIES_CONFIG_PATH), else
 * $HOME/.config/containers/registries.conf, else /etc/containers/registries.conf; then the *.conf
 * of /etc/containers/registries.conf.d (not where the user's own file was read) and of
 * $HOME/.config/containers/registries.conf.d, by name. Certificates: --cert-dir itself, else the
 * first certs.d/HOST[:PORT] of $HOME/.config/containers, /etc/containers, /etc/docker.
 * Docker's daemon.json (insecure-registries, registry-mirrors) is the daemon's and is not read.
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
static inline void registry_name_freep(struct registry_name *n)
{
	registry_name_free(n);
}

/* One server to ask, in order. */
struct registry_place {
	char *host, *repository; /* after prefix rewriting; docker.io becomes registry-1.docker.io
				    only in the URL */
	char *base;		 /* "https://HOST/v2/REPOSITORY" */
	char *auth_name;	 /* "HOST/REPOSITORY", by which credentials are looked up */
	bool insecure; /* certificates are not checked: --tls-verify=false, or insecure = true */
	bool plain; /* http:// is tried where the server does not speak TLS: insecure, or a loopback
		       address and nothing said of --tls-verify (there certificates are still
		       checked, and a credential may be sent) */
	bool mirror;
	bool elsewhere;	  /* another host than the name's, by registries.conf: what the command line
			     gives as a credential is not for it (as containers/image has it) */
	bool digest_only; /* a mirror for pulls by digest only; listed where the name has one */
	char **ca;	  /* *.crt of certs.d */
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

/* Mirrors first, the registry itself last, rewritten by the longest matching prefix. For writing
 * (push) the name leads to its own host: neither mirrors nor locations count, as in skopeo.
 * ERR_DENIED where registries.conf blocks it; ERR_BAD_INPUT for a file that breaks TOML or says
 * what its format does not know, with its line, and for a .cert without its .key or the reverse;
 * ERR_UNSUPPORTED for registries.conf of version 1; ERR_NOT_FOUND where the file that the
 * environment names, or --cert-dir, is not there. */
int registry_places(struct registry_places *out, const struct registry_name *name, bool push,
		    const struct registry_place_options *opts, struct error *err) _must_check_;
void registry_places_free(struct registry_places *p);
static inline void registry_places_freep(struct registry_places *p)
{
	registry_places_free(p);
}

/* The full names ("HOST/REPOSITORY" with the tag or digest that was typed) that a short one may
 * mean: an alias alone, else one per unqualified-search-registries, else docker.io's; a name with a
 * host means itself. short-name-mode enforcing with several registries is ERR_DENIED: nobody is
 * asked here. malloc'd array of malloc'd texts. */
int registry_short_names(char ***out, size_t *count, const char *text,
			 const struct registry_place_options *opts, struct error *err) _must_check_;
void registry_short_names_free(char **names, size_t count);
