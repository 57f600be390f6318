/* An entry as `ls -ln` and `tar -tvn` show it.
 */
#pragma once

#include "base/buf.h"
#include "inventory/layer.h"

/* "-rwsr-xr-x": the type's letter (h hardlink, w whiteout, as tar and BSD ls have them; ? unknown)
 * and the mode. */
void ls_mode(char out[11], enum inv_kind kind, unsigned mode);

/* "-rw-r--r-- 1516583083 0 1234 /app/HISTORY.md" with " -> target" for links; names escaped, long
 * ones cut in the middle. Appended to out: 0 or -ERR_NOMEM. */
int ls_line(struct buf *out, const struct inv_entry *e) _must_check_;

/* "/" and the path, escaped and cut likewise. */
int ls_path(struct buf *out, const char *path, size_t n) _must_check_;
