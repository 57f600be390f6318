/* created_by is prose of four builders. BuildKit: "RUN |1 A=b /bin/sh -c x # buildkit", "USER x",
 * "COPY a b # buildkit"; the classic builder, buildah and podman: "|1 A=b /bin/sh -c x", "/bin/sh
 * -c #(nop)  USER x".
 */
#include "oci/step.h"

#include <string.h>
#include <strings.h>

#include "base/macro.h"

struct text {
	const char *s;
	size_t n;
};

static struct text trim(struct text t)
{
	while (t.n && strchr(" \t\r\n", t.s[0]))
		t.s++, t.n--;
	while (t.n && strchr(" \t\r\n", t.s[t.n - 1]))
		t.n--;
	return t;
}

static bool eat(struct text *t, const char *prefix)
{
	size_t n = strlen(prefix);

	if (t->n < n || memcmp(t->s, prefix, n) != 0)
		return false;
	t->s += n;
	t->n -= n;
	return true;
}

static bool eat_end(struct text *t, const char *suffix)
{
	size_t n = strlen(suffix);

	if (t->n < n || memcmp(t->s + t->n - n, suffix, n) != 0)
		return false;
	t->n -= n;
	return true;
}

/* The next word, and the text behind it without the blanks before it. */
static struct text word(struct text *t)
{
	struct text w = { t->s, 0 };

	while (w.n < t->n && !strchr(" \t\r\n", t->s[w.n]))
		w.n++;
	*t = trim((struct text){ t->s + w.n, t->n - w.n });
	return w;
}

/* A shell and its options up to -c, as SHELL sets it: "/bin/bash -o pipefail -c". */
static bool eat_shell(struct text *t)
{
	static const char *const shells[] = { "sh", "ash", "bash", "dash", "ksh", "zsh" };
	struct text rest = *t, w = word(&rest);
	const char *slash = memrchr(w.s, '/', w.n);
	bool known = false;

	if (eat(t, "cmd /S /C "))
		return true;
	if (!slash)
		return false;
	w.n -= (size_t)(slash + 1 - w.s);
	w.s = slash + 1;
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		known |= w.n == strlen(shells[i]) && memcmp(w.s, shells[i], w.n) == 0;
	while (known && rest.n && (rest.s[0] == '-' || rest.s[0] == '+')) {
		w = word(&rest);
		if (w.s[0] == '-' && w.n > 1 && w.s[1] != '-' && w.s[w.n - 1] == 'c') {
			*t = rest;
			return true;
		}
		if (w.s[w.n - 1] == 'o')
			word(&rest);
	}
	return false;
}

/* "|2 A=b C=d e /bin/sh -c x": the arguments of the build. Their values may hold blanks, so what
 * ends them is the usual shell, and only without it their number. */
static bool eat_arguments(struct text *t)
{
	struct text rest = *t, count;
	const char *shell;
	size_t n = 0;

	if (!eat(&rest, "|") || !rest.n || rest.s[0] < '0' || rest.s[0] > '9')
		return false;
	count = word(&rest);
	for (size_t i = 0; i < count.n; i++) {
		if (count.s[i] < '0' || count.s[i] > '9' || n > 10000)
			return false;
		n = n * 10 + (size_t)(count.s[i] - '0');
	}
	shell = memmem(rest.s, rest.n, "/bin/sh -c ", strlen("/bin/sh -c "));
	if (shell) {
		*t = (struct text){ shell, rest.n - (size_t)(shell - rest.s) };
		return true;
	}
	while (n-- && rest.n)
		word(&rest);
	*t = rest;
	return true;
}

/* created_by without the builders' additions; *run where it is a command of RUN, its shell taken
 * off. */
static struct text instruction(const char *created_by, bool *run)
{
	struct text t = trim((struct text){ created_by, strlen(created_by) });
	struct text whole;

	if (eat_end(&t, "# buildkit"))
		t = trim(t);
	whole = t;
	*run = eat(&t, "RUN ");
	t = trim(t);
	if (eat_arguments(&t))
		*run = true;
	if (eat_shell(&t)) {
		if (!*run && eat(&t, "#(nop)"))
			return trim(t);
		*run = true;
	}
	return *run ? trim(t) : whole;
}

const struct oci_history *oci_step_of_layer(const struct oci_config *c, size_t layer,
					    const char **why)
{
	const struct oci_history *found = NULL;
	const char *reason = NULL;
	size_t made = 0;

	for (size_t i = 0; i < c->history_count; i++) {
		if (c->history[i].empty_layer)
			continue;
		if (made++ == layer)
			found = &c->history[i];
	}
	if (!c->history_count)
		reason = "the config has no history";
	else if (made != c->diff_id_count)
		reason = "the config's history has another number of layers than the image";
	else if (!found)
		reason = "the image has fewer layers";
	if (why)
		*why = reason;
	return reason ? NULL : found;
}

const char *oci_step_user(const struct oci_config *c, size_t layer, size_t *len)
{
	const struct oci_history *end = oci_step_of_layer(c, layer, NULL);

	while (end && end > c->history) {
		struct text t;
		bool run;

		end--;
		if (!end->empty_layer)
			continue;
		t = instruction(end->created_by, &run);
		if (run || t.n < 5 || strncasecmp(t.s, "USER", 4) != 0 || !strchr(" \t", t.s[4]))
			continue;
		t = trim((struct text){ t.s + 5, t.n - 5 });
		/* Docker before 1.12 wrote "USER [x]". */
		if (t.n > 2 && t.s[0] == '[' && t.s[t.n - 1] == ']')
			t = (struct text){ t.s + 1, t.n - 2 };
		*len = t.n;
		return t.s;
	}
	return NULL;
}

int oci_step_pretty(struct buf *out, const char *created_by)
{
	bool run;
	struct text t = instruction(created_by, &run);
	int r = run ? buf_append_str(out, "RUN ") : 0;

	return r < 0 ? r : buf_append(out, t.s, t.n);
}
