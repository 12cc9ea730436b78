#include "common/wire_private.h"

enum {
        TYPE_MASK = (1 << WIRE_TYPE_BITS) - 1,
        ALIVE_FIELDS = 2, /* before lull/1.1 */
        HELLO_FIELDS = 5, /* before lull/1.3 */
        WELCOME_FIELDS = 4,
};

int wire_open(struct bytes frame, enum wire_type *ret_type, struct bytes *ret_body) {
        const uint8_t *data = frame.data;
        int type;

        if (frame.len == 0)
                return -EBADMSG;
        if (data[0] >> WIRE_TYPE_BITS != WIRE_VERSION)
                return -EPROTONOSUPPORT;
        type = data[0] & TYPE_MASK;
        if (type < WIRE_MESSAGES || type > WIRE_BUNDLE)
                return -EBADMSG;
        *ret_type = (enum wire_type)type;
        *ret_body = (struct bytes){data + 1, frame.len - 1};
        return 0;
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
        hello.takes_bundles = false;
        if (wire_verdict(&reader, n_fields >= HELLO_FIELDS && hello.uuid.len == WIRE_UUID_LEN &&
                                          hello.slots <= LIMIT_SLOTS && hello.n_held <= LIMIT_SLOTS &&
                                          hello.version.len <= LIMIT_VERSION_LEN) < 0)
                return -EBADMSG;
        if (n_fields > HELLO_FIELDS) {
                pack_skip(&reader, hello.n_held);
                hello.takes_bundles = wire_pop_bool(&reader);
        }
        if (wire_verdict(&reader, true) < 0)
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
        welcome.takes_bundles = n_fields > WELCOME_FIELDS && wire_pop_bool(&reader);
        if (wire_verdict(&reader, n_fields >= WELCOME_FIELDS) < 0)
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
        pack_push_array(buffer, HELLO_FIELDS + 1);
        pack_push_bin(buffer, hello->uuid);
        pack_push_uint(buffer, hello->incarnation);
        pack_push_uint(buffer, hello->slots);
        pack_push_str(buffer, hello->version);
        pack_push_array(buffer, hello->n_held);
}

void wire_encode_hello_end(struct buffer *buffer, const struct wire_hello *hello) {
        pack_push_uint(buffer, hello->takes_bundles);
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
        pack_push_array(buffer, WELCOME_FIELDS + 1);
        pack_push_uint(buffer, welcome->epoch);
        wire_push_ms(buffer, welcome->lease);
        wire_push_ms(buffer, welcome->alive);
        pack_push_str(buffer, welcome->version);
        pack_push_uint(buffer, welcome->takes_bundles);
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
