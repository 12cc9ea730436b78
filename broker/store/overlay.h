/* What is in a file of the journal and not yet in the database: for each key that was touched, where its value lies in
 * the file's image, or that it is gone. A value that came and went meanwhile never reaches the database.
 *
 * A commit that comes to nothing is undone: overlay_begin(), puts and drops, then overlay_undo() where it failed. */
#pragma once

#include "broker/store/engine.h"

enum overlay_state {
        OVERLAY_NONE, /* nothing is known of it: it is as the database has it */
        OVERLAY_VALUE,
        OVERLAY_GONE,
        OVERLAY_N_STATES
};

struct overlay_entry {
        uint64_t seq, at; /* `at` and `len`: where the value lies in the image */
        uint32_t len;
        uint8_t table, state;
        bool is_new; /* nothing of the key is in the database, though others of its age are */
};

struct overlay_former;

struct overlay {
        struct overlay_entry *entries; /* in the order in which their keys were first touched */
        uint32_t n, cap;
        uint32_t *slots; /* a hash table of entries, counted from 1 */
        uint32_t n_slots;
        uint64_t bytes; /* of the values that are there, with what the database takes to find them: an estimate */
        /* Keys from it on cannot be in the database: sequence numbers ascend, and a batch has its first message's. */
        uint64_t fresh_from;
        uint64_t highest; /* that was ever put */
        /* What the commit that is being made has changed. */
        struct overlay_former *former;
        uint32_t n_former, former_cap, n_before;
        uint64_t bytes_before;
};

void overlay_done(struct overlay *overlay);
void overlay_begin(struct overlay *overlay);
void overlay_put(struct overlay *overlay, enum engine_table table, uint64_t seq, uint64_t at, uint32_t len);
void overlay_drop(struct overlay *overlay, enum engine_table table, uint64_t seq);
/* All since overlay_begin(). */
void overlay_undo(struct overlay *overlay);
/* NULL where nothing is known of it. Good until the next put or drop. */
const struct overlay_entry *overlay_find(const struct overlay *overlay, enum engine_table table, uint64_t seq);
/* May the database have something under that entry's key? */
static inline bool overlay_is_below(const struct overlay *overlay, const struct overlay_entry *entry) {
        return entry->seq < overlay->fresh_from && !entry->is_new;
}
/* What is in `young` takes the place of what is in `old`, which need not go to the database any more. */
void overlay_supersede(struct overlay *old, struct overlay *young);
/* `overlay`, which is empty, goes on from `before`: what is in that may be in the database by and by. */
void overlay_follow(struct overlay *overlay, const struct overlay *before);
/* All of it is in the database now. */
void overlay_clear(struct overlay *overlay);
