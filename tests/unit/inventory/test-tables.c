/* Images that share a blob, and what their manifests say of its table of contents. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "inventory/image.h"
#include "made.h"
#include "source/internal.h"

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const struct {
	struct toc_place tables[3]; /* of the same blob, an image each */
	size_t images;
	bool by_table;
} rows[] = {
	{ { { TOC_ESTARGZ, { 0, A } } }, 1, true },
	{ { { TOC_ESTARGZ, { 0, A } }, { TOC_ESTARGZ, { 0, A } } }, 2, true },
	{ { { TOC_ESTARGZ, { 0, A } }, { TOC_ESTARGZ, { 0, B } } }, 2, false },
	{ { { TOC_ESTARGZ, { 0, A } }, { TOC_ESTARGZ, { 0, A } }, { TOC_ESTARGZ, { 0, B } } }, 3, false },
	{ { { TOC_ESTARGZ, { 0, A } }, { TOC_NONE } }, 2, false },
	{ { { TOC_NONE }, { TOC_ESTARGZ, { 0, A } } }, 2, false },
	{ { { TOC_ESTARGZ, { 0, A } }, { TOC_ZSTD_CHUNKED, { 0, A } } }, 2, false },
	{ { { TOC_ZSTD_CHUNKED, { 0, A }, 5, 6, 7 }, { TOC_ZSTD_CHUNKED, { 0, A }, 5, 6, 7 } }, 2, true },
	{ { { TOC_ZSTD_CHUNKED, { 0, A }, 5, 6, 7 }, { TOC_ZSTD_CHUNKED, { 0, A }, 4, 6, 7 } }, 2, false },
	{ { { TOC_ZSTD_CHUNKED, { 0, A }, 5, 6, 7 }, { TOC_ZSTD_CHUNKED, { 0, A }, 5, 7, 7 } }, 2, false },
	{ { { TOC_ZSTD_CHUNKED, { 0, A }, 5, 6, 7 }, { TOC_ZSTD_CHUNKED, { 0, A }, 5, 6, 8 } }, 2, false },
	{ { { TOC_NONE }, { TOC_NONE } }, 2, false },
};

static struct buf tar;
static unsigned by_table, whole;

static int headers(struct source *s, const struct source_layer *layer, struct stream **out,
		   enum source_evidence *evidence, struct error *err)
{
	if (layer->toc.kind == TOC_NONE)
		return 1;
	by_table++;
	*evidence = SOURCE_TOC;
	return stream_open_memory(out, tar.data, tar.len, err);
}

static int open_layer(struct source *s, const struct source_layer *layer, struct stream **out, struct error *err)
{
	whole++;
	return stream_open_memory(out, tar.data, tar.len, err);
}

static struct source *make_source(const struct limits *limits, size_t row)
{
	struct source *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->limits = limits;
	s->fd = -1;
	s->headers = headers;
	s->open_layer = open_layer;
	s->have_images = true;
	s->image_count = rows[row].images;
	s->images = calloc(s->image_count, sizeof(*s->images));
	for (size_t i = 0; i < s->image_count; i++) {
		struct source_image *img = &s->images[i];

		img->name = strdup("app");
		img->layer_count = 1;
		img->layers = calloc(1, sizeof(*img->layers));
		img->layers[0] = (struct source_layer){ .blob = strdup("blob"), .media_type = strdup(""),
							.size = tar.len, .toc = rows[row].tables[i] };
	}
	return s;
}

static void one_table_answers_for_all(void **state)
{
	const struct made file = { 'f', "a", "text", 7, 8 };
	struct limits limits = limits_default();

	made_header(&tar, &file);
	made_end(&tar);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct notes *notes = notes_new();
		const struct image_options how = { .limits = &limits, .notes = notes, .short_ways = true, .threads = 1 };
		struct source *s = make_source(&limits, i);
		struct image_set set;
		struct error err;

		by_table = whole = 0;
		assert_int_equal(image_set_load(&set, s, &how, &err), 0);
		assert_int_equal(by_table, rows[i].by_table);
		assert_int_equal(whole, !rows[i].by_table);
		for (size_t k = 0; k < set.count; k++)
			assert_int_equal(set.images[k].layers[0].verified == INV_VERIFIED_TOC, rows[i].by_table);
		image_set_free(&set);
		source_close(s);
		notes_free(notes);
	}
	buf_free(&tar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_table_answers_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
