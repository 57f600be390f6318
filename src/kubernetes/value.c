/* What a scalar is, and what a map holds. */
#include "kubernetes/value.h"

#include <ctype.h>
#include <string.h>

#include "base/num.h"

bool kube_is_null(const struct kube_value *v)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	if (!v)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (v->kind == KUBE_SCALAR && v->plain && strcmp(v->text, words[i]) == 0)
			return true;
	return false;
}

const struct kube_value *kube_get(const struct kube_value *v, const char *key)
{
	for (size_t i = 0; v && v->kind == KUBE_MAP && i < v->count; i++)
		if (strcmp(v->items[i]->key, key) == 0)
			return kube_is_null(v->items[i]) ? NULL : v->items[i];
	return NULL;
}

const char *kube_text(const struct kube_value *v, const char *key)
{
	const struct kube_value *m = kube_get(v, key);

	return m && m->kind == KUBE_SCALAR ? m->text : NULL;
}

static int wrong(const struct kube_value *v, const char *what, const char *expected,
		 struct error *err)
{
	char key[80];

	return err_fail(err, ERR_BAD_INPUT, 0, "%s line %zu: %s is no %s", what, v->line,
			v->key ? err_text(key, sizeof(key), v->key, strlen(v->key)) : "a value",
			expected);
}

int kube_bool(const struct kube_value *v, const char *key, bool *out, const char *what,
	      struct error *err)
{
	/* Whatever go-yaml v2 takes for one. */
	static const char *const words[] = { "false", "n", "no", "off", "true", "y", "yes", "on" };
	const struct kube_value *m = kube_get(v, key);

	if (!m)
		return 0;
	for (size_t i = 0; m->kind == KUBE_SCALAR && m->plain && i < ARRAY_SIZE(words); i++)
		if (strcasecmp(m->text, words[i]) == 0) {
			*out = i >= ARRAY_SIZE(words) / 2;
			return 1;
		}
	return wrong(m, what, "bool", err);
}

static bool digits(const char *s, int base, int64_t *out)
{
	int64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		int d = *s >= '0' && *s <= '9'	      ? *s - '0'
			: isxdigit((unsigned char)*s) ? tolower((unsigned char)*s) - 'a' + 10
						      : 99;

		if (d >= base || __builtin_mul_overflow(v, base, &v) ||
		    __builtin_add_overflow(v, d, &v))
			return false;
	}
	*out = v;
	return true;
}

static bool parse_int(const char *text, int64_t *out)
{
	char s[80];
	size_t n = 0;
	bool minus = text[0] == '-';

	text += minus || text[0] == '+';
	if (text[0] == '_')
		return false;
	for (; *text; text++)
		if (*text != '_') {
			if (n + 1 == sizeof(s))
				return false;
			s[n++] = *text;
		}
	s[n] = '\0';
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		if (!digits(s + 2, 16, out))
			return false;
	} else if (s[0] == '0' && s[1] == 'o') {
		if (!digits(s + 2, 8, out))
			return false;
	} else if (!digits(s, s[0] == '0' && s[1] ? 8 : 10, out)) {
		return false;
	}
	*out = minus ? -*out : *out;
	return true;
}

int kube_int_of(const struct kube_value *v, int64_t *out, const char *what, struct error *err)
{
	if (v->kind == KUBE_SCALAR && v->plain && parse_int(v->text, out))
		return 1;
	return wrong(v, what, "whole number", err);
}

int kube_int(const struct kube_value *v, const char *key, int64_t *out, const char *what,
	     struct error *err)
{
	const struct kube_value *m = kube_get(v, key);

	return m ? kube_int_of(m, out, what, err) : 0;
}
