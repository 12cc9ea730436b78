/* lull channel: what kinds of channels there are, what their files say, and how one is tried out. Listing, showing and
 * checking are here; channel_test.c and channel_reply.c have the rest. */
#include "broker/ctl/channel.h"

#include "broker/ctl/listing.h"
#include "broker/ctl/screen.h"
#include "broker/ctl/text.h"
#include "broker/ctl/trial_file.h"
#include "common/channel.h"
#include "common/channel_file.h"
#include "common/limits.h"

#include <stdio.h>
#include <string.h>

/* -- list ---------------------------------------------------------------------------------------------------------- */

static void push_kind(json_t *kinds, const char *kind, const char *source, struct bytes text) {
        CLEANUP_BUFFER struct buffer about = {0};

        trial_file_summary(text, &about);
        json_array_append_new(kinds,
                              json_pack("{s:s, s:o, s:o}", "kind", kind, "source", json_text_new(bytes_of(source)),
                                        "about", json_text_new(buffer_bytes(&about))));
}

static json_t *kinds_new(const struct config *config) {
        json_t *kinds = json_array();

        for (const struct channel_source *source = channel_sources; source->kind; source++)
                push_kind(kinds, source->kind, "built in", bytes_of(source->text));
        for (uint32_t i = 0; config && i < config->n_kinds; i++) {
                CLEANUP_BUFFER struct buffer text = {0};

                if (trial_file_read(config->kinds[i].path, LIMIT_CHANNEL_FILE_BYTES, &text) == 0)
                        push_kind(kinds, config->kinds[i].name, config->kinds[i].path, buffer_bytes(&text));
        }
        return kinds;
}

static void print_kinds(const json_t *kinds) {
        static const struct listing_column columns[] = {{"KIND"}, {"FROM"}, {"ABOUT"}};
        CLEANUP_LISTING struct listing listing;
        CLEANUP_BUFFER struct buffer text = {0};
        const json_t *kind;
        size_t i;

        listing_init(&listing, columns, sizeof columns / sizeof *columns);
        json_array_foreach(kinds, i, kind) {
                listing_push(&listing, json_string_value(json_object_get(kind, "kind")));
                listing_push(&listing, json_string_value(json_object_get(kind, "source")));
                listing_push(&listing, json_string_value(json_object_get(kind, "about")));
        }
        listing_encode(&listing, screen_width(), &text);
        screen_print(&text);
}

static enum command_exit list_run(const struct command *command, int argc, char **argv) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_JSON json_t *answer = NULL;
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {OPTIONS_JSON(options), OPTIONS_CONFIG(options), {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (trial_config_find(options.config, &config) < 0)
                return COMMAND_FAILED;
        answer = json_pack("{s:o}", "kinds", kinds_new(config));
        if (options.is_json)
                screen_print_json(answer);
        else
                print_kinds(json_object_get(answer, "kinds"));
        return COMMAND_DONE;
}

static const struct command command_list = {
        .name = "channel list",
        .operands = "",
        .summary = "The kinds of channels there are, and where their files come from",
        .about = "A kind is built in, or a file NAME.yaml in the folder that channel_files of lull.yaml names.",
        .examples = "  $ lull channel list",
        .run = list_run,
};

/* -- show ---------------------------------------------------------------------------------------------------------- */

static enum command_exit show_run(const struct command *command, int argc, char **argv) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_TRIAL_FILE struct trial_file file = {0};
        CLEANUP_BUFFER struct buffer text = {0};
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {OPTIONS_CONFIG(options), {0}};
        int r = command_open(command, rules, argc, argv, &operands);
        const char *kind;

        if (r != 0)
                return command_exit_of(r);
        kind = operands.words[0];
        if (!trial_file_is_built_in(kind) && trial_config_find(options.config, &config) < 0)
                return COMMAND_FAILED;
        if (trial_file_open(kind, config, &file) < 0)
                return COMMAND_FAILED;
        text_push_lines(&text, buffer_bytes(&file.text));
        screen_print(&text);
        return COMMAND_DONE;
}

static const struct command command_show = {
        .name = "channel show",
        .operands = "KIND",
        .summary = "The file of a kind: its settings, and a beginning for one of your own",
        .about = "What each key means stands in common/channels/README.md.",
        .examples = "  $ lull channel show generic > channels/mine.yaml",
        .n_operands_min = 1,
        .n_operands_max = 1,
        .run = show_run,
};

/* -- check --------------------------------------------------------------------------------------------------------- */

static void print_good(const char *path, bool is_json) {
        CLEANUP_JSON json_t *answer = json_pack("{s:b, s:o}", "good", 1, "file", json_text_new(bytes_of(path)));
        CLEANUP_BUFFER struct buffer text = {0};

        text_push_safe(&text, bytes_of(path));
        buffer_push_text(&text, ": good\n");
        if (is_json)
                screen_print_json(answer);
        else
                screen_print(&text);
}

static void print_faults(const char *error, bool is_json) {
        CLEANUP_JSON json_t *answer = json_pack("{s:b, s:[]}", "good", 0, "errors");
        CLEANUP_BUFFER struct buffer text = {0};

        text_push_lines(&text, bytes_of(error));
        if (!is_json) {
                fprintf(stderr, "%s\n", buffer_text(&text));
                return;
        }
        while (*error) {
                size_t len = strcspn(error, "\n");

                json_array_append_new(json_object_get(answer, "errors"), json_text_new((struct bytes){error, len}));
                error += len + (error[len] == '\n');
        }
        screen_print_json(answer);
}

static enum command_exit check_run(const struct command *command, int argc, char **argv) {
        CLEANUP_BUFFER struct buffer text = {0};
        CLEANUP_FREE char *error = NULL;
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {OPTIONS_JSON(options), {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (trial_file_read(operands.words[0], LIMIT_CHANNEL_FILE_BYTES, &text) < 0)
                return COMMAND_FAILED;
        r = channel_file_check(operands.words[0], buffer_bytes(&text), &error);
        if (r < 0)
                print_faults(error, options.is_json);
        else
                print_good(operands.words[0], options.is_json);
        return r < 0 ? COMMAND_FAILED : COMMAND_DONE;
}

static const struct command command_check_file = {
        .name = "channel check",
        .operands = "FILE",
        .summary = "Is a channel file right? Names file, line and remedy if not",
        .about = "lull check does this for all files that lull.yaml names.",
        .examples = "  $ lull channel check channels/mine.yaml\n"
                    "  channels/mine.yaml: good",
        .n_operands_min = 1,
        .n_operands_max = 1,
        .run = check_run,
};

/* -- channel ------------------------------------------------------------------------------------------------------- */

static enum command_exit channel_run(const struct command *command, int argc, char **argv) {
        static const struct command *const commands[] = {&command_channel_test, &command_channel_reply, &command_list,
                                                         &command_show,         &command_check_file,    NULL};

        static const char about[] =
                "A channel file says how a platform's webhooks are read and how replies are posted.\n"
                "This tries it out, with nothing running and nothing sent.";

        return command_run("lull channel", about, commands, argc, argv);
}

const struct command command_channel = {
        .name = "channel",
        .operands = "test|reply|list|show|check",
        .summary = "Kinds of channels, and what lull makes of a webhook: test, reply, list, show, check",
        .run = channel_run,
};
