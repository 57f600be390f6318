/* passwd, group and a USER, parted by NUL bytes. */
#include "inventory.h"
#include "inventory/accounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The part up to the next NUL. */
static size_t part(const uint8_t **data, size_t *size, const char **s)
{
	const uint8_t *nul = memchr(*data, '\0', *size);
	size_t n = nul ? (size_t)(nul - *data) : *size;

	*s = (const char *)*data;
	*data += n + (nul != NULL);
	*size -= n + (nul != NULL);
	return n;
}

static void check_list(const struct account *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		check(list[i].name && !strchr(list[i].name, ':') && !strchr(list[i].name, '\n'),
		      "a name is a field");
		check(i == 0 || list[i].line > list[i - 1].line, "lines ascend");
		for (size_t k = 0; k < list[i].member_count; k++)
			check(!strchr(list[i].members[k], ','), "a member is one name");
	}
}

static void check_user(const struct accounts *a, const char *user, const char *const *add, size_t count)
{
	struct exec_user u;
	struct error err;

	check(exec_user_resolve(&u, a, user, add, count, &err) == 0, "a user resolves");
	check(strcmp(u.text, user) == 0, "the text is kept");
	check(!u.error || (u.uid == -1 && u.gid == -1 && !u.group_count), "no user, no ids");
	for (size_t i = 0; i < u.group_count; i++)
		for (size_t k = 0; k < i; k++)
			check(u.groups[i] != u.groups[k], "no group twice");
	exec_user_free(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct accounts a = { 0 };
	const char *passwd, *group, *user;
	size_t passwd_len = part(&data, &size, &passwd), group_len = part(&data, &size, &group), n;
	const char *add[1];
	struct error err;
	char *text;

	a.has_passwd = a.has_group = true;
	check(accounts_parse(&a.users, &a.user_count, passwd, passwd_len, false, 100,
			     &a.passwd_unread, &a.passwd_refused, &err) == 0, "any text is a passwd");
	check(accounts_parse(&a.groups, &a.group_count, group, group_len, true, 100,
			     &a.group_unread, &a.group_refused, &err) == 0, "any text is a group");
	check_list(a.users, a.user_count);
	check_list(a.groups, a.group_count);
	n = part(&data, &size, &user);
	text = strndup(user, n);
	if (!text)
		abort();
	add[0] = text;
	check_user(&a, text, NULL, 0);
	check_user(&a, "1", add, 1);
	for (size_t i = 0; i < a.user_count; i++)
		check_user(&a, a.users[i].name, NULL, 0);
	free(text);
	accounts_free(&a);
	return 0;
}
