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
                               .is_doubtful = true,
                               .is_silent = true,
                               .n_messages = 1};
        struct wire_run_message message = {bytes_of("id"), bytes_of("support"), bytes_of("body"), {1234}};
        struct wire_run got;

        wire_encode_run(&frame, &run);
        wire_encode_run_message(&frame, &message);
        wire_encode_run_end(&frame, &run);
        assert_int_equal(wire_decode_run(open_as(&frame, WIRE_RUN), &got), 0);
        assert_true(got.fence == run.fence && got.attempt == 2 && got.posted == 1 && got.n_messages == 1);
        assert_true(bytes_is_text(got.answer, "x"));
        assert_true(got.is_doubtful && got.is_silent);
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
                                     .answering = span_ms(1500),
                                     .is_doubtful = true,
                                     .provider = WIRE_PROVIDER_OVERLOADED,
                                     .pause = span_s(20)};
        struct wire_result got;

        wire_encode_result(&frame, &result);
        assert_int_equal(wire_decode_result(open_as(&frame, WIRE_RESULT), &got), 0);
        assert_int_equal(got.outcome, WIRE_FAILED);
        assert_int_equal(got.retry_after.us, 7000000);
        assert_int_equal(got.lock_wait.us, 70);
        assert_int_equal(got.answering.us, 1500000);
        assert_true(got.is_doubtful);
        assert_int_equal(got.provider, WIRE_PROVIDER_OVERLOADED);
        assert_int_equal(got.pause.us, 20000000);
}

/* The same frame with an array of `n_fields` instead of `n_now`: what a peer of another version sends. */
static struct bytes as_of_version(struct buffer *frame, enum wire_type type, uint8_t n_now, uint8_t n_fields) {
        struct bytes body = open_as(frame, type);

        assert_int_equal(frame->data[1], 0x90 + n_now);
        frame->data[1] = (uint8_t)(0x90 + n_fields);
        return body;
}

static void what_an_older_peer_leaves_out_is_read_as_nothing(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0}, run_frame = {0};
        struct wire_result result = {
                .fence = 5, .batch = bytes_of(BATCH), .is_doubtful = true, .provider = WIRE_PROVIDER_DOWN};
        struct wire_run run = {.fence = 5,
                               .batch = bytes_of(BATCH),
                               .attempt = 1,
                               .is_doubtful = true,
                               .is_silent = true,
                               .is_record = true};

        result.pause = span_s(1);
        wire_encode_result(&frame, &result);
        assert_int_equal(wire_decode_result(as_of_version(&frame, WIRE_RESULT, 12, 9), &result), 0);
        assert_false(result.is_doubtful);
        assert_int_equal(result.provider, WIRE_PROVIDER_SILENT);
        assert_int_equal(result.pause.us, 0);
        wire_encode_run(&run_frame, &run);
        wire_encode_run_end(&run_frame, &run);
        assert_int_equal(wire_decode_run(open_as(&run_frame, WIRE_RUN), &run), 0);
        assert_true(run.is_record);
        assert_int_equal(wire_decode_run(as_of_version(&run_frame, WIRE_RUN, 11, 10), &run), 0);
        assert_true(run.is_silent && !run.is_record);
        buffer_clear(&run_frame);
        wire_encode_run(&run_frame, &run);
        wire_encode_run_end(&run_frame, &run);
        assert_int_equal(wire_decode_run(as_of_version(&run_frame, WIRE_RUN, 11, 9), &run), 0);
        assert_true(run.is_doubtful && !run.is_silent);
        buffer_clear(&run_frame);
        wire_encode_run(&run_frame, &run);
        wire_encode_run_end(&run_frame, &run);
        assert_int_equal(wire_decode_run(as_of_version(&run_frame, WIRE_RUN, 11, 8), &run), 0);
        assert_false(run.is_doubtful || run.is_silent);
}

static void a_verdict_on_the_provider_that_is_not_known_is_none(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_result result = {.fence = 5, .batch = bytes_of(BATCH), .provider = WIRE_PROVIDER_UNPAID};

        wire_encode_result(&frame, &result);
        assert_int_equal(wire_decode_result(open_as(&frame, WIRE_RESULT), &result), 0);
        assert_int_equal(result.provider, WIRE_PROVIDER_UNPAID);
        assert_int_equal(frame.data[frame.len - 2], WIRE_PROVIDER_UNPAID);
        frame.data[frame.len - 2]++;
        assert_int_equal(wire_decode_result(open_as(&frame, WIRE_RESULT), &result), 0);
        assert_int_equal(result.provider, WIRE_PROVIDER_SILENT);
}

static void doubt_is_yes_or_no(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_result result = {.fence = 5, .batch = bytes_of(BATCH), .is_doubtful = true};

        wire_encode_result(&frame, &result);
        assert_int_equal(frame.data[frame.len - 3], 1);
        frame.data[frame.len - 3] = 2;
        assert_int_equal(wire_decode_result(open_as(&frame, WIRE_RESULT), &result), -EBADMSG);
}

static void posted_says_how_many_replies_are_out(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_posted posted = {1ull << 40, bytes_of(BATCH), 3}, got;

        wire_encode_posted(&frame, &posted);
        assert_int_equal(frame.data[0], 32 + 14);
        assert_int_equal(wire_decode_posted(open_as(&frame, WIRE_POSTED), &got), 0);
        assert_true(got.fence == 1ull << 40 && got.posted == 3 && bytes_is_text(got.batch, BATCH));
        for (size_t len = 1; len < frame.len; len++)
                assert_int_equal(wire_decode_posted((struct bytes){frame.data + 1, len - 1}, &got), -EBADMSG);
}

static void a_tally_names_amounts_and_passes_over_what_is_not_known(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_tally_item items[] = {{WIRE_TALLY_TOKENS_IN, 1234567}, {N_WIRE_TALLY, 9}}, got;
        struct pack_reader reader;
        struct bytes tenant;
        uint32_t n;

        wire_encode_tally(&frame, bytes_of("acme"), items, 2);
        assert_int_equal(frame.data[0], 32 + 15);
        assert_int_equal(wire_decode_tally(open_as(&frame, WIRE_TALLY), &tenant, &n, &reader), 0);
        assert_true(bytes_is_text(tenant, "acme"));
        assert_int_equal(n, 2);
        assert_int_equal(wire_tally_next(&reader, &got), 0);
        assert_true(got.what == WIRE_TALLY_TOKENS_IN && got.amount == 1234567);
        assert_int_equal(wire_tally_next(&reader, &got), 0);
        assert_int_equal(got.what, WIRE_TALLY_UNKNOWN);
        assert_int_equal(wire_tally_next(&reader, &got), -EBADMSG);
}

static void a_tally_beyond_reason_is_bad(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_tally_item item = {WIRE_TALLY_CALLS, LIMIT_TALLY_AMOUNT + 1};
        struct pack_reader reader;
        struct bytes tenant;
        uint32_t n;

        wire_encode_tally(&frame, bytes_of("acme"), &item, 1);
        assert_int_equal(wire_decode_tally(open_as(&frame, WIRE_TALLY), &tenant, &n, &reader), 0);
        assert_int_equal(wire_tally_next(&reader, &item), -EBADMSG);
        buffer_clear(&frame);
        pack_push_array(&frame, 2);
        pack_push_str(&frame, bytes_of("acme"));
        pack_push_array(&frame, LIMIT_TALLY_ITEMS + 1);
        for (uint32_t i = 0; i <= LIMIT_TALLY_ITEMS; i++)
                pack_push_array(&frame, 0);
        assert_int_equal(wire_decode_tally(buffer_bytes(&frame), &tenant, &n, &reader), -EBADMSG);
}

static void an_alive_and_its_heard_bear_a_beat(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0}, heard = {0};
        struct wire_alive alive;
        struct wire_held held;
        uint64_t beat;

        wire_encode_alive(&frame, 8, 1);
        wire_encode_held(&frame, 12, bytes_of(BATCH));
        wire_encode_alive_end(&frame, 1ull << 40);
        assert_int_equal(wire_decode_alive(open_as(&frame, WIRE_ALIVE), &alive), 0);
        assert_true(alive.slots == 8 && alive.n_held == 1 && alive.beat == 1ull << 40);
        assert_int_equal(wire_held_next(&alive.held, &held), 0);
        assert_int_equal(held.fence, 12);
        for (size_t len = 1; len < frame.len; len++)
                assert_int_equal(wire_decode_alive((struct bytes){frame.data + 1, len - 1}, &alive), -EBADMSG);
        assert_int_equal(wire_decode_alive(as_of_version(&frame, WIRE_ALIVE, 3, 2), &alive), 0);
        assert_int_equal(alive.beat, 0);

        wire_encode_heard(&heard, 1ull << 40);
        assert_int_equal(heard.data[0], 32 + 16);
        assert_int_equal(wire_decode_heard(open_as(&heard, WIRE_HEARD), &beat), 0);
        assert_true(beat == 1ull << 40);
        for (size_t len = 1; len < heard.len; len++)
                assert_int_equal(wire_decode_heard((struct bytes){heard.data + 1, len - 1}, &beat), -EBADMSG);
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
        wire_encode_hello_end(&hello, &whole);
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
                cmocka_unit_test(what_an_older_peer_leaves_out_is_read_as_nothing),
                cmocka_unit_test(a_verdict_on_the_provider_that_is_not_known_is_none),
                cmocka_unit_test(doubt_is_yes_or_no),
                cmocka_unit_test(posted_says_how_many_replies_are_out),
                cmocka_unit_test(a_tally_names_amounts_and_passes_over_what_is_not_known),
                cmocka_unit_test(a_tally_beyond_reason_is_bad),
                cmocka_unit_test(an_alive_and_its_heard_bear_a_beat),
                cmocka_unit_test(a_frame_cut_anywhere_is_bad),
                cmocka_unit_test(an_answer_has_at_most_so_many_replies_and_only_text),
                cmocka_unit_test(a_histogram_is_right_within_a_sixteenth),
        };

        return cmocka_run_group_tests_name("common/wire", tests, NULL, NULL);
}
