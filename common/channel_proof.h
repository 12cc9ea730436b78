/* What the files channel_proof*.c share: the ways to prove where a webhook is from. Pure. */
#pragma once

#include "common/channel_file.h"

/* One proof of a channel file, as it is looked at. */
struct channel_proving {
        const struct channel *channel;
        const struct yaml_node *proof;
        const char *secret; /* the setting that switches it on */
        const struct channel_request *request;
};

/* `scheme: hmac-sha1-url`, `scheme: jwt-hs256`. */
MUST_USE enum channel_proof channel_proof_url(const struct channel_proving *proving);
MUST_USE enum channel_proof channel_proof_jwt(const struct channel_proving *proving);

/* What stands in the proof's header behind its prefix. CHANNEL_GENUINE and *ret, borrowed from the request; else the
 * answer. */
MUST_USE enum channel_proof channel_proof_header(const struct channel_proving *proving, const char **ret);
/* How far a time may be away; the proof has one. */
struct span channel_proof_tolerance(const struct channel_proving *proving);

/* The names of all schemes, NULL at the end. */
const char *const *channel_schemes(void);
