/* The body of a webhook, of every kind of channel. The first byte chooses the channel. */
#include "common/channel.h"

#include "common/item.h"
#include "tests/fuzz/channels.h"
#include "tests/fuzz/fuzz.h"

/* As ingest hands it on: what item_check() lets through, the broker can read. */
static void check_message(const struct channel_event *event) {
        struct wire_body said = {event->at, bytes_of(event->from), bytes_of(event->kind), bytes_of(event->text),
                                 bytes_of(event->data)};
        struct wire_message message = {bytes_of("acme"), bytes_of(event->thread), bytes_of(event->id),
                                       bytes_of("support"), BYTES_NONE};
        CLEANUP_BUFFER struct buffer body = {0};
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_FREE char *error = NULL;
        struct item_fault fault = {0};

        ENSURE(event->kind && event->thread);
        ENSURE(!event->data || json_decode(bytes_of(event->data), &json, &error) == 0);
        wire_encode_body(&body, &said);
        message.body = buffer_bytes(&body);
        if (item_check(&message, LIMIT_MESSAGE_BYTES_DEFAULT, &fault) == 0)
                ENSURE(wire_decode_body(message.body, &said) == 0);
        free(fault.why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        CLEANUP(channel_events_done) struct channel_events events = {0};
        CLEANUP_FREE char *error = NULL;
        const struct channel *channel;

        channels_get(input_pop_byte(&input), &channel);
        if (channel_read(channel, input_pop_rest(&input), &events, &error) < 0) {
                ENSURE(error);
                return 0;
        }
        for (size_t i = 0; i < events.n; i++) {
                if (events.items[i].is_ignored)
                        ENSURE(events.items[i].why);
                else
                        check_message(&events.items[i]);
        }
        return 0;
}
