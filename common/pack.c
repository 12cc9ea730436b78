#include "common/pack.h"

#include "common/ensure.h"

#include <mpack.h>

struct pack_reader pack_open(struct bytes bytes) {
        return (struct pack_reader){.at = bytes.data, .left = bytes.len};
}

static mpack_token_t fail(struct pack_reader *reader) {
        reader->is_bad = true;
        reader->left = 0;
        return (mpack_token_t){.type = MPACK_TOKEN_NIL};
}

/* One token, complete or not at all. libmpack's tokbuf exists for frames that come in pieces; ours are whole, so a
 * fresh one a token is right, and MPACK_EOF means that the frame is cut short. */
static mpack_token_t pop_token(struct pack_reader *reader) {
        mpack_tokbuf_t tokbuf = MPACK_TOKBUF_INITIAL_VALUE;
        mpack_token_t token;

        if (reader->left == 0)
                return fail(reader);
        if (mpack_read(&tokbuf, &reader->at, &reader->left, &token) != MPACK_OK)
                return fail(reader);
        return token;
}

uint32_t pack_pop_array(struct pack_reader *reader) {
        mpack_token_t token = pop_token(reader);

        /* Every element takes a byte at least, so a longer claim is a lie that would cost a loop. */
        if (token.type != MPACK_TOKEN_ARRAY || token.length > reader->left)
                return fail(reader), 0;
        return token.length;
}

uint64_t pack_pop_uint(struct pack_reader *reader) {
        mpack_token_t token = pop_token(reader);

        if (token.type != MPACK_TOKEN_UINT)
                return fail(reader), 0;
        return mpack_unpack_uint(token);
}

int64_t pack_pop_int(struct pack_reader *reader) {
        mpack_token_t token = pop_token(reader);

        if (token.type == MPACK_TOKEN_SINT)
                return mpack_unpack_sint(token);
        if (token.type == MPACK_TOKEN_UINT && mpack_unpack_uint(token) <= INT64_MAX)
                return (int64_t)mpack_unpack_uint(token);
        return fail(reader), 0;
}

static struct bytes pop_payload(struct pack_reader *reader, mpack_token_t token) {
        struct bytes bytes = {reader->at, token.length};

        if (token.length > reader->left)
                return fail(reader), BYTES_NONE;
        reader->at += token.length;
        reader->left -= token.length;
        return bytes;
}

struct bytes pack_pop_bytes(struct pack_reader *reader) {
        mpack_token_t token = pop_token(reader);

        if (token.type != MPACK_TOKEN_STR && token.type != MPACK_TOKEN_BIN)
                return fail(reader), BYTES_NONE;
        return pop_payload(reader, token);
}

bool pack_pop_nil(struct pack_reader *reader) {
        if (reader->left == 0 || (uint8_t)reader->at[0] != 0xc0)
                return false;
        reader->at++;
        reader->left--;
        return true;
}

struct bytes pack_pop_optional(struct pack_reader *reader) {
        return pack_pop_nil(reader) ? BYTES_NONE : pack_pop_bytes(reader);
}

void pack_skip(struct pack_reader *reader, uint32_t n) {
        uint64_t left[PACK_DEPTH_MAX] = {n};
        int depth = 0;

        while (depth >= 0 && pack_is_good(reader)) {
                mpack_token_t token;

                if (left[depth] == 0) {
                        depth--;
                        continue;
                }
                left[depth]--;
                token = pop_token(reader);
                if (token.type == MPACK_TOKEN_ARRAY || token.type == MPACK_TOKEN_MAP) {
                        if (++depth == PACK_DEPTH_MAX || token.length > reader->left) {
                                fail(reader);
                                return;
                        }
                        left[depth] = (uint64_t)token.length * (token.type == MPACK_TOKEN_MAP ? 2 : 1);
                } else if (token.type == MPACK_TOKEN_STR || token.type == MPACK_TOKEN_BIN ||
                           token.type == MPACK_TOKEN_EXT) {
                        pop_payload(reader, token);
                }
        }
}

void pack_pop_rest(struct pack_reader *reader, uint32_t n, uint32_t known) {
        if (n < known)
                fail(reader);
        else
                pack_skip(reader, n - known);
}

static void push_token(struct buffer *buffer, mpack_token_t token) {
        mpack_tokbuf_t tokbuf = MPACK_TOKBUF_INITIAL_VALUE;
        char *at = (char *)buffer_reserve(buffer, MPACK_MAX_TOKEN_LEN);
        size_t left = MPACK_MAX_TOKEN_LEN;

        ENSURE(mpack_write(&tokbuf, &at, &left, &token) == MPACK_OK);
        buffer->len += MPACK_MAX_TOKEN_LEN - left;
}

void pack_push_array(struct buffer *buffer, uint32_t n) { push_token(buffer, mpack_pack_array(n)); }
void pack_push_uint(struct buffer *buffer, uint64_t value) { push_token(buffer, mpack_pack_uint(value)); }

void pack_push_int(struct buffer *buffer, int64_t value) {
        push_token(buffer, value < 0 ? mpack_pack_sint(value) : mpack_pack_uint((uint64_t)value));
}

void pack_push_str(struct buffer *buffer, struct bytes value) {
        ENSURE(value.len <= UINT32_MAX);
        push_token(buffer, mpack_pack_str((uint32_t)value.len));
        buffer_push(buffer, value.data, value.len);
}

void pack_push_bin(struct buffer *buffer, struct bytes value) {
        ENSURE(value.len <= UINT32_MAX);
        push_token(buffer, mpack_pack_bin((uint32_t)value.len));
        buffer_push(buffer, value.data, value.len);
}

void pack_push_nil(struct buffer *buffer) { push_token(buffer, mpack_pack_nil()); }

void pack_push_optional(struct buffer *buffer, struct bytes value) {
        if (value.len == 0)
                pack_push_nil(buffer);
        else
                pack_push_str(buffer, value);
}
