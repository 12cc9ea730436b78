/* What the store keeps, as the core sees it. Keys are sequence numbers: each accepted message has its own, for ever,
 * and a batch goes by that of its first message. */
#pragma once

#include "common/bytes.h"
#include "common/hash.h"
#include "common/limits.h"
#include "common/time.h"

#include <stdbool.h>
#include <stdint.h>

struct stored_message {
        uint64_t seq;
        struct wall accepted;
        struct bytes tenant, thread, id, channel, body; /* id and channel may be empty */
        bool is_taken_back; /* of CHANGE_EDIT_MESSAGE: what it said is not to stay; not stored */
        uint32_t n_edits; /* how often its body was replaced, in the circle of MESSAGE_EDITS_MAX */
};

enum stored_batch_kind {
        STORED_RETRYING = 0, /* failed before, or answered but not yet posted; `at` is the next try */
        STORED_DEAD = 1, /* given up; `at` is when */
};

/* `at` of a batch that is not in a pause: it is due when its messages' quiet or a cap says so. */
#define AT_QUIET ((struct wall){0})

/* A batch that has a history. One that was never run has no record: it follows from its messages. */
struct stored_batch {
        uint64_t seq;
        enum stored_batch_kind kind;
        struct wall at;
        uint32_t attempts; /* runs that failed */
        uint32_t lost; /* runs that vanished with their worker */
        uint32_t posted; /* replies of the stored answer that are out */
        uint64_t fence; /* runs of it under this fence or an older one are void: none may be taken up again */
        uint64_t posting; /* but for the run under this fence, which got the answer in; 0 = none */
        bool is_answered; /* an answer is stored under the same key */
        bool is_doubtful; /* whether reply number `posted` is out is not known */
        uint32_t n_replies; /* of the stored answer; 0 = not known, in a record of an older version */
        uint32_t n_interrupts; /* runs that ended as newer messages came */
        char code[LIMIT_CODE_LEN + 1], why[LIMIT_WHY_LEN + 1];
        /* Which messages it has, where that is settled: dead, or answered. Else only the first, and newer ones join. */
        const uint64_t *seqs;
        uint32_t n_seqs;
};

enum stored_note_kind {
        STORED_HOLD = 0, /* a thread that must not be answered: `name` is the thread, `value` why */
        STORED_SETTING = 1, /* changed at run time: `name` is the key, `value` its text as in lull.yaml */
        STORED_WORKER = 2, /* may hold leases: `name` is its uuid */
        STORED_ALIAS = 3, /* `name` is a name of the thread `value`; `at` is when it was used, give or take a day */
        STORED_TAKEOVER = 4, /* a hold, made when a person of the team answered */
        STORED_CLOSED = 5, /* a hold until the next message, made when the conversation was closed */
        STORED_RECORD = 6, /* messages of the thread `name` that are only to be recorded; `value` is
                              "first-last", seqs in decimals */
};

/* A small fact that outlives the broker and belongs to no batch. */
struct stored_note {
        uint64_t seq;
        enum stored_note_kind kind;
        struct bytes tenant, name, value; /* may be empty where the kind does not say */
        struct wall at, until; /* since when; a hold ends by itself `until` then, 0 = it does not */
        uint64_t word; /* a hold of the platform: messages below that number came before the team's last word */
};

/* A message id that was accepted: what duplicates are found by. */
struct stored_seen {
        uint64_t seq;
        struct hash_128 hash;
        struct wall at;
};
