/* One registries.conf: what it may say, checked, into struct registry_conf. */
#include "registry/conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/toml.h"

static int wrong(const char *path, const struct toml *t, const char *why, struct error *err)
{
	return err_fail(err, ERR_BAD_INPUT, 0, "'%s' line %zu: %s", path, t->line, why);
}

static int need_kind(const char *path, const struct toml *t, enum toml_kind kind, struct error *err)
{
	char key[64];

	if (t->kind == kind)
		return 0;
	return err_fail(
		err, ERR_BAD_INPUT, 0, "'%s' line %zu: '%s' is not %s", path, t->line,
		err_text(key, sizeof(key), t->key ? t->key : "", t->key ? strlen(t->key) : 0),
		toml_kind_name(kind));
}

/* Makes room for one more, zeroed. */
static void *grow(void *items, size_t count, size_t size)
{
	char *p = reallocarray(items, count + 1, size);

	if (p)
		memset(p + count * size, 0, size);
	return p;
}

static void free_words(struct conf_words *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->v[i]);
	free(w->v);
	*w = (struct conf_words){ 0 };
}

static void free_registry(struct conf_registry *r)
{
	free(r->prefix);
	free(r->own.location);
	for (size_t i = 0; i < r->mirror_count; i++)
		free(r->mirrors[i].location);
	free(r->mirrors);
	free(r->from);
	*r = (struct conf_registry){ 0 };
}

void registry_conf_free(struct registry_conf *c)
{
	free_words(&c->search);
	free_words(&c->helpers);
	for (size_t i = 0; i < c->registry_count; i++)
		free_registry(&c->registries[i]);
	for (size_t i = 0; i < c->alias_count; i++) {
		free(c->aliases[i].name);
		free(c->aliases[i].value);
	}
	free(c->registries);
	free(c->aliases);
	free(c->from);
	*c = (struct registry_conf){ 0 };
}

/* Leaves *out as it was where the key is not there. */
static int get_bool(const char *path, const struct toml *table, const char *key, bool *out,
		    struct error *err)
{
	const struct toml *t = toml_get(table, key);
	int r = t ? need_kind(path, t, TOML_BOOL, err) : 0;

	if (t && r == 0)
		*out = t->text[0] == 't';
	return r;
}

static int get_string(const char *path, const struct toml *table, const char *key, const char **out,
		      struct error *err)
{
	const struct toml *t = toml_get(table, key);
	int r = t ? need_kind(path, t, TOML_STRING, err) : 0;

	if (t && r == 0)
		*out = t->text;
	return r;
}

/* "HOST[:PORT][/PATH]" without the slashes behind it. */
static int get_location(const char *path, const struct toml *table, const char *key, char **out,
			struct error *err)
{
	const char *text = "";
	int r = get_string(path, table, key, &text, err);
	size_t n = strlen(text);

	if (r < 0)
		return r;
	while (n && text[n - 1] == '/')
		n--;
	if (strstr(text, "://"))
		return wrong(path, table, "a location or prefix is HOST/PATH, without a scheme",
			     err);
	*out = strndup(text, n);
	return *out ? 0 : err_nomem(err);
}

static int get_words(struct conf_words *out, const char *path, const struct toml *table,
		     const char *key, struct error *err)
{
	const struct toml *t = toml_get(table, key);
	int r = t ? need_kind(path, t, TOML_ARRAY, err) : 0;

	if (!t || r < 0)
		return r;
	free_words(out);
	out->v = calloc(t->count + 1, sizeof(*out->v));
	if (!out->v)
		return err_nomem(err);
	for (size_t i = 0; i < t->count; i++) {
		if (t->items[i]->kind != TOML_STRING || !t->items[i]->text[0])
			return wrong(path, t->items[i], "a name is expected here", err);
		out->v[i] = strdup(t->items[i]->text);
		if (!out->v[i])
			return err_nomem(err);
		out->count++;
	}
	return 0;
}

/* Names without a slash, each a host. */
static int check_search(const struct registry_conf *c, const struct toml *root, const char *path,
			struct error *err)
{
	const struct toml *t = toml_get(root, "unqualified-search-registries");

	for (size_t i = 0; t && i < c->search.count; i++) {
		_cleanup_(registry_name_freep) struct registry_name n = { 0 };
		char text[300];

		snprintf(text, sizeof(text), "%s/x", c->search.v[i]);
		if (strchr(c->search.v[i], '/') || !registry_name_has_host(text) ||
		    registry_name_parse(&n, text, NULL) < 0)
			return wrong(path, t->items[i], "a host is expected here", err);
	}
	return 0;
}

static int read_mirror(struct conf_endpoint *m, const struct toml *t, bool by_digest,
		       const char *path, struct error *err)
{
	static const char *const words[] = { "all", "digest-only", "tag-only" };
	const char *pull = "";
	int r = need_kind(path, t, TOML_TABLE, err);

	if (r == 0)
		r = get_location(path, t, "location", &m->location, err);
	if (r == 0)
		r = get_bool(path, t, "insecure", &m->insecure, err);
	if (r == 0)
		r = get_string(path, t, "pull-from-mirror", &pull, err);
	if (r < 0)
		return r;
	if (!m->location[0])
		return wrong(path, t, "a mirror without a location", err);
	if (by_digest && pull[0])
		return wrong(path, t, "pull-from-mirror beside mirror-by-digest-only", err);
	m->pull = by_digest ? CONF_PULL_DIGEST : CONF_PULL_ALL;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(pull, words[i]) == 0) {
			m->pull = (enum conf_pull)i;
			return 0;
		}
	}
	return pull[0] ? wrong(path, t, "pull-from-mirror is all, digest-only or tag-only", err)
		       : 0;
}

static int read_mirrors(struct conf_registry *g, const struct toml *t, const char *path,
			struct error *err)
{
	const struct toml *mirrors = toml_get(t, "mirror");
	bool by_digest = false;
	int r = get_bool(path, t, "mirror-by-digest-only", &by_digest, err);

	if (r < 0 || !mirrors)
		return r;
	r = need_kind(path, mirrors, TOML_ARRAY, err);
	for (size_t i = 0; r == 0 && i < mirrors->count; i++) {
		struct conf_endpoint *m = grow(g->mirrors, g->mirror_count, sizeof(*m));

		if (!m)
			return err_nomem(err);
		g->mirrors = m;
		r = read_mirror(&m[g->mirror_count++], mirrors->items[i], by_digest, path, err);
	}
	return r;
}

static int read_registry(struct conf_registry *g, const struct toml *t, const char *path,
			 struct error *err)
{
	int r = need_kind(path, t, TOML_TABLE, err);

	if (r == 0)
		r = get_location(path, t, "prefix", &g->prefix, err);
	if (r == 0)
		r = get_location(path, t, "location", &g->own.location, err);
	if (r == 0)
		r = get_bool(path, t, "insecure", &g->own.insecure, err);
	if (r == 0)
		r = get_bool(path, t, "blocked", &g->blocked, err);
	if (r == 0)
		r = read_mirrors(g, t, path, err);
	if (r < 0)
		return r;
	if (!g->own.location[0] && strncmp(g->prefix, "*.", 2) != 0)
		return wrong(path, t, "a registry without a location", err);
	if (!g->prefix[0]) {
		free(g->prefix);
		g->prefix = strdup(g->own.location);
	}
	g->from = strdup(path);
	return g->prefix && g->from ? 0 : err_nomem(err);
}

/* A registry of the same prefix that was said before counts no more. */
static int add_registry(struct registry_conf *c, const struct toml *t, const char *path,
			struct error *err)
{
	struct conf_registry g = { 0 }, *all;
	int r = read_registry(&g, t, path, err);

	for (size_t i = 0; r == 0 && i < c->registry_count; i++) {
		if (strcmp(c->registries[i].prefix, g.prefix) == 0) {
			free_registry(&c->registries[i]);
			c->registries[i] = g;
			return 0;
		}
	}
	all = r == 0 ? grow(c->registries, c->registry_count, sizeof(*all)) : NULL;
	if (!all) {
		free_registry(&g);
		return r < 0 ? r : err_nomem(err);
	}
	c->registries = all;
	all[c->registry_count++] = g;
	return 0;
}

/* Neither side may hold a tag or a digest; the name no host, the value one. */
static bool alias_is_good(const char *name, const char *value)
{
	struct registry_name n = { 0 };
	const char *slash = strrchr(value, '/');
	bool good = !registry_name_has_host(name) && !strpbrk(name, ":@") &&
		    registry_name_parse(&n, name, NULL) == 0;

	registry_name_free(&n);
	if (!good || !value[0])
		return good;
	good = registry_name_has_host(value) && !strpbrk(slash, ":@") &&
	       registry_name_parse(&n, value, NULL) == 0;
	registry_name_free(&n);
	return good;
}

static int add_alias(struct registry_conf *c, const struct toml *t, const char *path,
		     struct error *err)
{
	struct conf_alias *all, *a = NULL;
	char *value;
	int r = need_kind(path, t, TOML_STRING, err);

	if (r < 0)
		return r;
	if (!alias_is_good(t->key, t->text))
		return wrong(path, t,
			     "an alias is \"SHORT\" = \"HOST/REPOSITORY\", without tag or digest",
			     err);
	for (size_t i = 0; i < c->alias_count && !a; i++)
		if (strcmp(c->aliases[i].name, t->key) == 0)
			a = &c->aliases[i];
	if (!a) {
		all = grow(c->aliases, c->alias_count, sizeof(*all));
		if (!all)
			return err_nomem(err);
		c->aliases = all;
		a = &all[c->alias_count];
		a->name = strdup(t->key);
		if (!a->name)
			return err_nomem(err);
		c->alias_count++;
	}
	value = strdup(t->text);
	if (!value)
		return err_nomem(err);
	free(a->value);
	a->value = value;
	return 0;
}

/* Version 1: [registries.search] registries = [...], and likewise insecure and block. */
static int refuse_version_1(const struct toml *root, const char *path, struct error *err)
{
	static const char *const lists[] = { "search", "insecure", "block" };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const struct toml *t =
			toml_get(toml_get(toml_get(root, "registries"), lists[i]), "registries");

		if (t && t->count)
			return err_fail(err, ERR_UNSUPPORTED, 0,
					"'%s' line %zu: [registries.%s] is of version 1; write it "
					"as version "
					"2: unqualified-search-registries = [...], [[registry]]",
					path, t->line, lists[i]);
	}
	return 0;
}

static int read_mode(struct registry_conf *c, const struct toml *root, const char *path,
		     struct error *err)
{
	const char *mode = "";
	int r = get_string(path, root, "short-name-mode", &mode, err);

	if (r < 0 || !mode[0])
		return r;
	c->enforcing = strcmp(mode, "enforcing") == 0;
	if (c->enforcing || strcmp(mode, "permissive") == 0 || strcmp(mode, "disabled") == 0)
		return 0;
	return wrong(path, toml_get(root, "short-name-mode"),
		     "short-name-mode is enforcing, permissive or disabled", err);
}

/* A word that nobody reads is often one that somebody mistyped. */
static void note_unknown(const struct toml *t, const char *path, const char *const *known,
			 struct notes *notes)
{
	for (size_t i = 0; i < t->count; i++) {
		const char *key = t->items[i]->key;
		const char *const *k = known;
		char shown[64];

		while (*k && strcmp(*k, key) != 0)
			k++;
		if (!*k)
			notes_add(notes, "'%s' line %zu: '%s' is not known here", path,
				  t->items[i]->line,
				  err_text(shown, sizeof(shown), key, strlen(key)));
	}
}

static void note_all_unknown(const struct toml *root, const char *path, struct notes *notes)
{
	static const char *const top[] = { "unqualified-search-registries",
					   "credential-helpers",
					   "short-name-mode",
					   "registry",
					   "aliases",
					   "registries",
					   "additional-layer-store-auth-helper",
					   NULL };
	static const char *const of_registry[] = {
		"prefix", "location", "insecure", "blocked", "mirror-by-digest-only", "mirror", NULL
	};
	static const char *const of_mirror[] = { "location", "insecure", "pull-from-mirror", NULL };
	const struct toml *all = toml_get(root, "registry");

	note_unknown(root, path, top, notes);
	for (size_t i = 0; all && i < all->count; i++) {
		const struct toml *mirrors = toml_get(all->items[i], "mirror");

		note_unknown(all->items[i], path, of_registry, notes);
		for (size_t j = 0; mirrors && j < mirrors->count; j++)
			note_unknown(mirrors->items[j], path, of_mirror, notes);
	}
}

int registry_conf_read(struct registry_conf *c, const char *text, size_t n, const char *path,
		       struct notes *notes, struct error *err)
{
	_cleanup_(toml_freep) struct toml *root = NULL;
	const struct toml *all, *aliases;
	char what[300];
	int r;

	snprintf(what, sizeof(what), "'%s'", path);
	r = toml_parse(&root, text, n, what, err);
	if (r == 0)
		r = refuse_version_1(root, path, err);
	if (r == 0)
		r = get_words(&c->search, path, root, "unqualified-search-registries", err);
	if (r == 0)
		r = check_search(c, root, path, err);
	if (r == 0)
		r = get_words(&c->helpers, path, root, "credential-helpers", err);
	if (r == 0)
		r = read_mode(c, root, path, err);
	all = toml_get(root, "registry");
	if (r == 0 && all)
		r = need_kind(path, all, TOML_ARRAY, err);
	for (size_t i = 0; r == 0 && all && i < all->count; i++)
		r = add_registry(c, all->items[i], path, err);
	aliases = toml_get(root, "aliases");
	if (r == 0 && aliases)
		r = need_kind(path, aliases, TOML_TABLE, err);
	for (size_t i = 0; r == 0 && aliases && i < aliases->count; i++)
		r = add_alias(c, aliases->items[i], path, err);
	if (r == 0)
		note_all_unknown(root, path, notes);
	return r;
}

/* How many bytes of name the prefix covers; 0 where it does not match. "*.example.com" takes any
 * number of labels. A prefix without a port matches a host with one, as in containers/image. */
static size_t covered(const char *name, const char *prefix)
{
	bool wild = strncmp(prefix, "*.", 2) == 0;
	const char *rest = wild ? prefix + 1 : prefix;
	const char *found = wild ? strstr(name, rest) : name;
	size_t n = strlen(rest);

	if (!found || strncmp(found, rest, n) != 0)
		return 0;
	if (wild && memchr(name, '/', (size_t)(found - name)))
		return 0;
	return found[n] && !strchr(":/@", found[n]) ? 0 : (size_t)(found - name) + n;
}

const struct conf_registry *registry_conf_find(const struct registry_conf *c, const char *name,
					       size_t *matched)
{
	const struct conf_registry *best = NULL;

	for (size_t i = 0; i < c->registry_count; i++) {
		const struct conf_registry *g = &c->registries[i];
		size_t n = covered(name, g->prefix);

		if (n && (!best || strlen(g->prefix) > strlen(best->prefix))) {
			best = g;
			*matched = n;
		}
	}
	return best;
}

const char *registry_conf_alias(const struct registry_conf *c, const char *name)
{
	for (size_t i = 0; i < c->alias_count; i++)
		if (strcmp(c->aliases[i].name, name) == 0)
			return c->aliases[i].value[0] ? c->aliases[i].value : NULL;
	return NULL;
}
