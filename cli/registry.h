/* How registries are reached and who asks them: the options of every verb that reads or writes
 * docker:// names, as skopeo and podman call them.
 */
#pragma once

#include "options.h"
#include "registry/registry.h"

struct registry_choice {
	const char *authfile, *creds, *username, *registry_token, *cert_dir, *tls_verify;
	bool no_creds, password_stdin;
};

/* prefix is "", "src-" or "dest-". */
#define REGISTRY_CHOICE_ROWS(type, member, prefix)                                                 \
	{ prefix "authfile",                                                                       \
	  0,                                                                                       \
	  "FILE",                                                                                  \
	  "credentials, as skopeo login writes them",                                              \
	  OPTION_TEXT,                                                                             \
	  offsetof(struct type, member.authfile) },                                                \
		{ prefix "creds", 0,                                                               \
		  "USER:SECRET",  "a credential (seen by who lists processes)",                    \
		  OPTION_TEXT,	  offsetof(struct type, member.creds) },                           \
		{ prefix "username",                                                               \
		  0,                                                                               \
		  "NAME",                                                                          \
		  "with --" prefix "password-stdin",                                               \
		  OPTION_TEXT,                                                                     \
		  offsetof(struct type, member.username) },                                        \
		{ prefix "password-stdin",                                                         \
		  0,                                                                               \
		  NULL,                                                                            \
		  "the secret is standard input's first line",                                     \
		  OPTION_FLAG,                                                                     \
		  offsetof(struct type, member.password_stdin) },                                  \
		{ prefix "registry-token",                                                         \
		  0,                                                                               \
		  "TOKEN",                                                                         \
		  "a bearer token, sent as it is",                                                 \
		  OPTION_TEXT,                                                                     \
		  offsetof(struct type, member.registry_token) },                                  \
		{ prefix "no-creds", 0,		  NULL,                                            \
		  "ask as nobody",   OPTION_FLAG, offsetof(struct type, member.no_creds) },        \
		{ prefix "cert-dir",                                                               \
		  0,                                                                               \
		  "DIR",                                                                           \
		  "*.crt, *.cert and *.key for the registry",                                      \
		  OPTION_TEXT,                                                                     \
		  offsetof(struct type, member.cert_dir) },                                        \
	{                                                                                          \
		prefix "tls-verify", 0, "true|false", "false: take any certificate, or none",      \
			OPTION_TEXT, offsetof(struct type, member.tls_verify)                      \
	}

/* A session's settings: what choice says, and of base (NULL: the defaults), which outlives it,
 * where choice says nothing. ERR_USAGE. registry_settings_free on any outcome. */
struct registry_settings {
	struct registry_options options;
	char *secret; /* what standard input gave, or NULL */
};
int cli_registry(struct registry_settings *out, const struct registry_choice *choice,
		 const struct registry_settings *base, const struct limits *limits,
		 struct notes *notes, struct error *err) _must_check_;
void registry_settings_free(struct registry_settings *s);
