#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const struct {
	const char *name;
	const char *hint;
} codes[ERR_CODE_COUNT] = {
	[ERR_USAGE] = { "usage", "uidfit --help lists the verbs, uidfit VERB --help its options" },
	[ERR_BAD_INPUT] = { "bad-input", "" },
	[ERR_TRUNCATED] = { "truncated", "the copy is not whole: make it again" },
	[ERR_LIMIT] = { "limit", "--limit NAME=VALUE raises a limit, if you trust the image" },
	[ERR_UNSUPPORTED] = { "unsupported", "" },
	[ERR_DIGEST] = { "digest", "the copy is damaged: make it again" },
	[ERR_NOT_FOUND] = { "not-found", "" },
	[ERR_IO] = { "io", "" },
	[ERR_NET] = { "net", "" },
	[ERR_AUTH] = { "auth", "" },
	[ERR_DENIED] = { "denied", "" },
	[ERR_SEQUENCE] = { "sequence", "" },
	[ERR_NOMEM] = { "no-memory", "" },
	[ERR_BUG] = { "bug", "please report it, with the command" },
};

int err_fail(struct error *err, enum err_code code, int sys, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (!err)
		return -(int)code;
	err->code = code;
	err->sys = sys;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	if (sys && n < sizeof(err->msg))
		snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", strerror(sys));
	text_trim_cut(err->msg);
	return -(int)code;
}

int err_wrap(struct error *err, const char *fmt, ...)
{
	char prefix[ERR_MSG_MAX], inner[ERR_MSG_MAX];
	va_list ap;
	size_t n;

	if (!err)
		return -(int)ERR_BUG;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	memcpy(inner, err->msg, sizeof(inner));
	prefix[sizeof(prefix) - 3] = '\0';
	text_trim_cut(prefix);
	n = strlen(prefix);
	memcpy(err->msg, prefix, n);
	memcpy(err->msg + n, ": ", 2);
	snprintf(err->msg + n + 2, sizeof(err->msg) - n - 2, "%s", inner);
	text_trim_cut(err->msg);
	return -(int)err->code;
}

int err_nomem(struct error *err)
{
	return err_fail(err, ERR_NOMEM, 0, "out of memory");
}

const char *err_name(enum err_code code)
{
	return code > 0 && code < ERR_CODE_COUNT ? codes[code].name : "unknown";
}

const char *err_hint(enum err_code code)
{
	return code > 0 && code < ERR_CODE_COUNT ? codes[code].hint : "";
}

int err_exit_status(enum err_code code)
{
	return code == ERR_USAGE ? 2 : 3;
}

const char *err_text(char *out, size_t out_size, const void *bytes, size_t n)
{
	const uint8_t *p = bytes, *end = p + n;
	size_t used = 0;

	while (p < end) {
		char one[TEXT_ESCAPE_MAX + 1];
		size_t step, len = text_escape_one(one, p, (size_t)(end - p), &step);

		/* A message puts quotes around names; a name must not end them. */
		if (*p == '\'' || *p == '"')
			len = (size_t)snprintf(one, sizeof(one), "\\%c", *p);
		if (used + len + 4 > out_size) {
			memcpy(out + used, "...", MIN((size_t)3, out_size - used - 1));
			used += MIN((size_t)3, out_size - used - 1);
			break;
		}
		memcpy(out + used, one, len);
		used += len;
		p += step;
	}
	out[used] = '\0';
	return out;
}
