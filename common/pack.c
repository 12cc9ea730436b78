#include "common/pack.h"

#include "common/ensure.h"

#include <endian.h>
#include <string.h>

enum { HEAD_MAX = 9, TINY_UINT_MAX = 0x7f, TINY_INT_MIN = -0x20, TINY_ARRAY_MAX = 0x0f, TINY_STR_MAX = 0x1f };

/* The first bytes of heads that are no value by themselves, as the specification of MessagePack has them. Of those with
 * lengths, the next byte says the same with twice the length. */
enum {
        FIRST_ARRAY = 0x90,
        FIRST_STR = 0xa0,
        FIRST_NIL = 0xc0,
        FIRST_BIN_8 = 0xc4,
        FIRST_UINT_8 = 0xcc,
        FIRST_INT_8 = 0xd0,
        FIRST_STR_8 = 0xd9,
        FIRST_ARRAY_16 = 0xdc,
        FIRST_TINY_INT = 0xe0,
};

/* -- reading ------------------------------------------------------------------------------------------------------- */

/* OTHER is nil, bool, float and ext, which are only passed over. */
enum kind { KIND_BAD, KIND_UINT, KIND_SINT, KIND_BYTES, KIND_ARRAY, KIND_MAP, KIND_OTHER };

/* What stands at the front of a value: its kind, and a number, which is the value itself, or how many bytes (of BYTES
 * and OTHER) or elements (of ARRAY and MAP) follow. */
struct head {
        enum kind kind;
        uint64_t number;
};

/* Heads from 0xc0 to 0xdf: their number is in the `n_bytes` behind the first, and `more` than that. */
static const struct {
        uint8_t kind, n_bytes, more;
} long_heads[] = {
        {KIND_OTHER, 0, 0}, {KIND_BAD, 0, 0},   {KIND_OTHER, 0, 0}, {KIND_OTHER, 0, 0}, /* nil, never used, bool */
        {KIND_BYTES, 1, 0}, {KIND_BYTES, 2, 0}, {KIND_BYTES, 4, 0}, /* bin */
        {KIND_OTHER, 1, 1}, {KIND_OTHER, 2, 1}, {KIND_OTHER, 4, 1}, /* ext: the byte more is its type */
        {KIND_OTHER, 0, 4}, {KIND_OTHER, 0, 8}, /* float */
        {KIND_UINT, 1, 0},  {KIND_UINT, 2, 0},  {KIND_UINT, 4, 0},  {KIND_UINT, 8, 0}, /* uint */
        {KIND_SINT, 1, 0},  {KIND_SINT, 2, 0},  {KIND_SINT, 4, 0},  {KIND_SINT, 8, 0}, /* int */
        {KIND_OTHER, 0, 2}, {KIND_OTHER, 0, 3}, {KIND_OTHER, 0, 5}, {KIND_OTHER, 0, 9}, {KIND_OTHER, 0, 17}, /* ext */
        {KIND_BYTES, 1, 0}, {KIND_BYTES, 2, 0}, {KIND_BYTES, 4, 0}, /* str */
        {KIND_ARRAY, 2, 0}, {KIND_ARRAY, 4, 0}, /* array */
        {KIND_MAP, 2, 0},   {KIND_MAP, 4, 0}, /* map */
};

struct pack_reader pack_open(struct bytes bytes) {
        return (struct pack_reader){.at = bytes.data, .left = bytes.len};
}

static struct head fail(struct pack_reader *reader) {
        reader->is_bad = true;
        reader->left = 0;
        return (struct head){KIND_BAD, 0};
}

static void pass(struct pack_reader *reader, size_t n) {
        reader->at += n;
        reader->left -= n;
}

/* The most significant byte first. Where eight bytes are left, all are read at once, whatever is used of them. */
static uint64_t read_number(const struct pack_reader *reader, unsigned n_bytes) {
        uint64_t number = 0;

        if (n_bytes > 0 && reader->left >= sizeof number) {
                memcpy(&number, reader->at, sizeof number);
                return be64toh(number) >> (64 - 8 * n_bytes);
        }
        for (unsigned i = 0; i < n_bytes; i++)
                number = number << 8 | (uint8_t)reader->at[i];
        return number;
}

/* The first byte of the head has been passed already. */
static struct head pop_long_head(struct pack_reader *reader, uint8_t first) {
        unsigned n_bytes = long_heads[first - FIRST_NIL].n_bytes;
        struct head head = {.kind = long_heads[first - FIRST_NIL].kind};

        if (head.kind == KIND_BAD || n_bytes > reader->left)
                return fail(reader);
        head.number = read_number(reader, n_bytes);
        pass(reader, n_bytes);
        if (head.kind == KIND_SINT) /* the sign, to all 64 bits */
                head.number = (uint64_t)((int64_t)(head.number << (64 - 8 * n_bytes)) >> (64 - 8 * n_bytes));
        if (head.kind == KIND_SINT && head.number <= INT64_MAX)
                head.kind = KIND_UINT;
        head.number += long_heads[first - FIRST_NIL].more;
        return head;
}

/* One head, whole or not at all. Most are of one byte, so these are the ones that are inline. */
static inline struct head pop_head(struct pack_reader *reader) {
        uint8_t first;

        if (reader->left == 0)
                return fail(reader);
        first = (uint8_t)*reader->at;
        pass(reader, 1);
        if (first <= TINY_UINT_MAX)
                return (struct head){KIND_UINT, first};
        if (first >= FIRST_TINY_INT)
                return (struct head){KIND_SINT, (uint64_t)(int8_t)first};
        if (first >= FIRST_NIL)
                return pop_long_head(reader, first);
        if (first >= FIRST_STR)
                return (struct head){KIND_BYTES, first & TINY_STR_MAX};
        return (struct head){first >= FIRST_ARRAY ? KIND_ARRAY : KIND_MAP, first & TINY_ARRAY_MAX};
}

uint32_t pack_pop_array(struct pack_reader *reader) {
        struct head head = pop_head(reader);

        /* Every element takes a byte at least, so a longer claim is a lie that would cost a loop. */
        if (head.kind != KIND_ARRAY || head.number > reader->left)
                return fail(reader), 0;
        return (uint32_t)head.number;
}

uint64_t pack_pop_uint(struct pack_reader *reader) {
        struct head head = pop_head(reader);

        if (head.kind != KIND_UINT)
                return fail(reader), 0;
        return head.number;
}

int64_t pack_pop_int(struct pack_reader *reader) {
        struct head head = pop_head(reader);

        if (head.kind == KIND_SINT || (head.kind == KIND_UINT && head.number <= INT64_MAX))
                return (int64_t)head.number;
        return fail(reader), 0;
}

static struct bytes pop_payload(struct pack_reader *reader, uint64_t len) {
        struct bytes bytes = {reader->at, len};

        if (len > reader->left)
                return fail(reader), BYTES_NONE;
        pass(reader, len);
        return bytes;
}

struct bytes pack_pop_bytes(struct pack_reader *reader) {
        struct head head = pop_head(reader);

        if (head.kind != KIND_BYTES)
                return fail(reader), BYTES_NONE;
        return pop_payload(reader, head.number);
}

bool pack_pop_nil(struct pack_reader *reader) {
        if (reader->left == 0 || (uint8_t)*reader->at != FIRST_NIL)
                return false;
        pass(reader, 1);
        return true;
}

struct bytes pack_pop_optional(struct pack_reader *reader) {
        return pack_pop_nil(reader) ? BYTES_NONE : pack_pop_bytes(reader);
}

void pack_skip(struct pack_reader *reader, uint32_t n) {
        uint64_t left[PACK_DEPTH_MAX] = {n};
        int depth = 0;

        while (depth >= 0 && pack_is_good(reader)) {
                struct head head;

                if (left[depth] == 0) {
                        depth--;
                        continue;
                }
                left[depth]--;
                head = pop_head(reader);
                if (head.kind == KIND_ARRAY || head.kind == KIND_MAP) {
                        if (++depth == PACK_DEPTH_MAX || head.number > reader->left) {
                                fail(reader);
                                return;
                        }
                        left[depth] = head.number * (head.kind == KIND_MAP ? 2 : 1);
                } else if (head.kind == KIND_BYTES || head.kind == KIND_OTHER) {
                        pop_payload(reader, head.number);
                }
        }
}

void pack_pop_rest(struct pack_reader *reader, uint32_t n, uint32_t known) {
        if (n < known)
                fail(reader);
        else if (n > known)
                pack_skip(reader, n - known);
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

static void push_byte(struct buffer *buffer, int byte) {
        *buffer_reserve(buffer, 1) = (uint8_t)byte;
        buffer->len++;
}

/* A first byte, and a number in the `n_bytes` behind it, the most significant one first; returns how long that is. All
 * eight bytes are written, whatever is used of them: there is room for the longest head in any case. */
static size_t write_head(uint8_t *at, int first, uint64_t number, unsigned n_bytes) {
        uint64_t big = htobe64(number << (64 - 8 * n_bytes));

        *at = (uint8_t)first;
        memcpy(at + 1, &big, sizeof big);
        return 1 + n_bytes;
}

static void push_head(struct buffer *buffer, int first, uint64_t number, unsigned n_bytes) {
        buffer->len += write_head(buffer_reserve(buffer, HEAD_MAX), first, number, n_bytes);
}

void pack_push_uint(struct buffer *buffer, uint64_t value) {
        if (value <= TINY_UINT_MAX)
                push_byte(buffer, (int)value);
        else if (value <= UINT8_MAX)
                push_head(buffer, FIRST_UINT_8, value, 1);
        else if (value <= UINT16_MAX)
                push_head(buffer, FIRST_UINT_8 + 1, value, 2);
        else if (value <= UINT32_MAX)
                push_head(buffer, FIRST_UINT_8 + 2, value, 4);
        else
                push_head(buffer, FIRST_UINT_8 + 3, value, 8);
}

void pack_push_int(struct buffer *buffer, int64_t value) {
        if (value >= 0)
                pack_push_uint(buffer, (uint64_t)value);
        else if (value >= TINY_INT_MIN)
                push_byte(buffer, (int)value);
        else if (value >= INT8_MIN)
                push_head(buffer, FIRST_INT_8, (uint64_t)value, 1);
        else if (value >= INT16_MIN)
                push_head(buffer, FIRST_INT_8 + 1, (uint64_t)value, 2);
        else if (value >= INT32_MIN)
                push_head(buffer, FIRST_INT_8 + 2, (uint64_t)value, 4);
        else
                push_head(buffer, FIRST_INT_8 + 3, (uint64_t)value, 8);
}

void pack_push_array(struct buffer *buffer, uint32_t n) {
        if (n <= TINY_ARRAY_MAX)
                push_byte(buffer, FIRST_ARRAY | (int)n);
        else if (n <= UINT16_MAX)
                push_head(buffer, FIRST_ARRAY_16, n, 2);
        else
                push_head(buffer, FIRST_ARRAY_16 + 1, n, 4);
}

/* `first` is the one for a length of one byte. */
static size_t write_length(uint8_t *at, int first, size_t len) {
        if (len <= UINT8_MAX)
                return write_head(at, first, len, 1);
        if (len <= UINT16_MAX)
                return write_head(at, first + 1, len, 2);
        return write_head(at, first + 2, len, 4);
}

static void push_payload(struct buffer *buffer, size_t head_len, struct bytes value) {
        if (value.len > 0)
                memcpy(buffer->data + buffer->len + head_len, value.data, value.len);
        buffer->len += head_len + value.len;
}

void pack_push_str(struct buffer *buffer, struct bytes value) {
        uint8_t *at = buffer_reserve(buffer, HEAD_MAX + value.len);

        ENSURE(value.len <= UINT32_MAX);
        *at = (uint8_t)(FIRST_STR | value.len);
        push_payload(buffer, value.len <= TINY_STR_MAX ? 1 : write_length(at, FIRST_STR_8, value.len), value);
}

void pack_push_bin(struct buffer *buffer, struct bytes value) {
        uint8_t *at = buffer_reserve(buffer, HEAD_MAX + value.len);

        ENSURE(value.len <= UINT32_MAX);
        push_payload(buffer, write_length(at, FIRST_BIN_8, value.len), value);
}

void pack_push_nil(struct buffer *buffer) { push_byte(buffer, FIRST_NIL); }

void pack_push_optional(struct buffer *buffer, struct bytes value) {
        if (value.len == 0)
                pack_push_nil(buffer);
        else
                pack_push_str(buffer, value);
}
