#include "tests/unit/unit.h"

#include "common/limits.h"
#include "common/memory.h"
#include "worker/core/sse.h"

#include <errno.h>
#include <string.h>

/* Each event as "name=data;", taken from chunks of `size` bytes. */
static void read_in_chunks(struct bytes stream, size_t size, struct buffer *ret) {
        CLEANUP_SSE struct sse sse = {0};
        struct sse_event event;

        for (size_t at = 0; at < stream.len; at += size) {
                struct bytes chunk = {(const char *)stream.data + at, size < stream.len - at ? size : stream.len - at};

                while (sse_pop(&sse, &chunk, &event) > 0)
                        buffer_print(ret, "%.*s=%.*s;", BYTES_PRINT(event.name), BYTES_PRINT(event.data));
                assert_int_equal(chunk.len, 0);
        }
        if (sse_pop_last(&sse, &event))
                buffer_print(ret, "last %.*s=%.*s;", BYTES_PRINT(event.name), BYTES_PRINT(event.data));
}

static void check(const char *stream, const char *expected) {
        for (size_t size = 1; size <= strlen(stream); size++) {
                CLEANUP_BUFFER struct buffer got = {0};

                read_in_chunks(bytes_of(stream), size, &got);
                assert_string_equal(buffer_text(&got), expected);
        }
}

static void events_are_the_same_however_the_stream_is_cut(void **state) {
        check("data: {\"a\":1}\n\ndata: [DONE]\n\n", "={\"a\":1};=[DONE];");
        check("event: response.created\ndata: {}\n\nevent: ping\ndata: x\n\n", "response.created={};ping=x;");
        check("data: a\xc3\xa7\xc3\xa3o \xf0\x9f\x99\x82\n\n", "=a\xc3\xa7\xc3\xa3o \xf0\x9f\x99\x82;");
}

static void lines_end_in_any_of_three_ways(void **state) {
        check("data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\ndata: e\n\r\n", "=a;=b;=c;=d;=e;");
        check("data: a\r\ndata: b\r\n\r\n", "=a\nb;");
}

static void lines_of_data_are_joined(void **state) {
        check("data: a\ndata:b\ndata:\ndata\ndata:  c\n\n", "=a\nb\n\n\n c;");
        check("data\n\n", "=;");
}

static void what_is_no_data_is_passed_over(void **state) {
        check(": ping\n\n:\n\nid: 7\nretry: 10\ndata: a\n\nevent: alone\n\ndata: b\n\n", "=a;=b;");
        check("database: a\nDATA: b\n data: c\nevents: d\ndata: e\n\n", "=e;");
        check("\xef\xbb\xbf"
              "data: a\n\n",
              "=a;");
        check("data: a\n\n\xef\xbb\xbf"
              "data: b\n\n",
              "=a;");
}

static void the_last_event_needs_no_empty_line(void **state) {
        check("data: a\n\ndata: [DONE]", "=a;last =[DONE];");
        check("event: e\ndata: [DONE]\n", "last e=[DONE];");
        check("data: a\n\n: bye", "=a;");
        check("data: a\n\nevent: e", "=a;");
}

static void an_event_is_not_larger_than_its_limit(void **state) {
        static const size_t half = LIMIT_SSE_EVENT_BYTES / 2;
        CLEANUP_FREE char *text = memory_new(1, LIMIT_SSE_EVENT_BYTES + 1);
        CLEANUP_SSE struct sse long_line = {0}, many_lines = {0};
        struct sse_event event;
        struct bytes chunk;
        int r = 0;

        memset(text, 'x', LIMIT_SSE_EVENT_BYTES + 1);
        chunk = (struct bytes){text, LIMIT_SSE_EVENT_BYTES};
        assert_int_equal(sse_pop(&long_line, &chunk, &event), 0);
        chunk = (struct bytes){text, 1};
        assert_int_equal(sse_pop(&long_line, &chunk, &event), -EMSGSIZE);

        memcpy(text, "data: ", 6);
        text[half - 1] = '\n';
        for (int i = 0; i < 3 && r == 0; i++) {
                chunk = (struct bytes){text, half};
                r = sse_pop(&many_lines, &chunk, &event);
        }
        assert_int_equal(r, -EMSGSIZE);
}

static void a_stream_of_any_length_takes_no_more_memory(void **state) {
        CLEANUP_SSE struct sse sse = {0};
        struct sse_event event;

        for (int i = 0; i < 100000; i++) {
                struct bytes chunk = bytes_of("event: e\ndata: 0123456789\n\n: comment\n");

                assert_int_equal(sse_pop(&sse, &chunk, &event), 1);
                assert_true(bytes_is_text(event.data, "0123456789"));
                assert_int_equal(sse_pop(&sse, &chunk, &event), 0);
        }
        assert_true(sse.line.cap + sse.name.cap + sse.data.cap < 1024);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(events_are_the_same_however_the_stream_is_cut),
                cmocka_unit_test(lines_end_in_any_of_three_ways),
                cmocka_unit_test(lines_of_data_are_joined),
                cmocka_unit_test(what_is_no_data_is_passed_over),
                cmocka_unit_test(the_last_event_needs_no_empty_line),
                cmocka_unit_test(an_event_is_not_larger_than_its_limit),
                cmocka_unit_test(a_stream_of_any_length_takes_no_more_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
