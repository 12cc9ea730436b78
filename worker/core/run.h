/* A run as a state machine: one attempt of this worker at a batch. Pure: an event and the time come in, effects come
 * out.
 *
 *            locked           looked up          answered          go             all posted        settled
 *   LOCKING --------> CONTEXT --------> ANSWERING ------> ANSWERED ----> POSTING ---------> REPORTING ----> ENDED
 *
 *   no lookup:                     from LOCKING to ANSWERING
 *   nothing to ask:                from LOCKING to REPORTING
 *   a stored answer:               from LOCKING to POSTING; to READING first when the reply whose turn it is may be out
 *   nothing to post, any failure:  to REPORTING, from wherever it is
 *   stop and cancel:               to ENDED, from wherever it is, at once and without a result
 *   the worker leaves:             to REPORTING; from ANSWERED and POSTING only when it is known whether the answer is
 *                                  stored, or the reply out, as either would be paid for or seen once more
 *
 * From CONTEXT to POSTING the lock is extended; nothing is begun past its local deadline (lock_clock.h). The run
 * timeout counts from the start and ends where the broker says go: an answer that is paid for gets its time to be
 * read back and posted, at most LIMIT_POST_MS for each request. An event that does not belong to the stage is out of
 * date and changes nothing.
 *
 * READING asks the channel for one reply after the other until one is not there, and not only for the one the broker
 * knows to be in doubt: what a run before said of its posts (POSTED) may have been lost with it. */
#pragma once

#include "common/time.h"
#include "worker/core/lock_clock.h"
#include "worker/core/outcome.h"

#include <stdbool.h>
#include <stdint.h>

enum run_stage {
        RUN_LOCKING,
        RUN_CONTEXT,
        RUN_ANSWERING,
        RUN_ANSWERED,
        RUN_READING,
        RUN_POSTING,
        RUN_REPORTING,
        RUN_ENDED,
};

/* What is known when a run begins. */
struct run_plan {
        struct span lock_ttl; /* 0 = without a lock */
        struct span timeout;
        bool has_context; /* is something to be looked up before the handler is asked? */
        bool is_context_required;
        bool has_post; /* is there a channel that can post? */
        bool can_read_back; /* and tell what it shows? */
        bool is_silent_on_unknown; /* a reply that may be out is not posted again */
        bool has_history; /* is what was said and answered to be remembered? */
        bool is_record; /* it is to be remembered without an answer: has_post is not set then */
        bool is_uncalled; /* the handler is not asked: there is nothing to answer, or it has no use for a record */
        bool is_answered; /* an earlier run's answer came along */
        bool is_doubtful; /* its reply number `posted` may be out */
        uint32_t n_replies; /* of that answer */
        uint32_t posted; /* of those */
};

struct run {
        struct run_plan plan;
        enum run_stage stage;
        struct lock_clock lock;
        bool is_lock_asked; /* it may be held, so it is released at the end */
        bool is_calling; /* something that stage waits for is under way */
        bool is_handing_back; /* as soon as the broker has the answer, or the post under way has ended */
        bool is_unremembered; /* the answer belongs into the history once the result is accepted */
        bool is_doubtful; /* whether reply number `posted` is out is not known */
        bool is_repeat; /* it was in doubt, and is being posted once more */
        struct mono timeout; /* when the run is over */
        struct mono due; /* of the stage: when to repeat a frame, or when a request has taken too long */
        struct mono began, asked; /* asked: when ANSWERING began */
        struct span lock_wait, answering; /* how long those stages took; 0 = not reached */
        uint32_t n_replies, posted;
        struct {
                uint32_t found, repeated, silenced;
        } doubts; /* replies that were in doubt, and what became of them */
        enum wire_provider provider; /* what the handler's answer told of its provider */
        struct span pause;
        struct outcome outcome; /* valid from REPORTING on */
};

enum run_event_kind {
        RUN_ON_LOCKED, /* acquired or extended */
        RUN_ON_LOCK_BUSY, /* acquire: held by somebody else; extend: lost */
        RUN_ON_LOCK_UNKNOWN, /* no answer from Redis */
        RUN_ON_CONTEXT, /* the lookup's end: outcome */
        RUN_ON_ANSWER, /* the handler's: outcome, and n_replies when that is done */
        RUN_ON_GO,
        RUN_ON_STOP,
        RUN_ON_CANCEL,
        RUN_ON_READ, /* what the channel shows: `read`, and outcome for RUN_READ_AGAIN */
        RUN_ON_POSTED, /* one reply */
        RUN_ON_POST_FAILED, /* outcome */
        RUN_ON_SETTLED,
        RUN_ON_LEASE_UNSURE, /* a call was not begun, as the broker may have given the lease to another */
        RUN_ON_HAND_BACK, /* the worker leaves */
        RUN_ON_TIMER,
};

enum run_read {
        RUN_READ_FOUND,
        RUN_READ_NOT_FOUND,
        RUN_READ_UNKNOWN, /* and nobody will know */
        RUN_READ_AGAIN, /* not known yet */
};

struct run_event {
        enum run_event_kind kind;
        const struct outcome *outcome;
        uint32_t n_replies;
        enum run_read read;
        bool is_accepted; /* RUN_ON_SETTLED: the result is what became of the batch */
};

enum run_effect {
        RUN_ACQUIRE,
        RUN_EXTEND,
        RUN_RELEASE,
        RUN_LOOK_UP, /* the context */
        RUN_CALL, /* ask the handler */
        RUN_ABORT, /* what is under way: no answer of it may come any more */
        RUN_SEND_ANSWERED,
        RUN_READ_BACK, /* is reply number run->posted out? */
        RUN_POST, /* reply number run->posted */
        RUN_SEND_POSTED, /* run->posted */
        RUN_REMEMBER, /* the batch and its answer, in the thread's history */
        RUN_SEND_RESULT, /* run->outcome */
        RUN_END, /* the lease is over; nothing more comes */
};

enum { RUN_EFFECTS_MAX = 6 };

/* To be carried out in order. */
struct run_fx {
        enum run_effect items[RUN_EFFECTS_MAX];
        uint32_t n;
};

/* Begins a run: the first effects, as from a step. */
void run_init(struct run *run, const struct run_plan *plan, struct mono now, struct run_fx *fx);
/* Begins a run that cannot be run here and only reports why. Of the plan, what RUN said counts: `posted` and
 * `is_doubtful`. */
void run_init_refused(struct run *run, const struct run_plan *plan, const struct outcome *outcome, struct mono now,
                      struct run_fx *fx);
/* `now` is read after the event came in and before its effects are carried out. fx is written anew. */
void run_step(struct run *run, struct mono now, const struct run_event *event, struct run_fx *fx);
/* The request that was begun is about to leave: from here on a post that ends without an answer is in doubt. */
void run_on_sending(struct run *run);
/* It was held back before all of it had left: nobody has seen it, so the post is not in doubt, however the run ends. */
void run_on_held_back(struct run *run);

/* When the next RUN_ON_TIMER is due; MONO_NEVER when only others can move the run. */
struct mono run_due(const struct run *run);
/* May a call be begun at this instant? Asked again right before it is, since a process can be stopped anywhere. */
bool run_is_held(const struct run *run, struct mono now);
const char *run_stage_name(enum run_stage stage);
