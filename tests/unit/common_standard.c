#include "tests/unit/unit.h"

#include "common/standard.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_null(int fd) {
        struct stat ours, theirs;

        return fstat(fd, &ours) == 0 && stat("/dev/null", &theirs) == 0 && ours.st_rdev == theirs.st_rdev;
}

/* The status of a process that was started without some of the three and then opens a file: 0 = it became none of them,
 * and those that were missing lead to /dev/null. */
static int status_without(const int *missing, int n) {
        int status;
        pid_t child = fork();

        if (child == 0) {
                for (int i = 0; i < n; i++)
                        close(missing[i]);
                standard_open();
                for (int i = 0; i < n; i++)
                        if (!is_null(missing[i]))
                                _exit(1);
                _exit(open("/", O_RDONLY) > STDERR_FILENO ? 0 : 2);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        return status;
}

static void what_is_missing_leads_to_dev_null(void **state) {
        assert_int_equal(status_without((int[]){0}, 1), 0);
        assert_int_equal(status_without((int[]){1}, 1), 0);
        assert_int_equal(status_without((int[]){2}, 1), 0);
        assert_int_equal(status_without((int[]){0, 2}, 2), 0);
        assert_int_equal(status_without((int[]){0, 1, 2}, 3), 0);
}

static void what_is_there_stays(void **state) {
        struct stat before, after;

        assert_int_equal(fstat(STDOUT_FILENO, &before), 0);
        assert_int_equal(status_without(NULL, 0), 0);
        standard_open();
        assert_int_equal(fstat(STDOUT_FILENO, &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_missing_leads_to_dev_null),
                cmocka_unit_test(what_is_there_stays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
