/* A channel: where messages come from and replies go to. Channels are data: a file KIND.yaml says how a kind of channel
 * proves its webhooks, where id, thread, sender and text are, what is an event, what to ignore, and how a reply is
 * posted. Some files are built in (common/channels/), others are the operator's (`channel_files` of lull.yaml); the
 * language of both is in common/channels/README.md. This module applies them. It is pure: no socket, no clock, no file.
 *
 * A channel is made once, from a tenant's settings, and then only read. */
#pragma once

#include "common/bytes.h"
#include "common/config.h"
#include "common/limits.h"
#include "common/time.h"
#include "common/wire.h"

struct channel;

/* Binds `config`, which must outlive the channel, to the file of its kind. 0; -EINVAL and *ret_error (the caller
 * frees): unknown kind, a setting missing, unknown or of the wrong form. config_load() has done this once for every
 * channel. */
MUST_USE int channel_new(const struct config_channel *config, struct channel **ret, char **ret_error);
struct channel *channel_free(struct channel *channel);

/* -- in ------------------------------------------------------------------------------------------------------------ */

/* A webhook as it came. `find_header` answers the value of a header (any case), `find_query` of a query argument; NULL
 * when there is none. */
struct channel_request {
        const char *(*find_header)(void *context, const char *name);
        const char *(*find_query)(void *context, const char *name);
        void *context;
        struct bytes body; /* raw: signatures are over the bytes that were sent */
        struct wall now;
};

enum channel_proof {
        CHANNEL_GENUINE = 0,
        CHANNEL_UNSIGNED = 1, /* a signature is required and there is none */
        CHANNEL_FORGED = 2,
        CHANNEL_STALE = 3, /* signed, but longer ago than the platform's tolerance: a replay */
};

/* Is the webhook from who it says? Compared in constant time. */
MUST_USE enum channel_proof channel_verify(const struct channel *channel, const struct channel_request *request);
/* Does the platform sign the address that it posts to, too? Then `public_url` is the first thing to look at when the
 * signature is wrong. */
bool channel_signs_address(const struct channel *channel);

/* The platform's question whether this address is ours, where it asks with a GET. (One in the body of a POST is found
 * by channel_read().) 0 and the text to answer in `answer`; 1 when it is no
 * such question; 2 when its token is not the one of the settings. */
MUST_USE int channel_challenge(const struct channel *channel, const struct channel_request *request,
                               struct buffer *answer);

/* One thing that a webhook says. The texts live as long as the events. */
struct channel_event {
        bool is_ignored;
        bool is_warning; /* ignored, but somebody should hear of it: a reply of ours was not delivered */
        /* Ignored: what it is, for the log and for `lull channel test`. WIRE_WHAT_PERSON and WIRE_WHAT_CLOSED: what
         * people read about it, or NULL. Else NULL. */
        const char *why;
        enum wire_what what;
        /* NULL = none; data is JSON text. Unless it is ignored, it has a thread and a kind; an edit, a deletion and
         * what is shown have an id, too: of the message, or the batch. An id of WIRE_WHAT_PERSON, WIRE_WHAT_CLOSED,
         * WIRE_WHAT_RESUME or WIRE_WHAT_ALIAS is the event's own: the same again is the same event. Of WIRE_WHAT_PERSON
         * and WIRE_WHAT_CLOSED the kind is the `why` again, which the broker then tells; of other events it may be
         * empty. */
        const char *id, *thread, *from, *kind, *text, *data;
        const char *to; /* where a reply goes, when that is not the thread's name: a text, or a JSON object's */
        const char *url; /* of a medium */
        const char *aliases[LIMIT_ALIASES_OF_ITEM]; /* other names of the thread; none is empty */
        uint32_t n_aliases;
        uint32_t number; /* WIRE_WHAT_SHOWN: which of the replies of the batch `id` */
        struct wall at; /* 0 = not said */
};

struct channel_events {
        struct channel_event *items;
        size_t n;
        /* The platform asks in this body whether the address is ours: the text to answer, as text/plain. There are no
         * items then. NULL = it does not ask. */
        const char *challenge;
        void *memory; /* what the texts live in */
};

/* Reads a body. 0 and *ret, which holds every message, event and ignored thing of it, in order; -EBADMSG when it cannot
 * be read, -E2BIG when it holds more than LIMIT_FRAME_MESSAGES of those: then *ret_error (the caller frees) says what
 * was looked for and, for broken JSON, the line and column. */
MUST_USE int channel_read(const struct channel *channel, struct bytes body, struct channel_events *ret,
                          char **ret_error);
void channel_events_done(struct channel_events *events);

/* An event as one line of JSON, for people and for golden files: {"what": "message", "thread": ..., "id": ...} with the
 * keys that say something; what is ignored as {"what": "ignored", "why": ...}. The caller frees. */
char *channel_event_text(const struct channel_event *event);

/* What a webhook is answered with when all is well, where the platform cares. */
struct channel_answer {
        unsigned status;
        const char *type, *body; /* live as long as the channel */
};
/* False, and *ret untouched: the platform does not care, our own JSON will do. */
bool channel_respond(const struct channel *channel, struct channel_answer *ret);

/* -- out ----------------------------------------------------------------------------------------------------------- */

/* What is said to a thread, and what it answers. Texts may be a stranger's; only `thread`, `tenant` and `batch` are
 * always there. */
struct channel_reply {
        const char *thread, *from; /* from: the sender of the batch's last message, or NULL */
        const char *tenant, *batch;
        uint32_t index; /* which of the batch's replies */
        struct bytes text;
        const char *message; /* the id of the batch's last message, or NULL */
        /* Where the reply goes, as the batch's last message said it: a text, or a JSON object's; NULL = to the thread's
         * name. */
        const char *to;
};

/* An HTTP request to the platform. */
struct channel_call {
        char *method, *url;
        char **headers; /* "Name: value", NULL at the end */
        char *body; /* NULL = none */
};
void channel_call_done(struct channel_call *call);

/* May a name in its addresses lead to a private range? */
bool channel_allows_private(const struct channel *channel);

/* Has this channel a way to post? (A generic channel has one only with a reply URL.) */
bool channel_has_post(const struct channel *channel);
/* The request that posts a reply. 0; -EINVAL and *ret_error (the caller frees) when it cannot be expressed, such as a
 * thread's name with control characters in a URL. `now` is for signatures. */
MUST_USE int channel_post_encode(const struct channel *channel, const struct channel_reply *reply, struct wall now,
                                 struct channel_call *ret, char **ret_error);

/* What the length of a reply is counted in. */
enum channel_unit { CHANNEL_CHARACTERS, CHANNEL_UTF16 };
/* How long a reply may be, in *ret_unit; 0 and CHANNEL_CHARACTERS when the platform sets no limit. */
size_t channel_reply_longest(const struct channel *channel, enum channel_unit *ret_unit);
/* How long a text is. */
size_t channel_text_length(struct bytes text, enum channel_unit unit);

enum channel_posted {
        CHANNEL_POSTED = 0,
        CHANNEL_POST_AGAIN = 1, /* refused for now */
        CHANNEL_POST_NEVER = 2, /* refused for good */
        CHANNEL_POST_UNKNOWN = 3, /* it failed, and may have been posted all the same */
};

/* What the platform's answer to a post means. `why` (LIMIT_WHY_LEN bytes) gets a sentence unless it was posted. */
MUST_USE enum channel_posted channel_post_outcome(const struct channel *channel, long http_status, struct bytes body,
                                                  char *why);
/* After how long the platform's answer says in its body that the reply may be posted again, at most
 * LIMIT_RETRY_AFTER_MAX_S; 0 when it does not say. */
struct span channel_post_retry_after(const struct channel *channel, struct bytes body);

/* -- was it posted? ------------------------------------------------------------------------------------------------ */

/* Can this channel be asked which replies it shows? */
bool channel_has_read_back(const struct channel *channel);

/* How far a channel has been read back: from its newest page, {0}, towards older ones. */
struct channel_page {
        uint32_t number;
        char *older; /* where the next page begins, as the platform said; NULL for the newest */
};
void channel_page_done(struct channel_page *page);

/* The request for a page. Answers as channel_post_encode(). */
MUST_USE int channel_read_back_encode(const struct channel *channel, const struct channel_reply *reply,
                                      const struct channel_page *page, struct channel_call *ret, char **ret_error);

enum channel_found {
        CHANNEL_FOUND, /* the reply is there */
        CHANNEL_NOT_FOUND, /* everything since the batch has been read, and it is not */
        CHANNEL_READ_ON, /* `page` has moved on: read that */
        CHANNEL_READ_AGAIN, /* refused for now */
        CHANNEL_UNREADABLE, /* it cannot be known: not allowed to read, or no end within the pages there may be */
};

/* What a page says about the reply. `why` (LIMIT_WHY_LEN bytes) gets a sentence for the last two. */
MUST_USE enum channel_found channel_read_back_outcome(const struct channel *channel, const struct channel_reply *reply,
                                                      long http_status, struct bytes body, struct channel_page *page,
                                                      char *why);

/* -- the typing sign ----------------------------------------------------------------------------------------------- */

/* Can this channel show that a reply is being written, and is it to? */
bool channel_has_typing(const struct channel *channel);
/* After how long the sign is to be shown again. */
struct span channel_typing_refresh(const struct channel *channel);
/* The request that shows the sign, or takes it away. 0; 1 when there is none: a sign that goes by itself, or one that
 * needs the id of a message; -EINVAL as channel_post_encode(). */
MUST_USE int channel_typing_encode(const struct channel *channel, const struct channel_reply *reply, bool is_on,
                                   struct channel_call *ret, char **ret_error);
/* Is it shown, or taken away, by what the platform answered? Some refuse it with a good status. */
bool channel_typing_is_done(const struct channel *channel, long http_status, struct bytes body);

/* -- channel files ------------------------------------------------------------------------------------------------- */

/* Is the text a channel file, complete and without a fault? 0; -EBADMSG and *ret_error (the caller frees): one or more
 * lines of "FILE:LINE: what is wrong; what would be right". `file` only names the text. */
MUST_USE int channel_file_check(const char *file, struct bytes text, char **ret_error);
