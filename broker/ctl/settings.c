/* lull settings: what is in force for a tenant and where it comes from; changing it while the broker runs. */
#include "broker/ctl/answer.h"
#include "broker/ctl/ask.h"
#include "broker/ctl/command.h"
#include "broker/ctl/listing.h"
#include "broker/ctl/screen.h"

static const struct listing_column columns[] = {{"SETTING"}, {"VALUE"}, {"FROM"}};

static void push_row(struct listing *listing, const char *key, const json_t *setting) {
        const char *ignored = answer_text_find(setting, "/set_but_not_in_force");
        CLEANUP_BUFFER struct buffer source = {0};

        answer_push_text(&source, setting, "/source");
        if (ignored)
                buffer_print(&source, "; '%s' was set, but does not go together with the file", ignored);
        listing_push(listing, key);
        listing_push(listing, answer_text_find(setting, "/value"));
        listing_push_buffer(listing, &source);
}

static void print_settings(const json_t *answer) {
        CLEANUP_LISTING struct listing listing;
        CLEANUP_BUFFER struct buffer text = {0};
        json_t *setting;
        const char *key;

        listing_init(&listing, columns, sizeof columns / sizeof *columns);
        json_object_foreach(json_object_get(answer, "settings"), key, setting) push_row(&listing, key, setting);
        listing_encode(&listing, screen_width(), &text);
        screen_print(&text);
}

/* Leaves the one setting, if one was asked for. */
static int pick(json_t *answer, const char *key) {
        json_t *settings = json_object_get(answer, "settings"), *setting = json_object_get(settings, key);

        if (!setting)
                return 1;
        json_incref(setting);
        json_object_clear(settings);
        json_object_set_new(settings, key, setting);
        return 0;
}

/* Asks, and prints the settings that the answer has: all, or that of `key`. */
static enum command_exit ask_and_print(const struct options *options, json_t *question, const char *key) {
        CLEANUP_JSON json_t *answer = NULL;

        if (ask_broker(options, question, &answer) != 0)
                return COMMAND_FAILED;
        if (key && pick(answer, key) != 0) {
                screen_error("there is no setting '%s'; without a key, `lull settings get` lists them", key);
                return COMMAND_FAILED;
        }
        if (options->is_json)
                screen_print_json(answer);
        else
                print_settings(answer);
        return COMMAND_DONE;
}

/* The three differ in how many words they take: TENANT, KEY, VALUE. */
static enum command_exit run_question(const struct command *command, const char *cmd, int argc, char **argv) {
        static const char *const names[] = {"tenant", "key", "value"};
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {OPTIONS_ASK(options), {0}};
        json_t *question;
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        question = json_pack("{s:s}", "cmd", cmd);
        for (int i = 0; i < operands.n; i++)
                json_object_set_new(question, names[i], json_text_new(bytes_of(operands.words[i])));
        return ask_and_print(&options, question, operands.n > 1 ? operands.words[1] : NULL);
}

static enum command_exit get_run(const struct command *command, int argc, char **argv) {
        return run_question(command, "settings", argc, argv);
}

static enum command_exit set_run(const struct command *command, int argc, char **argv) {
        return run_question(command, "settings_set", argc, argv);
}

static enum command_exit unset_run(const struct command *command, int argc, char **argv) {
        return run_question(command, "settings_unset", argc, argv);
}

static const struct command command_get = {
        .name = "settings get",
        .operands = "TENANT [KEY]",
        .summary = "What is in force for a tenant, and where it comes from",
        .about = "FROM is the line of lull.yaml, the time when it was set, or \"default\".",
        .examples = "  $ lull settings get acme\n"
                    "  $ lull settings get acme quiet",
        .n_operands_min = 1,
        .n_operands_max = 2,
        .run = get_run,
};

static const struct command command_set = {
        .name = "settings set",
        .operands = "TENANT KEY VALUE",
        .summary = "Changes a setting: at once, and for good",
        .about = "The value is written as in lull.yaml and judged by the same rules. It is kept through restarts and "
                 "goes\n"
                 "before the file; `lull settings unset` goes back to what the file says.",
        .examples = "  $ lull settings set acme quiet 4s\n"
                    "  $ lull settings set acme retry.attempts 3\n"
                    "  $ lull settings set acme on_new_message interrupt",
        .n_operands_min = 3,
        .n_operands_max = 3,
        .run = set_run,
};

static const struct command command_unset = {
        .name = "settings unset",
        .operands = "TENANT KEY",
        .summary = "Goes back to what lull.yaml says",
        .about = "",
        .examples = "  $ lull settings unset acme quiet",
        .n_operands_min = 2,
        .n_operands_max = 2,
        .run = unset_run,
};

static enum command_exit settings_run(const struct command *command, int argc, char **argv) {
        static const struct command *const commands[] = {&command_get, &command_set, &command_unset, NULL};
        static const char about[] = "A tenant's settings while the broker runs: those that the broker itself uses.";

        return command_run("lull settings", about, commands, argc, argv);
}

const struct command command_settings = {
        .name = "settings",
        .operands = "get|set|unset",
        .summary = "A tenant's settings: get, set, unset, while the broker runs",
        .run = settings_run,
};
