/* Credential helpers: docker-credential-NAME programs (docker/docker-credential-helpers). Inside
 * this folder only.
 */
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "registry/login.h"

/* Fills user and secret, or identity_token, of *out. 0; 1 where the helper has none; 2 where no
 * such program is on the PATH. NAME and server are checked: ERR_DENIED, as registry_login_find()
 * says; ERR_AUTH where it fails, takes longer than 30 s, or answers more than 64 KiB. */
int registry_helper_get(struct registry_login *out, const char *name, const char *server,
			struct error *err) _must_check_;

/* One answer of a helper: 0, 1 where it holds no credential; ERR_AUTH. name is checked already. */
int registry_helper_answer(struct registry_login *out, const char *name, const void *bytes,
			   size_t n, struct error *err) _must_check_;

/* Overwrites and frees, for what may hold a secret. */
void registry_wipe(char *s);
void registry_wipe_buf(struct buf *b);
/* Overwrites every string of a document before it is released (jansson's own memory). */
void registry_wipe_json(json_t *json);
