/* lull why: what a thread is doing, since when, what it waits for, and what happens next. */
#include "broker/ctl/answer.h"
#include "broker/ctl/ask.h"
#include "broker/ctl/command.h"
#include "broker/ctl/run_record.h"
#include "broker/ctl/screen.h"
#include "broker/ctl/text.h"
#include "common/clock.h"

#include <string.h>

/* Ids of messages, and other names of the thread; --json has them all. */
enum { NAMES_SHOWN = 8 };

static const char *meaning_of(const char *state) {
        static const struct {
                const char *state, *meaning;
        } meanings[] = {
                {"collecting", "messages have come, and it has not been quiet for long enough yet"},
                {"ready", "its messages are due, and no worker has taken them yet"},
                {"running", "a worker is at it"},
                {"waiting", "the thread or the provider was busy; it comes again by itself"},
                {"backoff", "the last attempt failed; it comes again by itself"},
                {"held", "somebody has taken it over; what comes is kept and not answered"},
                {"dead", "a batch was given up; it stays until somebody retries or drops it"},
                {"done", "everything it had has been handled"},
                {"unknown", "the broker holds nothing of this thread"},
        };

        for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
                if (strcmp(meanings[i].state, state) == 0)
                        return meanings[i].meaning;
        return "a state that this lull does not know";
}

/* Of one that is held, by who holds it; the broker of an earlier version does not say. */
static const char *meaning_of_hold(const json_t *answer) {
        const char *kind = answer_text_find(answer, "/hold/kind");

        if (kind && strcmp(kind, "person") == 0)
                return "somebody of the team answers; what comes is kept, until the platform gives it back";
        if (kind && strcmp(kind, "closed") == 0)
                return "the conversation was closed; it goes on with the person's next message";
        return meaning_of("held");
}

/* Of a thread that is due after a restart of the broker, whatever its state. */
static const char awaited[] = "its messages are due; a worker from before the broker's restart may have them";

static const char *state_of(const json_t *answer) {
        const char *state = answer_text_find(answer, "/state");

        return state ? state : "";
}

static void push_label(struct buffer *text, const char *label) { buffer_print(text, "  %-13s ", label); }

/* A line for a text of the answer, if there is one. */
static void push_line(struct buffer *text, const json_t *answer, const char *label, const char *pointer) {
        if (!answer_has(answer, pointer))
                return;
        push_label(text, label);
        answer_push_text(text, answer, pointer);
        buffer_push_text(text, "\n");
}

static void push_when_line(struct buffer *text, const json_t *answer, const char *label, const char *pointer,
                           struct wall now) {
        if (!answer_has(answer, pointer))
                return;
        push_label(text, label);
        answer_push_when(text, answer, pointer, now);
        buffer_push_text(text, " (");
        answer_push_text(text, answer, pointer);
        buffer_push_text(text, ")\n");
}

static void push_messages(struct buffer *text, const json_t *answer) {
        if (!answer_has(answer, "/messages"))
                return;
        push_label(text, "messages");
        answer_push_count(text, answer, "/messages");
        if (answer_has(answer, "/bytes")) {
                buffer_push_text(text, ", ");
                answer_push_size(text, answer, "/bytes");
        }
        if (answer_has(answer, "/messages_to_record")) {
                buffer_push_text(text, "; only to be recorded: ");
                answer_push_count(text, answer, "/messages_to_record");
        }
        buffer_push_text(text, "\n");
}

static void push_batch(struct buffer *text, const json_t *answer) {
        if (!answer_has(answer, "/batch"))
                return;
        push_label(text, "batch");
        answer_push_text(text, answer, "/batch");
        if (answer_has(answer, "/attempt")) {
                buffer_push_text(text, ", attempt ");
                answer_push_text(text, answer, "/attempt");
        }
        buffer_push_text(text, "\n");
}

static void push_worker(struct buffer *text, const json_t *answer) {
        if (!answer_has(answer, "/worker"))
                return;
        push_label(text, "worker");
        answer_push_text(text, answer, "/worker");
        if (answer_has(answer, "/fence")) {
                buffer_push_text(text, ", fence ");
                answer_push_text(text, answer, "/fence");
        }
        buffer_push_text(text, "\n");
}

/* While it is being posted there is always one that may be out: that is said when nobody is at it. */
static void push_stored_answer(struct buffer *text, const json_t *answer) {
        bool is_doubtful = json_is_true(json_object_get(json_object_get(answer, "answer"), "doubt"));

        if (!answer_has(answer, "/answer"))
                return;
        push_label(text, "answer");
        buffer_push_text(text, "stored, ");
        answer_push_count(text, answer, "/answer/posted");
        if (answer_has(answer, "/answer/replies")) {
                buffer_push_text(text, " of ");
                answer_push_count(text, answer, "/answer/replies");
        }
        buffer_push_text(text, " posted");
        if (is_doubtful && strcmp(state_of(answer), "running") != 0)
                buffer_push_text(text, "; the next one may be out too: the channel is read back first, else on_unknown "
                                       "decides");
        buffer_push_text(text, "\n");
}

static void push_interrupts(struct buffer *text, const json_t *answer) {
        if (!answer_has(answer, "/interrupts"))
                return;
        push_label(text, "interrupts");
        answer_push_count(text, answer, "/interrupts");
        buffer_push_text(text, ": newer messages came while it was being answered\n");
}

static void push_failure(struct buffer *text, const json_t *answer) {
        if (!answer_has(answer, "/last_failure"))
                return;
        push_label(text, "last failure");
        answer_push_text(text, answer, "/last_failure/code");
        buffer_push_text(text, ": ");
        answer_push_text(text, answer, "/last_failure/why");
        buffer_push_text(text, "\n");
}

static void push_hold(struct buffer *text, const json_t *answer, struct wall now) {
        push_line(text, answer, "held by", "/hold/kind");
        push_when_line(text, answer, "held since", "/hold/since", now);
        push_when_line(text, answer, "held until", "/hold/until", now);
        push_line(text, answer, "held for", "/hold/why");
        push_line(text, answer, "on resume", "/hold/on_resume");
}

/* A list of names, of which a person needs to see a few. */
static void push_names(struct buffer *text, const json_t *answer, const char *label, const char *key) {
        const json_t *names = json_object_get(answer, key);
        size_t n = json_array_size(names);

        if (n == 0)
                return;
        push_label(text, label);
        for (size_t i = 0; i < n && i < NAMES_SHOWN; i++) {
                CLEANUP_FREE char *name = json_scalar_text(json_array_get(names, i));

                buffer_push_text(text, i > 0 ? ", " : "");
                text_push_safe(text, bytes_of(name ? name : "(none)"));
        }
        if (n > NAMES_SHOWN)
                buffer_print(text, " and %zu more", n - NAMES_SHOWN);
        buffer_push_text(text, "\n");
}

static void push_dead(struct buffer *text, const json_t *answer, struct wall now) {
        const json_t *dead = json_object_get(answer, "dead"), *letter;
        bool is_dead = strcmp(state_of(answer), "dead") == 0;
        size_t i;

        json_array_foreach(dead, i, letter) {
                push_label(text, "dead letter");
                answer_push_text(text, letter, "/batch");
                buffer_push_text(text, ", ");
                answer_push_when(text, letter, "/since", now);
                buffer_push_text(text, ": ");
                answer_push_text(text, letter, "/code");
                buffer_push_text(text, ": ");
                answer_push_text(text, letter, "/why");
                buffer_push_text(text, "\n");
        }
        /* Of a dead thread the broker says itself what to do. */
        if (json_array_size(dead) > 0 && !is_dead)
                buffer_push_text(text, "\n`lull dead show BATCH` has it, `lull dead retry BATCH` runs it again.\n");
}

static const char *meaning_of_answer(const json_t *answer) {
        const char *state = state_of(answer);

        if (answer_has(answer, "/awaited_until"))
                return awaited;
        return strcmp(state, "held") == 0 ? meaning_of_hold(answer) : meaning_of(state);
}

static void print_answer(const json_t *answer, struct wall now) {
        CLEANUP_BUFFER struct buffer text = {0};

        answer_push_text(&text, answer, "/tenant");
        buffer_push_text(&text, " / ");
        answer_push_text(&text, answer, "/thread");
        buffer_push_text(&text, ": ");
        answer_push_text(&text, answer, "/state");
        buffer_print(&text, ": %s\n", meaning_of_answer(answer));
        push_names(&text, answer, "also called", "aliases");
        push_when_line(&text, answer, "since", "/since", now);
        push_line(&text, answer, "waits for", "/waits_for");
        push_line(&text, answer, "next", "/next");
        push_when_line(&text, answer, "due", "/due", now);
        push_messages(&text, answer);
        push_batch(&text, answer);
        push_worker(&text, answer);
        run_record_push(&text, answer, now);
        push_stored_answer(&text, answer);
        push_interrupts(&text, answer);
        push_hold(&text, answer, now);
        push_failure(&text, answer);
        push_names(&text, answer, "message ids", "pending_ids");
        push_dead(&text, answer, now);
        screen_print(&text);
}

static enum command_exit why_run(const struct command *command, int argc, char **argv) {
        struct options options = OPTIONS_INIT;
        struct options_operands operands;
        const struct options_rule rules[] = {OPTIONS_ASK(options), {0}};
        CLEANUP_JSON json_t *answer = NULL, *record = NULL;
        json_t *question;
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        question = json_pack("{s:s, s:o, s:o}", "cmd", "why", "tenant", json_text_new(bytes_of(operands.words[0])),
                             "thread", json_text_new(bytes_of(operands.words[1])));
        /* First: a record of a run that the broker then does not speak of is of one that is over. */
        record = run_record_new(&options, operands.words[0], operands.words[1]);
        if (ask_broker(&options, question, &answer) != 0)
                return COMMAND_FAILED;
        json_object_update(answer, record);
        if (options.is_json)
                screen_print_json(answer);
        else
                print_answer(answer, clock_now().wall);
        return COMMAND_DONE;
}

const struct command command_why = {
        .name = "why",
        .operands = "TENANT THREAD",
        .summary = "What a thread is doing, since when, what it waits for, and what is next",
        .about = "States: collecting, ready, running, waiting (busy), backoff (after a failure), held, dead, done,\n"
                 "unknown. THREAD may be any name that the conversation goes by.",
        .examples = "  $ lull why acme 5511999990000",
        .n_operands_min = 2,
        .n_operands_max = 2,
        .run = why_run,
};
