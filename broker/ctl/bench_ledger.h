/* What became of each message of a benchmark: pure bookkeeping, asked at the end whether every message came out
 * exactly once and in the order of its thread.
 *
 * Message number i belongs to burst i / burst, and bursts go round the threads; or, where all threads talk at once
 * (woven), message i belongs to thread i % threads. Names carry the run's nonce, so that what another run left behind
 * is not taken for ours. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

/* Room for a message's id and for a thread's name, NUL included. */
enum { LEDGER_NAME_LEN = 32 };

struct ledger {
        char prefix[LEDGER_NAME_LEN]; /* of all names */
        size_t prefix_len;
        uint32_t n_messages, n_threads, burst;
        bool is_woven;
        struct mono *sent, *acked; /* of each message; 0 = not yet */
        uint8_t *marks; /* of each message, see bench_ledger.c */
        uint32_t *last_of; /* of each thread: the number after the newest that has finished */
        struct mono *ended; /* of each thread: its last run; 0 = none */
        uint8_t *n_running; /* of each thread */
        uint64_t n_out, n_twice, n_out_of_order;
        uint64_t n_whole; /* runs of exactly one whole burst */
        uint64_t n_overlaps; /* runs that began while another of their thread was under way */
};

void ledger_init(struct ledger *ledger, uint32_t nonce, uint32_t n_messages, uint32_t n_threads, uint32_t burst);
void ledger_done(struct ledger *ledger);

uint32_t ledger_thread_of(const struct ledger *ledger, uint32_t message);
/* Which burst a message is of, counted over all threads. */
uint32_t ledger_burst_of(const struct ledger *ledger, uint32_t message);
/* Writes the id of a message, the name of a thread, into `text` (LEDGER_NAME_LEN); returns it as bytes. */
struct bytes ledger_encode_id(const struct ledger *ledger, uint32_t message, char *text);
struct bytes ledger_encode_thread(const struct ledger *ledger, uint32_t thread, char *text);
/* The message that an id names: 0 and *ret; 1 when it is none of ours. */
MUST_USE int ledger_decode_id(const struct ledger *ledger, struct bytes id, uint32_t *ret);

void ledger_on_sent(struct ledger *ledger, uint32_t message, struct mono now);
void ledger_on_acked(struct ledger *ledger, uint32_t message, struct mono now);
/* Its frame was sent more than once, so it may have been accepted later than what was sent behind it: the order is
 * that of acceptance, and it is not held against the broker. To be called before or after it has finished. */
void ledger_on_resent(struct ledger *ledger, uint32_t message);
/* A run of these messages, `n` of them and at least one, has begun; it is over. */
void ledger_on_run(struct ledger *ledger, const uint32_t *messages, uint32_t n);
void ledger_on_over(struct ledger *ledger, uint32_t message, struct mono now);
/* When the run whose last message this is could begin at the earliest, as far as can be seen from here: its quiet after
 * it was acknowledged (if it was, else sent), and not before the thread's last run was over. */
struct mono ledger_due_of(const struct ledger *ledger, uint32_t message, struct span quiet);
/* Its batch has ended and the broker has taken the result. */
void ledger_on_finished(struct ledger *ledger, uint32_t message);
