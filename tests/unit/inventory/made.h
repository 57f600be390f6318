/* Layers made in memory: a tar writer for tests, and an image of such layers without any source.
 */
#pragma once

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "inventory/image.h"

/* One entry: "f" file, "d" directory, "l" symlink, "h" hardlink, "p" fifo, "c" device, "g" PAX global. */
struct made {
	char type;
	const char *name;
	const char *text; /* body of a file, target of a link */
	long uid, gid;
};

static inline void made_octal(char *field, int digits, unsigned long v)
{
	while (digits-- > 0) {
		field[digits] = (char)('0' + (v & 7));
		v >>= 3;
	}
}

static inline void made_header(struct buf *out, const struct made *m)
{
	static const char types[][2] = { "f0", "d5", "l2", "h1", "p6", "c3", "gg", "o7" };
	const char *text = m->text ? m->text : "";
	bool body = m->type == 'f' || m->type == 'g';
	char block[512] = { 0 }, type = '0';
	unsigned sum = 0;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i][0] == m->type)
			type = types[i][1];
	snprintf(block, 100, "%s", m->name);
	made_octal(block + 100, 7, m->type == 'd' ? 0755u : 0644u);
	made_octal(block + 108, 7, (unsigned long)m->uid);
	made_octal(block + 116, 7, (unsigned long)m->gid);
	made_octal(block + 124, 11, body ? strlen(text) : 0);
	made_octal(block + 136, 11, 0);
	block[156] = type;
	if (!body)
		snprintf(block + 157, 100, "%s", text);
	memcpy(block + 257, "ustar\00000", 8);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += (uint8_t)block[i];
	made_octal(block + 148, 6, sum);
	block[154] = '\0';
	r = buf_append(out, block, sizeof(block));
	if (r == 0 && body && *text) {
		memset(block, 0, sizeof(block));
		r = buf_append(out, text, strlen(text));
		if (r == 0 && strlen(text) % 512)
			r = buf_append(out, block, 512 - strlen(text) % 512);
	}
	if (r < 0)
		abort();
}

static inline void made_end(struct buf *out)
{
	static const char zeros[1024];

	if (buf_append(out, zeros, sizeof(zeros)) < 0)
		abort();
}

static inline struct layer_inventory *made_build(const void *bytes, size_t n)
{
	static struct limits limits;
	struct layer_build how = { .limits = &limits };
	struct layer_inventory *inv = NULL;
	struct error err = { 0 };
	struct stream *s;

	limits = limits_default();
	if (stream_open_memory(&s, bytes, n, &err) < 0 ||
	    layer_inventory_build(&inv, s, &how, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	return inv;
}

/* A layer of count entries; one without name ends it. */
static inline struct layer_inventory *made_layer(const struct made *m, size_t count)
{
	struct layer_inventory *inv;
	struct buf tar = { 0 };

	for (size_t i = 0; i < count && m[i].name; i++)
		made_header(&tar, &m[i]);
	made_end(&tar);
	inv = made_build(tar.data, tar.len);
	buf_free(&tar);
	return inv;
}

/* The image borrows nothing: made_image_free() releases its layers. */
static inline void made_image_add(struct image *img, struct layer_inventory *inv)
{
	img->layers = realloc(img->layers, (img->layer_count + 1) * sizeof(*img->layers));
	if (!img->layers)
		abort();
	img->layers[img->layer_count++] = (struct image_layer){ .inventory = inv };
}

static inline void made_image_free(struct image *img)
{
	image_forget(img);
	for (size_t i = 0; i < img->layer_count; i++)
		layer_inventory_free((struct layer_inventory *)img->layers[i].inventory);
	free(img->layers);
	*img = (struct image){ 0 };
}
