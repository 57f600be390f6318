/* TOML, and registries.conf on top of it: a tree whose promises hold, or a message. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/toml.h"
#include "registry/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check(const struct toml *t)
{
	require(t->line > 0 && text_is_utf8(t->text ? t->text : "", t->text ? strlen(t->text) : 0));
	require(!t->text == (t->kind == TOML_ARRAY || t->kind == TOML_TABLE));
	require(!t->count || !t->text);
	for (size_t i = 0; i < t->count; i++) {
		require(!t->items[i]->key == (t->kind == TOML_ARRAY));
		if (t->kind == TOML_TABLE)
			require(toml_get(t, t->items[i]->key) == t->items[i]);
		check(t->items[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct registry_conf conf = { 0 };
	struct error err = { 0 };
	struct toml *t = NULL;
	size_t matched = 0;

	if (toml_parse(&t, (const char *)data, size, "x", &err) == 0)
		check(t);
	else
		require(err.msg[0] && text_is_utf8(err.msg, strlen(err.msg)) && !t);
	toml_free(t);
	if (registry_conf_read(&conf, (const char *)data, size, "x", NULL, &err) == 0) {
		const struct conf_registry *g =
			registry_conf_find(&conf, "a.example/team/app", &matched);

		require(!g || (matched > 0 && matched <= strlen("a.example/team/app")));
		(void)registry_conf_alias(&conf, "app");
	}
	registry_conf_free(&conf);
	return 0;
}
