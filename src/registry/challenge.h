/* WWW-Authenticate, taken apart (RFC 9110 section 11.6.1; distribution docs: spec/auth/token).
 */
#pragma once

#include "base/error.h"

enum challenge_scheme { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_scheme scheme;
	char *realm, *service, *scope; /* owned, or NULL */
};

#define CHALLENGE_MAX 8192 /* bytes of a header that are looked at */

/* Takes the best challenge of one header into *c: Bearer before Basic before what stands there
 * already; others are passed over. What is damaged counts as no challenge. -ERR_NOMEM. */
int challenge_read(struct challenge *c, const char *header, struct error *err) _must_check_;
void challenge_free(struct challenge *c);
