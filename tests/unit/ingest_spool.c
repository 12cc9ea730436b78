#include "tests/unit/ingest_spool_world.h"

#include "common/limits.h"

#include <errno.h>
#include <string.h>

/* -- stories ------------------------------------------------------------------------------------------------------- */

static void a_broker_that_is_there_gets_everything_at_once(void **state) {
        struct world *world = *state;

        say(world, 1, "");
        pass(world, 100);
        assert_int_equal(world->threads[1].n_answered, 1);
        assert_int_equal(world->n_records, 0);
        assert_false(spool_flow_is_spooling(world->flow));
}

static void what_waits_for_a_silent_broker_is_spooled_after_the_patience_and_what_comes_then_at_once(void **state) {
        struct world *world = *state;

        world->is_away = true;
        say(world, 1, "");
        pass(world, 900);
        assert_int_equal(world->threads[1].n_answered, 0);
        pass(world, 200);
        assert_int_equal(world->threads[1].n_answered, 1);
        say(world, 1, "");
        turn(world);
        assert_int_equal(world->threads[1].n_answered, 2);
        assert_int_equal(world->n_taken[1], 0);
        assert_int_equal(world->events[SPOOL_EVENT_SPOOLING], 1);
}

static void what_was_spooled_goes_to_the_broker_and_then_the_way_is_straight_again(void **state) {
        struct world *world = *state;

        world->is_away = true;
        for (int i = 0; i < 3; i++, pass(world, 1200))
                say(world, 1, "");
        world->is_away = false;
        pass(world, 2000);
        assert_int_equal(world->n_taken[1], 3);
        assert_int_equal(spool_queue_count(world->queue), 0);
        assert_false(spool_flow_is_spooling(world->flow));
        assert_int_equal(world->events[SPOOL_EVENT_FORWARDED], 1);
        say(world, 1, "");
        pass(world, 100);
        assert_int_equal(world->n_records, 3);
        assert_int_equal(world->threads[1].n_answered, 4);
}

static void a_tenant_that_is_full_waits_alone(void **state) {
        struct world *world = *state;

        world->is_away = true;
        say(world, 1, "");
        say(world, 2, "");
        pass(world, 1200);
        world->is_away = false;
        world->is_full[1] = true;
        pass(world, 1500);
        assert_int_equal(world->n_taken[1], 0);
        assert_int_equal(world->n_taken[2], 1);
        say(world, 2, "");
        pass(world, 2000);
        assert_int_equal(world->n_taken[2], 2);
        assert_int_equal(world->events[SPOOL_EVENT_WAITS], 1);
        world->is_full[1] = false;
        pass(world, 2000);
        assert_int_equal(world->n_taken[1], 1);
        assert_false(spool_flow_is_spooling(world->flow));
}

static void a_tenant_that_waits_fills_half_of_the_spool_and_no_more(void **state) {
        struct world *world = *state;

        world->bounds.n_bytes = 2000;
        world->is_away = true;
        say(world, 1, "");
        pass(world, 1200);
        world->is_away = false;
        world->is_full[1] = true;
        pass(world, 1500);
        for (int i = 0; i < 30; i++, pass(world, 50))
                say(world, 1, "");
        assert_in_range(spool_queue_bytes(world->queue), 1000, 1200);
        say(world, 2, "");
        pass(world, 1500);
        assert_int_equal(world->n_taken[2], 1);
        assert_int_equal(world->events[SPOOL_EVENT_FULL], 0);
}

static void what_is_refused_for_good_is_handed_over_and_holds_nobody_up(void **state) {
        struct world *world = *state;

        world->is_away = true;
        say(world, 1, "gone");
        say(world, 4, "");
        pass(world, 1200);
        world->is_away = false;
        pass(world, 3000);
        assert_int_equal(world->n_kept, 1);
        assert_int_equal(world->n_taken[4], 1);
        assert_int_equal(spool_queue_count(world->queue), 0);
}

static void what_is_refused_for_good_stays_until_it_is_kept_elsewhere(void **state) {
        struct world *world = *state;

        world->is_away = true;
        say(world, 1, "gone");
        pass(world, 1200);
        world->is_away = false;
        world->is_failing = true;
        pass(world, 2500);
        assert_int_equal(world->n_kept, 0);
        assert_int_equal(spool_queue_count(world->queue), 1);
        world->is_failing = false;
        pass(world, 2500);
        assert_int_equal(world->n_kept, 1);
        assert_int_equal(spool_queue_count(world->queue), 0);
}

static void a_spool_that_cannot_be_written_is_said_once_and_nothing_is_acknowledged(void **state) {
        struct world *world = *state;

        world->is_away = world->is_failing = true;
        for (int i = 0; i < 3; i++, pass(world, 1200))
                say(world, 1, "");
        assert_int_equal(world->threads[1].n_answered, 0);
        assert_int_equal(world->events[SPOOL_EVENT_FAILED], 1);
        world->is_failing = false;
        say(world, 1, "");
        pass(world, 1200);
        assert_int_equal(world->threads[1].n_answered, 1);
        assert_int_equal(world->events[SPOOL_EVENT_WORKS], 1);
}

static struct mono at_ms(int64_t ms) { return mono_add((struct mono){0}, span_ms(ms)); }

/* An empty parcel, as /readyz pushes it. */
static bool is_ready(struct world *world) {
        struct intake_verdict verdict;
        struct parcel nothing = {0};
        bool is_late;

        assert_int_equal(intake_push(world->intake, &nothing, world, at_ms(world->ms + 5000)), 0);
        assert_int_equal(spool_flow_run(world->flow, &world->bounds, at_ms(world->ms)), 0);
        assert_true(spool_flow_pop_verdict(world->flow, &verdict));
        assert_ptr_equal(verdict.owner, world);
        is_late = verdict.is_late;
        intake_verdict_done(&verdict);
        return !is_late;
}

static void who_cannot_write_the_spool_is_not_ready_for_a_while(void **state) {
        struct world *world = *state;

        world->is_away = true;
        say(world, 1, "");
        pass(world, 1200);
        assert_true(is_ready(world));
        world->is_failing = true;
        say(world, 1, "");
        pass(world, 100);
        assert_false(is_ready(world));
        assert_false(is_ready(world));
        world->ms += LIMIT_SPOOL_UNREADY_S * 1000;
        assert_true(is_ready(world));
        say(world, 1, "");
        pass(world, 100);
        assert_false(is_ready(world));
}

static void an_event_that_the_broker_is_too_old_for_is_dropped_and_blocks_nobody(void **state) {
        struct world *world = *state;
        CLEANUP_PARCEL struct parcel parcel = {0};
        uint32_t n_events;

        parcel_push(&parcel, &world->ids,
                    &(struct wire_message){.tenant = bytes_of("a1"),
                                           .thread = bytes_of("t1"),
                                           .body = bytes_of("body"),
                                           .what = WIRE_WHAT_PERSON},
                    0);
        world->is_away = true;
        say(world, 1, "");
        pass(world, 1200);
        assert_int_equal(intake_push(world->intake, &parcel, (void *)(uintptr_t)(2 + 1), at_ms(world->ms + 5000)), 0);
        pass(world, 100);
        assert_int_equal(spool_queue_count(world->queue), 2);
        crash(world); /* the frame then has both */
        turn(world);
        assert_true(intake_on_bad_frame(world->intake, at_ms(world->ms), &n_events));
        assert_int_equal(n_events, 1);
        world->n_frames = world->n_orphans = 0;
        world->is_away = false;
        pass(world, 2500);
        assert_int_equal(spool_queue_count(world->queue), 0);
        assert_int_equal(world->n_taken[1], 1);
        assert_int_equal(world->n_kept, 0);
        assert_int_equal(world->events[SPOOL_EVENT_DROPPED], 1);
}

static void a_full_spool_is_said_once_and_takes_in_again_when_there_is_room(void **state) {
        struct world *world = *state;

        world->bounds.n_bytes = 800;
        world->is_away = true;
        for (int i = 0; i < 20; i++, pass(world, 100))
                say(world, 1, "");
        pass(world, 1200);
        assert_in_range(world->threads[1].n_answered, 5, 12);
        assert_int_equal(world->events[SPOOL_EVENT_FULL], 1);
        world->is_away = false;
        pass(world, 3000);
        assert_int_equal(world->events[SPOOL_EVENT_HAS_ROOM], 1);
        assert_int_equal(world->n_taken[1], world->threads[1].n_answered);
}

static void what_another_process_has_spooled_before_is_sent_before(void **state) {
        struct world *world = *state;

        world->is_away = true;
        say(world, 1, "");
        pass(world, 1200);
        stop(world);
        start(world, 1);
        say(world, 1, "");
        pass(world, 1200);
        assert_int_equal(world->threads[1].n_answered, 2);
        world->is_away = false;
        pass(world, 3000);
        assert_int_equal(world->n_taken[1], 2);
}

/* -- chaos --------------------------------------------------------------------------------------------------------- */

static void disturb(struct world *world) {
        if (is_one_in(40))
                world->is_away = !world->is_away;
        if (is_one_in(50))
                world->is_full[roll(N_TENANTS)] ^= true;
        if (is_one_in(60))
                world->is_failing = !world->is_failing;
        if (is_one_in(30))
                world->n_frames = world->n_orphans = 0; /* the connection broke */
        if (is_one_in(20))
                world->n_acks = 0;
        if (is_one_in(100))
                crash(world);
}

static bool is_all_there(const struct world *world) {
        for (uint32_t i = 0; i < N_THREADS; i++)
                if (world->n_taken[i] < world->threads[i].n_answered)
                        return false;
        for (uint32_t i = 0; i < world->n_records; i++)
                if (world->records[i].is_there)
                        return false;
        return spool_queue_count(world->queue) == 0;
}

static void whatever_happens_nothing_acknowledged_is_lost_doubled_or_overtaken(void **state) {
        for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
                struct world *world;

                assert_int_equal(set_up((void **)&world), 0);
                dice = seed * 0x9E3779B97F4A7C15;
                for (int i = 0; i < N_SAID; i++, world->ms += roll(300)) {
                        say(world, roll(N_THREADS), "");
                        disturb(world);
                        turn(world);
                        run_broker(world, false);
                }
                world->is_away = world->is_failing = false;
                memset(world->is_full, 0, sizeof world->is_full);
                pass(world, 20000);
                if (!is_all_there(world))
                        fail_msg("seed %u: something acknowledged is not there, or something is left", (unsigned)seed);
                assert_false(spool_flow_is_spooling(world->flow));
                tear_down((void **)&world);
        }
}

/* -- records ------------------------------------------------------------------------------------------------------- */

static void a_record_is_good_only_in_its_own_place_and_as_a_whole(void **state) {
        CLEANUP_BUFFER struct buffer item = {0}, record = {0};
        const struct spool_key key = {0, 3, 7}, other = {0, 3, 8};
        struct wire_message message;
        struct bytes found;

        wire_encode_message(&item, &(struct wire_message){bytes_of("acme"), bytes_of("t"), bytes_of("1"), BYTES_NONE,
                                                          bytes_of("body")});
        spool_record_encode(&record, key, buffer_bytes(&item));
        assert_int_equal(spool_record_len(buffer_bytes(&record)), record.len);
        assert_int_equal(spool_record_decode(key, buffer_bytes(&record), &found, &message), 0);
        assert_true(bytes_is_equal(found, buffer_bytes(&item)) && bytes_is_text(message.id, "1"));
        assert_int_equal(spool_record_decode(other, buffer_bytes(&record), &found, &message), -EBADMSG);
        for (size_t i = 0; i < record.len; i++) {
                record.data[i] ^= 1;
                assert_int_equal(spool_record_decode(key, buffer_bytes(&record), &found, &message), -EBADMSG);
                record.data[i] ^= 1;
                assert_int_equal(spool_record_decode(key, (struct bytes){record.data, i}, &found, &message), -EBADMSG);
        }
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORY(a_broker_that_is_there_gets_everything_at_once),
                STORY(what_waits_for_a_silent_broker_is_spooled_after_the_patience_and_what_comes_then_at_once),
                STORY(what_was_spooled_goes_to_the_broker_and_then_the_way_is_straight_again),
                STORY(a_tenant_that_is_full_waits_alone),
                STORY(a_tenant_that_waits_fills_half_of_the_spool_and_no_more),
                STORY(what_is_refused_for_good_is_handed_over_and_holds_nobody_up),
                STORY(what_is_refused_for_good_stays_until_it_is_kept_elsewhere),
                STORY(a_spool_that_cannot_be_written_is_said_once_and_nothing_is_acknowledged),
                STORY(who_cannot_write_the_spool_is_not_ready_for_a_while),
                STORY(an_event_that_the_broker_is_too_old_for_is_dropped_and_blocks_nobody),
                STORY(a_full_spool_is_said_once_and_takes_in_again_when_there_is_room),
                STORY(what_another_process_has_spooled_before_is_sent_before),
                cmocka_unit_test(whatever_happens_nothing_acknowledged_is_lost_doubled_or_overtaken),
                cmocka_unit_test(a_record_is_good_only_in_its_own_place_and_as_a_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
