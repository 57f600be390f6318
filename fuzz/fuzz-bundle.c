/* A config becomes a config.json or is refused; the first byte picks the command line. What comes
 * out is JSON with a program to run, the filter, and no annotation that a runtime obeys. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "bundle/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static json_t *member(json_t *json, const char *a, const char *b)
{
	return json_object_get(json_object_get(json, a), b);
}

static void check(const struct buf *text, const char *program)
{
	json_t *json = json_loadb(buf_str(text), text->len, JSON_REJECT_DUPLICATES, NULL);
	json_t *args = member(json, "process", "args"), *value;
	size_t i;
	const char *name;

	must(json && json_array_size(args) > 0);
	must(strcmp(json_string_value(json_array_get(args, 0)), program) == 0);
	must(*json_string_value(member(json, "process", "cwd")) == '/');
	json_array_foreach(member(json, "process", "env"), i, value)
		must(strchr(json_string_value(value), '=') > json_string_value(value));
	json_object_foreach(json_object_get(json, "annotations"), name, value)
		must(*name && json_is_string(value) && strncmp(name, "run.oci.", 8) != 0);
	must(strcmp(json_string_value(
			    json_object_get(member(json, "linux", "seccomp"), "defaultAction")),
		    "SCMP_ACT_ERRNO") == 0);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const args[] = { "a", "b" };
	static const char *const env[] = { "A=1", "PATH=/", "HOME" };
	struct limits limits = limits_default();
	struct exec_user user = { .uid = size & 1 ? 1000 : 0 };
	struct oci_config config = { 0 };
	struct buf text = { 0 };
	struct error err = { 0 };
	uint8_t how = size ? data[0] : 0;
	struct bundle_options opts = { .user = &user,
				       .args = args,
				       .arg_count = how & 3 ? 0 : 2,
				       .env = env,
				       .env_count = how & 4 ? 3 : 0,
				       .entrypoint = how & 8 ? "/e" : NULL,
				       .cwd = how & 16 ? "/w" : NULL,
				       .terminal = how & 32,
				       .host_network = how & 64,
				       .cgroups = how & 128 };
	char *program = NULL;

	if (!size || oci_config_parse(&config, data + 1, size - 1, &limits, &err) < 0)
		return 0;
	if (bundle_config(&text, &config, &opts, &err) == 0) {
		must(bundle_program(&program, &config, &opts, &err) == 0);
		check(&text, program);
		free(program);
	} else {
		must(err.msg[0] && text.len == 0);
	}
	buf_free(&text);
	oci_config_free(&config);
	return 0;
}
