/* Errors: "we could not look". What an image holds is never an error, it is a finding.
 *
 * Every fallible function returns int: 0 done, 1 a clean end (pull functions only), and below 0
 * -enum err_code. Its last parameter is a struct error on the caller's stack, filled where the
 * failure happens (err_fail, with the object named) and given context on the way up (err_wrap).
 * Nothing here allocates. Libraries never print and never exit.
 */
#pragma once

#include <stdint.h>

#include "base/macro.h"

/* What a caller can do about it decides the code. The table in error.c holds name and hint. */
enum err_code {
	ERR_USAGE = 1,	 /* the command line asks for something that does not exist: exit 2 */
	ERR_BAD_INPUT,	 /* the image breaks its format */
	ERR_TRUNCATED,	 /* the image ends too early; never the same as a clean end */
	ERR_LIMIT,	 /* a limit of base/limits.h was passed; --limit raises it */
	ERR_UNSUPPORTED, /* well formed, but nothing here reads it */
	ERR_DIGEST,	 /* bytes do not have the digest or the size that names them */
	ERR_NOT_FOUND,	 /* a file, reference, platform or blob is not there */
	ERR_IO,		 /* the operating system refused; sys holds errno */
	ERR_NET,	 /* a server could not be reached or broke the protocol */
	ERR_AUTH,	 /* a server wants other credentials */
	ERR_DENIED,	 /* the operation is refused for safety */
	ERR_SEQUENCE,	 /* calls in the wrong order: a one-pass source asked to go back */
	ERR_NOMEM,
	ERR_BUG, /* a promise of this program to itself is broken */
	ERR_CODE_COUNT
};

#define ERR_MSG_MAX 480

struct error {
	enum err_code code;
	int sys; /* errno, or 0 */
	char msg[ERR_MSG_MAX];
};

/* Fills err (may be NULL) and returns -code. sys is an errno or 0; its text is appended.
 * Bytes of an image go through err_text() first, so that a message is always printable. */
int err_fail(struct error *err, enum err_code code, int sys, const char *fmt, ...) _printf_(4, 5);

/* Puts "fmt: " before the message that err holds; returns -err->code. err is not NULL here: it
 * holds the code. */
int err_wrap(struct error *err, const char *fmt, ...) _printf_(2, 3);

/* -ERR_NOMEM with a fixed message. */
int err_nomem(struct error *err);

/* Short name ("truncated") and a hint for the user, which may be "". */
const char *err_name(enum err_code code);
const char *err_hint(enum err_code code);

/* The process's exit status for a failed call: 2 for ERR_USAGE, else 3. */
int err_exit_status(enum err_code code);

/* Escapes n bytes for a message into out: printable ASCII and valid UTF-8 stay, every other byte
 * becomes \xNN, quotes and backslashes are escaped; cut with "..." to fit. out_size is at least 1.
 * Returns out. */
const char *err_text(char *out, size_t out_size, const void *bytes, size_t n);
