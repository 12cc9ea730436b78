#include "common/channel_value.h"

#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

const char *const *channel_words(void) {
        static const char *const words[] = {"thread",  "from",  "tenant", "channel", "batch",
                                            "message", "index", "reply",  "to",      NULL};

        return words;
}

static char *copy(const char *text) { return text ? memory_copy_text(text, strlen(text)) : NULL; }

/* {to} and {to.part}. */
static char *to_find(const struct channel_reply *reply, const char *part) {
        CLEANUP_JSON json_t *parts = NULL;
        CLEANUP_FREE char *error = NULL;
        bool is_map = reply->to && *reply->to == '{' && json_decode(bytes_of(reply->to), &parts, &error) == 0;

        if (is_map)
                return part ? json_scalar_text(json_object_get(parts, part)) : NULL;
        return part ? NULL : copy(reply->to && *reply->to ? reply->to : reply->thread);
}

char *channel_word_find(const struct channel *channel, const struct channel_reply *reply, const char *name) {
        const struct {
                const char *name, *text;
        } words[] = {{"thread", reply->thread}, {"from", reply->from},       {"tenant", reply->tenant},
                     {"batch", reply->batch},   {"message", reply->message}, {"channel", channel->config->name}};

        if (strcmp(name, "index") == 0)
                return memory_print("%u", reply->index);
        if (strcmp(name, "reply") == 0)
                return bytes_copy_text(reply->text);
        if (strcmp(name, "to") == 0)
                return to_find(reply, NULL);
        if (strncmp(name, "to.", 3) == 0)
                return to_find(reply, name + 3);
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
                if (strcmp(words[i].name, name) == 0)
                        return copy(words[i].text);
        return copy(channel_setting_find(channel, name));
}
