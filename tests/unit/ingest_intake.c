#include "tests/unit/unit.h"

#include "common/limits.h"
#include "ingest/core/intake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* -- a broker in a few lines --------------------------------------------------------------------------------------- */

static struct mono at_ms(int64_t ms) { return mono_add((struct mono){0}, span_ms(ms)); }

/* A parcel of messages with these ids; "" leaves the id to the parcel. */
static struct parcel parcel_of(const char *const *ids, uint32_t n) {
        static struct parcel_ids source = {.seed = "seed"};
        struct parcel parcel = {0};

        for (uint32_t i = 0; i < n; i++) {
                struct wire_message message = {bytes_of("acme"), bytes_of("5511"), bytes_of(ids[i]), BYTES_NONE,
                                               bytes_of("body")};

                parcel_push(&parcel, &source, &message, i * 10);
        }
        return parcel;
}

#define PARCEL(...)                                                                                                    \
        parcel_of((const char *[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *))

static int push(struct intake *intake, struct parcel parcel, const char *owner, int64_t deadline_ms) {
        int r = intake_push(intake, &parcel, (void *)owner, at_ms(deadline_ms));

        parcel_done(&parcel);
        return r;
}

/* The number of the frame that is due now and the ids of its messages, as "1: a b"; "" when none is due. */
static const char *frame_at(struct intake *intake, int64_t ms) {
        static char text[400];
        enum wire_type type;
        struct bytes frame, body;
        struct pack_reader reader;
        struct wire_message message;
        uint64_t number;
        uint32_t n;

        if (!intake_pop_frame(intake, at_ms(ms), &frame))
                return "";
        assert_int_equal(wire_open(frame, &type, &body), 0);
        assert_int_equal(type, WIRE_MESSAGES);
        assert_int_equal(wire_decode_messages(body, &number, &n, &reader), 0);
        snprintf(text, sizeof text, "%u:", (unsigned)number);
        for (uint32_t i = 0; i < n; i++) {
                size_t len = strlen(text);

                assert_int_equal(wire_message_next(&reader, &message), 0);
                snprintf(text + len, sizeof text - len, " %.*s", BYTES_PRINT(message.id));
        }
        return text;
}

struct answer {
        uint64_t number;
        uint32_t n_accepted;
        uint32_t duplicates[4], n_duplicates;
        struct wire_refusal refusals[4];
        uint32_t n_refusals;
};

static int acknowledge(struct intake *intake, struct answer answer) {
        CLEANUP_BUFFER struct buffer frame = {0};
        enum wire_type type;
        struct bytes body;
        struct wire_ack ack;

        wire_encode_ack(&frame, answer.number, answer.n_accepted, answer.duplicates, answer.n_duplicates,
                        answer.refusals, answer.n_refusals);
        assert_int_equal(wire_open(buffer_bytes(&frame), &type, &body), 0);
        assert_int_equal(wire_decode_ack(body, &ack), 0);
        return intake_on_ack(intake, &ack);
}

/* The next verdict as text: "A accepted=1 duplicate=0", with " late" and " 10:bad_id" where it is so; "" for none. */
static const char *verdict(struct intake *intake) {
        static char text[400];
        struct intake_verdict verdict;

        if (!intake_pop_verdict(intake, &verdict))
                return "";
        snprintf(text, sizeof text, "%s accepted=%u duplicate=%u%s", (const char *)verdict.owner, verdict.n_accepted,
                 verdict.n_duplicates, verdict.is_late ? " late" : "");
        for (uint32_t i = 0; i < verdict.refusals.n; i++) {
                size_t len = strlen(text);

                snprintf(text + len, sizeof text - len, " %u:%s", verdict.refusals.items[i].index,
                         verdict.refusals.items[i].code);
        }
        intake_verdict_done(&verdict);
        return text;
}

static int set_up(void **state) {
        *state = intake_new();
        return 0;
}

static int tear_down(void **state) {
        intake_free(*state);
        return 0;
}

/* -- frames -------------------------------------------------------------------------------------------------------- */

static void requests_of_one_turn_share_a_frame(void **state) {
        assert_int_equal(push(*state, PARCEL("a", "b"), "A", 5000), 0);
        assert_int_equal(push(*state, PARCEL("c"), "B", 5000), 0);
        assert_string_equal(frame_at(*state, 0), "1: a b c");
        assert_string_equal(frame_at(*state, 0), "");
        assert_int_equal(acknowledge(*state, (struct answer){1, .n_accepted = 3}), 0);
        assert_string_equal(verdict(*state), "A accepted=2 duplicate=0");
        assert_string_equal(verdict(*state), "B accepted=1 duplicate=0");
        assert_string_equal(verdict(*state), "");
        assert_int_equal(intake_n_waiting(*state), 0);
        assert_int_equal(intake_next(*state).us, MONO_NEVER.us);
}

static void what_comes_while_a_frame_is_under_way_is_the_next_frame(void **state) {
        assert_int_equal(push(*state, PARCEL("a"), "A", 5000), 0);
        assert_string_equal(frame_at(*state, 0), "1: a");
        assert_int_equal(push(*state, PARCEL("b"), "B", 5000), 0);
        assert_int_equal(push(*state, PARCEL("c"), "C", 5000), 0);
        assert_string_equal(frame_at(*state, 10), "");
        assert_int_equal(acknowledge(*state, (struct answer){1, .n_accepted = 1}), 0);
        assert_string_equal(frame_at(*state, 20), "2: b c");
}

static void a_frame_without_an_acknowledgement_is_sent_again_as_it_was(void **state) {
        assert_int_equal(push(*state, PARCEL("a"), "A", 5000), 0);
        assert_string_equal(frame_at(*state, 0), "1: a");
        assert_int_equal(push(*state, PARCEL("b"), "B", 5000), 0);
        assert_int_equal(intake_next(*state).us, at_ms(LIMIT_RESEND_MS).us);
        assert_string_equal(frame_at(*state, LIMIT_RESEND_MS - 1), "");
        assert_string_equal(frame_at(*state, LIMIT_RESEND_MS), "1: a");
        assert_string_equal(frame_at(*state, 2 * LIMIT_RESEND_MS), "1: a");
}

static void a_frame_that_found_no_connection_is_due_again_soon(void **state) {
        assert_int_equal(push(*state, PARCEL("a"), "A", 5000), 0);
        assert_string_equal(frame_at(*state, 0), "1: a");
        intake_on_unsent(*state, at_ms(0));
        assert_int_equal(intake_next(*state).us, at_ms(LIMIT_UNSENT_MS).us);
        assert_string_equal(frame_at(*state, LIMIT_UNSENT_MS), "1: a");
}

static void a_frame_holds_no_more_messages_than_the_protocol_allows(void **state) {
        static const char *ids[LIMIT_FRAME_MESSAGES];
        struct bytes frame;

        for (uint32_t i = 0; i < LIMIT_FRAME_MESSAGES; i++)
                ids[i] = "x";
        assert_int_equal(push(*state, PARCEL("a"), "A", 5000), 0);
        assert_int_equal(push(*state, parcel_of(ids, LIMIT_FRAME_MESSAGES), "B", 5000), 0);
        assert_string_equal(frame_at(*state, 0), "1: a");
        assert_int_equal(acknowledge(*state, (struct answer){1, .n_accepted = 1}), 0);
        assert_true(intake_pop_frame(*state, at_ms(0), &frame));
        assert_int_equal(acknowledge(*state, (struct answer){2, .n_accepted = LIMIT_FRAME_MESSAGES}), 0);
        assert_string_equal(verdict(*state), "A accepted=1 duplicate=0");
        assert_string_equal(verdict(*state), "B accepted=10000 duplicate=0");
}

static void an_empty_parcel_asks_whether_the_broker_answers(void **state) {
        assert_int_equal(push(*state, (struct parcel){0}, "A", 1000), 0);
        assert_string_equal(frame_at(*state, 0), "1:");
        assert_int_equal(acknowledge(*state, (struct answer){1}), 0);
        assert_string_equal(verdict(*state), "A accepted=0 duplicate=0");
}

/* -- acknowledgements ---------------------------------------------------------------------------------------------- */

static void each_request_hears_of_its_own_messages(void **state) {
        struct wire_refusal refusal = {3, bytes_of("unknown_tenant"), bytes_of("no such tenant")};

        assert_int_equal(push(*state, PARCEL("a", "b"), "A", 5000), 0);
        assert_int_equal(push(*state, PARCEL("c", "d"), "B", 5000), 0);
        assert_string_equal(frame_at(*state, 0), "1: a b c d");
        assert_int_equal(acknowledge(*state, (struct answer){1, 2, {0}, 1, {refusal}, 1}), 0);
        assert_string_equal(verdict(*state), "A accepted=1 duplicate=1");
        assert_string_equal(verdict(*state), "B accepted=1 duplicate=0 10:unknown_tenant");
}

static void a_second_acknowledgement_changes_nothing(void **state) {
        assert_int_equal(push(*state, PARCEL("a"), "A", 5000), 0);
        assert_string_equal(frame_at(*state, 0), "1: a");
        assert_int_equal(acknowledge(*state, (struct answer){1, .n_accepted = 1}), 0);
        assert_int_equal(push(*state, PARCEL("b"), "B", 5000), 0);
        assert_string_equal(frame_at(*state, 0), "2: b");
        assert_int_equal(acknowledge(*state, (struct answer){1, .duplicates = {0}, .n_duplicates = 1}), 1);
        assert_string_equal(verdict(*state), "A accepted=1 duplicate=0");
        assert_string_equal(verdict(*state), "");
}

static void a_message_that_got_its_id_here_is_never_called_a_duplicate(void **state) {
        assert_int_equal(push(*state, PARCEL("", "b"), "A", 5000), 0);
        frame_at(*state, 0);
        frame_at(*state, LIMIT_RESEND_MS);
        assert_int_equal(acknowledge(*state, (struct answer){1, .duplicates = {0, 1}, .n_duplicates = 2}), 0);
        assert_string_equal(verdict(*state), "A accepted=1 duplicate=1");
}

static void an_acknowledgement_that_does_not_add_up_is_refused(void **state) {
        struct wire_refusal outside = {2, bytes_of("bad_id"), BYTES_NONE}, inside = {1, bytes_of("bad_id"), BYTES_NONE};

        assert_int_equal(push(*state, PARCEL("a", "b"), "A", 5000), 0);
        frame_at(*state, 0);
        assert_int_equal(acknowledge(*state, (struct answer){1, .n_accepted = 1}), -EBADMSG);
        assert_int_equal(acknowledge(*state, (struct answer){1, .n_accepted = 3}), -EBADMSG);
        assert_int_equal(acknowledge(*state, (struct answer){1, 1, {2}, 1}), -EBADMSG);
        assert_int_equal(acknowledge(*state, (struct answer){1, 0, {1, 1}, 2}), -EBADMSG);
        assert_int_equal(acknowledge(*state, (struct answer){1, 1, .refusals = {outside}, .n_refusals = 1}), -EBADMSG);
        assert_int_equal(acknowledge(*state, (struct answer){1, 0, {1}, 1, {inside}, 1}), -EBADMSG);
        assert_int_equal(acknowledge(*state, (struct answer){1, UINT32_MAX, .refusals = {inside, inside, inside},
                                                             .n_refusals = 3}),
                         -EBADMSG);
        assert_string_equal(verdict(*state), "");
        assert_int_equal(acknowledge(*state, (struct answer){1, .n_accepted = 2}), 0);
        assert_string_equal(verdict(*state), "A accepted=2 duplicate=0");
}

static void an_acknowledgement_of_nothing_is_passed_over(void **state) {
        assert_int_equal(acknowledge(*state, (struct answer){0}), 1);
        assert_int_equal(push(*state, PARCEL("a"), "A", 5000), 0);
        assert_int_equal(acknowledge(*state, (struct answer){0}), 1);
        assert_int_equal(acknowledge(*state, (struct answer){1, .n_accepted = 1}), 1);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

static void a_request_that_waited_too_long_is_told_so_once(void **state) {
        assert_int_equal(push(*state, PARCEL("a"), "A", 3000), 0);
        assert_int_equal(push(*state, PARCEL("b"), "B", 4000), 0);
        assert_string_equal(frame_at(*state, 0), "1: a b");
        intake_on_time(*state, at_ms(2999));
        assert_string_equal(verdict(*state), "");
        intake_on_time(*state, at_ms(3000));
        assert_string_equal(verdict(*state), "A accepted=0 duplicate=0 late");
        assert_string_equal(frame_at(*state, 3000), "1: a b");
        assert_int_equal(acknowledge(*state, (struct answer){1, .n_accepted = 2}), 0);
        assert_string_equal(verdict(*state), "B accepted=1 duplicate=0");
        assert_string_equal(verdict(*state), "");
}

static void a_frame_is_given_up_with_its_last_request(void **state) {
        assert_int_equal(push(*state, PARCEL("a"), "A", 3000), 0);
        assert_string_equal(frame_at(*state, 0), "1: a");
        assert_int_equal(push(*state, PARCEL("b"), "B", 6000), 0);
        intake_on_time(*state, at_ms(3000));
        assert_string_equal(verdict(*state), "A accepted=0 duplicate=0 late");
        assert_string_equal(frame_at(*state, 3000), "2: b");
        assert_int_equal(acknowledge(*state, (struct answer){1, .n_accepted = 1}), 1);
        assert_int_equal(acknowledge(*state, (struct answer){2, .n_accepted = 1}), 0);
        assert_string_equal(verdict(*state), "B accepted=1 duplicate=0");
}

static void a_request_can_be_late_before_it_was_ever_sent(void **state) {
        assert_int_equal(push(*state, PARCEL("a"), "A", 9000), 0);
        frame_at(*state, 0);
        assert_int_equal(push(*state, PARCEL("b"), "B", 1500), 0);
        assert_int_equal(push(*state, PARCEL("c"), "C", 9000), 0);
        intake_on_time(*state, at_ms(1500));
        assert_string_equal(verdict(*state), "B accepted=0 duplicate=0 late");
        assert_string_equal(verdict(*state), "");
        assert_int_equal(acknowledge(*state, (struct answer){1, .n_accepted = 1}), 0);
        assert_string_equal(frame_at(*state, 1600), "2: c");
        assert_int_equal(intake_n_waiting(*state), 1);
}

/* -- limits -------------------------------------------------------------------------------------------------------- */

static void more_requests_than_the_limit_are_refused_until_some_are_answered(void **state) {
        for (int i = 0; i < LIMIT_INTAKE_REQUESTS; i++)
                assert_int_equal(push(*state, PARCEL("a"), "A", 5000), 0);
        assert_int_equal(push(*state, PARCEL("a"), "A", 5000), INTAKE_FULL);
        intake_on_time(*state, at_ms(5000));
        assert_int_equal(push(*state, PARCEL("a"), "A", 9000), 0);
}

static struct parcel large_parcel(void) {
        static char body[LIMIT_MESSAGE_BYTES_MAX];
        struct parcel_ids ids = {.seed = "seed"};
        struct wire_message message = {bytes_of("a"), bytes_of("b"), BYTES_NONE, BYTES_NONE, {body, sizeof body}};
        struct parcel parcel = {0};

        for (uint32_t i = 0; i < 3; i++)
                parcel_push(&parcel, &ids, &message, i);
        return parcel;
}

static void more_bytes_than_the_limit_are_refused(void **state) {
        int n = 0;

        while (push(*state, large_parcel(), "A", 5000) == 0)
                n++;
        assert_in_range(n, 15, LIMIT_INTAKE_BYTES / (3 * LIMIT_MESSAGE_BYTES_MAX));
        assert_int_equal(push(*state, large_parcel(), "A", 5000), INTAKE_FULL);
        assert_int_equal(push(*state, PARCEL("a"), "A", 5000), 0);
}

static void a_parcel_that_fits_no_frame_is_refused(void **state) {
        struct parcel parcel = large_parcel(), more = large_parcel();

        buffer_push(&parcel.messages, more.messages.data, more.messages.len);
        parcel_done(&more);
        assert_int_equal(intake_push(*state, &parcel, NULL, at_ms(1)), INTAKE_TOO_LARGE);
        assert_int_equal(parcel.n, 3);
        parcel_done(&parcel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* -- patience ------------------------------------------------------------------------------------------------------ */

#define NO_ROOM(index)                                                                                                 \
        { index, bytes_of("store_full"), bytes_of("no room") }

static void a_patient_intake_sends_again_what_found_no_room(void **state) {
        struct intake *intake = *state;

        intake_be_patient(intake);
        assert_int_equal(push(intake, PARCEL("a", "b", "c"), "A", 100000), 0);
        assert_string_equal(frame_at(intake, 0), "1: a b c");
        assert_int_equal(acknowledge(intake, (struct answer){.number = 1,
                                                             .n_accepted = 1,
                                                             .duplicates = {2},
                                                             .n_duplicates = 1,
                                                             .refusals = {NO_ROOM(1)},
                                                             .n_refusals = 1}),
                         0);
        assert_string_equal(verdict(intake), "");
        assert_string_equal(intake_waits_for(intake), "store_full");
        assert_string_equal(frame_at(intake, LIMIT_RESEND_MS - 1), "");
        assert_string_equal(frame_at(intake, LIMIT_RESEND_MS), "1: a b c");
        /* What was taken before is a duplicate only of itself; what was one at first is one still. */
        assert_int_equal(
                acknowledge(intake,
                            (struct answer){.number = 1, .n_accepted = 1, .duplicates = {0, 2}, .n_duplicates = 2}),
                0);
        assert_string_equal(verdict(intake), "A accepted=2 duplicate=1");
        assert_null(intake_waits_for(intake));
}

static void patience_is_for_want_of_room_alone(void **state) {
        struct intake *intake = *state;

        intake_be_patient(intake);
        assert_int_equal(push(intake, PARCEL("a"), "A", 100000), 0);
        assert_string_equal(frame_at(intake, 0), "1: a");
        assert_int_equal(acknowledge(intake, (struct answer){.number = 1,
                                                             .refusals = {{0, bytes_of("bad_id"), bytes_of("why")}},
                                                             .n_refusals = 1}),
                         0);
        assert_string_equal(verdict(intake), "A accepted=0 duplicate=0 0:bad_id");
}

static void without_patience_want_of_room_is_an_answer(void **state) {
        struct intake *intake = *state;

        assert_int_equal(push(intake, PARCEL("a"), "A", 100000), 0);
        assert_string_equal(frame_at(intake, 0), "1: a");
        assert_int_equal(acknowledge(intake, (struct answer){.number = 1, .refusals = {NO_ROOM(0)}, .n_refusals = 1}),
                         0);
        assert_string_equal(verdict(intake), "A accepted=0 duplicate=0 0:store_full");
        assert_null(intake_waits_for(intake));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(requests_of_one_turn_share_a_frame),
                TEST(what_comes_while_a_frame_is_under_way_is_the_next_frame),
                TEST(a_frame_without_an_acknowledgement_is_sent_again_as_it_was),
                TEST(a_frame_that_found_no_connection_is_due_again_soon),
                TEST(a_frame_holds_no_more_messages_than_the_protocol_allows),
                TEST(an_empty_parcel_asks_whether_the_broker_answers),
                TEST(each_request_hears_of_its_own_messages),
                TEST(a_second_acknowledgement_changes_nothing),
                TEST(a_message_that_got_its_id_here_is_never_called_a_duplicate),
                TEST(an_acknowledgement_that_does_not_add_up_is_refused),
                TEST(an_acknowledgement_of_nothing_is_passed_over),
                TEST(a_request_that_waited_too_long_is_told_so_once),
                TEST(a_frame_is_given_up_with_its_last_request),
                TEST(a_request_can_be_late_before_it_was_ever_sent),
                TEST(more_requests_than_the_limit_are_refused_until_some_are_answered),
                TEST(more_bytes_than_the_limit_are_refused),
                TEST(a_parcel_that_fits_no_frame_is_refused),
                TEST(a_patient_intake_sends_again_what_found_no_room),
                TEST(patience_is_for_want_of_room_alone),
                TEST(without_patience_want_of_room_is_an_answer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
