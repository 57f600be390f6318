/* process.env: ours, the image's and the command line's, the later one in place of the earlier
 * (moby daemon/container/env.go ReplaceOrAppendEnvVars). */
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "bundle/internal.h"

/* Variables by name, in the order in which the names came: an object, so that 100,000 of an image
 * take no square of that. value is NAME=VALUE, taken over. */
static int set(json_t *variables, json_t *value, struct error *err)
{
	const char *text = json_string_value(value);
	char *name;
	int r;

	if (!text)
		return err_nomem(err);
	name = strndup(text, strcspn(text, "="));
	if (!name) {
		json_decref(value);
		return err_nomem(err);
	}
	r = bundle_put(variables, name, value, err);
	free(name);
	return r;
}

static int set_pair(json_t *variables, const char *name, const char *value, const char *what,
		    struct error *err)
{
	_cleanup_(buf_freep) struct buf pair = { 0 };
	json_t *text = NULL;
	int r;

	if (buf_printf(&pair, "%s=%s", name, value) < 0)
		return err_nomem(err);
	r = bundle_text(&text, buf_str(&pair), what, err);
	return r < 0 ? r : set(variables, text, err);
}

static int set_own(json_t *variables, const struct bundle *b, struct error *err)
{
	const char *host = b->opts->hostname ? b->opts->hostname : "uidfit";
	int r = set(variables, json_string(container_path), err);

	if (r == 0)
		r = set_pair(variables, "HOSTNAME", host, "the host name", err);
	if (r == 0)
		r = set_pair(variables, "HOME", b->opts->home ? b->opts->home : "/",
			     "the home directory", err);
	if (r == 0 && b->opts->terminal)
		r = set(variables, json_string(container_term), err);
	return r;
}

/* What has no '=' takes the variable away; what has no name no runtime takes. */
static int set_image(json_t *variables, const struct bundle *b, struct error *err)
{
	json_t *array = NULL;
	const char *text;
	int r = b->image ? oci_json_array(b->image, "Env", &array, err) : 0;

	for (size_t i = 0; r == 0 && i < json_array_size(array); i++) {
		r = oci_json_item(array, i, &text, err);
		if (r < 0)
			return err_wrap(err, "'Env'");
		if (text[0] == '=' || !text[0])
			return err_fail(err, ERR_BAD_INPUT, 0,
					"'Env': element %zu is a variable without a name", i);
		if (strchr(text, '='))
			r = set(variables, json_string(text), err);
		else
			json_object_del(variables, text);
	}
	return r;
}

static int set_given(json_t *variables, const char *text, struct error *err)
{
	const char *value = getenv(text);
	json_t *pair = NULL;
	char shown[80];
	int r;

	if (text[0] == '=' || !text[0])
		return err_fail(err, ERR_USAGE, 0, "-e '%s': a variable without a name",
				err_text(shown, sizeof(shown), text, strlen(text)));
	if (!strchr(text, '=')) {
		if (value)
			return set_pair(variables, text, value, "the variable", err);
		json_object_del(variables, text);
		return 0;
	}
	r = bundle_text(&pair, text, "the variable", err);
	return r < 0 ? r : set(variables, pair, err);
}

int bundle_env(json_t **out, const struct bundle *b, struct error *err)
{
	json_auto_t *variables = json_object();
	json_auto_t *list = json_array();
	const char *name;
	json_t *value;
	int r = set_own(variables, b, err);

	if (r == 0)
		r = set_image(variables, b, err);
	for (size_t i = 0; r == 0 && i < b->opts->env_count; i++)
		r = set_given(variables, b->opts->env[i], err);
	if (r < 0)
		return r;
	json_object_foreach(variables, name, value)
	{
		r = bundle_push(list, json_incref(value), err);
		if (r < 0)
			return r;
	}
	*out = STEAL(list);
	return 0;
}
