/* What a test asks from inside a container, without a distribution around it: who am I, who owns
 * these, may I write there.
 *     probe id | probe ls PATH... | probe write PATH
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int id(void)
{
	gid_t groups[64];
	int n = getgroups(64, groups);

	printf("uid=%u gid=%u groups=", getuid(), getgid());
	for (int i = 0; i < n; i++)
		printf("%s%u", i ? "," : "", groups[i]);
	putchar('\n');
	return 0;
}

static int ls(int count, char **paths)
{
	int bad = 0;

	for (int i = 0; i < count; i++) {
		struct stat st;

		if (lstat(paths[i], &st) < 0) {
			perror(paths[i]);
			bad = 1;
			continue;
		}
		printf("%o %u %u %s\n", st.st_mode & 07777, st.st_uid, st.st_gid, paths[i]);
	}
	return bad;
}

static int write_to(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	if (fd < 0 || write(fd, "x", 1) != 1) {
		perror(path);
		return 1;
	}
	printf("wrote %s\n", path);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "id"))
		return id();
	if (argc > 2 && !strcmp(argv[1], "ls"))
		return ls(argc - 2, argv + 2);
	if (argc == 3 && !strcmp(argv[1], "write"))
		return write_to(argv[2]);
	return 2;
}
