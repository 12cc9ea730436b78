/* lull dead: the batches that were given up. Listing and showing them is here, retry and drop in dead_change.c. */
#include "broker/ctl/answer.h"
#include "broker/ctl/ask.h"
#include "broker/ctl/command.h"
#include "broker/ctl/dead_change.h"
#include "broker/ctl/rows.h"
#include "broker/ctl/screen.h"
#include "broker/ctl/text.h"
#include "common/clock.h"
#include "common/limits.h"

/* -- list ---------------------------------------------------------------------------------------------------------- */

static const struct listing_column columns[] = {
        {"BATCH"}, {"TENANT"}, {"THREAD"}, {"SINCE"}, {"MESSAGES", true}, {"ATTEMPTS", true}, {"CODE"}, {"WHY"},
};

static void push_row(struct listing *listing, const json_t *row, struct wall now) {
        CLEANUP_BUFFER struct buffer cell = {0};

        listing_push(listing, answer_text_find(row, "/batch"));
        listing_push(listing, answer_text_find(row, "/tenant"));
        listing_push(listing, answer_text_find(row, "/thread"));
        answer_push_when(&cell, row, "/since", now);
        listing_push_buffer(listing, &cell);
        answer_push_count(&cell, row, "/messages");
        listing_push_buffer(listing, &cell);
        answer_push_count(&cell, row, "/attempts");
        listing_push_buffer(listing, &cell);
        listing_push(listing, answer_text_find(row, "/code"));
        listing_push(listing, answer_text_find(row, "/why"));
}

static void print_list(const json_t *answer, struct wall now) {
        static const struct rows rows = {
                .key = "dead",
                .columns = columns,
                .n_columns = sizeof columns / sizeof *columns,
                .push = push_row,
                .none = "no dead letters",
                .advice = "--limit shows more, --tenant fewer",
        };

        rows_print(&rows, answer, now);
}

static enum command_exit list_run(const struct command *command, int argc, char **argv) {
        const char *tenant = NULL;
        uint64_t limit = 100;
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {
                {.name = "tenant", .value = "TENANT", .text = &tenant, .help = "only those of it"},
                {.name = "limit", .letter = 'n', .value = "N", .count = &limit, .help = "show at most so many (100)"},
                OPTIONS_ASK(options), {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (limit == 0 || limit > LIMIT_LISTING) {
                screen_error("--limit is 1 to %d", LIMIT_LISTING);
                return COMMAND_USAGE;
        }
        return command_ask(&options, dead_encode_question(tenant, limit), print_list);
}

static const struct command command_list = {
        .name = "dead list",
        .operands = "",
        .summary = "The dead letters: which, since when, why",
        .about = "",
        .examples = "  $ lull dead list --tenant acme",
        .run = list_run,
};

/* -- show ---------------------------------------------------------------------------------------------------------- */

static void push_message(struct buffer *text, const json_t *message) {
        CLEANUP_FREE char *body = json_scalar_text(json_object_get(message, "text"));
        const json_t *data = json_object_get(message, "data");

        buffer_push_text(text, "\n  ");
        answer_push_text(text, message, "/accepted");
        buffer_push_text(text, "  from ");
        answer_push_text(text, message, "/from");
        buffer_push_text(text, ", id ");
        answer_push_text(text, message, "/id");
        buffer_push_text(text, ", ");
        answer_push_text(text, message, "/kind");
        buffer_push_text(text, "\n");
        if (body) {
                buffer_push_text(text, "    ");
                text_push_safe(text, bytes_of(body));
                buffer_push_text(text, "\n");
        }
        if (data && !json_is_null(data)) {
                CLEANUP_FREE char *encoded = json_encode_text(data);

                buffer_push_text(text, "    data ");
                text_push_safe(text, bytes_of(encoded));
                buffer_push_text(text, "\n");
        }
}

static void push_letter(struct buffer *text, const json_t *letter, struct wall now) {
        static const struct {
                const char *label, *pointer;
        } rows[] = {{"tenant", "/tenant"}, {"thread", "/thread"},     {"attempts", "/attempts"},
                    {"code", "/code"},     {"why", "/why"}};

        buffer_push_text(text, "dead letter ");
        answer_push_text(text, letter, "/batch");
        buffer_push_text(text, ", given up ");
        answer_push_when(text, letter, "/since", now);
        buffer_push_text(text, "\n");
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                buffer_print(text, "  %-9s ", rows[i].label);
                answer_push_text(text, letter, rows[i].pointer);
                buffer_push_text(text, "\n");
        }
}

/* An answer that is stored was paid for: a retry posts it and does not ask the handler again. */
static void push_stored_answer(struct buffer *text, const json_t *letter) {
        const json_t *stored = json_object_get(letter, "answer");
        CLEANUP_FREE char *encoded = NULL;

        if (!stored || json_is_null(stored))
                return;
        encoded = json_encode_text(stored);
        buffer_push_text(text, "\n  The answer is stored; a retry posts it and does not ask again:\n    ");
        text_push_safe(text, bytes_of(encoded));
        buffer_push_text(text, "\n");
}

static void print_letter(const json_t *letter, struct wall now) {
        CLEANUP_BUFFER struct buffer text = {0};
        const json_t *messages = json_object_get(letter, "messages"), *message;
        size_t i;

        push_letter(&text, letter, now);
        json_array_foreach(messages, i, message)
                push_message(&text, message);
        push_stored_answer(&text, letter);
        screen_print(&text);
}

static enum command_exit show_run(const struct command *command, int argc, char **argv) {
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {OPTIONS_ASK(options), {0}};
        json_t *question;
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        question = json_pack("{s:s, s:o}", "cmd", "dead_show", "batch", json_text_new(bytes_of(operands.words[0])));
        return command_ask(&options, question, print_letter);
}

static const struct command command_show = {
        .name = "dead show",
        .operands = "BATCH",
        .summary = "One dead letter: its messages, its reason, its answer if there is one",
        .about = "",
        .examples = "  $ lull dead show 01HZX3V5K8Q2M4N6P8R0T2V4W6",
        .n_operands_min = 1,
        .n_operands_max = 1,
        .run = show_run,
};

/* -- dead ---------------------------------------------------------------------------------------------------------- */

static enum command_exit dead_run(const struct command *command, int argc, char **argv) {
        static const struct command *const commands[] = {&command_list, &command_show, &command_dead_retry,
                                                         &command_dead_drop, NULL};

        static const char about[] = "A dead letter is a batch that was given up. It is kept whole until it is retried\n"
                                    "or dropped, and blocks nothing meanwhile.";

        return command_run("lull dead", about, commands, argc, argv);
}

const struct command command_dead = {
        .name = "dead",
        .operands = "list|show|retry|drop",
        .summary = "The batches that were given up: list, show, retry, drop",
        .run = dead_run,
};
