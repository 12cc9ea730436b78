/* What comes to the broker's workers socket: HELLO, ALIVE, ANSWERED with its answer, POSTED, RESULT, TALLY, BUNDLE. */
#include "tests/fuzz/fuzz.h"

#include "common/wire.h"

#include <errno.h>

/* The list of leases at the end of a HELLO or an ALIVE. */
static int recode_held(struct pack_reader *reader, uint32_t n, struct bytes frame, struct buffer *ret) {
        struct wire_held held;

        ENSURE(n <= LIMIT_SLOTS);
        for (uint32_t i = 0; i < n; i++) {
                if (wire_held_next(reader, &held) < 0)
                        return -EBADMSG;
                fuzz_check_within(held.batch, frame);
                wire_encode_held(ret, held.fence, held.batch);
        }
        return 0;
}

static int recode_hello(struct bytes body, struct buffer *ret) {
        struct wire_hello hello;

        if (wire_decode_hello(body, &hello) < 0)
                return -EBADMSG;
        ENSURE(hello.uuid.len == WIRE_UUID_LEN);
        fuzz_check_within(hello.uuid, body);
        fuzz_check_within(hello.version, body);
        wire_encode_hello(ret, &hello);
        if (recode_held(&hello.held, hello.n_held, body, ret) < 0)
                return -EBADMSG;
        wire_encode_hello_end(ret, &hello);
        return 0;
}

static int recode_alive(struct bytes body, struct buffer *ret) {
        struct wire_alive alive;

        if (wire_decode_alive(body, &alive) < 0)
                return -EBADMSG;
        wire_encode_alive(ret, alive.slots, alive.n_held);
        if (recode_held(&alive.held, alive.n_held, body, ret) < 0)
                return -EBADMSG;
        wire_encode_alive_end(ret, alive.beat);
        return 0;
}

static int recode_answer(struct bytes answer, struct buffer *ret) {
        struct bytes replies[LIMIT_REPLIES];
        uint32_t n;

        if (wire_decode_answer(answer, replies, &n) < 0)
                return -EBADMSG;
        ENSURE(n <= LIMIT_REPLIES);
        for (uint32_t i = 0; i < n; i++)
                fuzz_check_within(replies[i], answer);
        wire_encode_answer(ret, replies, n);
        return 0;
}

static int recode_answered(struct bytes body, struct buffer *ret) {
        struct wire_answered answered;

        if (wire_decode_answered(body, &answered) < 0)
                return -EBADMSG;
        ENSURE(answered.batch.len == WIRE_BATCH_LEN);
        fuzz_check_within(answered.batch, body);
        fuzz_check_within(answered.answer, body);
        fuzz_check_recode(recode_answer, answered.answer);
        wire_encode_answered(ret, &answered);
        return 0;
}

static int recode_result(struct bytes body, struct buffer *ret) {
        struct wire_result result;

        if (wire_decode_result(body, &result) < 0)
                return -EBADMSG;
        ENSURE(result.code.len <= LIMIT_CODE_LEN && result.why.len <= LIMIT_WHY_LEN);
        ENSURE(result.retry_after.us >= 0 && result.lock_wait.us >= 0 && result.answering.us >= 0);
        ENSURE(result.provider <= WIRE_PROVIDER_UNPAID && result.pause.us >= 0);
        fuzz_check_within(result.batch, body);
        fuzz_check_within(result.code, body);
        fuzz_check_within(result.why, body);
        wire_encode_result(ret, &result);
        return 0;
}

static int recode_posted(struct bytes body, struct buffer *ret) {
        struct wire_posted posted;

        if (wire_decode_posted(body, &posted) < 0)
                return -EBADMSG;
        ENSURE(posted.batch.len == WIRE_BATCH_LEN);
        fuzz_check_within(posted.batch, body);
        wire_encode_posted(ret, &posted);
        return 0;
}

static int recode_tally(struct bytes body, struct buffer *ret) {
        struct wire_tally_item items[LIMIT_TALLY_ITEMS];
        struct pack_reader reader;
        struct bytes tenant;
        uint32_t n;

        if (wire_decode_tally(body, &tenant, &n, &reader) < 0)
                return -EBADMSG;
        ENSURE(n <= LIMIT_TALLY_ITEMS);
        fuzz_check_within(tenant, body);
        for (uint32_t i = 0; i < n; i++) {
                if (wire_tally_next(&reader, &items[i]) < 0)
                        return -EBADMSG;
                ENSURE(items[i].what < N_WIRE_TALLY && items[i].amount <= LIMIT_TALLY_AMOUNT);
        }
        wire_encode_tally(ret, tenant, items, n);
        return 0;
}

static int recode(struct bytes frame, struct buffer *ret) {
        enum wire_type type;
        struct bytes body;

        if (wire_open(frame, &type, &body) < 0)
                return -EBADMSG;
        if (type == WIRE_HELLO)
                return recode_hello(body, ret);
        if (type == WIRE_ALIVE)
                return recode_alive(body, ret);
        if (type == WIRE_ANSWERED)
                return recode_answered(body, ret);
        if (type == WIRE_RESULT)
                return recode_result(body, ret);
        if (type == WIRE_POSTED)
                return recode_posted(body, ret);
        if (type == WIRE_TALLY)
                return recode_tally(body, ret);
        if (type == WIRE_BUNDLE)
                return fuzz_recode_bundle(recode, body, ret);
        return -EBADMSG;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        fuzz_check_recode(recode, (struct bytes){data, len});
        return 0;
}
