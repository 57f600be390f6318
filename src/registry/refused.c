/* A server's no, in words for the user. */
#include <stdio.h>
#include <string.h>

#include "oci/json.h"
#include "registry/impl.h"

/* One entry of {"errors":[{"code","message"}]}. */
static int error_text(char *out, size_t n, json_t *entry)
{
	const char *code = "", *message = "";
	struct error ignored;

	if (oci_json_string(entry, "code", &code, &ignored) < 0 ||
	    oci_json_string(entry, "message", &message, &ignored) < 0)
		return -1;
	snprintf(out, n, "%s%s%s", code, *code && *message ? ": " : "", message);
	return *out ? 0 : -1;
}

/* What registries say, else what token servers do ("details"). */
static int answer_text(char *out, size_t n, json_t *json)
{
	const char *details = "";
	json_t *errors = NULL;
	struct error ignored;

	if (oci_json_array(json, "errors", &errors, &ignored) == 0 && json_array_size(errors))
		return error_text(out, n, json_array_get(errors, 0));
	if (oci_json_string(json, "details", &details, &ignored) < 0 || !*details)
		return error_text(out, n, json);
	snprintf(out, n, "%s", details);
	return 0;
}

void registry_message(char *out, size_t n, struct http_answer *a)
{
	_cleanup_(freep) uint8_t *bytes = NULL;
	struct error ignored;
	json_t *json = NULL;
	char text[200];
	size_t len;

	*out = '\0';
	if (http_body_all(a, REGISTRY_ANSWER_MAX, &bytes, &len, &ignored) < 0 ||
	    oci_json_parse(&json, bytes, len, "an error", &ignored) < 0)
		return;
	if (answer_text(text, sizeof(text), json) == 0) {
		*out++ = ':';
		*out++ = ' ';
		err_text(out, n - 2, text, strlen(text));
	}
	json_decref(json);
}

static bool has_credential(struct endpoint *e, char *from, size_t n)
{
	const struct registry_login *l = &e->login;
	bool has;

	pthread_mutex_lock(&e->lock);
	has = l->user || l->identity_token || l->registry_token;
	if (has)
		snprintf(from, n, "%s", l->from);
	pthread_mutex_unlock(&e->lock);
	return has;
}

int endpoint_refused(struct endpoint *e, struct http_answer *a, struct error *err)
{
	const struct registry_place *p = e->place;
	long status = http_status(a);
	char text[240], from[128], other[160];

	if (!http_same_origin(http_final_url(a), e->base)) {
		http_url_host(other, sizeof(other), http_final_url(a));
		return err_fail(err, ERR_NET, 0, "%s/%s: %s, which it leads to, answered %ld",
				p->host, p->repository, other, status);
	}
	registry_message(text, sizeof(text), a);
	if (!has_credential(e, from, sizeof(from)))
		return err_fail(err, ERR_AUTH, 0,
				"%s/%s: status %ld%s (no credential is known for it; a name that "
				"is not there may look alike)",
				p->host, p->repository, status, text);
	return err_fail(err, ERR_AUTH, 0, "%s/%s: status %ld%s (the credential of %s %s)", p->host,
			p->repository, status, text, from,
			status == 401 ? "is not accepted" : "does not allow it");
}

int registry_refused(struct http_answer *a, const struct endpoint *e, const char *what,
		     struct error *err)
{
	long status = http_status(a);
	char text[240];

	registry_message(text, sizeof(text), a);
	return err_fail(err, status == 404 ? ERR_NOT_FOUND : ERR_NET, 0, "%s/%s: %s: status %ld%s",
			e->place->host, e->place->repository, what, status, text);
}
