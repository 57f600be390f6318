/* The client: handles that keep their connections, and what they share. */
#include <stdio.h>
#include <string.h>

#include "http/impl.h"

#define IDLE_MAX       16   /* slots kept; a check has a layer a core, and a few hosts */
#define CONNECT_MS_MIN 3000 /* a host under load needs its time, hurry or not */

static void share_lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *ctx)
{
	struct http *h = ctx;

	(void)easy;
	(void)access;
	pthread_mutex_lock(&h->share_lock[data]);
}

static void share_unlock(CURL *easy, curl_lock_data data, void *ctx)
{
	struct http *h = ctx;

	(void)easy;
	pthread_mutex_unlock(&h->share_lock[data]);
}

static bool share_open(struct http *h)
{
	h->share = curl_share_init();
	return h->share &&
	       curl_share_setopt(h->share, CURLSHOPT_USERDATA, (void *)h) == CURLSHE_OK &&
	       curl_share_setopt(h->share, CURLSHOPT_LOCKFUNC, share_lock) == CURLSHE_OK &&
	       curl_share_setopt(h->share, CURLSHOPT_UNLOCKFUNC, share_unlock) == CURLSHE_OK &&
	       curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK &&
	       curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) ==
		       CURLSHE_OK;
}

int http_new(struct http **out, const struct http_options *opts, struct error *err)
{
	struct http *h;

	/* Counted, and safe among threads since 7.84. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_fail(err, ERR_BUG, 0, "libcurl cannot be set up");
	h = calloc(1, sizeof(*h));
	if (!h) {
		curl_global_cleanup();
		return err_nomem(err);
	}
	h->opts = *opts;
	for (size_t i = 0; i < ARRAY_SIZE(h->share_lock); i++)
		pthread_mutex_init(&h->share_lock[i], NULL);
	pthread_mutex_init(&h->lock, NULL);
	h->user_agent = strdup(opts->user_agent ? opts->user_agent : "uidfit/" UIDFIT_VERSION);
	if (!h->user_agent || !share_open(h)) {
		http_free(h);
		return err_nomem(err);
	}
	*out = h;
	return 0;
}

static void slot_free(struct http_slot *s)
{
	curl_easy_cleanup(s->easy);
	curl_multi_cleanup(s->multi);
	free(s->origin);
	free(s);
}

void http_free(struct http *h)
{
	if (!h)
		return;
	while (h->idle) {
		struct http_slot *s = h->idle;

		h->idle = s->next;
		slot_free(s);
	}
	if (h->share)
		curl_share_cleanup(h->share);
	for (size_t i = 0; i < ARRAY_SIZE(h->share_lock); i++)
		pthread_mutex_destroy(&h->share_lock[i]);
	pthread_mutex_destroy(&h->lock);
	free(h->user_agent);
	free(h);
	curl_global_cleanup();
}

static struct http_slot *slot_new(struct http *h, const char *origin)
{
	struct http_slot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->multi = curl_multi_init();
	s->easy = curl_easy_init();
	s->origin = strdup(origin);
	if (!s->multi || !s->easy || !s->origin) {
		slot_free(s);
		return NULL;
	}
	curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, 2L);
	curl_easy_setopt(s->easy, CURLOPT_SHARE, h->share);
	return s;
}

int http_slot_take(struct http_slot **out, struct http *h, const char *origin, struct error *err)
{
	struct http_slot **at, *s = NULL;

	pthread_mutex_lock(&h->lock);
	for (at = &h->idle; *at && strcmp((*at)->origin, origin) != 0; at = &(*at)->next)
		;
	if (*at) {
		s = *at;
		*at = s->next;
	}
	pthread_mutex_unlock(&h->lock);
	if (!s)
		s = slot_new(h, origin);
	if (!s)
		return err_nomem(err);
	*out = s;
	return 0;
}

void http_slot_give(struct http *h, struct http_slot *s)
{
	struct http_slot **last, *old = NULL;
	unsigned n = 0;

	/* Connections and share stay; nothing of the request does. */
	curl_easy_reset(s->easy);
	pthread_mutex_lock(&h->lock);
	s->next = h->idle;
	h->idle = s;
	for (last = &h->idle; *last && (*last)->next; last = &(*last)->next)
		n++;
	if (n >= IDLE_MAX) {
		old = *last;
		*last = NULL;
	}
	pthread_mutex_unlock(&h->lock);
	if (old)
		slot_free(old);
}

long http_wait_ms(const struct http *h, unsigned seconds)
{
	unsigned hurry = h->opts.hurry ? h->opts.hurry : 1;

	return MAX((long)seconds * 1000 / (long)hurry, 1);
}

long http_connect_ms(const struct http *h)
{
	return MAX(http_wait_ms(h, HTTP_CONNECT_WAIT), CONNECT_MS_MIN);
}
