/* For the tests of the model APIs: answers out of tests/e2e/payloads and out of short texts, fed in pieces. */
#pragma once

#include "tests/unit/unit.h"

#include "common/json.h"
#include "common/limits.h"
#include "common/memory.h"
#include "worker/core/model.h"
#include "worker/core/prompt.h"

#include <stdio.h>
#include <string.h>

/* One of tests/e2e/payloads; the caller frees. */
static inline struct buffer payload_of(const char *name) {
        CLEANUP_FREE char *path = memory_print("%s/%s", PAYLOADS, name);
        struct buffer text = {0};
        FILE *file = fopen(path, "rb");
        size_t len;

        assert_non_null(file);
        while ((len = fread(buffer_reserve(&text, BUFSIZ), 1, BUFSIZ, file)) > 0)
                text.len += len;
        fclose(file);
        return text;
}

/* How an answer comes: in pieces of `step` bytes, under a status; or it breaks off behind the last byte. */
struct coming {
        const struct model_api *api;
        size_t step;
        enum outcome_transport transport;
        long status;
};

/* The reply, or "!" and the code of what went wrong, in `ret`, with what it cost. */
static inline struct handler_usage hear(const struct coming *coming, struct bytes body, struct buffer *ret) {
        struct outcome_response response = {
                .transport = coming->transport, .status = coming->status, .detail = "connection reset"};
        struct bytes replies[LIMIT_REPLIES];
        struct handler_usage usage;
        struct answer answer = {0};
        struct model model;
        uint32_t n;

        model_init(&model, coming->api);
        if (coming->status == 200)
                for (size_t at = 0; at < body.len; at += coming->step) {
                        size_t left = body.len - at, len = left < coming->step ? left : coming->step;

                        assert_true(model_on_data(&model, (struct bytes){(const char *)body.data + at, len}));
                }
        else
                response.body = body;
        model_on_end(&model, &response, &answer);
        buffer_clear(ret);
        if (answer.outcome.kind == WIRE_DONE) {
                assert_int_equal(wire_decode_answer(buffer_bytes(&answer.replies), replies, &n), 0);
                assert_int_equal(n, 1);
                buffer_push(ret, replies[0].data, replies[0].len);
        } else {
                buffer_print(ret, "!%s", answer.outcome.code);
                assert_int_equal(answer.n_replies, 0);
                assert_true(answer.outcome.why[0] != '\0');
                if (answer.is_locked)
                        buffer_push_text(ret, " locked");
        }
        usage = model_usage(&model, 400);
        answer_done(&answer);
        model_done(&model);
        return usage;
}

/* The same whatever the pieces are. */
static inline void assert_heard(const struct model_api *api, const char *body, const char *expected) {
        static const size_t steps[] = {1, 2, 3, 7, 64, 1 << 20};
        CLEANUP_BUFFER struct buffer said = {0};

        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
                struct coming coming = {api, steps[i], OUTCOME_ANSWERED, 200};

                hear(&coming, bytes_of(body), &said);
                assert_string_equal(buffer_text(&said), expected);
        }
}

/* Whatever byte it breaks off behind, it is the whole reply or none; how often it is. */
static inline size_t whole_prefixes(const struct model_api *api, struct bytes body, const char *expected) {
        CLEANUP_BUFFER struct buffer said = {0};
        size_t n = 0;

        for (size_t len = 1; len < body.len; len++) {
                struct coming coming = {api, 64, len % 2 ? OUTCOME_ANSWERED : OUTCOME_BROKEN, 200};

                hear(&coming, (struct bytes){body.data, len}, &said);
                if (strcmp(buffer_text(&said), expected) == 0)
                        n++;
                else
                        assert_string_equal(buffer_text(&said), "!truncated");
        }
        return n;
}

/* Do the two texts hold the same JSON? */
static inline void assert_json(struct bytes text, const char *expected) {
        CLEANUP_JSON json_t *a = NULL, *b = NULL;
        CLEANUP_FREE char *error_a = NULL, *error_b = NULL;

        assert_int_equal(json_decode(text, &a, &error_a), 0);
        assert_int_equal(json_decode(bytes_of(expected), &b, &error_b), 0);
        if (!json_equal(a, b))
                fail_msg("%.*s\nis not\n%s", BYTES_PRINT(text), expected);
}
