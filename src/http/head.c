/* The head of an answer: kept as text, bounded whatever the server sends (RFC 9112 section 5). */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "http/impl.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "HTTP/1.1 200 OK": 0 where it is not that. */
static long status_of(const char *line, size_t n)
{
	const char *space = memchr(line, ' ', n);
	uint32_t v;

	if (!space || (size_t)(line + n - space) < 4 || !num_u32(space + 1, 3, &v))
		return 0;
	return (long)v;
}

static int keep(struct http_head *h, const char *line, size_t n, struct error *err)
{
	const char *colon = memchr(line, ':', n), *end = line + n, *value;

	if (!colon || colon == line)
		return 0;
	for (value = colon + 1; value < end && is_blank(*value);)
		value++;
	while (end > value && is_blank(end[-1]))
		end--;
	if (memchr(line, '\0', n))
		return 0;
	if (buf_append(&h->fields, line, (size_t)(colon - line)) || buf_append(&h->fields, "", 1) ||
	    buf_append(&h->fields, value, (size_t)(end - value)) || buf_append(&h->fields, "", 1))
		return err_nomem(err);
	return 0;
}

/* A line that begins with a blank goes on with the one before (obs-fold, RFC 9112 section 5.2). */
static int unfold(struct http_head *h, const char *line, size_t n, struct error *err)
{
	const char *end = line + n;

	while (line < end && is_blank(*line))
		line++;
	while (end > line && is_blank(end[-1]))
		end--;
	if (!h->fields.len || line == end || memchr(line, '\0', (size_t)(end - line)))
		return 0;
	h->fields.data[h->fields.len - 1] = ' ';
	if (buf_append(&h->fields, line, (size_t)(end - line)) || buf_append(&h->fields, "", 1))
		return err_nomem(err);
	return 0;
}

int http_head_line(struct http_head *h, const char *line, size_t n, bool wait_417,
		   struct error *err)
{
	h->bytes += n;
	if (h->bytes > HTTP_HEADERS_MAX)
		return err_fail(err, ERR_LIMIT, 0, "a head of more than %u bytes",
				HTTP_HEADERS_MAX);
	if (h->complete) /* trailers */
		return 0;
	if (n >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		buf_clear(&h->fields);
		h->status = status_of(line, n);
		return 0;
	}
	if (line[0] == '\r' || line[0] == '\n') {
		h->complete = h->status >= 200 && !(h->status == 417 && wait_417);
		return 0;
	}
	if (line[0] == ' ' || line[0] == '\t')
		return unfold(h, line, n, err);
	return keep(h, line, n, err);
}

const char *http_head_get(const struct http_head *h, const char *name, size_t i)
{
	const char *at = buf_str(&h->fields), *end = at + h->fields.len;

	while (at < end) {
		const char *value = at + strlen(at) + 1;

		if (strcasecmp(at, name) == 0 && i-- == 0)
			return value;
		at = value + strlen(value) + 1;
	}
	return NULL;
}

uint64_t http_head_length(const struct http_head *h)
{
	const char *text = http_head_get(h, "Content-Length", 0);
	uint64_t v;

	/* Transfer-Encoding overrides it (RFC 9112 section 6.3). */
	if (!text || http_head_get(h, "Transfer-Encoding", 0) || !num_u64(text, strlen(text), &v))
		return HTTP_SIZE_UNKNOWN;
	return v;
}

bool http_head_range(const struct http_head *h, uint64_t *first, uint64_t *last, uint64_t *total)
{
	const char *text = http_head_get(h, "Content-Range", 0), *dash, *slash;

	if (!text || strncasecmp(text, "bytes ", 6) != 0)
		return false;
	text += 6;
	dash = strchr(text, '-');
	slash = dash ? strchr(dash, '/') : NULL;
	if (!slash || !num_u64(text, (size_t)(dash - text), first) ||
	    !num_u64(dash + 1, (size_t)(slash - dash - 1), last) || *last < *first ||
	    *last == UINT64_MAX)
		return false;
	*total = HTTP_SIZE_UNKNOWN;
	return strcmp(slash, "/*") == 0 ||
	       (num_u64(slash + 1, strlen(slash + 1), total) && *total > *last);
}
