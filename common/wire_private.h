/* What wire.c, wire_items.c and wire_run.c share: the odd values of a frame. */
#pragma once

#include "common/wire.h"

#include <errno.h>

enum { WIRE_TYPE_BITS = 5 };

static inline void wire_push_type(struct buffer *buffer, enum wire_type type) {
        uint8_t byte = (uint8_t)(WIRE_VERSION << WIRE_TYPE_BITS | (int)type);

        buffer_push(buffer, &byte, 1);
}

/* What every decoder answers: what was popped is good, and `is_within` its limits. */
static inline int wire_verdict(const struct pack_reader *reader, bool is_within) {
        return pack_is_good(reader) && is_within ? 0 : -EBADMSG;
}

static inline uint32_t wire_pop_u32(struct pack_reader *reader) {
        uint64_t value = pack_pop_uint(reader);

        if (value > UINT32_MAX)
                reader->is_bad = true, value = 0;
        return (uint32_t)value;
}

/* A yes or no, as 1 or 0. */
static inline bool wire_pop_bool(struct pack_reader *reader) {
        uint64_t value = pack_pop_uint(reader);

        if (value > 1)
                reader->is_bad = true;
        return value == 1;
}

static inline struct span wire_pop_us(struct pack_reader *reader) {
        uint64_t us = pack_pop_uint(reader);

        if (us > INT64_MAX / 1000)
                reader->is_bad = true, us = 0;
        return span_us((int64_t)us);
}

static inline struct span wire_pop_ms(struct pack_reader *reader) { return span_us(wire_pop_us(reader).us * 1000); }

static inline void wire_push_us(struct buffer *buffer, struct span span) {
        pack_push_uint(buffer, span.us > 0 ? (uint64_t)span.us : 0);
}

static inline void wire_push_ms(struct buffer *buffer, struct span span) {
        wire_push_us(buffer, span_us(span_to_ms(span)));
}
