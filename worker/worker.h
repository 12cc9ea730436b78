/* The worker as a whole: takes runs from the broker as long as it has slots, and leaves politely.
 *
 * SIGTERM or SIGINT drains: no more runs are taken, those that run may end within worker.drain, the rest is handed
 * back. A second one hands back at once. SIGHUP reads the tenants of the file again; what is wrong with it is
 * logged, and the old settings stay. */
#pragma once

#include "common/config.h"

struct worker;

/* Takes the config over. 0; a negative errno and *ret_error (the caller frees), a sentence for people. */
MUST_USE int worker_new(struct config *config, struct worker **ret, char **ret_error);
/* Until it has left. */
void worker_run(struct worker *worker);
struct worker *worker_free(struct worker *worker);
