/* What files say of ids: places, forms, and what cannot be decided. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "inventory/mention.h"
#include "made.h"

static void places(void **state)
{
	static const struct {
		const char *path;
		enum mention_form form;
	} rows[] = {
		{ "etc/sudoers", MENTION_SUDOERS },
		{ "etc/sudoers.d/app", MENTION_SUDOERS },
		{ "etc/sudoers.bak", MENTION_NONE },
		{ "srv/etc/sudoers", MENTION_NONE },
		{ "etc/systemd/system/app.service", MENTION_UNIT },
		{ "usr/lib/systemd/system/app.service.d/user.conf", MENTION_UNIT },
		{ "lib/systemd/system/app.mount", MENTION_UNIT },
		{ "lib/systemd/systemd", MENTION_NONE },
		{ "usr/lib/tmpfiles.d/app.conf", MENTION_TMPFILES },
		{ "usr/lib/sysusers.d/app.conf", MENTION_SYSUSERS },
		{ "etc/cron.d/app", MENTION_SHELL },
		{ "etc/init.d/app", MENTION_SCRIPT },
		{ "usr/local/bin/tool", MENTION_SCRIPT },
		{ "usr/bin/tool", MENTION_NONE },
		{ "run", MENTION_SCRIPT },
		{ "opt/app/docker-entrypoint.sh", MENTION_SHELL },
		{ "opt/entrypoint", MENTION_SHELL },
		{ "opt/entrypoint.py", MENTION_SCRIPT },
		{ "opt/app/bin/start-all.sh", MENTION_SHELL },
		{ "opt/run.sh", MENTION_SHELL },
		{ "opt/prerun.sh", MENTION_NONE },
		{ "opt/start.js", MENTION_NONE },
		{ "e", MENTION_SCRIPT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (mention_form(rows[i].path, strlen(rows[i].path)) != rows[i].form)
			fail_msg("%s: %d", rows[i].path, mention_form(rows[i].path, strlen(rows[i].path)));
}

/* "3u70000 4g1000 ?5 +": line, user or group, id; a line that is not decided; more than was kept. */
static void say(const struct inv_mentions *m, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < m->count; i++)
		assert_int_equal(buf_printf(out, "%s%" PRIu32 "%c%" PRId64, i ? " " : "", m->ids[i].line,
					    m->ids[i].is_gid ? 'g' : 'u', m->ids[i].id), 0);
	if (m->flags & INV_MENTIONS_UNDECIDED)
		assert_int_equal(buf_printf(out, "%s?%" PRIu32, out->len ? " " : "", m->line), 0);
	if (m->flags & INV_MENTIONS_MORE)
		assert_int_equal(buf_append_str(out, "+"), 0);
}

static void forms(void **state)
{
	static const struct {
		enum mention_form form;
		const char *text, *want;
	} rows[] = {
		{ MENTION_SUDOERS, "# bug #70000\n#70000 ALL=(#70001:#70002) ALL\n%#70003 ALL=(ALL) ALL # see 99999\n",
		  "2u70000 2u70001 2g70002 3g70003" },
		{ MENTION_SUDOERS, "#includedir /etc/sudoers.d\nnode ALL=(ALL:ALL) NOPASSWD: /bin/kill 70000\n#99 ALL=ALL\n", "" },
		{ MENTION_UNIT, "[Service]\nUser = 70000\nGroup=70001\nSupplementaryGroups=70002 70003\n#User=70004\nTimeoutSec=70005\n"
				"ExecStartPre=+/bin/chown -R 70006:70007 /srv\nEnvironment=PUID=70008\n",
		  "2u70000 3g70001 4g70002 4g70003 7u70006 7g70007 8u70008" },
		{ MENTION_UNIT, "Options=uid=70000,gid=70001,mode=755\nListenStream=70002", "1u70000 1g70001" },
		{ MENTION_TMPFILES, "d /run/app 0755 70000 70001 10d\n#d /x 0755 70002 70002\nd /r 1777 root root\n"
				    "d \"/a b\" :0755 :70003 :70004 -\na+ /v - - - - d:u:70005:rwx,g:70006:r\n",
		  "1u70000 1g70001 4u70003 4g70004 5u70005 5g70006" },
		{ MENTION_SYSUSERS, "u app 70000 \"App\" /srv\ng grp 70001\nu two 70002:70003\nm app grp\nr - 70004-70005\n",
		  "1u70000 1g70000 2g70001 3u70002 3g70003" },
		{ MENTION_SCRIPT, "chown 70000 /no/mark", "" },
		{ MENTION_SCRIPT, "#!/bin/sh\nset -e\nchown -R 70000:70001 /srv && exec gosu 70002 app 70003\n",
		  "3u70000 3g70001 3u70002" },
		{ MENTION_SHELL, "chown --from=70000 -- +70001.70002 f; chgrp -R 70003 f; chown :70004 g", "1u70000 1u70001 1g70002 1g70003 1g70004" },
		{ MENTION_SHELL, "install -dm755 -o70000 -g 70001 /d\ninstall --owner=70002 --group 70003 a b\n",
		  "1u70000 1g70001 2u70002 2g70003" },
		{ MENTION_SHELL, "useradd -rm -u 70000 -g 70001 -c 'no -u 70002' app\nadduser -D -u 70003 -G 70004 x\ngroupadd -g 70005 y",
		  "1u70000 1g70001 2u70003 2g70004 3g70005" },
		{ MENTION_SHELL, "exec setpriv --reuid=70000 --regid 70001 --groups 70002,70003 app\nsu-exec 70004:70005 app",
		  "1u70000 1g70001 1g70002 1g70003 2u70004 2g70005" },
		{ MENTION_SHELL, "chown \\\n  70000 \\\n  /f # 70001\nfind / -uid 70002 -exec chown 70003 {} +\n",
		  "2u70000 4u70002 4u70003" },
		{ MENTION_SHELL, "sh -c \"cd /srv\nchown 70000 x\"\nsudo -u '#70001' app", "2u70000 3u70001" },
		{ MENTION_SHELL, "chown \"$user\" f\nchown ${PUID:-70000}:${PGID:=70001} g\nexport USER_ID=70002 SQUARE=70003\n",
		  "2u70000 2g70001 3u70002 ?1" },
		{ MENTION_SHELL, "echo 70000\nsleep 70000; kill 70000\nuser=70000\nchmod 1777 x\nhead -c 70000\n", "" },
		{ MENTION_SHELL, "chown $(stat -c %u /srv):70000 f; chown `id -u` g\nchown 42 h", "?1" },
		{ MENTION_SHELL, "chown root:root a; chown 4294967296 b; chown 99999999999999999999 c", "1u4294967296" },
		{ MENTION_SHELL, "#!/usr/bin/python3\nimport os\nos.chown('/x', 70000, 70000)\n", "?3" },
		{ MENTION_SHELL, "#!/usr/share/bin/node\nchown 70000\n", "?2" },
		{ MENTION_SHELL, "#!/usr/bin/env -S bash -e\r\nchown 70000 x\r\n", "2u70000" },
		{ MENTION_SHELL, "#!/usr/bin/with-contenv sh\ns6-setuidgid 70000:70001 app", "2u70000 2g70001" },
		{ MENTION_SHELL, "chown 'unclosed 70000", "" },
		{ MENTION_SHELL, "chown 0006:070007 f; chown 0x70000 g", "1g70007" },
		{ MENTION_SHELL, "chown", "" },
		{ MENTION_SHELL, "install -o", "" },
		{ MENTION_SHELL, "--=- -- - '' \"\" `` $ ${ } = :", "" },
	};
	struct buf out = { 0 };
	size_t wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct inv_mentions m = { 0 };
		size_t n = strlen(rows[i].text);
		/* Of exactly that size, for who reads past its end. */
		char *copy = malloc(n);

		memcpy(copy, rows[i].text, n);
		assert_int_equal(mention_scan(&m, rows[i].form, copy, n), 0);
		say(&m, &out);
		if (strcmp(buf_str(&out), rows[i].want) != 0) {
			print_error("%s\n  gives %s\n  not   %s\n", rows[i].text, buf_str(&out), rows[i].want);
			wrong++;
		}
		inv_mentions_done(&m);
		free(copy);
	}
	buf_free(&out);
	assert_int_equal(wrong, 0);
}

static void binary(void **state)
{
	static const char elf[] = "\x7f" "ELF\0chown 70000";
	struct inv_mentions m = { 0 };

	assert_int_equal(mention_scan(&m, MENTION_SHELL, elf, sizeof(elf)), 0);
	assert_int_equal(m.count, 0);
}

static void bounded(void **state)
{
	struct inv_mentions m = { 0 };
	struct buf text = { 0 };

	for (unsigned i = 0; i < 3 * MENTIONS_IN_FILE; i++)
		assert_int_equal(buf_printf(&text, "chown %u f\nchown 70000 f\n", 70000 + i), 0);
	assert_int_equal(mention_scan(&m, MENTION_SHELL, buf_str(&text), text.len), 0);
	assert_int_equal(m.count, MENTIONS_IN_FILE);
	assert_int_equal(m.flags, INV_MENTIONS_MORE);
	inv_mentions_done(&m);
	buf_clear(&text);
	/* Quotes within quotes, and a word without end. */
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(buf_append_str(&text, i % 2 ? "'chown \"a " : "\"sh -c '"), 0);
	assert_int_equal(mention_scan(&m, MENTION_SHELL, buf_str(&text), text.len), 0);
	inv_mentions_done(&m);
	buf_free(&text);
}

static void in_a_layer(void **state)
{
	static const struct made layer[] = {
		{ 'f', "etc/sudoers", "#70000 ALL=ALL\n", 0, 0 },
		{ 'f', "etc/motd", "chown 70000 f\n", 0, 0 },
		{ 'f', "entrypoint.sh", "#!/bin/sh\nchown $X f\n", 0, 0 },
		{ 'f', "usr/local/bin/quiet", "#!/bin/sh\necho\n", 0, 0 },
		{ 'l', "start.sh", "entrypoint.sh", 0, 0 },
		{ 0 },
	};
	struct layer_inventory *inv = made_layer(layer, ARRAY_SIZE(layer));

	assert_true(inv->mentions_known && !inv->mentions_cut);
	assert_int_equal(inv->mention_count, 2);
	assert_string_equal(inv->mentions[0].path, "etc/sudoers");
	assert_int_equal(inv->mentions[0].ids[0].id, 70000);
	assert_string_equal(inv->mentions[1].path, "entrypoint.sh");
	assert_int_equal(inv->mentions[1].index, 2);
	assert_int_equal(inv->mentions[1].flags, INV_MENTIONS_UNDECIDED);
	assert_int_equal(inv->mentions[1].line, 2);
	layer_inventory_free(inv);
}

static void large(void **state)
{
	char *text = malloc(70001);
	struct made layer[] = {
		{ 'f', "etc/sudoers", text, 0, 0 },
		{ 'f', "usr/local/bin/large", text, 0, 0 },
	};
	struct layer_inventory *inv;

	memset(text, 'x', 70000);
	text[70000] = '\0';
	inv = made_layer(layer, ARRAY_SIZE(layer));
	assert_int_equal(inv->mention_count, 1);
	assert_int_equal(inv->mentions[0].flags, INV_MENTIONS_UNREAD);
	layer_inventory_free(inv);
	free(text);
}

/* A store in which one body belongs to another user. */
struct store {
	struct stream base;
	struct buf tar;
	size_t at, from, to; /* that body's bytes */
};

static int store_next(struct stream *s, struct block **out, struct error *err)
{
	struct store *t = (struct store *)s;

	if (t->at == t->tar.len)
		return 1;
	if (t->at >= t->from && t->at < t->to)
		return err_fail(err, ERR_DENIED, EACCES, "another user's");
	*out = block_borrow(t->tar.data + t->at, 512 - t->at % 512);
	t->at += (*out)->len;
	return 0;
}

static int store_skip(struct stream *s, uint64_t n, uint64_t *skipped, struct error *err)
{
	struct store *t = (struct store *)s;

	*skipped = n;
	t->at += n;
	return 0;
}

static void store_close(struct stream *s)
{
}

static void denied(void **state)
{
	static const struct stream_ops skips = { store_next, store_skip, store_close },
				       reads = { store_next, NULL, store_close };
	static const struct made layer[] = {
		{ 'f', "etc/sudoers", "#70000 ALL=ALL\n", 0, 0 },
		{ 'f', "etc/cron.d/own", "1 2 3 4 5 70001 x\n", 7, 7 },
		{ 'f', "entrypoint.sh", "#!/bin/sh\nchown 70002 f\n", 0, 0 },
	};
	struct limits limits = limits_default();
	struct layer_build how = { .limits = &limits };

	for (int verify = 0; verify < 3; verify++) {
		struct store t = { .base.ops = verify == 2 ? &reads : &skips, .from = 1536, .to = 1554 };
		struct layer_inventory *inv;
		struct error err;
		int r;

		for (size_t i = 0; i < ARRAY_SIZE(layer); i++)
			made_header(&t.tar, &layer[i]);
		made_end(&t.tar);
		how.verify = verify == 1;
		r = layer_inventory_build(&inv, &t.base, &how, &err);
		assert_int_equal(r, verify ? -ERR_DENIED : 0);
		if (r == 0) {
			assert_int_equal(inv->entries, 3);
			assert_int_equal(inv->mention_count, 3);
			assert_string_equal(inv->mentions[1].path, "etc/cron.d/own");
			assert_int_equal(inv->mentions[1].flags, INV_MENTIONS_DENIED);
			assert_int_equal(inv->mentions[1].count, 0);
			assert_int_equal(inv->mentions[2].ids[0].id, 70002);
			layer_inventory_free(inv);
		}
		buf_free(&t.tar);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),  cmocka_unit_test(forms),	 cmocka_unit_test(binary),
		cmocka_unit_test(bounded), cmocka_unit_test(in_a_layer), cmocka_unit_test(large),
		cmocka_unit_test(denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
