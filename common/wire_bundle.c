/* BUNDLE: what one peer is told at once, in one frame. */
#include "common/wire_private.h"

#include "common/ensure.h"

enum {
        BUNDLE_FIELDS = 1,
        /* The count and the lengths are known only when what they count is there: MessagePack's four-byte forms, which
         * have one place whatever they say. */
        HEAD_LEN = 5,
        ARRAY_32 = 0xdd,
        BIN_32 = 0xc6,
};

static size_t reserve_head(struct buffer *buffer) {
        size_t at = buffer->len;

        buffer_reserve(buffer, HEAD_LEN);
        buffer->len += HEAD_LEN;
        return at;
}

static void fill_head(struct buffer *buffer, size_t at, uint8_t what, size_t n) {
        ENSURE(n <= UINT32_MAX);
        buffer->data[at] = what;
        for (int i = 0; i < HEAD_LEN - 1; i++)
                buffer->data[at + 1 + (size_t)i] = (uint8_t)(n >> 8 * (HEAD_LEN - 2 - i));
}

void wire_begin_bundle(struct buffer *buffer, struct wire_bundle *ret) {
        *ret = (struct wire_bundle){.at = buffer->len};
        wire_push_type(buffer, WIRE_BUNDLE);
        pack_push_array(buffer, BUNDLE_FIELDS);
        ret->count_at = reserve_head(buffer);
}

void wire_begin_bundled(struct buffer *buffer, struct wire_bundle *bundle) {
        bundle->last_at = reserve_head(buffer);
        bundle->n++;
}

void wire_end_bundled(struct buffer *buffer, struct wire_bundle *bundle) {
        fill_head(buffer, bundle->last_at, BIN_32, buffer->len - bundle->last_at - HEAD_LEN);
}

struct bytes wire_take_bundled(struct buffer *buffer, struct wire_bundle *bundle) {
        size_t at = bundle->last_at + HEAD_LEN;
        struct bytes frame = {buffer->data + at, buffer->len - at};

        ENSURE(bundle->n > 1);
        bundle->n--;
        buffer->len = bundle->last_at;
        return frame;
}

struct bytes wire_end_bundle(struct buffer *buffer, struct wire_bundle *bundle) {
        size_t only = bundle->count_at + 2 * HEAD_LEN;

        fill_head(buffer, bundle->count_at, ARRAY_32, bundle->n);
        if (bundle->n == 1)
                return (struct bytes){buffer->data + only, buffer->len - only};
        return (struct bytes){buffer->data + bundle->at, buffer->len - bundle->at};
}

int wire_decode_bundle(struct bytes body, uint32_t *ret_n, struct pack_reader *ret_reader) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        uint32_t n = pack_pop_array(&reader);

        if (wire_verdict(&reader, n_fields >= BUNDLE_FIELDS && n <= LIMIT_BUNDLE_FRAMES) < 0)
                return -EBADMSG;
        *ret_n = n;
        *ret_reader = reader;
        return 0;
}

int wire_bundled_next(struct pack_reader *reader, struct bytes *ret) {
        struct bytes frame = pack_pop_bytes(reader);

        if (wire_verdict(reader, true) < 0)
                return -EBADMSG;
        *ret = frame;
        return 0;
}
