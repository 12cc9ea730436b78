/* Strangers' bytes in a log line: it stays one line. */
#include "common/log.h"

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        struct bytes one = input_pop_chunk(&input), two = input_pop_rest(&input);
        CLEANUP_FREE char *line = NULL;
        FILE *before = stderr;
        size_t line_len = 0;

        stderr = open_memstream(&line, &line_len);
        ENSURE(stderr);
        log_error("fuzz", LOG_BYTES("thread", one), LOG_BYTES("why", two), LOG_NUMBER("bytes", two.len));
        fclose(stderr);
        stderr = before;
        ENSURE(line_len > 0 && memchr(line, '\n', line_len) == line + line_len - 1);
        for (size_t i = 0; i + 1 < line_len; i++)
                ENSURE((uint8_t)line[i] >= ' ' && line[i] != 0x7f);
        ENSURE(bytes_is_utf8((struct bytes){line, line_len}));
        return 0;
}
