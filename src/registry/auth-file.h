/* One auth.json, config.json or .dockercfg. Inside this folder only.
 */
#pragma once

#include "base/buf.h"
#include "registry/login.h"

/* What is looked for: "HOST/REPOSITORY" and "HOST". */
struct auth_target {
	const char *name, *host;
};

/* Looks into a document of n bytes; path names it in messages; flat is .dockercfg, which is "auths"
 * alone. 0 with *out, 1 where it has none; errors are those of registry_login_find(). */
int registry_auth_read(struct registry_login *out, const struct auth_target *target,
		       const void *bytes, size_t n, const char *path, bool flat,
		       struct notes *notes, struct error *err) _must_check_;

/* Asks a helper that "credHelpers" (need), or "credsStore" or registries.conf name in path. Where
 * it is not installed: ERR_AUTH, or without need a note and 1. */
int registry_auth_ask(struct registry_login *out, const char *helper, const char *server,
		      const char *path, bool need, struct notes *notes,
		      struct error *err) _must_check_;
