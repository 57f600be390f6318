/* One line an entry: type, uid, gid, size, uid and gid as GNU tar has them, name (escaped). For
 * second-opinion.py. Usage: list FILE [CHUNK]; with a chunk size the file arrives in pieces of so
 * many bytes. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tar/reader.h"

static int list(struct stream *in)
{
	struct limits limits = limits_default();
	_cleanup_(tar_reader_freep) struct tar_reader *r = NULL;
	static char name[1 << 20];
	struct tar_entry e;
	struct error err;
	int ret = tar_reader_new(&r, in, &limits, &err);

	while (ret == 0 && (ret = tar_reader_next(r, &e, &err)) == 0)
		printf("%c %" PRId64 " %" PRId64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s\n",
		       e.type, e.uid, e.gid, e.size, e.uid_gnu, e.gid_gnu,
		       err_text(name, sizeof(name), e.name, e.name_len));
	if (ret < 0)
		printf("error %s %s\n", err_name(err.code), err.msg);
	else
		printf("end %u %" PRIu64 "\n", tar_reader_oddities(r), tar_reader_offset(r));
	return ret < 0;
}

int main(int argc, char **argv)
{
	_cleanup_(stream_closep) struct stream *s = NULL;
	struct stream *inner;
	struct error err;
	struct stat st;
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || fstat(fd, &st) ||
	    stream_open_range(&s, fd, true, 0, (uint64_t)st.st_size, &err)) {
		fprintf(stderr, "usage: list FILE [CHUNK]\n");
		return 2;
	}
	if (argc > 2) {
		inner = STEAL(s);
		if (stream_open_chunked(&s, inner, strtoul(argv[2], NULL, 10), &err))
			return 2;
	}
	return list(s);
}
