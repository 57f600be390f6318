/* The only program of the test's images: prints each path's owner, then the maps it lives in. */
#include <stdio.h>
#include <sys/stat.h>

static void cat(const char *path)
{
	char line[200];
	FILE *in = fopen(path, "r");

	while (in && fgets(line, sizeof(line), in))
		printf("%s %s", path + sizeof("/proc/self/") - 1, line);
	if (in)
		fclose(in);
}

int main(int argc, char **argv)
{
	struct stat st;

	for (int i = 1; i < argc; i++)
		if (lstat(argv[i], &st) == 0)
			printf("owner %s %u %u\n", argv[i], (unsigned)st.st_uid, (unsigned)st.st_gid);
	cat("/proc/self/uid_map");
	cat("/proc/self/gid_map");
	return 0;
}
