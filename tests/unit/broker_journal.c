/* The store's journal: what is in it is there after any end, it begins anew and grows, and damage of it is named. Its
 * records are small here, four thousand bytes each, and it has room for few of them. */
#include "tests/unit/unit.h"

#include "broker/store/record.h"
#include "broker/store/store_private.h"
#include "common/memory.h"
#include "common/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static const struct journal_sizes sizes = {4 * RECORD_ALIGN, 16 * RECORD_ALIGN};
static char folder[64], uri[80];

/* The longest file that was flushed, in bytes. */
static off_t flushed;

int fsync(int fd) {
        struct stat found;

        if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_size > flushed)
                flushed = found.st_size;
        return (int)syscall(SYS_fsync, fd);
}

static char *path_of(const char *name) { return memory_print("%s/%s", folder, name); }

static int make_folder(void **state) {
        strcpy(folder, "/tmp/lull-journal-XXXXXX");
        assert_non_null(mkdtemp(folder));
        snprintf(uri, sizeof uri, "lmdb:%s", folder);
        return 0;
}

static int remove_folder(void **state) {
        static const char *const names[] = {"data.mdb", "lock.mdb", "lull.lock", "journal", "other"};

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                CLEANUP_FREE char *path = path_of(names[i]);

                unlink(path);
        }
        return rmdir(folder);
}

static struct store *open_store(void) {
        struct store *store = NULL;
        char *error = NULL;

        assert_int_equal(store_open_sized(uri, &sizes, &store, &error), 0);
        return store;
}

static void expect_refused(const char *why) {
        CLEANUP_FREE char *error = NULL;
        struct store *store;

        assert_int_equal(store_open_sized(uri, &sizes, &store, &error), -EBADMSG);
        assert_non_null(strstr(error, "the store is damaged: "));
        assert_non_null(strstr(error, why));
        assert_non_null(strstr(error, "put back a copy of the whole folder"));
}

static void put(struct store *store, uint64_t seq, struct bytes body) {
        struct change change = {.type = CHANGE_PUT_MESSAGE};

        change.message =
                (struct stored_message){seq, {1000}, bytes_of("acme"), bytes_of("t"), bytes_of("id"), BYTES_NONE, body};
        assert_int_equal(store_commit(store, &change, 1), 0);
}

static void put_text(struct store *store, uint64_t seq) { put(store, seq, bytes_of("quanto custa?")); }

static void take_away(struct store *store, uint64_t seq) {
        struct change change = {.type = CHANGE_DELETE_MESSAGE, .seq = seq};

        assert_int_equal(store_commit(store, &change, 1), 0);
}

static bool has(struct store *store, uint64_t seq) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct stored_message message;
        int r = store_read_message(store, seq, &memory, &message);

        store_release(store);
        assert_true(r == 0 || r == -ENOENT);
        return r == 0;
}

/* What a load brings: how many, and from which to which. */
struct found {
        uint64_t n, first, last;
};

static void on_message(void *context, const struct stored_message *message) {
        struct found *found = context;

        found->first = found->n++ == 0 ? message->seq : found->first;
        found->last = message->seq;
}

static void on_seen(void *context, const struct stored_seen *seen) {}
static void on_batch(void *context, const struct stored_batch *batch) {}

static struct found load(struct store *store) {
        struct found found = {0};
        char *error = NULL;

        assert_int_equal(store_load(store, &(struct store_visitor){on_batch, on_message, on_seen, &found}, &error), 0);
        return found;
}

/* -- what is in it ------------------------------------------------------------------------------------------------- */

static void what_was_committed_is_there_after_an_end_out_of_order(void **state) {
        struct store *store = open_store();

        put_text(store, 1);
        put_text(store, 2);
        take_away(store, 1);
        assert_int_equal(store_counts(store).n_records, 3);
        assert_true(!has(store, 1) && has(store, 2));
        store_close(store);
        store = open_store();
        assert_int_equal(store_counts(store).n_replayed, 3);
        assert_true(!has(store, 1) && has(store, 2));
        assert_int_equal(load(store).n, 1);
        assert_true(store_head(store).first_seq > 2);
        store_close(store);
}

static void after_an_end_in_good_order_nothing_is_left_in_it(void **state) {
        CLEANUP_FREE char *path = path_of("journal");
        struct store *store = open_store();

        put_text(store, 1);
        assert_int_equal(store_end(store), 0);
        store_close(store);
        assert_int_equal(unlink(path), 0); /* so that nobody misses it */
        store = open_store();
        assert_int_equal(store_counts(store).n_replayed, 0);
        assert_true(has(store, 1));
        store_close(store);
}

static void what_is_committed_after_the_end_is_there_too(void **state) {
        CLEANUP_FREE char *path = path_of("journal");
        struct store *store = open_store();

        assert_int_equal(store_end(store), 0);
        put_text(store, 1);
        store_close(store);
        assert_int_equal(unlink(path), 0);
        store = open_store();
        assert_true(has(store, 1));
        store_close(store);
}

static void it_begins_anew_and_grows_up_to_its_bound(void **state) {
        struct store *store = open_store();

        for (uint64_t seq = 1; seq <= 100; seq++) {
                put_text(store, seq);
                if (seq > 10)
                        take_away(store, seq - 10);
                assert_true(has(store, seq) && (seq <= 10 || !has(store, seq - 10)));
        }
        assert_int_equal(store_counts(store).n_grown, 2);
        assert_int_equal(store->journal.size, sizes.most);
        assert_in_range(store_counts(store).n_checkpoints, 10, 20);
        assert_int_equal(load(store).n, 10);
        store_close(store);
        store = open_store();
        assert_int_equal(load(store).n, 10);
        assert_int_equal(load(store).first, 91);
        store_close(store);
}

static void what_came_and_went_meanwhile_never_reaches_the_database(void **state) {
        static char body[2 * RECORD_ALIGN];
        struct store *store = open_store();
        uint64_t before = store_bytes(store);

        for (uint64_t seq = 1; seq <= 100; seq++) {
                put(store, seq, (struct bytes){body, sizeof body});
                take_away(store, seq);
                assert_false(has(store, seq));
        }
        assert_in_range(store_counts(store).n_checkpoints, 10, 100);
        /* But for the journal itself no file has got room for more than some of them. */
        assert_in_range(store_bytes(store), before, before + sizes.most + 20 * sizeof body);
        store_close(store);
}

static void a_length_that_an_end_left_is_flushed_before_it_is_counted_on(void **state) {
        CLEANUP_FREE char *path = path_of("journal");

        store_close(open_store());
        assert_int_equal(truncate(path, 6 * RECORD_ALIGN), 0); /* it was to be eight */
        flushed = 0;
        store_close(open_store());
        assert_int_equal(flushed, 6 * RECORD_ALIGN);
}

static void a_commit_that_does_not_fit_goes_to_the_database_with_what_was_kept(void **state) {
        static char body[20 * RECORD_ALIGN];
        struct store *store = open_store();
        uint64_t n = store_counts(store).n_checkpoints;

        put_text(store, 1);
        put(store, 2, (struct bytes){body, sizeof body});
        assert_int_equal(store_counts(store).n_records, 1);
        assert_int_equal(store_counts(store).n_checkpoints, n + 1);
        assert_true(has(store, 1) && has(store, 2));
        put_text(store, 3);
        store_close(store);
        store = open_store();
        assert_int_equal(store_counts(store).n_replayed, 1);
        assert_int_equal(load(store).n, 3);
        store_close(store);
}

static void a_read_before_a_checkpoint_does_not_hide_what_it_wrote(void **state) {
        struct store *store = open_store();
        CLEANUP_BUFFER struct buffer memory = {0};
        struct stored_message message;

        put_text(store, 2);
        assert_int_equal(store_read_message(store, 1, &memory, &message), -ENOENT); /* from the database's snapshot */
        assert_int_equal(store_settle(store), 0);
        assert_int_equal(store_read_message(store, 2, &memory, &message), 0);
        store_release(store);
        store_close(store);
}

/* -- damage -------------------------------------------------------------------------------------------------------- */

static void change_file(const char *name, off_t at, const void *data, size_t len) {
        CLEANUP_FREE char *path = path_of(name);
        CLEANUP_CLOSE int fd = open(path, O_RDWR);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, data, len, at), len);
}

/* A store that was left with three records in its journal. */
static void leave_three(void) {
        struct store *store = open_store();

        for (uint64_t seq = 1; seq <= 3; seq++)
                put_text(store, seq);
        store_close(store);
}

static void a_damaged_record_before_a_good_one_is_named_though_the_mark_is_gone(void **state) {
        static const char nothing[24];

        leave_three();
        change_file("journal", RECORD_ALIGN + RECORD_HEAD + 20, "?", 1);
        change_file("lull.lock", 0, nothing, sizeof nothing);
        expect_refused("in the middle of its journal");
}

static void a_damaged_last_record_is_named_by_the_mark(void **state) {
        leave_three();
        change_file("journal", 2 * RECORD_ALIGN + RECORD_HEAD + 20, "?", 1);
        expect_refused("the last records of its journal");
}

static void so_is_one_of_which_nothing_is_left(void **state) {
        static const char nothing[RECORD_ALIGN];

        leave_three();
        change_file("journal", 2 * RECORD_ALIGN, nothing, sizeof nothing);
        expect_refused("the last records of its journal");
}

static void a_journal_that_is_missing_or_too_short_is_named(void **state) {
        CLEANUP_FREE char *path = path_of("journal"), *other = path_of("other");
        static const char nothing[24];

        leave_three();
        change_file("lull.lock", 0, nothing, sizeof nothing); /* as in a copy of the database alone */
        assert_int_equal(rename(path, other), 0);
        expect_refused("its journal is missing");
        assert_int_equal(rename(other, path), 0);
        assert_int_equal(truncate(path, 3 * RECORD_ALIGN), 0);
        expect_refused("its journal was cut short");
}

static void the_journal_of_another_store_is_named(void **state) {
        CLEANUP_FREE char *path = path_of("journal"), *other = path_of("other"), *data = path_of("data.mdb");
        CLEANUP_FREE char *lock = path_of("lull.lock");

        leave_three();
        assert_int_equal(rename(path, other), 0);
        assert_int_equal(unlink(data), 0);
        assert_int_equal(unlink(lock), 0);
        leave_three();
        assert_int_equal(rename(other, path), 0);
        expect_refused("its journal is of another store");
}

/* What lies in a file of the store, put back later. */
static void copy_file(const char *name, const char *to) {
        CLEANUP_FREE char *path = path_of(name), *copy = path_of(to);
        CLEANUP_CLOSE int from = open(path, O_RDONLY), fd = open(copy, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        char bytes[RECORD_ALIGN];
        ssize_t n;

        assert_true(from >= 0 && fd >= 0);
        while ((n = read(from, bytes, sizeof bytes)) > 0)
                assert_int_equal(write(fd, bytes, (size_t)n), n);
}

static void a_journal_upon_a_later_commit_of_the_database_is_named(void **state) {
        static char body[20 * RECORD_ALIGN];
        static const char nothing[24];
        struct store *store = open_store();

        put_text(store, 1);
        assert_int_equal(store_settle(store), 0);
        copy_file("data.mdb", "other");
        put(store, 2, (struct bytes){body, sizeof body}); /* which goes to the database at once */
        put_text(store, 3);
        store_close(store);
        copy_file("other", "data.mdb");
        change_file("lull.lock", 0, nothing, sizeof nothing);
        expect_refused("not of this copy of the database");
}

/* Where each end was in good order no journal is needed, and none tells: the mark alone does. */
static void an_older_database_without_a_journal_is_named_by_the_mark(void **state) {
        CLEANUP_FREE char *path = path_of("journal");

        for (uint64_t seq = 1; seq <= 2; seq++) {
                struct store *store = open_store();

                put_text(store, seq);
                assert_int_equal(store_end(store), 0);
                store_close(store);
                if (seq == 1)
                        copy_file("data.mdb", "other");
        }
        copy_file("other", "data.mdb");
        assert_int_equal(unlink(path), 0);
        expect_refused("and was at commit");
}

static void an_older_record_behind_the_last_one_is_not_read(void **state) {
        struct store *store = open_store();

        for (uint64_t seq = 1; seq <= 4; seq++)
                put_text(store, seq);
        assert_int_equal(store_settle(store), 0);
        take_away(store, 3);
        put_text(store, 5); /* behind these two the records of messages 3 and 4 still lie */
        store_close(store);
        store = open_store();
        assert_int_equal(store_counts(store).n_replayed, 2);
        assert_int_equal(load(store).n, 4);
        assert_false(has(store, 3));
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
        assert_true(meta.commit == 6 && meta.tallies[1].sum == 3 && meta.journal == 0 && meta.journal_bytes == 0);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
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
