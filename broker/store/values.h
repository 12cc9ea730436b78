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

/* Each appends a whole value, head included. */
void values_encode_meta(struct buffer *buffer, const struct values_meta *meta);
void values_encode_message(struct buffer *buffer, const struct stored_message *message);
void values_encode_batch(struct buffer *buffer, const struct stored_batch *batch);
void values_encode_seen(struct buffer *buffer, const struct stored_seen *seen);
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
MUST_USE int values_decode_note(uint64_t seq, struct bytes payload, struct stored_note *ret);
