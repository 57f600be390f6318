/* registries.conf (version 2) with its drop-ins, merged as containers/image merges them
 * (pkg/sysregistriesv2). Inside this folder only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/notes.h"
#include "registry/place.h"

struct conf_words {
	char **v;
	size_t count;
};

enum conf_pull { CONF_PULL_ALL, CONF_PULL_DIGEST, CONF_PULL_TAG };

struct conf_endpoint {
	char *location; /* "" only behind a prefix with a wildcard: the name stays as it is */
	bool insecure;
	enum conf_pull pull; /* of a mirror */
};

struct conf_registry {
	char *prefix; /* "*.example.com", "example.com/team" */
	struct conf_endpoint own;
	bool blocked;
	struct conf_endpoint *mirrors;
	size_t mirror_count;
	char *from; /* the file, for messages */
};

struct conf_alias {
	char *name, *value; /* value "": an alias that was taken back */
};

struct registry_conf {
	struct conf_words search, helpers; /* unqualified-search-registries, credential-helpers */
	bool enforcing;			   /* short-name-mode */
	struct conf_registry *registries;
	size_t registry_count;
	struct conf_alias *aliases;
	size_t alias_count;
	char *from; /* the main file, or NULL */
};

/* root as in struct registry_place_options, NULL or "" for this host. Errors are those of
 * registry_places(). */
int registry_conf_load(struct registry_conf *out, const char *root, struct notes *notes,
		       struct error *err) _must_check_;
void registry_conf_free(struct registry_conf *c);
static inline void registry_conf_freep(struct registry_conf *c)
{
	registry_conf_free(c);
}

/* The entry whose prefix matches most of "HOST/REPOSITORY", and in *matched how many of its bytes a
 * location replaces; NULL where none does. */
const struct conf_registry *registry_conf_find(const struct registry_conf *c, const char *name,
					       size_t *matched);
/* The alias of a short name; NULL where there is none. */
const char *registry_conf_alias(const struct registry_conf *c, const char *name);

/* One document into *c, what it says taking the place of what was said before. */
int registry_conf_read(struct registry_conf *c, const char *text, size_t n, const char *path,
		       struct notes *notes, struct error *err) _must_check_;

/* $HOME, "" where it is not set. */
const char *registry_home(void);

/* "HOST/REPOSITORY[:TAG][@DIGEST]", appended. */
int registry_name_text(struct buf *out, const struct registry_name *n,
		       struct error *err) _must_check_;
/* True where the part before the first slash is a host. */
bool registry_name_has_host(const char *text);

/* Fills ca, cert and key of a place from the first directory that is there. */
int registry_certs(struct registry_place *p, const struct registry_place_options *opts,
		   struct error *err) _must_check_;
