#include "ingest/core/path.h"

#include "common/memory.h"

#include <errno.h>
#include <string.h>

/* Decodes `text` into `into`, which has as much room; the result is never longer. */
static int decode_segment(struct bytes text, char *into, size_t *ret_len) {
        const char *from = text.data;
        size_t len = 0;

        for (size_t i = 0; i < text.len; i++) {
                int c = (unsigned char)from[i], high, low;

                if (c == '%') {
                        high = i + 2 < text.len ? bytes_hex_value((uint8_t)from[i + 1]) : -1;
                        low = i + 2 < text.len ? bytes_hex_value((uint8_t)from[i + 2]) : -1;
                        if (high < 0 || low < 0)
                                return -EBADMSG;
                        c = high * 16 + low;
                        i += 2;
                }
                if (c == '\0')
                        return -EBADMSG;
                into[len++] = (char)c;
        }
        *ret_len = len;
        return 0;
}

void path_done(struct path *path) {
        free(path->memory);
        *path = (struct path){0};
}

int path_decode(const char *target, struct path *ret) {
        size_t left = strcspn(target, "?#");
        CLEANUP_FREE char *memory = memory_new(left + 1, 1);
        struct path path = {0};
        char *into = memory;

        if (*target != '/')
                return -EBADMSG;
        while (left > 0) {
                size_t len = strcspn(target + 1, "/?#");
                struct bytes *segment = &path.segments[path.n];

                if (path.n++ == LIMIT_PATH_SEGMENTS ||
                    decode_segment((struct bytes){target + 1, len}, into, &segment->len) < 0)
                        return -EBADMSG;
                segment->data = into;
                into += segment->len;
                target += len + 1;
                left -= len + 1;
        }
        path.memory = TAKE(memory);
        *ret = path;
        return 0;
}

static bool is_event_name(struct bytes step) {
        const char *text = step.data;

        for (size_t i = 0; i < step.len; i++)
                if (text[i] != '-' && (text[i] < 'a' || text[i] > 'z'))
                        return false;
        return step.len > 0;
}

bool path_is_hook(const struct path *path) {
        if (path->n < 3 || path->n > 4 || !bytes_is_text(path->segments[0], "hooks"))
                return false;
        return path->n == 3 || is_event_name(path->segments[3]);
}
