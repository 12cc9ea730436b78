/* The second account of the world. Private to check_*.c. */
#pragma once

#include "tests/sim/check.h"

enum fate { FATE_SAID, FATE_STORED, FATE_FINISHED, FATE_DEAD, FATE_DROPPED };

/* Messages by their numbers, in an order that means something. */
struct numbers {
        uint32_t *items;
        uint32_t n, cap;
};

/* Something that was said; said again it is another one, under the same key. */
struct said {
        uint32_t thread, producer, times;
        int64_t said_at;
        uint32_t key; /* of its id; UINT32_MAX = it has none */
        char id[24], text[24];
        const char *bad; /* the code that it must be refused with */
        bool is_known_twice; /* an earlier one under its key was accepted */
        bool is_refused;
        enum fate fate;
        uint64_t seq;
        int64_t at, accepted_ms; /* by the clock; by the calendar, which is what is stored */
        uint32_t n_bytes;
        uint64_t done_turn; /* when a result of a run with it was taken */
        bool is_revived; /* it was dead once: it does not keep its place any more */
        bool is_answered; /* it is in a batch whose answer is stored */
        uint64_t shown_by; /* the first run that showed a reply to it */
        /* Of the first of a batch, what the store holds under it. */
        bool has_record, has_answer;
        int64_t record_ms;
        uint32_t attempts, posted, n_interrupts;
        bool is_doubtful, was_doubtful; /* whether the next reply is out is not known: by this record, and the last */
        struct numbers batch; /* settled: dead, or answered */
        uint64_t void_fence,
                posting; /* no run of it up to this one may go on, but for the one that got its answer in */
        bool is_loaded;
};

/* Under one id: which of those that said it was accepted. */
struct key {
        uint32_t accepted; /* a number, or UINT32_MAX */
};

enum model_state { MODEL_COLLECTING, MODEL_READY, MODEL_RUNNING, MODEL_WAITING, MODEL_BACKOFF, MODEL_HELD };

struct model_thread {
        struct numbers list; /* accepted, neither finished nor dead, in order */
        enum model_state state;
        int64_t due_min, due_max; /* when it becomes ready */
        uint64_t fence, newest_fence;
        uint32_t attempts, n_busy, n_settled, n_interrupts;
        int64_t busy_since, ready_since;
        int64_t tried, tried_before; /* when it found its provider down: the last two times; 0 = it did not */
        uint64_t outage; /* of its provider, in which it failed last */
        uint64_t last_seq; /* accepted */
        bool is_held;
        uint64_t hold_note; /* the seq of what the store has of it */
        uint64_t disturbed; /* the run that newer messages came for in this turn */
        bool is_flushed; /* an operator wants it due now; looked at before anything is sent */
        bool is_awaited; /* it was there at the start: a worker from before may run it */
        uint64_t last_shown; /* the newest message that a reply was shown for, by its seq */
        uint32_t acked_number[SIM_PRODUCERS];
        uint64_t acked_seq[SIM_PRODUCERS];
};

struct model_run {
        uint64_t fence;
        uint32_t thread;
        struct process *worker;
        uint32_t worker_generation;
        struct numbers messages;
        char batch[WIRE_BATCH_LEN + 1];
        int64_t sent, named; /* when the broker last heard of it */
        bool has_answer, has_go, is_over, is_lost, is_unsent, is_broker_gone;
        bool has_result, is_void; /* it ended by a result; this broker remembers that */
        int64_t lock_until;
        bool has_lock, is_in_doubt;
        bool is_answered; /* it has handed an answer over, or got it */
        bool is_asking; /* when its lease began there was no answer: what it says of its provider counts */
        int64_t called_off; /* when; its worker hears of it within a lease. 0 = it was not */
        uint32_t n_shown; /* bits: reply numbers that became visible */
        uint32_t n_unread; /* and those that could not be known when it asked the channel, or were on their way */
        uint32_t first_posted; /* where it began */
        bool is_doubtful; /* as it was told */
        uint32_t told_posted, known_posted; /* so many are out: as the broker heard, and as it has stored */
};

enum model_provider_state { MODEL_CLOSED, MODEL_OPEN, MODEL_HALF_OPEN };

struct model_provider {
        enum model_provider_state state;
        uint32_t failures, failed; /* in a row, and the thread that was first */
        bool is_failed_by_many, is_asked, is_asked_by_many, is_slowed;
        uint32_t asked; /* the thread, from 1 */
        uint64_t outage; /* since it did well last; 0 = none has failed since */
        int64_t until, pause, probe_since;
        int64_t again_until, again_pause, again_since; /* the same for threads that have failed in this outage */
        uint64_t opened, probe, again; /* fences */
};

struct model_tenant {
        uint32_t n_running;
        int64_t paced; /* by its rate, no run before */
        int64_t full_at; /* when it last had as many messages as it may */
        uint32_t passed[SIM_TENANTS]; /* runs of that one since this one, which was waiting, had its last */
};

/* A worker, as it calls itself; `note` is the seq of what the store has of it, `until` how long it is awaited: by the
 * calendar as the store has it (0 = that is not said yet), by the clock in this life of the broker. */
struct uuid {
        uint8_t data[WIRE_UUID_LEN];
        uint64_t note;
        int64_t until_ms, until;
};

/* A change, without what it points to: the commit may never be heard of again. */
struct check_fact {
        enum change_type type;
        uint64_t seq;
        uint32_t number;
        struct stored_batch batch;
        struct numbers seqs; /* of the batch, as numbers */
        int64_t accepted_ms;
        struct stored_note note; /* its texts are copies */
};

/* What the broker heard of a run in a turn in which newer messages may have ended it before: the commit tells. */
struct pending {
        bool is_result;
        struct wire_result result;
        struct wire_answered answered;
};

struct checks {
        struct pending pending[256];
        uint32_t n_pending;
        struct said *said;
        uint32_t n_said, said_cap;
        struct key *keys;
        uint32_t n_keys, keys_cap;
        uint32_t *by_seq; /* numbers, in the order of their seqs */
        uint32_t n_by_seq, by_seq_cap;
        struct model_run *runs; /* in the order of their fences */
        uint32_t n_runs, runs_cap, n_runs_before; /* those of before the start of this broker */
        struct model_thread threads[SIM_ALL_THREADS];
        struct model_tenant tenants[SIM_TENANTS];
        struct model_provider providers[SIM_PROVIDERS];
        uint64_t turn;
        int64_t turn_now;
        struct numbers told_runs; /* whose results it took in this turn */
        struct uuid noted[64]; /* workers that may have leases, as the store has it */
        struct uuid awaited[64]; /* those of before the start that have not said hello yet */
        uint32_t n_noted, n_awaited;
        bool is_awaiting;
        uint64_t awaiting_turn; /* the last one in which the wait was looked at */
        int64_t looked; /* and when */
        bool has_verb; /* an operator's frame was taken in this turn */
        bool is_unsure; /* a commit was begun, and nobody heard how it went */
        uint32_t known_at[SIM_WORKERS]; /* the connection over which the worker said hello to this broker */
        struct numbers beats[SIM_WORKERS]; /* of the ALIVEs taken in this turn */
        int64_t trouble_until[SIM_WORKERS];
        int64_t broker_trouble; /* when the broker last died or stood still */
};

extern struct checks checks;

void numbers_push(struct numbers *numbers, uint32_t number);
void numbers_remove(struct numbers *numbers, uint32_t number);
struct said *check_of_seq(uint64_t seq);
uint32_t check_number_of(const struct said *said);
struct model_run *check_find_run(uint64_t fence);
const struct config_tenant *check_settings(uint32_t thread);
/* When the thread's messages are due, from the settings and their times alone. */
int64_t check_due(const struct model_thread *thread, const struct config_tenant *settings);
/* How many of its messages go out together. */
uint32_t check_size(const struct model_thread *thread, const struct config_tenant *settings);
void check_collect(uint32_t thread);
/* What the broker heard of runs that may have been interrupted counts, unless they were. */
void check_hear_pending(void);
void check_fullness(uint32_t thread);
void check_is_ready(uint32_t thread);
/* After a start: what the core must have made of the store. */
void check_on_broker_loaded(void);
/* Those of the last commit that was begun. */
const struct check_fact *check_facts(uint32_t *ret_n);
void check_forget_facts(void);
uint32_t check_number_of_body(struct bytes bytes);

/* -- check_providers.c --------------------------------------------------------------------------------------------- */

/* A result is taken: does the run's failure cost no attempt? And an answer is. */
bool check_on_verdict_of(const struct model_run *run, const struct wire_result *result);
void check_on_answer_of(struct model_run *run);
void check_spare(struct model_run *run);
/* Is the run's provider well now? */
bool check_is_closed(const struct model_run *run);
/* The provider keeps the thread back for nothing but time: until when; else 0. */
int64_t check_kept_until(uint32_t thread);
void check_provider_on_run(const struct model_run *run);
void check_provider_forgets(const struct model_run *run);
/* Does its provider keep the thread back now? */
bool check_is_kept_back(uint32_t thread);

/* -- check_awaiting.c: runs that go on over a restart of the broker ------------------------------------------------ */

void check_on_note(const struct stored_note *note);
void check_on_note_gone(uint64_t seq);
void check_await(void);
void check_let_go(uint32_t index);
void check_on_hello(const struct wire_hello *hello);
/* In a turn, after what was taken and before what is sent. */
void check_awaiting_on_time(void);
bool check_is_awaited(const struct model_thread *thread);
/* The worker names a run of before the restart. */
void check_adopt(struct check_sender from, struct model_run *run);
int64_t check_of_calendar(int64_t ms);
void check_run_is_over(struct model_run *run);
