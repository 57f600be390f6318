/* What the files of this folder share. */
#pragma once

#include "engine/engine.h"
#include "http/http.h"

/* Where a daemon listens and how it is reached. Strings are owned. */
struct endpoint {
	char *shown;  /* for messages */
	char *socket; /* or NULL: over the network */
	char *base;   /* "http://docker", "https://host:2376" */
	bool named, insecure;
	char *ca, *cert, *key;
};

int endpoint_find(struct endpoint *out, struct error *err) _must_check_;
void endpoint_done(struct endpoint *e);
/* host as DOCKER_HOST has it; what names it. tls: spoken where host is tcp://, with the *.pem of
 * the directory certs (may be NULL). */
int endpoint_parse(struct endpoint *out, const char *host, const char *what, bool tls,
		   const char *certs, struct error *err) _must_check_;
/* Of the context that the environment or config.json names: 1 where that is the default. */
int endpoint_of_context(struct endpoint *out, struct error *err) _must_check_;
/* $DOCKER_CONFIG or $HOME/.docker, malloc'd; NULL where memory is short. */
char *endpoint_settings(void);

struct engine {
	struct endpoint at;
	struct http *http;
	struct notes *notes;
	const char *ca[1];
	struct http_tls tls;
};

/* GET path. 0 with an answer of status 200, 1 for 404. */
int engine_get(struct engine *e, const char *path, unsigned patience, struct http_answer **out,
	       struct error *err) _must_check_;
/* ERR_NET with status and the daemon's words. */
int engine_refused(struct engine *e, struct http_answer *a, struct error *err);
struct http_request engine_request(const struct engine *e, const char *method, const char *url);
