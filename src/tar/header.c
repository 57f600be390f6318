#include "tar/header.h"

#include <string.h>

#include "tar/number.h"

const struct tar_field_row tar_fields[FIELD_COUNT] = {
	[FIELD_MODE] = { 100, 8, "mode" },	   [FIELD_UID] = { 108, 8, "uid" },
	[FIELD_GID] = { 116, 8, "gid" },	   [FIELD_SIZE] = { 124, 12, "size" },
	[FIELD_MTIME] = { 136, 12, "mtime" },	   [FIELD_DEVMAJOR] = { 329, 8, "devmajor" },
	[FIELD_DEVMINOR] = { 337, 8, "devminor" }, [FIELD_STAR_ATIME] = { 476, 12, "atime" },
	[FIELD_STAR_CTIME] = { 488, 12, "ctime" },
};

/* Four 16-bit lanes take two bytes of each of 64 words: at most 64 * 2 * 255, which fits. */
uint32_t tar_block_sum(const uint8_t block[TAR_BLOCK])
{
	const uint64_t lanes = 0x00ff00ff00ff00ff;
	uint64_t sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i += 8) {
		uint64_t w;

		memcpy(&w, block + i, sizeof(w));
		sum += (w & lanes) + (w >> 8 & lanes);
	}
	sum = (sum & 0x0000ffff0000ffff) + (sum >> 16 & 0x0000ffff0000ffff);
	return (uint32_t)(sum + (sum >> 32));
}

bool tar_block_checks(const uint8_t block[TAR_BLOCK], uint32_t sum)
{
	int64_t said, is = (int64_t)sum + HEADER_SUM_LEN * ' ';

	/* The sum field is octal only, though its first bit is set in no number that could match.
	 */
	if (block[HEADER_SUM] & 0x80 || !tar_number(block + HEADER_SUM, HEADER_SUM_LEN, &said))
		return false;
	for (size_t i = 0; i < HEADER_SUM_LEN; i++)
		is -= block[HEADER_SUM + i];
	if (said == is)
		return true;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		if (block[i] & 0x80 && (i < HEADER_SUM || i >= HEADER_SUM + HEADER_SUM_LEN))
			is -= 256;
	return said == is;
}

bool tar_looks_like(const uint8_t block[TAR_BLOCK])
{
	uint32_t sum = tar_block_sum(block);

	return sum == 0 || tar_block_checks(block, sum);
}

enum tar_dialect tar_block_dialect(const uint8_t block[TAR_BLOCK])
{
	const uint8_t *magic = block + 257;

	if (memcmp(magic, "ustar", 6) == 0)
		return memcmp(block + 508, "tar", 4) == 0 ? TAR_STAR : TAR_USTAR;
	return memcmp(magic, "ustar  ", 8) == 0 ? TAR_GNU : TAR_V7;
}

bool tar_block_numbers(const uint8_t block[TAR_BLOCK], enum tar_dialect dialect,
		       int64_t v[FIELD_COUNT], const struct tar_field_row **bad)
{
	static const uint8_t counts[] = {
		[TAR_V7] = FIELD_MTIME + 1,
		[TAR_USTAR] = FIELD_DEVMINOR + 1,
		[TAR_GNU] = FIELD_DEVMINOR + 1,
		[TAR_STAR] = FIELD_COUNT,
	};

	for (size_t i = 0; i < counts[dialect]; i++)
		if (!tar_number(block + tar_fields[i].at, tar_fields[i].len, &v[i])) {
			*bad = &tar_fields[i];
			return false;
		}
	for (size_t i = counts[dialect]; i < FIELD_COUNT; i++)
		v[i] = 0;
	return true;
}

size_t tar_block_string(const uint8_t *field, size_t n, char *out)
{
	const uint8_t *end = memchr(field, 0, n);
	size_t len = end ? (size_t)(end - field) : n;

	memcpy(out, field, len);
	out[len] = '\0';
	return len;
}

/* Go before 1.8 wrote a prefix into GNU headers, over atime and ctime. Its reader still takes one
 * where these two are no numbers and the prefix is ASCII (golang.org/issue/21005). */
static size_t gnu_prefix(const uint8_t block[TAR_BLOCK], char *out)
{
	const uint8_t *times[] = { block + 345, block + 357 };
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		int64_t v;

		if (!times[i][0] || tar_number(times[i], 12, &v))
			continue;
		len = tar_block_string(block + HEADER_PREFIX, HEADER_PREFIX_LEN, out);
		for (size_t j = 0; j < len; j++)
			if ((uint8_t)out[j] >= 0x80)
				return 0;
		return len;
	}
	return 0;
}

static size_t block_prefix(const uint8_t block[TAR_BLOCK], enum tar_dialect dialect, char *out)
{
	switch (dialect) {
	case TAR_USTAR:
		return tar_block_string(block + HEADER_PREFIX, HEADER_PREFIX_LEN, out);
	case TAR_STAR:
		return tar_block_string(block + HEADER_PREFIX, 131, out);
	case TAR_GNU:
		return gnu_prefix(block, out);
	case TAR_V7:
		break;
	}
	return 0;
}

size_t tar_block_name(const uint8_t block[TAR_BLOCK], enum tar_dialect dialect, char *out)
{
	size_t len =
		block[HEADER_PREFIX] || dialect == TAR_GNU ? block_prefix(block, dialect, out) : 0;

	if (len)
		out[len++] = '/';
	return len + tar_block_string(block + HEADER_NAME, HEADER_NAME_LEN, out + len);
}
