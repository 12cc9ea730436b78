/* What there is room for: looks at the disk, tells the core how much it may still accept, and says in the log when
 * room ends and comes back. */
#pragma once

#include "broker/core/core.h"
#include "broker/store/store.h"

struct room_watch {
        struct store_usage usage; /* as of the last look */
        struct mono looked;
        bool has_looked;
        bool is_store_full, is_memory_full;
};

/* Looks again: before each turn that follows one with messages, or while the store is full, else every
 * LIMIT_ROOM_LOOK_MS. 0, or a negative errno when the store cannot be read. */
MUST_USE int room_look(struct room_watch *watch, struct mono now, bool has_taken, const struct config *config,
                       struct store *store, struct core *core);
