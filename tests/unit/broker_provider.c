/* A provider that fails is spared, and nobody else suffers for it: how it opens, and how it is tried. */
#include "tests/unit/broker_provider.h"

/* -- opening ------------------------------------------------------------------------------------------------------- */

static void one_thread_that_always_fails_never_opens_it(void **state) {
        struct world_run run = begin("poison");

        world.tenants[0].retry.attempts = 50;
        for (int i = 0; i < 20; i++) {
                go_down(&run);
                expect_provider(PROVIDER_CLOSED);
                run = next_run(span_s(33));
        }
        begin("other");
}

static void enough_failures_in_a_row_of_more_than_one_thread_open_it(void **state) {
        open_it();
        assert_int_equal(provider().failures, 5);
        world_say(&world, "new", NULL);
        assert_int_equal(world.n_runs, 0);
        expect_state("new", THREAD_READY);
        assert_string_equal(world_why(&world, "new").provider.endpoint, ENDPOINT);
        assert_int_equal(world_why(&world, "new").provider.until.ms, world.now.wall.ms + 1000);
}

static void a_success_between_failures_begins_the_count_anew(void **state) {
        struct world_run a = begin("a"), b = begin("b"), c = begin("c"), d = begin("d"), e = begin("e");

        go_down(&a);
        go_down(&b);
        succeed(&c);
        go_down(&d);
        go_down(&e);
        expect_provider(PROVIDER_CLOSED);
        assert_int_equal(provider().failures, 2);
}

static void who_has_failed_goes_by_his_age_while_it_is_closed(void **state) {
        struct world_run a, b;

        world.tenants[0].concurrency = 2;
        configure();
        a = begin("a");
        b = begin("b");
        world.tenants[0].concurrency = 1;
        world.tenants[0].retry.base = span_s(5);
        configure();
        go_down(&a);
        pass(span_s(6), NULL, 0); /* a is ready, and there is no room */
        world_say(&world, "c", NULL);
        end(&b, WIRE_FAILED, WIRE_PROVIDER_SILENT, span_us(0));
        assert_string_equal(begun[n_begun - 1].thread, "a");
}

static void with_failures_set_to_none_it_never_opens(void **state) {
        world.config.provider.failures = 0;
        configure();
        for (int i = 0; i < 10; i++) {
                struct world_run run = begin((char[]){(char)('a' + i), 0});

                go_down(&run);
        }
        expect_provider(PROVIDER_CLOSED);
        begin("other");
}

static void an_answer_tells_that_it_is_well_before_the_run_has_ended(void **state) {
        struct world_run a = begin("a"), b = begin("b");

        go_down(&a);
        assert_int_equal(provider().failures, 1);
        world_answered(&world, &b, "Oi!");
        assert_int_equal(provider().failures, 0);
}

/* -- open ---------------------------------------------------------------------------------------------------------- */

static void messages_that_come_meanwhile_merge(void **state) {
        struct world_run runs[4];

        open_it();
        for (int i = 0; i < 3; i++)
                world_say(&world, "new", NULL);
        assert_int_equal(pass(span_s(2), runs, 4), 1);
        assert_string_equal(runs[0].thread, "new");
        assert_int_equal(runs[0].n_messages, 3);
}

static void an_answer_that_is_stored_is_posted_all_the_same(void **state) {
        struct world_run run = begin("posting");

        world_answered(&world, &run, "Oi!");
        open_it();
        world_result(&world, &run, WIRE_HANDED_BACK);
        world_alive(&world, 1, 500, NULL, 0);
        assert_int_equal(world.n_runs, 1);
        assert_true(world.runs[0].is_answered);
        expect_provider(PROVIDER_OPEN);
}

static void a_tenant_with_another_key_or_no_endpoint_waits_for_nobody(void **state) {
        world.tenants[1].handler.key = (char *)(uintptr_t) "sk-another";
        configure();
        open_it();
        world_say_in(&world, "zeta", "z", NULL, "Oi");
        assert_int_equal(world.n_runs, 1);
        world.tenants[1].handler.endpoint = NULL;
        configure();
        world_say_in(&world, "zeta", "y", NULL, "Oi");
        assert_int_equal(world.n_runs, 1);
}

static void a_tenant_of_the_same_endpoint_and_key_waits(void **state) {
        open_it();
        world_say_in(&world, "zeta", "z", NULL, "Oi");
        assert_int_equal(world.n_runs, 0);
}

static void what_was_under_way_and_fails_costs_no_attempt(void **state) {
        struct world_run run = begin("old");

        open_it();
        go_down(&run);
        assert_int_equal(world_why(&world, "old").attempts, 0);
        expect_state("old", THREAD_READY);
        assert_string_equal(world_why(&world, "old").code, "test");
}

static void a_run_from_before_says_nothing_about_now(void **state) {
        struct world_run well = begin("well"), runs[9], late[6];

        for (int i = 0; i < 6; i++)
                late[i] = begin((char[]){(char)('p' + i), 0});
        open_it();
        succeed(&well);
        expect_provider(PROVIDER_OPEN);
        assert_int_equal(pass(span_s(2), runs, 9), 1);
        succeed(&runs[0]);
        expect_provider(PROVIDER_CLOSED);
        for (int i = 0; i < 6; i++) /* they hung all the while */
                go_down(&late[i]);
        expect_provider(PROVIDER_CLOSED);
        assert_int_equal(world_why(&world, "p").attempts, 0);
}

/* -- half open ----------------------------------------------------------------------------------------------------- */

static void one_run_at_a_time_tries_it(void **state) {
        struct world_run runs[10];

        open_it();
        assert_int_equal(pass(span_s(10), runs, 10), 1);
        expect_provider(PROVIDER_HALF_OPEN);
        assert_true(provider().is_tried);
}

static void who_has_waited_longest_tries_it_first(void **state) {
        struct world_run run;

        open_it();
        for (int i = 0; i < 3; i++) {
                world_say(&world, (char[]){(char)('x' + i), 0}, NULL);
                world_wait(&world, span_ms(10));
        }
        assert_int_equal(pass(span_s(1), &run, 1), 1);
        assert_string_equal(run.thread, "x");
}

static void the_pause_doubles_up_to_its_cap(void **state) {
        static const int64_t pauses_s[] = {1, 2, 4, 8, 16, 30, 30, 30};
        struct world_run run;

        open_it();
        for (size_t i = 0; i < sizeof pauses_s / sizeof *pauses_s; i++) {
                assert_int_equal(provider().until.ms - world.now.wall.ms, pauses_s[i] * 1000);
                assert_int_equal(pass(span_us(pauses_s[i] * 1000000 - 10000), &run, 1), 0);
                assert_int_equal(pass(span_ms(20), &run, 1), 1);
                go_down(&run);
        }
        assert_int_equal(dead_letters(), 0);
}

static void each_probe_is_another_thread_until_all_have_tried(void **state) {
        char seen[5] = {0};
        struct world_run run;

        open_it();
        for (int round = 0; round < 3; round++) {
                memset(seen, 0, sizeof seen);
                for (int i = 0; i < 5; i++) {
                        run = next_run(span_s(31));
                        assert_in_range(run.thread[0], 'a', 'e');
                        seen[run.thread[0] - 'a']++;
                        go_down(&run);
                }
                for (int i = 0; i < 5; i++)
                        assert_int_equal(seen[i], 1);
        }
        assert_int_equal(dead_letters(), 0);
}

static void a_thread_that_always_fails_keeps_no_other_from_trying(void **state) {
        struct world_run run;

        open_it();
        for (int i = 0; i < 7; i++) {
                run = next_run(span_s(31));
                go_down(&run);
        }
        world_say(&world, "fresh", NULL);
        run = next_run(span_s(31));
        assert_string_equal(run.thread, "fresh");
        succeed(&run);
        expect_provider(PROVIDER_CLOSED);
}

static void a_probe_without_a_verdict_lets_another_one_go(void **state) {
        static const enum wire_outcome outcomes[] = {WIRE_HANDED_BACK, WIRE_BUSY, WIRE_FAILED};
        struct world_run run;
        uint32_t first;

        open_it();
        for (int i = 0; i < 5; i++)
                world_say(&world, (char[]){(char)('v' + i), 0}, NULL);
        assert_int_equal(pass(span_s(1), &run, 1), 1);
        for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
                first = n_begun;
                end(&run, outcomes[i], WIRE_PROVIDER_SILENT, span_us(0));
                pass(span_ms(1010), NULL, 0);
                assert_int_equal(n_begun - first, 1);
                run = begun[first];
                expect_provider(PROVIDER_HALF_OPEN);
        }
}

static void a_probe_whose_worker_dies_lets_another_one_go(void **state) {
        struct world_run run;

        open_it();
        world_wait(&world, span_s(1));
        assert_int_equal(world.n_runs, 1);
        for (int i = 0; i < 10; i++) /* not a word */
                world_wait(&world, span_s(1));
        assert_int_equal(world.n_runs, 0);
        world_hello(&world, 2, 500);
        assert_int_equal(world.n_runs, 1);
        run = world.runs[0];
        succeed(&run);
        expect_provider(PROVIDER_CLOSED);
}

static void a_probe_that_hangs_is_waited_for_but_not_for_ever(void **state) {
        struct world_run run, held;
        uint32_t n = 0;

        open_it();
        assert_int_equal(pass(span_s(1), &held, 1), 1);
        for (int s = 0; s < LIMIT_PROBE_S + 1; s++) {
                world_alive(&world, 1, 500, &held, 1);
                for (int i = 0; i < 100; i++) {
                        world_wait(&world, span_ms(10));
                        if (world.n_runs > 0)
                                run = world.runs[0];
                        n += world.n_runs;
                }
        }
        assert_int_equal(n, 1);
        succeed(&run);
        expect_provider(PROVIDER_CLOSED);
        go_down(&held); /* one of those that tried: it counts, as one */
        expect_provider(PROVIDER_CLOSED);
}

static void a_tenant_that_has_no_room_when_it_is_called_lets_the_next_one_try(void **state) {
        struct world_run posting = begin("posting"), runs[4];

        world.tenants[0].retry.base = span_ms(500);
        world_answered(&world, &posting, "Oi!");
        open_it();
        world.tenants[0].concurrency = 1;
        configure();
        end(&posting, WIRE_FAILED, WIRE_PROVIDER_SILENT, span_us(0));
        world_say(&world, "x", NULL);
        world_wait(&world, span_ms(10)); /* acme stands in line */
        world_say_in(&world, "zeta", "z", NULL, "Oi");
        assert_int_equal(world.n_runs, 0);
        assert_int_equal(pass(span_ms(1100), runs, 4), 2);
        assert_string_equal(runs[0].thread, "posting");
        assert_string_equal(runs[1].thread, "z");
}

static void a_probe_that_is_cancelled_lets_another_one_go(void **state) {
        int result = -1;
        uint32_t n = 0;
        struct event event = {.type = EVENT_CANCEL,
                              .verb = {.tenant = bytes_of("acme"), .ret_result = &result, .ret_messages = &n}};
        struct world_run run;

        open_it();
        assert_int_equal(pass(span_s(1), &run, 1), 1);
        event.verb.thread = bytes_of(run.thread);
        world_step(&world, &event);
        assert_int_equal(result, 0);
        assert_int_equal(world.n_runs, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(one_thread_that_always_fails_never_opens_it),
                TEST(enough_failures_in_a_row_of_more_than_one_thread_open_it),
                TEST(a_success_between_failures_begins_the_count_anew),
                TEST(who_has_failed_goes_by_his_age_while_it_is_closed),
                TEST(with_failures_set_to_none_it_never_opens),
                TEST(an_answer_tells_that_it_is_well_before_the_run_has_ended),
                TEST(messages_that_come_meanwhile_merge),
                TEST(an_answer_that_is_stored_is_posted_all_the_same),
                TEST(a_tenant_with_another_key_or_no_endpoint_waits_for_nobody),
                TEST(a_tenant_of_the_same_endpoint_and_key_waits),
                TEST(what_was_under_way_and_fails_costs_no_attempt),
                TEST(a_run_from_before_says_nothing_about_now),
                TEST(one_run_at_a_time_tries_it),
                TEST(who_has_waited_longest_tries_it_first),
                TEST(the_pause_doubles_up_to_its_cap),
                TEST(each_probe_is_another_thread_until_all_have_tried),
                TEST(a_thread_that_always_fails_keeps_no_other_from_trying),
                TEST(a_probe_without_a_verdict_lets_another_one_go),
                TEST(a_probe_whose_worker_dies_lets_another_one_go),
                TEST(a_probe_that_hangs_is_waited_for_but_not_for_ever),
                TEST(a_tenant_that_has_no_room_when_it_is_called_lets_the_next_one_try),
                TEST(a_probe_that_is_cancelled_lets_another_one_go),
        };

        return cmocka_run_group_tests_name("broker/core: providers", tests, NULL, NULL);
}
