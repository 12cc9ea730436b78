/* The head of an HTTP request: the target in the first line, then a field a line, "name: value". */
#include "common/memory.h"
#include "ingest/core/head.h"
#include "ingest/core/path.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_path(const char *target) {
        CLEANUP_PATH struct path path = {0};

        if (path_decode(target, &path) < 0)
                return;
        ENSURE(*target == '/' && path.n <= LIMIT_PATH_SEGMENTS);
        for (uint32_t i = 0; i < path.n; i++) {
                fuzz_check_within(path.segments[i], (struct bytes){path.memory, strlen(target) + 1});
                ENSURE(path.segments[i].len == 0 || !memchr(path.segments[i].data, 0, path.segments[i].len));
        }
}

/* Cut at its first colon; without one the value is NULL. */
static void push_field(struct head *head, struct bytes line) {
        CLEANUP_FREE char *name = bytes_copy_text(line);
        char *colon = strchr(name, ':');

        if (colon)
                *colon++ = '\0';
        if (colon && *colon == ' ')
                colon++;
        head_push_field(head, name, colon);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        CLEANUP_FREE char *target = bytes_copy_text(input_pop_line(&input));
        struct head head = {0};

        check_path(target);
        head_push_target(&head, target);
        while (input.left > 0)
                push_field(&head, input_pop_line(&input));
        if (!head_fault_find(&head))
                ENSURE(head.n_lengths + head.n_codings <= 1 && !strpbrk(target, " \t\r\n"));
        return 0;
}
