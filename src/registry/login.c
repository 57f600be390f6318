/* Where credentials come from, in order (containers/image pkg/docker/config, docker/cli). */
#include "registry/login.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/file.h"
#include "registry/auth-file.h"
#include "registry/conf.h"
#include "registry/helper.h"

#define FILE_ROOM (64u << 10) /* most files fit, so that no copy stays where a buffer has been */

void registry_login_free(struct registry_login *l)
{
	registry_wipe(l->user);
	registry_wipe(l->secret);
	registry_wipe(l->identity_token);
	registry_wipe(l->registry_token);
	free(l->from);
	*l = (struct registry_login){ 0 };
}

struct search {
	const struct registry_login_options *opts;
	struct auth_target target;
	struct registry_login *out;
};

static int set(struct registry_login *out, const char *user, size_t n, const char *secret,
	       const char *from, struct error *err)
{
	out->user = strndup(user, n);
	out->secret = strdup(secret);
	out->from = strdup(from);
	return out->user && out->secret && out->from ? 0 : err_nomem(err);
}

/* 1 where the command line says nothing. */
static int from_options(struct registry_login *out, const struct registry_login_options *o,
			struct error *err)
{
	const char *colon = o->creds ? strchr(o->creds, ':') : NULL;

	if (o->token) {
		out->registry_token = strdup(o->token);
		out->from = strdup("--registry-token");
		return out->registry_token && out->from ? 0 : err_nomem(err);
	}
	if (o->creds && (!colon || colon == o->creds))
		return err_fail(
			err, ERR_USAGE, 0,
			"--creds is USER:PASSWORD; a password that others shall not see goes "
			"by --username USER --password-stdin");
	if (o->creds)
		return set(out, o->creds, (size_t)(colon - o->creds), colon + 1, "--creds", err);
	if ((o->user && o->user[0]) != (o->password != NULL))
		return err_fail(err, ERR_USAGE, 0, "--username and --password-stdin go together");
	return o->password ? set(out, o->user, strlen(o->user), o->password, "--username", err) : 1;
}

/* 0, 1 where the file is not there or has none. named: somebody has said that it is there. */
static int from_file(struct search *s, const char *root, const char *path, bool flat, bool named,
		     struct error *err)
{
	_cleanup_(registry_wipe_buf) struct buf text = { 0 };
	int r = buf_reserve(&text, FILE_ROOM) < 0 ? err_nomem(err)
						  : host_read(&text, root, path, err);

	if (r == 1 && named)
		return err_fail(err, ERR_NOT_FOUND, 0, "no file '%s'", path);
	if (r < 0 && err->code == ERR_IO && !named) {
		notes_add(s->opts->notes, "no credentials from there: %s", err->msg);
		return 1;
	}
	return r ? r
		 : registry_auth_read(s->out, &s->target, buf_str(&text), text.len, path, flat,
				      s->opts->notes, err);
}

static int from_environment(struct search *s, struct error *err)
{
	const char *text = getenv("DOCKER_AUTH_CONFIG");

	return text ? registry_auth_read(s->out, &s->target, text, strlen(text),
					 "DOCKER_AUTH_CONFIG", false, s->opts->notes, err)
		    : 1;
}

/* The files in order: an absolute directory from the environment, or one beneath another. */
static int from_default_files(struct search *s, struct error *err)
{
	const char *home = registry_home();
	const struct {
		const char *variable, *path, *home_path;
		bool flat;
	} files[] = {
		{ "XDG_RUNTIME_DIR", "/containers/auth.json", NULL, false },
		{ "XDG_CONFIG_HOME", "/containers/auth.json", "/.config/containers/auth.json",
		  false },
		{ "DOCKER_CONFIG", "/config.json", "/.docker/config.json", false },
		{ NULL, NULL, "/.dockercfg", true },
	};
	int r = 1;

	for (size_t i = 0; i < ARRAY_SIZE(files) && r == 1; i++) {
		const char *dir = files[i].variable ? getenv(files[i].variable) : NULL;
		_cleanup_(buf_freep) struct buf path = { 0 };
		int e;

		if (dir && dir[0])
			e = buf_printf(&path, "%s%s", dir, files[i].path);
		else if (!files[i].home_path)
			e = buf_printf(&path, "/run/containers/%u/auth.json", (unsigned)getuid());
		else if (home[0])
			e = buf_printf(&path, "%s%s", home, files[i].home_path);
		else
			continue;
		if (e < 0)
			return err_nomem(err);
		r = from_file(s, s->opts->root ? s->opts->root : "", buf_str(&path), files[i].flat,
			      false, err);
	}
	return r;
}

static int from_files(struct search *s, struct error *err)
{
	const char *named = s->opts->authfile;
	int r;

	if (!named || !named[0])
		named = getenv("REGISTRY_AUTH_FILE");
	if (named && named[0])
		return from_file(s, "", named, false, true, err);
	r = from_environment(s, err);
	return r == 1 ? from_default_files(s, err) : r;
}

/* credential-helpers of registries.conf; "containers-auth.json" there means the files. A file that
 * was named counts alone. */
static int from_everywhere(struct search *s, struct error *err)
{
	_cleanup_(registry_conf_freep) struct registry_conf conf = { 0 };
	int r = registry_conf_load(&conf, s->opts->root, s->opts->notes, err);

	if (r < 0)
		return r;
	if (conf.helpers.count == 0 || (s->opts->authfile && s->opts->authfile[0]))
		return from_files(s, err);
	r = 1;
	for (size_t i = 0; i < conf.helpers.count && r == 1; i++) {
		if (strcmp(conf.helpers.v[i], "containers-auth.json") == 0)
			r = from_files(s, err);
		else
			r = registry_auth_ask(s->out, conf.helpers.v[i], s->target.host,
					      conf.from ? conf.from : "registries.conf", false,
					      s->opts->notes, err);
	}
	return r;
}

int registry_login_find(struct registry_login *out, const char *auth_name,
			const struct registry_login_options *opts, struct error *err)
{
	struct registry_login l = { 0 };
	_cleanup_(freep) char *host = strndup(auth_name, strcspn(auth_name, "/"));
	struct search s = { opts, { auth_name, host }, &l };
	int r;

	if (opts->anonymous)
		return 1;
	r = host ? from_options(&l, opts, err) : err_nomem(err);
	if (r == 1)
		r = from_everywhere(&s, err);
	if (r)
		registry_login_free(&l);
	else
		*out = l;
	return r;
}
