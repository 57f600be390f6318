/* Credentials for a registry: containers-auth.json(5) and Docker's config.json, credential helpers.
 *
 * Order: what the command line gives; REGISTRY_AUTH_FILE or --authfile alone where given; else
 * $XDG_RUNTIME_DIR/containers/auth.json (/run/containers/UID without it),
 * $XDG_CONFIG_HOME/containers/auth.json, $DOCKER_CONFIG/config.json or $HOME/.docker/config.json,
 * $HOME/.dockercfg; DOCKER_AUTH_CONFIG (the JSON itself) before the files. In each the helper that
 * "credHelpers" names for the host; else the most specific key of "auths" that holds a credential
 * (host/ns/repo, host/ns, host, then Docker's old keys, which are URLs); else "credsStore".
 * credential-helpers of registries.conf go before or behind the files, as its order says.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/notes.h"

struct registry_login {
	char *user, *secret;  /* basic; or NULL */
	char *identity_token; /* OAuth2 refresh token (helpers: user "<token>"); or NULL */
	char *registry_token; /* Bearer, sent as it is (--registry-token, "registrytoken"); or NULL
			       */
	char *from;	      /* where it was found, for messages: never the secret */
};

/* creds, user, password and token are for the registry that was named: leave them out for a place
 * that is elsewhere. */
struct registry_login_options {
	const char *authfile;	     /* --authfile, or NULL */
	const char *creds;	     /* "USER[:PASSWORD]" of --creds, or NULL */
	const char *user, *password; /* --username, --password-stdin; or NULL */
	const char *token;	     /* --registry-token: sent as Bearer as it is; or NULL */
	bool anonymous;		     /* --no-creds */
	const char *root;	     /* of another file system, for tests */
	struct notes *notes;
};

/* 0 with *out (owned), 1 where nothing is known: anonymous. auth_name is "HOST/REPOSITORY";
 * docker.io's key is "https://index.docker.io/v1/" in Docker's files. Helpers ("credHelpers" of the
 * host, else "credsStore") are "docker-credential-NAME get", NAME of [A-Za-z0-9._-] alone and found
 * on the PATH, the server's name on standard input; at most 30 s and 64 KiB; "credentials not
 * found" is none. ERR_AUTH where a helper fails (a "credsStore" that is not installed is a note:
 * Docker Desktop leaves such files behind), ERR_BAD_INPUT for a damaged file (its path is named,
 * its content never), ERR_DENIED for a helper with another name, ERR_USAGE for a user without a
 * password or the reverse, ERR_NOT_FOUND where --authfile or REGISTRY_AUTH_FILE is not there. A
 * default file that may not be read is a note. A secret is wiped when freed. */
int registry_login_find(struct registry_login *out, const char *auth_name,
			const struct registry_login_options *opts, struct error *err) _must_check_;
void registry_login_free(struct registry_login *l);
static inline void registry_login_freep(struct registry_login *l)
{
	registry_login_free(l);
}
