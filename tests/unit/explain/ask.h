/* Asks explain about a text, in one piece or in small ones. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "explain/data.h"
#include "explain/explain.h"

static inline void ask_must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->msg);
}

/* piece 0: all at once. */
static inline struct explain *ask_pieces(const void *text, size_t n, size_t piece, const char *platform)
{
	struct explain_options opts = { 0 };
	struct explain *x = NULL;
	struct error err = { 0 };
	const char *p = text;

	if (platform)
		opts.platform = target_find(platform, strlen(platform));
	ask_must(explain_new(&x, &opts, &err), &err);
	while (n) {
		size_t len = piece && piece < n ? piece : n;

		ask_must(explain_feed(x, p, len, &err), &err);
		p += len;
		n -= len;
	}
	ask_must(explain_finish(x, &err), &err);
	return x;
}

static inline struct explain *ask(const char *text)
{
	struct explain *x = ask_pieces(text, strlen(text), 0, NULL);
	struct error err = { 0 };

	ask_must(explain_advise(x, &err), &err);
	return x;
}

static inline const struct explain_match *ask_first(const struct explain *x)
{
	assert_true(x->match_count >= 1);
	return &x->matches[0];
}

static inline const char *ask_engine(const struct explain_match *m)
{
	return m->engine ? m->engine->name : "";
}
