/* What the files of a session share.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "registry/challenge.h"
#include "registry/registry.h"

#define REGISTRY_ANSWER_MAX (64u << 10) /* bytes of an error's body that are read */

/* One place, as it is asked. */
struct endpoint {
	struct registry *registry;
	const struct registry_place *place;
	struct http_tls tls, tls_elsewhere; /* the second for other hosts: without the client's
					       certificate */
	bool local;			    /* on this host by its very name */
	atomic_bool passed_over;	    /* a mirror that failed is not asked again */
	char *base;    /* of the scheme that the server speaks; NULL before it is known */
	char *refused; /* why it cannot be asked, or NULL */
	enum err_code refused_code;
	pthread_mutex_t lock;	    /* of all below, and of base */
	char *authorization;	    /* or NULL: anonymous so far */
	struct challenge challenge; /* the last one */
	struct registry_login login;
	bool login_known;
};

struct registry {
	struct registry_name name;
	struct registry_options opts;
	bool push;
	struct http *http;
	struct registry_places places;
	struct endpoint *endpoints; /* one a place */
	char *mount_from;	    /* a repository that a token is to allow reading too, or NULL */
};

/* The endpoint's base URL, known after it: asks /v2/ where http:// may be meant. */
int endpoint_base(struct endpoint *e, const char **base, struct error *err) _must_check_;

/* Sends rq, whose url lies below the endpoint's base or is what the endpoint gave; authenticates
 * where the server asks for it, once. Another origin than the base gets no authorization, and its
 * word on one does not count. 401 and 403 that remain are ERR_AUTH, or ERR_NET where another host
 * gave them; other statuses are handed on. */
int endpoint_send(struct endpoint *e, struct http_request *rq, struct http_answer **out,
		  struct error *err) _must_check_;

/* Sets what a request to rq->url may use: certificates, and where that host may be. What a registry
 * names on another host (a token realm, an upload's Location) is no way to this host's own servers,
 * unless the registry is here itself. */
void endpoint_reach(const struct endpoint *e, struct http_request *rq);

/* Makes e->authorization anew by e->challenge; e->lock is held. 1 where no credential is known that
 * could help (anonymous Basic). ERR_AUTH, ERR_NET, ERR_DENIED. */
int endpoint_authorize(struct endpoint *e, struct error *err) _must_check_;

/* BASE/PATH as malloc'd text. */
int endpoint_url(char **out, struct endpoint *e, struct error *err, const char *fmt,
		 ...) _must_check_ _printf_(4, 5);

/* Where all that is written goes. */
struct endpoint *registry_destination(struct registry *r);

/* ERR_DIGEST where the answer says that it took another digest than the one that was sent. */
int registry_check_digest(const struct http_answer *a, const struct endpoint *e, const char *want,
			  struct error *err) _must_check_;

/* ": " and the first message of the answer's JSON, escaped; "" where it has none. */
void registry_message(char *out, size_t n, struct http_answer *a);

/* The error for 401 and 403: who refused, what it said, and which credential it had. */
int endpoint_refused(struct endpoint *e, struct http_answer *a, struct error *err);

/* An error for a status that nobody expected: what failed, where, the status, and the answer's
 * message. */
int registry_refused(struct http_answer *a, const struct endpoint *e, const char *what,
		     struct error *err);
