/* A channel of each kind and of each way to prove a webhook, for the targets that read strangers' webhooks. Made once
 * and kept. */
#pragma once

#include "common/channel.h"

enum { CHANNELS_SETTINGS_MAX = 8 };

/* How a platform signs: with the HMAC of the body, as a Standard Webhook, address and form, or with a token. */
enum channels_way { CHANNELS_HMAC, CHANNELS_STANDARD, CHANNELS_URL, CHANNELS_JWT };

struct channels_example {
        const char *kind;
        const char *pairs[2 * CHANNELS_SETTINGS_MAX + 1]; /* key and value; NULL at the end */
        /* NULL, or what it signs with; the header, what stands before the hexadecimal, and the header of the time. */
        const char *secret, *header, *prefix, *timestamp;
        const char *before, *behind; /* what is signed around the time, before the body */
        enum channels_way way;
};

#define CHANNELS_PUBLIC_URL "https://lull.example.com/hooks/a/b?c=d"

/* The example that `choice` names, whatever it is, and its channel. */
const struct channels_example *channels_get(uint8_t choice, const struct channel **ret);

/* Reads a body as ingest does, and checks that what is found can be handed on to the broker. */
void channels_read(const struct channel *channel, struct bytes body);
