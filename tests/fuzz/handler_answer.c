/* What a handler says: its status, its Retry-After, its body, its program's output. The first byte chooses how it says
 * it, the second is the status, a line is the Retry-After, the rest is the body. */
#include "common/memory.h"
#include "tests/fuzz/fuzz.h"
#include "worker/core/answer.h"

#include <string.h>

static const struct wall now = {1795000000000};

static void check_outcome(const struct outcome *outcome) {
        size_t len = strlen(outcome->why);

        ENSURE(len <= LIMIT_WHY_LEN && bytes_is_utf8((struct bytes){outcome->why, len}));
        for (size_t i = 0; i < len; i++)
                ENSURE((unsigned char)outcome->why[i] >= ' ' && outcome->why[i] != 0x7f);
        ENSURE(outcome->retry_after.us >= 0 && outcome->retry_after.us <= span_s(LIMIT_RETRY_AFTER_MAX_S).us);
        ENSURE((outcome->kind == WIRE_DONE) == (outcome->code[0] == '\0'));
}

static void check_answer(struct answer *answer) {
        struct bytes replies[LIMIT_REPLIES];
        uint32_t n;

        check_outcome(&answer->outcome);
        if (answer->outcome.kind == WIRE_DONE)
                ENSURE(wire_decode_answer(buffer_bytes(&answer->replies), replies, &n) == 0 && n == answer->n_replies);
        answer_done(answer);
}

static void of_http(uint8_t status, const char *retry_after, struct bytes body) {
        static const long statuses[] = {200, 204, 302, 400, 408, 409, 422, 423, 429, 500, 503, 201, 100, 0, -1, 999};
        struct outcome_response response = {.transport = OUTCOME_ANSWERED,
                                            .status = statuses[status % (sizeof statuses / sizeof *statuses)],
                                            .headers = {.retry_after = retry_after},
                                            .body = body,
                                            .now = now};
        struct outcome outcome;

        outcome_of_http(&response, "the handler", &outcome);
        check_outcome(&outcome);
        response.transport = OUTCOME_BROKEN;
        response.detail = retry_after;
        outcome_of_http(&response, "the handler", &outcome);
        check_outcome(&outcome);
}

static void of_exit(uint8_t status, struct bytes detail) {
        struct outcome outcome;

        outcome_of_exit(status, 0, detail, &outcome);
        check_outcome(&outcome);
        outcome_of_exit(0, status % 64, detail, &outcome);
        check_outcome(&outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        uint8_t how = input_pop_byte(&input), status = input_pop_byte(&input);
        CLEANUP_FREE char *retry_after = bytes_copy_text(input_pop_line(&input));
        struct bytes body = input_pop_rest(&input);
        struct answer answer = {0};

        if (how == 'h')
                of_http(status, retry_after, body);
        else if (how == 'e')
                of_exit(status, body);
        else if (how == 'o')
                answer_of_output(body, &answer), check_answer(&answer);
        else
                answer_of_json(body, &answer), check_answer(&answer);
        return 0;
}
