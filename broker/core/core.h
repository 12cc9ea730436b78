/* The broker's core: who is in which state, what is due when, what goes to which worker.
 *
 * A state machine and nothing else. core_step() takes one event and the time, and says in `fx` what is to be stored
 * and, once that is durable, sent. It does no I/O, asks no clock, rolls no dice of its own (its jitter comes from the
 * seed) and never fails. So years of crashes can be simulated in minutes, and what a test sees is what runs. */
#pragma once

#include "broker/core/counters.h"
#include "broker/core/effects.h"
#include "common/config.h"
#include "common/time.h"
#include "common/wire.h"

struct core;

struct core_options {
        const struct config *config; /* borrowed until core_configure() replaces it */
        uint32_t epoch; /* grew durably at this start */
        uint64_t salt; /* the store's own, for hashes and batch ids */
        uint64_t first_seq; /* above every sequence number the store has ever held */
        uint64_t seed; /* for jitter */
};

struct core *core_new(const struct core_options *options);
struct core *core_free(struct core *core);
/* Another config: tenants by the same name go on under their new settings, batches not yet due are judged by them. */
void core_configure(struct core *core, struct now now, const struct config *config);

/* -- start: what the store holds, each kind in the order of its keys, batches first, then messages, then ids ------- */

void core_load_batch(struct core *core, const struct stored_batch *batch);
void core_load_message(struct core *core, struct now now, const struct stored_message *message, uint32_t bytes);
void core_load_seen(struct core *core, const struct stored_seen *seen);
/* Once, at the end; `fx` may get changes that tidy up what a crash left. */
void core_load_done(struct core *core, struct now now, struct effects *fx);

/* -- events -------------------------------------------------------------------------------------------------------- */

enum event_type {
        EVENT_MESSAGES, /* a producer's frame */
        EVENT_HELLO,
        EVENT_ALIVE,
        EVENT_ANSWERED,
        EVENT_RESULT,
        EVENT_UNDELIVERED, /* a RUN could not be sent: its worker is gone, or takes nothing in */
        EVENT_DEAD_RETRY,
        EVENT_DEAD_DROP,
        EVENT_TIME, /* the end of every turn: fires what is due, dispatches what is ready */
};

struct event {
        enum event_type type;
        struct address from;
        union {
                struct {
                        uint64_t request;
                        const struct wire_message *items;
                        uint32_t n;
                } messages;
                struct wire_hello hello;
                struct wire_alive alive;
                struct wire_answered answered;
                struct wire_result result;
                uint64_t undelivered; /* the fence */
                struct {
                        uint64_t seq;
                        /* 0 done, -ENOENT no such dead letter, -EBUSY the thread is running: later */
                        int *ret_result;
                } dead;
        };
};

void core_step(struct core *core, struct now now, const struct event *event, struct effects *fx);
/* When EVENT_TIME is next of use; MONO_NEVER when only an event can change anything. */
struct mono core_next_due(const struct core *core);

/* -- questions: nothing changes. Texts live until the next step. --------------------------------------------------- */

enum thread_state {
        THREAD_COLLECTING,
        THREAD_READY,
        THREAD_RUNNING,
        THREAD_WAITING,
        THREAD_BACKOFF,
        THREAD_N_STATES,
        /* Of a thread that holds no message now: */
        THREAD_DEAD = THREAD_N_STATES, /* has a dead letter */
        THREAD_DONE, /* its last batch is finished */
        THREAD_UNKNOWN,
};

const char *thread_state_name(enum thread_state state);

struct core_thread_view {
        struct bytes tenant, thread;
        enum thread_state state;
        struct wall since;
        struct wall due; /* 0 = no time is set */
        uint32_t n_messages, n_bytes, n_batch;
        uint32_t attempts, lost;
        bool is_answered;
        bool is_orphan; /* its tenant is not in the config */
        bool is_throttled; /* its tenant has `concurrency` runs under way */
        bool has_credit; /* some worker would take a run */
        uint64_t fence; /* running */
        const uint8_t *worker; /* running: its uuid */
        const char *code, *why; /* the last failure, or NULL */
        char batch[WIRE_BATCH_LEN + 1]; /* running, dead or done; else empty */
        uint32_t n_dead;
};

/* Always gives a view; of a thread that is not known, THREAD_UNKNOWN. */
void core_why(const struct core *core, struct now now, struct bytes tenant, struct bytes thread,
              struct core_thread_view *ret);

/* All threads that hold messages, one a call, in no order: begin with cursor 0, ends with false. */
bool core_next_thread(const struct core *core, struct now now, uint32_t *cursor, struct core_thread_view *ret);
/* The seqs of a thread's messages, at most `max`; returns how many. */
uint32_t core_thread_seqs(const struct core *core, struct bytes tenant, struct bytes thread, uint64_t *ret,
                          uint32_t max);

struct core_dead_view {
        uint64_t seq;
        struct bytes tenant, thread;
        struct wall since;
        uint32_t attempts, lost, posted;
        bool is_answered;
        const char *code, *why;
        char batch[WIRE_BATCH_LEN + 1];
        uint32_t n_messages;
};

bool core_next_dead(const struct core *core, uint32_t *cursor, struct core_dead_view *ret);
/* By the text of its batch id; false when there is none. */
bool core_dead_find(const struct core *core, struct bytes batch, struct core_dead_view *ret);
bool core_dead_find_seq(const struct core *core, uint64_t seq, struct core_dead_view *ret);
/* The seqs of the messages of the dead letter `seq`, at most `max`; returns how many. */
uint32_t core_dead_seqs(const struct core *core, uint64_t seq, uint64_t *ret, uint32_t max);

struct core_worker_view {
        const uint8_t *uuid;
        uint32_t slots, running;
        struct span silent;
};

bool core_next_worker(const struct core *core, struct now now, uint32_t *cursor, struct core_worker_view *ret);

struct core_tenant_view {
        struct bytes name;
        uint32_t states[THREAD_N_STATES];
        uint64_t pending; /* messages */
        uint32_t dead;
};

bool core_next_tenant(const struct core *core, uint32_t *cursor, struct core_tenant_view *ret);
const struct core_counters *core_counters(const struct core *core);
uint64_t core_seen_count(const struct core *core);
