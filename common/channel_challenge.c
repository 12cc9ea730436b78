#include "common/channel_value.h"

#include "common/ensure.h"
#include "common/sign.h"

#include <stdlib.h>
#include <string.h>

/* Longer is no challenge, and would only be echoed. */
enum { CHALLENGE_MAX = 256 };

static const char *query_find(const struct channel_request *request, const char *name) {
        const char *value = request->find_query(request->context, name);

        return value ? value : "";
}

/* Plain letters and digits, as every platform sends: anything else would be a stranger's page on our address. */
static bool is_challenge(const char *text) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

        return *text && strlen(text) <= CHALLENGE_MAX && strspn(text, letters) == strlen(text);
}

int channel_challenge(const struct channel *channel, const struct channel_request *request, struct buffer *answer) {
        const struct yaml_node *challenge = yaml_find(channel->file, "challenge");
        const struct yaml_node *when = yaml_find(challenge, "when");
        const char *token, *text, *secret;

        if (!yaml_find(challenge, "token"))
                return 1;
        for (size_t i = 0; i < when->n; i++)
                if (strcmp(query_find(request, when->items[i].key), when->items[i].text) != 0)
                        return 1;
        token = query_find(request, yaml_find_text(challenge, "token"));
        text = query_find(request, yaml_find_text(challenge, "answer"));
        if (!is_challenge(text))
                return 1;
        secret = channel_setting_find(channel, yaml_find_text(challenge, "setting"));
        if (!secret || !sign_is_equal(bytes_of(token), bytes_of(secret)))
                return 2;
        buffer_push_text(answer, text);
        return 0;
}

char *channel_challenge_text(const struct channel_place *place) {
        const struct yaml_node *challenge = yaml_find(place->channel->file, "challenge");
        char *text;

        if (!challenge || yaml_find(challenge, "token") ||
            !channel_condition_holds(place, yaml_find(challenge, "when")))
                return NULL;
        text = channel_value_text(place, yaml_find(challenge, "answer"));
        if (text && is_challenge(text))
                return text;
        free(text);
        return NULL;
}
