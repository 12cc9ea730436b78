/* Server-sent events, taken apart as they come. Pure.
 *
 * Chunks may be cut anywhere, also inside a character or between CR and LF. Comments, `id` and `retry` are passed over,
 * a byte order mark at the very beginning too. An event's text is at most LIMIT_SSE_EVENT_BYTES, as is a line. */
#pragma once

#include "common/bytes.h"

/* { 0 } is the beginning of a stream. */
struct sse {
        struct buffer line, name, data;
        size_t n_lines; /* of data, in the event being read */
        bool is_begun; /* past the byte order mark */
        bool is_after_cr; /* a line feed would belong to the line that has ended */
        bool is_given; /* the event in name and data has been given out */
};

#define CLEANUP_SSE CLEANUP(sse_done)

void sse_done(struct sse *sse);

struct sse_event {
        struct bytes name; /* of the `event` line; empty = there was none */
        struct bytes data; /* the `data` lines, joined by line feeds; may be any bytes */
};

/* Takes from the front of *chunk up to the end of the next event. 1: *ret_event, which lives until the next call; ask
 * again with what is left. 0: the chunk is used up. -EMSGSIZE: past the limit, and the stream is of no more use. */
MUST_USE int sse_pop(struct sse *sse, struct bytes *chunk, struct sse_event *ret_event);

/* The stream has ended: the event that it broke off in, taken as if it were whole, as some servers send no line after
 * the last one. 1 and *ret_event, or 0. Whether its text is all there is for the reader of the text to say. */
MUST_USE int sse_pop_last(struct sse *sse, struct sse_event *ret_event);
