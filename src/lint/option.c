#include <string.h>

#include "lint/work.h"

static bool takes(const char *longs, const char *name, size_t n)
{
	for (const char *p = longs; *p;) {
		size_t len = strcspn(p, " ");

		if (len == n && memcmp(p, name, n) == 0)
			return true;
		p += len + (p[len] == ' ');
	}
	return false;
}

static const char *known(const struct lint_opt *o, size_t i)
{
	return i < o->c->count && o->c->words[i].known ? o->c->words[i].text : NULL;
}

static bool operand(struct lint_opt *o)
{
	o->operand = true;
	o->value = known(o, o->i);
	o->i++;
	return true;
}

static bool long_one(struct lint_opt *o, const char *text)
{
	size_t n = strcspn(text + 2, "=");

	o->name = text + 2;
	o->i++;
	if (text[2 + n])
		o->value = o->c->words[o->word].known ? text + 2 + n + 1 : NULL;
	else if (takes(o->longs, o->name, n))
		o->value = known(o, o->i++);
	return true;
}

bool lint_opt_next(struct lint_opt *o)
{
	const char *text;

	o->letter = '\0';
	o->name = o->value = NULL;
	o->operand = false;
	if (!o->i)
		o->i = 1;
	if (o->i >= o->c->count)
		return false;
	o->word = o->i;
	text = o->c->words[o->i].text;
	if (o->ended || text[0] != '-' || !text[1])
		return operand(o);
	if (strcmp(text, "--") == 0) {
		o->ended = true;
		o->i++;
		return lint_opt_next(o);
	}
	if (text[1] == '-')
		return long_one(o, text);
	o->at = o->at ? o->at : 1;
	o->letter = text[o->at++];
	if (strchr(o->letters, o->letter)) {
		if (text[o->at])
			o->value = o->c->words[o->i].known ? text + o->at : NULL;
		else
			o->value = known(o, ++o->i);
		o->at = 0;
		o->i++;
	} else if (!text[o->at]) {
		o->at = 0;
		o->i++;
	}
	return true;
}

bool lint_opt_is(const struct lint_opt *o, char letter, const char *name)
{
	size_t n = name ? strlen(name) : 0;

	if (o->operand)
		return false;
	if (!o->name)
		return letter && o->letter == letter;
	return n && strncmp(o->name, name, n) == 0 && (!o->name[n] || o->name[n] == '=');
}
