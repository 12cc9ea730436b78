/* Holds: threads that must not be answered for now, because a person has taken over: an operator says so, or the
 * platform shows it.
 *
 * A thread lives only as long as it holds messages, a hold until it is let go: so holds are a registry of their own, by
 * tenant and thread, each durable as a note. One with an end goes by itself then: by the steady clock while the broker
 * runs, by the calendar over a restart. At most LIMIT_HOLDS at once. */
#pragma once

#include "broker/core/core.h"
#include "broker/core/heap.h"
#include "broker/core/table.h"

struct hold {
        uint64_t seq; /* of its note */
        enum hold_kind kind;
        uint32_t tenant, hash;
        char *thread; /* NULL: a free slot */
        uint32_t thread_len;
        char *why; /* at most LIMIT_WHY_LEN bytes, may be empty */
        struct wall since, until; /* until 0 = it has no end */
        struct wall said; /* when the team said so last; 0 = not known, as after a restart */
        uint64_t frame; /* the producer's, since the start, that made it what it is; 0 = none did */
        uint64_t word; /* messages below that number came before the team's last word; 0 = it has said none */
        struct mono end; /* the same as `until`; MONO_NEVER = none */
        struct mono entry_at; /* the time in its one heap entry that counts; MONO_NEVER when it has none */
        uint32_t ticket; /* marks that entry; outlives the hold in its slot */
        uint32_t next_free;
};

/* What a hold is to be. The texts must live until the turn's effects are cleared. */
struct hold_terms {
        enum hold_kind kind;
        struct bytes why;
        struct wall until; /* 0 = it has no end by itself */
        uint64_t frame; /* whose frame says so; 0 = none does */
        uint64_t word; /* as in struct hold */
        struct wall said; /* when it was, 0 = not known */
};

/* { .first_free = UINT32_MAX } is an empty registry. */
struct holds {
        struct hold *items;
        uint32_t n, n_slots, cap, first_free;
        struct table by_thread;
        struct heap ends;
};

void holds_done(struct holds *holds);
/* NULL when there is none. */
struct hold *hold_find(const struct core *core, uint32_t tenant, struct bytes thread);
/* The thread's hold, new or old; until it is set otherwise, a new one has a sequence number, and no end. */
struct hold *hold_get(struct core *core, struct now now, uint32_t tenant, struct bytes thread);
/* Keeps a copy of the text, which is cut at LIMIT_WHY_LEN, but not within a character. */
void hold_set_why(struct hold *hold, struct bytes why);
/* 0 = it has no end. */
void hold_set_until(struct core *core, struct now now, struct hold *hold, struct wall until);
void hold_load(struct core *core, struct now now, uint32_t tenant, const struct stored_note *note);
void hold_remove(struct core *core, struct hold *hold);
/* The next hold whose end has come; NULL when there is none. */
struct hold *hold_next_ended(struct core *core, struct now now);
/* When the next one may end. */
struct mono holds_next_due(const struct core *core);
