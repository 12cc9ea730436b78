/* lull send: hands messages to the broker, from NDJSON on stdin or from the command line. */
#include "broker/ctl/command.h"
#include "broker/ctl/endpoint.h"
#include "common/lines.h"
#include "broker/ctl/producer.h"
#include "broker/ctl/screen.h"
#include "broker/ctl/text.h"
#include "common/clock.h"
#include "common/item.h"
#include "common/memory.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>

enum { READ_BYTES = 64 * 1024 };
/* Refusals told one by one; past that they are only counted. */
enum { REFUSALS_TOLD = 20, REFUSALS_KEPT = 1000 };
enum { PROGRESS_MS = 200 };

/* What a line that lacks it gets. */
struct defaults {
        const char *tenant, *thread, *channel;
};

struct send {
        const struct options *options;
        const struct defaults *defaults;
        char *endpoint;
        struct producer *producer;
        struct lines lines;
        uint64_t n_lines, n_accepted, n_duplicate, n_refused;
        uint64_t nonce; /* makes the ids we give unlike those of another run */
        json_t *refused;
        struct mono progress; /* when the broker last answered, or had nothing to answer */
        struct mono shown;
        bool has_ended, is_silent, is_full;
};

/* Set by SIGINT and SIGTERM: what was acknowledged is told as at any other end. */
static volatile sig_atomic_t is_interrupted;

static void on_signal(int signal_number) { is_interrupted = 1; }

/* A second one ends the program at once. */
static void catch_signals(void) {
        const struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
}

/* -- what was refused ---------------------------------------------------------------------------------------------- */

static void refuse(struct send *send, uint64_t line, const char *code, struct bytes why) {
        send->n_refused++;
        if (json_array_size(send->refused) < REFUSALS_KEPT)
                json_array_append_new(send->refused,
                                      json_pack("{s:I, s:o, s:o}", "line", (json_int_t)line, "code",
                                                json_text_new(bytes_of(code)), "why", json_text_new(why)));
        if (!send->options->is_json && send->n_refused <= REFUSALS_TOLD)
                screen_error("line %llu: %s: %.*s", (unsigned long long)line, code, BYTES_PRINT(why));
}

static void refuse_fault(struct send *send, struct item_fault *fault) {
        refuse(send, send->n_lines, fault->code, bytes_of(fault->why));
        free(fault->why);
}

/* Whoever sends can wait; and a message left out now could only be put behind those that follow it. */
static void on_full(void *context, struct bytes code) {
        struct send *send = context;

        send->progress = clock_mono();
        if (send->is_full)
                return;
        send->is_full = true;
        screen_error("the broker has no room for more (%.*s): waiting until it has; `lull stats` shows what is full, "
                     "Ctrl-C gives up",
                     BYTES_PRINT(code));
}

static void on_ack(void *context, const struct producer_frame *frame) {
        struct send *send = context;
        struct pack_reader reader = frame->ack->refusals;
        struct wire_refusal refusal;

        send->n_accepted += frame->ack->n_accepted;
        send->n_duplicate += frame->ack->n_duplicates;
        send->progress = clock_mono();
        if (send->is_full)
                screen_error("the broker has room again");
        send->is_full = false;
        for (uint32_t i = 0; i < frame->ack->n_refusals && wire_refusal_next(&reader, &refusal) == 0; i++) {
                CLEANUP_FREE char *code = bytes_copy_text(refusal.code);

                refuse(send, refusal.index < frame->n ? frame->tags[refusal.index] : 0, code, refusal.why);
        }
}

/* -- what goes out ------------------------------------------------------------------------------------------------- */

static void set_default(json_t *json, const char *key, const char *value) {
        const json_t *said = json_object_get(json, key);

        if (value && (!said || json_is_null(said)))
                json_object_set_new(json, key, json_text_new(bytes_of(value)));
}

/* Not an event, then, whose id would be that of another message. */
static bool is_message(const json_t *json) {
        const char *what = json_string_value(json_object_get(json, "what"));

        return !what || strcmp(what, wire_what_name(WIRE_WHAT_MESSAGE)) == 0;
}

static int push_json(struct send *send, json_t *json, struct item_fault *ret_fault) {
        CLEANUP_BUFFER struct buffer body = {0};
        CLEANUP_FREE char *id =
                memory_print("lull-%016llx-%llu", (unsigned long long)send->nonce, (unsigned long long)send->n_lines);
        struct wire_message message;
        struct item item;
        int r;

        set_default(json, "tenant", send->defaults->tenant);
        set_default(json, "thread", send->defaults->thread);
        set_default(json, "channel", send->defaults->channel);
        if (is_message(json))
                set_default(json, "id", id);
        r = item_decode(json, &item, ret_fault);
        if (r < 0)
                return r;
        message = item_to_message(&item, &body);
        r = item_check(&message, LIMIT_MESSAGE_BYTES_MAX, ret_fault);
        if (r == 0) {
                if (producer_in_flight(send->producer) == 0)
                        send->progress = clock_mono();
                producer_push(send->producer, send->n_lines, &message, clock_mono());
        }
        item_done(&item);
        return r;
}

/* A line of NDJSON has no lines of its own: that an error stands in its line 1 would only be mistaken for the
 * file's. */
static const char *without_line(const char *error) {
        static const char first[] = "line 1, ";
        size_t len = sizeof first - 1;

        return strncmp(error, first, len) == 0 ? error + len : error;
}

static void on_line(struct send *send, struct bytes line) {
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_FREE char *error = NULL;
        struct item_fault fault;

        send->n_lines++;
        if (line.len == 0)
                return;
        if (json_decode(line, &json, &error) < 0)
                refuse(send, send->n_lines, "bad_json", bytes_of(without_line(error)));
        else if (push_json(send, json, &fault) < 0)
                refuse_fault(send, &fault);
}

/* Lines that have been read, as far as there is room in the window. */
static void push_lines(struct send *send) {
        struct line line;

        while (producer_has_room(send->producer) && lines_pop(&send->lines, &line)) {
                if (!line.is_too_long) {
                        on_line(send, line.text);
                        continue;
                }
                send->n_lines++;
                refuse(send, send->n_lines, "too_large", bytes_of("the line is longer than any message may be"));
        }
        producer_flush(send->producer, clock_mono());
}

/* -- the loop ------------------------------------------------------------------------------------------------------ */

static void on_input(struct send *send) {
        ssize_t n = read(STDIN_FILENO, lines_reserve(&send->lines, READ_BYTES), READ_BYTES);

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return;
        lines_push(&send->lines, n > 0 ? (size_t)n : 0);
        send->has_ended = n <= 0;
}

static void show_progress(struct send *send, struct mono now) {
        if (screen_has_person() || mono_since(now, send->shown).us < span_ms(PROGRESS_MS).us)
                return;
        send->shown = now;
        screen_progress("%llu lines, %llu acknowledged", (unsigned long long)send->n_lines,
                        (unsigned long long)(send->n_accepted + send->n_duplicate));
}

static void wait_for_more(struct send *send, struct mono now) {
        struct pollfd fds[] = {
                {.fd = producer_fd(send->producer), .events = POLLIN},
                {.fd = send->has_ended || !producer_has_room(send->producer) ? -1 : STDIN_FILENO, .events = POLLIN},
        };
        struct span span = span_min(producer_wait(send->producer, now), span_ms(PROGRESS_MS));

        if (poll(fds, 2, (int)((span.us + 999) / 1000)) > 0 && fds[1].revents)
                on_input(send);
}

static bool is_over(const struct send *send) {
        return send->has_ended && send->lines.at == send->lines.bytes.len && producer_in_flight(send->producer) == 0;
}

static void send_all(struct send *send) {
        send->progress = clock_mono();
        push_lines(send);
        while (!is_over(send) && !is_interrupted) {
                struct mono now = clock_mono();

                producer_step(send->producer, now);
                if (producer_in_flight(send->producer) > 0 &&
                    mono_is_due(now, mono_add(send->progress, send->options->timeout))) {
                        send->is_silent = true;
                        break;
                }
                show_progress(send, now);
                wait_for_more(send, now);
                push_lines(send);
        }
        screen_progress("%s", "");
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

static void print_silence(const struct send *send) {
        const char *error = producer_error(send->producer);

        endpoint_report_silence(send->options, ENDPOINT_INGEST, send->endpoint);
        if (error)
                screen_error("the broker complained: %s", error);
        screen_error("what was not acknowledged may or may not have been taken in; with ids of their own, messages can "
                     "be sent again without harm");
}

static bool is_complete(const struct send *send) { return !send->is_silent && is_over(send); }

static void print_summary(const struct send *send) {
        CLEANUP_BUFFER struct buffer text = {0};

        text_push_count(&text, (int64_t)send->n_accepted);
        buffer_push_text(&text, " accepted, ");
        text_push_count(&text, (int64_t)send->n_duplicate);
        buffer_push_text(&text, " duplicate, ");
        text_push_count(&text, (int64_t)send->n_refused);
        buffer_push_text(&text, " refused\n");
        screen_print(&text);
}

static void print_summary_json(const struct send *send) {
        CLEANUP_JSON json_t *answer =
                json_pack("{s:I, s:I, s:O, s:I, s:b}", "accepted", (json_int_t)send->n_accepted, "duplicate",
                          (json_int_t)send->n_duplicate, "refused", send->refused, "refused_total",
                          (json_int_t)send->n_refused, "complete", is_complete(send));

        screen_print_json(answer);
}

static enum command_exit print_outcome(const struct send *send) {
        if (send->is_silent)
                print_silence(send);
        else if (!is_complete(send))
                screen_error("interrupted; what was not acknowledged may or may not have been taken in");
        if (send->n_refused > REFUSALS_TOLD && !send->options->is_json)
                screen_error("%llu more were refused", (unsigned long long)(send->n_refused - REFUSALS_TOLD));
        (send->options->is_json ? print_summary_json : print_summary)(send);
        return !is_complete(send) || send->n_refused > 0 ? COMMAND_FAILED : COMMAND_DONE;
}

static int send_open(struct send *send) {
        const struct producer_settings settings = {LIMIT_STDIN_MESSAGES, LIMIT_SEND_WINDOW, on_ack, send, on_full};
        int r = endpoint_find(send->options, ENDPOINT_INGEST, &send->endpoint);

        if (r < 0)
                return r;
        r = producer_new(send->endpoint, &settings, &send->producer);
        if (r < 0)
                screen_error("'%s' is no endpoint (%s); one looks like tcp://127.0.0.1:7601", send->endpoint,
                             strerror(-r));
        return r;
}

static void send_done(struct send *send) {
        producer_free(send->producer);
        lines_done(&send->lines);
        json_decref(send->refused);
        free(send->endpoint);
}

/* The one message of the command line, as a line. */
static void push_single(struct send *send, const char *text, const char *id, const char *from) {
        CLEANUP_JSON json_t *json = json_pack("{s:o}", "text", json_text_new(bytes_of(text)));
        CLEANUP_FREE char *line = NULL;

        set_default(json, "id", id);
        set_default(json, "from", from);
        line = json_encode_text(json);
        memcpy(lines_reserve(&send->lines, strlen(line)), line, strlen(line));
        lines_push(&send->lines, strlen(line));
        lines_push(&send->lines, 0);
        send->has_ended = true;
}

static enum command_exit send_run(const struct command *command, int argc, char **argv) {
        CLEANUP(send_done) struct send send = {.refused = json_array()};
        const char *text = NULL, *id = NULL, *from = NULL;
        struct defaults defaults = {0};
        struct options options = {.timeout = span_s(10)};
        struct options_operands operands;
        const struct options_rule rules[] = {
                {.name = "tenant", .value = "TENANT", .text = &defaults.tenant, .help = "for lines that name none"},
                {.name = "thread", .value = "THREAD", .text = &defaults.thread, .help = "for lines that name none"},
                {.name = "channel", .value = "CHANNEL", .text = &defaults.channel, .help = "for lines that name none"},
                {.name = "text", .value = "TEXT", .text = &text, .help = "send this one message; stdin is not read"},
                {.name = "id", .value = "ID", .text = &id, .help = "with --text: its id"},
                {.name = "from", .value = "FROM", .text = &from, .help = "with --text: who says it"},
                {.name = "timeout",
                 .letter = 't',
                 .value = "TIME",
                 .span = &options.timeout,
                 .help = "give up when the broker is silent for so long (10s)"},
                OPTIONS_JSON(options),
                OPTIONS_CONFIG(options),
                OPTIONS_INGEST(options),
                {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (text ? !defaults.tenant || !defaults.thread : id || from) {
                screen_error(text ? "--text needs --tenant and --thread" : "--id and --from go with --text");
                return COMMAND_USAGE;
        }
        send.options = &options;
        send.defaults = &defaults;
        if (getrandom(&send.nonce, sizeof send.nonce, 0) < 0 || send_open(&send) < 0)
                return COMMAND_FAILED;
        catch_signals();
        if (text)
                push_single(&send, text, id, from);
        send_all(&send);
        return print_outcome(&send);
}

const struct command command_send = {
        .name = "send",
        .operands = "",
        .summary = "Hands messages to the broker: NDJSON on stdin, or one with --text",
        .about = "A line is a JSON object: tenant, thread, and any of id, text, data, channel, from, at, kind.\n"
                 "Give each an id: then the same file can be sent twice, and the second time it is all duplicates.\n"
                 "Done means acknowledged, which the broker does when the messages are on disk.\n"
                 "While a tenant or the disk is full it waits and tries again without an end, in order. Ctrl-C ends\n"
                 "it, and it prints what was acknowledged until then.",
        .examples = "  $ lull send <messages.ndjson\n"
                    "  $ lull send --tenant acme --thread 5511999990000 --text 'Quanto custa?'",
        .run = send_run,
};
