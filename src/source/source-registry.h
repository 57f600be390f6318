/* docker://, between the session with a registry and the formats that are read from stores.
 */
#pragma once

#include "source/internal.h"

/* Names are "manifests/DIGEST" and "blobs/DIGEST"; borrows the registry. Finding is for one thread
 * at a time, reading for any. */
int store_registry_open(struct store **out, struct registry *registry,
			struct error *err) _must_check_;

/* A manifest that came by its tag: data is owned on any outcome. */
int store_registry_keep(struct store *st, const char *digest, uint8_t *data, size_t len,
			struct error *err) _must_check_;
