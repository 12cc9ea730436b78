/* The ids of messages, through the store: they come and go in the journal and in the database, and damage of them is
 * named. */
#include "tests/unit/unit.h"

#include "broker/store/store.h"
#include "common/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], uri[80];

static int make_folder(void **state) {
        strcpy(folder, "/tmp/lull-ids-XXXXXX");
        assert_non_null(mkdtemp(folder));
        snprintf(uri, sizeof uri, "lmdb:%s", folder);
        return 0;
}

static int remove_folder(void **state) {
        DIR *files = opendir(folder);

        assert_non_null(files);
        for (struct dirent *file; (file = readdir(files));)
                unlinkat(dirfd(files), file->d_name, 0);
        closedir(files);
        return rmdir(folder);
}

static struct store *open_store(void) {
        struct store *store = NULL;
        char *error = NULL;

        assert_int_equal(store_open(uri, &store, &error), 0);
        return store;
}

/* Its hash is text, which is found in the file. */
static struct stored_seen seen_of(uint64_t seq) {
        static const uint64_t quanto_c = 0x7175616e746f2063;

        return (struct stored_seen){seq, {quanto_c, seq * 31}, {1700000000000 + (int64_t)seq}};
}

/* What a load brings. */
struct found {
        uint32_t n;
        uint64_t first, last;
};

static void on_batch(void *context, const struct stored_batch *batch) {}
static void on_message(void *context, const struct stored_message *message) {}

static void on_seen(void *context, const struct stored_seen *seen) {
        struct stored_seen wanted = seen_of(seen->seq);
        struct found *found = context;

        assert_memory_equal(seen, &wanted, sizeof wanted);
        assert_true(found->n == 0 || seen->seq > found->last);
        if (found->n++ == 0)
                found->first = seen->seq;
        found->last = seen->seq;
}

static int load(struct store *store, struct found *ret, char **ret_error) {
        *ret = (struct found){0};
        return store_load(store, &(struct store_visitor){on_batch, on_message, on_seen, ret}, ret_error);
}

/* Those from `first` to the one before `end`, each once. */
static void expect(struct store *store, uint64_t first, uint64_t end) {
        struct found found;
        char *error = NULL;

        assert_int_equal(load(store, &found, &error), 0);
        assert_int_equal(found.n, end - first);
        if (end > first)
                assert_true(found.first == first && found.last == end - 1);
}

static void put(struct store *store, uint64_t from, uint64_t to) {
        struct effects fx = {0};

        for (uint64_t seq = from; seq < to; seq++)
                effects_push_change(&fx, CHANGE_PUT_SEEN)->seen = seen_of(seq);
        assert_int_equal(store_commit(store, fx.changes, fx.n_changes), 0);
        effects_done(&fx);
}

static void drop(struct store *store, uint64_t from, uint64_t to) {
        struct effects fx = {0};

        for (uint64_t seq = from; seq < to; seq++)
                effects_delete(&fx, CHANGE_DELETE_SEEN, seq);
        assert_int_equal(store_commit(store, fx.changes, fx.n_changes), 0);
        effects_done(&fx);
}

/* The oldest go while new ones come; some never get to the database, and some are there with others that stay. */
static void ids_are_given_back_until_each_is_deleted(void **state) {
        enum { COME = 150, GO = 110 };
        struct store *store = open_store();
        uint64_t first = store_head(store).first_seq, end = first;

        for (int turn = 0; turn < 12; turn++) {
                put(store, end, end + COME);
                end += COME;
                if (turn % 3 == 0)
                        assert_int_equal(store_settle(store), 0);
                drop(store, first, first + GO);
                first += GO;
                if (turn % 4 == 3) {
                        store_close(store);
                        store = open_store(); /* what is in the journal is made again */
                }
                if (turn % 2 == 0)
                        expect(store, first, end);
        }
        drop(store, first, end);
        expect(store, end, end);
        store_close(store);
}

static void ids_of_two_lives_stand_in_order(void **state) {
        struct store *store = open_store();
        uint64_t first = store_head(store).first_seq;

        put(store, first, first + 7);
        store_close(store);
        store = open_store();
        put(store, first + 7, first + 9); /* neighbours of what the former one put */
        expect(store, first, first + 9);
        drop(store, first, first + 3);
        expect(store, first + 3, first + 9);
        store_close(store);
}

/* One bit of each hash that is in the database. */
static void damage_ids(void) {
        CLEANUP_FREE char *path = memory_print("%s/data.mdb", folder);
        CLEANUP_CLOSE int fd = open(path, O_RDWR);
        struct stat status;
        CLEANUP_FREE char *data = NULL;
        size_t size;
        int n_flipped = 0;

        assert_true(fd >= 0 && fstat(fd, &status) == 0);
        size = (size_t)status.st_size;
        data = memory_new(size, 1);
        assert_int_equal(pread(fd, data, size, 0), size);
        for (char *at = data; (at = memmem(at, (size_t)(data + size - at), "quanto c", 8)); n_flipped++)
                *at ^= 4;
        assert_true(n_flipped > 0);
        assert_int_equal(pwrite(fd, data, size, 0), size);
}

/* With a right checksum it would pass for what it was. */
static void damaged_ids_are_named_and_not_written_anew(void **state) {
        struct store *store = open_store();
        uint64_t first = store_head(store).first_seq;
        CLEANUP_FREE char *error = NULL;
        struct found found;

        put(store, first, first + 3);
        assert_int_equal(store_end(store), 0);
        store_close(store);
        damage_ids();
        store = open_store();
        drop(store, first + 1, first + 2);
        assert_int_equal(store_settle(store), -EBADMSG);
        assert_int_equal(load(store, &found, &error), -EBADMSG);
        assert_non_null(strstr(error, "the store is damaged: message id"));
        assert_int_equal(found.n, 0);
        store_close(store);
}

static void damaged_ids_that_the_journal_goes_on_with_are_named_at_the_start(void **state) {
        struct store *store = open_store();
        uint64_t first = store_head(store).first_seq;
        CLEANUP_FREE char *error = NULL;

        put(store, first, first + 3);
        assert_int_equal(store_settle(store), 0);
        put(store, first + 3, first + 4);
        store_close(store);
        damage_ids();
        assert_int_equal(store_open(uri, &store, &error), -EBADMSG);
        assert_non_null(strstr(error, "the store is damaged: message id"));
}

#define WITH_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_FOLDER(ids_are_given_back_until_each_is_deleted),
                WITH_FOLDER(ids_of_two_lives_stand_in_order),
                WITH_FOLDER(damaged_ids_are_named_and_not_written_anew),
                WITH_FOLDER(damaged_ids_that_the_journal_goes_on_with_are_named_at_the_start),
        };

        return cmocka_run_group_tests_name("broker/store/ids, kept", tests, NULL, NULL);
}
