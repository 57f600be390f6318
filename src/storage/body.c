#include "storage/body.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Only looked at until it is known to be a regular file: opening a device may do something. */
#define FLAGS (O_PATH | O_NOFOLLOW | O_CLOEXEC)

#define TRIES 8 /* openat2 gives EAGAIN where something was renamed meanwhile */

static int open_in_root(int dir, const char *name)
{
	struct open_how how = { .flags = FLAGS,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	long fd = -1;

	for (int i = 0; i < TRIES; i++) {
		fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return (int)fd;
}

/* Part by part, none through a link. */
static int open_by_parts(int dir, const char *name)
{
	char part[NAME_MAX + 1];
	_cleanup_(closep) int at = -1;

	for (const char *p = name + strspn(name, "/"); *p;) {
		size_t n = strcspn(p, "/"), behind = n + strspn(p + n, "/");
		int fd;

		if (n > NAME_MAX || (n == 2 && p[0] == '.' && p[1] == '.')) {
			errno = n > NAME_MAX ? ENAMETOOLONG : EXDEV;
			return -1;
		}
		memcpy(part, p, n);
		part[n] = '\0';
		p += behind;
		fd = openat(at < 0 ? dir : at, part, FLAGS | (*p ? O_DIRECTORY : 0));
		if (fd < 0)
			return -1;
		closep(&at);
		at = fd;
	}
	if (at < 0)
		errno = ENOENT;
	dir = at;
	at = -1;
	return dir;
}

static int open_path(int dir, const char *name)
{
	int fd = open_in_root(dir, name);

	/* Some seccomp filters refuse what they do not know with EPERM. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = open_by_parts(dir, name);
	return fd;
}

static int failed(struct error *err)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return err_fail(err, ERR_NOT_FOUND, errno, "the store has no such file");
	if (errno == EACCES)
		return err_fail(err, ERR_DENIED, errno,
				"its bytes belong to another user (of a rootless store "
				"'podman unshare uidfit ...' reads them)");
	return err_fail(err, ERR_IO, errno, "open");
}

int body_open(int dir, const char *name, size_t n, int *out, uint64_t *size, struct error *err)
{
	char path[PATH_MAX], self[32];
	_cleanup_(closep) int fd = -1;
	struct stat st;

	if (!n || n >= sizeof(path) || memchr(name, '\0', n))
		return err_fail(err, ERR_BAD_INPUT, 0, "no name of a file");
	memcpy(path, name, n);
	path[n] = '\0';
	fd = open_path(dir, path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return failed(err);
	if (!S_ISREG(st.st_mode))
		return err_fail(err, ERR_BAD_INPUT, 0, "what the store has there is no file");
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	*out = open(self, O_RDONLY | O_CLOEXEC);
	if (*out < 0)
		return failed(err);
	*size = (uint64_t)st.st_size;
	return 0;
}

#define POLYNOMIAL 0xd800000000000000u /* ISO 3309, reflected */

/* [k][b]: what byte b gives with k zero bytes behind it. */
static uint64_t table[8][256];

__attribute__((constructor)) static void make_table(void)
{
	for (unsigned b = 0; b < 256; b++) {
		uint64_t crc = b;

		for (int i = 0; i < 8; i++)
			crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
		table[0][b] = crc;
	}
	for (unsigned k = 1; k < 8; k++)
		for (unsigned b = 0; b < 256; b++)
			table[k][b] = table[0][table[k - 1][b] & 0xff] ^ table[k - 1][b] >> 8;
}

uint64_t body_crc64(uint64_t crc, const uint8_t *p, size_t n)
{
	crc = ~crc;
	for (; n >= 8; n -= 8, p += 8) {
		uint64_t next = 0;

		for (unsigned i = 0; i < 8; i++)
			next ^= table[7 - i][(crc >> (8 * i) & 0xff) ^ p[i]];
		crc = next;
	}
	for (; n; n--)
		crc = table[0][(crc & 0xff) ^ *p++] ^ crc >> 8;
	return ~crc;
}
