/* What the files of work.h share. */
#pragma once

#include "common/log.h"
#include "worker/context.h"
#include "worker/handler.h"
#include "worker/post.h"
#include "worker/work.h"

/* An effect can cause an event before it returns, such as a lock asked for without a connection; a step has few. */
enum { EVENTS_MAX = 16 };

/* What every line of a run's log begins with. */
#define RUN_FIELDS(work)                                                                                               \
        LOG_TEXT("tenant", (work)->batch->tenant), LOG_TEXT("thread", (work)->batch->thread),                          \
                LOG_TEXT("batch", (work)->batch->id), LOG_NUMBER("fence", (work)->batch->fence)

struct work {
        const struct work_doors *doors;
        struct work *next; /* of the spares */
        struct batch *batch;
        struct settings *settings;
        const struct config_tenant *tenant; /* of the settings; NULL when the run was refused */
        const struct channel *channel; /* NULL = nothing is posted */
        struct run run;
        struct lease_mark lease;
        struct wall since; /* it was begun */
        struct loop_timer *timer;
        struct redis_request *lock_request;
        struct context_doors lookup_doors;
        struct context *lookup;
        void *call; /* to the handler */
        struct post *post;
        struct post_reading *reading;
        struct typing *typing;
        struct answer answer;
        /* What the next event tells: */
        struct outcome context_outcome, post_outcome;
        enum run_read read;
        bool is_accepted;
        bool is_held_back; /* the call was not begun, or not sent; */
        enum run_event_kind held_back_by; /* and this is why */
        enum run_event_kind events[EVENTS_MAX];
        int n_events;
        bool is_stepping;
};

/* -- work_effects.c: what the core decided ------------------------------------------------------------------------- */

void work_carry_out(struct work *work, enum run_effect effect);
struct lock_claim work_claim(const struct work *work);

/* -- work_calls.c: what is asked of the world ---------------------------------------------------------------------- */

void work_look_up(struct work *work);
void work_ask(struct work *work);
void work_read_back(struct work *work);
void work_post(struct work *work);
/* Ends what is under way; nothing of it calls back any more. `is_unwanted` as handler.h has it. */
void work_abort(struct work *work, bool is_unwanted);
void work_stop_typing(struct work *work, bool say_off);
/* The answer that is posted: of an earlier run, or of this one. */
struct bytes work_answer(const struct work *work);

/* -- work_log.c: what is told of a run: lines in the log, and what is counted -------------------------------------- */

void work_log_began(const struct work *work);
void work_log_refused(const struct work *work, struct mono now);
/* After a step: what was before it, and what it came of. */
void work_log_step(const struct work *work, const struct run *before, enum run_event_kind kind, struct mono now);
void work_log_lookup(const struct work *work, enum context_source source, struct span took, const struct outcome *why);
void work_log_unreadable(const struct work *work);
/* What asking has cost. `is_wasted`: nobody gets the answer. */
void work_tally_usage(const struct work *work, const struct handler_usage *usage, bool is_wasted);
/* STOP or CANCEL: an answer that was handed over and is not stored has cost something for nothing. */
void work_tally_refused(const struct work *work, enum wire_type type, struct bytes code);
