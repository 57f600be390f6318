/* What an undo did, as text: from the word behind the names on; notes follow.
 */
#pragma once

#include "report/fix.h"

void fix_undo_text(const struct report_options *opts, const struct fix_told *told);
