/* Frames for the broker. */
#include "ingest/core/intake_private.h"

#include "common/ensure.h"
#include "common/memory.h"

/* -- frames out ---------------------------------------------------------------------------------------------------- */

static bool has_room(uint32_t n_messages, size_t n_bytes, const struct request *request) {
        return n_messages + request->parcel.n <= LIMIT_FRAME_MESSAGES &&
               n_bytes + request->parcel.messages.len <= LIMIT_FRAME_BYTES - LIMIT_FRAME_HEAD_BYTES;
}

/* Moves as many requests as fit to those sent; the first always fits, see intake_push(). */
static uint32_t move_to_sent(struct intake *intake) {
        struct queue *from = intake->backlog.first ? &intake->backlog : &intake->collected;
        uint32_t n_messages = 0;
        size_t n_bytes = 0;

        while (from->first && has_room(n_messages, n_bytes, from->first)) {
                struct request *request = intake_queue_pop(from);

                n_messages += request->parcel.n;
                n_bytes += request->parcel.messages.len;
                intake_queue_push(&intake->sent, request);
        }
        return n_messages;
}

/* Of the requests that are in it, whose messages it takes. */
static void encode_frame(struct intake *intake, struct mono now) {
        struct buffer *bytes = &intake->frame.bytes;

        intake->frame.number++;
        intake->frame.since = now;
        intake->frame.has_events = false;
        for (struct request *request = intake->sent.first; request; request = request->next)
                intake->frame.has_events = intake->frame.has_events || request->parcel.has_events;
        buffer_clear(bytes);
        if (intake->frame.has_events)
                wire_encode_events(bytes, intake->frame.number, intake->frame.n_messages);
        else
                wire_encode_messages(bytes, intake->frame.number, intake->frame.n_messages);
        for (struct request *request = intake->sent.first; request; request = request->next) {
                request->at = bytes->len;
                request->len = request->parcel.messages.len;
                buffer_push(bytes, request->parcel.messages.data, request->parcel.messages.len);
                buffer_done(&request->parcel.messages);
        }
        ENSURE(bytes->len <= LIMIT_FRAME_BYTES);
}

static void build_frame(struct intake *intake, struct mono now) {
        intake->frame.is_backlog = intake->backlog.first != NULL;
        intake->frame.n_messages = move_to_sent(intake);
        free(intake->frame.is_taken);
        intake->frame.is_taken = memory_new(intake->frame.n_messages + 1, sizeof *intake->frame.is_taken);
        encode_frame(intake, now);
}

bool intake_pop_frame(struct intake *intake, struct mono now, struct bytes *ret) {
        if (intake->sent.first && !mono_is_due(now, intake->frame.due))
                return false;
        if (!intake->sent.first && !intake_queue_next(intake)->first)
                return false;
        if (!intake->sent.first)
                build_frame(intake, now);
        intake->frame.is_unsent = false;
        intake->frame.due = mono_add(now, span_ms(LIMIT_RESEND_MS));
        *ret = buffer_bytes(&intake->frame.bytes);
        return true;
}

void intake_on_unsent(struct intake *intake, struct mono now) {
        intake->frame.is_unsent = true;
        intake->frame.due = mono_add(now, span_ms(LIMIT_UNSENT_MS));
}

/* -- a broker that does not know events ---------------------------------------------------------------------------- */

#define WHY_OLD                                                                                                        \
        "the broker is older than this lull-ingest, and knows no events: it was not taken in; upgrade the broker, "    \
        "then send it again"

/* Leaves the request its messages, without their aliases. `from` and `to` are where it stands among the messages of
 * the frame, and where it will. */
static void strip_request(struct intake *intake, struct request *request, uint32_t from, uint32_t to) {
        struct pack_reader reader = pack_open((struct bytes){intake->frame.bytes.data + request->at, request->len});
        struct parcel *parcel = &request->parcel;
        uint32_t n = 0;

        for (uint32_t i = 0; i < parcel->n; i++) {
                struct parcel_place place = parcel->places[i];
                struct wire_message message;
                int r = wire_message_next(&reader, &message);

                ENSURE(r == 0);
                if (place.is_event) {
                        refusals_push(&request->refusals, place.index, bytes_of(INTAKE_BROKER_OLD), bytes_of(WHY_OLD));
                        continue;
                }
                message.n_aliases = 0;
                wire_encode_message(&parcel->messages, &message);
                intake->frame.is_taken[to + n] = intake->frame.is_taken[from + i];
                parcel->places[n++] = place;
        }
        parcel->n = n;
        parcel->has_events = false;
}

bool intake_on_bad_frame(struct intake *intake, struct mono now, uint32_t *ret_n_events) {
        uint32_t from = 0, to = 0;

        if (!intake->sent.first || !intake->frame.has_events)
                return false;
        for (struct request *request = intake->sent.first; request; request = request->next) {
                uint32_t n = request->parcel.n;

                strip_request(intake, request, from, to);
                from += n;
                to += request->parcel.n;
        }
        *ret_n_events = from - to;
        intake->frame.n_messages = to;
        intake->frame.due = now;
        encode_frame(intake, now);
        return true;
}
