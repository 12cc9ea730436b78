/* A store's life for some hundred commits: messages come in groups, batches are tried again, answered, buried and
 * finished, ids are forgotten; values are long and short, the file grows and its pages are used again, the store is
 * closed and opened. What is written is recorded, and what must be there after each commit is noted. */
#pragma once

#include "broker/store/record.h"
#include "broker/store/store_private.h"
#include "tests/sim/disk.h"

/* What a store holds, as a sum: equal sums, equal contents. */
struct power_sum {
        uint64_t sum;
        uint32_t n; /* values */
};

void power_sum_message(struct power_sum *sum, const struct stored_message *message);
void power_sum_batch(struct power_sum *sum, const struct stored_batch *batch);
void power_sum_answer(struct power_sum *sum, uint64_t seq, struct bytes answer);
void power_sum_seen(struct power_sum *sum, const struct stored_seen *seen);
void power_sum_note(struct power_sum *sum, const struct stored_note *note);

/* A moment at which something was acknowledged: store_open or store_commit returned 0. */
struct power_ack {
        size_t begin, end; /* of the log's entries: what it wrote */
        struct power_sum sum;
        uint64_t highest_seq; /* acknowledged so far */
        uint32_t epoch;
        bool is_commit; /* else an opening */
};

/* The files whose writing is recorded. */
enum power_file { POWER_DATABASE, POWER_MARK, POWER_JOURNAL, POWER_JOURNAL_2 };
extern const char *const power_file_names[DISK_LOG_FILES];
/* Of the store's journal: so small that it is full, and begins anew, all the time. */
extern const struct store_form power_store_form;

struct power_story {
        struct disk_log log;
        struct power_ack *acks;
        size_t n_acks, cap;
        uint32_t n_commits;
        uint64_t salt, file_len, n_sectors; /* of the store; at the end; written in all */
        struct store_counts journal;
};

/* Plays it in the empty folder `folder`. */
void power_story_init(struct power_story *story, const char *folder, uint64_t seed, uint32_t n_commits);
void power_story_done(struct power_story *story);
