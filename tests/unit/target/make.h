/* Makes images in memory for the tests: entries by hand, no tar around them. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "idmap/notation.h"
#include "inventory/builder.h"
#include "inventory/image.h"
#include "target/check.h"

#define MADE_LAYERS 4

struct made {
	struct limits limits;
	struct inv_builder builders[MADE_LAYERS];
	struct layer_inventory *inventories[MADE_LAYERS];
	struct image_layer layers[MADE_LAYERS];
	struct source_layer blobs[MADE_LAYERS];
	struct source_image source;
	struct image image;
	struct target_use *uses;
	size_t use_count;
	struct check_options opts;
	struct check *check;
};

static inline void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->msg);
}

static inline void made_begin(struct made *m, size_t layers)
{
	struct error err = { 0 };

	memset(m, 0, sizeof(*m));
	m->limits = limits_default();
	m->image = (struct image){ .source = &m->source,
				   .layers = m->layers,
				   .layer_count = layers,
				   .limits = &m->limits };
	m->source.has_config = true;
	m->source.layers = m->blobs;
	m->source.layer_count = layers;
	for (size_t i = 0; i < layers; i++)
		must(inv_builder_init(&m->builders[i], &m->limits, 1 << 20, &err), &err);
}

static inline void made_add(struct made *m, size_t layer, const struct inv_entry *row)
{
	struct inv_entry e = *row;
	struct error err = { 0 };

	e.path = e.path ? e.path : "";
	e.path_len = strlen(e.path);
	e.link = "";
	e.header_offset = 512 * (1 + m->builders[layer].inv->entries);
	must(inv_builder_add(&m->builders[layer], &e, &err), &err);
}

/* etc/passwd, etc/group and the like. */
static inline void made_file(struct made *m, size_t layer, const char *path, const char *text)
{
	struct inv_entry e = { .kind = INV_REG, .path = path, .mode = 0644, .size = strlen(text) };
	struct error err = { 0 };

	made_add(m, layer, &e);
	e.path_len = strlen(path);
	e.index = m->builders[layer].inv->entries - 1;
	must(inv_builder_file(&m->builders[layer], &e, (uint8_t *)strdup(text), strlen(text), &err),
	     &err);
}

/* Seals the layers; targets as --for has them, map as --map or NULL. */
static inline void made_check(struct made *m, const char *targets, const char *map)
{
	struct idmap_pair pair = { 0 };
	struct error err = { 0 };

	for (size_t i = 0; i < m->image.layer_count; i++) {
		must(inv_builder_finish(&m->builders[i], &m->inventories[i], &err), &err);
		m->layers[i].inventory = m->inventories[i];
		m->layers[i].source = &m->blobs[i];
	}
	must(target_parse_list(&m->uses, &m->use_count, targets, &err), &err);
	if (map) {
		must(idmap_parse(&pair, map, IDMAP_BOTH, &err), &err);
		must(target_use_map(m->uses, m->use_count, &pair, &err), &err);
		idmap_pair_free(&pair);
	}
	m->opts.uses = m->uses;
	m->opts.use_count = m->use_count;
	if (!m->opts.fail_on)
		m->opts.fail_on = LEVEL_WARNING;
	must(check_image(&m->check, &m->image, &m->opts, &err), &err);
}

static inline void made_end(struct made *m)
{
	check_free(m->check);
	image_forget(&m->image);
	target_uses_free(m->uses, m->use_count);
	for (size_t i = 0; i < MADE_LAYERS; i++) {
		inv_builder_done(&m->builders[i]);
		layer_inventory_free(m->inventories[i]);
	}
}

/* The first message of a target, "" where it says nothing. */
static inline const char *made_line(const struct made *m, size_t target)
{
	const struct check_target *t = &m->check->targets[target];

	return t->error_count ? t->errors[0].line : "";
}

static inline const struct check_effect *made_effect(const struct made *m, size_t target,
						     enum rule rule)
{
	const struct check_target *t = &m->check->targets[target];

	for (size_t i = 0; i < t->effect_count; i++)
		if (t->effects[i].rule == rule)
			return &t->effects[i];
	return NULL;
}
