/* Lines out of a stream of bytes. A line that is longer than LIMIT_LINE_BYTES is cut to nothing and marked. */
#pragma once

#include "common/bytes.h"

#include <stdbool.h>

/* { 0 } is the beginning of a stream. */
struct lines {
        struct buffer bytes;
        size_t at; /* of the first byte that was not popped */
        size_t searched; /* bytes behind `at` that hold no newline */
        uint64_t n; /* lines popped so far */
        bool is_at_end, is_cutting;
};

void lines_done(struct lines *lines);
/* Room for more of the stream, `len` bytes; lines_push() then says how many of them came. */
uint8_t *lines_reserve(struct lines *lines, size_t len);
/* 0 bytes: the stream has ended. */
void lines_push(struct lines *lines, size_t len);

struct line {
        struct bytes text; /* without its newline; borrowed until the next call */
        uint64_t number; /* from 1 */
        bool is_too_long;
};

/* The next whole line; false when more of the stream is needed, or nothing is left of it. */
bool lines_pop(struct lines *lines, struct line *ret);
