/* Writes past the kernel's cache, against a real file. Where the file system cannot, there is only that to see. */
#include "tests/unit/unit.h"

#include "broker/store/direct.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { PAGE = 4096, LONG_BYTES = 3 * 1024 * 1024 + PAGE };

static char path[64];

static int make_file(void **state) {
        CLEANUP_CLOSE int fd = -1;

        strcpy(path, "/tmp/lull-direct-XXXXXX");
        fd = mkstemp(path);
        return fd < 0 ? -1 : 0;
}

static int remove_file(void **state) { return unlink(path); }

/* Bytes that differ from piece to piece and within each, at an odd address. */
static struct bytes make_pages(uint8_t *memory, size_t len) {
        for (size_t i = 0; i < len; i++)
                memory[1 + i] = (uint8_t)(i / 1000 + i);
        return (struct bytes){memory + 1, len};
}

static void expect_content(struct bytes pages, uint64_t at) {
        CLEANUP_CLOSE int fd = open(path, O_RDONLY);
        CLEANUP_FREE uint8_t *found = memory_new(pages.len, 1);

        assert_int_equal(pread(fd, found, pages.len, (off_t)at), pages.len);
        assert_memory_equal(found, pages.data, pages.len);
}

static void what_is_longer_than_a_piece_is_there_as_a_whole(void **state) {
        CLEANUP_FREE uint8_t *memory = memory_new(LONG_BYTES + 1, 1);
        struct bytes pages = make_pages(memory, LONG_BYTES);
        struct direct direct = DIRECT_NONE;
        int r;

        direct_open(&direct, path);
        r = direct_write(&direct, PAGE, pages);
        direct_done(&direct);
        if (r == -EOPNOTSUPP)
                skip();
        assert_int_equal(r, 0);
        expect_content(pages, PAGE);
}

static void a_file_system_that_cannot_is_not_asked_again(void **state) {
        CLEANUP_FREE uint8_t *memory = memory_new(PAGE + 1, 1);
        struct bytes pages = make_pages(memory, PAGE);
        struct direct direct = DIRECT_NONE;

        direct_open(&direct, path);
        if (direct.fd >= 0) { /* as one that wants other blocks answers */
                assert_int_equal(direct_write(&direct, 1, pages), -EOPNOTSUPP);
                assert_int_equal(direct.fd, -1);
        }
        assert_int_equal(direct_write(&direct, 0, pages), -EOPNOTSUPP);
}

static void a_file_that_is_not_there_is_none(void **state) {
        struct direct direct = DIRECT_NONE;

        direct_open(&direct, "/nowhere/at/all");
        assert_int_equal(direct_write(&direct, 0, BYTES_NONE), -EOPNOTSUPP);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_is_longer_than_a_piece_is_there_as_a_whole, make_file,
                                                remove_file),
                cmocka_unit_test_setup_teardown(a_file_system_that_cannot_is_not_asked_again, make_file, remove_file),
                cmocka_unit_test(a_file_that_is_not_there_is_none),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
