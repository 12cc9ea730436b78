#include "tests/unit/unit.h"

#include "common/memory.h"
#include "worker/core/run_record.h"

static void it_is_one_line_that_a_person_can_read(void **state) {
        CLEANUP_BUFFER struct buffer text = {0};

        run_record_encode(
                &(struct run_record){
                        .fence = UINT64_MAX,
                        .batch = "b1",
                        .worker = "w1",
                        .since = {1795514400123},
                        .provider = "https://api.example:443",
                        .provider_id = "resp_1",
                },
                &text);
        assert_string_equal(buffer_text(&text), "{\"run\":\"18446744073709551615\",\"batch\":\"b1\",\"worker\":\"w1\","
                                                "\"since\":\"2026-11-24T10:00:00.123Z\","
                                                "\"provider\":\"https://api.example:443\",\"provider_id\":\"resp_1\"}");
}

static void what_is_not_known_is_left_out(void **state) {
        CLEANUP_BUFFER struct buffer text = {0};

        run_record_encode(&(struct run_record){.fence = 7, .batch = "b1", .worker = "w1"}, &text);
        assert_string_equal(buffer_text(&text), "{\"run\":\"7\",\"batch\":\"b1\",\"worker\":\"w1\","
                                                "\"since\":\"1970-01-01T00:00:00.000Z\"}");
}

static void what_a_provider_calls_it_may_be_any_bytes(void **state) {
        CLEANUP_BUFFER struct buffer text = {0};

        run_record_encode(&(struct run_record){.batch = "b", .worker = "w", .provider_id = "a\"\n\xff"}, &text);
        assert_string_equal(buffer_text(&text), "{\"run\":\"0\",\"batch\":\"b\",\"worker\":\"w\","
                                                "\"since\":\"1970-01-01T00:00:00.000Z\","
                                                "\"provider_id\":\"a\\\"\\n\xef\xbf\xbd\"}");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_one_line_that_a_person_can_read),
                cmocka_unit_test(what_is_not_known_is_left_out),
                cmocka_unit_test(what_a_provider_calls_it_may_be_any_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
