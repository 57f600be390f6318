/* Which paths the layers of an image hold, as one table for image_visibility. Private to this
 * folder.
 */
#pragma once

#include "inventory/image.h"

struct visibility;

void visibility_free(struct visibility *v);
