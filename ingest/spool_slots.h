/* The folder of spools: FOLDER/0, FOLDER/1, ... Each process has one, and takes over those of processes that have died.
 *
 * A spool that is damaged is not used, and not thrown away: its database is moved to FOLDER/damaged-SLOT-NUMBER, what
 * is whole in it is copied into a new one in its place, and the log says both, as an error. */
#pragma once

#include "ingest/core/spool_queue.h"
#include "ingest/spool.h"

struct spool_slots {
        char *folder;
        uint32_t own;
        struct spool *items[LIMIT_SPOOL_SLOTS]; /* NULL = not ours */
        bool is_unusable[LIMIT_SPOOL_SLOTS]; /* it could not be opened, and is left alone */
};

/* Takes the first spool that nobody has, not opened yet. 0; a negative errno and *ret_error (the caller frees). For
 * spool_slots_done() in any case. */
MUST_USE int spool_slots_init(struct spool_slots *slots, const char *folder, char **ret_error);
void spool_slots_done(struct spool_slots *slots);
/* Opens one of ours, and tells `queue` what is in it. 0; a negative errno, and then `queue` may know half of it. */
MUST_USE int spool_slots_open(struct spool_slots *slots, uint32_t slot, struct spool_queue *queue);
/* Takes over a spool in which somebody who is gone has left something: 0 and its number, not opened yet; 1 when there
 * is none. */
MUST_USE int spool_slots_find(struct spool_slots *slots, uint32_t *ret);
/* Gives one back that could not be opened, and leaves it alone from now on; the log says so. */
void spool_slots_avoid(struct spool_slots *slots, uint32_t slot, int error);
/* Gives one of ours back; what it holds stays. `is_empty`: it holds nothing. */
void spool_slots_release(struct spool_slots *slots, uint32_t slot, bool is_empty);
