#include "source/store.h"

#include <string.h>

void store_close(struct store *st)
{
	if (st)
		st->ops->close(st);
}

bool store_has(struct store *st, const char *name)
{
	struct error ignored;
	struct stored found;

	return st->ops->find(st, name, &found, &ignored) == 0;
}

int store_read(struct store *st, const char *name, const char *what, const struct limits *limits,
	       uint8_t **data, size_t *len, struct error *err)
{
	_cleanup_(stream_closep) struct stream *in = NULL;
	struct stored found;
	int r;

	r = st->ops->find(st, name, &found, err);
	if (r)
		return r;
	if (found.size != SOURCE_SIZE_UNKNOWN && found.size > limits->v[LIMIT_JSON_SIZE])
		return limit_passed(limits, LIMIT_JSON_SIZE, what, err);
	r = st->ops->open(st, name, &in, err);
	if (r)
		return r;
	r = stream_read_all(in, limits->v[LIMIT_JSON_SIZE], data, len, err);
	return r < 0 ? err_wrap(err, "%s", what) : 0;
}
