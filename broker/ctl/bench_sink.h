/* The benchmark's worker: takes runs over the wire and reports each done, at once or after a while (PROTOCOL.md,
 * sections 3 and 4). No Redis, no handler: what is measured is the broker.
 *
 * For an event loop of one's own: sink_step(), then wait on sink_fd() for at most sink_wait(). */
#pragma once

#include "common/wire.h"

struct sink;

struct sink_settings {
        uint32_t slots;
        struct span work; /* what a run takes; 0 = it is done when it comes */
        /* A run has come. Fills `numbers` (room for run->n_messages) and answers true; false for a run that is
         * none of ours, which is put off as busy. */
        bool (*on_run)(void *context, struct wire_run *run, uint32_t *numbers);
        /* A run of ours has ended: its result is about to be sent, or it was cancelled before. */
        void (*on_over)(void *context, const uint32_t *numbers, uint32_t n);
        /* Its result was taken. */
        void (*on_settled)(void *context, const uint32_t *numbers, uint32_t n);
        void *context;
};

/* Connects. 0; -EINVAL when `endpoint` is none. `uuid` has WIRE_UUID_LEN bytes and is copied. */
MUST_USE int sink_new(const char *endpoint, const struct sink_settings *settings, const uint8_t *uuid,
                      uint64_t incarnation, struct sink **ret);
struct sink *sink_free(struct sink *sink);

/* Takes in what came, says what is to be said. True when there may be more at once: do not wait. */
bool sink_step(struct sink *sink, struct mono now);
struct span sink_wait(const struct sink *sink, struct mono now);
int sink_fd(const struct sink *sink);
/* Has the broker welcomed it? */
bool sink_is_welcome(const struct sink *sink);
/* Runs whose results are not settled. */
size_t sink_n_held(const struct sink *sink);
/* Wants no more runs: the broker forgets it soon. */
void sink_leave(struct sink *sink);
