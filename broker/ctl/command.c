#include "broker/ctl/command.h"

#include "broker/ctl/ask.h"
#include "broker/ctl/screen.h"
#include "common/clock.h"

#include <errno.h>
#include <string.h>

static void print_usage(const char *name, const char *operands, struct buffer *text) {
        buffer_print(text, "usage: lull %s [OPTION...]%s%s\n", name, *operands ? " " : "", operands);
}

static void print_help(const struct command *command, const struct options_rule *rules) {
        CLEANUP_BUFFER struct buffer text = {0};

        print_usage(command->name, command->operands, &text);
        buffer_print(&text, "\n%s.\n", command->summary);
        if (*command->about)
                buffer_print(&text, "\n%s\n", command->about);
        buffer_push_text(&text, "\n");
        options_encode_help(rules, &text);
        buffer_print(&text, "\nExample:\n%s\n", command->examples);
        screen_print(&text);
}

static int refuse_operands(const struct command *command, const struct options_operands *operands) {
        const char *what = operands->n < command->n_operands_min ? "something is missing" : "that is one word too many";

        screen_error("%s: usage: lull %s [OPTION...]%s%s; `lull %s --help` explains it", what, command->name,
                     *command->operands ? " " : "", command->operands, command->name);
        return -EINVAL;
}

int command_open(const struct command *command, const struct options_rule *rules, int argc, char **argv,
                 struct options_operands *ret) {
        CLEANUP_FREE char *error = NULL;
        struct options_operands operands;
        int r = options_parse(rules, argc, argv, &operands, &error);

        if (r < 0) {
                screen_error("%s; `lull %s --help` lists the options", error, command->name);
                return r;
        }
        if (r > 0) {
                print_help(command, rules);
                return 1;
        }
        if (operands.n < command->n_operands_min || operands.n > command->n_operands_max)
                return refuse_operands(command, &operands);
        *ret = operands;
        return 0;
}

enum command_exit command_exit_of(int opened) { return opened > 0 ? COMMAND_DONE : COMMAND_USAGE; }

/* "dead list" is typed as `lull dead list`: its own word is the last one. */
static const char *own_word(const struct command *command) {
        const char *space = strrchr(command->name, ' ');

        return space ? space + 1 : command->name;
}

static void print_commands(const char *title, const char *about, const struct command *const *commands) {
        CLEANUP_BUFFER struct buffer text = {0};

        buffer_print(&text, "usage: %s COMMAND [OPTION...] ...\n\n%s\n\nCommands:\n", title, about);
        for (; *commands; commands++)
                buffer_print(&text, "  %-10s %s\n", own_word(*commands), (*commands)->summary);
        buffer_print(&text, "\n`%s COMMAND --help` explains a command and gives an example.\n", title);
        screen_print(&text);
}

static void refuse_command(const char *title, const struct command *const *commands, const char *word) {
        CLEANUP_BUFFER struct buffer names = {0};

        for (; *commands; commands++)
                buffer_print(&names, " %s", own_word(*commands));
        screen_error("'%s' is no command; there are:%s; `%s --help` explains them", word, buffer_text(&names), title);
}

static bool is_help(const char *word) {
        return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

enum command_exit command_run(const char *title, const char *about, const struct command *const *commands, int argc,
                              char **argv) {
        if (argc < 2) {
                screen_error("which command? `%s --help` lists them", title);
                return COMMAND_USAGE;
        }
        for (const struct command *const *at = commands; *at; at++)
                if (strcmp(argv[1], own_word(*at)) == 0)
                        return (*at)->run(*at, argc - 1, argv + 1);
        if (is_help(argv[1])) {
                print_commands(title, about, commands);
                return COMMAND_DONE;
        }
        refuse_command(title, commands, argv[1]);
        return COMMAND_USAGE;
}

enum command_exit command_ask(const struct options *options, json_t *question,
                              void (*print)(const json_t *answer, struct wall now)) {
        CLEANUP_JSON json_t *answer = NULL;

        if (ask_broker(options, question, &answer) != 0)
                return COMMAND_FAILED;
        if (options->is_json)
                screen_print_json(answer);
        else
                print(answer, clock_now().wall);
        return COMMAND_DONE;
}
