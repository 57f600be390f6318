/* linux.seccomp (config-linux.md, "Seccomp") for this machine. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/macro.h"
#include "bundle/internal.h"

static bool is_meant(const struct seccomp_rule *rule, const char *machine)
{
	return (!rule->on || strcmp(rule->on, machine) == 0) &&
	       (!rule->not_on || strcmp(rule->not_on, machine) != 0);
}

static json_t *condition(const struct seccomp_rule *rule)
{
	json_int_t value = (json_int_t)rule->value, two = (json_int_t)rule->value_two;

	if (strcmp(rule->op, "SCMP_CMP_MASKED_EQ") != 0)
		return json_pack("[{s:i, s:I, s:s}]", "index", (int)rule->arg, "value", value, "op",
				 rule->op);
	return json_pack("[{s:i, s:I, s:I, s:s}]", "index", (int)rule->arg, "value", value,
			 "valueTwo", two, "op", rule->op);
}

static int push_rule(json_t *rules, const struct seccomp_rule *rule, struct error *err)
{
	json_auto_t *object = json_object();
	const char *action = rule->error ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW";
	int r = bundle_put(object, "names", bundle_list(rule->calls), err);

	if (r == 0)
		r = bundle_put(object, "action", json_string(action), err);
	if (r == 0 && rule->error)
		r = bundle_put(object, "errnoRet", json_integer(rule->error), err);
	if (r == 0 && rule->op)
		r = bundle_put(object, "args", condition(rule), err);
	return r < 0 ? r : bundle_push(rules, STEAL(object), err);
}

/* None for a machine that the tables do not have: the runtime then takes the native one alone. */
static int put_architectures(json_t *object, const char *machine, struct error *err)
{
	for (size_t i = 0; i < seccomp_machine_count; i++) {
		if (strcmp(seccomp_machines[i].name, machine) == 0)
			return bundle_put(object, "architectures",
					  bundle_list(seccomp_machines[i].architectures), err);
	}
	return 0;
}

int bundle_seccomp(json_t **out, _unused_ const struct bundle *b, struct error *err)
{
	json_auto_t *object = json_object();
	json_auto_t *rules = json_array();
	struct utsname host = { 0 };
	int r;

	uname(&host);
	r = bundle_put(object, "defaultAction", json_string("SCMP_ACT_ERRNO"), err);
	if (r == 0)
		r = bundle_put(object, "defaultErrnoRet", json_integer(EPERM), err);
	if (r == 0)
		r = put_architectures(object, host.machine, err);
	for (size_t i = 0; r == 0 && i < seccomp_rule_count; i++) {
		if (is_meant(&seccomp_rules[i], host.machine))
			r = push_rule(rules, &seccomp_rules[i], err);
	}
	if (r == 0)
		r = bundle_put(object, "syscalls", STEAL(rules), err);
	if (r == 0)
		*out = STEAL(object);
	return r;
}
