/* process.args: the image's Entrypoint and Cmd with the command line's, as Docker joins them (moby
 * daemon/commit.go merge(), daemon/create.go). */
#include <string.h>

#include "base/macro.h"
#include "bundle/internal.h"

/* Appends a command of the image: an array of strings, or one string, which engines take as one
 * word (moby api/types/strslice). */
static int append_command(json_t *args, const struct bundle *b, const char *key, struct error *err)
{
	json_t *command = NULL;
	const char *word;
	int r = b->image ? oci_json_member(b->image, key, &command, err) : 0;

	if (r < 0 || !command)
		return r;
	if (json_is_string(command)) {
		r = oci_json_string(b->image, key, &word, err);
		return r < 0 ? r : bundle_push(args, json_string(word), err);
	}
	if (!json_is_array(command))
		return err_fail(err, ERR_BAD_INPUT, 0,
				"'%s' is neither an array of strings nor a string", key);
	for (size_t i = 0; r == 0 && i < json_array_size(command); i++) {
		r = oci_json_item(command, i, &word, err);
		if (r < 0)
			return err_wrap(err, "'%s'", key);
		r = bundle_push(args, json_string(word), err);
	}
	return r;
}

static int append_word(json_t *args, const char *text, const char *what, struct error *err)
{
	json_t *word = NULL;
	int r = bundle_text(&word, text, what, err);

	return r < 0 ? r : bundle_push(args, word, err);
}

static int append_entrypoint(json_t *args, const struct bundle *b, struct error *err)
{
	int r;

	if (b->opts->entrypoint && b->opts->entrypoint[0])
		return append_word(args, b->opts->entrypoint, "the entrypoint", err);
	if (b->opts->entrypoint)
		return 0;
	r = append_command(args, b, "Entrypoint", err);
	/* [""] is how an image unsets the entrypoint of the one that it was made from. */
	if (r == 0 && json_array_size(args) == 1 &&
	    json_string_length(json_array_get(args, 0)) == 0)
		json_array_clear(args);
	return r;
}

int bundle_args(json_t **out, const struct bundle *b, struct error *err)
{
	json_auto_t *args = json_array();
	int r = append_entrypoint(args, b, err);

	for (size_t i = 0; r == 0 && i < b->opts->arg_count; i++)
		r = append_word(args, b->opts->args[i], "the argument", err);
	if (r == 0 && !b->opts->arg_count && !b->opts->entrypoint)
		r = append_command(args, b, "Cmd", err);
	if (r < 0)
		return r;
	if (!json_array_size(args))
		return err_fail(err, ERR_USAGE, 0,
				"nothing to run: the image has neither Entrypoint nor Cmd, and no "
				"command was given");
	*out = STEAL(args);
	return 0;
}
