/* What a service that is asked over HTTP says beside a good answer: its status, the headers that say when to come
 * again, the body of its error. The first byte is the status, the second how it went; six lines are the headers, the
 * rest is the body. */
#include "common/memory.h"
#include "tests/fuzz/fuzz.h"
#include "worker/core/outcome.h"

#include <string.h>

static const struct wall now = {1795000000000};

static void check_span(struct span span) { ENSURE(span.us >= 0 && span.us <= span_s(LIMIT_RETRY_AFTER_MAX_S).us); }

static void check(const struct outcome *outcome) {
        size_t len = strlen(outcome->why);

        ENSURE(len <= LIMIT_WHY_LEN && bytes_is_utf8((struct bytes){outcome->why, len}));
        for (size_t i = 0; i < len; i++)
                ENSURE((unsigned char)outcome->why[i] >= ' ' && outcome->why[i] != 0x7f);
        ENSURE((outcome->kind == WIRE_DONE) == (outcome->code[0] == '\0'));
        ENSURE(outcome->provider <= WIRE_PROVIDER_UNPAID);
        /* Nobody's call does better for waiting a little. */
        ENSURE(outcome->provider != WIRE_PROVIDER_UNPAID || outcome->kind == WIRE_FAILED_FOR_GOOD);
        check_span(outcome->retry_after);
        check_span(outcome->pause);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        static const long statuses[] = {200, 204, 302, 400, 402, 404, 408, 409, 422, 423,
                                        425, 429, 500, 503, 529, 201, 100, 0,   -1,  999};
        struct input input = {data, len};
        struct outcome_response response = {.now = now, .detail = "fuzzed"};
        struct outcome outcome;
        char *lines[6];

        response.status = statuses[input_pop_byte(&input) % (sizeof statuses / sizeof *statuses)];
        response.transport = input_pop_byte(&input) % (OUTCOME_UNSENDABLE + 1);
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
                lines[i] = bytes_copy_text(input_pop_line(&input));
        response.headers = (struct outcome_headers){lines[0], lines[1], lines[2], lines[3], lines[4], lines[5]};
        response.body = input_pop_rest(&input);
        outcome_of_http(&response, "the handler", &outcome);
        check(&outcome);
        ENSURE(outcome.provider == outcome_provider(&response));
        outcome_of_error(response.body, "the provider", &outcome);
        check(&outcome);
        ENSURE(outcome.kind != WIRE_DONE);
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
                free(lines[i]);
        return 0;
}
