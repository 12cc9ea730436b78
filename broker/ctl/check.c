/* lull check: is a config file right? It reads the file as every program does at its start, and nothing else. */
#include "broker/ctl/command.h"
#include "broker/ctl/screen.h"
#include "broker/ctl/text.h"
#include "common/config.h"

#include <stdio.h>
#include <string.h>

static uint32_t n_channels(const struct config *config) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < config->n_tenants; i++)
                n += config->tenants[i].n_channels;
        return n;
}

static void print_good(const struct config *config) {
        CLEANUP_BUFFER struct buffer text = {0};
        uint32_t channels = n_channels(config);

        text_push_safe(&text, bytes_of(config->path));
        buffer_print(&text, ": good: %u tenant%s, %u channel%s\n", config->n_tenants, config->n_tenants == 1 ? "" : "s",
                     channels, channels == 1 ? "" : "s");
        screen_print(&text);
}

static void print_good_json(const struct config *config) {
        CLEANUP_JSON json_t *answer =
                json_pack("{s:b, s:o, s:i, s:i}", "good", 1, "file", json_text_new(bytes_of(config->path)), "tenants",
                          (int)config->n_tenants, "channels", (int)n_channels(config));

        screen_print_json(answer);
}

static void print_errors_json(const char *error) {
        CLEANUP_JSON json_t *answer = json_pack("{s:b, s:[]}", "good", 0, "errors");
        json_t *errors = json_object_get(answer, "errors");

        while (*error) {
                size_t len = strcspn(error, "\n");

                json_array_append_new(errors, json_text_new((struct bytes){error, len}));
                error += len + (error[len] == '\n');
        }
        screen_print_json(answer);
}

static void print_errors(const char *error) {
        CLEANUP_BUFFER struct buffer text = {0};

        text_push_lines(&text, bytes_of(error));
        fprintf(stderr, "%s\n", buffer_text(&text));
}

static enum command_exit check_run(const struct command *command, int argc, char **argv) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_FREE char *error = NULL;
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {OPTIONS_JSON(options), {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        r = config_load(operands.n > 0 ? operands.words[0] : NULL, &config, &error);
        if (r < 0)
                (options.is_json ? print_errors_json : print_errors)(error);
        else
                (options.is_json ? print_good_json : print_good)(config);
        return r < 0 ? COMMAND_FAILED : COMMAND_DONE;
}

const struct command command_check = {
        .name = "check",
        .operands = "[FILE]",
        .summary = "Is a config file right? Names file, line and remedy if not",
        .about = "Without FILE it checks the one that the programs would take: $LULL_CONFIG, else ./lull.yaml. It "
                 "reads what\n"
                 "${NAME} and ${file:...} name as well, so run it where the programs run.",
        .examples = "  $ lull check lull.yaml\n"
                    "  lull.yaml: good: 1 tenant, 2 channels",
        .n_operands_max = 1,
        .run = check_run,
};
