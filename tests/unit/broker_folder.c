#include "tests/unit/broker_folder.h"

#include "broker/store/record.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

const struct store_form folder_form = {{4 * RECORD_ALIGN, 16 * RECORD_ALIGN}, BESIDE_LATER};
char folder_uri[80];
static char folder[64];

char *folder_path(const char *name) { return memory_print("%s/%s", folder, name); }

int folder_begin(void **state) {
        strcpy(folder, "/tmp/lull-journal-XXXXXX");
        assert_non_null(mkdtemp(folder));
        snprintf(folder_uri, sizeof folder_uri, "lmdb:%s", folder);
        return 0;
}

int folder_end(void **state) {
        static const char *const names[] = {"data.mdb", "lock.mdb", "lull.lock", "journal", "journal-2", "other"};

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                CLEANUP_FREE char *path = folder_path(names[i]);

                unlink(path);
        }
        return rmdir(folder);
}

struct store *folder_open(void) {
        struct store *store = NULL;
        char *error = NULL;

        assert_int_equal(store_open_formed(folder_uri, &folder_form, &store, &error), 0);
        return store;
}

void folder_expect_refused(const char *why) {
        CLEANUP_FREE char *error = NULL;
        struct store *store;

        assert_int_equal(store_open_formed(folder_uri, &folder_form, &store, &error), -EBADMSG);
        assert_non_null(strstr(error, "the store is damaged: "));
        assert_non_null(strstr(error, why));
        assert_non_null(strstr(error, "put back a copy of the whole folder"));
}

void folder_put_body(struct store *store, uint64_t seq, struct bytes body) {
        struct change change = {.type = CHANGE_PUT_MESSAGE};

        change.message =
                (struct stored_message){seq, {1000}, bytes_of("acme"), bytes_of("t"), bytes_of("id"), BYTES_NONE, body};
        assert_int_equal(store_commit(store, &change, 1), 0);
}

void folder_put(struct store *store, uint64_t seq) { folder_put_body(store, seq, bytes_of("quanto custa?")); }

void folder_drop(struct store *store, uint64_t seq) {
        struct change change = {.type = CHANGE_DELETE_MESSAGE, .seq = seq};

        assert_int_equal(store_commit(store, &change, 1), 0);
}

bool folder_has(struct store *store, uint64_t seq) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct stored_message message;
        int r = store_read_message(store, seq, &memory, &message);

        store_release(store);
        assert_true(r == 0 || r == -ENOENT);
        return r == 0;
}

static void on_message(void *context, const struct stored_message *message) {
        struct folder_found *found = context;

        found->first = found->n++ == 0 ? message->seq : found->first;
        found->last = message->seq;
}

static void on_seen(void *context, const struct stored_seen *seen) {}
static void on_batch(void *context, const struct stored_batch *batch) {}

struct folder_found folder_load(struct store *store) {
        struct folder_found found = {0};
        char *error = NULL;

        assert_int_equal(store_load(store, &(struct store_visitor){on_batch, on_message, on_seen, &found}, &error), 0);
        return found;
}

void folder_change(const char *name, off_t at, const void *data, size_t len) {
        CLEANUP_FREE char *path = folder_path(name);
        CLEANUP_CLOSE int fd = open(path, O_RDWR);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, data, len, at), len);
}

void folder_copy(const char *name, const char *to) {
        CLEANUP_FREE char *path = folder_path(name), *copy = folder_path(to);
        CLEANUP_CLOSE int from = open(path, O_RDONLY), fd = open(copy, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        char bytes[RECORD_ALIGN];
        ssize_t n;

        assert_true(from >= 0 && fd >= 0);
        while ((n = read(from, bytes, sizeof bytes)) > 0)
                assert_int_equal(write(fd, bytes, (size_t)n), n);
}
