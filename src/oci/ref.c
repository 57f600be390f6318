#include "oci/ref.h"

#include <stdlib.h>
#include <string.h>

#include "base/macro.h"
#include "base/num.h"

enum shape {
	WHOLE,	 /* all of it is the path */
	DOUBLED, /* "//" and a name */
	SPLIT,	 /* PATH[:NAME|:@INDEX] */
};

static const struct {
	const char *name;
	enum shape shape;
	bool from_stdin; /* "-" and /dev/stdin are standard input */
} transports[] = {
	[TRANSPORT_PATH] = { "", WHOLE, false },
	[TRANSPORT_STDIN] = { "-", WHOLE, false },
	[TRANSPORT_DOCKER_ARCHIVE] = { "docker-archive", SPLIT, true },
	[TRANSPORT_OCI] = { "oci", SPLIT, false },
	[TRANSPORT_OCI_ARCHIVE] = { "oci-archive", SPLIT, true },
	[TRANSPORT_DIR] = { "dir", WHOLE, false },
	[TRANSPORT_TAR] = { "tar", WHOLE, true },
	[TRANSPORT_ROOTFS] = { "rootfs", WHOLE, false },
	[TRANSPORT_DOCKER] = { "docker", DOUBLED, false },
	[TRANSPORT_DOCKER_DAEMON] = { "docker-daemon", WHOLE, false },
	[TRANSPORT_CONTAINERS_STORAGE] = { "containers-storage", WHOLE, false },
	[TRANSPORT_CONTAINERD] = { "containerd", WHOLE, false },
};

static int bad(const char *text, const char *why, struct error *err)
{
	char shown[160];

	return err_fail(err, ERR_USAGE, 0, "image '%s': %s",
			err_text(shown, sizeof(shown), text, strlen(text)), why);
}

static int keep(char **out, const char *s, size_t n, struct error *err)
{
	*out = strndup(s, n);
	return *out ? 0 : err_nomem(err);
}

static bool is_stdin(const char *path)
{
	return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0;
}

/* What stands behind PATH: a name, "@N", or nothing. */
static int read_name(struct ref *ref, const char *name, const char *text, struct error *err)
{
	uint32_t index;

	if (name[0] == '@') {
		if (!num_u32(name + 1, strlen(name + 1), &index) || index > INT32_MAX)
			return bad(text, "@ wants the number of an image, from 0", err);
		ref->index = (long)index;
		return 0;
	}
	return *name ? keep(&ref->name, name, strlen(name), err) : 0;
}

static int read_rest(struct ref *ref, const char *rest, const char *text, struct error *err)
{
	enum shape shape = transports[ref->transport].shape;
	size_t n = shape == SPLIT ? strcspn(rest, ":") : strlen(rest);
	int r;

	if (!n)
		return bad(text, "nothing behind the transport", err);
	r = keep(&ref->path, rest, n, err);
	if (r < 0)
		return r;
	if (transports[ref->transport].from_stdin && is_stdin(ref->path))
		strcpy(ref->path, "-");
	return rest[n] ? read_name(ref, rest + n + 1, text, err) : 0;
}

/* The transport that text names, and what stands behind it; a path where it names none. */
static enum transport transport_of(const char *text, const char **rest)
{
	*rest = text;
	for (size_t i = TRANSPORT_STDIN + 1; i < ARRAY_SIZE(transports); i++) {
		size_t n = strlen(transports[i].name);

		if (strncmp(text, transports[i].name, n) != 0 || text[n] != ':')
			continue;
		/* docker:dind is an image of that name, docker://dind a transport. */
		if (transports[i].shape == DOUBLED && strncmp(text + n + 1, "//", 2) != 0)
			continue;
		*rest = text + n + (transports[i].shape == DOUBLED ? 3 : 1);
		return (enum transport)i;
	}
	return TRANSPORT_PATH;
}

/* "http://...": no image name and hardly a path. */
static bool names_other_scheme(const char *text)
{
	size_t n =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

	return n && text[0] != '.' && strncmp(text + n, "://", 3) == 0;
}

int ref_parse(struct ref *out, const char *text, struct error *err)
{
	struct ref ref = { .index = -1 };
	const char *rest;
	int r;

	if (!*text)
		return bad(text, "empty", err);
	ref.transport = transport_of(text, &rest);
	if (ref.transport == TRANSPORT_PATH && is_stdin(text)) {
		ref.transport = TRANSPORT_STDIN;
		rest = "-";
	} else if (text[0] == ':') {
		return bad(text, "no transport before the colon", err);
	} else if (ref.transport == TRANSPORT_PATH && names_other_scheme(text)) {
		return bad(text,
			   "unknown transport (docker://, docker-archive:, docker-daemon:, oci:, "
			   "oci-archive:, dir:, containers-storage:, containerd:, tar:, rootfs:)",
			   err);
	}
	r = read_rest(&ref, rest, text, err);
	if (r < 0)
		ref_free(&ref);
	else
		*out = ref;
	return r;
}

void ref_free(struct ref *r)
{
	free(r->path);
	free(r->name);
	*r = (struct ref){ .index = -1 };
}

const char *transport_name(enum transport t)
{
	return transports[t].name;
}
