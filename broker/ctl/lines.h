/* Cuts a stream into lines. Pure: bytes go in, lines come out. A line that is too long is reported and passed over
 * to its end, so that what follows is read as if it had not been there. */
#pragma once

#include "common/bytes.h"

struct lines {
        struct buffer bytes;
        size_t at;      /* where the next line begins */
        size_t len_max; /* longest line */
        bool is_skipping;
};

void lines_init(struct lines *lines, size_t len_max);
void lines_done(struct lines *lines);
void lines_push(struct lines *lines, const void *data, size_t len);
/* The stream has ended: what is left is a line too. */
void lines_end(struct lines *lines);
/* 0 and *ret, a line without its end, valid until the next push; 1 when none is complete; -E2BIG for one that was
 * too long, which is passed over. */
MUST_USE int lines_pop(struct lines *lines, struct bytes *ret);
