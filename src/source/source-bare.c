/* "app:1.0" without a transport, where no file has that name: the engines of this host are asked,
 * then registries.
 */
#include <string.h>

#include "base/buf.h"
#include "source/internal.h"

/* Something of a registry is only asked for what can be no file. */
static bool looks_like_path(const char *text)
{
	static const char *const ends[] = { ".tar",    ".tar.gz",  ".tgz", ".tar.zst",
					    ".tar.xz", ".tar.bz2", ".txz", ".tbz",
					    ".tzst",   ".oci",	   ".json" };
	size_t n = strlen(text);

	if (text[0] == '/' || text[0] == '.' || text[0] == '~' || text[n - 1] == '/')
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (n > strlen(ends[i]) && strcmp(text + n - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

/* "1b2c3d4e", "sha256:...": of an image that an engine has; no registry knows ids. */
static bool is_digest(const char *text)
{
	return strncmp(text, "sha256:", 7) == 0;
}

struct asked {
	struct source *source;
	const char *text; /* as typed */
	struct buf said;  /* who has it not, and why */
};

/* What one place answered. One that could not be asked is told of even where another has it. */
static int missed(struct asked *a, const char *where, const struct error *why, struct error *err)
{
	char msg[sizeof(why->msg)];

	snprintf(msg, sizeof(msg), "%.170s%s", why->msg, strlen(why->msg) > 170 ? "..." : "");
	source_reset(a->source);
	if (why->code == ERR_NOMEM) {
		*err = *why;
		return -ERR_NOMEM;
	}
	if (why->code != ERR_NOT_FOUND)
		notes_add(a->source->notes, "%s could not tell: %s", where, why->msg);
	if (buf_printf(&a->said, "%s%s", a->said.len ? "; " : "", msg) < 0)
		return err_nomem(err);
	return 1;
}

static int set_path(struct source *s, const char *path, struct error *err)
{
	char *copy = strdup(path);

	if (!copy)
		return err_nomem(err);
	free(s->path);
	s->path = copy;
	return 0;
}

static int containers_storage_try(struct source *s, struct error *err)
{
	int r = containers_storage_open(s, err);

	if (r == 0)
		r = kept_images(s, err);
	s->have_images = r == 0;
	return r;
}

static int registry_try(struct source *s, struct error *err)
{
	const struct source_image *images;
	size_t count;
	int r = registry_source_open(s, err);

	return r < 0 ? r : source_images(s, &images, &count, err);
}

/* 0 where the image is there, 1 where it is not. */
static int ask(struct asked *a, enum transport transport, const char *name, source_open_fn *open,
	       struct error *err)
{
	struct source *s = a->source;
	const char *mark = transport == TRANSPORT_DOCKER ? "//" : "";
	struct error why;
	char where[100];
	int r = set_path(s, name, err);

	if (r < 0)
		return r;
	s->transport = transport;
	r = open(s, &why);
	snprintf(where, sizeof(where), "%s:", transport_name(transport));
	if (r < 0)
		return missed(a, where, &why, err);
	notes_add(s->notes, "no file is called '%s': taken as %s%s%s", a->text, where, mark, name);
	return 0;
}

static int ask_registries(struct asked *a, struct error *err)
{
	const struct registry_options *given = a->source->registry_options;
	struct registry_options defaults =
		registry_options_default(a->source->limits, a->source->notes);
	struct error why;
	char **names = NULL;
	size_t count = 0;
	int r = registry_short_names(&names, &count, a->text,
				     given ? &given->place : &defaults.place, &why);

	if (r < 0)
		return missed(a, "docker:", &why, err);
	r = 1;
	for (size_t i = 0; r > 0 && i < count; i++)
		r = ask(a, TRANSPORT_DOCKER, names[i], registry_try, err);
	registry_short_names_free(names, count);
	return r;
}

int bare_open(struct source *s, struct error *err)
{
	_cleanup_(freep) char *text = strdup(s->path);
	struct asked a = { .source = s, .text = text };
	char shown[150];
	int r;

	if (!text)
		return err_nomem(err);
	err_text(shown, sizeof(shown), text, strlen(text));
	if (looks_like_path(text))
		return err_fail(err, ERR_NOT_FOUND, 0, "%s is no file here", text);
	if (!is_digest(text)) {
		struct registry_name name = { 0 };
		struct error why;

		r = registry_name_parse(&name, text, &why);
		registry_name_free(&name);
		if (r < 0)
			return err_fail(err, ERR_NOT_FOUND, 0,
					"%s is no file here, and no image's name", text);
	}
	r = ask(&a, TRANSPORT_DOCKER_DAEMON, text, docker_daemon_open, err);
	if (r > 0)
		r = ask(&a, TRANSPORT_CONTAINERS_STORAGE, text, containers_storage_try, err);
	if (r > 0 && !is_digest(text))
		r = ask_registries(&a, err);
	if (r > 0)
		r = err_fail(err, ERR_NOT_FOUND, 0, "%s: %s%s", shown, buf_str(&a.said),
			     strchr(text, '/') ? "; and there is no such file" : "");
	buf_free(&a.said);
	return r;
}
