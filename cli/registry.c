#include "registry.h"

#include <stdio.h>
#include <string.h>

#define SECRET_MAX 65536

void registry_settings_free(struct registry_settings *s)
{
	if (s->secret)
		explicit_bzero(s->secret, strlen(s->secret));
	free(s->secret);
	s->secret = NULL;
}

/* The first line, without its end. */
static int read_secret(char **out, struct error *err)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n = getline(&line, &cap, stdin);

	while (n > 0 && strchr("\r\n", line[n - 1]))
		line[--n] = '\0';
	if (n <= 0 || n > SECRET_MAX) {
		free(line);
		return err_fail(err, ERR_USAGE, 0, "--password-stdin: no secret there");
	}
	*out = line;
	return 0;
}

static int read_verify(int *out, const char *text, struct error *err)
{
	if (!text)
		return 0;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return err_fail(err, ERR_USAGE, 0, "--tls-verify: true or false");
	*out = strcmp(text, "true") == 0;
	return 0;
}

static bool says_who(const struct registry_choice *c)
{
	return c->creds || c->username || c->registry_token || c->no_creds || c->password_stdin;
}

/* Who asks is one choice: a user of --src-username does not go with a secret of --creds. */
static int read_who(struct registry_settings *out, const struct registry_choice *c,
		    struct error *err)
{
	struct registry_login_options *login = &out->options.login;
	int r = 0;

	if (c->password_stdin != (c->username != NULL))
		return err_fail(
			err, ERR_USAGE, 0,
			"--username and --password-stdin go together (--creds USER:SECRET is "
			"both)");
	if (c->password_stdin)
		r = read_secret(&out->secret, err);
	login->creds = c->creds;
	login->user = c->username;
	login->password = out->secret;
	login->token = c->registry_token;
	login->anonymous = c->no_creds;
	return r;
}

int cli_registry(struct registry_settings *out, const struct registry_choice *choice,
		 const struct registry_settings *base, const struct limits *limits,
		 struct notes *notes, struct error *err)
{
	int r;

	*out = (struct registry_settings){
		.options = base ? base->options : registry_options_default(limits, notes)
	};
#ifdef UIDFIT_HURRY /* the tests' own build of this program: waits are that many times shorter */
	out->options.hurry = UIDFIT_HURRY;
#endif
	if (choice->cert_dir)
		out->options.place.cert_dir = choice->cert_dir;
	if (choice->authfile)
		out->options.login.authfile = choice->authfile;
	r = read_verify(&out->options.place.tls_verify, choice->tls_verify, err);
	return r < 0 || !says_who(choice) ? r : read_who(out, choice, err);
}
