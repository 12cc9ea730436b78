#include "tests/unit/unit.h"

#include "broker/core/heap.h"
#include "broker/core/seen.h"
#include "broker/core/table.h"

#include <stdlib.h>

/* A few thousand steps of a generator that is the same every time. */
static uint32_t roll(uint32_t *state) {
        *state = *state * 1664525 + 1013904223;
        return *state >> 8;
}

static void a_heap_gives_back_in_order_whatever_the_order_in(void **state) {
        struct heap heap = {0};
        struct mono last = {-1};
        uint32_t dice = 1;

        for (uint32_t i = 0; i < 5000; i++)
                heap_push(&heap, (struct heap_entry){{roll(&dice) % 1000}, i, 0});
        for (uint32_t i = 0; i < 2000; i++) { /* some out, some in, as the broker does */
                struct heap_entry entry = heap_pop(&heap);

                assert_true(entry.at.us >= last.us);
                last = entry.at;
                heap_push(&heap, (struct heap_entry){{last.us + roll(&dice) % 50}, i, 0});
        }
        while (heap_peek(&heap)) {
                struct heap_entry entry = heap_pop(&heap);

                assert_true(entry.at.us >= last.us);
                last = entry.at;
        }
        heap_done(&heap);
}

static void a_heap_gives_the_memory_back_of_what_has_left_it(void **state) {
        enum { N = 100000 };
        struct heap heap = {0};
        int64_t last = -1;

        for (uint32_t i = 0; i < N; i++)
                heap_push(&heap, (struct heap_entry){{i * 7919 % N}, i, 0});
        assert_true(heap.cap >= N);
        while (heap.n > 0) {
                struct heap_entry entry = heap_pop(&heap);

                assert_true(entry.at.us > last);
                last = entry.at.us;
                assert_true(heap.cap > heap.n && (heap.cap <= 4096 || heap.cap <= 4 * heap.n));
        }
        for (uint32_t i = 0; i < N; i++) /* and grows again */
                heap_push(&heap, (struct heap_entry){{N - i}, i, 0});
        assert_int_equal(heap_pop(&heap).who, N - 1);
        heap_done(&heap);
}

static bool has(const struct table *table, uint32_t hash, uint32_t value) {
        struct table_probe probe = {.hash = hash};
        uint32_t found;

        while (table_next(table, &probe, &found))
                if (found == value)
                        return true;
        return false;
}

/* Few hashes for many values: every chain collides and wraps. */
static void a_table_finds_what_is_in_it_and_nothing_else_through_growth_and_removal(void **state) {
        enum { N = 3000 };
        static bool is_in[N];
        struct table table = {0};
        uint32_t dice = 7;

        for (int step = 0; step < 20000; step++) {
                uint32_t value = roll(&dice) % N, hash = (value * 37) % 211 + (value % 3) * 0xfffffff0u;

                assert_int_equal(has(&table, hash, value), is_in[value]);
                if (is_in[value])
                        table_remove(&table, hash, value);
                else
                        table_push(&table, hash, value);
                is_in[value] = !is_in[value];
        }
        for (uint32_t value = 0; value < N; value++)
                assert_int_equal(has(&table, (value * 37) % 211 + (value % 3) * 0xfffffff0u, value), is_in[value]);
        table_done(&table);
}

static uint32_t spread(uint32_t value) { return value * 0x9e3779b9U; }

/* Every third value leaves again by the time that twice as many have come. */
static void a_table_that_moves_is_whole_at_every_step(void **state) {
        enum { N = 100000 };
        struct table table = {0};
        uint32_t dice = 3, n_moving = 0;

        for (uint32_t i = 0; i < N; i++) {
                uint32_t looked_for = roll(&dice) % (i + 1);

                table_push(&table, spread(i), i);
                if (i % 6 == 0)
                        table_remove(&table, spread(i / 2), i / 2);
                n_moving += table.before.n > 0;
                assert_true(has(&table, spread(looked_for), looked_for) ==
                            !(looked_for % 3 == 0 && looked_for * 2 <= i));
                assert_false(has(&table, spread(i + 1), i + 1));
        }
        assert_in_range(n_moving, N / 20, N / 2); /* it takes a while, and has an end */
        table_done(&table);
}

static void a_table_does_not_outgrow_the_room_that_was_reserved(void **state) {
        enum { N = 100000 };
        struct table table = {0};
        uint32_t n_slots;

        for (uint32_t i = 0; i < 100; i++)
                table_push(&table, spread(i), i);
        table_reserve(&table, N);
        n_slots = table.slots.n;
        for (uint32_t i = 100; i < N; i++)
                table_push(&table, spread(i), i);
        assert_int_equal(table.slots.n, n_slots);
        assert_int_equal(table.n, N);
        for (uint32_t i = 0; i < N; i++)
                assert_true(has(&table, spread(i), i));
        table_done(&table);
}

static struct stored_seen seen_item(uint64_t n, int64_t at_ms) {
        return (struct stored_seen){n, {n * 7919, n}, {at_ms}};
}

static void ids_are_known_for_the_window_and_forgotten_after_it(void **state) {
        struct seen seen = {0};
        struct effects fx = {0};
        int64_t window = span_to_ms(span_s(LIMIT_SEEN_WINDOW_S));

        for (uint64_t i = 1; i <= 5000; i++) {
                struct stored_seen item = seen_item(i, (int64_t)i);

                seen_push(&seen, &item, &fx);
        }
        assert_int_equal(fx.n_changes, 5000);
        effects_clear(&fx);
        assert_true(seen_has(&seen, seen_item(1, 0).hash, (struct wall){window}));
        assert_false(seen_has(&seen, seen_item(1, 0).hash, (struct wall){window + 1}));
        for (int i = 0; i < 10; i++)
                seen_expire(&seen, (struct wall){window + 1000}, &fx);
        assert_int_equal(fx.n_changes, 1000);
        assert_int_equal(fx.changes[0].type, CHANGE_DELETE_SEEN);
        assert_int_equal(fx.changes[0].seq, 1);
        assert_int_equal(seen.n, 4000);
        assert_true(seen_has(&seen, seen_item(5000, 0).hash, (struct wall){window + 1000}));
        seen_done(&seen);
        effects_done(&fx);
}

static void ids_are_bounded_in_number_and_the_oldest_goes_first(void **state) {
        struct seen seen = {0};
        struct effects fx = {0};
        struct stored_seen one_more = seen_item(LIMIT_SEEN + 11, 1);

        effects_clear(&fx);
        for (uint64_t i = 1; i <= LIMIT_SEEN + 10; i++) {
                struct stored_seen item = seen_item(i, 1);

                seen_push(&seen, &item, &fx);
        }
        effects_clear(&fx);
        assert_int_equal(seen.n, LIMIT_SEEN);
        assert_false(seen_has(&seen, seen_item(10, 0).hash, (struct wall){2}));
        assert_true(seen_has(&seen, seen_item(11, 0).hash, (struct wall){2}));
        assert_true(seen_has(&seen, seen_item(LIMIT_SEEN + 10, 0).hash, (struct wall){2}));
        seen_push(&seen, &one_more, &fx); /* ... and the store forgets it too */
        assert_int_equal(fx.n_changes, 2);
        assert_int_equal(fx.changes[0].type, CHANGE_DELETE_SEEN);
        assert_int_equal(fx.changes[0].seq, 11);
        effects_done(&fx);
        seen_done(&seen);
}

static void ids_are_found_though_their_ring_has_gone_round_and_grows(void **state) {
        struct seen seen = {0};
        struct effects fx = {0};

        seen_configure(&seen, span_s(1), 0);
        for (uint64_t i = 1; i <= 6000; i++) { /* of each ten, three are forgotten: it goes round, and grows */
                struct stored_seen item = seen_item(i, 2000 + (int64_t)i);

                seen_push(&seen, &item, &fx);
                if (i <= 900)
                        seen_expire(&seen, (struct wall){3000 + (int64_t)i * 3 / 10}, &fx);
        }
        assert_int_equal(seen.n, 5730);
        for (uint64_t i = 1; i <= 6000; i++) {
                uint64_t seq = 0;

                assert_true(seen_find(&seen, seen_item(i, 0).hash, (struct wall){2000}, &seq) == (i > 270));
                assert_true(seq == (i > 270 ? i : 0));
        }
        effects_done(&fx);
        seen_done(&seen);
}

/* Some come at once, some after a while, some after messages without an id, some when the clock was set back; now and
 * then all are forgotten. */
static void ids_are_found_by_all_that_is_known_of_them_however_they_come(void **state) {
        enum { N = 60000 };
        static struct stored_seen items[N];
        struct seen seen = {0};
        struct effects fx = {0};
        uint32_t dice = 11, first = 0;
        int64_t now = 1795000000000;
        uint64_t seq = 0, found = 0;

        seen_configure(&seen, span_s(LIMIT_SEEN_WINDOW_MAX_S), 9000);
        for (uint32_t i = 0; i < N; i++) {
                uint32_t way = roll(&dice) % 100;

                seq += way == 0 ? 70000 : way < 10 ? 9000 : 1;
                now += way == 1 ? -3600 * 1000 : way == 2 ? 70000 : way < 20 ? 900 : 0;
                items[i] = seen_item(seq, now);
                seen_push(&seen, &items[i], &fx);
                for (; i % 20011 == 20010 && seen.n > 0; effects_clear(&fx))
                        seen_expire(&seen, (struct wall){INT64_MAX / 2}, &fx);
                first = i + 1 - seen.n;
                if (seen.n == 0)
                        continue;
                assert_true(seen_find(&seen, items[i].hash, (struct wall){0}, &found) && found == seq);
                assert_true(seen_find(&seen, items[first].hash, (struct wall){0}, &found));
                assert_int_equal(found, items[first].seq);
                assert_int_equal(seen_oldest(&seen).ms, items[first].at.ms);
                assert_true(first == 0 || !seen_has(&seen, items[first - 1].hash, (struct wall){0}));
                effects_clear(&fx);
        }
        assert_int_equal(seen.n, 9000);
        for (uint32_t i = first; i < N; i++) {
                assert_true(seen_find(&seen, items[i].hash, (struct wall){0}, &found) && found == items[i].seq);
                assert_false(
                        seen_has(&seen, (struct hash_128){items[i].hash.low, ~items[i].hash.high}, (struct wall){0}));
        }
        assert_in_range(seen.n_segments, 9000 / 4096, 16); /* what was forgotten takes no memory */
        effects_done(&fx);
        seen_done(&seen);
}

static void a_smaller_number_is_reached_bit_by_bit_and_nothing_is_left_in_the_store(void **state) {
        struct seen seen = {0};
        struct effects fx = {0};

        seen_configure(&seen, span_s(60), 100);
        for (uint64_t i = 1; i <= 2000; i++) {
                struct stored_seen item = seen_item(i, 1);

                seen_push(&seen, &item, NULL); /* as a start loads them: none may be dropped without the store */
        }
        assert_int_equal(seen.n, 2000);
        for (uint64_t i = 2001; i <= 2100; i++) { /* what comes makes it smaller, not larger */
                struct stored_seen item = seen_item(i, 1);

                seen_push(&seen, &item, &fx);
        }
        assert_int_equal(seen.n, 1900);
        effects_clear(&fx);
        seen_expire(&seen, (struct wall){2}, &fx);
        assert_in_range(fx.n_changes, 1, 1799); /* no turn has to do it all */
        for (int i = 0; i < 10; i++)
                seen_expire(&seen, (struct wall){2}, &fx);
        assert_int_equal(seen.n, 100);
        assert_int_equal(fx.n_changes, 1800);
        assert_true(seen_has(&seen, seen_item(2001, 0).hash, (struct wall){2}));
        assert_false(seen_has(&seen, seen_item(2000, 0).hash, (struct wall){2}));
        effects_done(&fx);
        seen_done(&seen);
}

static void a_smaller_window_is_in_force_at_once(void **state) {
        struct stored_seen item = seen_item(1, 1000);
        struct seen seen = {0};

        seen_push(&seen, &item, NULL);
        assert_true(seen_has(&seen, item.hash, (struct wall){9000}));
        seen_configure(&seen, span_s(7), 10);
        assert_true(seen_has(&seen, item.hash, (struct wall){7999}));
        assert_false(seen_has(&seen, item.hash, (struct wall){8000}));
        seen_done(&seen);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_heap_gives_back_in_order_whatever_the_order_in),
                cmocka_unit_test(a_heap_gives_the_memory_back_of_what_has_left_it),
                cmocka_unit_test(a_table_finds_what_is_in_it_and_nothing_else_through_growth_and_removal),
                cmocka_unit_test(a_table_that_moves_is_whole_at_every_step),
                cmocka_unit_test(a_table_does_not_outgrow_the_room_that_was_reserved),
                cmocka_unit_test(ids_are_known_for_the_window_and_forgotten_after_it),
                cmocka_unit_test(ids_are_bounded_in_number_and_the_oldest_goes_first),
                cmocka_unit_test(ids_are_found_though_their_ring_has_gone_round_and_grows),
                cmocka_unit_test(ids_are_found_by_all_that_is_known_of_them_however_they_come),
                cmocka_unit_test(a_smaller_number_is_reached_bit_by_bit_and_nothing_is_left_in_the_store),
                cmocka_unit_test(a_smaller_window_is_in_force_at_once),
        };

        return cmocka_run_group_tests_name("broker/structures", tests, NULL, NULL);
}
