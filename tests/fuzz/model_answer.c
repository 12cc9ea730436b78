/* What a model server answers: streams and documents of all three APIs, lists of runs, and refusals. The first byte
 * chooses the API, the second the pieces that it comes in, the rest is the body. However it is cut, and however its
 * events are read, it means the same. */
#include "tests/fuzz/fuzz.h"
#include "worker/core/chat.h"
#include "worker/core/langgraph.h"
#include "worker/core/responses.h"

#include <string.h>

static const struct model_api *const apis[] = {&chat_api, &responses_api, &langgraph_api};

static void check_outcome(const struct answer *answer) {
        struct bytes replies[LIMIT_REPLIES];
        const struct outcome *outcome = &answer->outcome;
        uint32_t n;

        ENSURE((outcome->kind == WIRE_DONE) == (outcome->code[0] == '\0'));
        ENSURE(bytes_is_utf8(bytes_of(outcome->why)));
        if (outcome->kind != WIRE_DONE) {
                ENSURE(answer->n_replies == 0);
                return;
        }
        ENSURE(wire_decode_answer(buffer_bytes(&answer->replies), replies, &n) == 0 && n == 1);
        ENSURE(replies[0].len > 0 && replies[0].len <= LIMIT_ANSWER_BYTES && bytes_is_utf8(replies[0]));
}

/* False when it was too much. */
static bool hear(const struct model_api *api, struct bytes body, size_t step, struct answer *answer) {
        struct outcome_response response = {.transport = OUTCOME_ANSWERED, .status = 200};
        bool is_room = true;
        struct model model;

        model_init(&model, api);
        for (size_t at = 0; at < body.len && is_room; at += step) {
                size_t left = body.len - at;

                is_room =
                        model_on_data(&model, (struct bytes){(const char *)body.data + at, left < step ? left : step});
        }
        response.transport = is_room ? OUTCOME_ANSWERED : OUTCOME_TOO_LARGE;
        model_on_end(&model, &response, answer);
        ENSURE(strlen(model.id) <= MODEL_ID_LEN_MAX);
        answer->usage = model_usage(&model, body.len);
        model_done(&model);
        check_outcome(answer);
        return is_room;
}

static void check_same(const struct answer *a, const struct answer *b) {
        ENSURE(strcmp(a->outcome.code, b->outcome.code) == 0);
        ENSURE(bytes_is_equal(buffer_bytes(&a->replies), buffer_bytes(&b->replies)));
        ENSURE(a->usage.tokens_in == b->usage.tokens_in && a->usage.tokens_out == b->usage.tokens_out);
}

/* In pieces, and with each event read by itself, whatever the one before was like. */
static void check_pieces(const struct model_api *api, struct bytes body, size_t step) {
        struct answer whole = {0}, pieces = {0}, plain = {0};
        struct model_api each = *api;
        bool is_room = hear(api, body, body.len + 1, &whole);

        each.has_pieces = false;
        ENSURE(is_room == hear(api, body, step, &pieces));
        ENSURE(is_room == hear(&each, body, step, &plain));
        check_same(&whole, &pieces);
        check_same(&whole, &plain);
        answer_done(&whole);
        answer_done(&pieces);
        answer_done(&plain);
}

static void check_the_rest(struct bytes body) {
        struct outcome_response response = {.transport = OUTCOME_ANSWERED, .status = 400, .body = body};
        CLEANUP_FREE char *conversation = responses_conversation_id(body);
        char id[LANGGRAPH_ID_LEN + 1] = "";
        enum langgraph_found found;
        struct chat_ways ways = {0};
        struct answer answer = {0};
        struct model model;

        ENSURE(!conversation || (strlen(conversation) <= MODEL_ID_LEN_MAX && !strpbrk(conversation, "/?#% \r\n")));
        if (langgraph_find_run(body, "B1", &found, id) == 0 && found == LANGGRAPH_OURS)
                ENSURE(strlen(id) == LANGGRAPH_ID_LEN && !strpbrk(id, "/?#% \r\n"));
        if (langgraph_decode_run(body, id) == 0)
                ENSURE(strlen(id) == LANGGRAPH_ID_LEN);
        langgraph_is_success(body);
        if (chat_is_other_way(&response, &ways))
                ENSURE(!chat_is_other_way(&response, &ways));
        responses_is_forgotten(&response);
        model_init(&model, &chat_api);
        model_on_end(&model, &response, &answer);
        check_outcome(&answer);
        answer_done(&answer);
        model_done(&model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        uint8_t how = input_pop_byte(&input), step = input_pop_byte(&input);
        struct bytes body = input_pop_rest(&input);

        check_pieces(apis[how % (sizeof apis / sizeof *apis)], body, (size_t)step + 1);
        check_the_rest(body);
        return 0;
}
