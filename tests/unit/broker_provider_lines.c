/* Whom a provider that fails keeps back, and whom it does not: its lines, those who fail on their own, and its keys. */
#include "tests/unit/broker_provider.h"

static int verb(enum event_type type, const char *tenant, const char *thread) {
        int result = -1;
        uint32_t n;
        struct event event = {.type = type};

        event.verb = (struct core_verb){.tenant = bytes_of(tenant),
                                        .thread = bytes_of(thread),
                                        .why = bytes_of(""),
                                        .ret_result = &result,
                                        .ret_messages = &n};
        world_step(&world, &event);
        note_runs();
        return result;
}

/* It is open, and nobody waits. */
static void open_and_clear_it(void) {
        open_it();
        for (int i = 0; i < 5; i++)
                assert_int_equal(verb(EVENT_CANCEL, "acme", (char[]){(char)('a' + i), 0}), 0);
}

static void say_in(const char *tenant, const char *thread) {
        world_say_in(&world, tenant, thread, NULL, "Oi");
        note_runs();
}

/* Threads that always fail, one letter each of `poisonous`, and what becomes of all others: done at once. */
static void end_runs(uint32_t *next, const char *poisonous) {
        for (; *next < n_begun; ++*next) {
                struct world_run run = begun[*next];

                if (strchr(poisonous, run.thread[0]))
                        go_down(&run);
                else
                        succeed(&run);
        }
}

/* -- lines --------------------------------------------------------------------------------------------------------- */

static void the_next_one_is_called_when_the_first_in_line_loses_its_need(void **state) {
        uint32_t first;

        open_and_clear_it();
        say_in("acme", "x");
        say_in("zeta", "z");
        first = n_begun;
        for (int s = 0; s < 3; s++) {
                world_alive(&world, 1, 0, NULL, 0); /* no room, when the pause is over */
                world_wait(&world, span_s(1));
        }
        assert_int_equal(verb(EVENT_HOLD, "acme", "x"), 0);
        assert_int_equal(n_begun, first);
        world_alive(&world, 1, 500, NULL, 0);
        note_runs();
        world_wait(&world, span_s(1));
        note_runs();
        assert_int_equal(n_begun - first, 1);
        assert_string_equal(begun[first].thread, "z");
}

static void a_tenant_that_has_only_failed_ones_does_not_stand_before_another(void **state) {
        struct world_run run;

        open_it();
        for (int i = 0; i < 4; i++) {
                run = next_run(span_s(31));
                go_down(&run); /* acme's next try is seconds off */
        }
        say_in("zeta", "z");
        assert_string_equal(begun[n_begun - 1].thread, "z");
        succeed(&begun[n_begun - 1]);
        expect_provider(PROVIDER_CLOSED);
}

static void who_failed_may_try_again_also_when_a_new_one_has_come_and_gone(void **state) {
        struct world_run run;

        open_it();
        run = next_run(span_s(2));
        go_down(&run);
        say_in("acme", "new");
        assert_string_equal(begun[n_begun - 1].thread, "new");
        assert_int_equal(verb(EVENT_CANCEL, "acme", "new"), 0);
        run = next_run(span_s(3));
        assert_in_range(run.thread[0], 'a', 'e');
}

/* Both are due by their newest message; who began to write first goes first. */
static void who_is_kept_back_while_he_writes_is_ranked_by_his_first_message(void **state) {
        struct world_run run;

        world.config.provider.pause = span_s(10);
        configure();
        open_and_clear_it();
        world.tenants[0].quiet = span_s(2);
        configure();
        say_in("acme", "x");
        world_wait(&world, span_s(1));
        say_in("acme", "y");
        world_wait(&world, span_ms(500));
        say_in("acme", "x");
        run = next_run(span_s(10));
        assert_string_equal(run.thread, "x");
}

/* -- threads that always fail -------------------------------------------------------------------------------------- */

/* A second passes; who of the others began to write at `said` has not waited for longer than a pause. */
static void pass_a_second(uint32_t *next, struct mono said) {
        for (int i = 0; i < 10; i++) {
                end_runs(next, "pq");
                pass(span_ms(100), NULL, 0);
                for (uint32_t run = *next; run < n_begun; run++)
                        if (begun[run].thread[0] == 'g')
                                assert_in_range(mono_since(world.now.mono, said).us, 0, 1200000);
        }
}

static void two_conversations_that_always_fail_delay_no_other_for_long(void **state) {
        struct mono said = world.now.mono;
        uint32_t next = 0, n_others = 0;

        for (int s = 0; s < 600; s++) {
                char thread[16];

                if (s % 20 == 0)
                        say_in("acme", "p"), say_in("acme", "q");
                if (s % 30 == 29) {
                        snprintf(thread, sizeof thread, "good %d", s);
                        said = world.now.mono;
                        say_in("acme", thread);
                        n_others++;
                }
                pass_a_second(&next, said);
        }
        assert_int_equal(core_counters(world.core)->done, n_others);
        assert_in_range(provider().n_opened, n_others / 2, n_others + 5);
}

static void two_conversations_that_always_fail_are_dead_letters_in_the_end(void **state) {
        uint32_t next = 0, n = 0;

        say_in("acme", "p");
        say_in("acme", "q");
        for (int minute = 0; minute < 24 * 60 && dead_letters() < 2; minute++) {
                for (int s = 0; s < 60; s++) {
                        end_runs(&next, "pq");
                        world_wait(&world, span_s(1));
                        note_runs();
                        world_alive(&world, 1, 500, NULL, 0);
                        note_runs();
                }
                n += next;
                memmove(begun, begun + next, (n_begun - next) * sizeof *begun);
                n_begun -= next;
                next = 0;
        }
        assert_int_equal(dead_letters(), 2);
        assert_in_range(n, 2 * LIMIT_SPARED, 2 * LIMIT_SPARED + 20);
}

static void who_failed_before_it_opened_proves_nothing_by_failing_again(void **state) {
        struct world_run run;

        open_it();
        for (int i = 0; i < 8; i++) {
                run = next_run(span_s(31));
                go_down(&run);
        }
        say_in("zeta", "z");
        run = begun[n_begun - 1];
        assert_string_equal(run.thread, "z");
        go_down(&run);
        say_in("zeta", "y"); /* the pause has doubled once, for z */
        assert_int_equal(world.n_runs, 0);
        assert_int_equal(pass(span_ms(1980), NULL, 0), 0);
        assert_int_equal(pass(span_ms(40), &run, 1), 1);
        assert_string_equal(run.thread, "y");
}

static void who_failed_and_hangs_keeps_no_new_one_from_trying(void **state) {
        struct world_run run;

        open_it();
        run = next_run(span_s(2));
        expect_provider(PROVIDER_HALF_OPEN);
        say_in("acme", "new");
        assert_string_equal(begun[n_begun - 1].thread, "new");
        assert_string_not_equal(run.thread, "new");
}

/* A thread lives as long as it has messages: that it failed is forgotten with it. */
static void who_failed_and_has_nothing_left_comes_back_as_a_new_one(void **state) {
        struct world_run run;

        open_and_clear_it();
        say_in("acme", "b");
        run = next_run(span_s(2));
        assert_string_equal(run.thread, "b");
        go_down(&run);
        say_in("zeta", "z"); /* the pause has doubled, for b */
        assert_int_equal(world.n_runs, 0);
        assert_int_equal(pass(span_ms(1980), NULL, 0), 0);
        assert_int_equal(pass(span_ms(40), &run, 1), 1);
        assert_string_equal(run.thread, "z");
}

static void who_is_spared_waits_as_it_was_told(void **state) {
        struct world_run run;

        open_and_clear_it();
        say_in("acme", "t");
        run = next_run(span_s(2));
        overload(&run, span_s(600));
        assert_int_equal(world_why(&world, "t").attempts, 0);
        assert_int_equal(pass(span_s(599), NULL, 0), 0);
        world_restart(&world); /* and that is kept */
        expect_state("t", THREAD_BACKOFF);
        assert_int_equal(world_why(&world, "t").attempts, 0);
}

static void who_fails_from_before_when_it_is_back_comes_by_its_own_pauses(void **state) {
        struct world_run late = begin("late"), run;

        world.tenants[0].retry.base = span_s(5);
        configure();
        open_and_clear_it();
        say_in("zeta", "z");
        run = next_run(span_s(2));
        succeed(&run);
        expect_provider(PROVIDER_CLOSED);
        go_down(&late);
        expect_state("late", THREAD_BACKOFF);
        assert_int_equal(world_why(&world, "late").attempts, 0);
        assert_int_equal(pass(span_ms(4980), NULL, 0), 0);
        assert_int_equal(pass(span_ms(40), NULL, 0), 1);
}

/* -- keys ---------------------------------------------------------------------------------------------------------- */

static void give_each_a_key(void) {
        world.tenants[0].handler.key = (char *)(uintptr_t) "sk-one";
        world.tenants[1].handler.key = (char *)(uintptr_t) "sk-two";
        configure();
}

static void that_it_is_down_counts_for_all_its_keys_together(void **state) {
        uint32_t next = 0;

        for (int i = 0; i < 2; i++) {
                world.tenants[i].retry.attempts = 6;
                world.tenants[i].retry.base = span_s(2);
        }
        give_each_a_key();
        say_in("acme", "a");
        say_in("zeta", "z");
        for (int s = 0; s < 300; s++) {
                end_runs(&next, "az");
                pass(span_s(1), NULL, 0);
        }
        assert_int_equal(dead_letters(), 0);
        assert_in_range(n_begun, 10, 60);
}

static void that_one_key_asks_too_much_says_nothing_of_another(void **state) {
        struct world_run runs[8];

        give_each_a_key();
        for (int i = 0; i < 8; i++) {
                say_in(i % 2 ? "zeta" : "acme", i % 2 ? "z" : (char[]){(char)('a' + i), 0});
                runs[i] = begun[n_begun - 1];
                overload(&runs[i], span_us(0));
        }
        for (uint32_t cursor = 0; cursor < 2;) {
                struct core_provider_view view;

                assert_true(core_next_provider(world.core, world.now, &cursor, &view));
                assert_int_equal(view.state, PROVIDER_CLOSED);
        }
}

static void that_it_does_well_by_one_key_ends_what_is_counted_together(void **state) {
        struct world_run runs[5], well, run;

        give_each_a_key();
        for (int i = 0; i < 4; i++)
                runs[i] = begin((char[]){(char)('a' + i), 0});
        say_in("zeta", "z");
        well = begun[n_begun - 1];
        say_in("zeta", "y");
        run = begun[n_begun - 1];
        for (int i = 0; i < 4; i++)
                go_down(&runs[i]);
        succeed(&well);
        go_down(&run);
        say_in("zeta", "x");
        assert_string_equal(begun[n_begun - 1].thread, "x");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(the_next_one_is_called_when_the_first_in_line_loses_its_need),
                TEST(a_tenant_that_has_only_failed_ones_does_not_stand_before_another),
                TEST(who_failed_may_try_again_also_when_a_new_one_has_come_and_gone),
                TEST(who_is_kept_back_while_he_writes_is_ranked_by_his_first_message),
                TEST(two_conversations_that_always_fail_delay_no_other_for_long),
                TEST(two_conversations_that_always_fail_are_dead_letters_in_the_end),
                TEST(who_failed_before_it_opened_proves_nothing_by_failing_again),
                TEST(who_failed_and_hangs_keeps_no_new_one_from_trying),
                TEST(who_failed_and_has_nothing_left_comes_back_as_a_new_one),
                TEST(who_is_spared_waits_as_it_was_told),
                TEST(who_fails_from_before_when_it_is_back_comes_by_its_own_pauses),
                TEST(that_it_is_down_counts_for_all_its_keys_together),
                TEST(that_one_key_asks_too_much_says_nothing_of_another),
                TEST(that_it_does_well_by_one_key_ends_what_is_counted_together),
        };

        return cmocka_run_group_tests_name("broker/core: the lines of providers", tests, NULL, NULL);
}
