/* The small files that name users by number, rewritten: passwd(5), group(5) and their backups, and
 * the owner column of subuid(5), subgid(5). Every byte but the numbers stays.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "inventory/layer.h"

enum fix_file_kind { FIX_FILE_NONE, FIX_FILE_PASSWD, FIX_FILE_GROUP, FIX_FILE_SUBID };

/* By its name; a file of another place than etc/ is one of accounts only where each of its lines
 * reads as one (PAM has an etc/pam.d/passwd too). data may be NULL: by name alone. */
enum fix_file_kind fix_file_kind(const char *path, size_t path_len, const uint8_t *data,
				 size_t len);

/* Whether an id changes, and to what. */
typedef bool fix_renumber_fn(const void *ctx, bool is_gid, int64_t id, uint32_t *to);

/* Appends the text with its numbers changed: 1 where any has, 0 where none has, or -ERR_NOMEM.
 * The first column of subgid names a user, as that of subuid does. */
int fix_file_rewrite(struct buf *out, enum fix_file_kind kind, const uint8_t *data, size_t len,
		     fix_renumber_fn *fn, const void *ctx) _must_check_;
