/* The broker's real loop and questions on a stage: its store is in memory, its sockets hold what the target puts there,
 * its clocks stand until the target moves them. Whatever it sends is checked. There is one stage in a process. */
#pragma once

#include "broker/loop.h"

enum { STAGE_RUNS = 32, STAGE_FRAMES = 64 };

/* A run that the broker handed out. */
struct stage_run {
        uint64_t fence;
        char batch[WIRE_BATCH_LEN + 1];
        uint32_t n_messages, posted;
        uint8_t worker; /* whom it was sent to, as stage_push() calls them */
};

struct stage {
        struct loop loop;
        struct now now;
        const char *text; /* of lull.yaml */
        uint32_t epoch;
        bool is_deaf; /* nothing that is sent is delivered */
        uint64_t newest_fence, newest_of_turn;
        struct stage_run runs[STAGE_RUNS]; /* the latest ones */
        uint32_t n_runs; /* so far */
};

/* Makes the stage and starts the broker. `text` is its lull.yaml, borrowed. */
void stage_init(struct stage *stage, const char *text);
void stage_done(struct stage *stage);
/* SIGHUP: the file now says this. */
void stage_configure(struct stage *stage, const char *text);
/* kill -9 and a new start: memory is gone, the store is not. */
void stage_restart(struct stage *stage);
/* A copy of the frame comes in with the next turn, from the peer of that number; more than STAGE_FRAMES are dropped. */
void stage_push(struct stage *stage, enum socket_name name, uint8_t from, struct bytes frame);
/* What the worker of that number says with the next turn comes in one BUNDLE. */
void stage_bundle(struct stage *stage, uint8_t from);
/* One turn. */
void stage_turn(struct stage *stage);
void stage_wait(struct stage *stage, struct span span);
/* One of the latest runs, whatever `choice` is; a run of zeros when there was none yet. */
struct stage_run stage_run_get(const struct stage *stage, uint8_t choice);
