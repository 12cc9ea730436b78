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

/* -- start: what the store holds, each kind in the order of its keys: notes, batches, messages, ids, answers ------- */

void core_load_note(struct core *core, struct now now, const struct stored_note *note);
void core_load_batch(struct core *core, const struct stored_batch *batch);
void core_load_message(struct core *core, struct now now, const struct stored_message *message, uint32_t bytes);
/* Of a batch; it may be on its way to its channel. */
void core_load_answer(struct core *core, struct now now, uint64_t seq, struct bytes answer);
void core_load_seen(struct core *core, const struct stored_seen *seen);
/* Once, at the end; `fx` may get changes that tidy up what a crash left. */
void core_load_done(struct core *core, struct now now, struct effects *fx);

/* -- events -------------------------------------------------------------------------------------------------------- */

enum event_type {
        EVENT_MESSAGES, /* a producer's frame: messages, and events about threads */
        EVENT_HELLO,
        EVENT_ALIVE,
        EVENT_ANSWERED,
        EVENT_POSTED,
        EVENT_RESULT,
        EVENT_TALLY,
        EVENT_UNDELIVERED, /* a RUN could not be sent: its worker is gone, or takes nothing in */
        EVENT_DEAD_RETRY,
        EVENT_DEAD_DROP,
        EVENT_HOLD, /* the verbs of a thread */
        EVENT_RESUME,
        EVENT_FLUSH,
        EVENT_CANCEL,
        EVENT_TIME, /* the end of every turn: fires what is due, dispatches what is ready */
};

/* What an operator wants of a thread. The texts must live until the turn's effects are cleared. */
struct core_verb {
        struct bytes tenant, thread;
        struct bytes why; /* hold, cancel; may be empty. A hold that stands gets the new one, and the new end */
        struct wall until; /* hold: when it ends by itself, 0 = it does not */
        /* 0 done; -ESRCH no such tenant; -ENOENT nothing there to resume, flush or cancel; -EBUSY a run is in the way;
         * -EPERM a held thread is not flushed; -ENOSPC there are LIMIT_HOLDS already */
        int *ret_result;
        uint32_t *ret_messages; /* once done: how many the thread had */
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
                struct wire_posted posted;
                struct wire_result result;
                struct {
                        struct bytes tenant;
                        uint32_t n;
                        struct pack_reader items; /* read with wire_tally_next() */
                } tally;
                uint64_t undelivered; /* the fence */
                struct {
                        uint64_t seq;
                        /* 0 done, -ENOENT no such dead letter, -EBUSY the thread is running: later */
                        int *ret_result;
                } dead;
                struct core_verb verb;
        };
};

void core_step(struct core *core, struct now now, const struct event *event, struct effects *fx);
/* Is there a worker at this address that takes bundles of frames? */
bool core_takes_bundles(const struct core *core, const struct address *address);
/* When EVENT_TIME is next of use; MONO_NEVER when only an event can change anything. */
struct mono core_next_due(const struct core *core);

/* A stored answer goes out once more: its replies, from number `first` on, may be seen in the thread's channel from now
 * on, and are nobody else's. */
void core_expect_echoes(struct core *core, struct now now, struct bytes tenant, struct bytes thread,
                        struct bytes answer, uint32_t first);

/* -- questions: nothing changes. Texts live until the next step. --------------------------------------------------- */

enum thread_state {
        THREAD_COLLECTING,
        THREAD_READY,
        THREAD_RUNNING,
        THREAD_WAITING,
        THREAD_BACKOFF,
        THREAD_HELD, /* somebody took it over; `why` says so even of a thread without messages */
        THREAD_N_STATES,
        /* Of a thread that holds no message now: */
        THREAD_DEAD = THREAD_N_STATES, /* has a dead letter */
        THREAD_DONE, /* its last batch is finished */
        THREAD_UNKNOWN,
};

const char *thread_state_name(enum thread_state state);

/* Of what is behind the handlers: calls go through; nothing begins; one run at a time tries it. */
enum provider_state { PROVIDER_CLOSED, PROVIDER_OPEN, PROVIDER_HALF_OPEN };

const char *provider_state_name(enum provider_state state);

/* Who holds a thread. */
/* The strongest first. */
enum hold_kind {
        HOLD_OPERATOR, /* the verb: until it is resumed by the verb, or its end comes */
        HOLD_PERSON, /* a person of the team has answered: until the platform, or the verb, gives it back */
        HOLD_CLOSED, /* the conversation was closed: until the next message */
};

/* "operator", "person", "closed". */
const char *hold_kind_name(enum hold_kind kind);

struct core_provider_view {
        const char *endpoint;
        struct bytes tenant; /* one that uses it, under the same key; empty = nobody does any more */
        uint32_t n_tenants, n_running;
        enum provider_state state;
        bool is_tried; /* half open: a run is at it */
        uint32_t failures; /* in a row */
        uint64_t n_opened; /* since the start */
        struct wall until; /* nothing begins before; 0 = not said */
        double rate; /* runs that may begin in a second; 0 = no limit */
};

struct core_thread_view {
        struct bytes tenant, thread;
        enum thread_state state;
        struct wall since;
        struct wall due; /* 0 = no time is set */
        uint32_t n_messages, n_bytes, n_batch;
        uint32_t attempts, lost;
        uint32_t n_interrupts; /* of this batch so far */
        bool is_answered;
        uint32_t posted, n_replies; /* answered: of how many replies; 0 = not known */
        bool is_doubtful; /* answered: whether reply number `posted` is out is not known */
        bool is_orphan; /* its tenant is not in the config */
        bool is_throttled; /* its tenant has `concurrency` runs under way */
        struct wall paced_until; /* its tenant's rate allows no run before; 0 = it does */
        struct core_provider_view provider; /* the one that keeps it back; endpoint NULL = none does */
        struct wall awaited_until; /* a worker from before the restart may be running it; 0 = none may */
        bool has_credit; /* some worker would take a run */
        uint32_t n_ready; /* threads of its tenant that are ready */
        struct wall stirred; /* a batch is kept back so long for signs of typing and the like; 0 = not */
        uint32_t n_record; /* messages that are only to be recorded */
        bool is_record; /* the first of them is */
        bool is_held; /* also while the run goes on whose answer was stored before */
        struct wall held_since, held_until; /* until 0 = without end */
        const char *held_why; /* may be empty */
        enum hold_kind held_kind;
        uint64_t fence; /* running */
        const uint8_t *worker; /* running: its uuid */
        const char *code, *why; /* the last failure, or NULL */
        char batch[WIRE_BATCH_LEN + 1]; /* running, dead or done; else empty */
        uint32_t n_dead;
};

/* The thread's other names, which live until the next step: at most `max` of them; returns how many. */
uint32_t core_aliases(const struct core *core, struct bytes tenant, struct bytes thread, struct bytes *ret,
                      uint32_t max);
/* How many names all threads have beside their own. */
uint32_t core_alias_count(const struct core *core);

/* By whatever name it goes; `ret->thread` is its own. Always gives a view; of a thread that is not known,
 * THREAD_UNKNOWN. */
void core_why(const struct core *core, struct now now, struct bytes tenant, struct bytes thread,
              struct core_thread_view *ret);

/* All threads that hold messages, one a call, in no order: begin with cursor 0, ends with false. */
bool core_next_thread(const struct core *core, struct now now, uint32_t *cursor, struct core_thread_view *ret);

struct core_hold_view {
        struct bytes tenant, thread;
        struct wall since, until; /* until 0 = without end */
        const char *why; /* may be empty */
        uint32_t n_messages; /* that wait */
        enum hold_kind kind;
};

/* All holds, in no order. */
bool core_next_hold(const struct core *core, uint32_t *cursor, struct core_hold_view *ret);
uint32_t core_hold_count(const struct core *core);
/* The seqs of a thread's messages, at most `max`; returns how many. */
uint32_t core_thread_seqs(const struct core *core, struct bytes tenant, struct bytes thread, uint64_t *ret,
                          uint32_t max);

struct core_dead_view {
        uint64_t seq;
        struct bytes tenant, thread;
        struct wall since;
        uint32_t attempts, lost, posted;
        bool is_answered, is_doubtful;
        const char *code, *why;
        char batch[WIRE_BATCH_LEN + 1];
        uint32_t n_messages, n_record;
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
        uint32_t dead, n_aliases;
        const struct tenant_counters *counters;
};

/* All providers, in no order. */
bool core_next_provider(const struct core *core, struct now now, uint32_t *cursor, struct core_provider_view *ret);
/* How often one has opened or closed; and the next one, from *cursor (begin with 0) on, that is open or closed
 * otherwise than when it was last asked. */
uint64_t core_provider_changes(const struct core *core);
bool core_next_provider_change(struct core *core, struct now now, uint32_t *cursor, struct core_provider_view *ret);

bool core_next_tenant(const struct core *core, uint32_t *cursor, struct core_tenant_view *ret);
/* Do config or store know it? */
bool core_has_tenant(const struct core *core, struct bytes name);
const struct core_counters *core_counters(const struct core *core);
uint64_t core_seen_count(const struct core *core);
/* As a refusal is called on the wire. */
const char *core_refusal_name(enum refusal_code code);

/* -- room ---------------------------------------------------------------------------------------------------------- */

/* So many bytes may be added to the store before it is full; at first there is no limit. What is accepted is taken off
 * that until it is said anew; past it messages are refused, and everything else goes on. */
void core_set_room(struct core *core, uint64_t bytes);
uint64_t core_room(const struct core *core);
/* What the index takes up in memory, as it is estimated from its counts. */
uint64_t core_memory(const struct core *core);
/* Messages are refused for limits.memory: from when it is reached until a sixteenth of it is free. */
bool core_is_memory_full(struct core *core);
/* How many tenants are full: refused messages for their max_pending, and less than a quarter of it free since. */
uint32_t core_full_count(const struct core *core);

struct core_full_view {
        struct bytes tenant;
        uint64_t pending;
        uint32_t max_pending; /* 0 = it has no bound any more */
        bool is_full;
};

/* The next tenant, from *cursor (begin with 0) on, that has become full, or has room again, since it was last asked. */
bool core_next_full(struct core *core, uint32_t *cursor, struct core_full_view *ret);

struct core_ids_view {
        uint64_t n; /* that are remembered */
        struct wall oldest; /* 0 = there are none */
        uint64_t n_early; /* that were forgotten for their number, before their window ended; since the start */
};

void core_ids(const struct core *core, struct core_ids_view *ret);
/* A sequence number for a note that the caller stores. */
uint64_t core_take_seq(struct core *core);
