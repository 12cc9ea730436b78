/* The operator's channel files: `channel_files` of lull.yaml. */
#include "tests/unit/common_config.h"

#include "common/channel.h"
#include "common/limits.h"
#include "common/memory.h"

#include <string.h>

/* A folder in memory. */
static struct {
        const char *path;
        const char *names[LIMIT_CHANNEL_FILES + 2];
        const char *texts[LIMIT_CHANNEL_FILES + 2];
} folder;

static const char *find_variable(void *context, const char *name) { return NULL; }

static int read_file(void *context, const char *path, size_t max, struct buffer *ret) {
        const char *name = strrchr(path, '/');

        for (size_t i = 0; folder.names[i]; i++) {
                if (!name || strcmp(folder.names[i], name + 1) != 0)
                        continue;
                if (!folder.texts[i])
                        return -EACCES;
                if (strlen(folder.texts[i]) > max)
                        return -EFBIG;
                buffer_push_text(ret, folder.texts[i]);
                return 0;
        }
        return -ENOENT;
}

static int read_folder(void *context, const char *path, void (*on_name)(void *names, const char *name), void *names) {
        if (strcmp(path, folder.path) != 0)
                return -ENOENT;
        for (size_t i = 0; folder.names[i]; i++)
                on_name(names, folder.names[i]);
        return 0;
}

static const struct config_world world = {find_variable, read_file, NULL, read_folder};

static void folder_set(const char *path, const char *name, const char *text) {
        memset(&folder, 0, sizeof folder);
        folder.path = path;
        folder.names[0] = name;
        folder.texts[0] = text;
}

#define MINE                                                                                                           \
        "settings:\n"                                                                                                  \
        "  key: {secret: true, required: true, what: the key}\n"                                                       \
        "  hello: {what: a greeting, default: hi}\n"                                                                   \
        "proof: [{scheme: token, setting: key, query: key}]\n"                                                         \
        "read: [{thread: /t}]\n"
#define LULL(channel)                                                                                                  \
        "channel_files: kinds\n"                                                                                       \
        "tenants:\n  acme:\n    handler: {kind: echo}\n    channels:\n      in: " channel "\n"

static void a_file_makes_a_kind_of_channel(void **state) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP(channel_events_done) struct channel_events events = {0};
        struct channel *channel = NULL;
        char *error = NULL;

        folder_set("kinds", "my-chat_2.yaml", MINE);
        folder.names[1] = "README.md";
        folder.names[2] = ".hidden.yaml";
        config = decode(LULL("{kind: my-chat_2, key: k}"));
        assert_int_equal(config->n_kinds, 1);
        assert_string_equal(config->kinds[0].name, "my-chat_2");
        assert_string_equal(config->kinds[0].path, "kinds/my-chat_2.yaml");
        assert_int_equal(channel_new(&config->tenants[0].channels[0], &channel, &error), 0);
        assert_int_equal(channel_read(channel, bytes_of("{\"t\":7}"), &events, &error), 0);
        assert_string_equal(events.items[0].thread, "7");
        channel_free(channel);
}

static void the_folder_is_beside_the_file_that_names_it(void **state) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_FREE char *error = NULL;

        folder_set("/etc/lull/kinds", "mine.yaml", MINE);
        assert_int_equal(
                config_decode("/etc/lull/lull.yaml", bytes_of(LULL("{kind: mine, key: k}")), &world, &config, &error),
                0);
        assert_string_equal(config->kinds[0].path, "/etc/lull/kinds/mine.yaml");
}

static void a_folder_that_is_not_there_is_told(void **state) {
        folder_set("elsewhere", NULL, NULL);
        assert_refused(LULL("{kind: generic, token: t}"),
                       "lull.yaml:1: channel_files: kinds cannot be read (No such file or directory); name a folder "
                       "with channel files, NAME.yaml");
}

static void settings_of_the_operators_kind_are_checked(void **state) {
        folder_set("kinds", "mine.yaml", MINE);
        assert_refused(LULL("{kind: mine}"),
                       "lull.yaml:6: tenants.acme.channels.in: a mine channel needs key (the key)\n"
                       "lull.yaml:6: tenants.acme.channels.in: anyone could send to this channel; "
                       "give it key");
        assert_refused(LULL("{kind: mine, key: k, helo: x}"),
                       "lull.yaml:6: tenants.acme.channels.in: unknown key 'helo'; did you mean 'hello'?");
}

static void a_kind_that_nobody_has_is_told_with_all_there_are(void **state) {
        folder_set("kinds", "mine.yaml", MINE);
        assert_refused(LULL("{kind: mime}"),
                       "lull.yaml:6: tenants.acme.channels.in.kind: 'mime' is unknown; did you mean 'mine'?");
}

/* Its own file and line, and no word about the channels that are of it. */
static void faults_in_a_file_are_told_with_its_name_and_line(void **state) {
        folder_set("kinds", "mine.yaml", MINE "colour: red\nexpect: x\n");
        assert_refused(
                LULL("{kind: mine, other: k}"),
                "kinds/mine.yaml:6: unknown key 'colour'; the keys there are settings, names, proof, challenge, body, "
                "expect, each, strict, read, otherwise, respond, post, answer, read_back and typing\n"
                "kinds/mine.yaml:7: expect: 'x' is no pointer; write it such as /message/text");
        folder_set("kinds", "mine.yaml", "a: [");
        assert_refused(LULL("{kind: mine}"),
                       "kinds/mine.yaml:2: while parsing a flow node, did not find expected node content");
}

static void a_name_that_is_built_in_or_none_is_refused(void **state) {
        folder_set("kinds", "chatwoot.yaml", MINE);
        assert_refused(LULL("{kind: generic, token: t}"),
                       "kinds/chatwoot.yaml:1: 'chatwoot' is built in, and cannot be replaced; give the file another "
                       "name, such as my-chatwoot.yaml");
        folder_set("kinds", "My Chat.yaml", MINE);
        assert_refused(LULL("{kind: generic, token: t}"),
                       "kinds/My Chat.yaml:1: the file's name is the kind of the channel; rename it to 1 to 64 of a-z, "
                       "0-9, '-' and '_' before .yaml");
}

static void a_file_that_cannot_be_read_is_told(void **state) {
        CLEANUP_FREE char *large = memory_new(LIMIT_CHANNEL_FILE_BYTES + 2, 1);

        folder_set("kinds", "mine.yaml", NULL);
        assert_refused(LULL("{kind: generic, token: t}"),
                       "kinds/mine.yaml:1: the file cannot be read (Permission denied)");
        memset(large, '#', LIMIT_CHANNEL_FILE_BYTES + 1);
        folder_set("kinds", "mine.yaml", large);
        assert_refused(LULL("{kind: generic, token: t}"),
                       "kinds/mine.yaml:1: the file has more than 256 KiB, and no channel needs as much");
}

static void more_files_than_there_may_be_are_refused(void **state) {
        folder_set("kinds", NULL, NULL);
        for (size_t i = 0; i <= LIMIT_CHANNEL_FILES; i++)
                folder.names[i] = "mine.yaml";
        assert_refused(
                LULL("{kind: generic, token: t}"),
                "lull.yaml:1: channel_files: kinds has more than 256 files; move those away that no channel uses");
}

#define DOOR(name, settings) "      " name ": {kind: " settings ", token: t}\n"
#define TWO(a, b) "tenants:\n  acme:\n    handler: {kind: echo}\n    channels:\n" DOOR("a", a) DOOR("b", b)
#define CHATWOOT(host, number) "chatwoot, url: 'https://" host "', account: " number ", secret: s"

static void two_channels_whose_threads_would_mix_are_refused(void **state) {
        folder_set("kinds", NULL, NULL);
        assert_refused(TWO(CHATWOOT("one.example.com", "1"), CHATWOOT("one.example.com", "2")),
                       "lull.yaml:6: tenants.acme.channels.b: differs from 'a' in its account, and chatwoot names "
                       "conversations alike in both: two people would be one thread; put it under a tenant of its own");
        assert_refused(TWO(CHATWOOT("one.example.com", "1"), CHATWOOT("two.example.com", "1")),
                       "lull.yaml:6: tenants.acme.channels.b: differs from 'a' in its url, and chatwoot names "
                       "conversations alike in both: two people would be one thread; put it under a tenant of its own");
}

static void two_channels_that_name_threads_apart_or_alike_are_fine(void **state) {
        static const char *const fine[] = {
                TWO(CHATWOOT("one.example.com", "1"), CHATWOOT("one.example.com", "1")),
                TWO(CHATWOOT("one.example.com", "1"), "generic"),
                "tenants:\n  acme:\n    handler: {kind: echo}\n    channels:\n"
                "      a: {kind: telegram, token: '1:x', bot: 1, secret_token: s}\n"
                "      b: {kind: telegram, token: '2:x', bot: 2, secret_token: s}\n",
        };

        folder_set("kinds", NULL, NULL);
        for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
                CLEANUP_CONFIG struct config *config = NULL;
                CLEANUP_FREE char *error = NULL;

                assert_int_equal(config_decode("lull.yaml", bytes_of(fine[i]), &world, &config, &error), 0);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_file_makes_a_kind_of_channel),
                cmocka_unit_test(the_folder_is_beside_the_file_that_names_it),
                cmocka_unit_test(a_folder_that_is_not_there_is_told),
                cmocka_unit_test(settings_of_the_operators_kind_are_checked),
                cmocka_unit_test(a_kind_that_nobody_has_is_told_with_all_there_are),
                cmocka_unit_test(faults_in_a_file_are_told_with_its_name_and_line),
                cmocka_unit_test(a_name_that_is_built_in_or_none_is_refused),
                cmocka_unit_test(a_file_that_cannot_be_read_is_told),
                cmocka_unit_test(more_files_than_there_may_be_are_refused),
                cmocka_unit_test(two_channels_whose_threads_would_mix_are_refused),
                cmocka_unit_test(two_channels_that_name_threads_apart_or_alike_are_fine),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
