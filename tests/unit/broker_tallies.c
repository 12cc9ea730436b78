/* What the workers count, and what was saved. */
#include "tests/unit/broker_verb.h"

static void tally(const char *tenant, uint8_t from, const struct wire_tally_item *items, uint32_t n) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct event event = {.type = EVENT_TALLY, .from = {.len = 1, .data = {from}}};

        wire_encode_tally(&frame, bytes_of(tenant), items, n);
        assert_int_equal(wire_decode_tally((struct bytes){frame.data + 1, frame.len - 1}, &event.tally.tenant,
                                           &event.tally.n, &event.tally.items),
                         0);
        world_step(&world, &event);
}

static const struct tenant_counters *counters_of(uint32_t tenant) {
        static struct core_tenant_view view;
        uint32_t cursor = tenant;

        assert_true(core_next_tenant(world.core, &cursor, &view));
        return view.counters;
}

static void tallies_add_up_by_tenant_and_in_all(void **state) {
        const struct wire_tally_item items[] = {{WIRE_TALLY_CALLS, 2}, {WIRE_TALLY_TOKENS_IN, 500}, {N_WIRE_TALLY, 7}};

        world_hello(&world, 1, 1);
        tally("acme", 1, items, 3);
        tally("acme", 1, items, 3);
        tally("zeta", 1, items, 1);
        assert_int_equal(counters_of(0)->tally[WIRE_TALLY_CALLS], 4);
        assert_int_equal(counters_of(0)->tally[WIRE_TALLY_TOKENS_IN], 1000);
        assert_int_equal(counters_of(1)->tally[WIRE_TALLY_CALLS], 2);
        assert_int_equal(core_counters(world.core)->savings.tally[WIRE_TALLY_CALLS], 6);
        assert_int_equal(world.n_errors, 0);
}

static void a_tally_of_a_stranger_or_for_nobody_counts_nothing(void **state) {
        const struct wire_tally_item item = {WIRE_TALLY_CALLS, 2};

        tally("acme", 1, &item, 1);
        world_hello(&world, 1, 1);
        tally("nobody", 1, &item, 1);
        assert_int_equal(core_counters(world.core)->savings.tally[WIRE_TALLY_CALLS], 0);
        assert_int_equal(world.n_errors, 0);
}

/* Each item is good for itself, up to the one that is cut short. */
static void a_tally_that_is_damaged_counts_nothing(void **state) {
        const struct wire_tally_item items[] = {{WIRE_TALLY_CALLS, 2}, {WIRE_TALLY_TOKENS_IN, 500}};
        CLEANUP_BUFFER struct buffer frame = {0};
        struct event event = {.type = EVENT_TALLY, .from = {.len = 1, .data = {1}}};

        world_hello(&world, 1, 1);
        wire_encode_tally(&frame, bytes_of("acme"), items, 2);
        assert_int_equal(wire_decode_tally((struct bytes){frame.data + 1, frame.len - 2}, &event.tally.tenant,
                                           &event.tally.n, &event.tally.items),
                         0);
        world_step(&world, &event);
        assert_int_equal(world.n_errors, 1);
        assert_string_equal(world.code, "bad_frame");
        assert_int_equal(counters_of(0)->tally[WIRE_TALLY_CALLS], 0);
}

static void savings_are_counted_by_tenant(void **state) {
        struct world_run run;

        world_hello(&world, 1, 1);
        world_say_many(&world, "t", 5);
        world_wait(&world, span_s(8));
        run = the_run(5);
        world_answered_with(&world, &run, 1);
        world_result(&world, &run, WIRE_FAILED);
        world_wait(&world, span_s(2));
        run = the_run(5);
        world_result(&world, &run, WIRE_DONE);
        assert_int_equal(counters_of(0)->calls_saved, 4);
        assert_int_equal(counters_of(0)->reused, 1);
        assert_int_equal(counters_of(1)->calls_saved + counters_of(1)->reused, 0);
        assert_int_equal(core_counters(world.core)->savings.calls_saved, 4);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(tallies_add_up_by_tenant_and_in_all),
                TEST(a_tally_of_a_stranger_or_for_nobody_counts_nothing),
                TEST(a_tally_that_is_damaged_counts_nothing),
                TEST(savings_are_counted_by_tenant),
        };

        return cmocka_run_group_tests_name("broker/core: tallies", tests, NULL, NULL);
}
