/* lull hold, resume, flush and cancel: what a person does to one thread. */
#include "broker/ctl/answer.h"
#include "broker/ctl/ask.h"
#include "broker/ctl/command.h"
#include "broker/ctl/screen.h"
#include "broker/ctl/text.h"

static json_t *encode_question(const char *verb, const struct options_operands *operands) {
        return json_pack("{s:s, s:o, s:o}", "cmd", verb, "tenant", json_text_new(bytes_of(operands->words[0])),
                         "thread", json_text_new(bytes_of(operands->words[1])));
}

/* -- hold ---------------------------------------------------------------------------------------------------------- */

static void print_held(const json_t *answer, struct wall now) {
        CLEANUP_BUFFER struct buffer text = {0};

        buffer_push_text(&text, "held until ");
        if (answer_has(answer, "/until")) {
                answer_push_text(&text, answer, "/until");
                buffer_push_text(&text, " (");
                answer_push_when(&text, answer, "/until", now);
                buffer_push_text(&text, "), or `lull resume`\n");
        } else {
                buffer_push_text(&text, "somebody says `lull resume`\n");
        }
        screen_print(&text);
}

static enum command_exit hold_run(const struct command *command, int argc, char **argv) {
        const char *why = NULL;
        struct span span = {-1}; /* not said */
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {{.name = "for",
                                              .letter = 'f',
                                              .value = "TIME",
                                              .span = &span,
                                              .help = "let it go by itself after that: 30m, 2h, 7d; at most 366d"},
                                             {.name = "why",
                                              .letter = 'w',
                                              .value = "TEXT",
                                              .text = &why,
                                              .help = "who has it, and for what (400 bytes)"},
                                             OPTIONS_ASK(options),
                                             {0}};
        json_t *question;
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (span.us == 0) {
                screen_error("--for is longer than nothing, such as 30m; without it the hold has no end");
                return COMMAND_USAGE;
        }
        question = encode_question("hold", &operands);
        if (why)
                json_object_set_new(question, "why", json_text_new(bytes_of(why)));
        if (span.us > 0)
                json_object_set_new(question, "for_ms", json_integer(span_to_ms(span)));
        return command_ask(&options, question, print_held);
}

const struct command command_hold = {
        .name = "hold",
        .operands = "TENANT THREAD",
        .summary = "Keeps a thread from being answered: a person has taken it over",
        .about =
                "What comes is kept, in order. A run that has no answer yet is stopped at once; one whose answer is\n"
                "stored ends first, as its reply may be out already. On a thread that is held already, the reason and\n"
                "the end are set anew.",
        .examples = "  $ lull hold --for 30m --why 'Ana is writing' acme 5511999990000",
        .n_operands_min = 2,
        .n_operands_max = 2,
        .run = hold_run,
};

/* -- the others ---------------------------------------------------------------------------------------------------- */

static enum command_exit plain_run(const struct command *command, int argc, char **argv,
                                   void (*print)(const json_t *answer, struct wall now)) {
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {OPTIONS_ASK(options), {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        return command_ask(&options, encode_question(command->name, &operands), print);
}

static void print_text(const char *said) {
        CLEANUP_BUFFER struct buffer text = {0};

        buffer_push_text(&text, said);
        screen_print(&text);
}

static void print_resumed(const json_t *answer, struct wall now) {
        print_text("resumed: what it has is answered when it is due; `lull why` tells what of it is only recorded\n");
}

static void print_flushed(const json_t *answer, struct wall now) { print_text("flushed: it is due now\n"); }

static void print_cancelled(const json_t *answer, struct wall now) {
        CLEANUP_BUFFER struct buffer text = {0};

        buffer_push_text(&text, "cancelled, messages: ");
        answer_push_count(&text, answer, "/cancelled");
        buffer_push_text(&text, "; they are a dead letter, `lull dead list` has it\n");
        screen_print(&text);
}

static enum command_exit resume_run(const struct command *command, int argc, char **argv) {
        return plain_run(command, argc, argv, print_resumed);
}

static enum command_exit flush_run(const struct command *command, int argc, char **argv) {
        return plain_run(command, argc, argv, print_flushed);
}

static enum command_exit cancel_run(const struct command *command, int argc, char **argv) {
        const char *why = NULL;
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {{.name = "why",
                                              .letter = 'w',
                                              .value = "TEXT",
                                              .text = &why,
                                              .help = "the reason its dead letter bears"},
                                             OPTIONS_ASK(options),
                                             {0}};
        json_t *question;
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        question = encode_question("cancel", &operands);
        if (why)
                json_object_set_new(question, "why", json_text_new(bytes_of(why)));
        return command_ask(&options, question, print_cancelled);
}

const struct command command_resume = {
        .name = "resume",
        .operands = "TENANT THREAD",
        .summary = "Lets go of a thread that was held",
        .about = "What has come meanwhile is answered together, once it is due; where a person of the team had taken\n"
                 "over, some of it may only be recorded (on_resume in lull.yaml).",
        .examples = "  $ lull resume acme 5511999990000",
        .n_operands_min = 2,
        .n_operands_max = 2,
        .run = resume_run,
};

const struct command command_flush = {
        .name = "flush",
        .operands = "TENANT THREAD",
        .summary = "Answers a thread now, without waiting for the quiet or for a pause to end",
        .about = "Attempts that failed still count.",
        .examples = "  $ lull flush acme 5511999990000",
        .n_operands_min = 2,
        .n_operands_max = 2,
        .run = flush_run,
};

const struct command command_cancel = {
        .name = "cancel",
        .operands = "TENANT THREAD",
        .summary = "Gives up what a thread has now: it becomes a dead letter",
        .about = "A run that has no answer yet is stopped. Nothing is lost: `lull dead retry` brings it back. What "
                 "comes\n"
                 "later is handled as ever; `lull hold` keeps it, too.",
        .examples = "  $ lull cancel --why 'a test' acme 5511999990000",
        .n_operands_min = 2,
        .n_operands_max = 2,
        .run = cancel_run,
};
