#include "tests/unit/unit.h"

#include "common/redis_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* "host:port path user password db", with - for what is not there. */
static const char *read_url(const char *text) {
        static char told[256];
        CLEANUP_REDIS_URL struct redis_url url = {0};
        CLEANUP_FREE char *error = NULL;

        if (redis_url_decode(text, &url, &error) < 0) {
                assert_non_null(error);
                assert_null(strstr(error, "hunter2"));
                return "refused";
        }
        snprintf(told, sizeof told, "%s:%u %s %s %s %u", url.host ? url.host : "-", url.port, url.path ? url.path : "-",
                 url.user ? url.user : "-", url.password ? url.password : "-", url.db);
        return told;
}

static void addresses_are_read(void **state) {
        static const char *const table[][2] = {
                {"redis://127.0.0.1:6379/0", "127.0.0.1:6379 - - - 0"},
                {"redis://redis", "redis:6379 - - - 0"},
                {"redis://redis/", "redis:6379 - - - 0"},
                {"redis://redis:7000/15", "redis:7000 - - - 15"},
                {"redis://[::1]:6380/1", "::1:6380 - - - 1"},
                {"redis://[::1]", "::1:6379 - - - 0"},
                {"redis://:hunter2@redis", "redis:6379 - - hunter2 0"},
                {"redis://lull:p%40ss%3A%2F@redis:1/2", "redis:1 - lull p@ss:/ 2"},
                {"redis://lull:a@b@redis", "redis:6379 - lull a@b 0"},
                {"redis+unix:///run/redis.sock", "-:0 /run/redis.sock - - 0"},
                {"redis+unix:///run/a%20b.sock?db=3", "-:0 /run/a b.sock - - 3"},
                {"redis+unix://lull:hunter2@/run/redis@1.sock", "-:0 /run/redis@1.sock lull hunter2 0"},
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
                assert_string_equal(read_url(table[i][0]), table[i][1]);
}

static void what_is_no_address_is_refused_without_its_password(void **state) {
        static const char *const table[] = {
                "",
                "redis:",
                "redis://",
                "redis://:hunter2@",
                "redis://hunter2@redis",
                "redis://redis:0",
                "redis://redis:65536",
                "redis://redis:99999999999999999999",
                "redis://redis:6379x",
                "redis://redis/one",
                "redis://redis/1/2",
                "redis://[::1",
                "redis://[::1]x",
                "redis://lull:hunter2%4@redis",
                "redis://lull:hunter2%zz@redis",
                "redis://lull:hunter2%00@redis",
                "redis+unix://run/redis.sock",
                "redis+unix:///",
                "redis+unix:///run/redis.sock?db=x",
                "redis+unix:///run/redis.sock?other=1",
                "http://redis",
                "rediss://lull:hunter2@redis",
        };

        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
                assert_string_equal(read_url(table[i]), "refused");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(addresses_are_read),
                cmocka_unit_test(what_is_no_address_is_refused_without_its_password),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
