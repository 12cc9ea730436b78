#include "common/wire_private.h"

enum {
        TYPE_MASK = (1 << WIRE_TYPE_BITS) - 1,
        ALIVE_FIELDS = 2, /* before lull/1.1 */
};

int wire_open(struct bytes frame, enum wire_type *ret_type, struct bytes *ret_body) {
        const uint8_t *data = frame.data;
        int type;

        if (frame.len == 0)
                return -EBADMSG;
        if (data[0] >> WIRE_TYPE_BITS != WIRE_VERSION)
                return -EPROTONOSUPPORT;
        type = data[0] & TYPE_MASK;
        if (type < WIRE_MESSAGES || type > WIRE_HEARD)
                return -EBADMSG;
        *ret_type = (enum wire_type)type;
        *ret_body = (struct bytes){data + 1, frame.len - 1};
        return 0;
}

/* -- producers ----------------------------------------------------------------------------------------------------- */

int wire_decode_messages(struct bytes body, uint64_t *ret_request, uint32_t *ret_n, struct pack_reader *ret_reader) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        uint64_t request = pack_pop_uint(&reader);
        uint32_t n = pack_pop_array(&reader);

        if (wire_verdict(&reader, n_fields >= 2 && n <= LIMIT_FRAME_MESSAGES) < 0)
                return -EBADMSG;
        *ret_request = request;
        *ret_n = n;
        *ret_reader = reader;
        return 0;
}

int wire_message_next(struct pack_reader *reader, struct wire_message *ret) {
        uint32_t n_fields = pack_pop_array(reader);
        struct wire_message message;

        message.tenant = pack_pop_bytes(reader);
        message.thread = pack_pop_bytes(reader);
        message.id = pack_pop_optional(reader);
        message.channel = pack_pop_optional(reader);
        message.body = pack_pop_bytes(reader);
        pack_pop_rest(reader, n_fields, 5);
        if (wire_verdict(reader, true) < 0)
                return -EBADMSG;
        *ret = message;
        return 0;
}

int wire_decode_body(struct bytes bytes, struct wire_body *ret) {
        struct pack_reader reader = pack_open(bytes);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_body body;
        bool is_text;

        body.at.ms = pack_pop_nil(&reader) ? 0 : pack_pop_int(&reader);
        body.from = pack_pop_optional(&reader);
        body.kind = pack_pop_optional(&reader);
        body.text = pack_pop_optional(&reader);
        body.data = pack_pop_optional(&reader);
        pack_pop_rest(&reader, n_fields, 5);
        is_text = bytes_is_utf8(body.from) && bytes_is_utf8(body.kind) && bytes_is_utf8(body.text) &&
                  bytes_is_utf8(body.data);
        if (wire_verdict(&reader, is_text && !pack_has_more(&reader)) < 0)
                return -EBADMSG;
        *ret = body;
        return 0;
}

int wire_decode_ack(struct bytes body, struct wire_ack *ret) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_ack ack;

        ack.request = pack_pop_uint(&reader);
        ack.n_accepted = wire_pop_u32(&reader);
        ack.n_duplicates = pack_pop_array(&reader);
        ack.duplicates = reader;
        pack_skip(&reader, ack.n_duplicates);
        ack.n_refusals = pack_pop_array(&reader);
        ack.refusals = reader;
        if (wire_verdict(&reader, n_fields >= 4) < 0)
                return -EBADMSG;
        *ret = ack;
        return 0;
}

int wire_refusal_next(struct pack_reader *reader, struct wire_refusal *ret) {
        uint32_t n_fields = pack_pop_array(reader);
        struct wire_refusal refusal;

        refusal.index = wire_pop_u32(reader);
        refusal.code = pack_pop_bytes(reader);
        refusal.why = pack_pop_bytes(reader);
        pack_pop_rest(reader, n_fields, 3);
        if (wire_verdict(reader, true) < 0)
                return -EBADMSG;
        *ret = refusal;
        return 0;
}

bool wire_is_passing(struct bytes code) {
        return bytes_is_text(code, "store_full") || bytes_is_text(code, "broker_full") ||
               bytes_is_text(code, "tenant_full");
}

void wire_encode_messages(struct buffer *buffer, uint64_t request, uint32_t n) {
        wire_push_type(buffer, WIRE_MESSAGES);
        pack_push_array(buffer, 2);
        pack_push_uint(buffer, request);
        pack_push_array(buffer, n);
}

void wire_encode_message(struct buffer *buffer, const struct wire_message *message) {
        pack_push_array(buffer, 5);
        pack_push_str(buffer, message->tenant);
        pack_push_str(buffer, message->thread);
        pack_push_optional(buffer, message->id);
        pack_push_optional(buffer, message->channel);
        pack_push_bin(buffer, message->body);
}

void wire_encode_body(struct buffer *buffer, const struct wire_body *body) {
        pack_push_array(buffer, 5);
        if (body->at.ms > 0)
                pack_push_uint(buffer, (uint64_t)body->at.ms);
        else
                pack_push_nil(buffer);
        pack_push_optional(buffer, body->from);
        pack_push_optional(buffer, body->kind);
        pack_push_optional(buffer, body->text);
        pack_push_optional(buffer, body->data);
}

void wire_encode_ack(struct buffer *buffer, uint64_t request, uint32_t n_accepted, const uint32_t *duplicates,
                     uint32_t n_duplicates, const struct wire_refusal *refusals, uint32_t n_refusals) {
        wire_push_type(buffer, WIRE_ACK);
        pack_push_array(buffer, 4);
        pack_push_uint(buffer, request);
        pack_push_uint(buffer, n_accepted);
        pack_push_array(buffer, n_duplicates);
        for (uint32_t i = 0; i < n_duplicates; i++)
                pack_push_uint(buffer, duplicates[i]);
        pack_push_array(buffer, n_refusals);
        for (uint32_t i = 0; i < n_refusals; i++) {
                pack_push_array(buffer, 3);
                pack_push_uint(buffer, refusals[i].index);
                pack_push_str(buffer, refusals[i].code);
                pack_push_str(buffer, refusals[i].why);
        }
}

/* -- workers: being there ------------------------------------------------------------------------------------------ */

int wire_decode_hello(struct bytes body, struct wire_hello *ret) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_hello hello;

        hello.uuid = pack_pop_bytes(&reader);
        hello.incarnation = pack_pop_uint(&reader);
        hello.slots = wire_pop_u32(&reader);
        hello.version = pack_pop_bytes(&reader);
        hello.n_held = pack_pop_array(&reader);
        hello.held = reader;
        if (wire_verdict(&reader, n_fields >= 5 && hello.uuid.len == WIRE_UUID_LEN && hello.slots <= LIMIT_SLOTS &&
                                          hello.n_held <= LIMIT_SLOTS && hello.version.len <= LIMIT_VERSION_LEN) < 0)
                return -EBADMSG;
        *ret = hello;
        return 0;
}

int wire_decode_welcome(struct bytes body, struct wire_welcome *ret) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_welcome welcome;

        welcome.epoch = wire_pop_u32(&reader);
        welcome.lease = wire_pop_ms(&reader);
        welcome.alive = wire_pop_ms(&reader);
        welcome.version = pack_pop_bytes(&reader);
        if (wire_verdict(&reader, n_fields >= 4) < 0)
                return -EBADMSG;
        *ret = welcome;
        return 0;
}

int wire_decode_alive(struct bytes body, struct wire_alive *ret) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_alive alive;

        alive.slots = wire_pop_u32(&reader);
        alive.n_held = pack_pop_array(&reader);
        alive.held = reader;
        alive.beat = 0;
        if (wire_verdict(&reader,
                         n_fields >= ALIVE_FIELDS && alive.slots <= LIMIT_SLOTS && alive.n_held <= LIMIT_SLOTS) < 0)
                return -EBADMSG;
        if (n_fields > ALIVE_FIELDS) {
                pack_skip(&reader, alive.n_held);
                alive.beat = pack_pop_uint(&reader);
        }
        if (wire_verdict(&reader, true) < 0)
                return -EBADMSG;
        *ret = alive;
        return 0;
}

int wire_decode_heard(struct bytes body, uint64_t *ret_beat) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        uint64_t beat = pack_pop_uint(&reader);

        if (wire_verdict(&reader, n_fields >= 1) < 0)
                return -EBADMSG;
        *ret_beat = beat;
        return 0;
}

int wire_held_next(struct pack_reader *reader, struct wire_held *ret) {
        uint32_t n_fields = pack_pop_array(reader);
        struct wire_held held;

        held.fence = pack_pop_uint(reader);
        held.batch = pack_pop_bytes(reader);
        pack_pop_rest(reader, n_fields, 2);
        if (wire_verdict(reader, held.batch.len == WIRE_BATCH_LEN) < 0)
                return -EBADMSG;
        *ret = held;
        return 0;
}

void wire_encode_hello(struct buffer *buffer, const struct wire_hello *hello) {
        wire_push_type(buffer, WIRE_HELLO);
        pack_push_array(buffer, 5);
        pack_push_bin(buffer, hello->uuid);
        pack_push_uint(buffer, hello->incarnation);
        pack_push_uint(buffer, hello->slots);
        pack_push_str(buffer, hello->version);
        pack_push_array(buffer, hello->n_held);
}

void wire_encode_alive(struct buffer *buffer, uint32_t slots, uint32_t n_held) {
        wire_push_type(buffer, WIRE_ALIVE);
        pack_push_array(buffer, ALIVE_FIELDS + 1);
        pack_push_uint(buffer, slots);
        pack_push_array(buffer, n_held);
}

void wire_encode_alive_end(struct buffer *buffer, uint64_t beat) { pack_push_uint(buffer, beat); }

void wire_encode_held(struct buffer *buffer, uint64_t fence, struct bytes batch) {
        pack_push_array(buffer, 2);
        pack_push_uint(buffer, fence);
        pack_push_str(buffer, batch);
}

void wire_encode_welcome(struct buffer *buffer, const struct wire_welcome *welcome) {
        wire_push_type(buffer, WIRE_WELCOME);
        pack_push_array(buffer, 4);
        pack_push_uint(buffer, welcome->epoch);
        wire_push_ms(buffer, welcome->lease);
        wire_push_ms(buffer, welcome->alive);
        pack_push_str(buffer, welcome->version);
}

void wire_encode_heard(struct buffer *buffer, uint64_t beat) {
        wire_push_type(buffer, WIRE_HEARD);
        pack_push_array(buffer, 1);
        pack_push_uint(buffer, beat);
}

void wire_encode_error(struct buffer *buffer, struct bytes code, struct bytes why) {
        wire_push_type(buffer, WIRE_ERROR);
        pack_push_array(buffer, 2);
        pack_push_str(buffer, code);
        pack_push_str(buffer, why);
}

int wire_decode_error(struct bytes body, struct bytes *ret_code, struct bytes *ret_why) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct bytes code = pack_pop_bytes(&reader);
        struct bytes why = pack_pop_bytes(&reader);

        if (wire_verdict(&reader, n_fields >= 2) < 0)
                return -EBADMSG;
        *ret_code = code;
        *ret_why = why;
        return 0;
}
