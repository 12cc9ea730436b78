/* A stream of server-sent events. The first byte says how large its chunks are; however they are cut, the events must
 * be the same. */
#include "tests/fuzz/fuzz.h"
#include "worker/core/sse.h"

#include <errno.h>

/* Each event, with lengths before its parts. */
static int read_in_chunks(struct bytes stream, size_t size, struct buffer *ret) {
        CLEANUP_SSE struct sse sse = {0};
        struct sse_event event;
        int r = 0;

        for (size_t at = 0; at < stream.len; at += size) {
                struct bytes chunk = {(const char *)stream.data + at, size < stream.len - at ? size : stream.len - at};

                while ((r = sse_pop(&sse, &chunk, &event)) > 0) {
                        buffer_print(ret, "%zu %zu ", event.name.len, event.data.len);
                        buffer_push(ret, event.name.data, event.name.len);
                        buffer_push(ret, event.data.data, event.data.len);
                }
                ENSURE(r == -EMSGSIZE || chunk.len == 0);
                if (r < 0)
                        return r;
        }
        if (sse_pop_last(&sse, &event) > 0)
                buffer_push(ret, event.data.data, event.data.len);
        ENSURE(sse_pop_last(&sse, &event) == 0);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        CLEANUP_BUFFER struct buffer whole = {0}, cut = {0};
        struct input input = {data, len};
        size_t size = 1 + input_pop_byte(&input) % 16;
        struct bytes stream = input_pop_rest(&input);

        ENSURE(read_in_chunks(stream, stream.len + 1, &whole) == read_in_chunks(stream, size, &cut));
        ENSURE(bytes_is_equal(buffer_bytes(&whole), buffer_bytes(&cut)));
        return 0;
}
