/* A pasted log: any bytes, in pieces of any size. What is found must be sayable in both forms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "report/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void tell(const struct explain *x)
{
	struct error err = { 0 };

	for (int format = REPORT_TEXT; format <= REPORT_JSON; format++) {
		char *text = NULL;
		size_t n = 0;
		struct report_options opts = { .format = (enum report_format)format };

		opts.out = open_memstream(&text, &n);
		if (!opts.out)
			return;
		require(explain_report(&opts, x, NULL, NULL, &err) == 0);
		fclose(opts.out);
		/* No control character of a log reaches a terminal. */
		for (size_t i = 0; i < n; i++)
			require((unsigned char)text[i] >= ' ' || text[i] == '\n');
		free(text);
	}
}

static void check(const struct explain *x)
{
	require(x->match_count <= EXPLAIN_MATCHES_MAX);
	for (size_t i = 0; i < x->match_count; i++) {
		const struct explain_match *m = &x->matches[i];

		require(m->says && m->text && m->cause < CAUSE_COUNT && m->blame < BLAME_COUNT);
		require(m->count > 0 && m->reading_count <= EXPLAIN_READINGS_MAX);
		require(m->wrapper_count <= EXPLAIN_WRAPPERS_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct explain_options opts = { 0 };
	size_t piece = size && data[0] < 16 ? data[0] : size;
	struct explain *x = NULL;
	struct error err = { 0 };

	if (explain_new(&x, &opts, &err) < 0)
		return 0;
	for (size_t i = 0; i < size; i += piece ? piece : size) {
		size_t n = piece && piece < size - i ? piece : size - i;

		require(explain_feed(x, data + i, n, &err) >= 0);
	}
	if (size < 64) {
		char text[65];

		memcpy(text, data, size);
		text[size] = '\0';
		require(explain_number(x, text, &err) >= 0);
	}
	require(explain_finish(x, &err) >= 0);
	require(explain_advise(x, &err) >= 0);
	check(x);
	tell(x);
	explain_free(x);
	return 0;
}
