/* ceiling BLOB...: the least time that reading these blobs can take on this machine. Each blob is
 * decoded by the bare library (ISA-L, libzstd; no code of uidfit), and SHA-256 is taken over its
 * compressed and its decompressed bytes. Prints the seconds for each, and
 *
 *     ceiling = max((decode + hash) / cores, largest single decode)
 *
 * which is what the promise of verifying every byte leaves to a program that spends nothing on
 * anything else. A blob is read into memory first: the disk is not measured.
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif
#include <zstd.h>

#define OUT_SIZE (256u << 10) /* larger ones leave the cache: up to 4 % slower where measured */

struct blob {
	const uint8_t *bytes;
	size_t len;
};

struct result {
	double decode, hash;
	uint64_t out;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const char *name)
{
	fprintf(stderr, "ceiling: %s: %s\n", name, what);
	exit(3);
}

/* A decoder gives its output in pieces of at most OUT_SIZE; the hash of them is timed apart. */
typedef void sink_fn(void *ctx, const uint8_t *bytes, size_t n);

#ifdef HAVE_ISAL
static bool decode_gzip(struct blob b, uint8_t *out, sink_fn *sink, void *ctx)
{
	struct inflate_state *s = aligned_alloc(64, (sizeof(*s) + 63) / 64 * 64);
	size_t pos = 0;
	bool ok = s != NULL;

	if (!ok)
		return false;
	isal_inflate_init(s);
	s->crc_flag = ISAL_GZIP;
	while (ok && (pos < b.len || s->avail_in > 0)) {
		uint32_t n = (uint32_t)(b.len - pos < (1u << 30) ? b.len - pos : 1u << 30);

		if (s->block_state == ISAL_BLOCK_FINISH) {
			isal_inflate_reset(s);
			s->crc_flag = ISAL_GZIP;
		}
		s->next_in = (uint8_t *)(uintptr_t)(b.bytes + pos);
		s->avail_in = n;
		s->next_out = out;
		s->avail_out = OUT_SIZE;
		ok = isal_inflate(s) == ISAL_DECOMP_OK &&
		     (n != s->avail_in || s->avail_out != OUT_SIZE);
		pos += n - s->avail_in;
		sink(ctx, out, OUT_SIZE - s->avail_out);
		s->avail_in = 0;
	}
	/* What the last call had no room for. */
	while (ok && s->block_state != ISAL_BLOCK_FINISH) {
		s->next_out = out;
		s->avail_out = OUT_SIZE;
		ok = isal_inflate(s) == ISAL_DECOMP_OK && s->avail_out != OUT_SIZE;
		sink(ctx, out, OUT_SIZE - s->avail_out);
	}
	free(s);
	return ok;
}
#else
static bool decode_gzip(struct blob b, uint8_t *out, sink_fn *sink, void *ctx)
{
	z_stream z = { 0 };
	int r = inflateInit2(&z, 15 + 16);
	size_t pos = 0;

	while (r == Z_OK) {
		uInt n = (uInt)(b.len - pos < (1u << 30) ? b.len - pos : 1u << 30);

		z.next_in = (Bytef *)(uintptr_t)(b.bytes + pos);
		z.avail_in = n;
		z.next_out = out;
		z.avail_out = OUT_SIZE;
		r = inflate(&z, Z_NO_FLUSH);
		pos += n - z.avail_in;
		sink(ctx, out, OUT_SIZE - z.avail_out);
		if (r == Z_STREAM_END && pos < b.len)
			r = inflateReset(&z);
	}
	inflateEnd(&z);
	return r == Z_STREAM_END;
}
#endif

static bool decode_zstd(struct blob b, uint8_t *out, sink_fn *sink, void *ctx)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	ZSTD_inBuffer in = { b.bytes, b.len, 0 };
	size_t r = 1;
	bool full = false;

	while (d && !ZSTD_isError(r) && (in.pos < in.size || full)) {
		ZSTD_outBuffer o = { out, OUT_SIZE, 0 };

		r = ZSTD_decompressStream(d, &o, &in);
		sink(ctx, out, o.pos);
		full = o.pos == o.size && r != 0;
	}
	ZSTD_freeDCtx(d);
	return r == 0;
}

static bool decode_none(struct blob b, uint8_t *out, sink_fn *sink, void *ctx)
{
	(void)out;
	for (size_t pos = 0; pos < b.len; pos += OUT_SIZE)
		sink(ctx, b.bytes + pos, b.len - pos < OUT_SIZE ? b.len - pos : OUT_SIZE);
	return true;
}

struct pass {
	EVP_MD_CTX *md;
	double hash; /* seconds inside the sink */
	uint64_t out;
};

static void hash_sink(void *ctx, const uint8_t *bytes, size_t n)
{
	struct pass *p = ctx;
	double start = now();

	EVP_DigestUpdate(p->md, bytes, n);
	p->hash += now() - start;
	p->out += n;
}

static bool run(struct blob b, uint8_t *out, struct result *res)
{
	struct pass p = { .md = EVP_MD_CTX_new() };
	bool plain = false, ok;
	double start;

	if (!p.md)
		return false;
	EVP_DigestInit_ex(p.md, EVP_sha256(), NULL);
	start = now();
	if (b.len > 2 && memcmp(b.bytes, "\x1f\x8b", 2) == 0)
		ok = decode_gzip(b, out, hash_sink, &p);
	else if (b.len > 4 && memcmp(b.bytes, "\x28\xb5\x2f\xfd", 4) == 0)
		ok = decode_zstd(b, out, hash_sink, &p);
	else
		plain = ok = decode_none(b, out, hash_sink, &p);
	res->decode = now() - start - p.hash;
	res->out = p.out;
	if (!plain) {
		/* The compressed bytes; a plain blob's are one and the same. */
		EVP_DigestInit_ex(p.md, EVP_sha256(), NULL);
		start = now();
		EVP_DigestUpdate(p.md, b.bytes, b.len);
		p.hash += now() - start;
	}
	res->hash = p.hash;
	EVP_MD_CTX_free(p.md);
	return ok;
}

static struct blob load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		die("cannot be read", path);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		die("cannot be mapped", path);
	close(fd);
	return (struct blob){ p, (size_t)st.st_size };
}

int main(int argc, char **argv)
{
	double decode = 0, hash = 0, largest = 0, spread;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint8_t *out = malloc(OUT_SIZE);

	if (argc < 2 || !out) {
		fprintf(stderr, "usage: ceiling BLOB...\n");
		return 2;
	}
	memset(out, 1, OUT_SIZE); /* no page faults inside the measurement */
	for (int i = 1; i < argc; i++) {
		struct blob b = load(argv[i]);
		struct result r;

		if (!run(b, out, &r))
			die("does not decode", argv[i]);
		munmap((void *)(uintptr_t)b.bytes, b.len);
		decode += r.decode;
		hash += r.hash;
		largest = r.decode > largest ? r.decode : largest;
	}
	spread = (decode + hash) / (double)(cores > 0 ? cores : 1);
	printf("decode %.3f\nhash %.3f\nlargest-decode %.3f\ncores %ld\nceiling %.3f\n", decode,
	       hash, largest, cores, spread > largest ? spread : largest);
	free(out);
	return 0;
}
