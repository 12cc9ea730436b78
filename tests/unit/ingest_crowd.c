#include "tests/unit/unit.h"

#include "ingest/core/crowd.h"

enum { N = 8, N_PER_ADDRESS = 4, ANA = 1, BRUNO = 2, CARLA = 3 };

static struct crowd *crowd_of(struct crowd_member *members, uint32_t n, uint64_t address) {
        struct crowd *crowd = crowd_new(N, N_PER_ADDRESS, 7);

        for (uint32_t i = 0; i < n; i++)
                crowd_push(crowd, &members[i], address);
        return crowd;
}

static void crowd_empty(struct crowd *crowd, struct crowd_member *members, uint32_t n) {
        for (uint32_t i = 0; i < n; i++)
                crowd_remove(crowd, &members[i]);
        assert_int_equal(crowd_n(crowd), 0);
        crowd_free(crowd);
}

static struct crowd_member *leaver_for(struct crowd *crowd, uint64_t address) {
        struct crowd_member *leaver;

        assert_int_equal(crowd_make_room(crowd, address, &leaver), 0);
        return leaver;
}

static void while_there_is_room_nobody_has_to_go(void **state) {
        struct crowd_member members[N];
        struct crowd *crowd = crowd_of(members, N_PER_ADDRESS - 1, ANA);

        assert_null(leaver_for(crowd, ANA));
        crowd_push(crowd, &members[3], ANA);
        assert_null(leaver_for(crowd, BRUNO));
        crowd_empty(crowd, members, 4);
}

static void an_address_that_has_its_share_makes_room_itself(void **state) {
        struct crowd_member members[N];
        struct crowd *crowd = crowd_of(members, 1, BRUNO);

        for (int i = 1; i <= N_PER_ADDRESS; i++)
                crowd_push(crowd, &members[i], ANA);
        assert_ptr_equal(leaver_for(crowd, ANA), &members[1]);
        assert_int_equal(crowd_n(crowd), N_PER_ADDRESS);
        crowd_push(crowd, &members[5], ANA);
        assert_ptr_equal(leaver_for(crowd, ANA), &members[2]);
        crowd_empty(crowd, members, 6);
}

static void when_all_places_are_taken_the_oldest_of_all_goes(void **state) {
        struct crowd_member members[N];
        struct crowd *crowd = crowd_of(members, N / 2, ANA);

        for (int i = N / 2; i < N; i++)
                crowd_push(crowd, &members[i], BRUNO);
        assert_ptr_equal(leaver_for(crowd, CARLA), &members[0]);
        crowd_push(crowd, &members[0], CARLA);
        assert_ptr_equal(leaver_for(crowd, CARLA), &members[1]);
        crowd_empty(crowd, members, N);
}

static void who_is_being_answered_stays(void **state) {
        struct crowd_member members[N], *leaver = NULL;
        struct crowd *crowd = crowd_of(members, N_PER_ADDRESS, ANA);

        for (int i = 0; i < N_PER_ADDRESS; i++)
                if (i != 2)
                        crowd_on_whole(crowd, &members[i]);
        assert_ptr_equal(leaver_for(crowd, ANA), &members[2]);
        crowd_push(crowd, &members[2], ANA);
        crowd_on_whole(crowd, &members[2]);
        assert_int_equal(crowd_make_room(crowd, ANA, &leaver), CROWD_FULL);
        assert_null(leaver);
        assert_null(leaver_for(crowd, BRUNO));
        crowd_empty(crowd, members, N_PER_ADDRESS);
}

static void when_all_are_being_answered_there_is_no_room(void **state) {
        struct crowd_member members[N], *leaver;
        struct crowd *crowd = crowd_of(members, N / 2, ANA);

        for (int i = N / 2; i < N; i++)
                crowd_push(crowd, &members[i], BRUNO);
        for (int i = 0; i < N; i++)
                crowd_on_whole(crowd, &members[i]);
        assert_int_equal(crowd_make_room(crowd, CARLA, &leaver), CROWD_FULL);
        assert_null(crowd_oldest(crowd));
        crowd_empty(crowd, members, N);
}

static void who_was_answered_is_the_youngest_again(void **state) {
        struct crowd_member members[N];
        struct crowd *crowd = crowd_of(members, N_PER_ADDRESS, ANA);

        crowd_on_whole(crowd, &members[0]);
        crowd_on_answered(crowd, &members[0]);
        crowd_on_answered(crowd, &members[1]); /* before it was there as a whole, as when it is refused by its head */
        assert_ptr_equal(crowd_oldest(crowd), &members[2]);
        assert_ptr_equal(crowd_next(crowd, &members[2]), &members[3]);
        assert_ptr_equal(crowd_next(crowd, &members[3]), &members[0]);
        assert_ptr_equal(crowd_next(crowd, &members[0]), &members[1]);
        assert_null(crowd_next(crowd, &members[1]));
        crowd_empty(crowd, members, N_PER_ADDRESS);
}

static void who_has_left_is_left_alone(void **state) {
        struct crowd_member members[N];
        struct crowd *crowd = crowd_of(members, 2, ANA);

        crowd_remove(crowd, &members[0]);
        crowd_remove(crowd, &members[0]);
        crowd_on_whole(crowd, &members[0]);
        crowd_on_answered(crowd, &members[0]);
        assert_int_equal(crowd_n(crowd), 1);
        assert_ptr_equal(crowd_oldest(crowd), &members[1]);
        crowd_empty(crowd, members, 2);
}

static void many_addresses_share_the_slots(void **state) {
        struct crowd *crowd = crowd_new(1000, 2, 7);
        struct crowd_member members[1000];

        for (uint32_t i = 0; i < 1000; i++)
                crowd_push(crowd, &members[i], i / 2);
        for (uint32_t i = 0; i < 1000; i += 2) {
                assert_ptr_equal(leaver_for(crowd, i / 2), &members[i]);
                crowd_push(crowd, &members[i], i / 2);
        }
        crowd_empty(crowd, members, 1000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(while_there_is_room_nobody_has_to_go),
                cmocka_unit_test(an_address_that_has_its_share_makes_room_itself),
                cmocka_unit_test(when_all_places_are_taken_the_oldest_of_all_goes),
                cmocka_unit_test(who_is_being_answered_stays),
                cmocka_unit_test(when_all_are_being_answered_there_is_no_room),
                cmocka_unit_test(who_was_answered_is_the_youngest_again),
                cmocka_unit_test(who_has_left_is_left_alone),
                cmocka_unit_test(many_addresses_share_the_slots),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
