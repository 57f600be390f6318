/* What broke, in words for the user: curl's codes, with host and port. curl's own sentences hold
 * times and, for proxies, credentials: they are used where they say what no code says, and escaped.
 */
#include <stdio.h>
#include <string.h>

#include "http/impl.h"

static const struct row {
	CURLcode code;
	enum http_trouble trouble;
	const char *words;
	bool detail; /* curl's own sentence behind it */
} rows[] = {
	{ CURLE_URL_MALFORMAT, HTTP_FINAL, "a URL that curl does not take", false },
	{ CURLE_COULDNT_RESOLVE_HOST, HTTP_UNREACHED, "no address for this name", false },
	{ CURLE_COULDNT_RESOLVE_PROXY, HTTP_UNREACHED,
	  "no address for the proxy that the environment names", false },
	{ CURLE_COULDNT_CONNECT, HTTP_UNREACHED, "cannot connect", false },
	{ CURLE_PROXY, HTTP_UNREACHED, "the proxy does not connect", false },
	{ CURLE_PEER_FAILED_VERIFICATION, HTTP_FINAL, "TLS", true },
	{ CURLE_SSL_CACERT_BADFILE, HTTP_FINAL, "TLS", true },
	{ CURLE_SSL_CERTPROBLEM, HTTP_FINAL, "TLS, the client's certificate", true },
	{ CURLE_SSL_CONNECT_ERROR, HTTP_FINAL, "TLS", true },
	{ CURLE_SSL_CIPHER, HTTP_FINAL, "TLS", true },
	{ CURLE_GOT_NOTHING, HTTP_BROKEN, "the connection ended without an answer", false },
	{ CURLE_PARTIAL_FILE, HTTP_BROKEN, "the connection ended too early", false },
	{ CURLE_SEND_ERROR, HTTP_BROKEN, "the connection broke", true },
	{ CURLE_RECV_ERROR, HTTP_BROKEN, "the connection broke", true },
	{ CURLE_SEND_FAIL_REWIND, HTTP_BROKEN, "the connection broke", false },
	{ CURLE_HTTP2, HTTP_BROKEN, "the connection broke, HTTP/2", true },
	{ CURLE_HTTP2_STREAM, HTTP_BROKEN, "the connection broke, HTTP/2", true },
	{ CURLE_UNSUPPORTED_PROTOCOL, HTTP_FINAL, "what answers does not speak HTTP", false },
	{ CURLE_WEIRD_SERVER_REPLY, HTTP_FINAL, "an answer that breaks HTTP", true },
	{ CURLE_BAD_CONTENT_ENCODING, HTTP_FINAL, "an answer that breaks its encoding", true },
	{ CURLE_OUT_OF_MEMORY, HTTP_FINAL, "out of memory", false },
};

static const struct row other = { CURLE_OK, HTTP_FINAL, "the transfer failed", true };

static const struct row *row_of(CURLcode code)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == code)
			return &rows[i];
	return &other;
}

/* A handshake that was cut off is worth another try; one that failed is not. */
static bool handshake_cut(const struct http_transfer *t)
{
	return strstr(t->errbuf, "SSL_ERROR_SYSCALL") || strstr(t->errbuf, "reset by peer") ||
	       strstr(t->errbuf, "unexpected eof");
}

/* An alert of the server's about what we showed it: under TLS 1.3 it comes when the handshake is
 * over for us, as an error of reading (RFC 8446 section 6.2). */
static bool client_refused(const struct http_transfer *t)
{
	static const char *const alerts[] = {
		"alert bad certificate",     "alert certificate required",
		"alert unknown ca",	     "alert certificate unknown",
		"alert certificate expired", "alert unsupported certificate"
	};

	for (size_t i = 0; i < ARRAY_SIZE(alerts); i++)
		if (strstr(t->errbuf, alerts[i]))
			return true;
	return false;
}

static int client_failed(struct http_transfer *t, struct error *err)
{
	const struct http_tls *tls = t->hop.rq->tls;
	bool shown = tls && tls->cert && t->hop.own;
	char text[CURL_ERROR_SIZE + 8];

	t->trouble = HTTP_FINAL;
	return err_fail(err, ERR_NET, 0, "%s: TLS: the server %s a client's certificate%s: %s",
			t->who, shown ? "was shown" : "wants",
			shown ? " and does not accept it" : ", and there is none for it",
			err_text(text, sizeof(text), t->errbuf, strlen(t->errbuf)));
}

static const char *detail_of(const struct http_transfer *t, char *out, size_t n)
{
	const char *text = t->errbuf[0] ? t->errbuf : curl_easy_strerror(t->result);

	return err_text(out, n, text, strlen(text));
}

static int connect_failed(struct http_transfer *t, struct error *err)
{
	long sys = 0;

	if (t->refused) {
		t->trouble = HTTP_FINAL;
		return err_fail(err, ERR_DENIED, 0,
				"%s: this name is an address of this host, which is not asked",
				t->who);
	}
	curl_easy_getinfo(t->slot->easy, CURLINFO_OS_ERRNO, &sys);
	/* What curl was waiting for when it gave up is no reason. */
	if (sys == EINPROGRESS || sys == EAGAIN)
		sys = 0;
	return err_fail(err, ERR_NET, (int)sys, "%s: cannot connect%s", t->who,
			t->proxied ? " (the environment names a proxy)" : "");
}

static void print_span(char *out, size_t n, long ms)
{
	if (ms % 1000)
		snprintf(out, n, "%ld ms", ms);
	else
		snprintf(out, n, "%ld s", ms / 1000);
}

/* sys is for who asks, the words are said already. */
static int timed_out(struct error *err)
{
	if (err)
		err->sys = ETIMEDOUT;
	return -ERR_NET;
}

/* The only bound that curl itself holds. */
static int connect_too_slow(struct http_transfer *t, struct error *err)
{
	char span[32];

	print_span(span, sizeof(span), http_connect_ms(t->h));
	t->trouble = HTTP_SILENT;
	err_fail(err, ERR_NET, 0, "%s: cannot connect within %s%s", t->who, span,
		 t->proxied ? " (the environment names a proxy)" : "");
	return timed_out(err);
}

/* The alert of client_refused() may be lost to a reset: what was sent meanwhile found nobody. */
static const char *perhaps(const struct http_transfer *t)
{
	const struct http_tls *tls;

	/* What the hop points at is there as long as no head is. */
	if ((t->result != CURLE_SEND_ERROR && t->result != CURLE_RECV_ERROR) || t->head.complete ||
	    strncmp(t->hop.url, "https:", 6) != 0)
		return "";
	tls = t->hop.rq->tls;
	return tls && tls->cert && t->hop.own
		       ? ""
		       : " (so ends a server that wants a client's certificate, too)";
}

int http_failure(struct http_transfer *t, struct error *err)
{
	const struct row *row = row_of(t->result);
	char text[CURL_ERROR_SIZE + 8];
	long proxy_status = 0, connects = 1;

	if (t->failure.code) {
		if (err)
			*err = t->failure;
		return -(int)t->failure.code;
	}
	t->trouble = row->trouble;
	curl_easy_getinfo(t->slot->easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
	if (t->proxied && proxy_status >= 300 && !t->head.status) {
		t->trouble = proxy_status >= 500 ? HTTP_UNREACHED : HTTP_FINAL;
		return err_fail(err, ERR_NET, 0, "%s: the proxy answered %ld", t->who,
				proxy_status);
	}
	if (t->result == CURLE_COULDNT_CONNECT)
		return connect_failed(t, err);
	if (t->result == CURLE_OPERATION_TIMEDOUT)
		return connect_too_slow(t, err);
	if (client_refused(t))
		return client_failed(t, err);
	/* A line longer than curl keeps (100 KB) is all that can be too much before a head ends. */
	if (t->result == CURLE_OUT_OF_MEMORY && !t->head.complete)
		return err_fail(err, ERR_LIMIT, 0, "%s: a head of more than %u bytes", t->who,
				HTTP_HEADERS_MAX);
	if (t->result == CURLE_OUT_OF_MEMORY)
		return err_nomem(err);
	if (t->result == CURLE_SSL_CONNECT_ERROR && handshake_cut(t))
		t->trouble = HTTP_UNREACHED;
	/* On a kept connection that may be the end of the answer before, longer than it said. */
	curl_easy_getinfo(t->slot->easy, CURLINFO_NUM_CONNECTS, &connects);
	if (t->result == CURLE_UNSUPPORTED_PROTOCOL && connects == 0)
		t->trouble = HTTP_BROKEN;
	if (!row->detail)
		return err_fail(err, ERR_NET, 0, "%s: %s", t->who, row->words);
	return err_fail(err, ERR_NET, 0, "%s: %s: %s%s", t->who, row->words,
			detail_of(t, text, sizeof(text)), perhaps(t));
}

int http_too_slow(struct http_transfer *t, long ms, bool silent, struct error *err)
{
	char span[32];

	print_span(span, sizeof(span), ms);
	t->trouble = HTTP_BROKEN;
	if (silent) {
		err_fail(err, ERR_NET, 0, "%s: no answer within %s", t->who, span);
		return timed_out(err);
	}
	return err_fail(err, ERR_NET, 0, "%s: less than %d bytes a second for %s", t->who,
			HTTP_SLOW_BYTES, span);
}
