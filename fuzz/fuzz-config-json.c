/* Image configs, and the steps told from their history. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "oci/step.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static bool within(const char *s, size_t n, const struct oci_config *c)
{
	for (size_t i = 0; i < c->history_count; i++) {
		const char *text = c->history[i].created_by;

		if (s >= text && s + n <= text + strlen(text))
			return true;
	}
	return false;
}

static void check_steps(const struct oci_config *c)
{
	for (size_t i = 0; i < c->history_count; i++) {
		struct buf line = { 0 };

		require(oci_step_pretty(&line, c->history[i].created_by) == 0);
		require(line.len <= strlen(c->history[i].created_by) + strlen("RUN "));
		buf_free(&line);
	}
	for (size_t i = 0; i <= c->diff_id_count; i++) {
		const char *why = "", *user;
		const struct oci_history *step = oci_step_of_layer(c, i, &why);
		size_t len = 0;

		require((step == NULL) == (why != NULL));
		require(!step || (i < c->diff_id_count && !step->empty_layer));
		user = oci_step_user(c, i, &len);
		require(!user || (step && len && within(user, len, c)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct limits limits = limits_default();
	char *text = strndup((const char *)data, size);
	struct oci_config c = { 0 };
	struct error err = { 0 };
	struct buf line = { 0 };
	int r;

	limits.v[LIMIT_LAYERS] = 8;
	r = oci_config_parse(&c, data, size, &limits, &err);
	require(r == 0 || (r == -(int)err.code && err.msg[0]));
	require(text_is_utf8(err.msg, strlen(err.msg)));
	if (r == 0) {
		require(c.user && c.diff_id_count <= 8);
		check_steps(&c);
	}
	oci_config_free(&c);
	if (text)
		require(oci_step_pretty(&line, text) == 0);
	buf_free(&line);
	free(text);
	return 0;
}
