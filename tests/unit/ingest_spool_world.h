/* The spool's flow on a store in memory, beside a broker in a few lines: loss, delay, refusals, crashes, from a seed.
 * */
#pragma once

#include "tests/unit/unit.h"

#include "ingest/core/spool_flow.h"

enum { N_THREADS = 6, N_TENANTS = 3, N_RECORDS = 4096, N_FRAMES = 64, N_SAID = 600, N_SEEDS = 400 };

struct record {
        struct spool_key key;
        struct buffer bytes;
        bool is_there, is_new, is_going;
};

struct world {
        struct record records[N_RECORDS];
        uint32_t n_records, n_refused, n_kept;
        uint64_t events[SPOOL_EVENT_DROPPED + 1];
        bool is_failing;

        struct intake *intake;
        struct spool_queue *queue;
        struct spool_flow *flow;
        struct spool_bounds bounds;
        struct parcel_ids ids;
        int64_t ms;

        /* On the way to the broker, and back. Of the frames, the first so many are of a process that is gone. */
        struct buffer frames[N_FRAMES];
        uint32_t n_frames, n_orphans;
        struct buffer acks[N_FRAMES];
        uint32_t n_acks;

        bool is_away, is_full[N_TENANTS];
        uint32_t n_taken[N_THREADS + 1]; /* what the broker has accepted of each thread, the last of them */
        struct {
                uint32_t n; /* the message that is being said */
                bool is_waiting;
                uint32_t n_answered; /* the last that was acknowledged */
        } threads[N_THREADS + 1];
};

/* 0 to sides - 1; the dice are the test's to set. */
extern uint64_t dice;
uint32_t roll(uint32_t sides);
bool is_one_in(uint32_t n);

int set_up(void **state);
int tear_down(void **state);
/* A process begins; `slot` is the one that it takes, and what is in the others it takes over. */
void start(struct world *world, uint32_t slot);
/* And ends, with a word or without: nothing but what was committed is left of it. */
void stop(struct world *world);
/* It ends without a word, and another begins; what it had sent may still arrive. */
void crash(struct world *world);

/* The next message of a thread, or the last again when that was not acknowledged. */
void say(struct world *world, uint32_t thread, const char *channel);
/* A turn of the process, and what the broker does with some of the frames that are on their way, or all. */
void turn(struct world *world);
void run_broker(struct world *world, bool is_whole);
/* Time passes, and nothing is lost on the way. */
void pass(struct world *world, int64_t ms);
