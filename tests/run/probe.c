/* What a process in a container may do and sees; static, so that it runs in any root file system. Exit status 0 where the call
 * was allowed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int told(const char *what, int failed)
{
	printf("%s %s\n", what, failed ? strerror(errno) : "done");
	return failed != 0;
}

/* Binds, listens, connects to itself and sends a word through. */
static int loopback(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), peer;
	char word[8] = "";

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(server, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(server, 1) < 0)
		return told("bind", 1);
	if (connect(client, (struct sockaddr *)&at, sizeof(at)) < 0)
		return told("connect", 1);
	peer = accept(server, NULL, NULL);
	if (write(client, "word", 5) != 5 || read(peer, word, sizeof(word)) != 5 || strcmp(word, "word"))
		return told("talk", 1);
	return told("loopback", 0);
}

/* The ids that an ACL's rows of named users hold. */
static int acl(const char *path)
{
	unsigned char value[1024];
	ssize_t n = getxattr(path, "system.posix_acl_access", value, sizeof(value));

	if (n < 4)
		return told("acl", 1);
	printf("acl");
	for (ssize_t at = 4; at + 8 <= n; at += 8)
		if (value[at] == 2)
			printf(" %u", value[at + 4] | value[at + 5] << 8 | value[at + 6] << 16 | (unsigned)value[at + 7] << 24);
	printf("\n");
	return 0;
}

static int streams(void)
{
	struct stat st[3];

	for (int i = 0; i < 3; i++)
		if (fstat(i, &st[i]) < 0)
			return told("stat", 1);
	printf("streams %s %s\n", S_ISFIFO(st[0].st_mode) && S_ISFIFO(st[1].st_mode) && S_ISFIFO(st[2].st_mode) ? "pipes" : "others",
	       st[0].st_ino != st[1].st_ino && st[1].st_ino != st[2].st_ino ? "separate" : "joined");
	fflush(stdout);
	fprintf(stderr, "to stderr\n");
	return 0;
}

/* Passes over what asks it to end. */
static int deaf(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	printf("ready\n");
	fflush(stdout);
	for (int i = 0; i < 60; i++)
		sleep(1);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "ids";

	if (!strcmp(verb, "ids"))
		return printf("uid %d euid %d gid %d egid %d\n", getuid(), geteuid(), getgid(), getegid()) < 0;
	if (!strcmp(verb, "raw"))
		return told("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) < 0);
	if (!strcmp(verb, "chown") && argc > 3)
		return told("chown", chown(argv[2], (uid_t)atoi(argv[3]), (gid_t)-1));
	if (!strcmp(verb, "loopback") && argc > 2)
		return loopback(atoi(argv[2]));
	if (!strcmp(verb, "acl") && argc > 2)
		return acl(argv[2]);
	if (!strcmp(verb, "streams"))
		return streams();
	if (!strcmp(verb, "deaf"))
		return deaf();
	if (!strcmp(verb, "crash"))
		raise(SIGSEGV), *(volatile int *)0 = 1;
	return 2;
}
