/* Which layer a pull or load was at when it failed, by the progress lines of docker: "a2abf6c4d29d:
 * Pull complete". Docker extracts the layers one after the other from the base up, so the first
 * that has not come through is the one. BuildKit's "extracting sha256:..." names it. Private to
 * this folder.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define PULL_LAYERS_MAX 1024

struct pull_layer {
	char id[13];
	bool done, extracting;
};

struct pull_log {
	struct pull_layer *layers; /* in the order in which docker named them: base first */
	size_t count;
	bool loading; /* docker load: ids are of diff_ids, and layers that are there already are not
			 named */
	char extracting[65]; /* BuildKit, containerd: hex digits of the blob, "" where none is */
	bool out_of_memory;
};

void pull_log_line(struct pull_log *p, const char *line, size_t n);
void pull_log_done(struct pull_log *p);

/* The layer that is not through: its short id or digest's hex digits, "" where none is known, and
 * its position, -1 where not known. */
const char *pull_log_failing(const struct pull_log *p, long *position);
