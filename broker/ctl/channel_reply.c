/* lull channel reply: the HTTP request that lull would post in answer to a webhook. It is shown, and not sent. */
#include "broker/ctl/channel.h"
#include "broker/ctl/screen.h"
#include "broker/ctl/text.h"
#include "broker/ctl/trial.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/memory.h"

#include <string.h>
#include <strings.h>

/* What the request is made for. It is one that no broker gives. */
#define BATCH "01HZX3V5K8Q2M4N6P8R0T2V4W6"

/* -- secrets ------------------------------------------------------------------------------------------------------- */

/* What was made of a secret so that the secret cannot be seen in it. */
static const char *const opaque[] = {"authorization: basic ", "webhook-signature: "};

/* Appends a text with each secret as "***". */
static void push_masked(struct buffer *text, const char *from) {
        for (const char *secret; (secret = strstr(from, TRIAL_SECRET)); from = secret + strlen(TRIAL_SECRET)) {
                buffer_push(text, from, (size_t)(secret - from));
                buffer_push_text(text, "***");
        }
        buffer_push_text(text, from);
}

static char *masked_new(const char *from) {
        struct buffer text = {0};

        push_masked(&text, from);
        return buffer_text(&text);
}

static char *header_masked_new(const char *header) {
        for (size_t i = 0; i < sizeof opaque / sizeof *opaque; i++) {
                size_t len = strlen(opaque[i]);

                if (strncasecmp(header, opaque[i], len) == 0)
                        return memory_print("%.*s***", (int)len, header);
        }
        return masked_new(header);
}

/* -- what is shown ------------------------------------------------------------------------------------------------- */

/* JSON as a value; a form, or anything else, as its text. */
static json_t *body_json(const char *body) {
        CLEANUP_FREE char *masked = masked_new(body);
        CLEANUP_FREE char *error = NULL;
        json_t *value;

        if (json_decode(bytes_of(masked), &value, &error) == 0)
                return value;
        return json_text_new(bytes_of(masked));
}

static void push_body(struct buffer *text, const char *body) {
        CLEANUP_JSON json_t *value = body_json(body);
        CLEANUP_FREE char *shown =
                json_is_string(value) ? memory_print("%s", json_string_value(value))
                                      : json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

        buffer_push_text(text, "\n");
        text_push_lines(text, bytes_of(shown));
        buffer_push_text(text, "\n");
}

static void print_call(const struct channel_call *call) {
        CLEANUP_BUFFER struct buffer text = {0};
        CLEANUP_FREE char *url = masked_new(call->url);

        buffer_print(&text, "%s ", call->method);
        text_push_safe(&text, bytes_of(url));
        buffer_push_text(&text, "\n");
        for (char **header = call->headers; header && *header; header++) {
                CLEANUP_FREE char *masked = header_masked_new(*header);

                text_push_safe(&text, bytes_of(masked));
                buffer_push_text(&text, "\n");
        }
        if (call->body)
                push_body(&text, call->body);
        screen_print(&text);
}

static void print_call_json(const struct channel_call *call) {
        CLEANUP_FREE char *url = masked_new(call->url);
        CLEANUP_JSON json_t *answer =
                json_pack("{s:s, s:o, s:[], s:o}", "method", call->method, "url", json_text_new(bytes_of(url)),
                          "headers", "body", call->body ? body_json(call->body) : json_null());

        for (char **header = call->headers; header && *header; header++) {
                CLEANUP_FREE char *masked = header_masked_new(*header);

                json_array_append_new(json_object_get(answer, "headers"), json_text_new(bytes_of(masked)));
        }
        screen_print_json(answer);
}

/* lull posts it in parts: what is one of them the worker decides. */
static bool is_too_long(const struct trial *trial, const char *text) {
        enum channel_unit unit;
        size_t longest = channel_reply_longest(trial->channel, &unit);

        if (longest == 0 || channel_text_length(bytes_of(text), unit) <= longest)
                return false;
        screen_error("the platform takes %zu characters at most, and lull posts such a reply in parts; give a shorter "
                     "TEXT to see one",
                     longest);
        return true;
}

/* -- the command --------------------------------------------------------------------------------------------------- */

/* The last message of a body; NULL when there is none. */
static const struct channel_event *message_find(const struct channel_events *events) {
        for (size_t i = events->n; i > 0; i--)
                if (!events->items[i - 1].is_ignored && events->items[i - 1].what == WIRE_WHAT_MESSAGE)
                        return &events->items[i - 1];
        return NULL;
}

static enum command_exit answer(const struct trial *trial, const struct channel_event *message, const char *text,
                                bool is_json) {
        const struct channel_reply reply = {.thread = message->thread,
                                            .from = message->from,
                                            .tenant = trial->tenant,
                                            .batch = BATCH,
                                            .text = bytes_of(text),
                                            .message = message->id,
                                            .to = message->to};
        CLEANUP(channel_call_done) struct channel_call call = {0};
        CLEANUP_FREE char *error = NULL;

        if (is_too_long(trial, text))
                return COMMAND_FAILED;
        if (channel_post_encode(trial->channel, &reply, clock_now().wall, &call, &error) < 0) {
                screen_error("the reply cannot be expressed: %s", error);
                return COMMAND_FAILED;
        }
        (is_json ? print_call_json : print_call)(&call);
        return COMMAND_DONE;
}

static enum command_exit reply_run(const struct command *command, int argc, char **argv) {
        CLEANUP_TRIAL struct trial *trial = NULL;
        CLEANUP_BUFFER struct buffer body = {0};
        CLEANUP(channel_events_done) struct channel_events events = {0};
        struct trial_options options = {0};
        struct options_operands operands;
        bool is_json = false;
        const struct options_rule rules[] = {
                TRIAL_OPTIONS_SET(options),
                OPTIONS_CONFIG(options),
                {.name = "json", .letter = 'j', .flag = &is_json, .help = "print one line of JSON"},
                {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (trial_new(operands.words[0], &options, true, &trial) < 0 ||
            trial_file_read(operands.words[1], LIMIT_HTTP_BODY_BYTES, &body) < 0 ||
            trial_read(trial, buffer_bytes(&body), &events) < 0)
                return COMMAND_FAILED;
        if (!channel_has_post(trial->channel)) {
                screen_error("%s has no way to post replies; the settings of its kind say what it needs", trial->title);
                return COMMAND_FAILED;
        }
        if (!message_find(&events)) {
                screen_error("there is no message in it to answer; `lull channel test` shows what is%s%s",
                             trial->stand_ins ? ", and --set gives what has a stand-in here: " : "",
                             trial->stand_ins ? trial->stand_ins : "");
                return COMMAND_FAILED;
        }
        return answer(trial, message_find(&events), operands.words[2], is_json);
}

const struct command command_channel_reply = {
        .name = "channel reply",
        .operands = "CHANNEL FILE TEXT",
        .summary = "The HTTP request that would post TEXT in answer to a webhook's body; it is not sent",
        .about = "CHANNEL and FILE are those of `lull channel test`. Secrets, and what is made of them, are shown as "
                 "***.",
        .examples = "  $ lull channel reply acme/support body.json 'Hello'\n"
                    "  $ lull channel reply ./channels/mine.yaml body.json 'Hello'",
        .n_operands_min = 3,
        .n_operands_max = 3,
        .run = reply_run,
};
