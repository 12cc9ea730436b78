/* A broker's core with a store in memory, in virtual time: what the broker's unit tests and the simulation stand on. It
 * plays producer and worker by events, commits every step, and decodes what the core wants sent. */
#pragma once

#include "broker/core/core.h"
#include "broker/store/store.h"

#include <stdbool.h>

struct world_run {
        uint64_t fence;
        char batch[WIRE_BATCH_LEN + 1];
        char thread[64];
        uint32_t attempt, posted, n_messages;
        bool is_answered, is_doubtful, is_record;
        uint64_t seqs[64];
        struct address to;
};

struct world {
        struct config config;
        struct config_tenant tenants[2]; /* "acme" and "zeta" */
        struct store *store;
        struct core *core;
        struct now now;
        struct effects fx;
        uint64_t seed;
        /* Told of every change that a step commits; may be NULL. */
        void (*on_change)(void *context, const struct change *change);
        void *context;
        /* What the last step sent. */
        struct world_run runs[600];
        uint32_t n_runs;
        uint32_t n_accepted, n_duplicates, n_refusals, n_cancels, n_welcomes, n_errors;
        uint64_t heard; /* the beat; 0 = none */
        int go, settled; /* -1 = nothing, 0 = stop or stale, 1 = go or accepted */
        char code[LIMIT_CODE_LEN + 1]; /* of the last refusal, stop, cancel or error */
};

void world_init(struct world *world);
void world_done(struct world *world);
/* kill -9 and a new start: memory is gone, the store is not. */
void world_restart(struct world *world);
void world_step(struct world *world, struct event *event);
/* Lets time pass, and the core act on it. */
void world_wait(struct world *world, struct span span);
/* One message of `tenant` for `thread`; id NULL = none. */
void world_say_in(struct world *world, const char *tenant, const char *thread, const char *id, const char *text);
void world_say(struct world *world, const char *thread, const char *id);
/* One item of "acme" in a frame: what of it is empty is so. */
void world_item(struct world *world, struct wire_message item, const struct wire_body *body);
/* Worker `n` (from 1) says hello with so many slots; then it is alive, holding these runs. */
void world_hello(struct world *world, uint8_t n, uint32_t slots);
/* The same from another connection (`from`), with an incarnation, and the runs that it holds. */
void world_hello_again(struct world *world, uint8_t n, uint8_t from, uint64_t incarnation, const struct world_run *held,
                       uint32_t n_held);
void world_alive(struct world *world, uint8_t n, uint32_t slots, const struct world_run *held, uint32_t n_held);
/* The same with a beat, which world_alive() leaves out. */
void world_alive_with(struct world *world, uint8_t n, uint32_t slots, uint64_t beat, const struct world_run *held,
                      uint32_t n_held);
void world_result(struct world *world, const struct world_run *run, enum wire_outcome outcome);
void world_result_later(struct world *world, const struct world_run *run, enum wire_outcome outcome,
                        struct span retry_after);
/* Busy, with that code. */
void world_busy(struct world *world, const struct world_run *run, const char *code);
void world_answered(struct world *world, const struct world_run *run, const char *reply);
/* The same with so many replies; and word that so many of them are out, of this run. */
void world_answered_with(struct world *world, const struct world_run *run, uint32_t n_replies);
void world_posted(struct world *world, const struct world_run *run, uint32_t posted);
/* So many replies are out at the run's end, and it is not known of the next one. */
/* With what it learned of its provider; `pause` 0 = not said. */
void world_verdict(struct world *world, const struct world_run *run, enum wire_outcome outcome,
                   enum wire_provider provider, struct span pause);
void world_result_in_doubt(struct world *world, const struct world_run *run, enum wire_outcome outcome,
                           uint32_t posted);
/* `n` messages of "acme" for `thread` in one frame. */
void world_say_many(struct world *world, const char *thread, uint32_t n);
struct core_thread_view world_why(const struct world *world, const char *thread);
