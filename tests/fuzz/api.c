/* The body of POST /v1/messages. The first byte says whether it came as NDJSON. */
#include "ingest/core/api.h"

#include "common/item.h"
#include "ingest/core/reply.h"
#include "tests/fuzz/fuzz.h"

enum { BODY_LEN_MAX = 2000 };

/* What is handed to the broker is whole, and within the broker's own limits. */
static void check_parcel(const struct parcel *parcel) {
        struct pack_reader reader = pack_open(buffer_bytes(&parcel->messages));
        struct item_fault fault;
        struct wire_message message;
        struct wire_body body;

        for (uint32_t i = 0; i < parcel->n; i++) {
                ENSURE(wire_message_next(&reader, &message) == 0 && wire_decode_body(message.body, &body) == 0);
                ENSURE((message.id.len > 0 || message.what != WIRE_WHAT_MESSAGE) &&
                       item_check(&message, BODY_LEN_MAX, &fault) == 0);
        }
        ENSURE(!pack_has_more(&reader));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        const char *content_type = input_pop_byte(&input) == 'n' ? "application/x-ndjson" : "application/json";
        CLEANUP_BUFFER struct buffer reply = {0};
        CLEANUP_FREE char *error = NULL;
        struct parcel_ids ids = {"seed", 0};
        struct api_request request;

        if (api_decode(input_pop_rest(&input), content_type, &ids, BODY_LEN_MAX, &request, &error) < 0) {
                ENSURE(error);
                return 0;
        }
        check_parcel(&request.parcel);
        ENSURE(reply_to_api(&(struct reply_outcome){request.parcel.n, 0, 0, &request.refusals}, &reply) >= 200);
        api_request_done(&request);
        return 0;
}
