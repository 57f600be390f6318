/* process: who runs, where and with which capabilities. */
#include <string.h>

#include "base/macro.h"
#include "base/num.h"
#include "bundle/internal.h"

static int checked_id(json_t **out, int64_t id, struct error *err)
{
	if (id < 0 || id >= (int64_t)ID_INVALID)
		return err_fail(err, ERR_BAD_INPUT, 0, "%lld is no id that a process can have",
				(long long)id);
	*out = json_integer(id);
	return *out ? 0 : err_nomem(err);
}

static int put_id(json_t *object, const char *key, int64_t id, struct error *err)
{
	json_t *value = NULL;
	int r = checked_id(&value, id, err);

	return r < 0 ? r : bundle_put(object, key, value, err);
}

static int user(json_t **out, const struct bundle *b, struct error *err)
{
	const struct exec_user *u = b->opts->user;
	json_auto_t *object = json_object();
	json_auto_t *groups = json_array();
	int r = put_id(object, "uid", u->uid, err);

	if (r == 0)
		r = put_id(object, "gid", u->gid, err);
	for (size_t i = 0; r == 0 && i < u->group_count; i++) {
		json_t *gid = NULL;

		r = checked_id(&gid, u->groups[i], err);
		if (r == 0)
			r = bundle_push(groups, gid, err);
	}
	if (r == 0 && u->group_count)
		r = bundle_put(object, "additionalGids", STEAL(groups), err);
	if (r == 0)
		*out = STEAL(object);
	return r;
}

static int cwd(json_t **out, const struct bundle *b, struct error *err)
{
	const char *text = "";
	char shown[80];
	int r = 0;

	if (b->opts->cwd && b->opts->cwd[0] != '/')
		return err_fail(err, ERR_USAGE, 0, "-w '%s': not absolute",
				err_text(shown, sizeof(shown), b->opts->cwd, strlen(b->opts->cwd)));
	if (b->opts->cwd)
		return bundle_text(out, b->opts->cwd, "the working directory", err);
	if (b->image)
		r = oci_json_string(b->image, "WorkingDir", &text, err);
	if (r < 0)
		return r;
	if (text[0] && text[0] != '/')
		return err_fail(err, ERR_BAD_INPUT, 0, "'WorkingDir' is '%s': not absolute",
				err_text(shown, sizeof(shown), text, strlen(text)));
	*out = json_string(text[0] ? text : "/");
	return *out ? 0 : err_nomem(err);
}

/* Who is not root begins with none but may gain those of the bounding set by a program's file
 * (moby daemon/pkg/oci: SetCapabilities). */
static int capabilities(json_t **out, const struct bundle *b, struct error *err)
{
	static const char *const none[] = { NULL };
	const char *const *held = b->opts->user->uid == 0 ? container_capabilities_default : none;
	const struct {
		const char *key;
		const char *const *list;
	} sets[] = {
		{ "bounding", container_capabilities_default },
		{ "effective", held },
		{ "permitted", held },
		{ "inheritable", none },
		{ "ambient", none },
	};
	json_auto_t *object = json_object();
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sets); i++)
		r = bundle_put(object, sets[i].key, bundle_list(sets[i].list), err);
	if (r == 0)
		*out = STEAL(object);
	return r;
}

static int terminal(json_t **out, const struct bundle *b, _unused_ struct error *err)
{
	*out = json_boolean(b->opts->terminal);
	return 0;
}

/* Or set-uid programs would be without effect. */
static int no_new_privileges(json_t **out, _unused_ const struct bundle *b,
			     _unused_ struct error *err)
{
	*out = json_false();
	return 0;
}

static const struct {
	const char *key;
	bundle_part *make;
} members[] = {
	{ "terminal", terminal },
	{ "user", user },
	{ "args", bundle_args },
	{ "env", bundle_env },
	{ "cwd", cwd },
	{ "capabilities", capabilities },
	{ "noNewPrivileges", no_new_privileges },
};

int bundle_process(json_t **out, const struct bundle *b, struct error *err)
{
	json_auto_t *object = json_object();
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(members); i++)
		r = bundle_put_part(object, members[i].key, members[i].make, b, err);
	if (r == 0)
		*out = STEAL(object);
	return r;
}
