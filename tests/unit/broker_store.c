/* The store, through its two engines: what is committed is there, whole, and what is damaged is named. */
#include "tests/unit/unit.h"

#include "broker/store/store.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], uri[80];

static int make_folder(void **state) {
        strcpy(folder, "/tmp/lull-store-XXXXXX");
        assert_non_null(mkdtemp(folder));
        snprintf(uri, sizeof uri, "lmdb:%s/a/b", folder);
        return 0;
}

static int remove_folder(void **state) {
        static const char *const names[] = {"/a/b/data.mdb", "/a/b/lock.mdb", "/a/b/lull.lock", "/a/b/journal",
                                            "/a/b/journal-2"};
        char path[128];

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                snprintf(path, sizeof path, "%s%s", folder, names[i]);
                unlink(path);
        }
        snprintf(path, sizeof path, "%s/a/b", folder);
        rmdir(path);
        snprintf(path, sizeof path, "%s/a", folder);
        rmdir(path);
        return rmdir(folder);
}

static struct store *open_store(const char *which) {
        struct store *store;
        char *error = NULL;

        assert_int_equal(store_open(which, &store, &error), 0);
        return store;
}

static void put_message(struct effects *fx, uint64_t seq, struct bytes body) {
        effects_push_change(fx, CHANGE_PUT_MESSAGE)->message = (struct stored_message){
                seq, {1000 + (int64_t)seq}, bytes_of("acme"), bytes_of("t"), bytes_of("id"), BYTES_NONE, body};
}

static void commit(struct store *store, struct effects *fx) {
        assert_int_equal(store_commit(store, fx->changes, fx->n_changes), 0);
        effects_clear(fx);
}

static struct bytes body_of(size_t len) {
        static char body[LIMIT_MESSAGE_BYTES_MAX];

        for (size_t i = 0; i < len; i++)
                body[i] = (char)(i * 31 >> 3);
        return (struct bytes){body, len};
}

/* What a load brings. */
struct found {
        uint32_t n_messages, n_batches, n_seen, n_notes;
        uint64_t last_seq;
        struct stored_batch batch;
};

static void on_batch(void *context, const struct stored_batch *batch) {
        struct found *found = context;

        found->n_batches++;
        found->batch = *batch;
}

static void on_message(void *context, const struct stored_message *message) {
        struct found *found = context;

        assert_true(message->seq > found->last_seq);
        assert_true(bytes_is_equal(message->body, body_of(message->body.len)));
        found->last_seq = message->seq;
        found->n_messages++;
}

static void on_seen(void *context, const struct stored_seen *seen) { ((struct found *)context)->n_seen++; }

static void on_note(void *context, const struct stored_note *note) {
        struct found *found = context;

        found->n_notes++;
        assert_int_equal(note->kind, STORED_HOLD);
        assert_true(bytes_is_text(note->tenant, "acme") && bytes_is_text(note->name, "5511"));
        assert_true(bytes_is_text(note->value, "a person took over"));
        assert_int_equal(note->at.ms, 77);
        assert_int_equal(note->until.ms, 99);
}

static struct found load(struct store *store) {
        struct found found = {0};
        char *error = NULL;

        assert_int_equal(
                store_load(store, &(struct store_visitor){on_batch, on_message, on_seen, &found, on_note}, &error), 0);
        return found;
}

static void keep_and_give_back(struct store *store) {
        static const size_t lens[] = {0, 1, 1800, 1900, 1901, 5000, 65536, LIMIT_MESSAGE_BYTES_MAX};
        CLEANUP_BUFFER struct buffer memory = {0};
        struct effects fx = {0};
        struct stored_message message;
        struct bytes answer;
        uint64_t *seqs, n = sizeof lens / sizeof *lens;

        for (uint64_t i = 0; i < n; i++)
                put_message(&fx, i + 1, body_of(lens[i]));
        effects_push_change(&fx, CHANGE_PUT_SEEN)->seen = (struct stored_seen){1, {2, 3}, {4}};
        *effects_push_batch(&fx, 0, &seqs) =
                (struct stored_batch){.seq = 2, .attempts = 3, .fence = 1234567890123, .posting = 1234567890122};
        fx.changes[fx.n_changes - 1].batch->n_seqs = 0;
        effects_push_change(&fx, CHANGE_PUT_ANSWER)->answer = body_of(9000);
        fx.changes[fx.n_changes - 1].seq = 2;
        commit(store, &fx);

        for (uint64_t i = 0; i < n; i++) {
                assert_int_equal(store_read_message(store, i + 1, &memory, &message), 0);
                assert_true(bytes_is_equal(message.body, body_of(lens[i])));
                assert_int_equal(message.accepted.ms, 1001 + i);
        }
        assert_int_equal(store_read_answer(store, 2, &memory, &answer), 0);
        assert_true(bytes_is_equal(answer, body_of(9000)));
        assert_int_equal(store_read_message(store, 99, &memory, &message), -ENOENT);
        store_release(store);
        assert_int_equal(load(store).n_messages, n);
        assert_int_equal(load(store).batch.attempts, 3);
        assert_int_equal(load(store).batch.fence, 1234567890123);
        assert_int_equal(load(store).batch.posting, 1234567890122);

        for (uint64_t i = 1; i < n; i++)
                effects_delete(&fx, CHANGE_DELETE_MESSAGE, i);
        effects_delete(&fx, CHANGE_DELETE_BATCH, 2);
        effects_delete(&fx, CHANGE_DELETE_ANSWER, 2);
        effects_delete(&fx, CHANGE_DELETE_SEEN, 1);
        effects_delete(&fx, CHANGE_DELETE_SEEN, 77);
        commit(store, &fx);
        assert_int_equal(store_read_message(store, 5, &memory, &message), -ENOENT);
        assert_int_equal(store_read_answer(store, 2, &memory, &answer), -ENOENT);
        store_release(store);
        assert_int_equal(load(store).n_messages, 1);
        assert_int_equal(load(store).last_seq, n);
        assert_int_equal(load(store).n_batches + load(store).n_seen, 0);
        effects_done(&fx);
}

static void put_edit(struct effects *fx, uint64_t seq, struct bytes channel, struct bytes body) {
        effects_push_change(fx, CHANGE_EDIT_MESSAGE)->message = (struct stored_message){
                seq, {1000 + (int64_t)seq}, bytes_of("acme"), bytes_of("t"), bytes_of("id"), channel, body};
}

/* From one length to another, over the pieces that a value is cut into; each time the store is opened anew, which
 * counts and sums up what it holds. */
static void edit_and_open(const char *which) {
        static const size_t lens[] = {5000, 10, 1901, 65536, 0};
        CLEANUP_BUFFER struct buffer memory = {0};
        struct effects fx = {0};
        struct stored_message message;

        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
                CLEANUP_STORE struct store *store = open_store(which);

                if (i == 0) {
                        put_message(&fx, 1, body_of(3));
                        fx.changes[0].message.channel = bytes_of("support");
                        put_message(&fx, 2, body_of(4));
                }
                put_edit(&fx, 1, BYTES_NONE, body_of(lens[i])); /* of what came in the same commit, too */
                commit(store, &fx);
                assert_int_equal(load(store).n_messages, 2);
                assert_int_equal(store_read_message(store, 1, &memory, &message), 0);
                assert_int_equal(message.body.len, lens[i]);
                assert_true(bytes_is_text(message.channel, "support")); /* as it was */
                store_release(store);
                buffer_clear(&memory);
        }
        effects_done(&fx);
}

static void an_edited_message_takes_the_place_of_the_old_one_whole(void **state) { edit_and_open(uri); }

static void an_edit_may_name_another_channel(void **state) {
        CLEANUP_STORE struct store *store = open_store("memory:");
        CLEANUP_BUFFER struct buffer memory = {0};
        struct effects fx = {0};
        struct stored_message message;

        put_message(&fx, 1, body_of(3));
        put_edit(&fx, 1, bytes_of("sales"), body_of(3));
        commit(store, &fx);
        assert_int_equal(store_read_message(store, 1, &memory, &message), 0);
        assert_true(bytes_is_text(message.channel, "sales"));
        effects_done(&fx);
}

static void the_memory_engine_gives_back_what_was_put(void **state) {
        CLEANUP_STORE struct store *store = open_store("memory:");

        keep_and_give_back(store);
}

static void the_lmdb_engine_gives_back_what_was_put(void **state) {
        CLEANUP_STORE struct store *store = open_store(uri);

        keep_and_give_back(store);
}

static void a_note_is_given_back_until_it_is_deleted(void **state) {
        struct store *store = open_store(uri);
        uint64_t seq = store_head(store).first_seq;
        struct effects fx = {0};

        effects_push_change(&fx, CHANGE_PUT_NOTE)->note = (struct stored_note){
                seq, STORED_HOLD, bytes_of("acme"), bytes_of("5511"), bytes_of("tomorrow"), {.ms = 77}, {.ms = 99}};
        commit(store, &fx);
        effects_push_change(&fx, CHANGE_PUT_NOTE)->note = (struct stored_note){
                seq, STORED_HOLD, bytes_of("acme"), bytes_of("5511"), bytes_of("a person took over"), {77}, {99}};
        commit(store, &fx);
        assert_int_equal(load(store).n_notes, 1);
        store_close(store);
        store = open_store(uri);
        assert_int_equal(load(store).n_notes, 1);
        assert_true(store_head(store).first_seq > seq);
        effects_delete(&fx, CHANGE_DELETE_NOTE, seq);
        commit(store, &fx);
        assert_int_equal(load(store).n_notes, 0);
        store_close(store);
        effects_done(&fx);
}

static void the_epoch_grows_and_sequence_numbers_never_come_again(void **state) {
        struct store *store = open_store(uri);
        struct effects fx = {0};
        struct store_head first = store_head(store), second;

        put_message(&fx, first.first_seq, body_of(10));
        commit(store, &fx);
        effects_delete(&fx, CHANGE_DELETE_MESSAGE, first.first_seq);
        commit(store, &fx);
        store_close(store);
        store = open_store(uri);
        second = store_head(store);
        assert_int_equal(second.epoch, first.epoch + 1);
        assert_true(second.salt == first.salt);
        assert_true(second.first_seq > first.first_seq);
        store_close(store);
        effects_done(&fx);
}

static void a_shorter_record_takes_the_place_of_a_longer_one_whole(void **state) {
        CLEANUP_STORE struct store *store = open_store(uri);
        struct effects fx = {0};
        uint64_t *seqs;
        struct stored_batch *batch = effects_push_batch(&fx, 1000, &seqs);

        batch->seq = 5;
        for (uint64_t i = 0; i < 1000; i++)
                seqs[i] = 5 + i * 100000;
        commit(store, &fx);
        assert_int_equal(load(store).batch.n_seqs, 1000);
        effects_push_batch(&fx, 0, &seqs)->seq = 5;
        commit(store, &fx);
        assert_int_equal(load(store).n_batches, 1);
        assert_int_equal(load(store).batch.n_seqs, 0);
        effects_done(&fx);
}

static void a_second_broker_on_the_same_folder_is_refused(void **state) {
        struct store *store = open_store(uri), *other;
        char *error = NULL;

        assert_int_equal(store_open(uri, &other, &error), -EBUSY);
        assert_non_null(strstr(error, "another lull-broker"));
        free(error);
        store_close(store);
}

/* One bit of the message's body, wherever it lies in the file. */
static void flip_a_bit_of(const char *text) {
        CLEANUP_FREE char *path = memory_print("%s/a/b/data.mdb", folder);
        CLEANUP_CLOSE int fd = open(path, O_RDWR);
        struct stat status;
        CLEANUP_FREE char *data = NULL;
        int n_flipped = 0;

        assert_true(fd >= 0 && fstat(fd, &status) == 0);
        data = memory_new((size_t)status.st_size, 1);
        assert_int_equal(pread(fd, data, (size_t)status.st_size, 0), status.st_size);
        for (char *at = data; (at = memmem(at, (size_t)(data + status.st_size - at), text, strlen(text)));
             at++, n_flipped++)
                *at ^= 4;
        assert_true(n_flipped > 0);
        assert_int_equal(pwrite(fd, data, (size_t)status.st_size, 0), status.st_size);
}

static void a_damaged_value_is_named_and_never_skipped(void **state) {
        struct store *store = open_store(uri);
        struct found found = {0};
        struct effects fx = {0};
        struct stored_message message;
        CLEANUP_BUFFER struct buffer memory = {0};
        CLEANUP_FREE char *error = NULL;

        put_message(&fx, 1234, bytes_of("quanto custa o banho e tosa?"));
        commit(store, &fx);
        assert_int_equal(store_end(store), 0); /* in the database */
        store_close(store);
        flip_a_bit_of("quanto custa o banho");
        store = open_store(uri);
        assert_int_equal(store_read_message(store, 1234, &memory, &message), -EBADMSG);
        store_release(store);
        assert_int_equal(store_load(store, &(struct store_visitor){on_batch, on_message, on_seen, &found}, &error),
                         -EBADMSG);
        assert_non_null(strstr(error, "message 1234"));
        assert_int_equal(found.n_messages, 0);
        store_close(store);
        effects_done(&fx);
}

static void a_store_that_cannot_be_is_refused_with_what_would_be_right(void **state) {
        char *error = NULL;
        struct store *store;

        assert_int_equal(store_open("postgres:x", &store, &error), -EINVAL);
        assert_non_null(strstr(error, "lmdb:FOLDER"));
        free(error);
        assert_true(store_open("lmdb:/proc/nowhere/lull", &store, &error) < 0);
        assert_non_null(strstr(error, "broker.store"));
        free(error);
}

#define WITH_FOLDER(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_memory_engine_gives_back_what_was_put),
                WITH_FOLDER(the_lmdb_engine_gives_back_what_was_put),
                WITH_FOLDER(an_edited_message_takes_the_place_of_the_old_one_whole),
                cmocka_unit_test(an_edit_may_name_another_channel),
                WITH_FOLDER(a_note_is_given_back_until_it_is_deleted),
                WITH_FOLDER(the_epoch_grows_and_sequence_numbers_never_come_again),
                WITH_FOLDER(a_shorter_record_takes_the_place_of_a_longer_one_whole),
                WITH_FOLDER(a_second_broker_on_the_same_folder_is_refused),
                WITH_FOLDER(a_damaged_value_is_named_and_never_skipped),
                cmocka_unit_test(a_store_that_cannot_be_is_refused_with_what_would_be_right),
        };

        return cmocka_run_group_tests_name("broker/store", tests, NULL, NULL);
}
