/* Spools read in a process of their own. LMDB trusts its pages: of one that is damaged it may end the process that
 * reads it, and that must not be the one that everybody's webhooks come to. So a spool that was found is read here
 * first, by a child that does nothing else. */
#pragma once

#include "ingest/spool.h"

/* Opens and scans a spool, and closes it: the answers of spool_open() and spool_scan(). SPOOL_DAMAGED also when that
 * ended the child; -EINTR when something else did. */
MUST_USE int spool_child_check(struct spool *spool, char **ret_error);
/* Visits what is whole in a spool that was set aside in `folder`, as far as it can be read; behind what ends the child
 * it goes on with the next lane. 0; what `visit` answers; a negative errno. */
MUST_USE int spool_child_rescue(const char *folder, const struct spool_visit *visit);
