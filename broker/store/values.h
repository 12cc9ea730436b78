/* How what is stored looks as bytes: a length, a checksum, then a MessagePack array. Pure. */
#pragma once

#include "broker/core/stored.h"

/* The bytes in front of every value: its whole length (4, little-endian) and the XXH3 of what follows, seeded with its
 * key (8). */
enum { VALUES_HEAD = 12 };

/* What a table holds: how many values, and the sum of their checksums. */
struct values_tally {
        uint64_t n, sum;
};

enum { VALUES_TALLIES = 16, VALUES_JOURNALS = 2 };

struct values_meta {
        uint32_t format, epoch;
        uint64_t salt, reserved_seq;
        uint64_t commit; /* the number of the commit that wrote it */
        uint64_t journal; /* the journal's records up to this number are in it */
        /* As long is each file of the journal that goes on from there; 0 = none, or nothing is in it. */
        uint64_t journal_bytes[VALUES_JOURNALS];
        struct values_tally tallies[VALUES_TALLIES]; /* of each table, by its number in engine.h */
};

/* The layout that this version writes, and the oldest that it reads. */
enum { VALUES_FORMAT = 4, VALUES_FORMAT_OLDEST = 2 };

/* The ids of messages whose sequence numbers are neighbours, which the database keeps as one value, under the first of
 * these numbers. (Up to layout 3 each id was a value by itself, as in the journal.) */
enum { VALUES_IDS = 32 };

struct values_ids {
        uint64_t first; /* values_ids_first() of each */
        uint32_t has; /* a bit for each that is there */
        struct stored_seen items[VALUES_IDS]; /* by what is beyond `first` */
};

static inline uint64_t values_ids_first(uint64_t seq) { return seq - seq % VALUES_IDS; }
/* Of one of these numbers. */
static inline bool values_ids_has(const struct values_ids *ids, uint64_t seq) {
        return ids->has >> (seq - ids->first) & 1;
}
/* Takes the place of the one under the same number. */
void values_ids_put(struct values_ids *ids, const struct stored_seen *seen);
static inline void values_ids_drop(struct values_ids *ids, uint64_t seq) {
        ids->has &= ~(UINT32_C(1) << (seq - ids->first));
}

/* Each appends a whole value, head included. */
void values_encode_meta(struct buffer *buffer, const struct values_meta *meta);
void values_encode_message(struct buffer *buffer, const struct stored_message *message);
void values_encode_batch(struct buffer *buffer, const struct stored_batch *batch);
void values_encode_seen(struct buffer *buffer, const struct stored_seen *seen);
/* One at least. Never longer than ENGINE_PIECE. */
void values_encode_ids(struct buffer *buffer, const struct values_ids *ids);
void values_encode_note(struct buffer *buffer, const struct stored_note *note);
void values_encode_answer(struct buffer *buffer, uint64_t seq, struct bytes answer);

/* The length that a value's first piece announces; 0 when the piece is too short to say. */
size_t values_length(struct bytes first_piece);
/* The checksum that it announces, or 0. */
uint64_t values_checksum(struct bytes first_piece);
/* Is the whole value what was written under `seq`? Then *ret_payload is what follows the head; else -EBADMSG. */
MUST_USE int values_open(uint64_t seq, struct bytes value, struct bytes *ret_payload);

/* Each decodes a payload; -EBADMSG when it is none. Slices point into it. */
MUST_USE int values_decode_meta(struct bytes payload, struct values_meta *ret);
MUST_USE int values_decode_message(uint64_t seq, struct bytes payload, struct stored_message *ret);
/* The message within a payload as a RUN bears it, so that it goes out as it lies there. 0; VALUES_OF_OLD for one of an
 * older layout, which has none; -EBADMSG. */
enum { VALUES_OF_OLD = 1 };
MUST_USE int values_find_run_message(struct bytes payload, struct bytes *ret);
/* *ret_seqs (the caller frees) is what ret->seqs points to. */
MUST_USE int values_decode_batch(uint64_t seq, struct bytes payload, struct stored_batch *ret, uint64_t **ret_seqs);
MUST_USE int values_decode_seen(uint64_t seq, struct bytes payload, struct stored_seen *ret);
/* Of either layout: adds what the value under `seq` has to *ids, whose `first` is set. -EBADMSG, too, where it is there
 * already; then a part was added. */
MUST_USE int values_decode_ids(uint64_t seq, struct bytes payload, struct values_ids *ids);
MUST_USE int values_decode_note(uint64_t seq, struct bytes payload, struct stored_note *ret);
