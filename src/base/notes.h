/* What a reader wants its user to know and what is neither an error nor a finding: an attestation
 * that was skipped, a media type that does not agree with the bytes, a reference guessed.
 * Libraries never print; they put such sentences here and the report shows them. Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

struct notes;

/* NULL where memory is short. */
struct notes *notes_new(void);
void notes_free(struct notes *n);
DEFINE_CLEANUP(struct notes, notes_free)

/* Adds a sentence (no full stop, printable: escape what an image holds). The same sentence twice is
 * kept once; past NOTES_MAX the rest is only counted. n may be NULL. */
#define NOTES_MAX 256
void notes_add(struct notes *n, const char *fmt, ...) _printf_(2, 3);

/* How many are kept, how many were dropped past NOTES_MAX, and the i-th. */
size_t notes_count(const struct notes *n);
size_t notes_dropped(const struct notes *n);
const char *notes_get(const struct notes *n, size_t i);
