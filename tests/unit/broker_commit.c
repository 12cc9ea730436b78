/* Commits on a disk that is full, or broken. */
#include "tests/unit/broker_disk.h"
#include "tests/unit/unit.h"

#include "broker/commit.h"
#include "broker/store/record.h"
#include "broker/store/store_private.h"
#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* -- the broker ---------------------------------------------------------------------------------------------------- */

static char folder[64], uri[80];

static int begin(void **state) {
        strcpy(folder, "/tmp/lull-commit-XXXXXX");
        assert_non_null(mkdtemp(folder));
        snprintf(uri, sizeof uri, "lmdb:%s", folder);
        memset(&disk, 0, sizeof disk);
        return 0;
}

static int end(void **state) {
        static const char *const names[] = {"/data.mdb", "/lock.mdb", "/lull.lock", "/journal", "/journal-2"};
        char path[128];

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                snprintf(path, sizeof path, "%s%s", folder, names[i]);
                unlink(path);
        }
        return rmdir(folder);
}

static bool wait(void *context, struct span pause) {
        assert_in_range(span_to_ms(pause), LIMIT_COMMIT_RETRY_MS, LIMIT_COMMIT_RETRY_MAX_MS);
        disk.n_waits++;
        if (disk.n_waits == disk.mend_after) {
                disk.fault = FAULT_NONE;
                disk.is_full = false;
        }
        return disk.n_waits != disk.stop_after;
}

static struct store *open_store(void) {
        struct store *store = NULL;
        char *error = NULL;

        assert_int_equal(store_open(uri, &store, &error), 0);
        return store;
}

static void put_message(struct effects *fx, uint64_t seq, const char *body) {
        effects_push_change(fx, CHANGE_PUT_MESSAGE)->message = (struct stored_message){
                seq, {1000}, bytes_of("acme"), bytes_of("t"), bytes_of("id"), BYTES_NONE, bytes_of(body)};
}

static int commit(struct store *store, struct effects *fx) {
        struct commit_wait waiting = {.wait = wait};
        int r = commit_changes(store, fx->changes, fx->n_changes, &waiting);

        effects_clear(fx);
        return r;
}

static void expect_message(struct store *store, uint64_t seq, const char *body) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct stored_message message;

        assert_int_equal(store_read_message(store, seq, &memory, &message), 0);
        assert_true(bytes_is_text(message.body, body));
        store_release(store);
}

static void expect_none(struct store *store, uint64_t seq) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct stored_message message;

        assert_int_equal(store_read_message(store, seq, &memory, &message), -ENOENT);
        store_release(store);
}

/* A commit that finds no room at first, and what is there afterwards, also for the next start. */
static void commit_through(enum fault fault, const char *during) {
        struct store *store = open_store();
        struct effects fx = {0};

        put_message(&fx, 1, "before");
        assert_int_equal(commit(store, &fx), 0);
        put_message(&fx, 2, during);
        effects_delete(&fx, CHANGE_DELETE_MESSAGE, 1);
        disk.fault = fault;
        disk.is_full = true;
        disk.mend_after = 5;
        assert_int_equal(commit(store, &fx), 0);
        assert_int_equal(disk.n_waits, 5);
        assert_in_range(disk.n_failed, 5, 1000);
        expect_message(store, 2, during);
        expect_none(store, 1);
        store_close(store);
        store = open_store();
        expect_message(store, 2, during);
        expect_none(store, 1);
        put_message(&fx, 3, "after");
        assert_int_equal(commit(store, &fx), 0);
        expect_message(store, 3, "after");
        store_close(store);
        effects_done(&fx);
}

/* More than the journal has room for: this one goes to the database. */
static const char *long_text(void) {
        static char text[LIMIT_JOURNAL_BYTES_FIRST + 1];

        memset(text, 'x', sizeof text - 1);
        return text;
}

static void a_commit_without_room_is_made_again_until_there_is_room(void **state) {
        commit_through(FAULT_NO_ROOM, "during");
}

static void so_is_one_that_goes_to_the_database(void **state) { commit_through(FAULT_NO_ROOM, long_text()); }
static void so_is_one_whose_write_was_cut_short(void **state) { commit_through(FAULT_SHORT_WRITE, "during"); }

static void so_is_one_to_the_database_whose_write_was_cut_short(void **state) {
        commit_through(FAULT_SHORT_WRITE, long_text());
}

/* On a disk that has little left there is no journal; it is made once there is room. */
static void a_store_whose_disk_has_little_left_works_without_a_journal(void **state) {
        struct effects fx = {0};
        struct store *store;

        disk.is_short = true;
        store = open_store();
        put_message(&fx, 1, "one");
        assert_int_equal(commit(store, &fx), 0);
        assert_int_equal(store_counts(store).n_records, 0);
        disk.is_short = false;
        for (uint64_t seq = 2; seq < 5; seq++) { /* two make its two files */
                put_message(&fx, seq, "more");
                assert_int_equal(commit(store, &fx), 0);
        }
        assert_int_equal(store_counts(store).n_records, 1);
        store_close(store);
        store = open_store();
        expect_message(store, 1, "one");
        expect_message(store, 4, "more");
        store_close(store);
        effects_done(&fx);
}

/* What was tried in vain lies in the journal as if it had been written. It is neither taken for a commit, nor for one
 * that is missing. */
static void give_up(bool is_ended) {
        struct store *store = open_store();
        struct effects fx = {0};

        put_message(&fx, 1, "before");
        assert_int_equal(commit(store, &fx), 0);
        put_message(&fx, 2, "in vain");
        disk.fault = FAULT_UNHEARD;
        disk.stop_after = 1;
        assert_int_equal(commit(store, &fx), COMMIT_GIVEN_UP);
        disk.fault = FAULT_NONE;
        assert_int_equal(is_ended ? store_end(store) : store_settle(store), 0);
        if (is_ended) {
                store_close(store);
                store = open_store();
        }
        expect_message(store, 1, "before");
        expect_none(store, 2);
        put_message(&fx, 3, "after");
        assert_int_equal(commit(store, &fx), 0);
        store_close(store);
        store = open_store();
        expect_message(store, 3, "after");
        expect_none(store, 2);
        store_close(store);
        effects_done(&fx);
}

static void a_commit_that_was_given_up_does_not_come_back(void **state) { give_up(true); }
static void nor_does_it_stand_in_the_way_of_the_next(void **state) { give_up(false); }

/* -- the journal's two files --------------------------------------------------------------------------------------- */

/* Each has room for four commits, and what is in the one goes to the database while there are three in the other. */
static struct store *open_small(void) {
        static const struct store_form form = {{4 * RECORD_ALIGN, 4 * RECORD_ALIGN}, BESIDE_LATER};
        struct store *store = NULL;
        char *error = NULL;

        assert_int_equal(store_open_formed(uri, &form, &store, &error), 0);
        return store;
}

static void expect_messages(struct store *store, uint64_t first, uint64_t last) {
        for (uint64_t seq = first; seq <= last; seq++)
                expect_message(store, seq, "one of them");
}

static void commit_messages(struct store *store, uint64_t first, uint64_t last) {
        struct effects fx = {0};

        for (uint64_t seq = first; seq <= last; seq++) {
                put_message(&fx, seq, "one of them");
                assert_int_equal(commit(store, &fx), 0);
        }
        effects_done(&fx);
}

static void commits_go_on_in_the_journal_while_only_the_database_finds_no_room(void **state) {
        struct store *store = open_small();

        commit_messages(store, 1, 5);
        disk.fault = FAULT_NO_ROOM;
        disk.only = "data.mdb";
        disk.is_full = true;
        commit_messages(store, 6, 8); /* the checkpoint has failed by then, and the other file has room */
        assert_in_range(disk.n_failed, 1, 10);
        assert_int_equal(disk.n_waits, 0);
        expect_messages(store, 1, 8);
        disk.mend_after = 2;
        commit_messages(store, 9, 9); /* now neither has */
        assert_int_equal(disk.n_waits, 2);
        expect_messages(store, 1, 9);
        commit_messages(store, 10, 20);
        store_close(store);
        store = open_small();
        expect_messages(store, 1, 20);
        store_close(store);
}

static void a_commit_that_was_given_up_takes_nothing_away_from_the_other_file(void **state) {
        struct store *store = open_small();
        struct effects fx = {0};

        commit_messages(store, 1, 4);
        effects_delete(&fx, CHANGE_DELETE_MESSAGE, 1);
        disk.fault = FAULT_NO_ROOM;
        disk.stop_after = 1;
        assert_int_equal(commit(store, &fx), COMMIT_GIVEN_UP);
        disk.fault = FAULT_NONE;
        commit_messages(store, 5, 6);
        assert_int_equal(store_settle(store), 0);
        expect_messages(store, 1, 6);
        store_close(store);
        effects_done(&fx);
}

/* Longer than either file: it goes to the database, and before it what the other file holds. */
static void nor_does_one_that_is_longer_than_a_file(void **state) {
        static char five_pages[4 * RECORD_ALIGN + 1];
        struct store *store = open_small();
        struct effects fx = {0};

        memset(five_pages, 'x', sizeof five_pages - 1);
        commit_messages(store, 1, 4);
        effects_delete(&fx, CHANGE_DELETE_MESSAGE, 1);
        put_message(&fx, 2, five_pages);
        disk.fault = FAULT_NO_ROOM;
        disk.stop_after = 1;
        assert_int_equal(commit(store, &fx), COMMIT_GIVEN_UP);
        disk.fault = FAULT_NONE;
        expect_messages(store, 1, 4);
        assert_int_equal(store_settle(store), 0);
        expect_messages(store, 1, 4);
        store_close(store);
        effects_done(&fx);
}

static void what_was_tried_in_one_file_does_not_come_back_before_what_is_in_the_other(void **state) {
        static char two_pages[RECORD_ALIGN + 1];
        struct store *store = open_small();
        struct effects fx = {0};

        memset(two_pages, 'x', sizeof two_pages - 1);
        commit_messages(store, 1, 3);
        put_message(&fx, 4, "in vain");
        disk.fault = FAULT_UNHEARD;
        disk.stop_after = 1;
        assert_int_equal(commit(store, &fx), COMMIT_GIVEN_UP);
        disk.fault = FAULT_NONE;
        put_message(&fx, 5, two_pages);
        assert_int_equal(commit(store, &fx), 0);
        for (int i = 0; i < 2; i++) {
                expect_messages(store, 1, 3);
                expect_none(store, 4);
                expect_message(store, 5, two_pages);
                store_close(store);
                store = open_small();
        }
        store_close(store);
        effects_done(&fx);
}

/* -- other errors -------------------------------------------------------------------------------------------------- */

static void a_broken_disk_is_not_waited_for(void **state) {
        struct store *store = open_store();
        struct effects fx = {0};

        put_message(&fx, 1, "x");
        disk.fault = FAULT_BROKEN;
        assert_int_equal(commit(store, &fx), -EIO);
        assert_int_equal(disk.n_waits, 0);
        disk.fault = FAULT_NONE;
        store_close(store);
        effects_done(&fx);
}

static void who_waits_can_be_told_to_stop_and_nothing_of_it_is_stored(void **state) {
        struct store *store = open_store();
        struct effects fx = {0};

        put_message(&fx, 1, "x");
        disk.fault = FAULT_NO_ROOM;
        disk.stop_after = 3;
        assert_int_equal(commit(store, &fx), COMMIT_GIVEN_UP);
        assert_int_equal(disk.n_waits, 3);
        disk.fault = FAULT_NONE;
        expect_none(store, 1);
        store_close(store);
        effects_done(&fx);
}

static void a_number_reserved_by_a_commit_that_failed_is_reserved_by_the_next(void **state) {
        uint64_t first = 0;

        for (int i = 0; i < 2; i++) { /* the second time, a whole block further on */
                struct store *store = open_store();
                struct effects fx = {0};

                first = store_head(store).first_seq;
                put_message(&fx, first, "x");
                disk.fault = FAULT_NO_ROOM;
                disk.mend_after = disk.n_waits + 1;
                assert_int_equal(commit(store, &fx), 0);
                store_close(store);
                store = open_store();
                assert_true(store_head(store).first_seq > first);
                store_close(store);
                effects_done(&fx);
        }
}

static int open_waiting(struct store **ret, char **ret_error) {
        struct commit_wait waiting = {.wait = wait};

        return commit_open_store(uri, &waiting, ret, ret_error);
}

static void a_broker_that_starts_on_a_full_disk_waits_for_room(void **state) {
        struct store *store = NULL;
        char *error = NULL;

        disk.is_full = true;
        disk.mend_after = 4;
        assert_int_equal(open_waiting(&store, &error), 0);
        assert_int_equal(disk.n_waits, 4);
        assert_int_equal(store_head(store).epoch, 1);
        store_close(store);
        disk.n_waits = 0;
        disk.fault = FAULT_NO_ROOM; /* this one cannot write that it has started */
        assert_int_equal(open_waiting(&store, &error), 0);
        assert_int_equal(disk.n_waits, 4);
        assert_int_equal(store_head(store).epoch, 2);
        store_close(store);
        assert_null(error);
}

static void a_start_that_waits_can_be_told_to_stop(void **state) {
        struct store *store = NULL;
        char *error = NULL;

        disk.is_full = true;
        disk.stop_after = 2;
        assert_int_equal(open_waiting(&store, &error), COMMIT_GIVEN_UP);
        assert_null(store);
        assert_null(error);
}

static void what_is_in_use_and_what_is_free_in_the_file_add_up(void **state) {
        struct store *store = open_store();
        struct store_usage before, full, after;
        struct effects fx = {0};
        char body[1800];

        memset(body, 'x', sizeof body);
        body[sizeof body - 1] = '\0';
        assert_int_equal(store_usage(store, &before), 0);
        assert_int_equal(before.disk_free_bytes, UINT64_C(4096) << 20);
        for (uint64_t seq = 1; seq <= 1000; seq++)
                put_message(&fx, seq, body);
        assert_int_equal(commit(store, &fx), 0);
        assert_int_equal(store_usage(store, &full), 0);
        assert_in_range(full.data_bytes - before.data_bytes, 1800000, 2400000);
        assert_int_equal(full.data_bytes + full.reusable_bytes + full.journal_bytes, store_bytes(store));
        for (uint64_t seq = 1; seq <= 1000; seq++)
                effects_delete(&fx, CHANGE_DELETE_MESSAGE, seq);
        assert_int_equal(commit(store, &fx), 0);
        assert_int_equal(store_settle(store), 0);
        assert_int_equal(store_usage(store, &after), 0);
        assert_in_range(after.data_bytes, 1, before.data_bytes + 100000);
        assert_in_range(after.reusable_bytes, 1800000, 3000000);
        store_close(store);
        effects_done(&fx);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
        static const struct CMUnitTest tests[] = {
                TEST(a_commit_without_room_is_made_again_until_there_is_room),
                TEST(so_is_one_that_goes_to_the_database),
                TEST(so_is_one_whose_write_was_cut_short),
                TEST(so_is_one_to_the_database_whose_write_was_cut_short),
                TEST(a_store_whose_disk_has_little_left_works_without_a_journal),
                TEST(commits_go_on_in_the_journal_while_only_the_database_finds_no_room),
                TEST(a_commit_that_was_given_up_takes_nothing_away_from_the_other_file),
                TEST(nor_does_one_that_is_longer_than_a_file),
                TEST(what_was_tried_in_one_file_does_not_come_back_before_what_is_in_the_other),
                TEST(a_commit_that_was_given_up_does_not_come_back),
                TEST(nor_does_it_stand_in_the_way_of_the_next),
                TEST(a_broken_disk_is_not_waited_for),
                TEST(who_waits_can_be_told_to_stop_and_nothing_of_it_is_stored),
                TEST(a_number_reserved_by_a_commit_that_failed_is_reserved_by_the_next),
                TEST(a_broker_that_starts_on_a_full_disk_waits_for_room),
                TEST(a_start_that_waits_can_be_told_to_stop),
                TEST(what_is_in_use_and_what_is_free_in_the_file_add_up),
        };

        log_init("test");
        return cmocka_run_group_tests_name("broker/commit", tests, NULL, NULL);
}
