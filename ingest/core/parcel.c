#include "ingest/core/parcel.h"

#include "common/memory.h"

#include <inttypes.h>
#include <stdio.h>

/* A seed, a hyphen and a counter; far below LIMIT_MESSAGE_ID_LEN. */
enum { ID_MAX = 64 };

void parcel_done(struct parcel *parcel) {
        buffer_done(&parcel->messages);
        free(parcel->places);
        *parcel = (struct parcel){0};
}

static void push_place(struct parcel *parcel, struct parcel_place place) {
        if (parcel->n == parcel->cap) {
                parcel->cap = parcel->cap ? 2 * parcel->cap : 4;
                parcel->places = memory_resize(parcel->places, parcel->cap, sizeof *parcel->places);
        }
        parcel->places[parcel->n++] = place;
}

/* Taken in twice it would do harm: what is said in between would be undone. Typing is only of the moment, and the id of
 * the others says what they are about. */
static bool is_to_be_named(const struct wire_message *message) {
        static const bool is_named[] = {
                [WIRE_WHAT_MESSAGE] = true, [WIRE_WHAT_PERSON] = true, [WIRE_WHAT_CLOSED] = true,
                [WIRE_WHAT_RESUME] = true,  [WIRE_WHAT_ALIAS] = true,
        };

        return message->id.len == 0 && message->what < sizeof is_named / sizeof *is_named && is_named[message->what];
}

void parcel_push(struct parcel *parcel, struct parcel_ids *ids, const struct wire_message *message, uint32_t index) {
        struct wire_message named = *message;
        bool is_id_ours = is_to_be_named(message);
        char id[ID_MAX];

        if (is_id_ours) {
                snprintf(id, sizeof id, "%.40s-%" PRIx64, ids->seed, ++ids->counter);
                named.id = bytes_of(id);
        }
        wire_encode_message(&parcel->messages, &named);
        parcel->has_events = parcel->has_events || !wire_is_plain(&named);
        push_place(parcel, (struct parcel_place){index, is_id_ours, message->what != WIRE_WHAT_MESSAGE});
}

void parcel_push_item(struct parcel *parcel, struct bytes item, const struct wire_message *message, uint32_t index) {
        buffer_push(&parcel->messages, item.data, item.len);
        parcel->has_events = parcel->has_events || !wire_is_plain(message);
        push_place(parcel, (struct parcel_place){index, false, message->what != WIRE_WHAT_MESSAGE});
}

bool parcel_is_sendable(const struct parcel *parcel) {
        return parcel->n <= LIMIT_FRAME_MESSAGES && parcel->messages.len <= LIMIT_FRAME_BYTES - LIMIT_FRAME_HEAD_BYTES;
}
