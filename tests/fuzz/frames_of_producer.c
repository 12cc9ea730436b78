/* What comes to the broker's ingest socket: MESSAGES, and each message's body. */
#include "tests/fuzz/fuzz.h"

#include "common/wire.h"

#include <errno.h>

static int recode_body(struct bytes bytes, struct buffer *ret) {
        struct wire_body body;

        if (wire_decode_body(bytes, &body) < 0)
                return -EBADMSG;
        fuzz_check_within(body.from, bytes);
        fuzz_check_within(body.kind, bytes);
        fuzz_check_within(body.text, bytes);
        fuzz_check_within(body.data, bytes);
        wire_encode_body(ret, &body);
        return 0;
}

static int recode_message(struct pack_reader *reader, struct bytes frame, struct buffer *ret) {
        struct wire_message message;

        if (wire_message_next(reader, &message) < 0)
                return -EBADMSG;
        fuzz_check_within(message.tenant, frame);
        fuzz_check_within(message.thread, frame);
        fuzz_check_within(message.id, frame);
        fuzz_check_within(message.channel, frame);
        fuzz_check_within(message.body, frame);
        fuzz_check_recode(recode_body, message.body);
        wire_encode_message(ret, &message);
        return 0;
}

static int recode(struct bytes frame, struct buffer *ret) {
        struct pack_reader reader;
        enum wire_type type;
        struct bytes body;
        uint64_t request;
        uint32_t n;
        int r;

        if (wire_open(frame, &type, &body) < 0 || type != WIRE_MESSAGES ||
            wire_decode_messages(body, &request, &n, &reader) < 0)
                return -EBADMSG;
        ENSURE(n <= LIMIT_FRAME_MESSAGES);
        wire_encode_messages(ret, request, n);
        r = 0;
        for (uint32_t i = 0; i < n && r == 0; i++)
                r = recode_message(&reader, frame, ret);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        fuzz_check_recode(recode, (struct bytes){data, len});
        return 0;
}
