#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/macro.h"
#include "sink/out.h"
#include "tar/reader.h"
#include "tar/write.h"

#define OCTAL_MAX 077777777777u /* what a size field holds in digits */

int out_write(int fd, int64_t offset, const void *bytes, size_t n, const char *path,
	      struct error *err)
{
	const uint8_t *p = bytes;

	while (n) {
		ssize_t done = offset < 0 ? write(fd, p, n) : pwrite(fd, p, n, offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_fail(err, ERR_IO, done ? errno : ENOSPC, "write '%s'", path);
		p += done;
		n -= (size_t)done;
		offset += offset < 0 ? 0 : done;
	}
	return 0;
}

/* Base-256 (GNU, and Go reads it), so that the header stays one block. */
static void set_size(uint8_t *h, uint64_t size)
{
	unsigned sum = 0;
	char text[8];

	memset(h + 124, 0, 12);
	h[124] = 0x80;
	for (unsigned i = 0; i < 8; i++)
		h[124 + 4 + i] = (uint8_t)(size >> (56 - 8 * i));
	memset(h + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += h[i];
	snprintf(text, sizeof(text), "%06o", sum);
	memcpy(h + 148, text, 7);
}

int out_header(struct buf *to, const char *name, uint64_t size, struct error *err)
{
	bool folder = name[strlen(name) - 1] == '/', large = size > OCTAL_MAX;
	struct tar_new e = { .name = name,
			     .type = folder ? TAR_DIR : TAR_REG,
			     .link = "",
			     .mode = folder ? 0755 : 0644,
			     .size = large ? 0 : size };
	int r = tar_write_header(to, &e, err);

	if (r == 0 && large)
		set_size(to->data + to->len - TAR_BLOCK, size);
	return r;
}
