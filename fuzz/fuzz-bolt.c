/* Any bytes as a bbolt file. The sums of the metas are made right first, so that what stands behind
 * them is reached. The first byte picks how deep the key lies. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storage/bolt.h"

#define META   16
#define SUMMED 56

static void make_sum(uint8_t *meta)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < SUMMED; i++)
		h = (h ^ meta[i]) * 0x100000001b3u;
	memcpy(meta + SUMMED, &h, sizeof(h));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bolt_key path[] = {
		{ "v1", 2 },
		{ "default", 7 },
		{ "images", 6 },
		{ "a", 1 },
	};
	uint8_t *copy, *value;
	struct error err;
	size_t len;
	int fd;

	if (size < 2)
		return 0;
	copy = malloc(size - 1);
	fd = memfd_create("bolt", MFD_CLOEXEC);
	if (!copy || fd < 0)
		abort();
	memcpy(copy, data + 1, size - 1);
	for (size_t at = META; at <= META + 1024; at += at == META ? 512 : at - META)
		if (at + SUMMED + 8 <= size - 1)
			make_sum(copy + at);
	if (write(fd, copy, size - 1) != (ssize_t)(size - 1))
		abort();
	if (bolt_get_fd(fd, path, 1 + data[0] % 4, &value, &len, &err) == 0) {
		if (value[len])
			abort();
		free(value);
	}
	close(fd);
	free(copy);
	return 0;
}
