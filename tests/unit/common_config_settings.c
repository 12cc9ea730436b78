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

#define TENANT "tenants: {acme: {handler: {kind: echo}}}\n"
#define ACME "tenants:\n  acme:\n    handler: {kind: echo}\n"

static const struct config_world world = {0};

static void assert_refused(const char *file, const char *expected) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_FREE char *error = NULL;

        assert_int_equal(config_decode("lull.yaml", bytes_of(file), &world, &config, &error), -EINVAL);
        assert_string_equal(error, expected);
}

static struct config *decode_text(const char *file) {
        struct config *config = NULL;
        char *error = NULL;

        if (config_decode("lull.yaml", bytes_of(file), &world, &config, &error) != 0)
                fail_msg("%s", error);
        return config;
}

static struct config *decode(void) { return decode_text(text); }

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
        assert_text(acme, "on_new_message", "queue");
        assert_text(acme, "max_interrupts", "3");
        assert_text(acme, "on_unknown", "repeat");
        assert_text(acme, "typing_hold", "8s");
        assert_text(acme, "transcription_wait", "0s");
        assert_text(acme, "on_takeover", "hold");
        assert_text(acme, "hold_for", "12h");
        assert_text(acme, "on_resume", "rest");
}

static void what_a_tenant_does_about_events_is_read(void **state) {
        CLEANUP_CONFIG struct config *config = decode_text(ACME "    typing_hold: 0s\n"
                                                                "    transcription_wait: 90s\n"
                                                                "    on_takeover: ignore\n"
                                                                "    hold_for: 366d\n"
                                                                "    on_resume: record\n");
        const struct config_tenant *acme = config_tenant_find(config, bytes_of("acme"));

        assert_int_equal(acme->typing_hold.us, 0);
        assert_int_equal(acme->transcription_wait.us, 90000000);
        assert_int_equal(acme->on_takeover, CONFIG_ON_TAKEOVER_IGNORE);
        assert_int_equal(acme->hold_for.us, INT64_C(366) * 24 * 3600 * 1000000);
        assert_int_equal(acme->on_resume, CONFIG_ON_RESUME_RECORD);
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
        assert_bad("on_new_message", "ignore", "on_new_message: 'ignore' is unknown; write queue or interrupt");
        assert_bad("on_unknown", "twice", "on_unknown: 'twice' is unknown; write repeat or silence");
        assert_bad("typing_hold", "2h", "typing_hold: '2h' is too large; at most 1h");
        assert_bad("transcription_wait", "11m", "transcription_wait: '11m' is too large; at most 10m");
        assert_bad("on_takeover", "wait", "on_takeover: 'wait' is unknown; write hold or ignore");
        assert_bad("hold_for", "367d", "hold_for: '367d' is too large; at most 366d");
        assert_bad("on_resume", "drop", "on_resume: 'drop' is unknown; write rest or answer or record");
        assert_bad("max_interrupts", "101", "max_interrupts: '101' is too large; at most 100");
        assert_bad("quiet", "", "quiet: has no value; `unset` goes back to what lull.yaml says");
}

static void a_choice_can_be_set(void **state) {
        CLEANUP_CONFIG struct config *config = decode();
        CLEANUP_FREE char *why = NULL;

        assert_int_equal(config_setting_set(config->tenants, index_of("on_new_message"), "interrupt", &why), 0);
        assert_int_equal(config_setting_set(config->tenants, index_of("on_unknown"), "silence", &why), 0);
        assert_int_equal(config->tenants->on_new_message, CONFIG_ON_NEW_INTERRUPT);
        assert_int_equal(config->tenants->on_unknown, CONFIG_ON_UNKNOWN_SILENCE);
        assert_text(config->tenants, "on_new_message", "interrupt");
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
        assert_no_setting("context.cache",
                          "context cannot be changed at run time: it is read by the workers from lull.yaml; change it "
                          "there and restart the workers");
        assert_no_setting("channels.support.token",
                          "channels cannot be changed at run time: it is read by ingest and the workers from "
                          "lull.yaml; change it there and restart ingest and the workers");
        assert_no_setting("quite", "there is no setting 'quite'; did you mean 'quiet'?");
        assert_no_setting("retry",
                          "there is no setting 'retry'; there are quiet, max_wait, max_messages, max_bytes, "
                          "concurrency, rate, max_pending, retry.attempts, retry.base, retry.factor, retry.cap, "
                          "retry.jitter, busy.base, busy.cap, busy.give_up, on_new_message, max_interrupts, "
                          "on_unknown, typing_hold, transcription_wait, on_takeover, hold_for and on_resume");
}

/* -- what the broker has of the file ------------------------------------------------------------------------------- */

static void a_rate_is_a_number_in_a_time(void **state) {
        static const struct {
                const char *text;
                uint32_t count;
                int64_t us;
        } good[] = {{"60/m", 60, 60000000}, {"5/s", 5, 1000000}, {"1000/h", 1000, INT64_C(3600000000)}, {"none", 0, 0}};
        CLEANUP_CONFIG struct config *none = decode_text(TENANT);

        assert_int_equal(none->tenants[0].rate.count, 0);
        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
                CLEANUP_FREE char *file = memory_print(ACME "    rate: %s\n", good[i].text);
                CLEANUP_CONFIG struct config *config = decode_text(file);
                CLEANUP_FREE char *back = config_rate_text(&config->tenants[0].rate);

                assert_int_equal(config->tenants[0].rate.count, good[i].count);
                assert_int_equal(config->tenants[0].rate.per.us, good[i].us);
                assert_string_equal(back, good[i].text);
        }
}

#define NO_RATE "is no rate; write a whole number, '/' and s, m or h, such as '60/m', '5/s' or '1000/h', or none"

static void what_is_no_rate_is_told_what_one_looks_like(void **state) {
        assert_refused(ACME "    rate: 60\n", "lull.yaml:4: tenants.acme.rate: '60' " NO_RATE);
        assert_refused(ACME "    rate: 60/d\n", "lull.yaml:4: tenants.acme.rate: '60/d' " NO_RATE);
        assert_refused(ACME "    rate: 60/10s\n", "lull.yaml:4: tenants.acme.rate: '60/10s' " NO_RATE);
        assert_refused(ACME "    rate: 60 / m\n", "lull.yaml:4: tenants.acme.rate: '60 / m' " NO_RATE);
        assert_refused(ACME "    rate: -1/s\n", "lull.yaml:4: tenants.acme.rate: '-1/s' " NO_RATE);
        assert_refused(ACME "    rate: 0/s\n",
                       "lull.yaml:4: tenants.acme.rate: '0/s' would let nothing through; write 1 or more, such as "
                       "'60/m', or none for no limit");
}

static void the_limits_of_the_broker_have_bounds(void **state) {
        assert_refused("limits: {dedupe_window: 169h}\n" TENANT,
                       "lull.yaml:1: limits.dedupe_window: '169h' is too large; at most 168h");
        assert_refused("limits: {dedupe_window: 0s}\n" TENANT,
                       "lull.yaml:1: limits.dedupe_window: '0s' is too small; at least 1s");
        assert_refused("limits: {store_bytes: 1000GiB}\n" TENANT,
                       "lull.yaml:1: limits.store_bytes: '1000GiB' is too large; at most 256GiB");
        assert_refused("limits: {memory: 64KiB}\n" TENANT,
                       "lull.yaml:1: limits.memory: '64KiB' is too small; at least 1MiB");
        assert_refused("limits: {dedupe_ids: 10000000}\nlimits2: 1\n" TENANT, "lull.yaml:2: unknown key 'limits2'; "
                                                                              "did you mean 'limits'?");
        assert_refused(
                "limits:\n  dedupe_ids: 10000000\n  memory: 512MiB\n" TENANT,
                "lull.yaml:3: limits.memory: 512MiB is too small for dedupe_ids: 10000000 ids take 458MiB, and they "
                "may take half of limits.memory; make it 916MiB or more, or remember fewer ids");
}

static void a_number_of_any_length_is_too_large_rather_than_no_number(void **state) {
        assert_refused("limits: {dedupe_ids: 1000000000}\n" TENANT,
                       "lull.yaml:1: limits.dedupe_ids: '1000000000' is too large; at most 100000000");
        assert_refused("limits: {store_bytes: 99999999999999999999}\n" TENANT,
                       "lull.yaml:1: limits.store_bytes: '99999999999999999999' is too large; at most 256GiB");
        assert_refused("limits: {store_bytes: 9223372036854775807GiB}\n" TENANT,
                       "lull.yaml:1: limits.store_bytes: '9223372036854775807GiB' is too large; at most 256GiB");
        assert_bad("max_pending", "999999999999", "max_pending: '999999999999' is too large; at most 4294967295");
        assert_bad("quiet", "99999999999999h", "quiet: '99999999999999h' is too large; at most 1h");
        assert_bad("rate", "4294967297/s",
                   "rate: '4294967297/s' is too large; at most 999999999 in that time, or none for no limit");
        assert_bad("retry.jitter", "99999999999999999999.999",
                   "retry.jitter: '99999999999999999999.999' is too large; at most 1");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_setting_is_told_as_the_file_would_have_it),
                cmocka_unit_test(what_a_tenant_does_about_events_is_read),
                cmocka_unit_test(a_setting_knows_its_line),
                cmocka_unit_test(every_setting_takes_its_own_text_back),
                cmocka_unit_test(a_value_is_judged_by_the_rules_of_the_file),
                cmocka_unit_test(a_choice_can_be_set),
                cmocka_unit_test(a_value_from_afar_reads_no_variable_and_no_file),
                cmocka_unit_test(what_does_not_go_together_is_refused),
                cmocka_unit_test(what_is_no_setting_says_where_it_lives),
                cmocka_unit_test(a_rate_is_a_number_in_a_time),
                cmocka_unit_test(what_is_no_rate_is_told_what_one_looks_like),
                cmocka_unit_test(the_limits_of_the_broker_have_bounds),
                cmocka_unit_test(a_number_of_any_length_is_too_large_rather_than_no_number),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
