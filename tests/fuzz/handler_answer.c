/* What a handler says: its status, its Retry-After, its body, its program's output. The first byte chooses how it says
 * it, the second is the status, a line is the Retry-After, the rest is the body. What it says is then cut for a channel
 * that takes no more than the status tells. */
#include "common/memory.h"
#include "tests/fuzz/fuzz.h"
#include "worker/core/answer.h"
#include "worker/core/split.h"

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

/* The replies, one behind the other. */
static void join(const struct answer *answer, struct buffer *ret, struct split_limit limit) {
        struct bytes replies[LIMIT_REPLIES];
        uint32_t n;

        ENSURE(wire_decode_answer(buffer_bytes(&answer->replies), replies, &n) == 0 && n == answer->n_replies);
        for (uint32_t i = 0; i < n; i++) {
                ENSURE(limit.longest == 0 || channel_text_length(replies[i], limit.unit) <= limit.longest);
                buffer_push(ret, replies[i].data, replies[i].len);
        }
}

/* Nothing is lost in between but white space, and nothing is added. */
static void check_same(struct bytes before, struct bytes after) {
        const uint8_t *old = before.data, *new = after.data;
        size_t at = 0;

        for (size_t i = 0; i < before.len; i++)
                if (at < after.len && old[i] == new[at])
                        at++;
                else
                        ENSURE(memchr(" \n\t\r", old[i], 4));
        ENSURE(at == after.len);
}

static void check_split(struct answer *answer, uint8_t status) {
        struct split_limit limit = {status / 2 + 2, status % 2 ? CHANNEL_UTF16 : CHANNEL_CHARACTERS};
        CLEANUP_BUFFER struct buffer before = {0}, after = {0};

        join(answer, &before, (struct split_limit){0});
        split_answer(answer, limit);
        check_outcome(&answer->outcome);
        if (answer->outcome.kind != WIRE_DONE)
                return;
        join(answer, &after, limit);
        check_same(buffer_bytes(&before), buffer_bytes(&after));
}

static void check_answer(struct answer *answer, uint8_t status) {
        check_outcome(&answer->outcome);
        if (answer->outcome.kind == WIRE_DONE)
                check_split(answer, status);
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
                answer_of_output(body, &answer), check_answer(&answer, status);
        else
                answer_of_json(body, &answer), check_answer(&answer, status);
        return 0;
}
