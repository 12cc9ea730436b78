#include "tests/unit/unit.h"

#include "common/channel_file.h"
#include "common/memory.h"

#include <string.h>

/* The keys of common/channels/README.md. A misspelt one would change what a channel does without a word. */
static const char *const file_keys[] = {"settings", "proof", "challenge", "expect",    "each",   "read", "otherwise",
                                        "strict",   "post",  "answer",    "read_back", "typing", NULL};
static const char *const setting_keys[] = {"what", "form", "one_of", "required", "secret", "default", NULL};
static const char *const proof_keys[] = {"scheme",    "setting", "header",    "query", "prefix",
                                         "timestamp", "content", "tolerance", NULL};
static const char *const challenge_keys[] = {"when", "token", "setting", "answer", NULL};
static const char *const read_keys[] = {"items", "ignore", "thread", "id", "from", "kind", "text", "at", "data", NULL};
static const char *const condition_keys[] = {"at", "is", "is_not", "and", "why", "status", "text", "means", NULL};
static const char *const post_keys[] = {"setting", "longest", "url", "headers", "body", "variants", "sign", NULL};
static const char *const read_back_keys[] = {"url", "headers", "items", "is", "message", "older", "pages", NULL};
static const char *const older_keys[] = {"query", "value", NULL};
static const char *const typing_keys[] = {"setting", "needs", "refresh", "on", "off", NULL};
static const char *const typing_call_keys[] = {"url", "headers", "body", NULL};
static const char *const answer_keys[] = {"means", "why", NULL};

static const char *const meanings[] = {"posted", "again", "never", "unknown", NULL};

static bool is_among(const char *const *names, const char *name) {
        for (; *names; names++)
                if (strcmp(*names, name) == 0)
                        return true;
        return false;
}

static void assert_keys(const char *kind, const struct yaml_node *map, const char *const *names) {
        for (size_t i = 0; map && i < map->n; i++)
                if (!is_among(names, map->items[i].key))
                        fail_msg("%s.yaml:%d: unknown key '%s'", kind, map->items[i].line, map->items[i].key);
}

static void assert_keys_of_each(const char *kind, const struct yaml_node *list, const char *const *names) {
        for (size_t i = 0; list && i < list->n; i++)
                assert_keys(kind, &list->items[i], names);
}

static struct yaml_node *file_decode(const struct channel_source *source) {
        CLEANUP_FREE char *name = memory_print("%s.yaml", source->kind);
        struct yaml_node *file;
        char *error = NULL;

        if (yaml_decode(name, bytes_of(source->text), &file, &error) != 0)
                fail_msg("%s", error);
        return file;
}

static void every_file_has_only_keys_that_mean_something(void **state) {
        for (const struct channel_source *source = channel_sources; source->kind; source++) {
                CLEANUP_YAML struct yaml_node *file = file_decode(source);
                const struct yaml_node *read = yaml_find(file, "read");

                assert_keys(source->kind, file, file_keys);
                assert_keys_of_each(source->kind, yaml_find(file, "settings"), setting_keys);
                assert_keys_of_each(source->kind, yaml_find(file, "proof"), proof_keys);
                assert_keys(source->kind, yaml_find(file, "challenge"), challenge_keys);
                assert_keys_of_each(source->kind, read, read_keys);
                for (size_t i = 0; i < read->n; i++)
                        assert_keys_of_each(source->kind, yaml_find(&read->items[i], "ignore"), condition_keys);
                assert_keys(source->kind, yaml_find(file, "post"), post_keys);
                assert_keys(source->kind, yaml_find(file, "answer"), answer_keys);
                assert_keys_of_each(source->kind, yaml_find(yaml_find(file, "answer"), "means"), condition_keys);
        }
}

static void every_way_to_read_back_and_to_show_typing_is_complete(void **state) {
        for (const struct channel_source *source = channel_sources; source->kind; source++) {
                CLEANUP_YAML struct yaml_node *file = file_decode(source);
                const struct yaml_node *read_back = yaml_find(file, "read_back"), *typing = yaml_find(file, "typing");

                assert_keys(source->kind, read_back, read_back_keys);
                assert_keys_of_each(source->kind, yaml_find(read_back, "is"), condition_keys);
                assert_keys(source->kind, yaml_find(read_back, "older"), older_keys);
                for (size_t i = 0; read_back && read_back_keys[i]; i++)
                        assert_non_null(yaml_find(read_back, read_back_keys[i]));
                assert_keys(source->kind, typing, typing_keys);
                assert_keys(source->kind, yaml_find(typing, "on"), typing_call_keys);
                assert_keys(source->kind, yaml_find(typing, "off"), typing_call_keys);
                assert_true(!typing || (yaml_find(typing, "on") && yaml_find_text(typing, "refresh")));
        }
}

static void every_meaning_of_an_answer_is_one_of_four(void **state) {
        for (const struct channel_source *source = channel_sources; source->kind; source++) {
                CLEANUP_YAML struct yaml_node *file = file_decode(source);
                const struct yaml_node *rules = yaml_find(yaml_find(file, "answer"), "means");

                for (size_t i = 0; rules && i < rules->n; i++)
                        assert_true(is_among(meanings, yaml_find_text(&rules->items[i], "means")));
        }
}

/* A setting called "thread" would be hidden by the reply's own. */
static void no_setting_has_the_name_of_a_part_of_a_reply(void **state) {
        static const char *const words[] = {"kind",  "thread", "from",  "tenant",  "channel",
                                            "batch", "index",  "reply", "message", NULL};

        for (const struct channel_source *source = channel_sources; source->kind; source++) {
                CLEANUP_YAML struct yaml_node *file = file_decode(source);
                const struct yaml_node *settings = yaml_find(file, "settings");

                for (size_t i = 0; i < settings->n; i++) {
                        assert_false(is_among(words, settings->items[i].key));
                        assert_non_null(yaml_find_text(&settings->items[i], "what"));
                }
        }
}

static void every_proof_and_every_ignored_thing_is_complete(void **state) {
        for (const struct channel_source *source = channel_sources; source->kind; source++) {
                CLEANUP_YAML struct yaml_node *file = file_decode(source);
                const struct yaml_node *proofs = yaml_find(file, "proof"), *read = yaml_find(file, "read");

                assert_true(proofs && proofs->n > 0 && read && read->n > 0);
                for (size_t i = 0; i < proofs->n; i++) {
                        assert_non_null(yaml_find_text(&proofs->items[i], "scheme"));
                        assert_non_null(
                                yaml_find(yaml_find(file, "settings"), yaml_find_text(&proofs->items[i], "setting")));
                }
                for (size_t i = 0; i < read->n; i++) {
                        const struct yaml_node *ignore = yaml_find(&read->items[i], "ignore");

                        for (size_t j = 0; ignore && j < ignore->n; j++)
                                assert_non_null(yaml_find_text(&ignore->items[j], "why"));
                }
        }
}

static void kinds_are_the_names_of_the_files(void **state) {
        assert_string_equal(channel_kinds()[0], "chatwoot");
        assert_non_null(channel_file_find("chatwoot"));
        assert_ptr_equal(channel_file_find("chatwoot"), channel_file_find("chatwoot"));
        assert_null(channel_file_find("chat"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_file_has_only_keys_that_mean_something),
                cmocka_unit_test(every_way_to_read_back_and_to_show_typing_is_complete),
                cmocka_unit_test(every_meaning_of_an_answer_is_one_of_four),
                cmocka_unit_test(no_setting_has_the_name_of_a_part_of_a_reply),
                cmocka_unit_test(every_proof_and_every_ignored_thing_is_complete),
                cmocka_unit_test(kinds_are_the_names_of_the_files),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
