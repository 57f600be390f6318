#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/macro.h"
#include "oci/descriptor.h"
#include "oci/json.h"

/* How uname(2) and people name what images call amd64 (containerd/platforms database.go). */
static const struct {
	const char *name, *architecture, *variant;
} names[] = {
	{ "x86_64", "amd64", "" },    { "x86-64", "amd64", "" },
	{ "i386", "386", "" },	      { "i486", "386", "" },
	{ "i586", "386", "" },	      { "i686", "386", "" },
	{ "aarch64", "arm64", "" },   { "arm64v8", "arm64", "" },
	{ "armhf", "arm", "v7" },     { "armel", "arm", "v6" },
	{ "armv5l", "arm", "v5" },    { "armv6l", "arm", "v6" },
	{ "armv7l", "arm", "v7" },    { "armv8l", "arm", "v7" },
	{ "ppc64el", "ppc64le", "" }, { "loongarch64", "loong64", "" },
};

static void put(char out[32], const char *text)
{
	snprintf(out, 32, "%s", text);
}

/* The names that images use, and a variant written out or, where it is the usual one, left out. */
static struct platform normal(const struct platform *p)
{
	struct platform n = *p;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(n.architecture, names[i].name) != 0)
			continue;
		put(n.architecture, names[i].architecture);
		if (!n.variant[0])
			put(n.variant, names[i].variant);
	}
	if (n.variant[0] >= '1' && n.variant[0] <= '9' && !n.variant[1])
		put(n.variant, (char[]){ 'v', n.variant[0], '\0' });
	if ((strcmp(n.architecture, "arm64") == 0 && strcmp(n.variant, "v8") == 0) ||
	    (strcmp(n.architecture, "amd64") == 0 && strcmp(n.variant, "v1") == 0))
		n.variant[0] = '\0';
	return n;
}

bool platform_matches(const struct platform *have, const struct platform *want)
{
	struct platform h = normal(have), w = normal(want);

	if (strcmp(h.os, w.os) != 0 || strcmp(h.architecture, w.architecture) != 0)
		return false;
	if (!want->variant[0] && !w.variant[0])
		return true;
	/* An arm image that names no variant is one for v7, as containerd takes it. */
	if (!h.variant[0] && strcmp(h.architecture, "arm") == 0)
		put(h.variant, "v7");
	return strcmp(h.variant, w.variant) == 0;
}

static bool is_name(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
		      (s[i] >= '0' && s[i] <= '9') || strchr("._-+", s[i])))
			return false;
	return n && n < 32;
}

int platform_parse(struct platform *out, const char *text, struct error *err)
{
	struct platform p = { 0 };
	char *parts[3] = { p.os, p.architecture, p.variant };
	const char *s = text;
	char shown[80];
	size_t count = 0;

	for (;;) {
		size_t n = strcspn(s, "/");

		if (count == ARRAY_SIZE(parts) || !is_name(s, n))
			break;
		memcpy(parts[count++], s, n);
		s += n;
		if (!*s && count >= 2) {
			*out = p;
			return 0;
		}
		if (!*s)
			break;
		s++;
	}
	return err_fail(err, ERR_USAGE, 0, "platform '%s': expected OS/ARCHITECTURE[/VARIANT]",
			err_text(shown, sizeof(shown), text, strlen(text)));
}

static int member(json_t *json, const char *key, char out[32], struct error *err)
{
	const char *s = "";
	int r = oci_json_string(json, key, &s, err);

	if (r < 0)
		return r;
	if (*s && !is_name(s, strlen(s)))
		return err_fail(err, ERR_BAD_INPUT, 0, "'%s' is not the name of one", key);
	put(out, s);
	return 0;
}

int platform_from_json(struct platform *out, json_t *json, struct error *err)
{
	struct platform p = { 0 };
	int r = member(json, "os", p.os, err);

	if (r == 0)
		r = member(json, "architecture", p.architecture, err);
	if (r == 0)
		r = member(json, "variant", p.variant, err);
	if (r == 0)
		*out = p;
	return r;
}

void platform_print(const struct platform *p, char out[100])
{
	snprintf(out, 100, "%s%s%s%s%s", p->os, p->architecture[0] ? "/" : "", p->architecture,
		 p->variant[0] ? "/" : "", p->variant);
}

struct platform platform_host(void)
{
	const char *override = getenv("DOCKER_DEFAULT_PLATFORM");
	struct platform p = { .os = "linux" };
	struct utsname u;

	if (override && platform_parse(&p, override, NULL) == 0)
		return normal(&p);
	if (uname(&u) == 0 && is_name(u.machine, strlen(u.machine)))
		put(p.architecture, u.machine);
	return normal(&p);
}
