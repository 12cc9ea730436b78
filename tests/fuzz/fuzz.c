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

int fuzz_recode_error(struct bytes body, struct buffer *ret) {
        struct bytes code, why;

        if (wire_decode_error(body, &code, &why) < 0)
                return -EBADMSG;
        fuzz_check_within(code, body);
        fuzz_check_within(why, body);
        wire_encode_error(ret, code, why);
        return 0;
}
