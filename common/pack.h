/* MessagePack, popped and pushed one value at a time.
 *
 * A value's head is a few bytes, which are read and written here: a tokenizer's state costs each field of a message
 * five times that. Nothing is allocated whatever a stranger's frame claims. (msgpack-c, the best known library,
 * believes an array's announced length: five bytes make it ask for 96 GB, msgpack-c issue 1013.) What is written,
 * taken and refused is what libmpack writes, takes and refuses: the tests compare the two.
 *
 * Reading never fails loudly: the first value that is not what was asked for marks the reader as failed, every pop
 * after it gives zero or empty values, and the caller asks once, at the end, pack_is_good(). */
#pragma once

#include "common/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Values inside values, deeper than this, are refused: it bounds the work a frame can ask for. */
enum { PACK_DEPTH_MAX = 16 };

struct pack_reader {
        const char *at;
        size_t left;
        bool is_bad;
};

/* Borrows `bytes` for as long as the reader or anything popped from it is used. */
struct pack_reader pack_open(struct bytes bytes);
/* Has everything popped so far been what was asked for? */
static inline bool pack_is_good(const struct pack_reader *reader) { return !reader->is_bad; }
/* Is there anything left to pop? */
static inline bool pack_has_more(const struct pack_reader *reader) { return !reader->is_bad && reader->left > 0; }

/* Returns the number of elements, which never exceeds the number of bytes that are left. */
uint32_t pack_pop_array(struct pack_reader *reader);
/* A whole number from 0 up. */
uint64_t pack_pop_uint(struct pack_reader *reader);
int64_t pack_pop_int(struct pack_reader *reader);
/* str or bin; borrowed from the frame. */
struct bytes pack_pop_bytes(struct pack_reader *reader);
/* The same, or nil, which gives BYTES_NONE. */
struct bytes pack_pop_optional(struct pack_reader *reader);
/* Passes over `n` whole values of any kind. */
void pack_skip(struct pack_reader *reader, uint32_t n);
/* Passes over what an array of `n` elements has beyond the `known` first; an array shorter than that is bad. */
void pack_pop_rest(struct pack_reader *reader, uint32_t n, uint32_t known);
/* Is the next value nil? Then it is popped. */
bool pack_pop_nil(struct pack_reader *reader);

void pack_push_array(struct buffer *buffer, uint32_t n);
void pack_push_uint(struct buffer *buffer, uint64_t value);
void pack_push_int(struct buffer *buffer, int64_t value);
void pack_push_str(struct buffer *buffer, struct bytes value);
void pack_push_bin(struct buffer *buffer, struct bytes value);
void pack_push_nil(struct buffer *buffer);
/* str, or nil where `value` is empty. */
void pack_push_optional(struct buffer *buffer, struct bytes value);
