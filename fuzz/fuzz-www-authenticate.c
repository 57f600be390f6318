/* WWW-Authenticate: what is read of several headers ends, is bounded, and stands in what was given.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "registry/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static bool shorter(const char *part, const char *line)
{
	return !part || strlen(part) < strlen(line);
}

/* Each line is a header. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *rest = text, *line;
	enum challenge_scheme before = CHALLENGE_NONE;
	struct challenge c = { 0 };
	struct error err = { 0 };

	if (!text)
		return 0;
	while ((line = strsep(&rest, "\n"))) {
		require(challenge_read(&c, line, &err) == 0);
		require(c.scheme >= before);
		if (c.scheme != before)
			require(shorter(c.realm, line) && shorter(c.service, line) &&
				shorter(c.scope, line));
		before = c.scheme;
	}
	require(c.scheme != CHALLENGE_NONE || (!c.realm && !c.service && !c.scope));
	challenge_free(&c);
	free(text);
	return 0;
}
