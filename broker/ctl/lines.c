#include "broker/ctl/lines.h"

#include <errno.h>
#include <string.h>

void lines_init(struct lines *lines, size_t len_max) { *lines = (struct lines){.len_max = len_max}; }
void lines_done(struct lines *lines) { buffer_done(&lines->bytes); }

void lines_push(struct lines *lines, const void *data, size_t len) {
        size_t left = lines->bytes.len - lines->at;

        if (lines->at > 0 && left > 0)
                memmove(lines->bytes.data, lines->bytes.data + lines->at, left);
        lines->bytes.len = left;
        lines->at = 0;
        buffer_push(&lines->bytes, data, len);
}

void lines_end(struct lines *lines) {
        if (lines->bytes.len > lines->at)
                lines_push(lines, "\n", 1);
}

/* Drops an unfinished line that has already become too long. */
static int skip(struct lines *lines) {
        lines->at = lines->bytes.len;
        if (lines->is_skipping)
                return 1;
        lines->is_skipping = true;
        return -E2BIG;
}

int lines_pop(struct lines *lines, struct bytes *ret) {
        const uint8_t *begin = lines->bytes.data ? lines->bytes.data + lines->at : NULL;
        size_t left = lines->bytes.len - lines->at, len;
        const uint8_t *end = left > 0 ? memchr(begin, '\n', left) : NULL;
        bool was_skipping = lines->is_skipping;

        if (!end)
                return left > lines->len_max || was_skipping ? skip(lines) : 1;
        len = (size_t)(end - begin);
        lines->at += len + 1;
        lines->is_skipping = false;
        if (was_skipping)
                return lines_pop(lines, ret);
        if (len > lines->len_max)
                return -E2BIG;
        if (len > 0 && begin[len - 1] == '\r')
                len--;
        *ret = (struct bytes){begin, len};
        return 0;
}
