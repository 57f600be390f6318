/* Where the daemon listens, in the order in which Docker's client looks (docker/cli, cli/command,
 * resolveContextName).
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "engine/internal.h"

#define USUAL	   "/var/run/docker.sock"
#define PORT_PLAIN "2375"
#define PORT_TLS   "2376"

void endpoint_done(struct endpoint *e)
{
	free(e->shown);
	free(e->socket);
	free(e->base);
	free(e->ca);
	free(e->cert);
	free(e->key);
	*e = (struct endpoint){ 0 };
}

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

char *endpoint_settings(void)
{
	const char *dir = env("DOCKER_CONFIG"), *home = env("HOME");
	struct buf b = { 0 };
	int r = dir ? buf_append_str(&b, dir) : buf_printf(&b, "%s/.docker", home ? home : "");

	if (r < 0)
		buf_free(&b);
	return (char *)b.data;
}

/* *out is dir/name where there is such a file, else NULL. */
static int take_file(char **out, const char *dir, const char *name, struct error *err)
{
	_cleanup_(buf_freep) struct buf b = { 0 };
	struct stat st;

	if (buf_printf(&b, "%s/%s", dir, name) < 0)
		return err_nomem(err);
	if (stat(buf_str(&b), &st) < 0)
		return 0;
	*out = strdup(buf_str(&b));
	return *out ? 0 : err_nomem(err);
}

static int take_certs(struct endpoint *out, const char *dir, struct error *err)
{
	int r = take_file(&out->ca, dir, "ca.pem", err);

	if (r == 0)
		r = take_file(&out->cert, dir, "cert.pem", err);
	return r < 0 ? r : take_file(&out->key, dir, "key.pem", err);
}

static int bad(const char *what, const char *host, enum err_code code, const char *why,
	       struct error *err)
{
	char shown[150];

	return err_fail(err, code, 0, "%s: '%s' %s", what,
			err_text(shown, sizeof(shown), host, strlen(host)), why);
}

static int take_socket(struct endpoint *out, const char *path, const char *what, struct error *err)
{
	char shown[150];

	if (path[0] != '/' || strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return bad(what, path, ERR_USAGE, "is no path of a socket", err);
	err_text(shown, sizeof(shown), path, strlen(path));
	if (asprintf(&out->shown, "unix://%s", shown) < 0) {
		out->shown = NULL;
		return err_nomem(err);
	}
	out->socket = strdup(path);
	out->base = strdup("http://docker");
	return out->socket && out->base ? 0 : err_nomem(err);
}

/* "host", "host:2375", "[::1]:2375", with a path behind it or not. */
static int take_host(struct endpoint *out, const char *host, bool tls, const char *what,
		     struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_:[]%";
	size_t n = strspn(host, allowed), path = strlen(host);
	const char *close = memchr(host, ']', n), *port = memchr(close ? close : host, ':', n);

	if (close)
		port = close[1] == ':' ? close + 1 : NULL;
	while (path > n && host[path - 1] == '/')
		path--;
	if (!n || (host[n] && host[n] != '/') ||
	    strspn(host + n, "/-_.abcdefghijklmnopqrstuvwxyz"
			     "0123456789") != strlen(host + n))
		return bad(what, host, ERR_USAGE, "is no address", err);
	if (asprintf(&out->base, "%s://%.*s%s%s%.*s", tls ? "https" : "http", (int)n, host,
		     port ? "" : ":",
		     port  ? ""
		     : tls ? PORT_TLS
			   : PORT_PLAIN,
		     (int)(path - n), host + n) < 0) {
		out->base = NULL;
		return err_nomem(err);
	}
	if (asprintf(&out->shown, "tcp://%.*s", (int)n, host) < 0) {
		out->shown = NULL;
		return err_nomem(err);
	}
	return 0;
}

static const char *behind(const char *text, const char *scheme)
{
	size_t n = strlen(scheme);

	return strncmp(text, scheme, n) == 0 ? text + n : NULL;
}

int endpoint_parse(struct endpoint *out, const char *host, const char *what, bool tls,
		   const char *certs, struct error *err)
{
	const char *rest = behind(host, "unix://");
	int r;

	if (rest)
		return take_socket(out, rest, what, err);
	if (behind(host, "ssh://"))
		return bad(what, host, ERR_UNSUPPORTED,
			   "is not reached from here: ssh HOST docker save NAME | uidfit check -",
			   err);
	rest = behind(host, "tcp://");
	if (!rest && (rest = behind(host, "https://")))
		tls = true;
	if (!rest && (rest = behind(host, "http://")))
		tls = false;
	if (!rest)
		return bad(what, host, ERR_UNSUPPORTED,
			   "is not reached from here (unix:// and tcp:// are)", err);
	r = take_host(out, rest, tls, what, err);
	return r < 0 || !tls || !certs ? r : take_certs(out, certs, err);
}

/* As the environment says: DOCKER_TLS_VERIFY, DOCKER_TLS, DOCKER_CERT_PATH. */
static int from_host(struct endpoint *out, const char *host, struct error *err)
{
	_cleanup_(freep) char *settings = endpoint_settings();
	const char *certs = env("DOCKER_CERT_PATH");
	bool verify = env("DOCKER_TLS_VERIFY") != NULL;

	if (!settings)
		return err_nomem(err);
	out->insecure = !verify;
	return endpoint_parse(out, host, "DOCKER_HOST", verify || env("DOCKER_TLS"),
			      certs ? certs : settings, err);
}

static bool is_socket(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A rootless daemon has its socket where the user's own things are. */
static int from_host_itself(struct endpoint *out, struct error *err)
{
	const char *run = env("XDG_RUNTIME_DIR");
	_cleanup_(buf_freep) struct buf own = { 0 };

	if (buf_printf(&own, "%s/docker.sock", run ? run : "") < 0)
		return err_nomem(err);
	if (is_socket(USUAL))
		return take_socket(out, USUAL, "docker", err);
	if (run && is_socket(buf_str(&own)))
		return take_socket(out, buf_str(&own), "docker", err);
	return err_fail(err, ERR_NOT_FOUND, 0, "no docker daemon listens here (%s%s%s)", USUAL,
			run ? ", " : "", run ? buf_str(&own) : "");
}

int endpoint_find(struct endpoint *out, struct error *err)
{
	const char *host = env("DOCKER_HOST");
	int r;

	*out = (struct endpoint){ .named = true };
	if (host) {
		r = from_host(out, host, err);
		out->named = !out->socket || (strcmp(out->socket, USUAL) != 0 &&
					      strcmp(out->socket, USUAL + strlen("/var")) != 0);
		return r;
	}
	r = endpoint_of_context(out, err);
	if (r <= 0)
		return r;
	host = env("CONTAINER_HOST");
	if (host)
		return endpoint_parse(out, host, "CONTAINER_HOST", false, NULL, err);
	out->named = false;
	return from_host_itself(out, err);
}
