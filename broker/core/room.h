/* Room: what is accepted is bounded by the disk, by memory, and by what a tenant may have waiting. What is accepted
 * already is never touched by that, and duplicates need no room. */
#pragma once

#include "broker/core/core.h"

struct tenant;

struct room {
        uint64_t store_bytes; /* that may still be added to the store */
        uint64_t n_messages; /* in lists of threads and dead letters */
        uint64_t name_bytes; /* of threads and dead letters */
        uint64_t n_efforts, n_failures; /* of threads */
        bool is_memory_full;
        uint32_t n_full; /* tenants that are full */
};

/* Is there room for one more message of a tenant? Then it is taken off what there is. Else false and *ret, why not; and
 * none that comes behind it in its frame gets in, as a thread's messages would overtake each other. */
bool room_take(struct core *core, struct tenant *tenant, const struct wire_message *message, enum refusal_code *ret);
/* May the tenant's next item of the frame be taken in, as no message before it there was refused for want of room? Else
 * false and *ret, as that one. */
bool room_has_order(const struct core *core, const struct tenant *tenant, enum refusal_code *ret);
/* So many bytes more in the store, of what is bounded otherwise: false when it has no room for them. */
bool room_take_bytes(struct core *core, uint64_t bytes);
