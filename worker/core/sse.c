#include "worker/core/sse.h"

#include "common/limits.h"

#include <errno.h>
#include <string.h>

void sse_done(struct sse *sse) {
        buffer_done(&sse->line);
        buffer_done(&sse->name);
        buffer_done(&sse->data);
        *sse = (struct sse){0};
}

static void skip(struct bytes *bytes, size_t n) {
        bytes->data = (const char *)bytes->data + n;
        bytes->len -= n;
}

/* Up to the end of a line, or of the chunk. */
static size_t line_len(struct bytes chunk) {
        const char *feed = memchr(chunk.data, '\n', chunk.len);
        size_t len = feed ? (size_t)(feed - (const char *)chunk.data) : chunk.len;
        const char *back = memchr(chunk.data, '\r', len);

        return back ? (size_t)(back - (const char *)chunk.data) : len;
}

/* 1: sse->line is a whole line. 0: the chunk is used up before its end. */
static int pop_line(struct sse *sse, struct bytes *chunk) {
        size_t len;

        if (chunk->len > 0 && sse->is_after_cr) {
                sse->is_after_cr = false;
                if (*(const char *)chunk->data == '\n')
                        skip(chunk, 1);
        }
        if (chunk->len == 0)
                return 0;
        len = line_len(*chunk);
        if (sse->line.len + len > LIMIT_SSE_EVENT_BYTES)
                return -EMSGSIZE;
        buffer_push(&sse->line, chunk->data, len);
        skip(chunk, len);
        if (chunk->len == 0)
                return 0;
        sse->is_after_cr = *(const char *)chunk->data == '\r';
        skip(chunk, 1);
        return 1;
}

/* What the line says behind "FIELD:" and one space; `field` itself alone says nothing, which is something. */
static bool is_field(struct bytes line, const char *field, struct bytes *ret) {
        size_t len = strlen(field);

        if (line.len < len || memcmp(line.data, field, len) != 0)
                return false;
        skip(&line, len);
        if (line.len > 0 && *(const char *)line.data != ':')
                return false;
        skip(&line, line.len > 0 ? 1 : 0);
        if (line.len > 0 && *(const char *)line.data == ' ')
                skip(&line, 1);
        *ret = line;
        return true;
}

static int read_line(struct sse *sse, struct bytes line) {
        struct bytes value;

        if (is_field(line, "data", &value)) {
                if (sse->data.len + value.len + 1 > LIMIT_SSE_EVENT_BYTES)
                        return -EMSGSIZE;
                if (sse->n_lines++ > 0)
                        buffer_push(&sse->data, "\n", 1);
                buffer_push(&sse->data, value.data, value.len);
        } else if (is_field(line, "event", &value)) {
                buffer_clear(&sse->name);
                buffer_push(&sse->name, value.data, value.len);
        }
        return 0;
}

static void forget_event(struct sse *sse) {
        buffer_clear(&sse->name);
        buffer_clear(&sse->data);
        sse->n_lines = 0;
        sse->is_given = false;
}

/* An empty line has come. 1 and the event, or 0: there was no data, so there is none. */
static int give_event(struct sse *sse, struct sse_event *ret_event) {
        if (sse->n_lines == 0) {
                forget_event(sse);
                return 0;
        }
        sse->is_given = true;
        *ret_event = (struct sse_event){.name = buffer_bytes(&sse->name), .data = buffer_bytes(&sse->data)};
        return 1;
}

/* sse->line, without the mark that may stand before the first one. */
static struct bytes take_line(struct sse *sse) {
        static const char mark[] = "\xef\xbb\xbf";
        struct bytes line = buffer_bytes(&sse->line);

        if (!sse->is_begun && line.len >= 3 && memcmp(line.data, mark, 3) == 0)
                skip(&line, 3);
        sse->is_begun = true;
        buffer_clear(&sse->line); /* the bytes stay where they are until the next push */
        return line;
}

int sse_pop(struct sse *sse, struct bytes *chunk, struct sse_event *ret_event) {
        int r;

        if (sse->is_given)
                forget_event(sse);
        while ((r = pop_line(sse, chunk)) > 0) {
                struct bytes line = take_line(sse);

                r = line.len > 0 ? read_line(sse, line) : give_event(sse, ret_event);
                if (r != 0)
                        return r;
        }
        return r;
}

int sse_pop_last(struct sse *sse, struct sse_event *ret_event) {
        struct bytes line;

        if (sse->is_given)
                forget_event(sse);
        line = take_line(sse);
        if (line.len > 0 && read_line(sse, line) < 0)
                return 0;
        return give_event(sse, ret_event);
}
