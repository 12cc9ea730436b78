/* lull holds: which threads are held, and by whom. */
#include "broker/ctl/answer.h"
#include "broker/ctl/ask.h"
#include "broker/ctl/command.h"
#include "broker/ctl/rows.h"
#include "broker/ctl/screen.h"
#include "common/limits.h"

static const struct listing_column columns[] = {
        {"TENANT"}, {"THREAD"}, {"BY"}, {"SINCE"}, {"UNTIL"}, {"PENDING", .is_number = true}, {"ON RESUME"}, {"WHY"},
};

static void push_row(struct listing *listing, const json_t *row, struct wall now) {
        CLEANUP_BUFFER struct buffer cell = {0};

        listing_push(listing, answer_text_find(row, "/tenant"));
        listing_push(listing, answer_text_find(row, "/thread"));
        listing_push(listing, answer_text_find(row, "/kind"));
        answer_push_when(&cell, row, "/since", now);
        listing_push_buffer(listing, &cell);
        answer_push_when(&cell, row, "/until", now);
        listing_push_buffer(listing, &cell);
        answer_push_count(&cell, row, "/pending");
        listing_push_buffer(listing, &cell);
        listing_push(listing, answer_text_find(row, "/on_resume"));
        listing_push(listing, answer_text_find(row, "/why"));
}

static void print_answer(const json_t *answer, struct wall now) {
        static const struct rows rows = {
                .key = "holds",
                .columns = columns,
                .n_columns = sizeof columns / sizeof *columns,
                .push = push_row,
                .none = "no thread is held",
                .advice = "--limit shows more, --tenant fewer",
        };

        rows_print(&rows, answer, now);
}

static json_t *encode_question(const char *tenant, uint64_t limit) {
        json_t *question = json_pack("{s:s, s:I}", "cmd", "holds", "limit", (json_int_t)limit);

        if (tenant)
                json_object_set_new(question, "tenant", json_text_new(bytes_of(tenant)));
        return question;
}

static enum command_exit holds_run(const struct command *command, int argc, char **argv) {
        const char *tenant = NULL;
        uint64_t limit = 100;
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {
                {.name = "tenant", .value = "TENANT", .text = &tenant, .help = "only those of it"},
                {.name = "limit", .letter = 'n', .value = "N", .count = &limit, .help = "show at most so many (100)"},
                OPTIONS_ASK(options),
                {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (limit == 0 || limit > LIMIT_LISTING) {
                screen_error("--limit is 1 to %d", LIMIT_LISTING);
                return COMMAND_USAGE;
        }
        return command_ask(&options, encode_question(tenant, limit), print_answer);
}

const struct command command_holds = {
        .name = "holds",
        .operands = "",
        .summary = "The threads that are held: by whom, since when, until when, why",
        .about =
                "BY operator: by `lull hold`, until `lull resume`. person: somebody of the team has answered, until "
                "the\n"
                "platform gives the thread back, or `lull resume`. closed: the conversation was closed, until the\n"
                "person writes again. Each ends at UNTIL, too. PENDING is how many messages wait behind it, ON RESUME\n"
                "what becomes of them then (on_resume in lull.yaml): they are answered, only recorded, or, with rest,\n"
                "answered if they came after the team's last word, else recorded.",
        .examples = "  $ lull holds --tenant acme",
        .run = holds_run,
};
