/* Docker's contexts (docker/cli, cli/context/store): contexts/meta/SHA256-OF-NAME/meta.json beside
 * config.json, certificates in contexts/tls/SHA256-OF-NAME/docker.
 */
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "engine/internal.h"
#include "host/file.h"
#include "oci/json.h"
#include "stream/digest.h"

/* 1 where there is no such file. */
static int read_json(json_t **out, const char *path, struct error *err)
{
	struct buf text = { 0 };
	int r = host_read(&text, "", path, err);

	if (r == 0)
		r = oci_json_parse(out, text.data, text.len, path, err);
	/* config.json holds credentials. */
	if (text.data)
		explicit_bzero(text.data, text.cap);
	buf_free(&text);
	return r;
}

/* 1 where none is named. */
static int current(char **out, const char *settings, struct error *err)
{
	const char *said = getenv("DOCKER_CONTEXT"), *name = "";
	_cleanup_(buf_freep) struct buf path = { 0 };
	json_t *json = NULL;
	int r = 0;

	if (said && *said) {
		name = said;
	} else {
		if (buf_printf(&path, "%s/config.json", settings) < 0)
			return err_nomem(err);
		r = read_json(&json, buf_str(&path), err);
		if (r == 0)
			r = oci_json_string(json, "currentContext", &name, err);
	}
	if (r == 0 && (!*name || strcmp(name, "default") == 0))
		r = 1;
	if (r == 0) {
		*out = strdup(name);
		r = *out ? 0 : err_nomem(err);
	}
	json_decref(json);
	return r;
}

static int read_meta(struct endpoint *out, json_t *json, const char *what, const char *certs,
		     struct error *err)
{
	json_t *all = NULL, *docker = NULL;
	const char *host = "";
	struct stat st;
	bool tls = stat(certs, &st) == 0;
	int r = oci_json_object(json, "Endpoints", &all, err);

	if (r == 0 && all)
		r = oci_json_object(all, "docker", &docker, err);
	if (r == 0 && docker)
		r = oci_json_string(docker, "Host", &host, err);
	if (r == 0 && docker)
		r = oci_json_bool(docker, "SkipTLSVerify", &out->insecure, err);
	if (r == 0 && !*host)
		return err_fail(err, ERR_BAD_INPUT, 0, "%s names no docker endpoint", what);
	return r < 0 ? r : endpoint_parse(out, host, what, tls || out->insecure, certs, err);
}

int endpoint_of_context(struct endpoint *out, struct error *err)
{
	_cleanup_(freep) char *settings = endpoint_settings(), *name = NULL;
	_cleanup_(buf_freep) struct buf meta = { 0 }, certs = { 0 };
	char hex[DIGEST_HEX_MAX + 1], shown[80], what[100];
	json_t *json = NULL;
	int r = settings ? current(&name, settings, err) : err_nomem(err);

	if (r == 0)
		r = digest_hex(DIGEST_SHA256, name, strlen(name), hex, err);
	if (r)
		return r;
	if (buf_printf(&meta, "%s/contexts/meta/%s/meta.json", settings, hex) < 0 ||
	    buf_printf(&certs, "%s/contexts/tls/%s/docker", settings, hex) < 0)
		return err_nomem(err);
	snprintf(what, sizeof(what), "context '%s'",
		 err_text(shown, sizeof(shown), name, strlen(name)));
	r = read_json(&json, buf_str(&meta), err);
	if (r > 0)
		r = err_fail(err, ERR_NOT_FOUND, 0, "%s of docker does not exist (%s)", what,
			     settings);
	else if (r == 0)
		r = read_meta(out, json, what, buf_str(&certs), err);
	json_decref(json);
	return r;
}
