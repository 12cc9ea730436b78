/* Settings changed at run time: on top of the file, in the store, and never against its rules. */
#include "tests/unit/unit.h"

#include "broker/settings.h"
#include "common/config_reader.h"

#include <errno.h>
#include <string.h>

#define FILE_TEXT "tenants:\n  acme:\n    handler: {kind: echo}\n    quiet: 5s\n  zeta:\n    handler: {kind: echo}\n"

static struct settings *settings;
static struct effects fx;

static struct config *decode(const char *text) {
        static const struct config_world world = {0};
        struct config *config = NULL;
        char *error = NULL;

        if (config_decode("lull.yaml", bytes_of(text), &world, &config, &error) != 0)
                fail_msg("%s", error);
        return config;
}

static int begin(void **state) {
        settings = settings_new(decode(FILE_TEXT));
        return 0;
}

static int end(void **state) {
        settings = settings_free(settings);
        effects_done(&fx);
        return 0;
}

static const struct config_tenant *tenant(const char *name) {
        return config_tenant_find(settings_config(settings), bytes_of(name));
}

static void set(const char *key, const char *value, uint64_t seq) {
        CLEANUP_FREE char *why = NULL;

        if (settings_set(settings, bytes_of("acme"), key, bytes_of(value), (struct wall){1795000000000}, seq, &fx,
                         &why) != 0)
                fail_msg("%s", why);
}

static void expect_refused(int expected, const char *key, const char *value, const char *expected_why) {
        size_t n_changes = fx.n_changes;
        CLEANUP_FREE char *why = NULL;

        assert_int_equal(
                settings_set(settings, bytes_of("acme"), key, bytes_of(value), (struct wall){1}, 99, &fx, &why),
                expected);
        assert_string_equal(why, expected_why);
        assert_int_equal(fx.n_changes, n_changes);
}

static int unset(const char *key) {
        CLEANUP_FREE char *why = NULL;

        return settings_unset(settings, bytes_of("acme"), key, &fx, &why);
}

static void load_note(uint64_t seq) {
        const struct stored_note *note = NULL;

        for (size_t i = 0; i < fx.n_changes; i++)
                if (fx.changes[i].type == CHANGE_PUT_NOTE && fx.changes[i].note.seq == seq)
                        note = &fx.changes[i].note;
        if (note)
                settings_load(settings, note);
}

static void restart(const char *text) {
        struct settings *before = settings; /* what is stored points to what it holds */

        settings = settings_new(decode(text));
        for (uint64_t seq = 0; seq < 100; seq++)
                load_note(seq);
        settings_apply(settings);
        settings_free(before);
}

static int setting(const char *key) {
        char *why = NULL;
        int index = -1;

        assert_int_equal(config_setting_index(key, &index, &why), 0);
        return index;
}

static void a_change_is_in_force_at_once_for_its_tenant_alone_and_goes_to_the_store(void **state) {
        const struct stored_note *note;

        set("quiet", "4s", 17);
        assert_int_equal(tenant("acme")->quiet.us, 4000000);
        assert_int_equal(tenant("zeta")->quiet.us, 8000000);
        assert_int_equal(fx.n_changes, 1);
        assert_int_equal(fx.changes[0].type, CHANGE_PUT_NOTE);
        note = &fx.changes[0].note;
        assert_int_equal(note->seq, 17);
        assert_int_equal(note->kind, STORED_SETTING);
        assert_true(bytes_is_text(note->tenant, "acme"));
        assert_true(bytes_is_text(note->name, "quiet"));
        assert_true(bytes_is_text(note->value, "4s"));
        assert_int_equal(note->at.ms, 1795000000000);
}

static void a_second_change_takes_the_place_of_the_first(void **state) {
        set("quiet", "4s", 17);
        set("quiet", "3s", 18);
        assert_int_equal(tenant("acme")->quiet.us, 3000000);
        assert_int_equal(fx.changes[1].note.seq, 17);
}

static void what_was_set_is_undone_by_unset(void **state) {
        set("quiet", "4s", 17);
        set("rate", "5/s", 18);
        assert_int_equal(unset("quiet"), 0);
        assert_int_equal(tenant("acme")->quiet.us, 5000000);
        assert_int_equal(tenant("acme")->rate.count, 5);
        assert_int_equal(fx.changes[2].type, CHANGE_DELETE_NOTE);
        assert_int_equal(fx.changes[2].seq, 17);
        assert_int_equal(unset("quiet"), 0); /* it is as it should be */
        assert_int_equal(fx.n_changes, 3);
}

static void what_the_file_would_not_take_is_refused_and_changes_nothing(void **state) {
        expect_refused(-EINVAL, "quiet", "8", "quiet: '8' has no unit; write '8s', '500ms' or '2m'");
        expect_refused(-EINVAL, "quiet", "1m", "max_wait: 30s is shorter than quiet, which is 1m; make it 1m or more");
        expect_refused(-ENOENT, "quite", "4s", "there is no setting 'quite'; did you mean 'quiet'?");
        assert_int_equal(tenant("acme")->quiet.us, 5000000);
        set("max_wait", "2m", 17);
        set("quiet", "1m", 18);
        assert_int_equal(unset("max_wait"), -EINVAL); /* or quiet would be longer than it */
        assert_int_equal(tenant("acme")->max_wait.us, 120000000);
}

static void a_tenant_that_the_file_does_not_have_is_unknown(void **state) {
        CLEANUP_FREE char *why = NULL;

        assert_int_equal(
                settings_set(settings, bytes_of("nobody"), "quiet", bytes_of("1s"), (struct wall){1}, 1, &fx, &why),
                -ESRCH);
        assert_string_equal(why, "the broker's lull.yaml has no tenant 'nobody'");
        assert_int_equal(fx.n_changes, 0);
}

static void what_was_set_outlives_a_restart_and_another_file(void **state) {
        set("quiet", "4s", 17);
        set("retry.base", "1s", 18);
        restart(FILE_TEXT);
        assert_int_equal(tenant("acme")->quiet.us, 4000000);
        assert_int_equal(tenant("acme")->retry.base.us, 1000000);
        settings_set_file(settings, decode("tenants: {acme: {handler: {kind: echo}, quiet: 9s, max_messages: 7}}\n"));
        assert_int_equal(tenant("acme")->quiet.us, 4000000);
        assert_int_equal(tenant("acme")->max_messages, 7);
        assert_null(tenant("zeta"));
}

static void a_tenant_that_left_the_file_and_comes_back_has_its_settings(void **state) {
        set("quiet", "4s", 17);
        settings_set_file(settings, decode("tenants: {zeta: {handler: {kind: echo}}}\n"));
        assert_null(tenant("acme"));
        settings_set_file(settings, decode(FILE_TEXT));
        assert_int_equal(tenant("acme")->quiet.us, 4000000);
}

static void expect_conflict(const char *key, const char *why) {
        struct settings_conflict conflict;
        uint32_t cursor = 0;

        assert_true(settings_next_conflict(settings, &cursor, &conflict));
        assert_string_equal(conflict.tenant, "acme");
        assert_string_equal(conflict.key, key);
        assert_string_equal(conflict.why, why);
        free(conflict.why);
        assert_false(settings_next_conflict(settings, &cursor, &conflict));
}

static void expect_no_conflict(void) {
        struct settings_conflict conflict;
        uint32_t cursor = 0;

        assert_false(settings_next_conflict(settings, &cursor, &conflict));
}

static void what_does_not_go_with_another_file_is_not_in_force_and_the_rest_is(void **state) {
        struct settings_view view;

        set("max_wait", "20s", 17);
        set("rate", "2/m", 18);
        settings_set_file(settings, decode("tenants: {acme: {handler: {kind: echo}, quiet: 25s, max_wait: 40s}}\n"));
        assert_int_equal(tenant("acme")->max_wait.us, 40000000);
        assert_int_equal(tenant("acme")->rate.count, 2);
        expect_conflict("max_wait", "max_wait: 20s is shorter than quiet, which is 25s; make it 25s or more");
        settings_view(settings, tenant("acme"), setting("max_wait"), &view);
        assert_false(view.is_in_force);
        assert_string_equal(view.set, "20s");
        settings_view_done(&view);
        set("max_messages", "3", 19); /* has nothing to do with it */
        assert_int_equal(tenant("acme")->max_messages, 3);
        assert_int_equal(unset("max_messages"), 0);
        expect_refused(-EINVAL, "quiet", "50s",
                       "max_wait: 40s is shorter than quiet, which is 50s; make it 50s or more");
        set("quiet", "15s", 20); /* makes way for it */
        assert_int_equal(tenant("acme")->max_wait.us, 20000000);
        expect_no_conflict();
}

static void a_change_out_of_force_is_mended_or_taken_back(void **state) {
        set("quiet", "20s", 17);
        settings_set_file(settings, decode("tenants: {acme: {handler: {kind: echo}, max_wait: 10s, quiet: 5s}}\n"));
        assert_int_equal(tenant("acme")->quiet.us, 5000000);
        expect_conflict("quiet", "max_wait: 10s is shorter than quiet, which is 20s; make it 20s or more");
        set("quiet", "6s", 18);
        assert_int_equal(tenant("acme")->quiet.us, 6000000);
        expect_no_conflict();
        settings_set_file(settings, decode("tenants: {acme: {handler: {kind: echo}, max_wait: 5s, quiet: 4s}}\n"));
        assert_int_equal(tenant("acme")->quiet.us, 4000000);
        assert_int_equal(unset("quiet"), 0);
        expect_no_conflict();
}

static void changes_that_need_each_other_are_in_force_in_whatever_order_they_are_found(void **state) {
        set("quiet", "20s", 17);
        set("max_wait", "2m", 18);
        set("quiet", "1m", 19);
        restart(FILE_TEXT);
        assert_int_equal(tenant("acme")->quiet.us, 60000000);
        assert_int_equal(tenant("acme")->max_wait.us, 120000000);
        expect_no_conflict();
}

static void it_is_told_where_each_setting_comes_from(void **state) {
        struct settings_view view;

        set("max_wait", "1m", 17);
        settings_view(settings, tenant("acme"), setting("max_wait"), &view);
        assert_string_equal(view.value, "1m");
        assert_true(view.is_in_force);
        assert_int_equal(view.at.ms, 1795000000000);
        settings_view_done(&view);
        settings_view(settings, tenant("acme"), setting("quiet"), &view);
        assert_string_equal(view.value, "5s");
        assert_int_equal(view.line, 4);
        assert_false(view.is_in_force);
        settings_view_done(&view);
        settings_view(settings, tenant("acme"), setting("busy.cap"), &view);
        assert_string_equal(view.value, "2s");
        assert_int_equal(view.line, 0);
        settings_view_done(&view);
}

static void notes_of_other_kinds_and_other_versions_are_left_alone(void **state) {
        struct stored_note hold = {
                .seq = 1, .kind = STORED_HOLD, .tenant = bytes_of("acme"), .name = bytes_of("quiet")};
        struct stored_note unheard = {.seq = 2,
                                      .kind = STORED_SETTING,
                                      .tenant = bytes_of("acme"),
                                      .name = bytes_of("patience"),
                                      .value = bytes_of("4s")};

        settings_load(settings, &hold);
        settings_load(settings, &unheard);
        settings_apply(settings);
        assert_int_equal(tenant("acme")->quiet.us, 5000000);
}

int main(void) {
#define TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)
        static const struct CMUnitTest tests[] = {
                TEST(a_change_is_in_force_at_once_for_its_tenant_alone_and_goes_to_the_store),
                TEST(a_second_change_takes_the_place_of_the_first),
                TEST(what_was_set_is_undone_by_unset),
                TEST(what_the_file_would_not_take_is_refused_and_changes_nothing),
                TEST(a_tenant_that_the_file_does_not_have_is_unknown),
                TEST(what_was_set_outlives_a_restart_and_another_file),
                TEST(a_tenant_that_left_the_file_and_comes_back_has_its_settings),
                TEST(what_does_not_go_with_another_file_is_not_in_force_and_the_rest_is),
                TEST(a_change_out_of_force_is_mended_or_taken_back),
                TEST(changes_that_need_each_other_are_in_force_in_whatever_order_they_are_found),
                TEST(it_is_told_where_each_setting_comes_from),
                TEST(notes_of_other_kinds_and_other_versions_are_left_alone),
        };

        return cmocka_run_group_tests_name("broker/settings", tests, NULL, NULL);
}
