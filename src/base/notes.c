#include "base/notes.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct notes {
	pthread_mutex_t lock;
	char *text[NOTES_MAX];
	size_t count, dropped;
};

struct notes *notes_new(void)
{
	struct notes *n = calloc(1, sizeof(*n));

	if (n)
		pthread_mutex_init(&n->lock, NULL);
	return n;
}

void notes_free(struct notes *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->count; i++)
		free(n->text[i]);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

void notes_add(struct notes *n, const char *fmt, ...)
{
	char text[1024];
	bool known = false;
	va_list ap;

	if (!n)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_trim_cut(text);
	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < n->count && !known; i++)
		known = strcmp(n->text[i], text) == 0;
	if (!known) {
		char *copy = n->count < NOTES_MAX ? strdup(text) : NULL;

		if (copy)
			n->text[n->count++] = copy;
		else
			n->dropped++;
	}
	pthread_mutex_unlock(&n->lock);
}

size_t notes_count(const struct notes *n)
{
	return n ? n->count : 0;
}

size_t notes_dropped(const struct notes *n)
{
	return n ? n->dropped : 0;
}

const char *notes_get(const struct notes *n, size_t i)
{
	return n->text[i];
}
