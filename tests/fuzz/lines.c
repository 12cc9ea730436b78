/* A stream of NDJSON in pieces of any size: the lines are those of the stream as a whole, and each is a message or a
 * fault that names its line. */
#include "common/lines.h"

#include "common/item.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_item(const struct line *line) {
        CLEANUP_BUFFER struct buffer body = {0};
        struct item_fault fault = {0};
        struct wire_message message;
        struct wire_body said;
        struct item item;

        if (item_decode_line(line->text, line->number, &item, &fault) < 0) {
                ENSURE(fault.code && strstr(fault.why, "line "));
                free(fault.why);
                return;
        }
        message = item_to_message(&item, &body);
        ENSURE(wire_decode_body(message.body, &said) == 0 && bytes_is_equal(said.text, item.body.text));
        if (item_check(&message, LIMIT_MESSAGE_BYTES_DEFAULT, &fault) < 0)
                free(fault.why);
        item_done(&item);
}

static void check_lines(struct lines *lines, struct input *whole) {
        struct line line;

        while (lines_pop(lines, &line)) {
                ENSURE(!line.is_too_long && line.number == lines->n);
                ENSURE(whole->left > 0 && bytes_is_equal(line.text, input_pop_line(whole)));
                check_item(&line);
        }
}

/* The first byte is the size of the pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        size_t size = (size_t)input_pop_byte(&input) + 1;
        struct input whole = input;
        struct lines lines = {0};

        while (input.left > 0) {
                size_t n = size < input.left ? size : input.left;

                memcpy(lines_reserve(&lines, n), input.at, n);
                input.at += n;
                input.left -= n;
                lines_push(&lines, n);
                check_lines(&lines, &whole);
        }
        lines_push(&lines, 0);
        check_lines(&lines, &whole);
        ENSURE(whole.left == 0);
        lines_done(&lines);
        return 0;
}
