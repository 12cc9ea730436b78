#include "tests/unit/unit.h"

#include "common/config_reader.h"
#include "common/config_settings.h"

#include <errno.h>
#include <string.h>

static const char text[] = "tenants:\n"
                           "  acme:\n"
                           "    handler: {kind: echo}\n"
                           "    quiet: 5s\n"
                           "    rate: 60/m\n"
                           "    retry:\n"
                           "      base: 3s\n";

static struct config *decode(void) {
        static const struct config_world world = {0};
        struct config *config = NULL;
        char *error = NULL;

        if (config_decode("lull.yaml", bytes_of(text), &world, &config, &error) != 0)
                fail_msg("%s", error);
        return config;
}

static int index_of(const char *key) {
        char *why = NULL;
        int index = -1;

        assert_int_equal(config_setting_index(key, &index, &why), 0);
        return index;
}

static void assert_text(const struct config_tenant *tenant, const char *key, const char *expected) {
        CLEANUP_FREE char *value = config_setting_text(tenant, index_of(key));

        assert_string_equal(value, expected);
}

static void assert_no_setting(const char *key, const char *expected) {
        CLEANUP_FREE char *why = NULL;
        int index;

        assert_int_equal(config_setting_index(key, &index, &why), -ENOENT);
        assert_string_equal(why, expected);
}

static void assert_bad(const char *key, const char *value, const char *expected) {
        CLEANUP_CONFIG struct config *config = decode();
        CLEANUP_FREE char *before = config_setting_text(config->tenants, index_of(key));
        CLEANUP_FREE char *why = NULL;

        assert_int_equal(config_setting_set(config->tenants, index_of(key), value, &why), -EINVAL);
        assert_string_equal(why, expected);
        assert_text(config->tenants, key, before);
}

static void each_setting_is_told_as_the_file_would_have_it(void **state) {
        CLEANUP_CONFIG struct config *config = decode();
        const struct config_tenant *acme = config->tenants;

        assert_text(acme, "quiet", "5s");
        assert_text(acme, "max_wait", "30s");
        assert_text(acme, "max_messages", "20");
        assert_text(acme, "max_bytes", "64KiB");
        assert_text(acme, "concurrency", "100");
        assert_text(acme, "rate", "60/m");
        assert_text(acme, "max_pending", "0");
        assert_text(acme, "retry.attempts", "6");
        assert_text(acme, "retry.base", "3s");
        assert_text(acme, "retry.factor", "2");
        assert_text(acme, "retry.cap", "32s");
        assert_text(acme, "retry.jitter", "0.1");
        assert_text(acme, "busy.base", "100ms");
        assert_text(acme, "busy.cap", "2s");
        assert_text(acme, "busy.give_up", "1m");
}

static void a_setting_knows_its_line(void **state) {
        CLEANUP_CONFIG struct config *config = decode();
        const int *lines = config->tenants->setting_lines;

        assert_int_equal(lines[index_of("quiet")], 4);
        assert_int_equal(lines[index_of("rate")], 5);
        assert_int_equal(lines[index_of("retry.base")], 7);
        assert_int_equal(lines[index_of("retry.cap")], 0);
        assert_int_equal(lines[index_of("max_wait")], 0);
}

static void every_setting_takes_its_own_text_back(void **state) {
        CLEANUP_CONFIG struct config *config = decode();

        for (int i = 0; i < CONFIG_N_SETTINGS; i++) {
                CLEANUP_FREE char *value = config_setting_text(config->tenants, i);
                CLEANUP_FREE char *why = NULL;

                assert_int_equal(config_setting_set(config->tenants, i, value, &why), 0);
                assert_text(config->tenants, config_setting_name(i), value);
        }
}

static void a_value_is_judged_by_the_rules_of_the_file(void **state) {
        assert_bad("quiet", "8", "quiet: '8' has no unit; write '8s', '500ms' or '2m'");
        assert_bad("quiet", "2h", "quiet: '2h' is too large; at most 1h");
        assert_bad("quiet", "adaptive",
                   "quiet: 'adaptive' is not supported by this version of lull; write a value such as '8s'");
        assert_bad("max_messages", "0", "max_messages: '0' is too small; at least 1");
        assert_bad("retry.jitter", "lots", "retry.jitter: 'lots' is no number; write it such as '2' or '0.1'");
        assert_bad("rate", "60",
                   "rate: '60' is no rate; write a whole number, '/' and s, m or h, such as '60/m', "
                   "'5/s' or '1000/h', or none");
        assert_bad("quiet", "", "quiet: has no value; `unset` goes back to what lull.yaml says");
}

static void a_value_from_afar_reads_no_variable_and_no_file(void **state) {
        assert_bad("quiet", "${HOME}", "quiet: a setting is written as it is, without ${...}");
        assert_bad("rate", "${file:/etc/passwd}", "rate: a setting is written as it is, without ${...}");
}

static void what_does_not_go_together_is_refused(void **state) {
        CLEANUP_CONFIG struct config *config = decode();
        CLEANUP_FREE char *why = NULL;

        assert_int_equal(config_settings_check(config->tenants, &why), 0);
        assert_int_equal(config_setting_set(config->tenants, index_of("quiet"), "1m", &why), 0);
        assert_int_equal(config_settings_check(config->tenants, &why), -EINVAL);
        assert_string_equal(why, "max_wait: 30s is shorter than quiet, which is 1m; make it 1m or more");
}

static void what_is_no_setting_says_where_it_lives(void **state) {
        assert_no_setting("handler", "handler cannot be changed at run time: it is read by the workers from lull.yaml; "
                                     "change it there and restart the workers");
        assert_no_setting("lock.ttl", "lock cannot be changed at run time: it is read by the workers from lull.yaml; "
                                      "change it there and restart the workers");
        assert_no_setting("channels.support.token",
                          "channels cannot be changed at run time: it is read by ingest and the workers from "
                          "lull.yaml; change it there and restart ingest and the workers");
        assert_no_setting("quite", "there is no setting 'quite'; did you mean 'quiet'?");
        assert_no_setting("retry",
                          "there is no setting 'retry'; there are quiet, max_wait, max_messages, max_bytes, "
                          "concurrency, rate, max_pending, retry.attempts, retry.base, retry.factor, retry.cap, "
                          "retry.jitter, busy.base, busy.cap and busy.give_up");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_setting_is_told_as_the_file_would_have_it),
                cmocka_unit_test(a_setting_knows_its_line),
                cmocka_unit_test(every_setting_takes_its_own_text_back),
                cmocka_unit_test(a_value_is_judged_by_the_rules_of_the_file),
                cmocka_unit_test(a_value_from_afar_reads_no_variable_and_no_file),
                cmocka_unit_test(what_does_not_go_together_is_refused),
                cmocka_unit_test(what_is_no_setting_says_where_it_lives),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
