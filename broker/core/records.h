/* Records: messages that waited while a person had the thread, and are not to be answered any more, only recorded. Each
 * bears a mark; which do is durable as a note for each row of them, until the last of the row has left. */
#pragma once

#include "broker/core/effects.h"
#include "broker/core/table.h"

struct core;
struct thread;
struct message_list;

struct record {
        uint64_t seq; /* of its note */
        uint64_t first, last; /* the messages' */
        uint32_t tenant, hash;
        char *thread; /* NULL: a free slot */
        uint32_t thread_len;
        uint32_t n; /* messages of it that are still there */
        uint32_t next_free;
};

/* { .first_free = UINT32_MAX } is empty. */
struct records {
        struct record *items;
        uint32_t n, n_slots, cap, first_free;
        struct table by_thread;
};

void records_done(struct records *records);
/* What waits in the thread is only to be recorded, up to the message number `before`; not a batch whose answer is
 * stored. */
void records_begin(struct core *core, struct now now, struct thread *thread, uint64_t before, struct effects *fx);
/* These messages leave the store. */
void records_end(struct core *core, uint32_t tenant, struct bytes thread, const struct message_list *messages,
                 struct effects *fx);
void records_load(struct core *core, uint32_t tenant, const struct stored_note *note);
/* At the start: is this message one of them? */
bool records_claim(struct core *core, uint32_t tenant, struct bytes thread, uint64_t seq);
/* Everything is loaded: of some all messages may be gone. */
void records_tidy(struct core *core, struct effects *fx);
