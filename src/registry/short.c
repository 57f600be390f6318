/* Short names: containers/image pkg/shortnames, and docker.io where nothing is configured. */
#include <stdlib.h>
#include <string.h>

#include "registry/conf.h"

void registry_short_names_free(char **names, size_t count)
{
	for (size_t i = 0; names && i < count; i++)
		free(names[i]);
	free(names);
}

/* "HOST/NAME" or NAME alone, made whole: docker.io's library/, :latest. */
static int add(struct conf_words *out, const char *host, const char *name, struct error *err)
{
	_cleanup_(registry_name_freep) struct registry_name n = { 0 };
	_cleanup_(buf_freep) struct buf given = { 0 }, whole = { 0 };
	int r;

	if (buf_printf(&given, "%s%s%s", host, host[0] ? "/" : "", name) < 0)
		return err_nomem(err);
	r = registry_name_parse(&n, buf_str(&given), err);
	if (r == 0)
		r = registry_name_text(&whole, &n, err);
	if (r < 0)
		return r;
	out->v[out->count] = strdup(buf_str(&whole));
	return out->v[out->count++] ? 0 : err_nomem(err);
}

static int resolve(struct conf_words *out, const char *text,
		   const struct registry_place_options *opts, struct error *err)
{
	_cleanup_(registry_conf_freep) struct registry_conf conf = { 0 };
	_cleanup_(freep) char *name = strndup(text, strcspn(text, ":@"));
	_cleanup_(buf_freep) struct buf value = { 0 };
	const char *alias;
	int r = name ? registry_conf_load(&conf, opts->root, opts->notes, err) : err_nomem(err);

	if (r < 0)
		return r;
	alias = registry_conf_alias(&conf, name);
	if (!alias && conf.enforcing && conf.search.count > 1)
		return err_fail(err, ERR_DENIED, 0,
				"'%s' may mean an image of %zu registries, and '%s' "
				"(short-name-mode) wants one chosen: write the name with its host",
				name, conf.search.count, conf.from ? conf.from : "registries.conf");
	out->v = calloc(conf.search.count + 1, sizeof(*out->v));
	if (!out->v)
		return err_nomem(err);
	if (alias)
		return buf_printf(&value, "%s%s", alias, text + strlen(name)) < 0
			       ? err_nomem(err)
			       : add(out, "", buf_str(&value), err);
	for (size_t i = 0; r == 0 && i < conf.search.count; i++)
		r = add(out, conf.search.v[i], text, err);
	return r < 0 || conf.search.count ? r : add(out, "docker.io", text, err);
}

int registry_short_names(char ***out, size_t *count, const char *text,
			 const struct registry_place_options *opts, struct error *err)
{
	_cleanup_(registry_name_freep) struct registry_name n = { 0 };
	struct conf_words words = { 0 };
	int r;

	if (strncmp(text, "//", 2) == 0)
		text += 2;
	/* A bad name is told of before any file is read. */
	r = registry_name_parse(&n, text, err);
	if (r == 0 && registry_name_has_host(text)) {
		words.v = calloc(1, sizeof(*words.v));
		r = words.v ? add(&words, "", text, err) : err_nomem(err);
	} else if (r == 0) {
		r = resolve(&words, text, opts, err);
	}
	if (r < 0) {
		registry_short_names_free(words.v, words.count);
		return r;
	}
	*out = words.v;
	*count = words.count;
	return 0;
}
