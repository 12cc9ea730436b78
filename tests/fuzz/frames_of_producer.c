/* What comes to the broker's ingest socket: MESSAGES and EVENTS, and each item's body. */
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
        fuzz_check_within(body.to, bytes);
        fuzz_check_within(body.url, bytes);
        wire_encode_body(ret, &body);
        return 0;
}

static int recode_message(struct pack_reader *reader, enum wire_type type, struct bytes frame, struct buffer *ret) {
        struct wire_message message;

        if ((type == WIRE_EVENTS ? wire_message_next(reader, &message) : wire_plain_next(reader, &message)) < 0)
                return -EBADMSG;
        fuzz_check_within(message.tenant, frame);
        fuzz_check_within(message.thread, frame);
        fuzz_check_within(message.id, frame);
        fuzz_check_within(message.channel, frame);
        fuzz_check_within(message.body, frame);
        ENSURE(type == WIRE_EVENTS || wire_is_plain(&message));
        ENSURE(message.n_aliases <= LIMIT_ALIASES_OF_ITEM && message.what <= WIRE_WHAT_UNKNOWN);
        for (uint32_t i = 0; i < message.n_aliases; i++)
                fuzz_check_within(message.aliases[i], frame);
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

        if (wire_open(frame, &type, &body) < 0 || (type != WIRE_MESSAGES && type != WIRE_EVENTS) ||
            wire_decode_messages(body, &request, &n, &reader) < 0)
                return -EBADMSG;
        ENSURE(n <= LIMIT_FRAME_MESSAGES);
        if (type == WIRE_MESSAGES)
                wire_encode_messages(ret, request, n);
        else
                wire_encode_events(ret, request, n);
        r = 0;
        for (uint32_t i = 0; i < n && r == 0; i++)
                r = recode_message(&reader, type, frame, ret);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        fuzz_check_recode(recode, (struct bytes){data, len});
        return 0;
}
