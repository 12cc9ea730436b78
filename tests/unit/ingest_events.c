/* Events on their way to the broker: their ids, and a broker that is too old for them. */
#include "tests/unit/unit.h"

#include "common/limits.h"
#include "ingest/core/intake.h"
#include "ingest/core/reply.h"

#include <stdio.h>
#include <string.h>

static struct mono at_ms(int64_t ms) { return mono_add((struct mono){0}, span_ms(ms)); }

/* One item, as in the parcel of a request. */
struct said {
        enum wire_what what;
        const char *id;
        const char *alias; /* NULL = none */
};

static void push_said(struct parcel *parcel, struct said said) {
        static struct parcel_ids source = {.seed = "seed"};
        struct wire_message message = {.tenant = bytes_of("acme"),
                                       .thread = bytes_of("ana"),
                                       .id = bytes_of(said.id),
                                       .body = bytes_of("body"),
                                       .what = said.what};

        if (said.alias)
                message.aliases[message.n_aliases++] = bytes_of(said.alias);
        parcel_push(parcel, &source, &message, parcel->n * 10);
}

static void push(struct intake *intake, const char *owner, const struct said *said, uint32_t n) {
        CLEANUP_PARCEL struct parcel parcel = {0};

        for (uint32_t i = 0; i < n; i++)
                push_said(&parcel, said[i]);
        assert_int_equal(intake_push(intake, &parcel, (void *)owner, at_ms(5000)), 0);
}

#define PUSH(intake, owner, ...)                                                                                       \
        push(intake, owner, (const struct said[]){__VA_ARGS__},                                                        \
             sizeof((const struct said[]){__VA_ARGS__}) / sizeof(struct said))

/* The frame that is due, as "messages 1: message/m1 person/" and so on; "" when none is. */
static const char *frame_at(struct intake *intake, int64_t ms) {
        static char text[400];
        struct bytes frame, body;
        struct pack_reader reader;
        struct wire_message message;
        enum wire_type type;
        uint64_t number;
        uint32_t n;

        if (!intake_pop_frame(intake, at_ms(ms), &frame))
                return "";
        assert_int_equal(wire_open(frame, &type, &body), 0);
        assert_int_equal(wire_decode_messages(body, &number, &n, &reader), 0);
        snprintf(text, sizeof text, "%s %u:", type == WIRE_EVENTS ? "events" : "messages", (unsigned)number);
        for (uint32_t i = 0; i < n; i++) {
                size_t len = strlen(text);

                assert_int_equal(wire_message_next(&reader, &message), 0);
                snprintf(text + len, sizeof text - len, " %s/%.*s%s", wire_what_name(message.what),
                         BYTES_PRINT(message.id), message.n_aliases > 0 ? "+" : "");
        }
        return text;
}

/* All of the frame are accepted but these, which the broker has had before. */
static void acknowledge(struct intake *intake, uint64_t number, uint32_t n, const uint32_t *duplicates,
                        uint32_t n_duplicates) {
        CLEANUP_BUFFER struct buffer frame = {0};
        enum wire_type type;
        struct wire_ack ack;
        struct bytes body;

        wire_encode_ack(&frame, number, n - n_duplicates, duplicates, n_duplicates, NULL, 0);
        assert_int_equal(wire_open(buffer_bytes(&frame), &type, &body), 0);
        assert_int_equal(wire_decode_ack(body, &ack), 0);
        assert_int_equal(intake_on_ack(intake, &ack), 0);
}

/* The next verdict, as "A accepted=1 events=2 duplicate=0 10:broker_old"; "" for none. */
static const char *verdict(struct intake *intake) {
        static char text[400];
        struct intake_verdict verdict;

        if (!intake_pop_verdict(intake, &verdict))
                return "";
        snprintf(text, sizeof text, "%s accepted=%u events=%u duplicate=%u", (const char *)verdict.owner,
                 verdict.n_accepted, verdict.n_events, verdict.n_duplicates);
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

/* -- ids ----------------------------------------------------------------------------------------------------------- */

static bool has_id(enum wire_what what, const char *id) {
        CLEANUP_PARCEL struct parcel parcel = {0};
        struct wire_message message;
        struct pack_reader reader;

        push_said(&parcel, (struct said){what, id, NULL});
        reader = pack_open(buffer_bytes(&parcel.messages));
        assert_int_equal(wire_message_next(&reader, &message), 0);
        assert_int_equal(parcel.places[0].is_id_ours, message.id.len > 0 && !*id);
        return message.id.len > 0;
}

static void an_event_that_must_count_once_gets_an_id_of_its_own(void **state) {
        (void)state;
        assert_true(has_id(WIRE_WHAT_MESSAGE, ""));
        assert_true(has_id(WIRE_WHAT_PERSON, ""));
        assert_true(has_id(WIRE_WHAT_CLOSED, ""));
        assert_true(has_id(WIRE_WHAT_RESUME, ""));
        assert_true(has_id(WIRE_WHAT_ALIAS, ""));
        assert_true(has_id(WIRE_WHAT_PERSON, "theirs"));
}

static void an_event_of_the_moment_or_about_a_message_gets_none(void **state) {
        (void)state;
        assert_false(has_id(WIRE_WHAT_TYPING, ""));
        assert_false(has_id(WIRE_WHAT_PAUSED, ""));
        assert_false(has_id(WIRE_WHAT_SHOWN, ""));
        assert_false(has_id((enum wire_what)99, ""));
        assert_true(has_id(WIRE_WHAT_EDIT, "target"));
}

static void an_event_that_got_its_id_here_is_never_called_a_duplicate(void **state) {
        const uint32_t all[] = {0, 1, 2};

        PUSH(*state, "A", {WIRE_WHAT_PERSON, "", NULL}, {WIRE_WHAT_CLOSED, "theirs", NULL},
             {WIRE_WHAT_MESSAGE, "", NULL});
        frame_at(*state, 0);
        acknowledge(*state, 1, 3, all, 3);
        assert_string_equal(verdict(*state), "A accepted=1 events=1 duplicate=1");
}

/* -- a broker before lull/1.2 -------------------------------------------------------------------------------------- */

static void an_old_broker_gets_the_messages_alone(void **state) {
        uint32_t n_events;

        PUSH(*state, "A", {WIRE_WHAT_MESSAGE, "m1", "5511"}, {WIRE_WHAT_PERSON, "p1", NULL},
             {WIRE_WHAT_MESSAGE, "m2", NULL});
        PUSH(*state, "B", {WIRE_WHAT_EDIT, "m1", NULL});
        PUSH(*state, "C", {WIRE_WHAT_MESSAGE, "m3", NULL});
        assert_string_equal(frame_at(*state, 0), "events 1: message/m1+ person/p1 message/m2 edit/m1 message/m3");
        assert_true(intake_on_bad_frame(*state, at_ms(10), &n_events));
        assert_int_equal(n_events, 2);
        assert_string_equal(frame_at(*state, 10), "messages 2: message/m1 message/m2 message/m3");
        acknowledge(*state, 2, 3, (const uint32_t[]){1}, 1);
        assert_string_equal(verdict(*state), "A accepted=1 events=0 duplicate=1 10:broker_old");
        assert_string_equal(verdict(*state), "B accepted=0 events=0 duplicate=0 0:broker_old");
        assert_string_equal(verdict(*state), "C accepted=1 events=0 duplicate=0");
        assert_int_equal(intake_n_waiting(*state), 0);
}

static void a_frame_without_events_is_not_to_blame(void **state) {
        uint32_t n_events;

        assert_false(intake_on_bad_frame(*state, at_ms(0), &n_events));
        PUSH(*state, "A", {WIRE_WHAT_MESSAGE, "m1", NULL});
        assert_string_equal(frame_at(*state, 0), "messages 1: message/m1");
        assert_false(intake_on_bad_frame(*state, at_ms(0), &n_events));
        assert_string_equal(frame_at(*state, LIMIT_RESEND_MS), "messages 1: message/m1");
}

static void a_request_that_is_taken_back_keeps_what_was_refused(void **state) {
        struct intake_request request;
        uint32_t n_events;

        PUSH(*state, "A", {WIRE_WHAT_MESSAGE, "m1", NULL}, {WIRE_WHAT_PERSON, "p1", NULL});
        frame_at(*state, 0);
        assert_true(intake_on_bad_frame(*state, at_ms(0), &n_events));
        assert_true(intake_pop_request(*state, &request));
        assert_int_equal(request.parcel.n, 1);
        assert_int_equal(request.refusals.n, 1);
        assert_string_equal(request.refusals.items[0].code, INTAKE_BROKER_OLD);
        parcel_done(&request.parcel);
        refusals_done(&request.refusals);
}

static unsigned hook_status(uint32_t n_accepted) {
        CLEANUP_REFUSALS struct refusals refusals = {0};
        CLEANUP_BUFFER struct buffer body = {0};

        refusals_push(&refusals, 0, bytes_of(INTAKE_BROKER_OLD), bytes_of("why"));
        return reply_to_hook(&(struct reply_outcome){n_accepted, 0, 0, &refusals}, &(struct reply_ignored){0}, &body);
}

static void an_event_for_an_old_broker_is_503_and_the_messages_beside_it_are_not(void **state) {
        (void)state;
        assert_int_equal(hook_status(0), 503);
        assert_int_equal(hook_status(1), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(an_event_that_must_count_once_gets_an_id_of_its_own),
                TEST(an_event_of_the_moment_or_about_a_message_gets_none),
                TEST(an_event_that_got_its_id_here_is_never_called_a_duplicate),
                TEST(an_old_broker_gets_the_messages_alone),
                TEST(a_frame_without_events_is_not_to_blame),
                TEST(a_request_that_is_taken_back_keeps_what_was_refused),
                TEST(an_event_for_an_old_broker_is_503_and_the_messages_beside_it_are_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
