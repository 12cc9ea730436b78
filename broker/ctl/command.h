/* A command of `lull`: its name, its help, and what runs it. One file a command; main.c holds the table.
 *
 * Every command reads its words with command_open(), so that --help, a misspelt option and a missing operand look the
 * same everywhere. */
#pragma once

#include "broker/ctl/options.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/time.h"

/* What the program ends with. */
enum command_exit {
        COMMAND_DONE = 0,
        COMMAND_FAILED = 1,
        COMMAND_USAGE = 2,
};

struct command {
        const char *name; /* as it is typed behind `lull`: "stats", "dead list" */
        const char *operands; /* as help shows them: "TENANT THREAD"; "" = none */
        const char *summary; /* one line for the list of commands */
        const char *about; /* what its own help says beyond that; "" = nothing */
        const char *examples; /* lines of "  $ lull ..." */
        int n_operands_min, n_operands_max;
        enum command_exit (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command command_bench, command_cancel, command_channel, command_check, command_dead, command_flush,
        command_hold, command_holds, command_resume, command_send, command_settings, command_stats, command_threads,
        command_why;

/* Reads the options and operands behind a command. 0; 1 when help was asked for and has been printed; -EINVAL when
 * the words are wrong and that has been said. The operands point into argv. */
MUST_USE int command_open(const struct command *command, const struct options_rule *rules, int argc, char **argv,
                          struct options_operands *ret);
/* What to end with when command_open() did not answer 0. */
enum command_exit command_exit_of(int opened);

/* For a command that asks the broker once: asks `question`, which it takes, and prints the answer, as JSON if the
 * options say so, else with `print`. */
MUST_USE enum command_exit command_ask(const struct options *options, json_t *question,
                                       void (*print)(const json_t *answer, struct wall now));

/* Runs the command that argv[1] names. `title` is what is typed before it: "lull" or "lull dead". The table ends
 * with NULL. */
MUST_USE enum command_exit command_run(const char *title, const char *about, const struct command *const *commands,
                                       int argc, char **argv);
