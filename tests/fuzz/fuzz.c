#include "tests/fuzz/fuzz.h"

#include "common/wire.h"

#include <errno.h>
#include <string.h>

static struct bytes pop(struct input *input, size_t len) {
        struct bytes bytes = {input->at, len < input->left ? len : input->left};

        input->at += bytes.len;
        input->left -= bytes.len;
        return bytes;
}

uint8_t input_pop_byte(struct input *input) {
        struct bytes byte = pop(input, 1);

        return byte.len > 0 ? *(const uint8_t *)byte.data : 0;
}

struct bytes input_pop_chunk(struct input *input) {
        size_t len = input_pop_byte(input);

        return pop(input, len);
}

struct bytes input_pop_line(struct input *input) {
        const uint8_t *newline = input->left > 0 ? memchr(input->at, '\n', input->left) : NULL;
        struct bytes line = pop(input, newline ? (size_t)(newline - input->at) : input->left);

        pop(input, 1);
        return line;
}

struct bytes input_pop_rest(struct input *input) {
        return pop(input, input->left);
}

void fuzz_check_within(struct bytes part, struct bytes whole) {
        uintptr_t begin = (uintptr_t)part.data, from = (uintptr_t)whole.data;

        ENSURE(part.len == 0 || (begin >= from && part.len <= whole.len && begin - from <= whole.len - part.len));
}

void fuzz_check_recode(int (*recode)(struct bytes bytes, struct buffer *ret), struct bytes bytes) {
        CLEANUP_BUFFER struct buffer once = {0};
        CLEANUP_BUFFER struct buffer twice = {0};

        if (recode(bytes, &once) < 0)
                return;
        ENSURE(recode(buffer_bytes(&once), &twice) == 0);
        ENSURE(bytes_is_equal(buffer_bytes(&once), buffer_bytes(&twice)));
}

int fuzz_recode_bundle(int (*recode)(struct bytes frame, struct buffer *ret), struct bytes body, struct buffer *ret) {
        struct wire_bundle bundle;
        struct pack_reader reader;
        struct bytes frame;
        uint32_t n;

        if (wire_decode_bundle(body, &n, &reader) < 0)
                return -EBADMSG;
        ENSURE(n <= LIMIT_BUNDLE_FRAMES);
        wire_begin_bundle(ret, &bundle);
        for (uint32_t i = 0; i < n; i++) {
                if (wire_bundled_next(&reader, &frame) < 0)
                        return -EBADMSG;
                fuzz_check_within(frame, body);
                if (frame.len == 0 || ((const uint8_t *)frame.data)[0] != (WIRE_VERSION << 5 | WIRE_BUNDLE))
                        fuzz_check_recode(recode, frame); /* a bundle in a bundle is refused */
                wire_begin_bundled(ret, &bundle);
                buffer_push(ret, frame.data, frame.len);
                wire_end_bundled(ret, &bundle);
        }
        wire_end_bundle(ret, &bundle);
        return 0;
}

int fuzz_recode_error(struct bytes body, struct buffer *ret) {
        struct bytes code, why;

        if (wire_decode_error(body, &code, &why) < 0)
                return -EBADMSG;
        fuzz_check_within(code, body);
        fuzz_check_within(why, body);
        wire_encode_error(ret, code, why);
        return 0;
}
