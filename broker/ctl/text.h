/* Words for numbers, times and strangers' text, as the commands print them. Pure: no clock, no terminal, no locale. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

#include <stdint.h>

/* Appends text that came from outside. What could steer a terminal or reorder a line (control characters, the marks of
 * bidirectional text, bytes that are not UTF-8) becomes visible as "\n", "\x1b" or "\u202e". */
void text_push_safe(struct buffer *buffer, struct bytes text);
/* The same, but line ends and tabs stay. */
void text_push_lines(struct buffer *buffer, struct bytes text);
/* The columns that text takes on a terminal, once it is safe. */
size_t text_width(struct bytes text);
/* The longest beginning of a safe text that takes at most `width` columns. */
struct bytes text_clip(struct bytes text, size_t width);

/* "42 us", "0.4 ms", "1.2 s", "4 min 12 s", "3 h 5 min", "2 d 4 h". */
void text_push_span(struct buffer *buffer, struct span span);
/* "1,234,567". */
void text_push_count(struct buffer *buffer, int64_t count);
/* "512 B", "12.3 MiB". */
void text_push_size(struct buffer *buffer, int64_t n_bytes);

/* "2026-11-21T10:00:00.123Z", as the broker writes times: 0 and *ret; -EINVAL for anything else. */
MUST_USE int text_decode_time(const char *text, struct wall *ret);
/* "1.2 s ago", "in 3.4 s", "now"; a text that is no time is appended as it is. */
void text_push_when(struct buffer *buffer, const char *time, struct wall now);
