/* auth.json, config.json, .dockercfg, and a helper's answer: a credential, none, or a message that
 * does not repeat the document. Helpers are not started: the PATH is empty. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "registry/auth-file.h"
#include "registry/helper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check(int r, struct registry_login *l, const struct error *err)
{
	if (r < 0)
		require(err->msg[0] && text_is_utf8(err->msg, strlen(err->msg)));
	require((r == 0) == (l->user || l->identity_token || l->registry_token));
	require(!l->user == !l->secret);
	registry_login_free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct auth_target targets[] = { { "r.example/team/app", "r.example" },
						      { "docker.io/library/app", "docker.io" } };
	struct registry_login l = { 0 };

	setenv("PATH", "", 1);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		for (int flat = 0; flat < 2; flat++) {
			struct error err = { 0 };
			int r = registry_auth_read(&l, &targets[i], data, size, "x", flat, NULL,
						   &err);

			check(r, &l, &err);
		}
	}
	{
		struct error err = { 0 };
		int r = registry_helper_answer(&l, "x", data, size, &err);

		check(r, &l, &err);
	}
	return 0;
}
