/* What is refused when there is no room, and what goes on all the same. */
#include "tests/unit/broker_world.h"
#include "tests/unit/unit.h"

#include "broker/room.h"
#include "common/log.h"

#include <stdio.h>
#include <string.h>

static struct world world;

static int begin(void **state) {
        world_init(&world);
        return 0;
}

static int end(void **state) {
        world_done(&world);
        return 0;
}

static void expect_accepted(const char *thread, const char *id) {
        world_say(&world, thread, id);
        assert_int_equal(world.n_accepted, 1);
}

static void expect_refused(const char *thread, const char *id, const char *code) {
        world_say(&world, thread, id);
        assert_int_equal(world.n_accepted, 0);
        assert_int_equal(world.n_refusals, 1);
        assert_string_equal(world.code, code);
}

/* A batch of `thread` is answered by a worker that takes so many runs at once. */
static void answer_by(const char *thread, uint32_t n_messages, uint32_t slots) {
        struct world_run run;

        world_wait(&world, span_s(40));
        world_hello(&world, 1, slots);
        for (uint32_t i = 0; i < world.n_runs; i++) {
                if (strcmp(world.runs[i].thread, thread) != 0)
                        continue;
                run = world.runs[i];
                assert_int_equal(run.n_messages, n_messages);
                world_result(&world, &run, WIRE_DONE);
                assert_int_equal(world.settled, 1);
                return;
        }
        fail_msg("no run of %s", thread);
}

static void answer(const char *thread, uint32_t n_messages) { answer_by(thread, n_messages, 10); }

/* -- a tenant's own bound ------------------------------------------------------------------------------------------ */

static void a_tenant_with_enough_pending_is_full_until_some_are_answered(void **state) {
        world.tenants[0].max_pending = 3;
        expect_accepted("a", "1");
        expect_accepted("a", "2");
        expect_accepted("b", "3");
        expect_refused("b", "4", "tenant_full");
        world_say_in(&world, "zeta", "a", "1", "Oi"); /* another tenant has its own bound, here none */
        assert_int_equal(world.n_accepted, 1);
        answer("a", 2);
        expect_accepted("b", "4");
        expect_accepted("b", "5");
        expect_refused("b", "6", "tenant_full");
}

static void what_is_refused_is_not_remembered_and_duplicates_are_told_so_even_then(void **state) {
        world.tenants[0].max_pending = 1;
        expect_accepted("a", "1");
        expect_refused("a", "2", "tenant_full");
        world_say(&world, "a", "1");
        assert_int_equal(world.n_duplicates, 1);
        world.tenants[0].max_pending = 0;
        expect_accepted("a", "2");
}

static void refusals_are_counted_by_their_code(void **state) {
        const struct core_counters *counters = core_counters(world.core);

        world.tenants[0].max_pending = 1;
        expect_accepted("a", "1");
        expect_refused("a", "2", "tenant_full");
        expect_refused("a", "3", "tenant_full");
        world_say_in(&world, "nobody", "a", "1", "Oi");
        assert_int_equal(counters->refused, 3);
        assert_int_equal(counters->refused_by[REFUSAL_TENANT_FULL], 2);
        assert_int_equal(counters->refused_by[REFUSAL_UNKNOWN_TENANT], 1);
        assert_string_equal(core_refusal_name(REFUSAL_TENANT_FULL), "tenant_full");
}

/* -- the store ----------------------------------------------------------------------------------------------------- */

static void what_the_store_has_no_room_for_is_refused_until_there_is_room(void **state) {
        core_set_room(world.core, 600); /* for two of them, at most */
        expect_accepted("a", "1");
        expect_accepted("a", "2");
        expect_refused("a", "3", "store_full");
        world_say(&world, "a", "1");
        assert_int_equal(world.n_duplicates, 1);
        core_set_room(world.core, 100000);
        expect_accepted("a", "3");
}

static void a_small_message_does_not_overtake_a_large_one_that_found_no_room(void **state) {
        char large[900];

        memset(large, 'x', sizeof large);
        large[sizeof large - 1] = '\0';
        core_set_room(world.core, 1000);
        world_say_in(&world, "acme", "a", "1", large);
        assert_string_equal(world.code, "store_full");
        expect_refused("a", "2", "store_full");
        assert_int_equal(core_room(world.core), 0);
}

/* Long names are forgotten for short ones, and their memory comes back while the frame is being taken in. */
static void nor_where_room_comes_back_within_its_frame(void **state) {
        enum { N_ALIASES = 40, N_ITEMS = N_ALIASES + 2 };
        CLEANUP_BUFFER struct buffer body = {0};
        static char names[N_ALIASES][200];
        struct wire_message items[N_ITEMS];
        struct event event = {.type = EVENT_MESSAGES, .messages = {1, items, N_ALIASES}};

        wire_encode_body(&body, &(struct wire_body){.text = bytes_of("Oi")});
        for (int i = 0; i < N_ITEMS; i++)
                items[i] = (struct wire_message){.tenant = bytes_of("acme"),
                                                 .thread = bytes_of("a"),
                                                 .what = WIRE_WHAT_ALIAS,
                                                 .n_aliases = 1,
                                                 .body = buffer_bytes(&body)};
        for (int i = 0; i < N_ALIASES; i++) {
                snprintf(names[i], sizeof names[i], "%0180d", i);
                items[i].aliases[0] = bytes_of(names[i]);
        }
        world_step(&world, &event);
        world.config.limits.memory = core_memory(world.core);
        for (int i = 1; i <= N_ALIASES; i++) {
                snprintf(names[i - 1], sizeof names[i - 1], "%d", i);
                items[i].aliases[0] = bytes_of(names[i - 1]);
        }
        items[0].what = items[N_ITEMS - 1].what = WIRE_WHAT_MESSAGE;
        items[0].n_aliases = items[N_ITEMS - 1].n_aliases = 0;
        event.messages.n = N_ITEMS;
        world_step(&world, &event);
        assert_false(core_is_memory_full(world.core));
        assert_int_equal(world.n_refusals, 2);
        assert_string_equal(world.code, "broker_full");
        expect_accepted("a", NULL);
}

/* They would be about what is not there, and be over when it comes. */
static void events_do_not_overtake_messages_that_had_no_room(void **state) {
        static const enum wire_what whats[] = {WIRE_WHAT_MESSAGE, WIRE_WHAT_DELETE, WIRE_WHAT_EDIT,  WIRE_WHAT_PERSON,
                                               WIRE_WHAT_CLOSED,  WIRE_WHAT_RESUME, WIRE_WHAT_TYPING};
        enum { N = sizeof whats / sizeof whats[0] };
        CLEANUP_BUFFER struct buffer body = {0};
        struct wire_message items[N];
        struct event event = {.type = EVENT_MESSAGES, .messages = {1, items, N}};

        world.tenants[0].max_pending = 1;
        expect_accepted("b", "0");
        wire_encode_body(&body, &(struct wire_body){.text = bytes_of("Oi")});
        for (int i = 0; i < N; i++)
                items[i] = (struct wire_message){.tenant = bytes_of("acme"),
                                                 .thread = bytes_of("a"),
                                                 .id = bytes_of(i < 3 ? "1" : ""),
                                                 .what = whats[i],
                                                 .body = buffer_bytes(&body)};
        world_step(&world, &event);
        assert_int_equal(world.n_refusals, N - 1);
        assert_int_equal(world.n_accepted, 1); /* nobody waits for a sign of typing */
        assert_string_equal(world.code, "tenant_full");
        assert_int_equal(core_hold_count(world.core), 0);
        answer("b", 1);
        event.messages.n = 2;
        world_step(&world, &event);
        assert_int_equal(world.n_accepted, 2);
        assert_int_equal(core_counters(world.core)->savings.late_edits, 0);
}

static void batches_end_and_dead_letters_are_dropped_without_room(void **state) {
        int result = -1;
        struct event drop = {.type = EVENT_DEAD_DROP, .dead = {.ret_result = &result}};
        struct world_run done, failed;
        struct core_dead_view dead;
        uint32_t cursor = 0;

        expect_accepted("a", "1");
        expect_accepted("b", "2");
        core_set_room(world.core, 0);
        world_wait(&world, span_s(40));
        world_hello(&world, 1, 2);
        assert_int_equal(world.n_runs, 2);
        done = world.runs[0];
        failed = world.runs[1];
        world_result(&world, &done, WIRE_DONE);
        assert_int_equal(world.settled, 1);
        world_result(&world, &failed, WIRE_FAILED_FOR_GOOD);
        assert_int_equal(world.settled, 1);
        assert_true(core_next_dead(world.core, &cursor, &dead));
        drop.dead.seq = dead.seq;
        world_step(&world, &drop);
        assert_int_equal(result, 0);
        expect_refused("c", "3", "store_full");
}

/* -- memory -------------------------------------------------------------------------------------------------------- */

static void the_estimate_of_memory_grows_with_what_is_held_and_shrinks_with_what_is_done(void **state) {
        uint64_t empty = core_memory(world.core), one, two, more;
        struct world_run first, second;

        expect_accepted("a", NULL);
        one = core_memory(world.core);
        expect_accepted("a", NULL);
        two = core_memory(world.core);
        expect_accepted("a thread with a name that is rather long", NULL);
        more = core_memory(world.core);
        assert_true(empty < one && one < two && two < more);
        assert_true(one - empty > two - one); /* a thread is more than a message */
        world_wait(&world, span_s(40));
        world_hello(&world, 1, 10);
        assert_int_equal(world.n_runs, 2);
        first = world.runs[0];
        second = world.runs[1];
        assert_true(core_memory(world.core) > more); /* what runs takes more than what waits */
        world_result(&world, &first, WIRE_DONE);
        assert_true(core_memory(world.core) - empty > more - two);
        world_result(&world, &second, WIRE_DONE);
        assert_int_equal(core_memory(world.core), empty);
        expect_accepted("b", "an id");
        assert_true(core_memory(world.core) > one); /* which is remembered */
}

static void a_broker_that_holds_too_much_takes_nothing_until_some_of_it_is_done(void **state) {
        char thread[16], n = 0;

        world.config.limits.memory = 4096;
        for (int i = 0; i < 20; i++)
                expect_accepted("t0", NULL);
        for (n = 1; n < 100; n++) {
                snprintf(thread, sizeof thread, "t%d", n);
                world_say(&world, thread, NULL);
                if (world.n_refusals > 0)
                        break;
        }
        assert_in_range(n, 5, 30);
        assert_string_equal(world.code, "broker_full");
        assert_true(core_is_memory_full(world.core));
        answer_by("t0", 20, 1);
        assert_false(core_is_memory_full(world.core)); /* a sixteenth is free */
        expect_accepted("again", NULL);
}

static void it_does_not_go_in_and_out_of_being_full_with_each_message(void **state) {
        while (core_memory(world.core) < 100000)
                expect_accepted("a", NULL);
        world.config.limits.memory = core_memory(world.core);
        assert_true(core_is_memory_full(world.core));
        world.config.limits.memory = core_memory(world.core) + 100; /* one message's worth is free */
        assert_true(core_is_memory_full(world.core));
        world.config.limits.memory = core_memory(world.core) * 16 / 15 + 16;
        assert_false(core_is_memory_full(world.core));
}

static void expect_full(bool is_full) {
        struct core_full_view view;
        uint32_t cursor = 0;

        assert_true(core_next_full(world.core, &cursor, &view));
        assert_int_equal(view.is_full, is_full);
        assert_int_equal(view.max_pending, 8);
        assert_false(core_next_full(world.core, &cursor, &view));
        cursor = 0;
        assert_false(core_next_full(world.core, &cursor, &view)); /* once each way */
        assert_int_equal(core_full_count(world.core), is_full);
}

static void a_tenant_is_told_full_once_and_to_have_room_once_there_is_some_to_speak_of(void **state) {
        struct core_full_view view;
        uint32_t cursor = 0;

        world.tenants[0].max_pending = 8;
        for (int i = 0; i < 7; i++)
                expect_accepted("a", NULL);
        expect_accepted("b", NULL);
        assert_false(core_next_full(world.core, &cursor, &view)); /* nothing was refused yet */
        expect_refused("b", NULL, "tenant_full");
        expect_refused("b", NULL, "tenant_full");
        expect_full(true);
        world.tenants[0].max_pending = 9;
        cursor = 0;
        assert_false(core_next_full(world.core, &cursor, &view)); /* room for one is not worth a word */
        world.tenants[0].max_pending = 8;
        answer("a", 7);
        expect_full(false);
}

static void ids_that_are_forgotten_for_their_number_are_counted(void **state) {
        struct core_ids_view ids;
        struct wall first = world.now.wall;

        core_ids(world.core, &ids);
        assert_int_equal(ids.n, 0);
        assert_int_equal(ids.oldest.ms, 0);
        world.config.limits.dedupe_ids = 2;
        core_configure(world.core, world.now, &world.config);
        expect_accepted("a", "1");
        expect_accepted("a", "2");
        core_ids(world.core, &ids);
        assert_int_equal(ids.n, 2);
        assert_in_range(ids.oldest.ms, first.ms, world.now.wall.ms);
        assert_int_equal(ids.n_early, 0);
        expect_accepted("a", "3");
        core_ids(world.core, &ids);
        assert_int_equal(ids.n, 2);
        assert_int_equal(ids.n_early, 1);
}

/* -- what the loop looks at ---------------------------------------------------------------------------------------- */

static void look(struct room_watch *watch) {
        assert_int_equal(room_look(watch, world.now.mono, true, &world.config, world.store, world.core), 0);
}

static void the_store_is_full_at_its_bound_and_has_room_again_well_below_it(void **state) {
        struct room_watch watch = {0};
        uint32_t n = 0;

        world.config.limits.store_bytes = 1 << 20;
        for (look(&watch); !watch.is_store_full && n < 100000; look(&watch), n++)
                world_say(&world, "a", NULL);
        assert_int_equal(core_room(world.core), 0);
        assert_in_range(store_bytes(world.store), (1 << 20) * 9 / 10, 1 << 20);
        expect_refused("a", NULL, "store_full");
        world.config.limits.store_bytes = (1 << 20) + 10000; /* a little more is not worth a change */
        look(&watch);
        assert_true(watch.is_store_full);
        world.config.limits.store_bytes = 2 << 20;
        look(&watch);
        assert_false(watch.is_store_full);
        expect_accepted("a", NULL);
}

static void the_disk_is_not_looked_at_more_often_than_is_of_use(void **state) {
        struct room_watch watch = {0};
        struct mono first = world.now.mono;

        world.config.limits.store_bytes = 1 << 20;
        look(&watch);
        world.now.mono = mono_add(world.now.mono, span_ms(LIMIT_ROOM_LOOK_MS - 1));
        assert_int_equal(room_look(&watch, world.now.mono, false, &world.config, world.store, world.core), 0);
        assert_int_equal(watch.looked.us, first.us);
        world.now.mono = mono_add(world.now.mono, span_ms(1));
        assert_int_equal(room_look(&watch, world.now.mono, false, &world.config, world.store, world.core), 0);
        assert_int_equal(watch.looked.us, world.now.mono.us);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
        static const struct CMUnitTest tests[] = {
                TEST(a_tenant_with_enough_pending_is_full_until_some_are_answered),
                TEST(what_is_refused_is_not_remembered_and_duplicates_are_told_so_even_then),
                TEST(refusals_are_counted_by_their_code),
                TEST(what_the_store_has_no_room_for_is_refused_until_there_is_room),
                TEST(a_small_message_does_not_overtake_a_large_one_that_found_no_room),
                TEST(nor_where_room_comes_back_within_its_frame),
                TEST(events_do_not_overtake_messages_that_had_no_room),
                TEST(batches_end_and_dead_letters_are_dropped_without_room),
                TEST(the_estimate_of_memory_grows_with_what_is_held_and_shrinks_with_what_is_done),
                TEST(a_broker_that_holds_too_much_takes_nothing_until_some_of_it_is_done),
                TEST(it_does_not_go_in_and_out_of_being_full_with_each_message),
                TEST(a_tenant_is_told_full_once_and_to_have_room_once_there_is_some_to_speak_of),
                TEST(ids_that_are_forgotten_for_their_number_are_counted),
                TEST(the_store_is_full_at_its_bound_and_has_room_again_well_below_it),
                TEST(the_disk_is_not_looked_at_more_often_than_is_of_use),
        };

        log_init("test");
        return cmocka_run_group_tests_name("broker/room", tests, NULL, NULL);
}
