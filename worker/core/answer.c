#include "worker/core/answer.h"

#include "common/json.h"
#include "common/wire.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static void fail(struct answer *answer, const char *why) {
        outcome_init(&answer->outcome, WIRE_FAILED, "bad_answer", "%s", why);
}

static void set_replies(struct answer *answer, const struct bytes *replies, uint32_t n) {
        size_t total = 0;

        for (uint32_t i = 0; i < n; i++)
                total += replies[i].len;
        if (total > LIMIT_ANSWER_BYTES) {
                outcome_init(&answer->outcome, WIRE_FAILED, "too_large",
                             "the handler's replies are %zu bytes; the limit is %d", total, LIMIT_ANSWER_BYTES);
                return;
        }
        outcome_init_done(&answer->outcome);
        buffer_clear(&answer->replies);
        wire_encode_answer(&answer->replies, replies, n);
        answer->n_replies = n;
}

void answer_done(struct answer *answer) {
        buffer_done(&answer->replies);
        *answer = (struct answer){0};
}

void answer_of_nothing(struct answer *answer) { set_replies(answer, NULL, 0); }

void answer_of_text(struct bytes text, struct answer *answer) {
        if (!bytes_is_utf8(text))
                fail(answer, "the handler's reply is not UTF-8");
        else
                set_replies(answer, &text, text.len > 0 ? 1 : 0);
}

/* Appends the reply, unless it says nothing; 1 when it is no text. */
static int push_reply(json_t *value, struct bytes *replies, uint32_t *n) {
        if (json_is_null(value))
                return 0;
        if (!json_is_string(value))
                return 1;
        if (json_string_length(value) > 0)
                replies[(*n)++] = (struct bytes){json_string_value(value), json_string_length(value)};
        return 0;
}

static void of_list(json_t *list, struct answer *answer) {
        struct bytes replies[LIMIT_REPLIES];
        uint32_t n = 0;

        if (!json_is_array(list)) {
                fail(answer, "the handler's \"replies\" is not a list of texts");
                return;
        }
        if (json_array_size(list) > LIMIT_REPLIES) {
                outcome_init(&answer->outcome, WIRE_FAILED, "bad_answer",
                             "the handler gave %zu replies; the limit is %d", json_array_size(list), LIMIT_REPLIES);
                return;
        }
        for (size_t i = 0; i < json_array_size(list); i++) {
                if (push_reply(json_array_get(list, i), replies, &n) != 0) {
                        fail(answer, "the handler's \"replies\" holds something that is not a text");
                        return;
                }
        }
        set_replies(answer, replies, n);
}

/* jansson quotes what stands at the place of the error, and that may be the reply. */
static void fail_as_json(struct answer *answer, const char *error) {
        const char *quote = strstr(error, " near '");

        outcome_init(&answer->outcome, WIRE_FAILED, "bad_answer", "the handler's answer is not JSON: %.*s",
                     (int)(quote ? quote - error : (ptrdiff_t)strlen(error)), error);
}

void answer_of_json(struct bytes text, struct answer *answer) {
        CLEANUP_JSON json_t *root = NULL;
        CLEANUP_FREE char *error = NULL;
        struct bytes reply;
        uint32_t n = 0;

        if (json_decode(text, &root, &error) < 0) {
                fail_as_json(answer, error);
                return;
        }
        json_t *one = json_object_get(root, "reply"), *list = json_object_get(root, "replies");
        if (one && list)
                fail(answer, "the handler's answer has both \"reply\" and \"replies\"");
        else if (list)
                of_list(list, answer);
        else if (!one)
                fail(answer, "the handler's answer has neither \"reply\" nor \"replies\"; to say nothing, answer 204");
        else if (push_reply(one, &reply, &n) != 0)
                fail(answer, "the handler's \"reply\" is not a text");
        else
                set_replies(answer, &reply, n);
}

static struct bytes trim(struct bytes text) {
        const char *data = text.data;
        size_t from = 0, to = text.len;

        while (to > 0 && isspace((unsigned char)data[to - 1]))
                to--;
        while (from < to && isspace((unsigned char)data[from]))
                from++;
        return (struct bytes){data + from, to - from};
}

void answer_of_output(struct bytes text, struct answer *answer) {
        struct bytes output = text.len > 0 ? trim(text) : text;

        if (output.len > 0 && *(const char *)output.data == '{')
                answer_of_json(output, answer);
        else
                answer_of_text(output, answer);
}
