#include "worker/core/stencil.h"

#include <string.h>

void stencil_done(struct stencil *stencil) {
        buffer_done(&stencil->before);
        buffer_done(&stencil->after);
}

void stencil_clear(struct stencil *stencil) {
        buffer_clear(&stencil->before);
        buffer_clear(&stencil->after);
}

/* Where `part` stands in `whole`, if it does exactly once; else NULL. */
static const char *find_once(struct bytes whole, struct bytes part) {
        const char *end = (const char *)whole.data + whole.len;
        const char *at = memmem(whole.data, whole.len, part.data, part.len);

        if (!at || memmem(at + 1, (size_t)(end - at - 1), part.data, part.len))
                return NULL;
        return at;
}

/* Without an escape anywhere each string stands as it is. So the text does, between its quotation marks: what stands
 * there once is the text, and neither a name nor another string like it. */
void stencil_set(struct stencil *stencil, struct bytes event, struct bytes text) {
        const char *end = (const char *)event.data + event.len;
        CLEANUP_BUFFER struct buffer quoted = {0};
        const char *at;

        stencil_clear(stencil);
        if (memchr(event.data, '\\', event.len))
                return;
        buffer_push(&quoted, "\"", 1);
        buffer_push(&quoted, text.data, text.len);
        buffer_push(&quoted, "\"", 1);
        at = find_once(event, buffer_bytes(&quoted));
        if (!at)
                return;
        buffer_push(&stencil->before, event.data, (size_t)(at + 1 - (const char *)event.data));
        buffer_push(&stencil->after, at + 1 + text.len, (size_t)(end - at) - 1 - text.len);
}

/* One that stands in JSON as it is. */
static bool is_plain(struct bytes text) {
        const unsigned char *at = text.data;

        for (size_t i = 0; i < text.len; i++)
                if (at[i] < ' ' || at[i] == '"' || at[i] == '\\')
                        return false;
        return bytes_is_utf8(text);
}

bool stencil_find(const struct stencil *stencil, struct bytes event, struct bytes *ret) {
        const struct buffer *before = &stencil->before, *after = &stencil->after;
        const char *data = event.data;
        struct bytes text;

        if (before->len == 0 || event.len < before->len + after->len)
                return false;
        text = (struct bytes){data + before->len, event.len - before->len - after->len};
        if (memcmp(data, before->data, before->len) != 0 ||
            memcmp(data + before->len + text.len, after->data, after->len) != 0 || !is_plain(text))
                return false;
        *ret = text;
        return true;
}
