/* Aliases: names that one thread has beside its own. Platforms call a person by a number here and by an opaque id
 * there; what came under either belongs together.
 *
 * A registry by tenant and name. Each name but the thread's own is durable as a note of its own, which says whose it
 * is; no name of a name, so a look is one look. At most LIMIT_ALIASES, and a share of limits.memory; of one thread at
 * most LIMIT_ALIASES_OF_THREAD; past that the name that was used longest ago is forgotten. */
#pragma once

#include "broker/core/effects.h"
#include "broker/core/table.h"

struct core;

struct alias {
        char *name; /* NULL: a free slot */
        uint64_t seq; /* of its note; 0: a thread's own name, of which others are names */
        struct wall at; /* when it was noted */
        uint32_t name_len, hash, tenant;
        uint32_t root; /* whose name it is; UINT32_MAX: a thread's own */
        uint32_t n, first, last; /* a thread's own: its other names, in the order in which they were noted */
        uint32_t before, after; /* among those */
        uint32_t older, newer; /* among all that are noted; in the free list, newer is the next free one */
};

/* { .first_free = UINT32_MAX, .oldest = UINT32_MAX, .newest = UINT32_MAX } is an empty registry. */
struct aliases {
        struct alias *items;
        uint32_t n; /* noted */
        uint32_t n_slots, cap, first_free, oldest, newest;
        uint64_t name_bytes;
        struct table by_name;
};

void aliases_done(struct aliases *aliases);
/* UINT32_MAX when it is not known, neither as a name of another nor as one that has others. */
uint32_t alias_find(const struct core *core, uint32_t tenant, struct bytes name);
/* Whose name it is: of a name that is not known, its own. Borrowed until the aliases change, or `name` itself. */
struct bytes alias_root(const struct core *core, uint32_t tenant, struct bytes name);
/* `name`, which is a thread's own, becomes one of `root`, which is, too; and so does whatever it has. The texts must
 * live until the turn's effects are cleared. */
void alias_link(struct core *core, struct now now, uint32_t tenant, struct bytes name, struct bytes root,
                struct effects *fx);
/* It has been used: noted anew, once a day. */
void alias_use(struct core *core, struct now now, uint32_t tenant, struct bytes name, struct effects *fx);
void alias_load(struct core *core, uint32_t tenant, const struct stored_note *note);
/* The names of a thread beside its own: begin with cursor 0, ends with false. */
bool alias_next(const struct core *core, uint32_t tenant, struct bytes root, uint32_t *cursor, struct bytes *ret);
/* What they take up in memory, as it is estimated. */
uint64_t aliases_memory(const struct aliases *aliases);
