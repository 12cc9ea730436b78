/* The store's journal: what is in it is there after any end, it begins anew and grows, and damage of it is named. Its
 * records are small here, four thousand bytes each, and it has room for few of them. */
#include "tests/unit/broker_folder.h"

#include "broker/store/record.h"
#include "common/memory.h"
#include "common/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* The longest file that was flushed, in bytes. */
static off_t flushed;

int fsync(int fd) {
        struct stat found;

        if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_size > flushed)
                flushed = found.st_size;
        return (int)syscall(SYS_fsync, fd);
}

/* -- what is in it ------------------------------------------------------------------------------------------------- */

static void what_was_committed_is_there_after_an_end_out_of_order(void **state) {
        struct store *store = folder_open();

        folder_put(store, 1);
        folder_put(store, 2);
        folder_drop(store, 1);
        assert_int_equal(store_counts(store).n_records, 3);
        assert_true(!folder_has(store, 1) && folder_has(store, 2));
        store_close(store);
        store = folder_open();
        assert_int_equal(store_counts(store).n_replayed, 3);
        assert_true(!folder_has(store, 1) && folder_has(store, 2));
        assert_int_equal(folder_load(store).n, 1);
        assert_true(store_head(store).first_seq > 2);
        store_close(store);
}

static void after_an_end_in_good_order_nothing_is_left_in_it(void **state) {
        CLEANUP_FREE char *path = folder_path("journal"), *second = folder_path("journal-2");
        struct store *store = folder_open();

        folder_put(store, 1);
        assert_int_equal(store_end(store), 0);
        store_close(store);
        assert_int_equal(unlink(path), 0); /* so that nobody misses them */
        assert_int_equal(unlink(second), 0);
        store = folder_open();
        assert_int_equal(store_counts(store).n_replayed, 0);
        assert_true(folder_has(store, 1));
        store_close(store);
}

static void what_is_committed_after_the_end_is_there_too(void **state) {
        CLEANUP_FREE char *path = folder_path("journal"), *second = folder_path("journal-2");
        struct store *store = folder_open();

        assert_int_equal(store_end(store), 0);
        folder_put(store, 1);
        store_close(store);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(unlink(second), 0);
        store = folder_open();
        assert_true(folder_has(store, 1));
        store_close(store);
}

static void it_begins_anew_and_grows_up_to_its_bound(void **state) {
        struct store *store = folder_open();

        for (uint64_t seq = 1; seq <= 100; seq++) {
                folder_put(store, seq);
                if (seq > 10)
                        folder_drop(store, seq - 10);
                assert_true(folder_has(store, seq) && (seq <= 10 || !folder_has(store, seq - 10)));
        }
        assert_int_equal(store_counts(store).n_grown, 4); /* each of the two twice */
        for (int i = 0; i < VALUES_JOURNALS; i++)
                assert_int_equal(store->volumes[i].journal.size, folder_form.sizes.most);
        assert_in_range(store_counts(store).n_checkpoints, 8, 20);
        assert_int_equal(folder_load(store).n, 10);
        store_close(store);
        store = folder_open();
        assert_int_equal(folder_load(store).n, 10);
        assert_int_equal(folder_load(store).first, 91);
        store_close(store);
}

static void what_came_and_went_meanwhile_never_reaches_the_database(void **state) {
        static char body[2 * RECORD_ALIGN];
        struct store *store = folder_open();
        uint64_t before = store_bytes(store);

        for (uint64_t seq = 1; seq <= 100; seq++) {
                folder_put_body(store, seq, (struct bytes){body, sizeof body});
                folder_drop(store, seq);
                assert_false(folder_has(store, seq));
        }
        assert_in_range(store_counts(store).n_checkpoints, 10, 100);
        /* But for the journal itself no file has got room for more than some of them. */
        assert_in_range(store_bytes(store), before, before + 2 * folder_form.sizes.most + 20 * sizeof body);
        store_close(store);
}

static void a_length_that_an_end_left_is_flushed_before_it_is_counted_on(void **state) {
        CLEANUP_FREE char *path = folder_path("journal");

        store_close(folder_open());
        assert_int_equal(truncate(path, 6 * RECORD_ALIGN), 0); /* it was to be eight */
        flushed = 0;
        store_close(folder_open());
        assert_int_equal(flushed, 6 * RECORD_ALIGN);
}

static void a_commit_that_does_not_fit_goes_to_the_database_with_what_was_kept(void **state) {
        static char body[20 * RECORD_ALIGN];
        struct store *store = folder_open();
        uint64_t n = store_counts(store).n_checkpoints;

        folder_put(store, 1);
        folder_put_body(store, 2, (struct bytes){body, sizeof body});
        assert_int_equal(store_counts(store).n_records, 1);
        assert_int_equal(store_counts(store).n_checkpoints, n + 2); /* one for each file of the journal */
        assert_true(folder_has(store, 1) && folder_has(store, 2));
        folder_put(store, 3);
        store_close(store);
        store = folder_open();
        assert_int_equal(store_counts(store).n_replayed, 1);
        assert_int_equal(folder_load(store).n, 3);
        store_close(store);
}

static void a_read_before_a_checkpoint_does_not_hide_what_it_wrote(void **state) {
        struct store *store = folder_open();
        CLEANUP_BUFFER struct buffer memory = {0};
        struct stored_message message;

        folder_put(store, 2);
        assert_int_equal(store_read_message(store, 1, &memory, &message), -ENOENT); /* from the database's snapshot */
        assert_int_equal(store_settle(store), 0);
        assert_int_equal(store_read_message(store, 2, &memory, &message), 0);
        store_release(store);
        store_close(store);
}

/* -- damage -------------------------------------------------------------------------------------------------------- */

/* A store that was left with three records in its journal. */
static void leave_three(void) {
        struct store *store = folder_open();

        for (uint64_t seq = 1; seq <= 3; seq++)
                folder_put(store, seq);
        store_close(store);
}

static void a_damaged_record_before_a_good_one_is_named_though_the_mark_is_gone(void **state) {
        static const char nothing[24];

        leave_three();
        folder_change(FOLDER_FIRST_FILE, RECORD_ALIGN + RECORD_HEAD + 20, "?", 1);
        folder_change("lull.lock", 0, nothing, sizeof nothing);
        folder_expect_refused("in the middle of its journal");
}

static void a_damaged_last_record_is_named_by_the_mark(void **state) {
        leave_three();
        folder_change(FOLDER_FIRST_FILE, 2 * RECORD_ALIGN + RECORD_HEAD + 20, "?", 1);
        folder_expect_refused("the last records of its journal");
}

static void so_is_one_of_which_nothing_is_left(void **state) {
        static const char nothing[RECORD_ALIGN];

        leave_three();
        folder_change(FOLDER_FIRST_FILE, 2 * RECORD_ALIGN, nothing, sizeof nothing);
        folder_expect_refused("the last records of its journal");
}

static void a_journal_that_is_missing_or_too_short_is_named(void **state) {
        CLEANUP_FREE char *path = folder_path(FOLDER_FIRST_FILE), *other = folder_path("other");
        static const char nothing[24];

        leave_three();
        folder_change("lull.lock", 0, nothing, sizeof nothing); /* as in a copy of the database alone */
        assert_int_equal(rename(path, other), 0);
        folder_expect_refused("a file of its journal is missing");
        assert_int_equal(rename(other, path), 0);
        assert_int_equal(truncate(path, 3 * RECORD_ALIGN), 0);
        folder_expect_refused("its journal was cut short");
}

static void the_journal_of_another_store_is_named(void **state) {
        CLEANUP_FREE char *path = folder_path(FOLDER_FIRST_FILE), *other = folder_path("other"),
                          *data = folder_path("data.mdb");
        CLEANUP_FREE char *lock = folder_path("lull.lock");

        leave_three();
        assert_int_equal(rename(path, other), 0);
        assert_int_equal(unlink(data), 0);
        assert_int_equal(unlink(lock), 0);
        leave_three();
        assert_int_equal(rename(other, path), 0);
        folder_expect_refused("its journal is of another store");
}

static void a_journal_upon_a_later_commit_of_the_database_is_named(void **state) {
        static char body[20 * RECORD_ALIGN];
        static const char nothing[24];
        struct store *store = folder_open();

        folder_put(store, 1);
        assert_int_equal(store_settle(store), 0);
        folder_copy("data.mdb", "other");
        folder_put_body(store, 2, (struct bytes){body, sizeof body}); /* which goes to the database at once */
        folder_put(store, 3);
        store_close(store);
        folder_copy("other", "data.mdb");
        folder_change("lull.lock", 0, nothing, sizeof nothing);
        folder_expect_refused("not of this copy of the database");
}

/* Where each end was in good order no journal is needed, and none tells: the mark alone does. */
static void an_older_database_without_a_journal_is_named_by_the_mark(void **state) {
        CLEANUP_FREE char *path = folder_path("journal"), *second = folder_path("journal-2");

        for (uint64_t seq = 1; seq <= 2; seq++) {
                struct store *store = folder_open();

                folder_put(store, seq);
                assert_int_equal(store_end(store), 0);
                store_close(store);
                if (seq == 1)
                        folder_copy("data.mdb", "other");
        }
        folder_copy("other", "data.mdb");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(unlink(second), 0);
        folder_expect_refused("and was at commit");
}

static void an_older_record_behind_the_last_one_is_not_read(void **state) {
        struct store *store = folder_open();

        for (uint64_t seq = 1; seq <= 4; seq++)
                folder_put(store, seq);
        for (int i = 0; i < VALUES_JOURNALS; i++) /* until it is the first file's turn again */
                assert_int_equal(store_checkpoint(store, CHECKPOINT_SETTLES), 0);
        folder_drop(store, 3);
        folder_put(store, 5); /* behind these two the records of messages 3 and 4 still lie */
        store_close(store);
        store = folder_open();
        assert_int_equal(store_counts(store).n_replayed, 2);
        assert_int_equal(folder_load(store).n, 4);
        assert_false(folder_has(store, 3));
        store_close(store);
}

/* -- older stores -------------------------------------------------------------------------------------------------- */

static void a_head_of_before_there_was_a_journal_is_read(void **state) {
        CLEANUP_BUFFER struct buffer head = {0};
        struct values_meta meta;

        pack_push_array(&head, 6);
        for (uint64_t value = 2; value < 7; value++) /* layout, epoch, salt, numbers reserved, commit */
                pack_push_uint(&head, value);
        pack_push_array(&head, 2 * VALUES_TALLIES);
        for (uint64_t i = 0; i < 2 * VALUES_TALLIES; i++)
                pack_push_uint(&head, i);
        assert_int_equal(values_decode_meta(buffer_bytes(&head), &meta), 0);
        assert_true(meta.format == 2 && meta.epoch == 3 && meta.salt == 4 && meta.reserved_seq == 5);
        assert_true(meta.commit == 6 && meta.tallies[1].sum == 3 && meta.journal == 0 && meta.journal_bytes[0] == 0);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, folder_begin, folder_end)
        static const struct CMUnitTest tests[] = {
                TEST(what_was_committed_is_there_after_an_end_out_of_order),
                TEST(after_an_end_in_good_order_nothing_is_left_in_it),
                TEST(what_is_committed_after_the_end_is_there_too),
                TEST(it_begins_anew_and_grows_up_to_its_bound),
                TEST(what_came_and_went_meanwhile_never_reaches_the_database),
                TEST(a_length_that_an_end_left_is_flushed_before_it_is_counted_on),
                TEST(a_commit_that_does_not_fit_goes_to_the_database_with_what_was_kept),
                TEST(a_read_before_a_checkpoint_does_not_hide_what_it_wrote),
                TEST(a_damaged_record_before_a_good_one_is_named_though_the_mark_is_gone),
                TEST(a_damaged_last_record_is_named_by_the_mark),
                TEST(so_is_one_of_which_nothing_is_left),
                TEST(a_journal_that_is_missing_or_too_short_is_named),
                TEST(the_journal_of_another_store_is_named),
                TEST(a_journal_upon_a_later_commit_of_the_database_is_named),
                TEST(an_older_database_without_a_journal_is_named_by_the_mark),
                TEST(an_older_record_behind_the_last_one_is_not_read),
                cmocka_unit_test(a_head_of_before_there_was_a_journal_is_read),
        };

        return cmocka_run_group_tests_name("broker/store/journal", tests, NULL, NULL);
}
