/* A verb over HTTP: the target in the first line, then the body. And the same bytes as what a broker answers. */
#include "common/item.h"
#include "common/memory.h"
#include "ingest/core/verb.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_question(enum verb verb, const struct path *path, const struct verb_options *options) {
        CLEANUP_JSON json_t *question = verb_to_question(verb, path, options);
        CLEANUP_FREE char *text = json_encode_text(question);

        ENSURE(strlen(text) <= LIMIT_QUESTION_BYTES);
        ENSURE(json_is_string(json_object_get(question, "cmd")));
}

static void check_body(enum verb verb, const struct path *path, struct bytes body) {
        struct wire_message named = {.tenant = verb_tenant(path), .thread = verb_thread(path)};
        CLEANUP_VERB_OPTIONS struct verb_options options = {0};
        CLEANUP_FREE char *error = NULL;
        struct item_fault fault;

        if (verb_options_decode(verb, body, &options, &error) < 0) {
                ENSURE(error && *error && !options.json);
                return;
        }
        ENSURE(options.for_ms >= 0 && options.for_ms <= INT64_C(1000) * LIMIT_HOLD_S);
        ENSURE(!options.why || strlen(options.why) <= LIMIT_WHY_LEN);
        if (item_check(&named, 0, &fault) == 0)
                check_question(verb, path, &options);
        else
                free(fault.why);
}

static void check_answer(struct bytes text) {
        CLEANUP_BUFFER struct buffer body = {0};
        CLEANUP_JSON json_t *answer = NULL;
        CLEANUP_FREE char *error = NULL;
        unsigned status;

        if (json_decode(text, &answer, &error) < 0 || !json_is_object(answer))
                return;
        status = verb_reply(answer, &body);
        ENSURE(status == 200 || (status >= 400 && status < 600));
        ENSURE(body.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        CLEANUP_FREE char *target = bytes_copy_text(input_pop_line(&input));
        struct bytes body = input_pop_rest(&input);
        CLEANUP_PATH struct path path = {0};

        if (path_decode(target, &path) == 0 && verb_of(&path) != VERB_NONE)
                check_body(verb_of(&path), &path, body);
        check_answer(body);
        return 0;
}
