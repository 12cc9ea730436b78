#include "tests/unit/unit.h"

#include "common/json.h"
#include "worker/core/batch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BATCH "01HZZZZZZZZZZZZZZZZZZZZZZZ"

struct said {
        const char *id, *channel, *from, *kind, *text, *data, *to, *url;
        int64_t at_ms;
};

static void push_message(struct buffer *frame, const struct said *said) {
        CLEANUP_BUFFER struct buffer body = {0};
        struct wire_run_message message = {
                .id = bytes_of(said->id), .channel = bytes_of(said->channel), .accepted = {1795255200456}};
        struct wire_body inside = {
                .at = {said->at_ms},
                .from = bytes_of(said->from),
                .kind = bytes_of(said->kind),
                .text = bytes_of(said->text),
                .data = bytes_of(said->data),
                .to = bytes_of(said->to),
                .url = bytes_of(said->url),
        };

        wire_encode_body(&body, &inside);
        message.body = buffer_bytes(&body);
        wire_encode_run_message(frame, &message);
}

static struct batch *read_run(const struct said *said, uint32_t n, const char *answer, uint32_t posted) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_run run = {
                .fence = UINT64_C(18446744073709551615),
                .batch = bytes_of(BATCH),
                .tenant = bytes_of("acme"),
                .thread = bytes_of("5511"),
                .attempt = 2,
                .answer = bytes_of(answer),
                .posted = posted,
                .is_doubtful = posted > 0,
                .n_messages = n,
        };
        enum wire_type type;
        struct bytes inside;
        struct batch *batch;

        wire_encode_run(&frame, &run);
        for (uint32_t i = 0; i < n; i++)
                push_message(&frame, &said[i]);
        wire_encode_run_end(&frame, &run);
        assert_int_equal(wire_open(buffer_bytes(&frame), &type, &inside), 0);
        assert_int_equal(wire_decode_run(inside, &run), 0);
        assert_int_equal(batch_new(&run, &batch), 0);
        return batch;
}

static const struct said burst[] = {
        {.id = "wamid.A",
         .channel = "support",
         .from = "5511",
         .text = "Oi",
         .data = "{\"a\":1}",
         .at_ms = 1795255200123},
        {.from = "5512", .kind = "image", .data = "not json", .to = "5512@g.us", .url = "https://m/1"},
        {.id = "wamid.C", .channel = "whatsapp", .text = "Quanto custa?"},
};

/* Valid until it is asked for the next time. */
static const char *question_of(const struct batch *batch) {
        static char text[4096];
        CLEANUP_BUFFER struct buffer json = {0};

        batch_encode_question(batch, &json);
        snprintf(text, sizeof text, "%s", buffer_text(&json));
        return text;
}

static const char *prompt_of(const struct batch *batch) {
        static char text[4096];
        CLEANUP_BUFFER struct buffer prompt = {0};

        batch_push_prompt(batch, &prompt);
        snprintf(text, sizeof text, "%s", buffer_text(&prompt));
        return text;
}

static void the_question_is_the_json_of_the_contract(void **state) {
        CLEANUP_BATCH struct batch *batch = read_run(burst, 3, NULL, 0);

        assert_string_equal(
                question_of(batch),
                "{\"batch\":\"" BATCH
                "\",\"tenant\":\"acme\",\"thread\":\"5511\",\"channel\":\"whatsapp\",\"attempt\":2,"
                "\"fence\":\"18446744073709551615\",\"messages\":["
                "{\"id\":\"wamid.A\",\"at\":\"2026-11-21T10:00:00.123Z\",\"from\":\"5511\",\"kind\":\"text\",\"text\":"
                "\"Oi\",\"url\":null,"
                "\"data\":{\"a\":1}},"
                "{\"id\":null,\"at\":\"2026-11-21T10:00:00.456Z\",\"from\":\"5512\",\"kind\":\"image\",\"text\":null,"
                "\"url\":\"https://m/1\",\"data\":\"not json\"},"
                "{\"id\":\"wamid.C\",\"at\":\"2026-11-21T10:00:00.456Z\",\"from\":null,\"kind\":\"text\","
                "\"text\":\"Quanto custa?\",\"url\":null,\"data\":null}],"
                "\"text\":\"Oi\\nQuanto custa?\",\"context\":null}");
}

static void the_reply_belongs_to_the_last_channel_and_the_last_sender(void **state) {
        CLEANUP_BATCH struct batch *batch = read_run(burst, 3, NULL, 0);
        CLEANUP_BATCH struct batch *first = read_run(burst, 2, NULL, 0);

        assert_string_equal(batch->channel, "whatsapp");
        assert_string_equal(batch->from, "5512");
        assert_string_equal(first->channel, "support");
        assert_string_equal(batch->to, "5512@g.us");
}

static void a_message_that_was_taken_back_only_tells_where_the_reply_goes(void **state) {
        static const struct said said[] = {
                {.id = "m1", .channel = "support", .text = "Oi"},
                {.id = "m2", .channel = "whatsapp", .from = "5512", .kind = "deleted", .to = "5512@g.us"},
        };
        CLEANUP_BATCH struct batch *batch = read_run(said, 2, NULL, 0);

        assert_int_equal(batch->n_deleted, 1);
        assert_string_equal(batch->channel, "whatsapp");
        assert_string_equal(batch->to, "5512@g.us");
        assert_string_equal(batch->last_id, "m1");
        assert_string_equal(buffer_text(&batch->text), "Oi");
        assert_string_equal(prompt_of(batch), "Oi");
        assert_non_null(strstr(question_of(batch), "\"kind\":\"deleted\",\"text\":null"));
}

static void a_question_says_when_it_is_only_to_be_recorded(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_run run = {.fence = 1, .batch = bytes_of(BATCH), .attempt = 1, .is_record = true, .n_messages = 1};
        CLEANUP_BATCH struct batch *batch = NULL, *other = read_run(burst, 1, NULL, 0);
        enum wire_type type;
        struct bytes inside;

        wire_encode_run(&frame, &run);
        push_message(&frame, &burst[0]);
        wire_encode_run_end(&frame, &run);
        assert_int_equal(wire_open(buffer_bytes(&frame), &type, &inside), 0);
        assert_int_equal(wire_decode_run(inside, &run), 0);
        assert_int_equal(batch_new(&run, &batch), 0);
        assert_true(batch->is_record);
        assert_non_null(strstr(question_of(batch), "\"attempt\":1,\"record\":true,"));
        assert_null(strstr(question_of(other), "\"record\""));
}

static void a_batch_without_channels_and_texts_has_none(void **state) {
        CLEANUP_BATCH struct batch *batch = read_run(&burst[1], 1, NULL, 0);

        assert_null(batch->channel);
        assert_int_equal(batch->text.len, 0);
        assert_non_null(strstr(question_of(batch), "\"channel\":null"));
}

static void a_run_that_brings_its_answer_keeps_it(void **state) {
        CLEANUP_BATCH struct batch *batch = read_run(burst, 3, "\x91\xa2hi", 1);

        assert_true(batch->is_doubtful);
        assert_int_equal(batch->answer.len, 4);
        assert_int_equal(batch->posted, 1);
        assert_string_equal(batch->channel, "whatsapp");
}

static const char *question_end(struct batch *batch) { return strstr(question_of(batch), "\"context\":"); }

static void what_was_looked_up_becomes_part_of_the_question(void **state) {
        CLEANUP_BATCH struct batch *batch = read_run(burst, 3, NULL, 0);

        batch_set_context(batch, bytes_of("{\"name\":\"Ana\",\"id\":12345678901234567890}"), false);
        assert_string_equal(question_end(batch), "\"context\":{\"name\":\"Ana\",\"id\":12345678901234567890}}");
        assert_true(bytes_is_text(buffer_bytes(&batch->context), "{\"name\":\"Ana\",\"id\":12345678901234567890}"));
}

static void a_context_that_is_missing_is_marked(void **state) {
        CLEANUP_BATCH struct batch *batch = read_run(burst, 3, NULL, 0);

        batch_set_context(batch, BYTES_NONE, true);
        assert_string_equal(question_end(batch), "\"context\":null,\"context_missing\":true}");
        assert_int_equal(batch->context.len, 0);
}

static void a_text_that_looks_like_an_end_is_no_end(void **state) {
        static const struct said trap = {.text = "\"context\":null}"};
        CLEANUP_BATCH struct batch *batch = read_run(&trap, 1, NULL, 0);
        CLEANUP_FREE char *error = NULL;
        CLEANUP_JSON json_t *root = NULL;

        batch_set_context(batch, bytes_of("7"), false);
        assert_int_equal(json_decode(bytes_of(question_of(batch)), &root, &error), 0);
        assert_int_equal(json_integer_value(json_object_get(root, "context")), 7);
        assert_string_equal(json_string_value(json_object_get(root, "text")), trap.text);
}

static void a_message_that_is_none_is_refused(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_run run = {.fence = 1, .batch = bytes_of(BATCH), .attempt = 1, .n_messages = 1};
        struct wire_run_message message = {.body = bytes_of("\xc1")};
        enum wire_type type;
        struct bytes inside;
        struct batch *batch;

        wire_encode_run(&frame, &run);
        wire_encode_run_message(&frame, &message);
        wire_encode_run_end(&frame, &run);
        assert_int_equal(wire_open(buffer_bytes(&frame), &type, &inside), 0);
        assert_int_equal(wire_decode_run(inside, &run), 0);
        assert_int_equal(batch_new(&run, &batch), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_question_is_the_json_of_the_contract),
                cmocka_unit_test(the_reply_belongs_to_the_last_channel_and_the_last_sender),
                cmocka_unit_test(a_message_that_was_taken_back_only_tells_where_the_reply_goes),
                cmocka_unit_test(a_question_says_when_it_is_only_to_be_recorded),
                cmocka_unit_test(a_batch_without_channels_and_texts_has_none),
                cmocka_unit_test(a_run_that_brings_its_answer_keeps_it),
                cmocka_unit_test(what_was_looked_up_becomes_part_of_the_question),
                cmocka_unit_test(a_context_that_is_missing_is_marked),
                cmocka_unit_test(a_text_that_looks_like_an_end_is_no_end),
                cmocka_unit_test(a_message_that_is_none_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
