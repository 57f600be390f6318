/* What a text report needs to know before its first line, gathered in one walk over the findings.
 * Bounded whatever the image holds: a fold per layer with findings, one for the notes, a few facts.
 */
#pragma once

#include "report/fold.h"

#define SUMMARY_CONFIG_LINES 12

struct summary {
	struct fold **layers; /* one a layer, NULL where it has neither error nor warning */
	size_t layer_count, layers_hit;
	struct fold notes;
	uint64_t entries; /* with an error or a warning; an entry with two counts once */
	uint64_t note_entries;
	uint64_t removed, replaced;   /* of entries: hidden by a layer above */
	long hidden_layer, hidden_by; /* the first such, or -1 */
	bool hidden_removes;	      /* it removes; else it replaces */
	int64_t max_id;		      /* largest owner id that does not fit */
	bool owners;		      /* of entries: some do not fit, or become others */
	bool user_outside;	      /* USER or one of its groups outside a map */
	bool accounts;		      /* a target fails over names in passwd or group */
	bool acl, sparse_log;
	bool visible_unknown; /* of an entry: not all layers above it were looked at */
	struct buf config[SUMMARY_CONFIG_LINES]; /* findings without an entry, in words, errors and
						    warnings */
	size_t config_count;
	uint64_t config_lost;
	struct buf config_notes[SUMMARY_CONFIG_LINES];
	size_t config_note_count;
	uint64_t config_notes_lost;
};

int summary_make(struct summary *out, struct check *c, struct error *err) _must_check_;
/* The same of some of c's findings: those that each tells. */
typedef int summary_each(void *ctx, check_finding_fn *fn, void *fn_ctx, struct error *err);
int summary_make_of(struct summary *out, struct check *c, summary_each *each, void *ctx,
		    struct error *err) _must_check_;
void summary_free(struct summary *s);
static inline void summary_freep(struct summary *s)
{
	summary_free(s);
}
