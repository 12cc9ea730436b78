#include "common/channel.h"

#include "common/channel_file.h"
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

        channel_faults_find(config, &faults);
        if (faults.n > 0) {
                const struct channel_fault *fault = &faults.items[0];

                *ret_error = memory_print("%s%s%s", fault->key ? fault->key : "", fault->key ? ": " : "", fault->text);
                channel_faults_done(&faults);
                return -EINVAL;
        }
        channel_faults_done(&faults);
        *ret = memory_new(1, sizeof **ret);
        **ret = (struct channel){config, channel_file_find(config->kind)};
        return 0;
}

struct channel *channel_free(struct channel *channel) {
        free(channel);
        return NULL;
}

bool channel_has_post(const struct channel *channel) {
        const struct yaml_node *post = yaml_find(channel->file, "post");
        const char *key = yaml_find_text(post, "setting");

        return post && (!key || channel_setting_is_on(channel, key));
}
