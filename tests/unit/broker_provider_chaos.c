/* Whatever providers say, and whatever else goes wrong: nothing is stuck once that is over. */
#include "tests/unit/broker_provider.h"

#include "common/hash.h"

enum { SEEDS = 100, SECONDS = 150, CALM_SECONDS = 400, THREADS = 30 };

static uint64_t dice;

static uint32_t roll(uint32_t sides) {
        dice = hash_64(dice, (struct bytes){&sides, sizeof sides});
        return (uint32_t)(dice >> 33) % sides;
}

/* What the worker has under way. */
static struct world_run calls[8000];
static uint32_t n_calls;
static uint64_t incarnation;

static void take_runs(void) {
        for (uint32_t i = 0; i < world.n_runs; i++)
                calls[n_calls++] = world.runs[i];
}

static void prove_life(void) {
        world_hello_again(&world, 1, 1, incarnation, calls, n_calls);
        take_runs();
        world_alive(&world, 1, 1 + roll(40), calls, n_calls);
        take_runs();
}

static void end_somehow(const struct world_run *run) {
        static const enum wire_outcome outcomes[] = {WIRE_DONE, WIRE_FAILED, WIRE_FAILED, WIRE_BUSY, WIRE_HANDED_BACK};
        enum wire_outcome outcome = outcomes[roll(5)];
        enum wire_provider verdict = (enum wire_provider)roll(5);

        if (roll(4) == 0)
                world_answered(&world, run, "Oi!");
        take_runs();
        if (verdict == WIRE_PROVIDER_UNPAID && roll(3) == 0)
                outcome = WIRE_FAILED_FOR_GOOD;
        world_verdict(&world, run, outcome, verdict, span_s(roll(4) == 0 ? roll(90) : 0));
        take_runs();
}

/* Half of the runs that the worker has come to their end; the others take longer, or hang. */
static void end_runs(bool is_calm) {
        for (uint32_t i = n_calls; i-- > 0;) {
                struct world_run run = calls[i];

                if (roll(2) == 0)
                        continue;
                calls[i] = calls[--n_calls];
                if (is_calm)
                        world_verdict(&world, &run, WIRE_DONE, WIRE_PROVIDER_WELL, span_us(0));
                else
                        end_somehow(&run);
                take_runs();
        }
}

static void change_settings(void) {
        world.tenants[0].handler.endpoint = roll(3) > 0 ? (char *)(uintptr_t)ENDPOINT : NULL;
        world.tenants[1].handler.key = roll(2) > 0 ? NULL : (char *)(uintptr_t) "sk-another";
        world.tenants[0].concurrency = 1 + roll(20);
        world.config.provider.failures = roll(6);
        world.config.provider.drain.count = roll(3) * 10;
        configure();
}

static void go_wrong(void) {
        switch (roll(30)) {
        case 0:
                change_settings();
                break;
        case 1:
                world_restart(&world);
                break;
        case 2: /* the worker dies, and begins anew */
                incarnation++;
                n_calls = 0;
                break;
        case 3:
                world_wait(&world, span_s(30));
                take_runs();
                break;
        default:
                break;
        }
}

static void say_something(void) {
        char thread[16];

        for (uint32_t i = roll(6); i > 0; i--) {
                snprintf(thread, sizeof thread, "t%u", roll(THREADS));
                world_say_in(&world, roll(3) > 0 ? "acme" : "zeta", thread, NULL, "Oi");
                take_runs();
        }
}

static uint32_t pending_threads(void) {
        struct core_thread_view view;
        uint32_t cursor = 0, n = 0;

        while (core_next_thread(world.core, world.now, &cursor, &view))
                n++;
        return n;
}

static void pass_a_second(void) {
        for (int i = 0; i < 10; i++) {
                world_wait(&world, span_ms(100));
                take_runs();
        }
}

static void whatever_happens_everything_drains_once_it_is_over(void **state) {
        uint32_t n_opened = 0;

        for (uint32_t seed = 1; seed <= SEEDS; seed++) {
                uint32_t s;

                setup(state);
                dice = seed;
                n_calls = 0;
                for (s = 0; s < SECONDS; s++) {
                        go_wrong();
                        prove_life();
                        say_something();
                        end_runs(false);
                        pass_a_second();
                }
                n_opened += world.tenants[1].handler.key ? 1 : provider().n_opened > 0;
                for (s = 0; s < CALM_SECONDS && pending_threads() > 0; s++) {
                        prove_life();
                        end_runs(true);
                        pass_a_second();
                }
                if (pending_threads() > 0)
                        print_message("seed %u: %u threads are stuck\n", seed, pending_threads());
                assert_int_equal(pending_threads(), 0);
                world_done(&world);
        }
        assert_in_range(n_opened, SEEDS / 4, SEEDS); /* else this shows nothing */
}

static int no_setup(void **state) { return 0; }

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(whatever_happens_everything_drains_once_it_is_over, no_setup, no_setup),
        };

        return cmocka_run_group_tests_name("broker/core: providers and all else", tests, NULL, NULL);
}
