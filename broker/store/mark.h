/* A mark beside the database: up to which commit it got.
 *
 * LMDB falls back to the commit before the last when its newest head is damaged, and nothing inside the database tells.
 * The mark is written after each commit, and synced only once: that it is there at all means that the store was opened
 * to the end. After a loss of power it may be behind the database, never ahead of it. */
#pragma once

#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

/* Negative errno when it could not be written; `is_synced` = durably. */
MUST_USE int mark_write(int fd, uint64_t number, bool is_synced);
/* 0 = there is none. */
uint64_t mark_read(int fd);
