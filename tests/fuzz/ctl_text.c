/* Strangers' text on an operator's terminal. The first byte is a width. */
#include "broker/ctl/text.h"

#include "tests/fuzz/fuzz.h"

/* Nothing that steers a terminal or reorders a line is left. */
static void check_safe(struct bytes text, bool has_lines) {
        const uint8_t *data = text.data;

        ENSURE(bytes_is_utf8(text));
        for (size_t i = 0; i < text.len; i++) {
                ENSURE(data[i] >= ' ' || (has_lines && (data[i] == '\n' || data[i] == '\t')));
                ENSURE(data[i] != 0x7f);
                /* U+0080 to U+009F */
                ENSURE(i + 1 == text.len || data[i] != 0xc2 || data[i + 1] >= 0xa0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        size_t width = input_pop_byte(&input);
        struct bytes text = input_pop_rest(&input), clipped;
        CLEANUP_BUFFER struct buffer safe = {0};
        CLEANUP_BUFFER struct buffer again = {0};
        CLEANUP_BUFFER struct buffer lines = {0};

        text_push_safe(&safe, text);
        check_safe(buffer_bytes(&safe), false);
        text_push_safe(&again, buffer_bytes(&safe));
        ENSURE(bytes_is_equal(buffer_bytes(&safe), buffer_bytes(&again)));
        text_push_lines(&lines, text);
        check_safe(buffer_bytes(&lines), true);
        clipped = text_clip(buffer_bytes(&safe), width);
        fuzz_check_within(clipped, buffer_bytes(&safe));
        ENSURE(bytes_is_utf8(clipped) && text_width(clipped) <= width);
        text_push_when(&again, buffer_text(&safe), (struct wall){1795000000000});
        check_safe(buffer_bytes(&again), false);
        return 0;
}
