/* One cause of many findings: a USER step, whose layers then hold its id. */
#include "target/check-internal.h"

#include <string.h>

#include "oci/step.h"

#define NO_USER (-1)

/* The uid of a USER as a step has it; NO_USER where no name says which. */
static int resolve(const struct check *c, const char *text, size_t n, int64_t *uid,
		   struct error *err)
{
	_cleanup_(freep) char *user = strndup(text, n);
	struct exec_user u = { 0 };
	int r;

	if (!user)
		return err_nomem(err);
	r = exec_user_resolve(&u, &c->accounts, user, NULL, 0, err);
	if (r < 0)
		return r;
	*uid = u.error ? NO_USER : u.uid;
	exec_user_free(&u);
	return 0;
}

int causes_prepare(struct check *c, struct error *err)
{
	size_t n = c->image->layer_count;
	const char *before = NULL;

	c->judge->user_of_layer = calloc(n ? n : 1, sizeof *c->judge->user_of_layer);
	if (!c->judge->user_of_layer)
		return err_nomem(err);
	for (size_t i = 0; i < n; i++) {
		int64_t *uid = &c->judge->user_of_layer[i];
		const char *text = NULL;
		size_t len = 0;
		int r = 0;

		if (c->image->source->has_config)
			text = oci_step_user(&c->image->source->config, i, &len);
		/* Layers after the same step have the same text, at the same place. */
		if (text && text == before)
			*uid = uid[-1];
		else if (text)
			r = resolve(c, text, len, uid, err);
		else
			*uid = NO_USER;
		if (r < 0)
			return r;
		before = text;
	}
	return 0;
}

/* The step in whose force the layer was made, as text that the cause owns. */
static char *step_text(const struct check *c, size_t layer)
{
	size_t len = 0;
	const char *text = oci_step_user(&c->image->source->config, layer, &len);

	return strndup(text ? text : "", len);
}

static int cause_add(struct check *c, size_t layer, int64_t uid, struct error *err)
{
	struct check_cause *more = reallocarray(c->causes, c->cause_count + 1, sizeof *more);
	struct check_cause *one;

	if (!more)
		return err_nomem(err);
	c->causes = more;
	one = &more[c->cause_count];
	*one = (struct check_cause){ .user_layer = layer, .uid = uid };
	one->user = step_text(c, layer);
	if (!one->user)
		return err_nomem(err);
	c->cause_count++;
	return 0;
}

int causes_count(struct check *c, const struct told *t, struct error *err)
{
	bool outside =
		t->f.rule == RULE_OWNER_OUTSIDE_MAP || t->f.rule == RULE_OWNER_BECOMES_NOBODY;
	size_t layer = (size_t)t->f.layer;
	struct check_cause *cause = NULL;
	int64_t uid = t->f.uid;

	if (!outside || !t->f.entry || (t->f.uid_fits & t->f.targets) == t->f.targets ||
	    c->judge->user_of_layer[layer] != uid || uid == NO_USER)
		return 0;
	for (size_t i = 0; i < c->cause_count && !cause; i++)
		if (c->causes[i].uid == uid)
			cause = &c->causes[i];
	if (!cause) {
		int r = cause_add(c, layer, uid, err);

		if (r < 0)
			return r;
		cause = &c->causes[c->cause_count - 1];
	}
	/* Layers come one after the other, so a new one is known by its first entry. */
	if (!cause->layers || cause->last_layer != layer)
		cause->layers++;
	cause->last_layer = layer;
	cause->entries++;
	return 0;
}
