/* How a host is reached: certificates, proxies, unix sockets, and which addresses may be asked. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/num.h"
#include "http/impl.h"

#define CA_FILE_MAX (16 << 20) /* a bundle has 250 KiB */

/* --- TLS --- */

static int append_file(struct buf *b, const char *path, struct error *err)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t start = b->len;
	ssize_t n;

	if (fd < 0)
		return err_fail(err, ERR_IO, errno, "open '%s'", path);
	do {
		if (buf_reserve(b, 64 << 10))
			return err_nomem(err);
		n = read(fd, b->data + b->len, 64 << 10);
		if (n < 0)
			return err_fail(err, ERR_IO, errno, "read '%s'", path);
		b->len += (size_t)n;
		if (b->len - start > CA_FILE_MAX)
			return err_fail(err, ERR_LIMIT, 0, "'%s': more than %d bytes", path,
					CA_FILE_MAX);
	} while (n);
	return buf_append(b, "\n", 1) ? err_nomem(err) : 0;
}

/* One text of all certificates replaces CURLOPT_CAINFO; the system's directory stays beside it, and
 * the system's file is read where there is no directory. */
static int set_ca(CURL *easy, const struct http_tls *tls, const char *file, const char *dir,
		  struct error *err)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
	_cleanup_(buf_freep) struct buf b = { 0 };
	struct curl_blob blob = { .flags = CURL_BLOB_COPY };
	struct stat st;

	for (size_t i = 0; i < tls->ca_count; i++) {
		int r = append_file(&b, tls->ca[i], err);

		if (r < 0)
			return r;
	}
	if (!dir)
		dir = info->capath;
	if (!file && !(dir && stat(dir, &st) == 0))
		file = info->cainfo;
	/* The user's own files are what was asked for: the system's may be missing. */
	if (file && append_file(&b, file, err) < 0 && err->code != ERR_IO)
		return -(int)err->code;
	blob.data = b.data;
	blob.len = b.len;
	if (curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob) != CURLE_OK)
		return err_nomem(err);
	return 0;
}

static int set_tls(struct http_transfer *t, struct error *err)
{
	const struct http_tls *tls = t->hop.rq->tls;
	const char *file = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");
	CURL *easy = t->slot->easy;

	file = file && *file ? file : NULL;
	dir = dir && *dir ? dir : NULL;
	if (file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, file);
	if (dir)
		curl_easy_setopt(easy, CURLOPT_CAPATH, dir);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (!tls)
		return 0;
	if (tls->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (tls->cert && t->hop.own) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert);
		curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key ? tls->key : tls->cert);
	}
	return tls->ca_count && !tls->insecure ? set_ca(easy, tls, file, dir, err) : 0;
}

/* --- proxies --- */

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

/* The proxy that the environment names for this scheme, whatever NO_PROXY says of the host. curl
 * knows all of them but HTTP_PROXY, which a CGI program must not trust. */
static const char *proxy_named(bool https, bool *own)
{
	const char *v;

	*own = false;
	if (https) {
		v = env("https_proxy");
		v = v ? v : env("HTTPS_PROXY");
	} else {
		v = env("http_proxy");
		if (!v && !getenv("REQUEST_METHOD")) {
			v = env("HTTP_PROXY");
			*own = v != NULL;
		}
	}
	v = v ? v : env("all_proxy");
	return v ? v : env("ALL_PROXY");
}

static long port_of(const char *proxy)
{
	const char *start = strstr(proxy, "://"), *end, *colon;
	uint32_t port;

	start = start ? start + 3 : proxy;
	end = start + strcspn(start, "/");
	colon = memrchr(start, ':', (size_t)(end - start));
	return colon && num_u32(colon + 1, (size_t)(end - colon - 1), &port) ? (long)port : 1080;
}

static void set_proxy(struct http_transfer *t)
{
	const char *proxy;
	bool own;

	if (t->hop.rq->unix_socket) {
		curl_easy_setopt(t->slot->easy, CURLOPT_UNIX_SOCKET_PATH, t->hop.rq->unix_socket);
		curl_easy_setopt(t->slot->easy, CURLOPT_PROXY, "");
		return;
	}
	if (http_url_loopback(t->hop.url)) {
		curl_easy_setopt(t->slot->easy, CURLOPT_PROXY, "");
		return;
	}
	proxy = proxy_named(http_url_https(t->hop.url), &own);
	if (!proxy)
		return;
	t->proxied = true;
	t->proxy_port = port_of(proxy);
	if (own)
		curl_easy_setopt(t->slot->easy, CURLOPT_PROXY, proxy);
}

/* --- addresses --- */

static bool sockaddr_local(const struct sockaddr *a, long *port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;

	*port = 0;
	if (a->sa_family == AF_INET) {
		*port = ntohs(v4->sin_port);
		return http_address_local(AF_INET, &v4->sin_addr);
	}
	if (a->sa_family == AF_INET6) {
		*port = ntohs(v6->sin6_port);
		return http_address_local(AF_INET6, &v6->sin6_addr);
	}
	return true;
}

/* Called with each address that a name resolved to, right before it is connected: what a name says
 * at another time does not count. A proxy may well be on this host. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_transfer *t = ctx;
	long port;

	(void)purpose;
	if (sockaddr_local(&a->addr, &port) && !(t->proxied && port == t->proxy_port)) {
		t->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

bool http_reach_local(struct http_transfer *t)
{
	char *text = NULL;
	uint8_t a[16];

	if (t->hop.rq->unix_socket || http_url_local(t->hop.url))
		return true;
	if (t->proxied)
		return false;
	if (curl_easy_getinfo(t->slot->easy, CURLINFO_PRIMARY_IP, &text) != CURLE_OK || !text)
		return false;
	if (inet_pton(AF_INET, text, a) == 1)
		return http_address_local(AF_INET, a);
	return inet_pton(AF_INET6, text, a) == 1 && http_address_local(AF_INET6, a);
}

int http_reach_set(struct http_transfer *t, struct error *err)
{
	if (!t->hop.local_ok) {
		if (http_url_local(t->hop.url))
			return err_fail(err, ERR_DENIED, 0,
					"%s: an address of this host, which is not asked", t->who);
		curl_easy_setopt(t->slot->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
		curl_easy_setopt(t->slot->easy, CURLOPT_OPENSOCKETDATA, t);
		/* Else a connection of before would serve, whose address nobody judged. */
		if (t->hop.rq->public_only)
			curl_easy_setopt(t->slot->easy, CURLOPT_FRESH_CONNECT, 1L);
	}
	set_proxy(t);
	return set_tls(t, err);
}
