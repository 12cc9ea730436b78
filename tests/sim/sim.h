/* The simulator of the whole of lull: a world in virtual time, made from one seed.
 *
 * What is real: the broker's loop with its core, its questions and its store; the workers with everything but libuv,
 * libzmq, libcurl and hiredis; the intake of producers; every byte on the wire. What is made up, behind the headers
 * that those libraries hide behind: the network (net.c), the loop of a worker (doors.c), Redis (redis.c), handlers
 * and channels (outside.c), the disk (disk.h), people (producer.c), trouble (faults.c). check.c watches.
 *
 * One thread, one world at a time. Nothing here asks a clock or rolls dice but the ones of the world. */
#pragma once

#include "common/bytes.h"
#include "common/config.h"
#include "common/time.h"
#include "common/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum {
        SIM_TENANTS = 4,
        SIM_THREADS = 8, /* of a tenant */
        SIM_ALL_THREADS = SIM_TENANTS * SIM_THREADS,
        SIM_WORKERS = 4,
        SIM_PRODUCERS = 3,
        SIM_PROVIDERS = 2,
};

/* What the steps of a seed are: one of these happened. */
enum step {
        STEP_TURN, /* of the broker */
        STEP_SAID, /* a message was handed to a producer's intake */
        STEP_VERDICT, /* it was told what became of a request */
        STEP_FRAME_UP, /* a frame reached the broker */
        STEP_FRAME_DOWN, /* a frame reached a worker or producer */
        STEP_TIMER, /* of a worker or producer */
        STEP_REDIS, /* Redis ran a script */
        STEP_REDIS_ANSWER, /* which a worker heard */
        STEP_ASKED, /* a question reached a handler */
        STEP_ANSWER, /* a worker heard its answer */
        STEP_POSTED, /* a reply reached the channel */
        STEP_POST_ANSWER,
        STEP_READ, /* the channel was asked what it shows */
        STEP_VERB, /* an operator acted */
        STEP_FAULT,
        STEP_N,
};

enum fault {
        FAULT_BROKER_KILL,
        FAULT_BROKER_KILL_BEFORE_COMMIT,
        FAULT_BROKER_KILL_AFTER_COMMIT,
        FAULT_POWER_LOSS,
        FAULT_BROKER_RESTART,
        FAULT_BROKER_STOP,
        FAULT_SLOW_DISK,
        FAULT_DISK_FULL,
        FAULT_WORKER_KILL,
        FAULT_WORKER_STOP,
        FAULT_WORKER_STOP_INSIDE,
        FAULT_WORKER_DRAIN,
        FAULT_PRODUCER_KILL,
        FAULT_CUT,
        FAULT_CUT_SILENT,
        FAULT_ONE_WAY_UP,
        FAULT_ONE_WAY_DOWN,
        FAULT_SLOW_FRAME,
        FAULT_TWICE,
        FAULT_ALIVE_LOST,
        FAULT_UNDELIVERED,
        FAULT_REDIS_FLUSH,
        FAULT_REDIS_RESTART,
        FAULT_REDIS_DOWN,
        FAULT_REDIS_LOST_ANSWER,
        FAULT_REDIS_SLOW,
        FAULT_CLOCK_STEP,
        FAULT_OUTAGE,
        FAULT_HANDLER_FAILS,
        FAULT_HANDLER_REFUSES,
        FAULT_HANDLER_BUSY,
        FAULT_HANDLER_SILENT,
        FAULT_HANDLER_SLOW,
        FAULT_HANDLER_LIES,
        FAULT_HANDLER_OVERLOADED,
        FAULT_HANDLER_UNPAID,
        FAULT_POST_FAILS,
        FAULT_POST_REFUSED,
        FAULT_POST_UNKNOWN,
        FAULT_POST_SLOW,
        FAULT_READ_FAILS,
        FAULT_READ_REFUSED,
        FAULT_BAD_MESSAGE,
        FAULT_SAID_AGAIN,
        FAULT_N,
};

const char *step_name(enum step step);
const char *fault_name(enum fault fault);

/* A process: what happens to it waits while it is stopped, and is void when it is dead. */
struct process {
        char name[16];
        uint32_t generation; /* grows with each death */
        bool is_up;
        int64_t busy_until; /* at work, or stopped */
};

struct sim_stats {
        uint64_t steps[STEP_N], faults[FAULT_N];
        uint64_t n_steps, n_idle, n_seeds, n_lmdb;
        uint64_t journaled, replayed, checkpoints, grown; /* of the broker's journal */
        uint64_t messages, finished, dead, duplicates, refused, late;
        uint64_t runs, adopted, accepted, replies, repeated, calls, calls_repeated;
        uint64_t interrupted, spared, opened, in_doubt, read_back;
        uint64_t events, linked, stirred, taken_over, recorded, changed, shown, seen_off, came_again;
};

/* How often things go wrong in this seed; a fault's weight is 0 in many. */
struct sim_profile {
        uint32_t weights[FAULT_N];
        uint32_t n_tenants, n_threads, n_workers, n_producers, slots;
        uint32_t say_ms; /* between two things said, on average */
        uint32_t fault_ms; /* between two faults of time */
        uint32_t verb_ms; /* between two acts of operators */
        uint32_t n_names; /* of a person: so many threads in a row are the same one's */
        /* In a hundred things said, so many are each of these: with other names of the person, somebody types, the team
         * answers or gives a thread back, a message is changed, a reply is shown; and messages without a text. */
        uint32_t aliases, typing, takeovers, changes, shown, audio;
        bool has_redis, has_disk;
        bool is_still; /* nothing is random, nothing goes wrong by itself: stories, and the end of a seed */
};

struct sim {
        uint64_t seed, dice;
        int64_t now_us, lag_us; /* `lag`: how long what happens now has taken so far */
        int64_t wall_ms; /* the calendar is so far ahead of the clock */
        struct sim_profile profile;
        struct config config;
        struct config_tenant tenants[SIM_TENANTS];
        struct process *current;
        struct sim_stats stats;
        bool is_telling;
        bool is_over; /* faults have ended: now everything must come to an end */
};

extern struct sim sim;

/* -- sim.c: time, chance and order --------------------------------------------------------------------------------- */

void sim_init(uint64_t seed);
/* Everything made by sim_new() is gone. */
void sim_done(void);
/* Memory that lasts as long as the seed; zeroed. */
void *sim_new(size_t size);
uint32_t sim_roll(uint32_t n);
/* True once in `n`; never when nothing is random. */
bool sim_is_rare(uint32_t n);
/* From low to high, in microseconds; most often near `low`. In a still world `low`. */
int64_t sim_delay(int64_t low, int64_t high);
/* Now, as the process sees it that is at work. */
int64_t sim_time(void);
struct now sim_now(void);
/* Calls `on` at `at`. `process` may be NULL; else it waits while that is busy, and is not called when that has
 * died. */
void sim_at(int64_t at, struct process *process, void (*on)(void *context, uint64_t token), void *context,
            uint64_t token);
/* The next thing that is due. False when nothing is, until `until`: then it is that time. */
bool sim_next(int64_t until);
void sim_step(enum step step);
void sim_fault(enum fault fault);
/* Should this fault happen now, where it could? By the weights of the seed. */
bool sim_goes_wrong(enum fault fault);
/* A guarantee is broken: says so and how to see it again, and ends the program. */
_Noreturn void sim_violation(const char *guarantee, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The program's own way to end (chaos.c, story.c). */
_Noreturn void violation_end(const char *guarantee, const char *what);

/* -- tell.c: the timeline ------------------------------------------------------------------------------------------ */

#define tell(who, ...) (sim.is_telling ? tell_line(who, __VA_ARGS__) : (void)0)
void tell_line(const char *who, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Only the last `n` lines are printed, at the end; 0 = all, as they come. */
void tell_init(uint32_t n_last);
void tell_done(void);
/* Into `buffer` in place of stdout. */
void tell_into(struct buffer *buffer);
/* A fence as people read it: epoch.counter, in memory that a few calls share. */
const char *tell_fence(uint64_t fence);
/* What is said, as it is said. */
void tell_item(const struct wire_message *item);
/* The texts of a run's messages. */
const char *tell_messages(struct bytes body);
void tell_frame_up(const char *who, struct bytes frame);
void tell_frame_down(const char *who, struct bytes frame);

/* -- net.c --------------------------------------------------------------------------------------------------------- */

struct link;

enum net_cut { NET_RESET, NET_SILENT, NET_ONE_WAY_UP, NET_ONE_WAY_DOWN };

void net_init(void);
void net_done(void);
struct link *net_link_of(struct process *process);
/* Cuts the process's connection; no new one can be made for `for_us`. */
void net_cut(struct process *process, enum net_cut cut, int64_t for_us);
/* The process has died. */
void net_on_death(struct process *process, bool is_silent);
void net_on_broker_death(bool is_silent);
void net_on_broker_start(void);
/* The process, or the broker, stands still from now to then. */
void net_on_stop(struct process *process, int64_t until);
void net_on_broker_stop(int64_t until);
bool net_has_frames(void);
/* From the next on, so many frames still leave the broker; then it is dead. -1 = no end. */
void net_let_leave(int n);

/* -- redis.c ------------------------------------------------------------------------------------------------------- */

void redis_init(void);
void redis_flush(void);
void redis_stop(int64_t until, bool is_emptied);
void redis_step_clock(int64_t ms);

/* -- worker.c ------------------------------------------------------------------------------------------------------ */

void workers_init(void);
void workers_done(void);
struct process *worker_process(uint32_t n);
/* Which worker the process is; SIM_WORKERS when it is none. */
uint32_t worker_of(const struct process *process);
void worker_start(uint32_t n);
void worker_kill(uint32_t n, bool is_silent);
void worker_stop(uint32_t n, int64_t us);
void worker_signal(uint32_t n);

/* -- broker.c ------------------------------------------------------------------------------------------------------ */

enum broker_end { BROKER_KILL, BROKER_POWER_LOSS, BROKER_CLEAN };

extern struct process broker_process;
void broker_init(void);
void broker_done(void);
void broker_start(void);
void broker_end(enum broker_end end, int64_t down_us);
/* In the middle of its next turn: where, and with how many of its frames sent. In its commit it loses power. */
enum broker_moment { BROKER_BEFORE_COMMIT = 1, BROKER_IN_COMMIT, BROKER_AFTER_COMMIT };
void broker_end_in_turn(enum broker_moment moment, uint32_t n_sent, int64_t down_us);
void broker_stop(int64_t us);
void broker_slow_disk(int64_t until, int64_t commit_us);
void broker_fill_disk(int64_t us);
/* A frame has come, or it is otherwise worth a look. */
void broker_wake(void);
struct core *broker_core(void); /* NULL when it is down */
struct store *broker_store(void);
/* By what loop.c commits. */
struct change;
struct store;
int broker_commit(struct store *store, const struct change *changes, size_t n);

/* -- producer.c ---------------------------------------------------------------------------------------------------- */

void producers_init(void);
void producers_done(void);
struct process *producer_process(uint32_t n);
void producer_kill(uint32_t n);
/* Says something new in a thread of the world; `text` may be NULL. */
void producer_say(uint32_t n, uint32_t thread, const char *id, const char *text);
/* Hands in an item of check.h. */
void producer_hand_in(uint32_t n, uint32_t number);
bool producers_are_waiting(void);

/* -- people.c: who says what --------------------------------------------------------------------------------------- */

void people_init(void);
/* Whatever comes to somebody's mind: a burst, a word of the platform. */
void people_act(uint32_t producer);
/* A reply can be seen: the platform will say so. */
void people_see(uint32_t thread, const char *batch, uint32_t index, const char *text);
/* Faults have ended: whoever holds a thread gives it back. */
void people_end(void);

/* -- outside.c: handlers and channels ------------------------------------------------------------------------------ */

enum outside_plan {
        OUTSIDE_WELL,
        OUTSIDE_FAIL,
        OUTSIDE_REFUSE,
        OUTSIDE_BUSY,
        OUTSIDE_SILENT,
        OUTSIDE_UNKNOWN,
        OUTSIDE_LOST, /* of a post: it is there, and nobody hears of it */
        OUTSIDE_OVERLOADED,
        OUTSIDE_UNPAID,
};

void outside_init(void);
/* For stories: what the handler does with the next question, and how long it takes. */
void outside_plan_answer(enum outside_plan plan, int64_t us);
void outside_plan_post(enum outside_plan plan, int64_t us);
/* A provider is down: each question to it fails until then. */
void outside_stop_provider(uint32_t provider, int64_t until);

/* -- faults.c ------------------------------------------------------------------------------------------------------ */

void faults_init(void);
void operator_act(void);
/* An operator's verb for a thread. */
void operator_ask(const char *verb, uint32_t thread);
/* Brings the thread's nth dead letter back. */
void operator_retry(uint32_t thread, uint32_t nth);

/* -- world.c ------------------------------------------------------------------------------------------------------- */

/* A random world for the seed, or a still one with default settings. */
void world_make(uint64_t seed, bool is_still);
void world_start(void);
void world_end(void);
uint32_t world_thread(struct bytes tenant, struct bytes name);
const char *world_thread_name(uint32_t thread);
const char *world_tenant_name(uint32_t thread);
/* The other names of who writes in the thread; the answer is how many. */
uint32_t world_other_names(uint32_t thread, uint32_t *ret_names);
/* The provider behind the tenant's handler; SIM_PROVIDERS when it has none. */
uint32_t world_provider(uint32_t tenant);
/* Can the tenant's channel tell what it shows? */
bool world_can_read_back(uint32_t tenant);
static inline uint32_t world_tenant(uint32_t thread) { return thread / SIM_THREADS; }
