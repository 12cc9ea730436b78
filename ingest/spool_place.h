/* Where a spool lies: a folder with a lock, and in the lock's file a mark: how far the database beside it has got.
 *
 * The mark is written after each commit, and synced only once: that there is one means that the database counts.
 * After a loss of power it may be behind the database, never ahead of it. */
#pragma once

#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct spool_place {
        char *folder;
        int lock_fd;
};

/* Makes the folder if need be, durably, and locks it. 0; 1 when another process has locked it; a negative errno. For
 * spool_place_done() in any case. */
MUST_USE int spool_place_init(struct spool_place *place, const char *folder);
void spool_place_done(struct spool_place *place);
/* Of a file in the folder; the caller frees. */
char *spool_place_path(const struct spool_place *place, const char *name);

/* A folder and those above it, each of which its parent then has durably. Both: 0; a negative errno. */
MUST_USE int spool_folder_make(const char *folder);
/* That a folder has what is in it must itself survive a loss of power. */
MUST_USE int spool_folder_sync(const char *folder);

/* The number of the last commit; -1 = there is no mark. */
int64_t spool_mark_read(const struct spool_place *place);
/* Durably: 0; a negative errno. */
MUST_USE int spool_mark_write(const struct spool_place *place, int64_t number);
/* The same, not durably, and if it can be. */
void spool_mark_note(const struct spool_place *place, int64_t number);
/* Durably: 0; a negative errno. */
MUST_USE int spool_mark_remove(const struct spool_place *place);
