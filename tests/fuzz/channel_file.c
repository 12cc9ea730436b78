/* A channel file of the operator's, and what a stranger sends to a channel of it: the file up to a line "====", the
 * body behind it. What passes the check may be wrong, but must not surprise whoever applies it. */
#include "common/channel_file.h"
#include "common/limits.h"
#include "common/memory.h"
#include "tests/fuzz/channels.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static const struct wall now = {1795000000000};

/* -- the settings, as an operator would give them ------------------------------------------------------------------ */

static const char *value_of(const struct yaml_node *setting, bool is_open) {
        static const char *const forms[][2] = {{"url", "https://e.example.com/"},
                                               {"number", "7"},
                                               {"whsec", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
                                               {"pointer", "/a/*"}};
        const struct yaml_node *choices = yaml_find(setting, "one_of");
        const char *form = yaml_find_text(setting, "form");

        if (choices)
                return choices->items[0].text;
        if (form && strcmp(form, "flag") == 0)
                return is_open ? "true" : "false";
        for (size_t i = 0; form && i < sizeof forms / sizeof *forms; i++)
                if (strcmp(forms[i][0], form) == 0)
                        return forms[i][1];
        return "s3cret";
}

/* All settings but flags; or, for an open channel, flags and what is required. */
static void config_make(const struct yaml_node *file, bool is_open, struct config_channel *ret) {
        const struct yaml_node *settings = yaml_find(file, "settings");

        *ret = (struct config_channel){.name = (char *)"support", .kind = (char *)"mine", .file = file};
        ret->settings = memory_new(settings->n, sizeof *ret->settings);
        for (size_t i = 0; i < settings->n; i++) {
                const struct yaml_node *setting = &settings->items[i];
                const char *form = yaml_find_text(setting, "form"), *required = yaml_find_text(setting, "required");
                bool is_flag = form && strcmp(form, "flag") == 0;

                if (is_open && !is_flag && !(required && strcmp(required, "true") == 0))
                        continue;
                ret->settings[ret->n_settings++] =
                        (struct config_setting){setting->key, (char *)value_of(setting, is_open), 1};
        }
}

/* -- what is done with a channel ----------------------------------------------------------------------------------- */

static const char *find_header(void *context, const char *name) {
        return strcasecmp(name, "Authorization") == 0 ? "Bearer a.b.c" : "sha256=00";
}
static const char *find_query(void *context, const char *name) {
        return strcmp(name, "hub.mode") == 0 ? "subscribe" : "a";
}

static void receive(const struct channel *channel, struct bytes body) {
        struct channel_request request = {find_header, find_query, NULL, body, now};
        CLEANUP_BUFFER struct buffer answer = {0};
        struct channel_answer respond;

        (void)!channel_verify(channel, &request);
        (void)!channel_challenge(channel, &request, &answer);
        if (channel_respond(channel, &respond))
                ENSURE(respond.status >= 200 && respond.status < 300 && respond.type && respond.body);
        channels_read(channel, body);
}

/* Takes what was encoded, and `error`, over. */
static void look(int r, struct channel_call *call, char *error) {
        ENSURE((r < 0) == (error != NULL));
        if (r == 0) {
                for (const char *at = call->url; *at; at++)
                        ENSURE((unsigned char)*at > ' ' && (unsigned char)*at < 0x7f);
                for (char **header = call->headers; *header; header++)
                        ENSURE(!strpbrk(*header, "\r\n"));
                channel_call_done(call);
        }
        free(error);
}

static void typing(const struct channel *channel, const struct channel_reply *reply, bool is_on) {
        struct channel_call call;
        char *error = NULL;
        int r = channel_typing_encode(channel, reply, is_on, &call, &error);

        look(r, &call, error);
}

static void read_back(const struct channel *channel, const struct channel_reply *reply, struct bytes body) {
        CLEANUP(channel_page_done) struct channel_page page = {0};
        struct channel_call call;
        char *error = NULL, why[LIMIT_WHY_LEN];
        int r = channel_read_back_encode(channel, reply, &page, &call, &error);

        look(r, &call, error);
        (void)!channel_read_back_outcome(channel, reply, 200, body, &page, why);
}

static void post(const struct channel *channel, struct bytes body, const char *to) {
        struct channel_reply reply = {.thread = "T/1",
                                      .from = "ana",
                                      .tenant = "acme",
                                      .batch = "01H",
                                      .text = bytes_of("Oi"),
                                      .message = "M1",
                                      .to = to};
        struct channel_call call;
        char *error = NULL, why[LIMIT_WHY_LEN];
        int r = channel_post_encode(channel, &reply, now, &call, &error);
        enum channel_unit unit;

        look(r, &call, error);
        (void)channel_reply_longest(channel, &unit);
        for (long status = 200; status < 600; status += 111)
                (void)!channel_post_outcome(channel, status, body, why);
        if (channel_has_read_back(channel))
                read_back(channel, &reply, body);
        if (!channel_has_typing(channel))
                return;
        ENSURE(channel_typing_refresh(channel).us > 0);
        typing(channel, &reply, true);
        typing(channel, &reply, false);
}

static void use(const struct yaml_node *file, bool is_open, struct bytes body) {
        struct config_channel config;
        struct channel *channel;
        char *error = NULL;

        config_make(file, is_open, &config);
        if (channel_new(&config, &channel, &error) == 0) {
                receive(channel, body);
                post(channel, body, NULL);
                post(channel, body, "{\"chat\":\"-1\",\"topic\":2}");
                channel_free(channel);
        }
        free(error);
        free(config.settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        static const char mark[] = "\n====\n";
        const uint8_t *found = len ? memmem(data, len, mark, sizeof mark - 1) : NULL;
        size_t at = found ? (size_t)(found - data) + 1 : len;
        struct bytes body = found ? (struct bytes){found + sizeof mark - 1, len - at - sizeof mark + 2} : BYTES_NONE;
        CLEANUP_YAML struct yaml_node *file = NULL;
        CLEANUP_FREE char *error = NULL;

        if (channel_file_decode("mine.yaml", (struct bytes){data, at}, &file, &error) != 0) {
                ENSURE(strncmp(error, "mine.yaml:", 10) == 0);
                return 0;
        }
        use(file, false, body);
        use(file, true, body);
        return 0;
}
