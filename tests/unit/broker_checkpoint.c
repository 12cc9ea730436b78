/* The journal's two files: commits go into one of them while what is in the other one goes to the database. */
#include "tests/unit/broker_disk.h"
#include "tests/unit/broker_folder.h"

#include "broker/store/record.h"
#include "common/memory.h"

#include <errno.h>

/* As many messages as fill the first file, and one more: the checkpoint of the first is under way, and stays so until
 * a third commit of the other. */
enum { FILL = 4 };

static struct store *fill_first(void) {
        struct store *store = folder_open();

        for (uint64_t seq = 1; seq <= FILL + 1; seq++)
                folder_put(store, seq);
        assert_non_null(store->checkpoint.volume);
        return store;
}

static void what_is_on_its_way_to_the_database_is_read_and_replaced(void **state) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct store *store = fill_first();
        struct stored_message message;

        for (uint64_t seq = 1; seq <= FILL + 1; seq++)
                assert_true(folder_has(store, seq));
        folder_drop(store, 1);
        folder_put_body(store, 2, bytes_of("another"));
        assert_non_null(store->checkpoint.volume);
        assert_true(!folder_has(store, 1) && folder_has(store, 3));
        assert_int_equal(store_read_message(store, 2, &memory, &message), 0);
        assert_true(bytes_is_text(message.body, "another"));
        assert_int_equal(store_settle(store), 0);
        assert_null(store->checkpoint.volume);
        assert_true(!folder_has(store, 1) && folder_has(store, 2) && folder_has(store, FILL + 1));
        assert_int_equal(folder_load(store).n, FILL);
        store_close(store);
}

static void an_end_meanwhile_leaves_both_files_and_they_are_read_in_their_order(void **state) {
        struct store *store = fill_first();

        folder_drop(store, 1);
        store_close(store);
        store = folder_open();
        assert_int_equal(store_counts(store).n_replayed, FILL + 2);
        assert_int_equal(folder_load(store).n, FILL);
        assert_int_equal(folder_load(store).first, 2);
        folder_put(store, FILL + 2);
        store_close(store);
        store = folder_open();
        assert_int_equal(store_counts(store).n_replayed, 1);
        assert_int_equal(folder_load(store).n, FILL + 1);
        store_close(store);
}

static void what_is_replaced_before_its_checkpoint_begins_does_not_go_to_the_database(void **state) {
        struct store *store = folder_open();

        for (uint64_t seq = 1; seq <= FILL; seq++)
                folder_put(store, seq);
        folder_drop(store, 1); /* the first in the other file, which is filled by a part with it */
        assert_non_null(store->checkpoint.volume);
        assert_false(store->checkpoint.is_begun);
        folder_put(store, 20);
        assert_true(store->checkpoint.is_begun);
        assert_int_equal(store->checkpoint.volume->overlay.entries[0].state, OVERLAY_NONE);
        assert_int_equal(store_settle(store), 0);
        assert_int_equal(folder_load(store).n, FILL);
        store_close(store);
}

static void damage_to_either_of_the_two_is_named(void **state) {
        static const char nothing[24];

        store_close(fill_first());
        folder_change("lull.lock", 0, nothing, sizeof nothing);
        folder_change(FOLDER_FIRST_FILE, (FILL - 1) * RECORD_ALIGN + RECORD_HEAD + 20, "?", 1); /* its last record */
        folder_expect_refused("in the middle of its journal");
}

static void so_is_the_loss_of_the_later_one(void **state) {
        CLEANUP_FREE char *path = folder_path("journal");

        store_close(fill_first());
        assert_int_equal(unlink(path), 0);
        folder_expect_refused("a file of its journal is missing");
}

/* A record that is read back at a start may be in the kernel's memory alone. The power goes, and with it that record,
 * when what is older is in the database. */
static void what_a_start_reads_back_takes_nothing_away_before_it_is_durable_itself(void **state) {
        static const char nothing[RECORD_ALIGN];
        enum { MARK_BYTES = 24 }; /* in lull.lock; written when the older file is in the database */
        struct store *store = fill_first();
        CLEANUP_FREE char *error = NULL;

        folder_drop(store, 1);
        store_close(store);
        disk = (struct fault_disk){.fault = FAULT_BROKEN, .only = "/lull.lock"};
        assert_int_equal(store_open_formed(folder_uri, &folder_form, &store, &error), -EIO);
        assert_int_equal(disk.n_failed, 1);
        disk = (struct fault_disk){FAULT_NONE};
        folder_change("journal", RECORD_ALIGN, nothing, RECORD_ALIGN);
        folder_change("lull.lock", 0, nothing, MARK_BYTES);
        store = folder_open();
        assert_true(folder_has(store, 1));
        assert_int_equal(folder_load(store).n, FILL + 1);
        store_close(store);
}

/* With the helper as it is in earnest, whatever its pace. */
static void commits_and_reads_go_on_while_a_thread_brings_the_rest_to_the_database(void **state) {
        static const struct store_form in_earnest = {{4 * RECORD_ALIGN, 16 * RECORD_ALIGN}, BESIDE_THREAD};
        enum { N = 600, AGE = 7 };
        struct store *store;
        char *error = NULL;

        assert_int_equal(store_open_formed(folder_uri, &in_earnest, &store, &error), 0);
        for (uint64_t seq = 1; seq <= N; seq++) {
                folder_put(store, seq);
                if (seq > AGE && seq % 5 > 0)
                        folder_drop(store, seq - AGE);
                for (uint64_t former = seq > 2 * AGE ? seq - 2 * AGE : 1; former <= seq; former++)
                        assert_int_equal(folder_has(store, former), former + AGE > seq || (former + AGE) % 5 == 0);
        }
        assert_true(store_counts(store).n_checkpoints > 20);
        store_close(store); /* whatever it is doing */
        store = folder_open();
        assert_int_equal(folder_load(store).n, (N - AGE) / 5 + AGE + 1);
        store_close(store);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, folder_begin, folder_end)
        static const struct CMUnitTest tests[] = {
                TEST(what_is_on_its_way_to_the_database_is_read_and_replaced),
                TEST(an_end_meanwhile_leaves_both_files_and_they_are_read_in_their_order),
                TEST(what_is_replaced_before_its_checkpoint_begins_does_not_go_to_the_database),
                TEST(damage_to_either_of_the_two_is_named),
                TEST(so_is_the_loss_of_the_later_one),
                TEST(what_a_start_reads_back_takes_nothing_away_before_it_is_durable_itself),
                TEST(commits_and_reads_go_on_while_a_thread_brings_the_rest_to_the_database),
        };

        return cmocka_run_group_tests_name("broker/store/checkpoint", tests, NULL, NULL);
}
