#include "tests/fuzz/channels.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <string.h>

#define WHSEC "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static const struct channels_example examples[] = {
        {"chatwoot",
         {"url", "https://chat.example.com", "account", "1", "token", "t", "secret", "s3cret", NULL},
         "s3cret",
         "X-Chatwoot-Signature",
         "sha256=",
         "X-Chatwoot-Timestamp"},
        {"whatsapp",
         {"phone_number_id", "106540352242922", "token", "t", "secret", "s3cret", "verify_token", "v", NULL},
         "s3cret",
         "X-Hub-Signature-256",
         "sha256="},
        {"generic",
         {"secret", WHSEC, "reply_url", "https://bot.example.com/replies", NULL},
         .secret = WHSEC,
         .is_standard = true},
        {"generic",
         {"token", "t0ken", "messages_at", "/data/messages/*", "thread_at", "/chat/id", "text_at", "", "id_at",
          "/key/id", "data_at", "/nothing", NULL}},
        {"chatwoot", {"url", "https://chat.example.com", "account", "1", "token", "t", "hook_token", "h", NULL}},
        {"generic", {"unsigned", "true", NULL}},
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
