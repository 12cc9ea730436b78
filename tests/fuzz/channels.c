#include "tests/fuzz/channels.h"

#include "common/ensure.h"
#include "common/item.h"
#include "common/limits.h"
#include "common/memory.h"

#include <string.h>

#define WHSEC "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static const struct channels_example examples[] = {
        {"chatwoot",
         {"url", "https://chat.example.com", "account", "1", "token", "t", "secret", "s3cret", NULL},
         "s3cret",
         "X-Chatwoot-Signature",
         "sha256=",
         "X-Chatwoot-Timestamp",
         "",
         "."},
        {"whatsapp",
         {"phone_number_id", "106540352242922", "token", "t", "secret", "s3cret", "verify_token", "v", NULL},
         "s3cret",
         "X-Hub-Signature-256",
         "sha256="},
        {"generic",
         {"secret", WHSEC, "reply_url", "https://bot.example.com/replies", NULL},
         .secret = WHSEC,
         .way = CHANNELS_STANDARD},
        {"generic",
         {"token", "t0ken", "messages_at", "/data/messages/*", "thread_at", "/chat/id", "text_at", "", "id_at",
          "/key/id", "data_at", "/nothing", NULL}},
        {"chatwoot", {"url", "https://chat.example.com", "account", "1", "token", "t", "hook_token", "h", NULL}},
        {"generic", {"unsigned", "true", NULL}},
        {"slack",
         {"token", "t", "signing_secret", "s3cret", "typing", "true", NULL},
         "s3cret",
         "X-Slack-Signature",
         "v0=",
         "X-Slack-Request-Timestamp",
         "v0:",
         ":"},
        {"twilio",
         {"account_sid", "AC00000000000000000000000000000001", "auth_token", "s3cret", "public_url",
          CHANNELS_PUBLIC_URL, NULL},
         .secret = "s3cret",
         .way = CHANNELS_URL},
        {"evolution",
         {"url", "https://evolution.example.com", "instance", "inst-teste", "apikey", "k", "jwt_key", "s3cret", NULL},
         .secret = "s3cret",
         .way = CHANNELS_JWT},
        {"telegram", {"token", "1:t", "secret_token", "s", NULL}},
        {"zapi", {"instance", "I1", "token", "t", "unsigned", "true", NULL}},
};

enum { N_EXAMPLES = sizeof examples / sizeof *examples };

static struct channel *make(const struct channels_example *example) {
        struct config_channel *config = memory_new(1, sizeof *config);
        struct channel *channel = NULL;
        char *error = NULL;

        *config = (struct config_channel){.name = memory_copy_text("support", 7), .kind = (char *)example->kind};
        config->settings = memory_new(CHANNELS_SETTINGS_MAX, sizeof *config->settings);
        for (uint32_t *n = &config->n_settings; example->pairs[2 * *n]; (*n)++)
                config->settings[*n] =
                        (struct config_setting){(char *)example->pairs[2 * *n], (char *)example->pairs[2 * *n + 1], 1};
        ENSURE(channel_new(config, &channel, &error) == 0);
        return channel;
}

const struct channels_example *channels_get(uint8_t choice, const struct channel **ret) {
        static struct channel *made[N_EXAMPLES];
        size_t i = choice % N_EXAMPLES;

        if (!made[i])
                made[i] = make(&examples[i]);
        *ret = made[i];
        return &examples[i];
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

/* What every event has, whatever a stranger wrote. */
static void check_event(const struct channel_event *event) {
        bool is_of_message = event->what == WIRE_WHAT_EDIT || event->what == WIRE_WHAT_DELETE;
        CLEANUP_JSON json_t *data = NULL, *to = NULL;
        CLEANUP_FREE char *error = NULL, *to_error = NULL;

        ENSURE(event->kind && event->thread && event->what < WIRE_WHAT_UNKNOWN);
        ENSURE(event->id || !(is_of_message || event->what == WIRE_WHAT_SHOWN));
        ENSURE(event->n_aliases > 0 || event->what != WIRE_WHAT_ALIAS);
        ENSURE(event->number < LIMIT_REPLIES && event->n_aliases <= LIMIT_ALIASES_OF_ITEM);
        for (uint32_t i = 0; i < event->n_aliases; i++)
                ENSURE(*event->aliases[i] && strcmp(event->aliases[i], event->thread) != 0);
        ENSURE(!event->data || json_decode(bytes_of(event->data), &data, &error) == 0);
        ENSURE(!event->to || *event->to != '{' || json_decode(bytes_of(event->to), &to, &to_error) == 0);
}

/* What item_check() lets through, the broker can read. */
static void check_message(const struct channel_event *event) {
        struct wire_body said = {event->at,
                                 bytes_of(event->from),
                                 bytes_of(event->kind),
                                 bytes_of(event->text),
                                 bytes_of(event->data),
                                 bytes_of(event->to),
                                 bytes_of(event->url)};
        struct wire_message message = {.tenant = bytes_of("acme"),
                                       .thread = bytes_of(event->thread),
                                       .id = bytes_of(event->id),
                                       .channel = bytes_of("support"),
                                       .what = event->what,
                                       .number = event->number,
                                       .n_aliases = event->n_aliases};
        CLEANUP_BUFFER struct buffer body = {0};
        struct item_fault fault = {0};

        for (uint32_t i = 0; i < event->n_aliases; i++)
                message.aliases[i] = bytes_of(event->aliases[i]);
        wire_encode_body(&body, &said);
        message.body = buffer_bytes(&body);
        if (item_check(&message, LIMIT_MESSAGE_BYTES_DEFAULT, &fault) == 0)
                ENSURE(wire_decode_body(message.body, &said) == 0);
        free(fault.why);
}

void channels_read(const struct channel *channel, struct bytes body) {
        CLEANUP(channel_events_done) struct channel_events events = {0};
        CLEANUP_FREE char *error = NULL;

        if (channel_read(channel, body, &events, &error) < 0) {
                ENSURE(error);
                return;
        }
        ENSURE(events.challenge ? events.n == 0 && *events.challenge : events.n > 0);
        for (size_t i = 0; i < events.n; i++) {
                CLEANUP_FREE char *text = channel_event_text(&events.items[i]);

                ENSURE(text);
                if (events.items[i].is_ignored) {
                        ENSURE(events.items[i].why);
                        continue;
                }
                check_event(&events.items[i]);
                check_message(&events.items[i]);
        }
}
