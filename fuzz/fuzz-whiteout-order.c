/* Small layers made of bytes: image_visibility against a merged file system that is built entry by entry. Two bytes an entry: what it
 * is, and a path of up to three components out of three names; a third value of the first begins a new layer. */
#include "inventory.h"
#include "inventory/builder.h"
#include "inventory/image.h"
#include "inventory/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LAYERS_MAX  6
#define ENTRIES_MAX 120

struct told {
	size_t layer, index;
	enum inv_kind kind;
	char path[8];
	enum visible visible;
	long by;
};

struct model {
	struct told v[ENTRIES_MAX];
	size_t count, layers;
};

static void path_of(char out[8], uint8_t byte)
{
	size_t n = 0;

	for (; byte % 4 && n < 6; byte /= 4) {
		if (n)
			out[n++] = '/';
		out[n++] = (char)('a' + byte % 4 - 1);
	}
	out[n] = '\0';
}

static bool is_entry(enum inv_kind k)
{
	return k != INV_WHITEOUT && k != INV_OPAQUE && k != INV_AUFS_META;
}

static bool is_dir(enum inv_kind k)
{
	return k == INV_DIR || k == INV_ROOT;
}

static void model_of(struct model *m, const uint8_t *data, size_t size)
{
	static const enum inv_kind kinds[] = { INV_REG, INV_DIR, INV_DIR, INV_WHITEOUT, INV_OPAQUE,
					       INV_SYMLINK, INV_HARDLINK, INV_AUFS_META };
	size_t index = 0;

	m->layers = 1;
	for (size_t i = 0; i + 1 < size && m->count < ENTRIES_MAX; i += 2) {
		struct told *t = &m->v[m->count];

		if (data[i] >= 0xe0) {
			if (m->layers == LAYERS_MAX)
				break;
			m->layers++;
			index = 0;
			continue;
		}
		*t = (struct told){ .layer = m->layers - 1, .index = index++, .kind = kinds[data[i] % 8],
				    .visible = VISIBLE, .by = -1 };
		path_of(t->path, data[i + 1]);
		if (!t->path[0] && is_entry(t->kind))
			t->kind = INV_ROOT;
		m->count++;
	}
}

static bool same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return path[0] && (!n || (strncmp(path, dir, n) == 0 && path[n] == '/'));
}

/* Whether a later entry of its layer has the same path. */
static bool is_last(const struct model *m, const struct told *t)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->v[i].layer == t->layer && m->v[i].index > t->index && is_entry(m->v[i].kind) &&
		    same(m->v[i].path, t->path))
			return false;
	return true;
}

static void hide(struct told *t, enum visible how, size_t by)
{
	if (t->visible != VISIBLE)
		return;
	t->visible = how;
	t->by = (long)by;
}

/* Applies a layer to the ones below: first what replaces, then what removes. */
static void apply(struct model *m, size_t layer)
{
	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < m->count; i++) {
			const struct told *t = &m->v[i];

			for (size_t k = 0; k < m->count && t->layer == layer; k++) {
				struct told *old = &m->v[k];

				if (old->layer >= layer)
					continue;
				if (!pass && is_entry(t->kind) &&
				    (same(old->path, t->path) ||
				     (!is_dir(t->kind) && is_last(m, t) && below(old->path, t->path))))
					hide(old, REPLACED, layer);
				if (pass && t->kind == INV_WHITEOUT &&
				    (same(old->path, t->path) || below(old->path, t->path)))
					hide(old, REMOVED, layer);
				if (pass && t->kind == INV_OPAQUE && below(old->path, t->path))
					hide(old, REMOVED, layer);
			}
		}
	}
}

static void within(struct model *m, struct told *t)
{
	if (!is_entry(t->kind)) {
		hide(t, REMOVED, t->layer);
		return;
	}
	for (size_t i = 0; i < m->count; i++) {
		const struct told *later = &m->v[i];

		if (later->layer != t->layer || later->index <= t->index || !is_entry(later->kind))
			continue;
		if (same(later->path, t->path) ||
		    (!is_dir(later->kind) && is_last(m, later) && below(t->path, later->path)))
			hide(t, REPLACED, t->layer);
	}
}

static void simulate(struct model *m)
{
	for (size_t i = 0; i < m->count; i++)
		within(m, &m->v[i]);
	for (size_t layer = 0; layer < m->layers; layer++)
		apply(m, layer);
}

static struct layer_inventory *layer_of(const struct model *m, size_t layer)
{
	const struct limits limits = limits_default();
	struct layer_inventory *inv;
	struct inv_builder b;
	struct error err;

	check(inv_builder_init(&b, &limits, 0, &err) == 0, "there is memory");
	for (size_t i = 0; i < m->count; i++) {
		struct inv_entry e = { .kind = m->v[i].kind, .path = m->v[i].path,
				       .path_len = strlen(m->v[i].path), .link = "" };

		if (m->v[i].layer == layer)
			check(inv_builder_add(&b, &e, &err) == 0, "an entry is added");
	}
	check(inv_builder_finish(&b, &inv, &err) == 0, "a layer ends");
	inv_builder_done(&b);
	return inv;
}

static void compare(struct model *m, struct image *img, size_t layer)
{
	struct inv_iter it;
	struct inv_entry e;
	struct error err;

	inv_iter_init(&it, img->layers[layer].inventory);
	for (size_t i = 0; i < m->count; i++) {
		enum visible visible;
		long by;

		if (m->v[i].layer != layer)
			continue;
		check(inv_iter_next(&it, &e, &err) == 0, "the walk goes on");
		check(image_visibility(img, layer, &e, &visible, &by, &err) == 0, "it is told");
		if (visible == m->v[i].visible && by == m->v[i].by)
			continue;
		fprintf(stderr, "layer %zu '%s' (%s): %s by %ld, not %s by %ld\n", layer, e.path,
			inv_kind_name(e.kind), visible_name(visible), by,
			visible_name(m->v[i].visible), m->v[i].by);
		abort();
	}
	inv_iter_done(&it);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_layer layers[LAYERS_MAX] = { 0 };
	struct model m = { 0 };
	struct image img = { .layers = layers };

	model_of(&m, data, size);
	simulate(&m);
	for (; img.layer_count < m.layers; img.layer_count++)
		layers[img.layer_count].inventory = layer_of(&m, img.layer_count);
	for (size_t i = 0; i < m.layers; i++)
		compare(&m, &img, m.count % 2 ? i : m.layers - 1 - i);
	image_forget(&img);
	for (size_t i = 0; i < m.layers; i++)
		layer_inventory_free((struct layer_inventory *)layers[i].inventory);
	return 0;
}
