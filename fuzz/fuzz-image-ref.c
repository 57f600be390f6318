/* References, platforms and digests: text in, struct out. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "oci/descriptor.h"
#include "oci/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct oci_digest digest;
	struct platform p, again;
	struct error err = { 0 };
	struct ref ref;
	char shown[100];

	if (!text)
		return 0;
	if (ref_parse(&ref, text, &err) == 0) {
		require(ref.path && ref.path[0] && ref.index >= -1);
		require(!ref.name || (ref.name[0] && ref.index == -1));
		ref_free(&ref);
	} else {
		require(err.msg[0] && text_is_utf8(err.msg, strlen(err.msg)));
	}
	if (platform_parse(&p, text, &err) == 0) {
		platform_print(&p, shown);
		require(strcmp(shown, text) == 0);
		require(platform_parse(&again, shown, &err) == 0);
		require(platform_matches(&p, &again));
	}
	if (oci_digest_parse(&digest, text, &err) == 0)
		require(strcmp(digest.text, text) == 0 && strlen(oci_digest_hex(&digest)) >= 64);
	(void)media_kind(text, NULL);
	free(text);
	return 0;
}
