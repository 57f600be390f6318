/* A finding in words, one place for all text forms.
 */
#pragma once

#include "report/fold.h"

/* Why entries of this key do not fit: "uid outside the map", "its ACL names user 70000, outside the
 * map", with the targets' names where they are not all of the check's, and what hides the entries
 * ("removed by layer 5"). Appended to out: 0 or -ERR_NOMEM. */
int words_reason(struct buf *out, const struct check *c, const struct fold_key *key) _must_check_;

/* A finding without an entry, whole: "USER 1000000: uid 1000000 is outside the map". Likewise. */
int words_config(struct buf *out, const struct check *c, const struct finding *f) _must_check_;

/* What a target does: "fails at pull", "becomes nobody", "fits"; every distinct effect once, joined
 * by commas. */
int words_verdict(struct buf *out, const struct check_target *t) _must_check_;

/* True where the rule is about an owner, so that a line may say "owner U:G". */
bool words_rule_is_owner(enum rule r);

/* Why the names in etc/passwd, or etc/group, are not known; nothing where they are. 0 or
 * -ERR_NOMEM.
 */
int words_unread(struct buf *out, const struct accounts *a, bool groups) _must_check_;
