#include "common/channel.h"

#include "common/channel_encode.h"
#include "common/ensure.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS_MAX = 64 };

static size_t sources_count(void) {
        size_t n = 0;

        while (channel_sources[n].kind)
                n++;
        ENSURE(n < KINDS_MAX);
        return n;
}

const char *const *channel_kinds(void) {
        static const char *kinds[KINDS_MAX];

        for (size_t i = 0; i < sources_count(); i++)
                kinds[i] = channel_sources[i].kind;
        return kinds;
}

static struct yaml_node *source_decode(const struct channel_source *source) {
        struct yaml_node *file = NULL;
        char *error = NULL;

        ENSURE(yaml_decode(source->kind, bytes_of(source->text), &file, &error) == 0);
        return file;
}

const struct yaml_node *channel_file_find(const char *kind) {
        static struct yaml_node *files[KINDS_MAX];

        for (size_t i = 0; i < sources_count(); i++) {
                if (strcmp(channel_sources[i].kind, kind) != 0)
                        continue;
                if (!files[i])
                        files[i] = source_decode(&channel_sources[i]);
                return files[i];
        }
        return NULL;
}

const struct yaml_node *channel_file_of(const struct config_channel *config) {
        return config->file ? config->file : channel_file_find(config->kind);
}

const char *channel_setting_find(const struct channel *channel, const char *key) {
        const char *value = config_setting_find(channel->config, key);

        return value ? value : yaml_find_text(yaml_find(yaml_find(channel->file, "settings"), key), "default");
}

bool channel_setting_is_on(const struct channel *channel, const char *key) {
        const char *form = yaml_find_text(yaml_find(yaml_find(channel->file, "settings"), key), "form");
        const char *value = channel_setting_find(channel, key);

        return value && (!form || strcmp(form, "flag") != 0 || strcmp(value, "true") == 0);
}

int channel_new(const struct config_channel *config, struct channel **ret, char **ret_error) {
        struct channel_faults faults;

        channel_faults_find(config, channel_kinds(), &faults);
        if (faults.n > 0) {
                const struct channel_fault *fault = &faults.items[0];

                *ret_error = memory_print("%s%s%s", fault->key ? fault->key : "", fault->key ? ": " : "", fault->text);
                channel_faults_done(&faults);
                return -EINVAL;
        }
        channel_faults_done(&faults);
        *ret = memory_new(1, sizeof **ret);
        **ret = (struct channel){config, channel_file_of(config)};
        return 0;
}

struct channel *channel_free(struct channel *channel) {
        free(channel);
        return NULL;
}

bool channel_allows_private(const struct channel *channel) { return channel->config->is_private; }

/* A section is there, and the setting it names is given, or on. */
static bool section_is_on(const struct channel *channel, const char *key) {
        const struct yaml_node *section = yaml_find(channel->file, key);
        const char *setting = yaml_find_text(section, "setting");

        return section && (!setting || channel_setting_is_on(channel, setting));
}

/* -- posting ------------------------------------------------------------------------------------------------------- */

bool channel_has_post(const struct channel *channel) { return section_is_on(channel, "post"); }

size_t channel_reply_longest(const struct channel *channel, enum channel_unit *ret_unit) {
        const struct yaml_node *post = yaml_find(channel->file, "post");
        const char *longest = yaml_find_text(post, "longest"), *utf16 = yaml_find_text(post, "longest_utf16");

        *ret_unit = utf16 ? CHANNEL_UTF16 : CHANNEL_CHARACTERS;
        return utf16 ? strtoul(utf16, NULL, 10) : longest ? strtoul(longest, NULL, 10) : 0;
}

/* A character of four bytes is a pair in UTF-16. */
size_t channel_text_length(struct bytes text, enum channel_unit unit) {
        const unsigned char *data = text.data;
        size_t n = 0;

        for (size_t i = 0; i < text.len; i++)
                n += ((data[i] & 0xc0) != 0x80) + (size_t)(unit == CHANNEL_UTF16 && data[i] >= 0xf0);
        return n;
}

/* Is the text longer than the platform takes? It would refuse it with a riddle, or cut it. */
static bool is_too_long(const struct channel *channel, struct bytes text, char **ret_error) {
        enum channel_unit unit;
        size_t longest = channel_reply_longest(channel, &unit);
        size_t n = channel_text_length(text, unit);

        if (longest == 0 || n <= longest)
                return false;
        *ret_error = memory_print("it has %zu %s, and a %s channel takes %zu: let the handler say less, or say it "
                                  "in several replies",
                                  n, unit == CHANNEL_UTF16 ? "characters in UTF-16" : "characters",
                                  channel->config->kind, longest);
        return true;
}

/* -- answering a webhook ------------------------------------------------------------------------------------------- */

bool channel_respond(const struct channel *channel, struct channel_answer *ret) {
        const struct yaml_node *respond = yaml_find(channel->file, "respond");
        const char *status = yaml_find_text(respond, "status"), *body = yaml_find_text(respond, "body");
        const char *type = yaml_find_text(respond, "type");

        if (!respond)
                return false;
        *ret = (struct channel_answer){
                .status = status ? (unsigned)strtoul(status, NULL, 10) : 200,
                .type = type ? type : "text/plain; charset=utf-8",
                .body = body ? body : "",
        };
        return true;
}

int channel_post_encode(const struct channel *channel, const struct channel_reply *reply, struct wall now,
                        struct channel_call *ret, char **ret_error) {
        if (!channel_has_post(channel)) {
                *ret_error =
                        memory_print("channel %s has no address to post to; give it reply_url", channel->config->name);
                return -EINVAL;
        }
        if (is_too_long(channel, reply->text, ret_error))
                return -EINVAL;
        return channel_encode_call(channel, yaml_find(channel->file, "post"), reply, "POST", now, ret, ret_error);
}

/* -- the typing sign ----------------------------------------------------------------------------------------------- */

bool channel_has_typing(const struct channel *channel) {
        return section_is_on(channel, "typing") && channel_has_post(channel);
}

struct span channel_typing_refresh(const struct channel *channel) {
        const char *refresh = yaml_find_text(yaml_find(channel->file, "typing"), "refresh");

        ENSURE(refresh);
        return span_s(strtol(refresh, NULL, 10));
}

int channel_typing_encode(const struct channel *channel, const struct channel_reply *reply, bool is_on,
                          struct channel_call *ret, char **ret_error) {
        const struct yaml_node *typing = yaml_find(channel->file, "typing");
        const struct yaml_node *call = yaml_find(typing, is_on ? "on" : "off");
        const char *needs = yaml_find_text(typing, "needs");
        CLEANUP_FREE char *needed = needs ? channel_encode_text(channel, reply, needs) : NULL;

        if (!call || (needs && !needed))
                return 1;
        return channel_encode_call(channel, call, reply, "POST", (struct wall){0}, ret, ret_error);
}

bool channel_typing_is_done(const struct channel *channel, long http_status, struct bytes body) {
        char why[LIMIT_WHY_LEN];

        return http_status >= 200 && http_status < 300 &&
               channel_post_outcome(channel, http_status, body, why) == CHANNEL_POSTED;
}
