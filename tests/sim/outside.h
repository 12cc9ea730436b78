/* What the two halves of the world outside share: outside.c has the handlers, channel.c the channel. */
#pragma once

#include "tests/sim/sim.h"
#include "worker/core/batch.h"
#include "worker/core/outcome.h"

enum { CONNECT_US = 500, CONNECT_MAX_US = 30000, TRIP_US = 500, TRIP_MAX_US = 50000, ANSWER_US = 20000 };

struct answer;

/* A question or a reply under way. */
struct call {
        struct process *process;
        uint64_t fence;
        char batch[WIRE_BATCH_LEN + 1];
        char text[96], thread[16];
        uint32_t index, tenant;
        bool (*may_send)(void *context);
        void (*on_answered)(void *context);
        void (*on_posted)(void *context, const struct outcome *outcome);
        void *context;
        struct answer *answer;
        enum outside_plan plan;
        bool is_freed, has_left;
};

/* What the next one does, if a story has said so. */
struct outside_next {
        bool is_planned;
        enum outside_plan plan;
        int64_t us;
};

struct call *outside_call_new(const struct batch *batch, const char *text);
void channel_init(void);
