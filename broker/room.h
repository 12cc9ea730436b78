/* What there is room for: looks at the disk, tells the core how much it may still accept, and says in the log when
 * room ends and comes back, of the broker or of a tenant, and when ids are forgotten early for their number. */
#pragma once

#include "broker/core/core.h"
#include "broker/store/store.h"

struct room_watch {
        struct store_usage usage; /* as of the last look */
        struct mono looked;
        bool has_looked;
        bool is_store_full, is_memory_full;
        bool is_of_disk; /* while the store is full: free_bytes is what is reached, else store_bytes */
        uint32_t n_full; /* tenants that were full when last told */
        struct mono told;
        uint64_t n_early; /* ids forgotten before their window ended, as last told */
        struct mono warned; /* of that */
};

/* Looks again: before each turn that follows one with messages, or while the store is full, else every
 * LIMIT_ROOM_LOOK_MS. 0, or a negative errno when the store cannot be read. */
MUST_USE int room_look(struct room_watch *watch, struct mono now, bool has_taken, const struct config *config,
                       struct store *store, struct core *core);
/* At the end of a turn: says in the log what the turn changed for tenants with a max_pending, and of the ids. */
void room_tell(struct room_watch *watch, struct mono now, const struct config *config, struct core *core);
/* The limit that a full store has reached: its key in lull.yaml. */
const char *room_reached(const struct room_watch *watch);
