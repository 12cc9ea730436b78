/* A record of the journal as bytes: one commit's operations behind a head that says whose it is, which one, how long,
 * and what all of it sums up to. Records begin at multiples of RECORD_ALIGN and are padded to one, so that a page that
 * was acknowledged is never written again. Pure.
 *
 * The head, in little-endian words of 8 bytes: the XXH3 of all that follows it, seeded with the store's salt and the
 * number; "lulljrnl"; the store that it is of; the number; the length without the padding; the base (see below). An
 * operation: the table (1 byte), whether it drops (1), nothing (2), the length of the value (4), the sequence number
 * (8), the value. */
#pragma once

#include "broker/store/engine.h"
#include "common/cleanup.h"

enum { RECORD_ALIGN = 4096, RECORD_HEAD = 48, RECORD_OPERATION = 16 };

struct record_name {
        uint64_t number; /* records are numbered without a gap */
        uint64_t base; /* the number of the database's commit that it goes on from */
};

struct record_operation {
        enum engine_table table;
        bool is_drop;
        uint64_t seq;
        size_t at; /* of the value: where it begins, counted from the record's first byte */
        struct bytes value; /* as values.h encodes it; none of a drop */
};

/* Begins a record at the buffer's end, which is a multiple of RECORD_ALIGN. */
void record_begin(struct buffer *buffer);
/* A value is to follow, encoded at the buffer's end; returns what record_end_put() wants to know. */
size_t record_begin_put(struct buffer *buffer, enum engine_table table, uint64_t seq);
/* Returns the value's length. */
size_t record_end_put(struct buffer *buffer, size_t at);
void record_push_drop(struct buffer *buffer, enum engine_table table, uint64_t seq);
/* Ends the record that began at `begin`, with its padding. */
void record_end(struct buffer *buffer, size_t begin, uint64_t salt, struct record_name name);

/* The record that begins at `at`: how long it is with its padding, and *ret_name; 0 = none that is whole. */
size_t record_find(struct bytes journal, size_t at, uint64_t salt, struct record_name *ret_name);
/* Does what may be a record say that it is of another store? */
bool record_is_foreign(struct bytes journal, uint64_t salt);
/* The operation at *at of a record, and moves on; RECORD_HEAD is the first. 1, or 0 behind the last, or -EBADMSG. */
MUST_USE int record_next(struct bytes record, size_t *at, struct record_operation *ret);
