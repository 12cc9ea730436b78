#include "common/lines.h"

#include "common/limits.h"

#include <string.h>

void lines_done(struct lines *lines) { buffer_done(&lines->bytes); }

uint8_t *lines_reserve(struct lines *lines, size_t len) {
        size_t left = lines->bytes.len - lines->at;

        if (left > 0)
                memmove(lines->bytes.data, lines->bytes.data + lines->at, left);
        lines->bytes.len = left;
        lines->at = 0;
        return buffer_reserve(&lines->bytes, len);
}

void lines_push(struct lines *lines, size_t len) {
        lines->bytes.len += len;
        lines->is_at_end = len == 0;
}

static bool take(struct lines *lines, size_t len, size_t taken, struct line *ret) {
        *ret = (struct line){{lines->bytes.data + lines->at, len}, ++lines->n, lines->is_cutting};
        if (lines->is_cutting)
                ret->text = BYTES_NONE;
        lines->is_cutting = false;
        lines->searched = 0;
        lines->at += taken;
        return true;
}

bool lines_pop(struct lines *lines, struct line *ret) {
        size_t left = lines->bytes.len - lines->at;
        const uint8_t *from = lines->bytes.data ? lines->bytes.data + lines->at : NULL;
        const uint8_t *newline =
                left > lines->searched ? memchr(from + lines->searched, '\n', left - lines->searched) : NULL;

        if (newline)
                return take(lines, (size_t)(newline - from), (size_t)(newline - from) + 1, ret);
        if (lines->is_at_end && (left > 0 || lines->is_cutting))
                return take(lines, left, left, ret);
        lines->searched = left;
        if (left > LIMIT_LINE_BYTES) {
                lines->is_cutting = true;
                lines->at += left;
                lines->searched = 0;
        }
        return false;
}
