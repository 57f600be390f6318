/* What goes on around a long piece of work: progress on standard error, an interrupt that ends it
 * with nothing left behind, and the cache.
 */
#pragma once

#include "inventory/cache.h"
#include "options.h"

/* From here to cli_working_end the first SIGINT, SIGTERM or SIGHUP lets what runs take back what it
 * began; the second, or INTERRUPT_WAIT seconds, ends the process. NULL where memory is short. */
#define INTERRUPT_WAIT 3
struct progress *cli_working_begin(const struct common_options *o);
/* Clears the screen; where a signal came, the process ends by it here. */
void cli_working_end(struct progress *p);
/* What was begun is being taken back and that may take long: the end that INTERRUPT_WAIT sets is
 * put off by CLEAN_UP_WAIT seconds, if a signal has come. */
#define CLEAN_UP_WAIT 120
void cli_working_cleans_up(void);
/* True once a signal came: what failed then needs no message. */
bool cli_interrupted(void);

/* The user's cache, or NULL: --no-cache, or UIDFIT_NO_CACHE in the environment. Borrows both. */
struct inventory_cache *cli_cache(bool no_cache, const struct limits *limits, struct notes *notes);
