#include "tests/unit/unit.h"

#include "common/clock.h"
#include "common/limits.h"
#include "worker/tally.h"

#include <stdio.h>
#include <string.h>

/* -- the loop, the clock and the broker's link, as far as a tally needs them --------------------------------------- */

struct loop_timer {
        void (*on_time)(void *context);
        void *context;
        bool is_set;
};

static struct loop_timer timer;
static char told[512];

struct mono clock_mono(void) {
        return (struct mono){1000000};
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*on_time)(void *context), void *context) {
        timer = (struct loop_timer){.on_time = on_time, .context = context};
        return &timer;
}
void loop_timer_set(struct loop_timer *set, struct mono now, struct mono due) {
        assert_int_equal(mono_since(due, now).us, span_s(1).us);
        assert_false(set->is_set);
        set->is_set = true;
}
struct loop_timer *loop_timer_free(struct loop_timer *freed) {
        return NULL;
}

void broker_link_send_tally(struct broker_link *link, struct bytes tenant, const struct wire_tally_item *items,
                            uint32_t n) {
        size_t at = strlen(told);

        at += (size_t)snprintf(told + at, sizeof told - at, "%.*s:", BYTES_PRINT(tenant));
        for (uint32_t i = 0; i < n; i++)
                at += (size_t)snprintf(told + at, sizeof told - at, " %d=%llu", (int)items[i].what,
                                       (unsigned long long)items[i].amount);
        snprintf(told + at, sizeof told - at, "; ");
}

/* What is told when the second is over. */
static const char *tell(void) {
        told[0] = '\0';
        if (timer.is_set) {
                timer.is_set = false;
                timer.on_time(timer.context);
        }
        return told;
}

static struct tally *tally;

static int set_up(void **state) {
        told[0] = '\0';
        tally = tally_new(NULL);
        tally_set_link(tally, (struct broker_link *)told);
        return 0;
}

static int tear_down(void **state) {
        tally_free(tally);
        return 0;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void what_came_within_a_second_is_told_together(void **state) {
        assert_string_equal(tell(), "");
        tally_add(tally, "acme", WIRE_TALLY_CALLS, 1);
        tally_add(tally, "acme", WIRE_TALLY_TOKENS_IN, 20);
        tally_add(tally, "acme", WIRE_TALLY_CALLS, 2);
        assert_string_equal(tell(), "acme: 1=3 3=20; ");
        assert_string_equal(tell(), "");
}

static void each_tenant_has_its_own(void **state) {
        static const char *const tenants[] = {"m", "c", "x", "a", "m", "k", "b", "z", "y", "n", "m"};

        for (size_t i = 0; i < sizeof tenants / sizeof *tenants; i++)
                tally_add(tally, tenants[i], WIRE_TALLY_CALLS, 1);
        assert_string_equal(tell(), "a: 1=1; b: 1=1; c: 1=1; k: 1=1; m: 1=3; n: 1=1; x: 1=1; y: 1=1; z: 1=1; ");
        tally_add(tally, "k", WIRE_TALLY_TYPING_FAILED, 1);
        assert_string_equal(tell(), "k: 14=1; ");
}

static void nothing_is_nothing_to_tell(void **state) {
        tally_add(tally, "acme", WIRE_TALLY_CALLS, 0);
        assert_string_equal(tell(), "");
}

static void a_provider_that_says_any_number_spoils_no_frame(void **state) {
        char wanted[64];

        tally_add(tally, "acme", WIRE_TALLY_TOKENS_OUT, UINT64_MAX);
        tally_add(tally, "acme", WIRE_TALLY_TOKENS_OUT, UINT64_MAX);
        snprintf(wanted, sizeof wanted, "acme: 4=%llu; ", (unsigned long long)LIMIT_TALLY_AMOUNT);
        assert_string_equal(tell(), wanted);
}

static void who_leaves_tells_it_at_once_and_not_again(void **state) {
        tally_add(tally, "acme", WIRE_TALLY_CALLS, 1);
        tally_flush(tally);
        assert_string_equal(told, "acme: 1=1; ");
        assert_string_equal(tell(), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(what_came_within_a_second_is_told_together),
                TEST(each_tenant_has_its_own),
                TEST(nothing_is_nothing_to_tell),
                TEST(a_provider_that_says_any_number_spoils_no_frame),
                TEST(who_leaves_tells_it_at_once_and_not_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
