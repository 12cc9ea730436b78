#include "broker/ctl/producer.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <stdlib.h>

/* Room in a frame for its head, beside the messages. */
enum { HEAD_BYTES = 64 };
/* The most that an item, and each of its aliases, adds to the bytes of its texts. */
enum { MESSAGE_OVERHEAD_BYTES = 40, ALIAS_OVERHEAD_BYTES = 5 };

/* The head is written last, before the first message, in room that is left for it. */
struct frame {
        struct buffer bytes;
        size_t begin;
        uint64_t *tags;
        uint32_t n;
        uint32_t n_taken; /* accepted already, while others found no room */
        struct mono sent, resend;
        bool is_acked, is_out, is_resent;
};

struct producer {
        struct producer_settings settings;
        struct link *link;
        /* Requests `first` to `last` are in flight, but for those that were acknowledged before an older one; each
         * has its slot by its number. There is one slot more than the window has, for what a long message may push
         * beyond it. */
        struct frame *frames;
        uint32_t n_frames, n_in_flight;
        uint64_t first, last;
        struct buffer open; /* the open frame's messages, behind room for its head */
        uint64_t *open_tags;
        uint32_t n_open;
        bool is_open_plain; /* nothing but messages: MESSAGES can carry it */
        char *error;
};

static struct frame *frame_of(const struct producer *producer, uint64_t request) {
        return &producer->frames[request % producer->n_frames];
}

int producer_new(const char *endpoint, const struct producer_settings *settings, struct producer **ret) {
        CLEANUP_PRODUCER struct producer *producer = memory_new(1, sizeof *producer);
        int r;

        ENSURE(settings->frame_messages > 0 && settings->frame_messages <= LIMIT_FRAME_MESSAGES &&
               settings->window > 0);
        producer->settings = *settings;
        producer->n_frames = settings->window + 1;
        producer->first = 1;
        producer->is_open_plain = true;
        producer->frames = memory_new(producer->n_frames, sizeof *producer->frames);
        for (uint32_t i = 0; i < producer->n_frames; i++)
                producer->frames[i].tags = memory_new(settings->frame_messages, sizeof(uint64_t));
        producer->open_tags = memory_new(settings->frame_messages, sizeof(uint64_t));
        r = link_new(endpoint, &producer->link);
        if (r < 0)
                return r;
        *ret = TAKE(producer);
        return 0;
}

struct producer *producer_free(struct producer *producer) {
        if (!producer)
                return NULL;
        for (uint32_t i = 0; i < producer->n_frames; i++) {
                buffer_done(&producer->frames[i].bytes);
                free(producer->frames[i].tags);
        }
        link_free(producer->link);
        buffer_done(&producer->open);
        free(producer->open_tags);
        free(producer->frames);
        free(producer->error);
        free(producer);
        return NULL;
}

bool producer_has_room(const struct producer *producer) {
        return producer->last + 1 - producer->first < producer->settings.window;
}

uint32_t producer_in_flight(const struct producer *producer) { return producer->n_in_flight; }
int producer_fd(const struct producer *producer) { return link_fd(producer->link); }
const char *producer_error(const struct producer *producer) { return producer->error; }

/* -- out ----------------------------------------------------------------------------------------------------------- */

static void push_head(struct producer *producer, struct frame *frame) {
        uint8_t room[HEAD_BYTES];
        struct buffer head = {room, 0, sizeof room};

        if (producer->is_open_plain)
                wire_encode_messages(&head, producer->last, frame->n);
        else
                wire_encode_events(&head, producer->last, frame->n);
        frame->begin = HEAD_BYTES - head.len;
        memcpy(frame->bytes.data + frame->begin, head.data, head.len);
}

static struct bytes bytes_of_frame(const struct frame *frame) {
        return (struct bytes){frame->bytes.data + frame->begin, frame->bytes.len - frame->begin};
}

static void send_frame(struct producer *producer, struct frame *frame, struct mono now) {
        bool was_out = frame->is_out;

        frame->is_out = link_send(producer->link, bytes_of_frame(frame)) == 0;
        frame->is_resent = frame->is_resent || was_out;
        frame->resend = mono_add(now, span_ms(frame->is_out ? LIMIT_RESEND_MS : LIMIT_CTL_CONNECT_MS));
}

/* In the order of their numbers: the broker takes frames in the order in which they arrive, so none may overtake
 * one that has found no connection yet. */
static void send_due(struct producer *producer, struct mono now) {
        for (uint64_t request = producer->first; request <= producer->last; request++) {
                struct frame *frame = frame_of(producer, request);

                if (frame->is_acked)
                        continue;
                if (mono_is_due(now, frame->resend))
                        send_frame(producer, frame, now);
                if (!frame->is_out)
                        return;
        }
}

void producer_flush(struct producer *producer, struct mono now) {
        struct frame *frame = frame_of(producer, producer->last + 1);
        struct buffer bytes = frame->bytes;
        uint64_t *tags = frame->tags;

        if (producer->n_open == 0)
                return;
        ENSURE(producer->last + 1 - producer->first < producer->n_frames);
        frame->tags = producer->open_tags;
        producer->open_tags = tags;
        frame->n = producer->n_open;
        frame->n_taken = 0;
        frame->sent = frame->resend = now;
        frame->is_acked = frame->is_out = frame->is_resent = false;
        frame->bytes = producer->open;
        producer->open = bytes;
        buffer_clear(&producer->open);
        producer->last++;
        push_head(producer, frame);
        producer->n_open = 0;
        producer->is_open_plain = true;
        producer->n_in_flight++;
        send_due(producer, now);
}

static size_t size_of(const struct wire_message *message) {
        size_t n_bytes = message->tenant.len + message->thread.len + message->id.len + message->channel.len +
                         message->body.len + MESSAGE_OVERHEAD_BYTES;

        for (uint32_t i = 0; i < message->n_aliases; i++)
                n_bytes += message->aliases[i].len + ALIAS_OVERHEAD_BYTES;
        return n_bytes;
}

void producer_push(struct producer *producer, uint64_t tag, const struct wire_message *message, struct mono now) {
        if (producer->open.len + size_of(message) > LIMIT_FRAME_BYTES)
                producer_flush(producer, now);
        if (producer->n_open == 0) {
                buffer_reserve(&producer->open, HEAD_BYTES);
                producer->open.len = HEAD_BYTES;
        }
        wire_encode_message(&producer->open, message);
        producer->is_open_plain = producer->is_open_plain && wire_is_plain(message);
        producer->open_tags[producer->n_open++] = tag;
        if (producer->n_open == producer->settings.frame_messages)
                producer_flush(producer, now);
}

/* -- in ------------------------------------------------------------------------------------------------------------ */

/* Is something refused that will be taken when there is room? Then the frame comes again. */
static bool has_no_room(struct producer *producer, struct frame *frame, const struct wire_ack *ack) {
        struct pack_reader reader = ack->refusals;
        struct wire_refusal refusal;

        for (uint32_t i = 0; producer->settings.on_full && i < ack->n_refusals; i++) {
                if (wire_refusal_next(&reader, &refusal) < 0 || !wire_is_passing(refusal.code))
                        continue;
                frame->n_taken += ack->n_accepted;
                producer->settings.on_full(producer->settings.context, refusal.code);
                return true;
        }
        return false;
}

/* What was taken before the others found room is called a duplicate when it comes again. */
static void count_taken(const struct frame *frame, struct wire_ack *ack) {
        uint32_t n = frame->n_taken < ack->n_duplicates ? frame->n_taken : ack->n_duplicates;

        ack->n_accepted += n;
        ack->n_duplicates -= n;
}

static void on_ack(struct producer *producer, struct bytes body) {
        struct producer_frame seen;
        struct frame *frame;
        struct wire_ack ack;

        if (wire_decode_ack(body, &ack) < 0 || ack.request < producer->first || ack.request > producer->last)
                return;
        frame = frame_of(producer, ack.request);
        /* Sent twice, acknowledged twice. */
        if (frame->is_acked || has_no_room(producer, frame, &ack))
                return;
        count_taken(frame, &ack);
        frame->is_acked = true;
        producer->n_in_flight--;
        seen = (struct producer_frame){frame->tags, frame->n, frame->sent, frame->is_resent, &ack};
        while (producer->first <= producer->last && frame_of(producer, producer->first)->is_acked)
                producer->first++;
        producer->settings.on_ack(producer->settings.context, &seen);
}

static void on_error(struct producer *producer, struct bytes body) {
        struct bytes code, why;

        if (wire_decode_error(body, &code, &why) < 0)
                return;
        free(producer->error);
        producer->error = memory_print("%.*s: %.*s", BYTES_PRINT(code), BYTES_PRINT(why));
}

static void receive(struct producer *producer) {
        struct bytes frame, body;
        enum wire_type type;

        while (link_receive(producer->link, &frame) == 0) {
                if (wire_open(frame, &type, &body) < 0)
                        continue;
                if (type == WIRE_ACK)
                        on_ack(producer, body);
                else if (type == WIRE_ERROR)
                        on_error(producer, body);
        }
}

void producer_step(struct producer *producer, struct mono now) {
        receive(producer);
        send_due(producer, now);
        /* A send may have eaten the edge of a receive (link.h). */
        receive(producer);
}

struct span producer_wait(const struct producer *producer, struct mono now) {
        struct mono next = MONO_NEVER;

        for (uint64_t request = producer->first; request <= producer->last; request++)
                if (!frame_of(producer, request)->is_acked)
                        next = mono_min(next, frame_of(producer, request)->resend);
        return span_max(mono_since(next, now), span_us(0));
}
