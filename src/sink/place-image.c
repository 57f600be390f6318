/* What a directory may hold that --replace takes away: an OCI layout, or what dir: writes, and
 * nothing else. A home directory is never mistaken for one.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macro.h"
#include "sink/place.h"

/* HEX, sha512-HEX, HEX.manifest.json, of dir:. */
static bool is_dir_blob(const char *name)
{
	size_t n;

	if (strncmp(name, "sha512-", 7) == 0)
		name += 7;
	n = strspn(name, "0123456789abcdef");
	return (n == 64 || n == 128) && (!name[n] || strcmp(name + n, ".manifest.json") == 0);
}

static bool is_signature(const char *name)
{
	return strncmp(name, "signature-", 10) == 0 &&
	       strspn(name + 10, "0123456789") == strlen(name + 10);
}

static bool belongs(const char *name)
{
	static const char *const names[] = { ".",      "..",	 "oci-layout",	  "index.json",
					     "blobs",  "ingest", "manifest.json", "repositories",
					     "version" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return is_dir_blob(name) || is_signature(name);
}

static bool has(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

int place_check_image(int dir, const char *path, struct error *err)
{
	int copy, r = 0;
	struct dirent *e;
	DIR *d;

	if (!has(dir, "oci-layout") && !(has(dir, "version") && has(dir, "manifest.json")))
		return err_fail(err, ERR_DENIED, 0, "'%s' holds no image: it stays", path);
	copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = copy < 0 ? NULL : fdopendir(copy);
	if (!d) {
		closep(&copy);
		return err_fail(err, ERR_IO, errno, "read '%s'", path);
	}
	while (r == 0 && (e = readdir(d))) {
		char name[100];

		if (!belongs(e->d_name))
			r = err_fail(err, ERR_DENIED, 0,
				     "'%s' holds more than an image ('%s'): it stays", path,
				     err_text(name, sizeof(name), e->d_name, strlen(e->d_name)));
	}
	closedir(d);
	return r;
}
