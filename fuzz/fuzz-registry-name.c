/* Names of images: what is taken has the grammar's form, and means the same when read again. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "registry/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct registry_name n = { 0 }, again = { 0 };
	char *text = strndup((const char *)data, size);
	struct buf whole = { 0 };
	struct error err = { 0 };

	if (!text)
		return 0;
	if (registry_name_parse(&n, text, &err) == 0) {
		/* Nothing of it can leave its place in a URL's path or a header. */
		require(strlen(n.host) + strlen(n.repository) < 255);
		require(!strpbrk(n.host, "/?#@% \t\r\n\\") && n.host[0]);
		require(!strpbrk(n.repository, "?#@%: \t\r\n\\") && !strstr(n.repository, ".."));
		require(n.repository[0] != '/' && !strstr(n.repository, "//"));
		require(n.tag || n.digest.text[0]);
		require(registry_name_text(&whole, &n, &err) == 0);
		require(registry_name_parse(&again, buf_str(&whole), &err) == 0);
		require(strcmp(n.host, again.host) == 0);
		require(strcmp(n.repository, again.repository) == 0);
		require(!n.tag == !again.tag && (!n.tag || strcmp(n.tag, again.tag) == 0));
		require(strcmp(n.digest.text, again.digest.text) == 0);
	} else {
		require(err.msg[0] && text_is_utf8(err.msg, strlen(err.msg)) && !n.host);
	}
	registry_name_free(&n);
	registry_name_free(&again);
	buf_free(&whole);
	free(text);
	return 0;
}
