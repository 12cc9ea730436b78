#include "tests/unit/unit.h"

#include "broker/ctl/trial_settings.h"
#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

static const char file_text[] = "settings:\n"
                                "  account: {form: number, required: true, what: w}\n"
                                "  name: {required: true, what: w}\n"
                                "  url: {form: url, required: true, what: w}\n"
                                "  api: {form: url, default: 'https://api.example.com', required: true, what: w}\n"
                                "  mode: {one_of: [fast, slow], required: true, what: w}\n"
                                "  token: {required: true, secret: true, what: w}\n"
                                "  reply_url: {form: url, what: w}\n"
                                "  secret: {form: whsec, secret: true, what: w}\n"
                                "  hook_token: {secret: true, what: w}\n"
                                "  public_url: {form: url, what: w}\n"
                                "  unsigned: {form: flag, default: 'false', what: w}\n"
                                "proof:\n"
                                "  - {scheme: standard-webhooks, setting: secret}\n"
                                "  - {scheme: hmac-sha1-url, setting: hook_token, url: public_url}\n"
                                "  - {scheme: none, setting: unsigned}\n"
                                "post: {setting: reply_url, url: '{reply_url}'}\n";

/* A file of a channel, and settings for it. */
struct scene {
        struct yaml_node *file;
        struct config_channel settings;
};

static int scene_setup(void **state) {
        struct scene *scene = memory_new(1, sizeof *scene);
        char *error = NULL;

        assert_int_equal(yaml_decode("mine.yaml", bytes_of(file_text), &scene->file, &error), 0);
        *state = scene;
        return 0;
}

static int scene_teardown(void **state) {
        struct scene *scene = *state;

        for (uint32_t i = 0; i < scene->settings.n_settings; i++) {
                free(scene->settings.settings[i].key);
                free(scene->settings.settings[i].value);
        }
        free(scene->settings.settings);
        yaml_node_free(scene->file);
        free(scene);
        return 0;
}

static void assert_setting(const struct scene *scene, const char *key, const char *expected) {
        const char *value = config_setting_find(&scene->settings, key);

        if (!expected) {
                assert_null(value);
                return;
        }
        assert_non_null(value);
        assert_string_equal(value, expected);
}

static void what_is_required_and_has_no_default_gets_a_stand_in_of_its_form(void **state) {
        struct scene *scene = *state;

        assert_true(trial_settings_complete(scene->file, &scene->settings));
        assert_setting(scene, "account", "1");
        assert_setting(scene, "name", "name");
        assert_setting(scene, "url", "https://example.com");
        assert_setting(scene, "mode", "fast");
        assert_setting(scene, "token", TRIAL_SECRET);
        assert_setting(scene, "api", NULL);
        assert_setting(scene, "hook_token", NULL);
        /* Without it there would be no reply to show. */
        assert_setting(scene, "reply_url", "https://example.com");
}

static void what_was_given_stays(void **state) {
        struct scene *scene = *state;

        trial_settings_put(&scene->settings, "account", "7");
        trial_settings_put(&scene->settings, "account", "8");
        (void)!trial_settings_complete(scene->file, &scene->settings);
        assert_setting(scene, "account", "8");
}

static void the_first_proof_is_switched_on_when_none_is(void **state) {
        struct scene *scene = *state;

        assert_true(trial_settings_complete(scene->file, &scene->settings));
        assert_int_equal(strncmp(config_setting_find(&scene->settings, "secret"), "whsec_", 6), 0);
        assert_setting(scene, "unsigned", NULL);
}

static void a_proof_that_is_given_is_the_only_one_and_gets_what_else_it_needs(void **state) {
        struct scene *scene = *state;

        trial_settings_put(&scene->settings, "hook_token", "mine");
        assert_false(trial_settings_complete(scene->file, &scene->settings));
        assert_setting(scene, "secret", NULL);
        assert_setting(scene, "public_url", "https://example.com");
}

static void a_flag_that_is_false_switches_nothing_on(void **state) {
        struct scene *scene = *state;

        trial_settings_put(&scene->settings, "unsigned", "false");
        assert_true(trial_settings_complete(scene->file, &scene->settings));
        assert_non_null(config_setting_find(&scene->settings, "secret"));
}

static void a_flag_that_is_true_asks_for_no_proof(void **state) {
        struct scene *scene = *state;

        trial_settings_put(&scene->settings, "unsigned", "true");
        assert_false(trial_settings_complete(scene->file, &scene->settings));
        assert_setting(scene, "secret", NULL);
}

static void no_secret_is_left_after_masking(void **state) {
        struct scene *scene = *state;

        trial_settings_put(&scene->settings, "token", "T0P");
        trial_settings_put(&scene->settings, "secret", "whsec_bHVsbC1lbmQtdG8tZW5kLXRlc3Qtc2VjcmV0LTAwMQ==");
        trial_settings_put(&scene->settings, "name", "Ana");
        trial_settings_mask(scene->file, &scene->settings);
        assert_setting(scene, "token", TRIAL_SECRET);
        assert_setting(scene, "secret", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_setting(scene, "name", "Ana");
}

static void a_setting_with_a_stand_in_is_never_another(void **state) {
        const char text[] = "read:\n"
                            "  - when: {at: ^/account/id, is_not: '{account}'}\n"
                            "  - when: {at: /name, is_not: '{name}'}\n";
        CLEANUP_YAML struct yaml_node *file = NULL;
        const struct yaml_node *rules;
        char *error = NULL;

        (void)state;
        assert_int_equal(yaml_decode("mine.yaml", bytes_of(text), &file, &error), 0);
        trial_settings_waive(file, "account");
        rules = yaml_find(file, "read");
        assert_string_equal(yaml_find_text(yaml_find(&rules->items[0], "when"), "is_not"), "{^/account/id}");
        assert_string_equal(yaml_find_text(yaml_find(&rules->items[1], "when"), "is_not"), "{name}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(what_is_required_and_has_no_default_gets_a_stand_in_of_its_form),
                TEST(what_was_given_stays),
                TEST(the_first_proof_is_switched_on_when_none_is),
                TEST(a_proof_that_is_given_is_the_only_one_and_gets_what_else_it_needs),
                TEST(a_flag_that_is_false_switches_nothing_on),
                TEST(a_flag_that_is_true_asks_for_no_proof),
                TEST(a_setting_with_a_stand_in_is_never_another),
                TEST(no_secret_is_left_after_masking),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
