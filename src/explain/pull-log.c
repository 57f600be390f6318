#include "explain/pull-log.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

#define ID 12

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static size_t hex_run(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && i <= 64 && is_hex(p[i]))
		i++;
	return i;
}

static bool begins(const char *p, size_t n, const char *word)
{
	size_t len = strlen(word);

	return n >= len && !memcmp(p, word, len);
}

static struct pull_layer *find(struct pull_log *p, const char *id)
{
	for (size_t i = 0; i < p->count; i++)
		if (!memcmp(p->layers[i].id, id, ID))
			return &p->layers[i];
	return NULL;
}

static struct pull_layer *add(struct pull_log *p, const char *id)
{
	struct pull_layer *more;

	if (p->count >= PULL_LAYERS_MAX)
		return NULL;
	more = reallocarray(p->layers, p->count + 1, sizeof(*more));
	if (!more) {
		p->out_of_memory = true;
		return NULL;
	}
	p->layers = more;
	more[p->count] = (struct pull_layer){ .done = false };
	memcpy(more[p->count].id, id, ID);
	return &more[p->count++];
}

static void forget(struct pull_log *p)
{
	p->count = 0;
	p->loading = false;
	p->extracting[0] = '\0';
}

static void status(struct pull_log *p, const char *id, const char *what, size_t n)
{
	static const struct {
		const char *word;
		bool done, extracting, loading;
	} words[] = {
		{ "Pulling fs layer", false, false, false },
		{ "Waiting", false, false, false },
		{ "Downloading", false, false, false },
		{ "Verifying Checksum", false, false, false },
		{ "Download complete", false, false, false },
		{ "Extracting", false, true, false },
		{ "Pull complete", true, false, false },
		{ "Already exists", true, false, false },
		{ "Loading layer", false, true, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct pull_layer *l;

		if (!begins(what, n, words[i].word))
			continue;
		l = find(p, id);
		/* A load says of no layer that it is done: the next one's line does. */
		if (words[i].loading && !l)
			for (size_t k = 0; k < p->count; k++)
				p->layers[k].done = true;
		l = l ? l : add(p, id);
		if (!l)
			return;
		p->loading |= words[i].loading;
		l->extracting = words[i].extracting;
		l->done |= words[i].done;
		return;
	}
}

/* "extracting sha256:<64>" and the same with "done" behind. */
static void extracting(struct pull_log *p, const char *line, size_t n)
{
	const char *at = memmem(line, n, "extracting sha256:", 18);
	size_t left;

	if (!at)
		return;
	at += 18;
	left = n - (size_t)(at - line);
	if (hex_run(at, left) != 64)
		return;
	if (memmem(at, left, " done", 5)) {
		if (!memcmp(p->extracting, at, 64))
			p->extracting[0] = '\0';
		return;
	}
	memcpy(p->extracting, at, 64);
	p->extracting[64] = '\0';
}

void pull_log_line(struct pull_log *p, const char *line, size_t n)
{
	const char *colon = line, *end = line + n;

	if (memmem(line, n, ": Pulling from ", 15) || memmem(line, n, "Using default tag:", 18)) {
		forget(p);
		return;
	}
	extracting(p, line, n);
	while ((colon = memchr(colon, ':', (size_t)(end - colon)))) {
		const char *id = colon - ID;

		colon++;
		if (id < line || colon >= end || *colon != ' ' || hex_run(id, ID + 1) != ID ||
		    (id > line && isalnum((unsigned char)id[-1])))
			continue;
		status(p, id, colon + 1, (size_t)(end - colon - 1));
		return;
	}
}

void pull_log_done(struct pull_log *p)
{
	free(p->layers);
}

const char *pull_log_failing(const struct pull_log *p, long *position)
{
	*position = -1;
	if (p->extracting[0])
		return p->extracting;
	for (size_t i = 0; i < p->count; i++) {
		if (p->layers[i].done)
			continue;
		if (!p->loading)
			*position = (long)i;
		return p->layers[i].id;
	}
	return "";
}
