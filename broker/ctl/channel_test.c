/* lull channel test: what lull makes of a webhook's body, and whether its signature holds. */
#include "broker/ctl/channel.h"
#include "broker/ctl/screen.h"
#include "broker/ctl/text.h"
#include "broker/ctl/trial.h"
#include "common/clock.h"
#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

struct test {
        struct trial_options trial;
        struct options_list headers, query;
        struct options options;
};

/* -- the request --------------------------------------------------------------------------------------------------- */

static const char *value_find(const struct options_list *list, const char *name, char separator) {
        size_t len = strlen(name);

        for (size_t i = 0; i < list->n; i++) {
                const char *item = list->items[i];

                if (strncasecmp(item, name, len) == 0 && item[len] == separator)
                        return item + len + 1 + strspn(item + len + 1, separator == ':' ? " \t" : "");
        }
        return NULL;
}

static const char *find_header(void *context, const char *name) {
        const struct test *test = context;

        return value_find(&test->headers, name, ':');
}

static const char *find_query(void *context, const char *name) {
        const struct test *test = context;

        return value_find(&test->query, name, '=');
}

/* -- the signature ------------------------------------------------------------------------------------------------- */

/* A body that was kept for later is signed in its past: was it right then? A header that is a Unix time says when. */
static bool was_genuine(struct test *test, const struct trial *trial, struct channel_request request) {
        for (size_t i = 0; i < test->headers.n; i++) {
                const char *value = strchr(test->headers.items[i], ':') + 1;
                uint64_t seconds;

                value += strspn(value, " \t");
                if (options_decode_count(value, &seconds) < 0)
                        continue;
                request.now = (struct wall){(int64_t)seconds * 1000};
                if (channel_verify(trial->channel, &request) == CHANNEL_GENUINE)
                        return true;
        }
        return false;
}

struct verdict {
        const char *word, *sentence;
        bool is_wrong;
};

static const struct verdict unchecked = {"unchecked",
                                         "is not checked; --header \"Name: value\" gives what came with it.", false};
static const struct verdict stand_in = {"unchecked",
                                        "is not checked; --set gives the secret that lull.yaml would have.", false};
static const struct verdict old = {"stale", "holds, but is too old by now: live it would be turned away as a replay.",
                                   false};
static const struct verdict verdicts[] = {
        [CHANNEL_GENUINE] = {"genuine", "holds.", false},
        [CHANNEL_UNSIGNED] = {"unsigned", "is missing: live it would be turned away; are all its headers here?", true},
        [CHANNEL_FORGED] = {"forged",
                            "is wrong: live it would be turned away; is the secret the platform's, and the body as it "
                            "was sent, to the last byte?",
                            true},
        [CHANNEL_STALE] = {"stale", "is too old, or from the future: live it would be turned away.", true},
};
static const struct verdict misaddressed = {
        "forged",
        "is wrong: live it would be turned away; is public_url the webhook's address as the platform has it, to the "
        "letter, the secret the platform's, and the body as it was sent?",
        true,
};

static const struct verdict *verify(struct test *test, const struct trial *trial,
                                    const struct channel_request *request) {
        bool is_bare = test->headers.n == 0 && test->query.n == 0;
        enum channel_proof proof;

        if (trial->has_stand_in_proof)
                return &stand_in;
        proof = channel_verify(trial->channel, request);
        if (is_bare && proof != CHANNEL_GENUINE)
                return &unchecked;
        if (proof == CHANNEL_STALE && was_genuine(test, trial, *request))
                return &old;
        if (proof == CHANNEL_FORGED && channel_signs_address(trial->channel))
                return &misaddressed;
        return &verdicts[proof];
}

/* -- what is shown ------------------------------------------------------------------------------------------------- */

/* All but what the first line says already. */
static void push_rows(struct buffer *text, const json_t *event, bool is_ignored) {
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)event, key, value) {
                CLEANUP_FREE char *said = json_scalar_text(value);

                if (strcmp(key, "what") == 0 || (is_ignored && strcmp(key, "why") == 0))
                        continue;
                if (!said)
                        said = json_encode_text(value);
                buffer_print(text, "  %-9s ", key);
                text_push_safe(text, bytes_of(said));
                buffer_push_text(text, "\n");
        }
}

static json_t *event_json(const struct channel_event *event) {
        CLEANUP_FREE char *text = channel_event_text(event);
        CLEANUP_FREE char *error = NULL;
        json_t *json = NULL;
        int r = json_decode(bytes_of(text), &json, &error);

        ENSURE(r == 0);
        return json;
}

static void push_event(struct buffer *text, const struct channel_event *event, size_t number) {
        CLEANUP_JSON json_t *json = event_json(event);
        const char *what = json_string_value(json_object_get(json, "what"));

        buffer_print(text, "\n%zu. %s", number, what ? what : "");
        if (event->is_ignored) {
                buffer_push_text(text, ": ");
                text_push_safe(text, bytes_of(event->why));
        }
        buffer_push_text(text, "\n");
        push_rows(text, json, event->is_ignored);
}

/* What the platform is told, when that is not our own JSON. */
static void push_answer(struct buffer *text, const struct trial *trial) {
        struct channel_answer answer;

        if (!channel_respond(trial->channel, &answer))
                return;
        buffer_print(text, "\nIt is answered %u with %s: ", answer.status, answer.type);
        text_push_safe(text, bytes_of(answer.body));
        buffer_push_text(text, "\n");
}

static void print_events(const struct trial *trial, const struct verdict *verdict,
                         const struct channel_events *events) {
        CLEANUP_BUFFER struct buffer text = {0};

        buffer_print(&text, "%s\n", trial->title);
        if (trial->stand_ins)
                buffer_print(&text,
                             "With stand-ins for %s, whatever it names is taken for ours; --set gives the real ones.\n",
                             trial->stand_ins);
        buffer_print(&text, "The signature %s\n", verdict->sentence);
        if (events->challenge) {
                buffer_push_text(&text, "\nThe platform asks whether this address is ours. It is answered: ");
                text_push_safe(&text, bytes_of(events->challenge));
                buffer_push_text(&text, "\n");
        }
        for (size_t i = 0; i < events->n; i++)
                push_event(&text, &events->items[i], i + 1);
        if (events->n == 0 && !events->challenge)
                buffer_push_text(&text, "\nThere is nothing in it.\n");
        push_answer(&text, trial);
        screen_print(&text);
}

static void print_events_json(const struct trial *trial, const struct verdict *verdict,
                              const struct channel_events *events) {
        CLEANUP_JSON json_t *answer =
                json_pack("{s:o, s:s, s:o, s:[]}", "kind", json_text_new(bytes_of(trial->settings->kind)), "signature",
                          verdict->word, "challenge", json_text_or_null(events->challenge), "events");
        struct channel_answer said;

        for (size_t i = 0; i < events->n; i++)
                json_array_append_new(json_object_get(answer, "events"), event_json(&events->items[i]));
        if (channel_respond(trial->channel, &said))
                json_object_set_new(answer, "answer",
                                    json_pack("{s:i, s:s, s:o}", "status", (int)said.status, "type", said.type, "body",
                                              json_text_new(bytes_of(said.body))));
        screen_print_json(answer);
}

/* -- a GET --------------------------------------------------------------------------------------------------------- */

/* Without a body it can only be the platform's question whether the address is ours. */
static enum command_exit test_challenge(const struct test *test, const struct trial *trial,
                                        const struct channel_request *request) {
        CLEANUP_BUFFER struct buffer answer = {0}, text = {0};
        CLEANUP_JSON json_t *json = NULL;
        int r = trial->has_stand_in_proof ? 1 : channel_challenge(trial->channel, request, &answer);

        if (r != 0) {
                screen_error("%s", r == 2 ? "the verify token is not the one of the settings: it is answered 403"
                                   : trial->has_stand_in_proof
                                           ? "there is no body; whether a GET with this query is right depends on the "
                                             "settings: give them with --set, or name TENANT/CHANNEL"
                                           : "there is no body, and the query is no question of this platform");
                return COMMAND_FAILED;
        }
        json = json_pack("{s:o}", "challenge", json_text_new(buffer_bytes(&answer)));
        buffer_print(&text, "%s\nThe platform asks whether this address is ours. It is answered: ", trial->title);
        text_push_safe(&text, buffer_bytes(&answer));
        buffer_push_text(&text, "\n");
        if (test->options.is_json)
                screen_print_json(json);
        else
                screen_print(&text);
        return COMMAND_DONE;
}

/* -- the command --------------------------------------------------------------------------------------------------- */

static enum command_exit test_body(struct test *test, const struct trial *trial, struct bytes body) {
        struct channel_request request = {find_header, find_query, test, body, clock_now().wall};
        CLEANUP(channel_events_done) struct channel_events events = {0};
        const struct verdict *verdict;

        if (body.len == 0 && test->query.n > 0)
                return test_challenge(test, trial, &request);
        verdict = verify(test, trial, &request);
        if (trial_read(trial, body, &events) < 0)
                return COMMAND_FAILED;
        (test->options.is_json ? print_events_json : print_events)(trial, verdict, &events);
        return verdict->is_wrong ? COMMAND_FAILED : COMMAND_DONE;
}

static enum command_exit test_run(const struct command *command, int argc, char **argv) {
        CLEANUP_TRIAL struct trial *trial = NULL;
        CLEANUP_BUFFER struct buffer body = {0};
        struct test test = {.options = OPTIONS_INIT};
        struct options_operands operands;
        const struct options_rule rules[] = {
                {.name = "header",
                 .letter = 'H',
                 .value = "NAME: VALUE",
                 .list = &test.headers,
                 .separator = ':',
                 .help = "a header that came with it, for the signature"},
                {.name = "query",
                 .letter = 'q',
                 .value = "NAME=VALUE",
                 .list = &test.query,
                 .separator = '=',
                 .help = "an argument of the URL it came to"},
                TRIAL_OPTIONS_SET(test.trial),
                OPTIONS_CONFIG(test.trial),
                {.name = "json", .letter = 'j', .flag = &test.options.is_json, .help = "print one line of JSON"},
                {0}};
        int r = command_open(command, rules, argc, argv, &operands);

        if (r != 0)
                return command_exit_of(r);
        if (trial_new(operands.words[0], &test.trial, false, &trial) < 0 ||
            trial_file_read(operands.words[1], LIMIT_HTTP_BODY_BYTES, &body) < 0)
                return COMMAND_FAILED;
        return test_body(&test, trial, buffer_bytes(&body));
}

const struct command command_channel_test = {
        .name = "channel test",
        .operands = "CHANNEL FILE",
        .summary = "What lull makes of a webhook's body: messages, events, what it ignores and why",
        .about = "CHANNEL is TENANT/CHANNEL of lull.yaml, or a KIND (`lull channel list`), or a channel file such as\n"
                 "./channels/mine.yaml; the last two get stand-ins for the settings they need, which --set replaces.\n"
                 "FILE is a webhook's body as it was sent, - is stdin. Nothing is sent anywhere.",
        .examples = "  $ lull channel test acme/support body.json --header 'X-Chatwoot-Signature: sha256=...'\n"
                    "  $ lull channel test whatsapp body.json --set phone_number_id=106540352242922",
        .n_operands_min = 2,
        .n_operands_max = 2,
        .run = test_run,
};
