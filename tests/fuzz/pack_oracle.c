#include "tests/fuzz/pack_oracle.h"

#include "common/ensure.h"
#include "common/pack.h"

#include <mpack.h>

/* -- reading ------------------------------------------------------------------------------------------------------- */

static mpack_token_t fail(struct pack_reader *reader) {
        reader->is_bad = true;
        reader->left = 0;
        return (mpack_token_t){.type = MPACK_TOKEN_NIL};
}

/* One token, complete or not at all: MPACK_EOF means that it is cut short. */
static mpack_token_t pop_token(struct pack_reader *reader) {
        mpack_tokbuf_t tokbuf = MPACK_TOKBUF_INITIAL_VALUE;
        mpack_token_t token;

        if (reader->left == 0)
                return fail(reader);
        if (mpack_read(&tokbuf, &reader->at, &reader->left, &token) != MPACK_OK)
                return fail(reader);
        return token;
}

static uint32_t pop_array(struct pack_reader *reader) {
        mpack_token_t token = pop_token(reader);

        if (token.type != MPACK_TOKEN_ARRAY || token.length > reader->left)
                return fail(reader), 0;
        return token.length;
}

static uint64_t pop_uint(struct pack_reader *reader) {
        mpack_token_t token = pop_token(reader);

        if (token.type != MPACK_TOKEN_UINT)
                return fail(reader), 0;
        return mpack_unpack_uint(token);
}

static int64_t pop_int(struct pack_reader *reader) {
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

static struct bytes pop_bytes(struct pack_reader *reader) {
        mpack_token_t token = pop_token(reader);

        if (token.type != MPACK_TOKEN_STR && token.type != MPACK_TOKEN_BIN)
                return fail(reader), BYTES_NONE;
        return pop_payload(reader, token);
}

static bool is_nested(mpack_token_t token) { return token.type == MPACK_TOKEN_ARRAY || token.type == MPACK_TOKEN_MAP; }

static void skip(struct pack_reader *reader, int depth) {
        mpack_token_t token = pop_token(reader);

        if (token.type == MPACK_TOKEN_STR || token.type == MPACK_TOKEN_BIN || token.type == MPACK_TOKEN_EXT)
                pop_payload(reader, token);
        if (!is_nested(token))
                return;
        if (depth + 1 == PACK_DEPTH_MAX || token.length > reader->left)
                fail(reader);
        for (uint64_t i = (uint64_t)token.length * (token.type == MPACK_TOKEN_MAP ? 2 : 1); i > 0; i--) {
                if (!pack_is_good(reader))
                        return;
                skip(reader, depth + 1);
        }
}

static void check_same(const struct pack_reader *own, const struct pack_reader *theirs) {
        ENSURE(own->is_bad == theirs->is_bad && own->left == theirs->left);
        ENSURE(own->is_bad || own->at == theirs->at);
}

static void check_numbers(struct pack_reader from) {
        struct pack_reader own = from, theirs = from;

        ENSURE(pack_pop_array(&own) == pop_array(&theirs));
        check_same(&own, &theirs);
        own = theirs = from;
        ENSURE(pack_pop_uint(&own) == pop_uint(&theirs));
        check_same(&own, &theirs);
        own = theirs = from;
        ENSURE(pack_pop_int(&own) == pop_int(&theirs));
        check_same(&own, &theirs);
}

static void check_bytes(struct pack_reader from) {
        struct pack_reader own = from, theirs = from;
        struct bytes a = pack_pop_bytes(&own), b = pop_bytes(&theirs);

        ENSURE(a.data == b.data && a.len == b.len);
        check_same(&own, &theirs);
        if (pack_pop_nil(&from))
                ENSURE(own.is_bad);
}

void pack_oracle_check_read(struct bytes bytes) {
        struct pack_reader own = pack_open(bytes), theirs, whole;

        while (pack_has_more(&own)) {
                check_numbers(own);
                check_bytes(own);
                whole = theirs = own;
                pack_skip(&whole, 1);
                skip(&theirs, 0);
                check_same(&whole, &theirs);
                theirs = own;
                if (is_nested(pop_token(&theirs)) && pack_is_good(&theirs))
                        own = theirs; /* and what is in it */
                else
                        own = whole;
        }
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

static void check_written(const struct buffer *buffer, mpack_token_t token) {
        mpack_tokbuf_t tokbuf = MPACK_TOKBUF_INITIAL_VALUE;
        char expected[MPACK_MAX_TOKEN_LEN], *at = expected;
        size_t left = sizeof expected;

        ENSURE(mpack_write(&tokbuf, &at, &left, &token) == MPACK_OK);
        ENSURE(buffer->len >= sizeof expected - left);
        ENSURE(memcmp(buffer->data, expected, sizeof expected - left) == 0);
}

/* How many bytes of a number the value takes behind its head. */
static size_t bytes_of_negative(int64_t value) {
        if (value >= -0x20)
                return 0;
        if (value >= INT8_MIN)
                return 1;
        if (value >= INT16_MIN)
                return 2;
        return value >= INT32_MIN ? 4 : 8;
}

/* libmpack writes some wrongly (it makes -129 a 127, and -4294967297 a -1), but reads them well. */
static void check_negative(const struct buffer *buffer, int64_t value) {
        struct pack_reader theirs = pack_open(buffer_bytes(buffer));

        ENSURE(buffer->len == 1 + bytes_of_negative(value));
        ENSURE(pop_int(&theirs) == value && pack_is_good(&theirs) && !pack_has_more(&theirs));
}

static void check_int(struct buffer *buffer, int64_t value) {
        buffer_clear(buffer);
        pack_push_int(buffer, value);
        if (value < 0)
                check_negative(buffer, value);
        else
                check_written(buffer, mpack_pack_uint((uint64_t)value));
}

/* Of what is longer than that, only the heads are compared: they are the array's. */
enum { TEXT_MAX = 70000 };

static void check_lengths(struct buffer *buffer, uint32_t n) {
        static const char text[TEXT_MAX];

        buffer_clear(buffer);
        pack_push_array(buffer, n);
        check_written(buffer, mpack_pack_array(n));
        buffer_clear(buffer);
        pack_push_str(buffer, (struct bytes){text, n % TEXT_MAX});
        check_written(buffer, mpack_pack_str(n % TEXT_MAX));
        buffer_clear(buffer);
        pack_push_bin(buffer, (struct bytes){text, n % TEXT_MAX});
        check_written(buffer, mpack_pack_bin(n % TEXT_MAX));
}

void pack_oracle_check_write(uint64_t number) {
        CLEANUP_BUFFER struct buffer buffer = {0};

        pack_push_uint(&buffer, number);
        check_written(&buffer, mpack_pack_uint(number));
        check_int(&buffer, (int64_t)number);
        check_int(&buffer, (int64_t)(0 - number));
        check_lengths(&buffer, (uint32_t)number);
        buffer_clear(&buffer);
        pack_push_nil(&buffer);
        check_written(&buffer, mpack_pack_nil());
}
