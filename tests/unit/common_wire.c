#include "tests/unit/unit.h"

#include "common/histogram.h"
#include "common/wire.h"

#include <errno.h>
#include <string.h>

#define BATCH "01JD7Z9W4H0000000000000001"

static struct bytes open_as(struct buffer *frame, enum wire_type expected) {
        enum wire_type type;
        struct bytes body;

        assert_int_equal(wire_open(buffer_bytes(frame), &type, &body), 0);
        assert_int_equal(type, expected);
        return body;
}

static void the_first_byte_is_version_and_type(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        enum wire_type type;
        struct bytes body;

        wire_encode_go(&frame, 1);
        assert_int_equal(frame.data[0], 32 + 8);
        frame.data[0] = 64 + 8;
        assert_int_equal(wire_open(buffer_bytes(&frame), &type, &body), -EPROTONOSUPPORT);
        frame.data[0] = 32;
        assert_int_equal(wire_open(buffer_bytes(&frame), &type, &body), -EBADMSG);
        frame.data[0] = 32 + 31;
        assert_int_equal(wire_open(buffer_bytes(&frame), &type, &body), -EBADMSG);
        assert_int_equal(wire_open(BYTES_NONE, &type, &body), -EBADMSG);
}

static void messages_come_back_as_they_were_sent(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0}, inner = {0};
        struct wire_body body = {.at = {1732183200123}, .text = bytes_of("Oi"), .from = bytes_of("5511")};
        struct wire_message message = {bytes_of("acme"), bytes_of("t1"), bytes_of("wamid.A"), BYTES_NONE, BYTES_NONE};
        struct pack_reader reader;
        uint64_t request;
        uint32_t n;

        wire_encode_body(&inner, &body);
        message.body = buffer_bytes(&inner);
        wire_encode_messages(&frame, 9, 2);
        wire_encode_message(&frame, &message);
        wire_encode_message(&frame, &message);

        assert_int_equal(wire_decode_messages(open_as(&frame, WIRE_MESSAGES), &request, &n, &reader), 0);
        assert_int_equal(request, 9);
        assert_int_equal(n, 2);
        for (uint32_t i = 0; i < n; i++) {
                struct wire_message got;
                struct wire_body got_body;

                assert_int_equal(wire_message_next(&reader, &got), 0);
                assert_true(bytes_is_text(got.id, "wamid.A"));
                assert_int_equal(got.channel.len, 0);
                assert_int_equal(wire_decode_body(got.body, &got_body), 0);
                assert_int_equal(got_body.at.ms, 1732183200123);
                assert_true(bytes_is_text(got_body.text, "Oi"));
                assert_int_equal(got_body.data.len, 0);
        }
        assert_false(pack_has_more(&reader));
}

static void an_ack_names_what_became_of_each_message(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        uint32_t duplicates[] = {0, 4};
        struct wire_refusal refusals[] = {{2, bytes_of("too_large"), bytes_of("over 64 KiB")}}, refusal;
        struct wire_ack ack;

        wire_encode_ack(&frame, 7, 3, duplicates, 2, refusals, 1);
        assert_int_equal(wire_decode_ack(open_as(&frame, WIRE_ACK), &ack), 0);
        assert_int_equal(ack.request, 7);
        assert_int_equal(ack.n_accepted, 3);
        assert_int_equal(ack.n_duplicates, 2);
        assert_int_equal(pack_pop_uint(&ack.duplicates), 0);
        assert_int_equal(pack_pop_uint(&ack.duplicates), 4);
        assert_int_equal(ack.n_refusals, 1);
        assert_int_equal(wire_refusal_next(&ack.refusals, &refusal), 0);
        assert_int_equal(refusal.index, 2);
        assert_true(bytes_is_text(refusal.code, "too_large"));
}

static void a_run_comes_back_as_it_was_sent(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_run run = {.fence = 1ull << 40,
                               .batch = bytes_of(BATCH),
                               .tenant = bytes_of("acme"),
                               .thread = bytes_of("t"),
                               .attempt = 2,
                               .answer = bytes_of("x"),
                               .posted = 1,
                               .n_messages = 1};
        struct wire_run_message message = {bytes_of("id"), bytes_of("support"), bytes_of("body"), {1234}};
        struct wire_run got;

        wire_encode_run(&frame, &run);
        wire_encode_run_message(&frame, &message);
        assert_int_equal(wire_decode_run(open_as(&frame, WIRE_RUN), &got), 0);
        assert_true(got.fence == run.fence && got.attempt == 2 && got.posted == 1 && got.n_messages == 1);
        assert_true(bytes_is_text(got.answer, "x"));
        memset(&message, 0, sizeof message);
        assert_int_equal(wire_run_next(&got, &message), 0);
        assert_int_equal(message.accepted.ms, 1234);
        assert_true(bytes_is_text(message.channel, "support"));
        assert_int_equal(wire_run_next(&got, &message), -EBADMSG);
}

static void a_result_comes_back_as_it_was_sent(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_result result = {.fence = 5,
                                     .batch = bytes_of(BATCH),
                                     .outcome = WIRE_FAILED,
                                     .code = bytes_of("http_500"),
                                     .why = bytes_of("the handler answered 500"),
                                     .retry_after = span_s(7),
                                     .posted = 1,
                                     .lock_wait = span_us(70),
                                     .answering = span_ms(1500)};
        struct wire_result got;

        wire_encode_result(&frame, &result);
        assert_int_equal(wire_decode_result(open_as(&frame, WIRE_RESULT), &got), 0);
        assert_int_equal(got.outcome, WIRE_FAILED);
        assert_int_equal(got.retry_after.us, 7000000);
        assert_int_equal(got.lock_wait.us, 70);
        assert_int_equal(got.answering.us, 1500000);
}

static void a_frame_cut_anywhere_is_bad(void **state) {
        CLEANUP_BUFFER struct buffer hello = {0};
        struct wire_hello whole = {.uuid = {"0123456789abcdef", 16},
                                   .incarnation = 3,
                                   .slots = 8,
                                   .version = bytes_of("0.1.0"),
                                   .n_held = 1};
        struct wire_hello got;
        struct wire_held held;

        wire_encode_hello(&hello, &whole);
        wire_encode_held(&hello, 12, bytes_of(BATCH));
        for (size_t len = 1; len < hello.len; len++) {
                struct bytes body = {hello.data + 1, len - 1};

                assert_true(wire_decode_hello(body, &got) < 0 || wire_held_next(&got.held, &held) < 0);
        }
        assert_int_equal(wire_decode_hello((struct bytes){hello.data + 1, hello.len - 1}, &got), 0);
        assert_int_equal(wire_held_next(&got.held, &held), 0);
        assert_int_equal(held.fence, 12);
}

static void an_answer_has_at_most_so_many_replies_and_only_text(void **state) {
        CLEANUP_BUFFER struct buffer answer = {0};
        struct bytes replies[LIMIT_REPLIES + 1], got[LIMIT_REPLIES];
        uint32_t n;

        for (uint32_t i = 0; i <= LIMIT_REPLIES; i++)
                replies[i] = bytes_of("sim");
        wire_encode_answer(&answer, replies, LIMIT_REPLIES);
        assert_int_equal(wire_decode_answer(buffer_bytes(&answer), got, &n), 0);
        assert_int_equal(n, LIMIT_REPLIES);
        buffer_clear(&answer);
        wire_encode_answer(&answer, replies, LIMIT_REPLIES + 1);
        assert_int_equal(wire_decode_answer(buffer_bytes(&answer), got, &n), -EBADMSG);
        buffer_clear(&answer);
        wire_encode_answer(&answer, &(struct bytes){"\xff\xfe", 2}, 1);
        assert_int_equal(wire_decode_answer(buffer_bytes(&answer), got, &n), -EBADMSG);
}

static void a_histogram_is_right_within_a_sixteenth(void **state) {
        static struct histogram histogram;

        for (int64_t i = 1; i <= 100000; i++)
                histogram_add(&histogram, i);
        assert_int_equal(histogram_max(&histogram), 100000);
        for (int q = 1; q <= 100; q++) {
                double got = (double)histogram_quantile(&histogram, q / 100.0), truth = q * 1000.0;

                assert_true(got >= truth && got <= truth * 17 / 16 + 1);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_byte_is_version_and_type),
                cmocka_unit_test(messages_come_back_as_they_were_sent),
                cmocka_unit_test(an_ack_names_what_became_of_each_message),
                cmocka_unit_test(a_run_comes_back_as_it_was_sent),
                cmocka_unit_test(a_result_comes_back_as_it_was_sent),
                cmocka_unit_test(a_frame_cut_anywhere_is_bad),
                cmocka_unit_test(an_answer_has_at_most_so_many_replies_and_only_text),
                cmocka_unit_test(a_histogram_is_right_within_a_sixteenth),
        };

        return cmocka_run_group_tests_name("common/wire", tests, NULL, NULL);
}
