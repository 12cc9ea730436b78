/* A channel of each kind and of each way to prove a webhook, for the targets that read strangers' webhooks. Made once
 * and kept. */
#pragma once

#include "common/channel.h"

enum { CHANNELS_SETTINGS_MAX = 8 };

struct channels_example {
        const char *kind;
        const char *pairs[2 * CHANNELS_SETTINGS_MAX + 1]; /* key and value; NULL at the end */
        /* How the platform signs: nothing, or the header, what stands before the hexadecimal, and the header of the
         * time, which then stands before the body. */
        const char *secret, *header, *prefix, *timestamp;
        bool is_standard; /* a Standard Webhook */
};

/* The example that `choice` names, whatever it is, and its channel. */
const struct channels_example *channels_get(uint8_t choice, const struct channel **ret);
