/* Requests to a platform, made out of a channel file: {url, headers, body, variants, sign}. Pure. */
#pragma once

#include "common/channel_file.h"

/* The request that `node` describes, with a body unless it has none. 0; -EINVAL and *ret_error (the caller frees) when
 * a stranger's text cannot stand where it would.. */
MUST_USE int channel_encode_call(const struct channel *channel, const struct yaml_node *node,
                                 const struct channel_reply *reply, const char *method, struct wall now,
                                 struct channel_call *ret, char **ret_error);

/* A pattern with what a reply stands for filled in, as it is; NULL when a part is missing. The caller frees. */
char *channel_encode_text(const struct channel *channel, const struct channel_reply *reply, const char *pattern);

/* Adds "?NAME=VALUE" to the URL. */
void channel_encode_query(struct channel_call *call, const char *name, const char *value);
