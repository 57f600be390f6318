/* Any bytes as the difference of a report: as the operations that they are, and as the base64 of a zstd frame that a report
 * holds. Whatever they say, no more comes out than the sizes allow, and what comes out does not depend on how the input is
 * cut. The first two bytes are the sizes of the tars. And any bytes as a report of its own. */
#include "decode.h"

#include <sys/mman.h>

#include "fix/past.h"
#include "stream/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TAR_MAX (64u << 8)

static struct stream *memory(const void *bytes, size_t n, size_t piece)
{
	struct stream *in, *s;
	struct error err;

	REQUIRE(stream_open_memory(&in, bytes, n, &err) == 0);
	REQUIRE(stream_open_chunked(&s, in, piece, &err) == 0);
	return s;
}

/* Owns operations. */
static struct decoded carry_out(struct stream *operations, const struct fix_sizes *sizes,
				size_t piece)
{
	static uint8_t tar[TAR_MAX];
	struct decoded d = { .status = 0 };
	struct stream *s;
	struct block *b;

	for (size_t i = 0; i < sizeof(tar); i++)
		tar[i] = (uint8_t)(i >> 4);
	REQUIRE(fix_difference_open(&s, memory(tar, (size_t)sizes->new, piece), operations, sizes,
				    &d.err) == 0);
	while ((d.status = stream_next(s, &b, &d.err)) == 0) {
		REQUIRE(b->len > 0 && d.out.len + b->len <= sizes->old);
		REQUIRE(buf_append(&d.out, b->data, b->len) == 0);
		block_unref(b);
	}
	REQUIRE(d.status < 0 || d.out.len == sizes->old);
	REQUIRE(d.status > 0 || (d.err.msg[0] && d.err.code != ERR_BUG));
	stream_close(s);
	return d;
}

static void check_operations(const uint8_t *data, size_t size, const struct fix_sizes *sizes)
{
	struct decoded whole = carry_out(memory(data, size, SIZE_MAX), sizes, SIZE_MAX);
	struct decoded cut = carry_out(memory(data, size, 3), sizes, 7);

	REQUIRE(whole.status == cut.status);
	REQUIRE(whole.status < 0 || same_bytes(&whole, &cut));
	buf_free(&whole.out);
	buf_free(&cut.out);
}

static void check_packed(const uint8_t *data, size_t size, const struct fix_sizes *sizes)
{
	struct limits limits = limits_default();
	struct stream *bytes, *operations;
	struct decoded d;
	struct error err;

	limits.v[LIMIT_LAYER_SIZE] = DECODE_MAX;
	limits.v[LIMIT_ZSTD_WINDOW] = 16u << 20;
	REQUIRE(base64_open(&bytes, memory(data, size, SIZE_MAX), &err) == 0);
	REQUIRE(codec_open(&operations, CODEC_ZSTD, bytes, &limits, &err) == 0);
	d = carry_out(operations, sizes, SIZE_MAX);
	buf_free(&d.out);
}

static void check_report(const uint8_t *data, size_t size)
{
	int fd = memfd_create("report", MFD_CLOEXEC);
	struct limits limits = limits_default();
	struct fix_past *past = NULL;
	struct error err = { 0 };
	char path[40];

	REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fix_past_read(&past, path, &limits, &err) < 0)
		REQUIRE(err.msg[0] && err.code != ERR_BUG);
	fix_past_free(past);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fix_sizes sizes;

	if (size < 2)
		return 0;
	sizes = (struct fix_sizes){ .old = (uint64_t)data[0] << 6, .new = (uint64_t)data[1] << 6 };
	check_operations(data + 2, size - 2, &sizes);
	check_packed(data + 2, size - 2, &sizes);
	check_report(data, size);
	return 0;
}
