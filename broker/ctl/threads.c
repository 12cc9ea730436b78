/* lull threads: which threads there are, and in what state. */
#include "broker/ctl/answer.h"
#include "broker/ctl/ask.h"
#include "broker/ctl/command.h"
#include "broker/ctl/rows.h"
#include "broker/ctl/screen.h"
#include "broker/ctl/text.h"
#include "common/clock.h"
#include "common/limits.h"

#include <string.h>

#define STATES "collecting, ready, running, waiting, backoff, held"

static const struct listing_column columns[] = {
        {"TENANT"}, {"THREAD"}, {"STATE"}, {"SINCE"}, {"MESSAGES", .is_number = true}, {"DUE"},
};

static void push_row(struct listing *listing, const json_t *row, struct wall now) {
        CLEANUP_BUFFER struct buffer cell = {0};

        listing_push(listing, answer_text_find(row, "/tenant"));
        listing_push(listing, answer_text_find(row, "/thread"));
        listing_push(listing, answer_text_find(row, "/state"));
        answer_push_when(&cell, row, "/since", now);
        listing_push_buffer(listing, &cell);
        answer_push_count(&cell, row, "/messages");
        listing_push_buffer(listing, &cell);
        answer_push_when(&cell, row, "/due", now);
        listing_push_buffer(listing, &cell);
}

static void print_answer(const json_t *answer, struct wall now) {
        static const struct rows rows = {
                .key = "threads",
                .columns = columns,
                .n_columns = sizeof columns / sizeof *columns,
                .push = push_row,
                .none = "no thread matches",
                .advice = "--limit shows more, --tenant and --state fewer",
        };

        rows_print(&rows, answer, now);
}

static bool is_state(const char *word) {
        static const char *const states[] = {"collecting", "ready", "running", "waiting", "backoff", "held"};

        for (size_t i = 0; i < sizeof states / sizeof *states; i++)
                if (strcmp(word, states[i]) == 0)
                        return true;
        return false;
}

static json_t *encode_question(const char *state, const char *tenant, uint64_t limit) {
        json_t *question = json_pack("{s:s, s:I}", "cmd", "threads", "limit", (json_int_t)limit);

        if (state)
                json_object_set_new(question, "state", json_text_new(bytes_of(state)));
        if (tenant)
                json_object_set_new(question, "tenant", json_text_new(bytes_of(tenant)));
        return question;
}

static enum command_exit threads_run(const struct command *command, int argc, char **argv) {
        const char *state = NULL, *tenant = NULL;
        uint64_t limit = 100;
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {
                {.name = "state", .letter = 's', .value = "STATE", .text = &state, .help = "only those in it: " STATES},
                {.name = "tenant", .value = "TENANT", .text = &tenant, .help = "only those of it"},
                {.name = "limit", .letter = 'n', .value = "N", .count = &limit, .help = "show at most so many (100)"},
                OPTIONS_ASK(options), {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (state && !is_state(state)) {
                screen_error("'%s' is no state; there are " STATES, state);
                return COMMAND_USAGE;
        }
        if (limit == 0 || limit > LIMIT_LISTING) {
                screen_error("--limit is 1 to %d", LIMIT_LISTING);
                return COMMAND_USAGE;
        }
        return command_ask(&options, encode_question(state, tenant, limit), print_answer);
}

const struct command command_threads = {
        .name = "threads",
        .operands = "",
        .summary = "The threads that have messages, and the state of each",
        .about = "",
        .examples = "  $ lull threads --state backoff --tenant acme",
        .run = threads_run,
};
