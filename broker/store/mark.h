/* A mark beside the database: up to which commit it got, and up to which record the journal.
 *
 * LMDB falls back to the commit before the last when its newest head is damaged, and nothing inside the database tells;
 * nor does a journal tell whose last record is damaged. The mark is written after each commit, and synced only once:
 * that it is there at all means that the store was opened to the end. After a loss of power it may be behind the
 * store, never ahead of it. */
#pragma once

#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct mark {
        uint64_t number; /* of the database's commit; 0 = there is no mark */
        uint64_t journal; /* of the journal's record */
};

/* Negative errno when it could not be written; `is_synced` = durably. */
MUST_USE int mark_write(int fd, struct mark mark, bool is_synced);
struct mark mark_read(int fd);
