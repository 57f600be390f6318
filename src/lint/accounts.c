/* high-id and sparse-lastlog: who is made with which number. */
#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "lint/work.h"
#include "target/sparse-log.h"

#define LASTLOG_RECORD 292 /* bytes a uid, shadow's lastlog on 64 bits */

static const struct tool {
	const char *name, *letters, *longs;
	char uid, gid;
	bool makes_group;
	bool shadow_only; /* useradd has lastlog; adduser(8) of Debian calls it, busybox has none */
} tools[] = {
	{ "useradd", "bcdefgGkKpRPsuZ",
	  "base-dir comment home-dir home expiredate inactive gid groups skel key password root "
	  "prefix shell uid selinux-user",
	  'u', 'g', false, true },
	{ "usermod", "cdefgGlpRPsuvVwWZ",
	  "comment home expiredate inactive gid groups login password root prefix shell uid", 'u',
	  'g', false, false },
	{ "adduser", "uhgsGk", "uid gid home shell ingroup gecos conf firstuid lastuid comment",
	  'u', 0, false, false },
	{ "groupadd", "gKpRPU", "gid key password root prefix users", 0, 'g', true, false },
	{ "groupmod", "gnpRP", "gid new-name password root prefix", 0, 'g', true, false },
	{ "addgroup", "g", "gid conf firstgid lastgid", 0, 'g', true, false },
};

static const struct tool *tool_of(const struct shell_command *c)
{
	const char *name = shell_program(c);

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (strcmp(tools[i].name, name) == 0)
			return &tools[i];
	return NULL;
}

static int64_t number(const char *s)
{
	uint64_t v;

	return s && num_u64(s, strlen(s), &v) && v <= INT64_MAX ? (int64_t)v : -1;
}

struct made {
	int64_t uid, gid;
	bool no_log;
	const char *name;
};

static struct made read_command(const struct shell_command *c, const struct tool *t)
{
	struct lint_opt o = { .c = c, .letters = t->letters, .longs = t->longs };
	struct made m = { .uid = -1, .gid = -1 };

	while (lint_opt_next(&o)) {
		if (o.operand && o.value && !m.name)
			m.name = o.value;
		else if (!t->makes_group && lint_opt_is(&o, t->uid, "uid"))
			m.uid = number(o.value);
		else if (lint_opt_is(&o, t->gid, "gid"))
			m.gid = number(o.value);
		else if (t->shadow_only && lint_opt_is(&o, 'l', "no-log-init"))
			m.no_log = true;
	}
	return m;
}

static void high(struct lint_work *w, const struct shell_command *c, const char *tool, int64_t id,
		 bool group)
{
	uint32_t mask = lint_outside(w, id, group);
	struct lint_finding *f;

	if (!mask)
		return;
	f = lint_add(w, LINT_HIGH_ID, c,
		     "Take a number that the map holds, below 65536 for most platforms.",
		     "%s makes %s %" PRId64 ", which %s does not hold", tool, group ? "gid" : "uid",
		     id, lint_map_words(w, mask, group));
	if (!f)
		return;
	f->targets = mask;
	*(group ? &f->gid : &f->uid) = id;
}

void lint_accounts(struct lint_work *w, const struct shell_command *c)
{
	const struct tool *t = tool_of(c);
	struct lint_finding *f;
	struct made m;

	if (!t)
		return;
	m = read_command(c, t);
	if (m.name && !t->makes_group)
		lint_account_add(w, m.name, m.uid, false);
	if (m.name && (t->makes_group || m.gid < 0))
		lint_account_add(w, m.name, t->makes_group ? m.gid : m.uid, true);
	high(w, c, t->name, m.uid, false);
	if (t->makes_group || m.gid != m.uid)
		high(w, c, t->name, m.gid, true);
	if (!t->shadow_only || m.no_log || m.uid < 0 ||
	    (uint64_t)m.uid < SPARSE_LOG_SIZE / LASTLOG_RECORD || m.uid > UINT32_MAX)
		return;
	f = lint_add(w, LINT_SPARSE_LASTLOG, c, "Give useradd --no-log-init (-l).",
		     "useradd with uid %" PRId64
		     " and without --no-log-init writes a lastlog of %" PRId64 " MB of hole",
		     m.uid, m.uid * LASTLOG_RECORD / 1000000);
	if (!f)
		return;
	f->uid = m.uid;
	if (lint_editable(c))
		lint_insert_behind(w, f, w->text, c->words[0].end, " --no-log-init");
}
