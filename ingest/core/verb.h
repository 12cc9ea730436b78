/* The verbs of a thread over HTTP, POST /v1/threads/TENANT/THREAD/VERB: what their bodies may say, how the broker is
 * asked, and what its answer is in HTTP. */
#pragma once

#include "common/json.h"
#include "ingest/core/path.h"

enum verb {
        VERB_NONE,
        VERB_TYPING, /* an event, which goes the way of messages */
        /* Questions to the broker: */
        VERB_HOLD,
        VERB_RESUME,
        VERB_FLUSH,
        VERB_CANCEL,
};

/* Which verb does the path end with? VERB_NONE when it is no path of a verb. */
enum verb verb_of(const struct path *path);
struct bytes verb_tenant(const struct path *path);
struct bytes verb_thread(const struct path *path);

/* What the body of a request says; all of it may be missing. */
struct verb_options {
        const char *why; /* hold, cancel: what people read about it, or NULL */
        int64_t for_ms; /* hold: when it ends by itself; 0 = it does not */
        bool is_paused; /* typing: the person has stopped */
        json_t *json; /* what `why` points into */
};

/* Reads a body, for verb_options_done(). 0; -EBADMSG and *ret_error (the caller frees). */
MUST_USE int verb_options_decode(enum verb verb, struct bytes body, struct verb_options *ret, char **ret_error);
void verb_options_done(struct verb_options *options);
#define CLEANUP_VERB_OPTIONS CLEANUP(verb_options_done)

/* The question for the broker; the caller owns it. Tenant and thread are UTF-8. */
json_t *verb_to_question(enum verb verb, const struct path *path, const struct verb_options *options);
/* Appends the body that the broker's answer comes to, and returns its status: 200, or that of a problem. */
unsigned verb_reply(json_t *answer, struct buffer *body);
/* The status of a code of the broker's, or of item_check(). */
unsigned verb_status(const char *code);
