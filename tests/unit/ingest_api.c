#include "tests/unit/unit.h"

#include "common/memory.h"
#include "ingest/core/api.h"

#include <errno.h>
#include <string.h>

enum { BODY_LEN_MAX = 1000 };

#define MESSAGE(thread) "{\"tenant\":\"a\",\"thread\":\"" thread "\",\"text\":\"Oi\"}"
#define BROKEN "{\"tenant\":\"a\""

static struct parcel_ids ids = {.seed = "seed"};

/* What became of a body: the threads handed over with their places, then the refusals, as "0:x 2:y | 1:bad_message". */
static void assert_read(const char *body, const char *content_type, const char *expected) {
        CLEANUP_FREE char *error = NULL;
        CLEANUP_BUFFER struct buffer text = {0};
        struct api_request request;
        struct wire_message message;
        struct pack_reader reader;

        if (api_decode(bytes_of(body), content_type, &ids, BODY_LEN_MAX, &request, &error) != 0)
                fail_msg("%s", error);
        reader = pack_open(buffer_bytes(&request.parcel.messages));
        for (uint32_t i = 0; i < request.parcel.n; i++) {
                assert_int_equal(wire_message_next(&reader, &message), 0);
                assert_true(message.id.len > 0);
                buffer_print(&text, "%u:%.*s ", request.parcel.places[i].index, BYTES_PRINT(message.thread));
        }
        assert_false(pack_has_more(&reader));
        buffer_push_text(&text, "|");
        for (uint32_t i = 0; i < request.refusals.n; i++)
                buffer_print(&text, " %u:%s", request.refusals.items[i].index, request.refusals.items[i].code);
        assert_string_equal(buffer_text(&text), expected);
        api_request_done(&request);
}

static void assert_broken(const char *body, const char *part) {
        CLEANUP_FREE char *error = NULL;
        struct api_request request;

        assert_int_equal(api_decode(bytes_of(body), NULL, &ids, BODY_LEN_MAX, &request, &error), -EBADMSG);
        if (!strstr(error, part))
                fail_msg("'%s' does not say '%s'", error, part);
}

static void an_object_is_one_message(void **state) {
        assert_read(MESSAGE("x"), "application/json", "0:x |");
        assert_read("\r\n {\n \"tenant\": \"a\",\n \"thread\": \"x\"\n}\n", NULL, "0:x |");
        assert_read(MESSAGE("x") "\n\n", NULL, "0:x |");
}

static void an_array_is_many(void **state) {
        assert_read("[" MESSAGE("x") "," MESSAGE("y") "]", NULL, "0:x 1:y |");
        assert_read("[]", NULL, "|");
}

static void lines_are_known_by_the_header_and_by_their_looks(void **state) {
        assert_read(MESSAGE("x") "\n" MESSAGE("y") "\r\n\n" MESSAGE("z"), "application/x-ndjson", "0:x 1:y 2:z |");
        assert_read(MESSAGE("x") "\n" MESSAGE("y") "\n", NULL, "0:x 1:y |");
        assert_read(MESSAGE("x"), "application/x-ndjson; charset=utf-8", "0:x |");
}

static void a_wrong_item_is_refused_alone(void **state) {
        assert_read("[" MESSAGE("x") ", 3, {\"tenant\":\"a\",\"thread\":\"y\",\"txt\":\"\"}," MESSAGE("z") "]", NULL,
                    "0:x 3:z | 1:bad_message 2:bad_message");
        assert_read(MESSAGE("x") "\n" BROKEN "\n" MESSAGE("z"), NULL, "0:x 2:z | 1:bad_json");
        assert_read("[{\"tenant\":\"a\",\"thread\":\"\\n\"}]", NULL, "| 0:bad_thread");
}

static void a_line_that_is_broken_is_named_with_its_number(void **state) {
        const char *body = MESSAGE("x") "\n\n" BROKEN "\n";
        struct api_request request;
        char *error;

        assert_int_equal(api_decode(bytes_of(body), NULL, &ids, BODY_LEN_MAX, &request, &error), 0);
        assert_int_equal(request.refusals.n, 1);
        assert_int_equal(request.refusals.items[0].index, 1);
        assert_non_null(strstr(request.refusals.items[0].why, "line 3, column 13: "));
        api_request_done(&request);
}

static void a_body_that_is_broken_as_a_whole_says_where(void **state) {
        assert_broken("[" MESSAGE("x") ",\n {\"tenant\" \"a\"}]", "line 2, column ");
        assert_broken("{\n\"tenant\": }", "line 2, column ");
        assert_broken("hello", "line 1, column ");
        assert_broken(" \n ", "the body is empty");
        assert_broken("", "the body is empty");
}

static void a_message_that_is_too_large_is_refused_alone(void **state) {
        CLEANUP_FREE char *body =
                memory_print("[" MESSAGE("x") ",{\"tenant\":\"a\",\"thread\":\"y\",\"text\":\"%01200d\"}]", 0);

        assert_read(body, NULL, "0:x | 1:too_large");
}

static void a_request_of_more_messages_than_a_frame_holds_is_refused(void **state) {
        CLEANUP_BUFFER struct buffer body = {0};
        CLEANUP_FREE char *error = NULL;
        struct api_request request;

        for (int i = 0; i <= LIMIT_FRAME_MESSAGES; i++)
                buffer_push_text(&body, MESSAGE("x") "\n");
        assert_int_equal(api_decode(buffer_bytes(&body), NULL, &ids, BODY_LEN_MAX, &request, &error), -E2BIG);
        assert_non_null(strstr(error, "at most 10000"));
        body.len -= strlen(MESSAGE("x") "\n");
        assert_int_equal(api_decode(buffer_bytes(&body), NULL, &ids, BODY_LEN_MAX, &request, &error), 0);
        assert_int_equal(request.parcel.n, LIMIT_FRAME_MESSAGES);
        api_request_done(&request);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_object_is_one_message),
                cmocka_unit_test(an_array_is_many),
                cmocka_unit_test(lines_are_known_by_the_header_and_by_their_looks),
                cmocka_unit_test(a_wrong_item_is_refused_alone),
                cmocka_unit_test(a_line_that_is_broken_is_named_with_its_number),
                cmocka_unit_test(a_body_that_is_broken_as_a_whole_says_where),
                cmocka_unit_test(a_message_that_is_too_large_is_refused_alone),
                cmocka_unit_test(a_request_of_more_messages_than_a_frame_holds_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
