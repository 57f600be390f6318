/* Numbers that stand for users and groups inside files that nobody rewrites: sudoers, units, jobs
 * of cron, scripts that chown when they start. Each format is read by a scanner that looks for the
 * places where an id stands and runs nothing. Private to this folder and to its tests.
 */
#pragma once

#include "inventory/layer.h"

#define MENTION_LEAST	 100 /* what is below is of the system's own users */
#define MENTIONS_IN_FILE 64  /* kept of one file */

/* How a file is read. */
enum mention_form {
	MENTION_NONE,
	MENTION_SUDOERS,  /* sudoers(5) */
	MENTION_UNIT,	  /* systemd.exec(5) and what is written alike: KEY=VALUE */
	MENTION_TMPFILES, /* tmpfiles.d(5) */
	MENTION_SYSUSERS, /* sysusers.d(5) */
	MENTION_SHELL,	  /* lines of commands: a crontab, a script whose place says what it is */
	MENTION_SCRIPT,	  /* the same where it begins with #!, else nothing */
};

/* By where the file lies; MENTION_NONE for most. */
enum mention_form mention_form(const char *path, size_t n);

/* Adds what data (n bytes) mentions to *out, whose path is none of its business: ids, what could
 * not be decided, whether there was more. -ERR_NOMEM. */
int mention_scan(struct inv_mentions *out, enum mention_form form, const char *data,
		 size_t n) _must_check_;

void inv_mentions_done(struct inv_mentions *m);

/* What a file's mentions count for in limit mentions. */
static inline uint64_t inv_mentions_cost(uint64_t path_len, uint64_t count)
{
	return 64 + path_len + 16 * count;
}

/* What the scanners share: one file being read. */
struct mention_work {
	struct inv_mentions *out;
	uint32_t line;
	int failed; /* 0 or -ERR_NOMEM */
};

/* What a word stands for. */
enum mention_kind {
	MENTION_UID,	/* N, +N, #N; a variable cannot be decided, its default can */
	MENTION_GID,	/* likewise */
	MENTION_OWNER,	/* UID, UID:GID, UID.GID, :GID */
	MENTION_GIDS,	/* GID,GID */
	MENTION_SAME,	/* N is uid and gid; UID:GID */
	MENTION_ACL,	/* u:UID:rwx,g:GID:r */
	MENTION_ASSIGN, /* NAMEuid=N, ${NAMEgid:-N} among other text */
};
void mention_word(struct mention_work *w, enum mention_kind kind, const char *s, size_t n);

/* Commands, one or more lines. */
void mention_shell(struct mention_work *w, const char *s, size_t n);
