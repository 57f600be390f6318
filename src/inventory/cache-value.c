#include "inventory/cache-value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "inventory/form.h"
#include "stream/encode.h"

/* Raised whenever layer.c or tar/ reads a layer otherwise than before, though the form stays. */
#define READING 1u

#define PLAIN_MAX   (4u << 10)	 /* below this nothing is gained by compressing */
#define RECORDS_MAX (256u << 20) /* not even tried: it would not come below CACHE_VALUE_MAX */

/* What bounds images and documents is applied every time; any other limit, also one that is new,
 * may change what reading a layer gives. */
static bool shapes(enum limit which)
{
	static const enum limit others[] = { LIMIT_JSON_SIZE,
					     LIMIT_LAYERS,
					     LIMIT_IMAGES,
					     LIMIT_INDEX_DEPTH,
					     LIMIT_ARCHIVE_ENTRIES,
					     LIMIT_ACCOUNTS,
					     LIMIT_YAML_SIZE,
					     LIMIT_YAML_VALUES,
					     LIMIT_YAML_DEPTH,
					     LIMIT_DOCKERFILE_SIZE,
					     LIMIT_DOCKERFILE_STAGES,
					     LIMIT_DOCKERFILE_VARIABLES };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i] == which)
			return false;
	return true;
}

void cache_reading(char out[CACHE_READING_MAX], const struct limits *limits)
{
	size_t n = (size_t)snprintf(out, CACHE_READING_MAX, "%s form %u reading %u", UIDFIT_VERSION,
				    (unsigned)(uint8_t)FORM_MAGIC[FORM_MAGIC_LEN - 1], READING);

	for (enum limit i = 0; i < LIMIT_COUNT && n < CACHE_READING_MAX; i++)
		if (shapes(i))
			n += (size_t)snprintf(out + n, CACHE_READING_MAX - n, " %" PRIu64,
					      limits->v[i]);
}

struct pack {
	struct buf *out;
	struct encoder *encoder; /* NULL: as long as it is small */
	bool large;
};

static int take_packed(void *ctx, const void *bytes, size_t n, struct error *err)
{
	struct pack *p = ctx;

	if (n > CACHE_VALUE_MAX - MIN(p->out->len, (size_t)CACHE_VALUE_MAX)) {
		p->large = true;
		return err_fail(err, ERR_LIMIT, 0, "more than the cache takes");
	}
	return buf_append(p->out, bytes, n) < 0 ? err_nomem(err) : 0;
}

/* What was taken as it came goes through the encoder too. */
static int begin_encoder(struct pack *p, struct error *err)
{
	const struct encoder_options how = {
		.codec = CODEC_ZSTD, .threads = 1, .sink = take_packed, .ctx = p
	};
	struct buf plain = *p->out;
	int r;

	*p->out = (struct buf){ 0 };
	r = encoder_new(&p->encoder, &how, err);
	if (r == 0)
		r = encoder_write(p->encoder, plain.data, plain.len, err);
	buf_free(&plain);
	return r;
}

static int take_form(void *ctx, const void *bytes, size_t n, struct error *err)
{
	struct pack *p = ctx;

	if (!p->encoder && n > PLAIN_MAX - MIN(p->out->len, (size_t)PLAIN_MAX)) {
		int r = begin_encoder(p, err);

		if (r < 0)
			return r;
	}
	if (p->encoder)
		return encoder_write(p->encoder, bytes, n, err);
	return buf_append(p->out, bytes, n) < 0 ? err_nomem(err) : 0;
}

int cache_value_pack(struct buf *out, const struct layer_inventory *inv, struct error *err)
{
	struct pack p = { .out = out };
	int r;

	buf_clear(out);
	if (spool_size(inv->records) > RECORDS_MAX)
		return 1;
	r = layer_inventory_write(inv, take_form, &p, err);
	if (r == 0 && p.encoder)
		r = encoder_finish(p.encoder, err);
	encoder_free(p.encoder);
	return p.large ? 1 : r;
}

int cache_value_unpack(struct layer_inventory **out, const void *bytes, size_t n,
		       const struct limits *limits, size_t spool_memory, struct error *err)
{
	_cleanup_(stream_closep) struct stream *stored = NULL, *plain = NULL;
	enum codec found;
	int r = stream_open_memory(&stored, bytes, n, err);

	if (r == 0)
		r = codec_open_detected(&plain, stored, &found, limits, err);
	if (r < 0)
		return r;
	stored = NULL;
	return layer_inventory_read_within(out, plain, limits, spool_memory, err);
}

int cache_value_sum(char hex[DIGEST_HEX_MAX + 1], const struct cache_key *key, const char *reading,
		    enum inv_verified verified, const void *bytes, size_t n)
{
	_cleanup_(digest_freep) struct digest *d = NULL;
	char head[CACHE_READING_MAX + 400];
	int len = snprintf(head, sizeof(head), "%s\n%s\n%s\n%s\n", key->digest->text,
			   key->toc ? key->toc->text : "", reading, inv_verified_name(verified));
	int r = digest_new(&d, DIGEST_SHA256, NULL);

	if (r == 0)
		r = digest_update(d, head, (size_t)len, NULL);
	if (r == 0)
		r = digest_update(d, bytes, n, NULL);
	return r < 0 ? r : digest_final_hex(d, hex, NULL);
}
