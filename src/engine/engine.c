#include "engine/internal.h"

#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/num.h"
#include "oci/familiar.h"
#include "oci/json.h"
#include "stream/peek.h"

#define NAME_MAX_BYTES 600 /* a host, a repository of 255, a tag of 128, a digest */
#define PATH_MAX_BYTES 700
#define WORDS_MAX      (64u << 10) /* bytes of an answer that tells an error */

int engine_open(struct engine **out, const struct limits *limits, struct notes *notes,
		struct error *err)
{
	_cleanup_(engine_closep) struct engine *e = calloc(1, sizeof(*e));
	const struct http_options opts = { .limits = limits, .notes = notes };
	int r;

	if (!e)
		return err_nomem(err);
	e->notes = notes;
	r = endpoint_find(&e->at, err);
	if (r == 0)
		r = http_new(&e->http, &opts, err);
	if (r < 0)
		return r;
	e->ca[0] = e->at.ca;
	e->tls = (struct http_tls){ .insecure = e->at.insecure,
				    .ca = e->ca,
				    .ca_count = e->at.ca ? 1 : 0,
				    .cert = e->at.cert,
				    .key = e->at.key };
	*out = STEAL(e);
	return 0;
}

void engine_close(struct engine *e)
{
	if (!e)
		return;
	http_free(e->http);
	endpoint_done(&e->at);
	free(e);
}

const char *engine_where(const struct engine *e)
{
	return e->at.shown;
}

bool engine_is_named(const struct engine *e)
{
	return e->at.named;
}

bool engine_is_local(const struct engine *e)
{
	return e->at.socket != NULL;
}

struct http_request engine_request(const struct engine *e, const char *method, const char *url)
{
	return (struct http_request){ .method = method,
				      .url = url,
				      .unix_socket = e->at.socket,
				      .tls = &e->tls,
				      .no_redirect = true,
				      .once = true };
}

/* {"message": "..."}, or text as it stands. */
static void words_of(char *out, size_t n, const uint8_t *data, size_t len)
{
	const char *said = NULL;
	struct error ignored;
	json_t *json = NULL;

	if (oci_json_parse(&json, data, len, "", &ignored) == 0 && json_is_object(json) &&
	    oci_json_string(json, "message", &said, &ignored) == 0 && said)
		err_text(out, n, said, strlen(said));
	else
		err_text(out, n, data, strnlen((const char *)data, len));
	json_decref(json);
}

int engine_refused(struct engine *e, struct http_answer *a, struct error *err)
{
	_cleanup_(freep) uint8_t *data = NULL;
	char words[250] = "";
	struct error ignored;
	size_t len = 0;

	if (http_body_all(a, WORDS_MAX, &data, &len, &ignored) == 0) {
		while (len && strchr("\r\n", data[len - 1]))
			len--;
		words_of(words, sizeof(words), data, len);
	}
	return err_fail(err, ERR_NET, 0, "%s answered %ld%s%s", e->at.shown, http_status(a),
			*words ? ": " : "", words);
}

/* Who may: the socket's own group, by its name where it has one. */
static int not_allowed(const struct engine *e, struct error *err)
{
	char names[4096], number[16], shown[80];
	const char *group = number;
	struct group entry, *found = NULL;
	struct stat st;

	if (stat(e->at.socket, &st) < 0 || !(st.st_mode & S_IWGRP))
		return err_wrap(err, "this user may not ask the docker daemon");
	snprintf(number, sizeof(number), "%u", (unsigned)st.st_gid);
	if (getgrgid_r(st.st_gid, &entry, names, sizeof(names), &found) == 0 && found)
		group = found->gr_name;
	return err_wrap(err, "this user may not ask the docker daemon; root and group %s may",
			err_text(shown, sizeof(shown), group, strlen(group)));
}

int engine_get(struct engine *e, const char *path, unsigned patience, struct http_answer **out,
	       struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) char *url = NULL;
	struct http_request rq;
	int r;

	if (asprintf(&url, "%s%s", e->at.base, path) < 0) {
		url = NULL;
		return err_nomem(err);
	}
	rq = engine_request(e, "GET", url);
	rq.patience = patience;
	r = http_send(&a, e->http, &rq, err);
	if (r < 0 && err->sys == EACCES && e->at.socket)
		return not_allowed(e, err);
	if (r < 0)
		return err_wrap(err, "the docker daemon");
	if (http_status(a) == 404)
		return 1;
	if (http_status(a) != 200)
		return engine_refused(e, a, err);
	*out = STEAL(a);
	return 0;
}

/* A small answer as JSON. */
static int get_json(struct engine *e, const char *path, json_t **out, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(freep) uint8_t *data = NULL;
	size_t len;
	int r = engine_get(e, path, ENGINE_WAIT, &a, err);

	if (r)
		return r;
	r = http_body_all(a, ENGINE_ANSWER_MAX, &data, &len, err);
	if (r == 0)
		r = oci_json_parse(out, data, len, "its answer", err);
	if (r < 0)
		return err_wrap(err, "%s", e->at.shown);
	return 0;
}

/* What goes into the path of a URL as it stands, and can be no step out of it. */
static bool name_ok(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-/:@";
	size_t n = strlen(name);

	if (!n || n > NAME_MAX_BYTES || strspn(name, allowed) != n || strchr("/-.:@", name[0]))
		return false;
	return !strstr(name, "//") && !strstr(name, "/.") && name[n - 1] != '/';
}

/* The name behind sha256: or not is the beginning of the id. */
static bool begins_id(const char *id, const char *name)
{
	if (strncmp(name, "sha256:", 7) == 0)
		name += 7;
	return strncmp(id + 7, name, strlen(name)) == 0;
}

/* A name without a tag means all tags where an image is got: the one that was found is asked for.
 */
static int call_it(struct engine_image *img, json_t *tags, const char *name, struct error *err)
{
	const char *slash = strrchr(name, '/'), *tag;
	bool has_tag = strpbrk(slash ? slash : name, ":@") != NULL;

	for (size_t i = 0; i < json_array_size(tags); i++) {
		int r = oci_json_item(tags, i, &tag, err);

		if (r < 0)
			return r;
		if (!familiar_equal(tag, name) || !name_ok(tag))
			continue;
		img->name = strdup(tag);
		return img->name ? 0 : err_nomem(err);
	}
	if (begins_id(img->id, name))
		img->name = strdup(img->id);
	else if (asprintf(&img->name, "%s%s", name, has_tag ? "" : ":latest") < 0)
		img->name = NULL;
	return img->name ? 0 : err_nomem(err);
}

static int read_image(struct engine_image *img, json_t *json, const char *name, struct error *err)
{
	const char *id = "";
	json_t *tags = NULL;
	int r = oci_json_string(json, "Id", &id, err);

	if (r == 0)
		r = oci_json_array(json, "RepoTags", &tags, err);
	if (r < 0)
		return r;
	/* podman leaves the algorithm out. */
	if (strncmp(id, "sha256:", 7) == 0)
		id += 7;
	if (strspn(id, "0123456789abcdef") != 64 || id[64])
		return err_fail(err, ERR_NET, 0, "its answer names no image id");
	snprintf(img->id, sizeof(img->id), "sha256:%s", id);
	return call_it(img, tags, name, err);
}

int engine_find(struct engine *e, const char *name, struct engine_image *out, struct error *err)
{
	char path[PATH_MAX_BYTES], shown[150];
	json_t *json = NULL;
	int r;

	*out = (struct engine_image){ 0 };
	if (!name_ok(name))
		return err_fail(err, ERR_USAGE, 0, "'%s' is no image name",
				err_text(shown, sizeof(shown), name, strlen(name)));
	snprintf(path, sizeof(path), "/images/%s/json", name);
	r = get_json(e, path, &json, err);
	if (r)
		return r;
	r = read_image(out, json, name, err);
	json_decref(json);
	if (r < 0)
		engine_image_done(out);
	return r < 0 ? err_wrap(err, "%s", e->at.shown) : 0;
}

void engine_image_done(struct engine_image *img)
{
	free(img->name);
	*img = (struct engine_image){ 0 };
}

static int keep_word(char **out, json_t *json, const char *key, struct error *err)
{
	const char *word = "";
	int r = oci_json_string(json, key, &word, err);

	if (r < 0)
		return r;
	*out = strdup(word);
	return *out ? 0 : err_nomem(err);
}

int engine_root(struct engine *e, char **root, char **driver, struct error *err)
{
	json_t *json = NULL;
	int r = get_json(e, "/info", &json, err);

	*root = *driver = NULL;
	if (r > 0)
		return err_fail(err, ERR_NET, 0, "%s has no /info", e->at.shown);
	if (r == 0)
		r = keep_word(root, json, "DockerRootDir", err);
	if (r == 0)
		r = keep_word(driver, json, "Driver", err);
	json_decref(json);
	if (r < 0) {
		free(STEAL(*root));
		free(STEAL(*driver));
	}
	return r;
}

static bool is_podman(json_t *version)
{
	json_t *components = NULL;
	struct error ignored;

	if (oci_json_array(version, "Components", &components, &ignored) < 0)
		return false;
	for (size_t i = 0; i < json_array_size(components); i++) {
		const char *name = "";

		if (oci_json_string(json_array_get(components, i), "Name", &name, &ignored) == 0 &&
		    strstr(name, "Podman"))
			return true;
	}
	return false;
}

int engine_reads_zstd(struct engine *e, bool *yes, char *version, struct error *err)
{
	const char *own = "?", *api = "";
	uint32_t major = 0, minor = 0;
	json_t *json = NULL;
	const char *dot;
	int r = get_json(e, "/version", &json, err);

	if (r > 0)
		r = err_fail(err, ERR_NET, 0, "%s has no /version", e->at.shown);
	if (r == 0)
		r = oci_json_string(json, "Version", &own, err);
	if (r == 0)
		r = oci_json_string(json, "ApiVersion", &api, err);
	if (r == 0) {
		dot = strchr(api, '.');
		if (dot && num_u32(api, (size_t)(dot - api), &major) &&
		    num_u32(dot + 1, strlen(dot + 1), &minor))
			*yes = major > 1 || minor >= 42;
		else
			*yes = false;
		*yes = *yes || is_podman(json);
		err_text(version, 64, own, strlen(own));
	}
	json_decref(json);
	return r;
}

/* An error of the daemon that came too late for a status. */
static int check_begin(struct engine *e, const uint8_t *bytes, size_t n, struct error *err)
{
	char words[250];

	if (!n || bytes[0] != '{')
		return 0;
	words_of(words, sizeof(words), bytes, n);
	return err_fail(err, ERR_NET, 0, "%s sent no image: %s", e->at.shown, words);
}

int engine_save(struct engine *e, const char *name, struct stream **out, struct error *err)
{
	_cleanup_(http_answer_freep) struct http_answer *a = NULL;
	_cleanup_(stream_closep) struct stream *body = NULL, *peeked = NULL;
	char path[PATH_MAX_BYTES];
	const uint8_t *bytes;
	size_t got;
	int r;

	snprintf(path, sizeof(path), "/images/%s/get", name);
	r = engine_get(e, path, ENGINE_PACK_WAIT, &a, err);
	if (r > 0)
		return err_fail(err, ERR_NOT_FOUND, 0, "%s has no image '%s'", e->at.shown, name);
	if (r == 0)
		r = http_body_stream(&body, a, err);
	if (r < 0)
		return r;
	a = NULL; /* body owns it */
	r = stream_open_peeked(&peeked, body, 512, &bytes, &got, err);
	if (r < 0)
		return r;
	body = NULL; /* peeked owns it */
	r = check_begin(e, bytes, got, err);
	if (r == 0)
		*out = STEAL(peeked);
	return r;
}
