/* How runs begin once a provider is back, how it is called less when it asks for that, and what a restart and other
 * settings do to it. */
#include "tests/unit/broker_provider.h"

/* -- closing ------------------------------------------------------------------------------------------------------- */

static void after_it_has_closed_runs_begin_at_the_drain_rate_and_faster(void **state) {
        static struct world_run runs[200];
        char thread[16];
        struct world_run probe;
        uint32_t n;

        open_it();
        for (int i = 0; i < 150; i++) {
                snprintf(thread, sizeof thread, "t%d", i);
                world_say(&world, thread, NULL);
        }
        assert_int_equal(pass(span_s(1), &probe, 1), 1);
        n = n_begun;
        succeed(&probe);
        pass(span_s(1), NULL, 0);
        n = n_begun - n;
        memcpy(runs, &begun[n_begun - n], n * sizeof *runs);
        assert_in_range(n, 19, 21);
        assert_true(provider().rate > 19 && provider().rate < 21);
        for (uint32_t i = 0; i < n; i++)
                succeed(&runs[i]);
        n = pass(span_s(1), NULL, 0);
        assert_in_range(n, 90, 154);
}

static void a_rate_that_binds_nobody_is_lifted(void **state) {
        struct world_run run;
        uint32_t first;

        open_it();
        assert_int_equal(pass(span_s(1), &run, 1), 1);
        first = n_begun;
        succeed(&run);
        pass(span_s(1), NULL, 0);
        assert_int_equal(n_begun - first, 4);
        pass(span_s(11), NULL, 0);
        assert_true(provider().rate == 0);
        for (int i = 0; i < 50; i++) {
                char thread[16];

                snprintf(thread, sizeof thread, "t%d", i);
                begin(thread);
        }
}

static void without_a_drain_rate_all_begin_at_once(void **state) {
        struct world_run run;

        world.config.provider.drain.count = 0;
        configure();
        open_it();
        assert_int_equal(pass(span_s(1), &run, 1), 1);
        succeed(&run);
        assert_int_equal(world.n_runs, 4);
        assert_null(world_why(&world, "b").provider.endpoint);
}

/* Who stands in line is not asked before his turn: that nobody was turned away for ten seconds says nothing then. */
static void a_slow_drain_is_kept(void **state) {
        struct world_run run;
        uint32_t first;

        world.config.provider.drain = (struct config_rate){3, span_s(60)};
        configure();
        open_it();
        run = next_run(span_s(2));
        for (int i = 0; i < 30; i++) {
                char thread[16];

                snprintf(thread, sizeof thread, "t%d", i);
                world_say(&world, thread, NULL);
        }
        first = n_begun;
        succeed(&run);
        for (uint32_t i = 0, next = first; i < 600; i++, pass(span_ms(100), NULL, 0))
                while (next < n_begun)
                        succeed(&begun[next++]);
        assert_in_range(n_begun - first, 3, 5);
}

static void tenants_take_turns_while_it_drains(void **state) {
        struct world_run runs[20], probe;
        uint32_t n, n_acme = 0;

        open_it();
        for (int i = 0; i < 30; i++) {
                char thread[16];

                snprintf(thread, sizeof thread, "t%d", i);
                world_say(&world, thread, NULL);
                snprintf(thread, sizeof thread, "z%d", i);
                world_say_in(&world, "zeta", thread, NULL, "Oi");
        }
        assert_int_equal(pass(span_s(1), &probe, 1), 1);
        succeed(&probe);
        n = pass(span_s(1), runs, 20);
        assert_in_range(n, 19, 20);
        for (uint32_t i = 0; i < n; i++)
                n_acme += runs[i].thread[0] != 'z';
        assert_in_range(n_acme, n / 2 - 1, n / 2 + 1);
}

/* -- pauses and overload ------------------------------------------------------------------------------------------- */

static void a_pause_that_it_asks_for_stops_everybody_until_it_is_over(void **state) {
        struct world_run a = begin("a"), run;

        overload(&a, span_s(7));
        expect_provider(PROVIDER_CLOSED);
        world_say(&world, "new", NULL);
        assert_int_equal(world.n_runs, 0);
        assert_int_equal(world_why(&world, "new").provider.until.ms, world.now.wall.ms + 7000);
        assert_int_equal(pass(span_ms(6980), &run, 1), 0);
        assert_int_equal(pass(span_ms(40), &run, 1), 1);
}

static void what_one_thread_alone_is_told_stops_the_others_once_and_not_for_long(void **state) {
        struct world_run poison = begin("poison"), run;

        overload(&poison, span_s(35));
        world_say(&world, "new", NULL);
        assert_int_equal(pass(span_ms(29980), &run, 1), 0);
        assert_int_equal(pass(span_ms(40), &run, 1), 1);
        succeed(&run);
        poison = next_run(span_s(10));
        assert_string_equal(poison.thread, "poison");
        overload(&poison, span_s(3600));
        begin("other");
}

static void what_two_threads_are_told_is_believed(void **state) {
        struct world_run a = begin("a"), b = begin("b");

        overload(&a, span_s(100));
        overload(&b, span_s(100));
        world_say(&world, "new", NULL);
        assert_int_equal(provider().until.ms, world.now.wall.ms + 100000);
}

static void no_pause_is_longer_than_an_hour(void **state) {
        struct world_run a = begin("a"), b = begin("b");

        overload(&a, span_s(1000000));
        overload(&b, span_s(1000000));
        world_say(&world, "new", NULL);
        assert_int_equal(provider().until.ms, world.now.wall.ms + 3600000);
}

static void what_it_asks_for_while_it_is_tried_holds_for_the_next_try(void **state) {
        struct world_run early[7], run;

        for (int i = 0; i < 7; i++)
                early[i] = begin((char[]){(char)('a' + i), 0});
        for (int i = 0; i < 5; i++)
                go_down(&early[i]);
        run = next_run(span_s(2));
        expect_provider(PROVIDER_HALF_OPEN);
        overload(&early[5], span_s(600));
        overload(&early[6], span_s(600));
        assert_int_equal(pass(span_s(500), NULL, 0), 0); /* however long the try takes */
        go_down(&run);
        assert_int_equal(pass(span_s(90), NULL, 0), 0);
}

static void busy_does_not_count_what_its_provider_kept_it_back_for(void **state) {
        struct world_run u = begin("u"), v = begin("v"), t = begin("t");

        end(&t, WIRE_BUSY, WIRE_PROVIDER_SILENT, span_us(0));
        overload(&u, span_s(120)); /* two threads are told: it is believed */
        overload(&v, span_s(120));
        while (t = next_run(span_s(130)), strcmp(t.thread, "t") != 0)
                succeed(&t);
        end(&t, WIRE_BUSY, WIRE_PROVIDER_SILENT, span_us(0));
        assert_int_equal(world_why(&world, "t").attempts, 0);
        expect_state("t", THREAD_WAITING);
}

static void a_limit_that_is_used_up_is_waited_for_after_a_success_too(void **state) {
        struct world_run a = begin("a"), run;

        end(&a, WIRE_DONE, WIRE_PROVIDER_WELL, span_s(6));
        world_say(&world, "new", NULL);
        assert_int_equal(pass(span_ms(5980), &run, 1), 0);
        assert_int_equal(pass(span_ms(40), &run, 1), 1);
}

static void overload_halves_the_rate_once_for_all_that_were_under_way(void **state) {
        static struct world_run runs[40];
        char thread[16];

        world.config.provider.failures = 1000;
        world.tenants[0].retry.base = span_s(30);
        configure();
        for (int i = 0; i < 40; i++) {
                snprintf(thread, sizeof thread, "t%d", i);
                runs[i] = begin(thread);
        }
        for (int i = 0; i < 10; i++)
                overload(&runs[i], span_us(0));
        assert_true(provider().rate > 19.9 && provider().rate < 20.1);
        world_say(&world, "next", NULL); /* begun after that */
        assert_int_equal(pass(span_s(1), &runs[0], 1), 1);
        overload(&runs[0], span_us(0));
        assert_true(provider().rate > 9.9 && provider().rate < 10.1);
}

static void a_crowd_that_was_long_ago_is_no_measure_for_the_rate(void **state) {
        struct world_run runs[40];
        char thread[16];

        for (int i = 0; i < 40; i++) {
                snprintf(thread, sizeof thread, "t%d", i);
                runs[i] = begin(thread);
        }
        pass(span_s(5), NULL, 0);
        overload(&runs[0], span_us(0));
        assert_true(provider().rate > 9.9 && provider().rate < 10.1); /* half of `drain`, not of forty */
}

static void one_thread_that_is_always_told_of_overload_slows_the_others_down_once(void **state) {
        struct world_run run = begin("poison");

        for (int i = 0; i < 3; i++) {
                overload(&run, span_us(0));
                assert_true(provider().rate > 9.9 && provider().rate < 10.1);
                run = next_run(span_s(9));
                assert_string_equal(run.thread, "poison");
        }
}

static void a_lack_of_money_opens_it_at_once_and_costs_one_batch(void **state) {
        struct world_run a = begin("a"), b = begin("b"), run;

        world_verdict(&world, &a, WIRE_FAILED_FOR_GOOD, WIRE_PROVIDER_UNPAID, span_us(0));
        expect_provider(PROVIDER_OPEN);
        assert_int_equal(dead_letters(), 1);
        world_verdict(&world, &b, WIRE_FAILED_FOR_GOOD, WIRE_PROVIDER_UNPAID, span_us(0));
        assert_int_equal(dead_letters(), 1);
        for (int i = 0; i < 5; i++) {
                run = next_run(span_s(31));
                world_verdict(&world, &run, WIRE_FAILED_FOR_GOOD, WIRE_PROVIDER_UNPAID, span_us(0));
        }
        assert_int_equal(dead_letters(), 1);
        run = next_run(span_s(31));
        succeed(&run); /* it was paid */
        expect_provider(PROVIDER_CLOSED);
}

static void what_is_wrong_with_a_batch_is_not_the_providers_fault(void **state) {
        struct world_run run;

        open_it();
        assert_int_equal(pass(span_s(1), &run, 1), 1);
        world_verdict(&world, &run, WIRE_FAILED_FOR_GOOD, WIRE_PROVIDER_WELL, span_us(0));
        assert_int_equal(dead_letters(), 1);
        expect_provider(PROVIDER_CLOSED);
}

/* -- settings and restarts ----------------------------------------------------------------------------------------- */

static void settings_that_are_read_again_keep_it_open(void **state) {
        struct world_run run;

        open_it();
        configure();
        expect_provider(PROVIDER_OPEN);
        world_say(&world, "new", NULL);
        assert_int_equal(world.n_runs, 0);
        assert_int_equal(pass(span_s(1), &run, 1), 1);
}

static void another_drain_is_in_force_at_once(void **state) {
        struct world_run run;

        world.config.provider.drain = (struct config_rate){1, span_s(3600)};
        configure();
        open_it();
        for (int i = 0; i < 20; i++) {
                char thread[16];

                snprintf(thread, sizeof thread, "t%d", i);
                world_say(&world, thread, NULL);
        }
        run = next_run(span_s(2));
        succeed(&run);
        assert_int_equal(pass(span_s(100), NULL, 0), 0);
        world.config.provider.drain = (struct config_rate){20, span_s(1)};
        configure();
        assert_in_range(pass(span_ms(500), NULL, 0), 9, 12);
        world.config.provider.drain.count = 0;
        configure();
        world_wait(&world, span_us(0));
        assert_in_range(world.n_runs, 10, 15);
}

static void another_pause_is_in_force_at_once(void **state) {
        struct world_run run;

        world.config.provider.pause = world.config.provider.cap = span_s(3600);
        configure();
        open_it();
        assert_int_equal(pass(span_s(10), NULL, 0), 0);
        world.config.provider.pause = span_s(2);
        world.config.provider.cap = span_s(3);
        configure();
        assert_int_equal(pass(span_ms(1980), NULL, 0), 0);
        assert_int_equal(pass(span_ms(40), &run, 1), 1);
        go_down(&run);
        assert_int_equal(provider().until.ms, world.now.wall.ms + 3000);
}

static void an_endpoint_that_leaves_lets_its_threads_go(void **state) {
        struct world_run old = begin("old");

        open_it();
        world_say(&world, "new", NULL);
        pass(span_ms(100), NULL, 0);
        world.tenants[0].handler.endpoint = world.tenants[1].handler.endpoint = NULL;
        configure();
        world_wait(&world, span_us(0));
        assert_int_equal(world.n_runs, 6); /* the new one, and those that had failed */
        go_down(&old); /* about one that nobody needs any more */
        world.tenants[0].handler.endpoint = (char *)(uintptr_t) "http://other:1";
        configure();
        world.tenants[0].handler.endpoint = (char *)(uintptr_t)ENDPOINT;
        configure();
        expect_provider(PROVIDER_CLOSED); /* it is another one by that name */
        begin("newer");
}

static void after_a_restart_it_is_closed(void **state) {
        open_it();
        world_say(&world, "new", NULL);
        world_restart(&world);
        expect_provider(PROVIDER_CLOSED);
        for (int i = 0; i < 8; i++) {
                world_hello(&world, 2, 500);
                world_wait(&world, span_s(1));
        }
        expect_state("new", THREAD_RUNNING);
}

static void a_run_that_goes_on_over_a_restart_has_its_say(void **state) {
        struct world_run a = begin("a");

        world_restart(&world);
        world_hello_again(&world, 1, 1, 1, &a, 1);
        go_down(&a);
        assert_int_equal(provider().failures, 1);
}

static void a_held_thread_that_failed_stays_held(void **state) {
        struct world_run run = begin("held");
        int result = -1;
        uint32_t n = 0;
        struct event event = {.type = EVENT_HOLD,
                              .verb = {.tenant = bytes_of("acme"),
                                       .thread = bytes_of("a"),
                                       .why = bytes_of(""),
                                       .ret_result = &result,
                                       .ret_messages = &n}};

        open_it();
        world_step(&world, &event);
        assert_int_equal(result, 0);
        for (int i = 0; i < 8; i++) {
                run = next_run(span_s(31));
                assert_string_not_equal(run.thread, "a");
                go_down(&run);
        }
        expect_state("a", THREAD_HELD);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(after_it_has_closed_runs_begin_at_the_drain_rate_and_faster),
                TEST(a_rate_that_binds_nobody_is_lifted),
                TEST(without_a_drain_rate_all_begin_at_once),
                TEST(a_slow_drain_is_kept),
                TEST(tenants_take_turns_while_it_drains),
                TEST(a_pause_that_it_asks_for_stops_everybody_until_it_is_over),
                TEST(what_one_thread_alone_is_told_stops_the_others_once_and_not_for_long),
                TEST(what_two_threads_are_told_is_believed),
                TEST(no_pause_is_longer_than_an_hour),
                TEST(what_it_asks_for_while_it_is_tried_holds_for_the_next_try),
                TEST(busy_does_not_count_what_its_provider_kept_it_back_for),
                TEST(a_limit_that_is_used_up_is_waited_for_after_a_success_too),
                TEST(overload_halves_the_rate_once_for_all_that_were_under_way),
                TEST(a_crowd_that_was_long_ago_is_no_measure_for_the_rate),
                TEST(one_thread_that_is_always_told_of_overload_slows_the_others_down_once),
                TEST(a_lack_of_money_opens_it_at_once_and_costs_one_batch),
                TEST(what_is_wrong_with_a_batch_is_not_the_providers_fault),
                TEST(settings_that_are_read_again_keep_it_open),
                TEST(another_drain_is_in_force_at_once),
                TEST(another_pause_is_in_force_at_once),
                TEST(an_endpoint_that_leaves_lets_its_threads_go),
                TEST(after_a_restart_it_is_closed),
                TEST(a_run_that_goes_on_over_a_restart_has_its_say),
                TEST(a_held_thread_that_failed_stays_held),
        };

        return cmocka_run_group_tests_name("broker/core: the rate of providers", tests, NULL, NULL);
}
