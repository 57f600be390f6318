/* The JSON of containers-auth.json(5) and of Docker's config.json (docker/cli cli/config). */
#include "registry/auth-file.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "oci/json.h"
#include "registry/helper.h"

#define HUB_KEY "https://index.docker.io/v1/" /* docker login's key for docker.io */

/* The host of a key: "https://HOST/v2/" and "http://HOST" are Docker's old forms; docker.io has
 * three names. A key with a path that is no URL is a repository's, and no host's. */
static const char *key_host(const char *key, size_t *n)
{
	const char *at = key;

	if (strncmp(at, "https://", 8) == 0)
		at += 8;
	else if (strncmp(at, "http://", 7) == 0)
		at += 7;
	*n = at == key ? strlen(at) : strcspn(at, "/");
	if ((*n == 9 && strncmp(at, "docker.io", 9) == 0) ||
	    (*n == 20 && strncmp(at, "registry-1.docker.io", 20) == 0)) {
		*n = 15;
		return "index.docker.io";
	}
	return at;
}

static bool same_host(const char *key, const char *host)
{
	size_t n, m;
	const char *a = key_host(key, &n), *b = key_host(host, &m);

	return n == m && memcmp(a, b, n) == 0;
}

static int copy(char **out, const char *text, size_t n, struct error *err)
{
	*out = strndup(text, n);
	return *out ? 0 : err_nomem(err);
}

/* "USER:PASSWORD" as base64 decoded it; Docker cuts NULs off its ends. Nothing where there is no
 * colon, as Docker and podman have it. */
static int split(struct registry_login *out, const struct buf *plain, struct error *err)
{
	const char *text = buf_str(plain), *end = text + plain->len;
	const char *colon = memchr(text, ':', plain->len), *from;
	int r;

	if (!colon || colon == text)
		return 1;
	from = colon + 1;
	while (from < end && !*from)
		from++;
	while (end > from && !end[-1])
		end--;
	if (memchr(text, '\0', (size_t)(end - text)))
		return 1;
	r = copy(&out->user, text, (size_t)(colon - text), err);
	return r < 0 ? r : copy(&out->secret, from, (size_t)(end - from), err);
}

static int decode(struct registry_login *out, const char *auth, const char *path, struct error *err)
{
	_cleanup_(registry_wipe_buf) struct buf plain = { 0 };
	int r = text_unbase64(&plain, auth, strlen(auth));

	if (r < 0)
		return err_nomem(err);
	if (r > 0)
		return err_fail(err, ERR_BAD_INPUT, 0, "'%s': an \"auth\" that is no base64", path);
	return split(out, &plain, err);
}

/* One member of "auths": 0, or 1 where it holds no credential (Docker leaves {} behind for what a
 * helper keeps). */
static int read_entry(struct registry_login *out, json_t *entry, const char *path,
		      struct error *err)
{
	static const char *const keys[] = { "auth", "username", "password", "identitytoken",
					    "registrytoken" };
	const char *v[ARRAY_SIZE(keys)] = { "", "", "", "", "" };
	int r = 0;

	if (json_is_null(entry))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(keys) && r == 0; i++)
		r = oci_json_string(entry, keys[i], &v[i], err);
	if (r < 0)
		return err_wrap(err, "'%s'", path);
	if (v[3][0])
		r = copy(&out->identity_token, v[3], strlen(v[3]), err);
	if (r == 0 && v[4][0])
		r = copy(&out->registry_token, v[4], strlen(v[4]), err);
	if (r == 0 && v[0][0])
		r = decode(out, v[0], path, err);
	else if (r == 0 && v[1][0] && v[2][0]) {
		r = copy(&out->user, v[1], strlen(v[1]), err);
		if (r == 0)
			r = copy(&out->secret, v[2], strlen(v[2]), err);
	}
	if (r < 0)
		return r;
	/* podman takes an empty password for none. */
	return out->identity_token || out->registry_token ||
			       (out->user && out->secret && out->secret[0])
		       ? 0
		       : 1;
}

static int try_entry(struct registry_login *out, json_t *entry, const char *path, struct error *err)
{
	struct registry_login l = { 0 };
	int r = read_entry(&l, entry, path, err);

	if (r == 0)
		r = copy(&l.from, path, strlen(path), err);
	if (r)
		registry_login_free(&l);
	else
		*out = l;
	return r;
}

static int find_entry(struct registry_login *out, json_t *auths, const struct auth_target *target,
		      const char *path, bool flat, struct error *err)
{
	_cleanup_(freep) char *key = strdup(flat ? target->host : target->name);
	const char *name;
	json_t *entry;
	int r = 1;

	if (!key)
		return err_nomem(err);
	for (char *slash = key; slash && r == 1;) {
		entry = json_object_get(auths, key);
		if (entry)
			r = try_entry(out, entry, path, err);
		slash = strrchr(key, '/');
		if (slash)
			*slash = '\0';
	}
	json_object_foreach(auths, name, entry)
	{
		if (r != 1)
			break;
		if (strcmp(name, target->host) != 0 && same_host(name, target->host))
			r = try_entry(out, entry, path, err);
	}
	return r;
}

int registry_auth_ask(struct registry_login *out, const char *helper, const char *server,
		      const char *path, bool need, struct notes *notes, struct error *err)
{
	struct registry_login l = { 0 };
	int r = registry_helper_get(&l, helper, server, err);

	if (r == 2 && !need) {
		notes_add(notes, "docker-credential-%s, which '%s' names, is not on the PATH",
			  helper, path);
		r = 1;
	} else if (r == 2) {
		r = err_fail(
			err, ERR_AUTH, 0,
			"docker-credential-%s, which '%s' names for this host, is not on the PATH",
			helper, path);
	} else if (r < 0 && err) {
		r = err_wrap(err, "'%s'", path);
	}
	if (r == 0 && asprintf(&l.from, "docker-credential-%s of %s", helper, path) < 0) {
		l.from = NULL;
		r = err_nomem(err);
	}
	if (r)
		registry_login_free(&l);
	else
		*out = l;
	return r;
}

/* The member of "credHelpers" for the host: *helper, and in *key how the file names it, which is
 * what the helper is asked for. */
static int host_helper(json_t *helpers, const char *host, const char **key, const char **helper,
		       struct error *err)
{
	const char *name;
	json_t *value;

	*helper = NULL;
	json_object_foreach(helpers, name, value)
	{
		if (strcmp(name, host) == 0 || (!*helper && same_host(name, host))) {
			if (!json_is_string(value))
				return err_fail(err, ERR_BAD_INPUT, 0,
						"\"credHelpers\" holds what is no string");
			*key = name;
			*helper = json_string_value(value);
		}
	}
	return 0;
}

static int look(struct registry_login *out, json_t *json, const struct auth_target *target,
		const char *path, struct notes *notes, struct error *err)
{
	json_t *auths = NULL, *helpers = NULL;
	const char *store = "", *helper = NULL, *key = NULL;
	int r = oci_json_object(json, "auths", &auths, err);

	if (r == 0)
		r = oci_json_object(json, "credHelpers", &helpers, err);
	if (r == 0)
		r = oci_json_string(json, "credsStore", &store, err);
	if (r == 0)
		r = host_helper(helpers, target->host, &key, &helper, err);
	if (r < 0)
		return err_wrap(err, "'%s'", path);
	if (helper && helper[0])
		return registry_auth_ask(out, helper, key, path, true, notes, err);
	r = find_entry(out, auths, target, path, false, err);
	if (r != 1 || !store[0])
		return r;
	return registry_auth_ask(out, store,
				 same_host(target->host, "docker.io") ? HUB_KEY : target->host,
				 path, false, notes, err);
}

int registry_auth_read(struct registry_login *out, const struct auth_target *target,
		       const void *bytes, size_t n, const char *path, bool flat,
		       struct notes *notes, struct error *err)
{
	char what[300];
	json_t *json = NULL;
	int r;

	/* docker takes a file of nothing for {}. */
	if (n == 0)
		return 1;
	snprintf(what, sizeof(what), "'%s'", path);
	r = oci_json_parse(&json, bytes, n, what, err);
	if (r < 0)
		return r;
	if (!json_is_object(json))
		r = err_fail(err, ERR_BAD_INPUT, 0, "'%s' is no JSON object", path);
	else
		r = flat ? find_entry(out, json, target, path, true, err)
			 : look(out, json, target, path, notes, err);
	registry_wipe_json(json);
	json_decref(json);
	return r;
}
