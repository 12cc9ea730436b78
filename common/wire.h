/* The frames of "lull/1", as structs: PROTOCOL.md is the contract, this is its one reader and writer in C.
 *
 * Decoding borrows: every `struct bytes` in a decoded frame points into the frame. Decoding answers 0, or -EBADMSG for
 * a frame that is not what its type says; it never allocates. Encoding appends to a buffer. Limits on lengths and
 * counts are checked by decode, so what it lets through is within limits.h. */
#pragma once

#include "common/bytes.h"
#include "common/limits.h"
#include "common/pack.h"
#include "common/time.h"

#include <stdint.h>

enum { WIRE_VERSION = 1 };

enum wire_type {
        WIRE_MESSAGES = 1,
        WIRE_ACK = 2,
        WIRE_HELLO = 3,
        WIRE_WELCOME = 4,
        WIRE_ALIVE = 5,
        WIRE_RUN = 6,
        WIRE_ANSWERED = 7,
        WIRE_GO = 8,
        WIRE_STOP = 9,
        WIRE_RESULT = 10,
        WIRE_SETTLED = 11,
        WIRE_CANCEL = 12,
        WIRE_ERROR = 13,
        WIRE_POSTED = 14,
        WIRE_TALLY = 15,
        WIRE_HEARD = 16,
        WIRE_EVENTS = 17, /* from lull/1.2 */
        WIRE_BUNDLE = 18, /* from lull/1.3 */
};

/* What an item of a producer is: a message, or an event about a thread. PROTOCOL.md says what each does. */
enum wire_what {
        WIRE_WHAT_MESSAGE = 0,
        WIRE_WHAT_TYPING = 1, /* the person is typing */
        WIRE_WHAT_PAUSED = 2, /* and has stopped */
        WIRE_WHAT_PERSON = 3, /* somebody of the team answers from here on */
        WIRE_WHAT_CLOSED = 4, /* the conversation was closed */
        WIRE_WHAT_RESUME = 5, /* the platform gives the thread back */
        WIRE_WHAT_EDIT = 6, /* the body replaces that of message `id` */
        WIRE_WHAT_DELETE = 7, /* message `id` was taken back */
        WIRE_WHAT_ALIAS = 8, /* says only that the thread and the aliases are one */
        WIRE_WHAT_SHOWN = 9, /* reply `number` of the batch `id` is to be seen in the channel */
        WIRE_WHAT_UNKNOWN = 10, /* a number that is not known here: accepted, and passed over */
        N_WIRE_WHAT,
};

enum wire_outcome {
        WIRE_DONE = 0,
        WIRE_FAILED = 1,
        WIRE_FAILED_FOR_GOOD = 2,
        WIRE_BUSY = 3,
        /* Not run, or stopped without a verdict: the worker drains, or has no room. Costs nothing. */
        WIRE_HANDED_BACK = 4,
};

/* What a run learned of the provider behind its handler. A number not known here is read as silent. */
enum wire_provider {
        WIRE_PROVIDER_SILENT = 0, /* nothing to say */
        WIRE_PROVIDER_WELL = 1,
        WIRE_PROVIDER_OVERLOADED = 2,
        WIRE_PROVIDER_DOWN = 3,
        WIRE_PROVIDER_UNPAID = 4, /* it refuses for money: nobody's call will do better */
};

/* What a worker counts for a tenant: PROTOCOL.md has the words. */
enum wire_tally {
        WIRE_TALLY_UNKNOWN = 0, /* a number that is not known here */
        WIRE_TALLY_CALLS = 1,
        WIRE_TALLY_CALLS_WASTED = 2,
        WIRE_TALLY_TOKENS_IN = 3,
        WIRE_TALLY_TOKENS_OUT = 4,
        WIRE_TALLY_TOKENS_WASTED = 5,
        WIRE_TALLY_CONTEXT_HIT = 6,
        WIRE_TALLY_CONTEXT_MISS = 7,
        WIRE_TALLY_CONTEXT_FAILED = 8,
        WIRE_TALLY_CONTEXT_US = 9, /* microseconds spent on lookups */
        WIRE_TALLY_POSTS_FOUND = 10, /* found by reading the channel back: not posted again */
        WIRE_TALLY_POSTS_REPEATED = 11, /* posted again without knowing whether they were out */
        WIRE_TALLY_POSTS_SILENCED = 12, /* not posted, without knowing whether they were out */
        WIRE_TALLY_CONVERSATION_LOCKED = 13,
        WIRE_TALLY_TYPING_FAILED = 14,
        N_WIRE_TALLY,
};

/* The batch of a run, as text: a ULID (26 characters of Crockford's base 32). */
#define WIRE_BATCH_LEN 26
#define WIRE_UUID_LEN 16

/* An item, as a producer hands it over: what a person sent, or an event. `id` and `channel` may be empty; with the rest
 * left at zero it is a message. */
struct wire_message {
        struct bytes tenant, thread, id, channel, body;
        enum wire_what what;
        uint32_t number; /* WIRE_WHAT_SHOWN: which reply, from 0 */
        uint32_t n_aliases;
        struct bytes aliases[LIMIT_ALIASES_OF_ITEM]; /* what else the thread is called */
};

/* The inside of a message's `body`, which the broker checks once and then only carries. */
struct wire_body {
        struct wall at; /* 0 = not said */
        struct bytes from, kind, text, data; /* each may be empty; data is JSON text */
        struct bytes to; /* where a reply goes, if not to the thread's name: a name, or a JSON object of its parts */
        struct bytes url; /* of a medium */
};

struct wire_refusal {
        uint32_t index;
        struct bytes code, why;
};

struct wire_ack {
        uint64_t request;
        uint32_t n_accepted;
        uint32_t n_duplicates;
        struct pack_reader duplicates; /* that many pack_pop_uint(): indices */
        uint32_t n_refusals;
        struct pack_reader refusals; /* read with wire_refusal_next() */
};

/* A lease as its holder names it. */
struct wire_held {
        uint64_t fence;
        struct bytes batch;
};

struct wire_hello {
        struct bytes uuid;
        uint64_t incarnation;
        uint32_t slots;
        struct bytes version;
        uint32_t n_held;
        struct pack_reader held; /* read with wire_held_next() */
        bool takes_bundles;
};

struct wire_welcome {
        uint32_t epoch;
        struct span lease, alive;
        struct bytes version;
        bool takes_bundles;
};

struct wire_alive {
        uint32_t slots;
        uint32_t n_held;
        struct pack_reader held; /* read with wire_held_next() */
        uint64_t beat; /* HEARD repeats it; 0 = not said, and then there is none */
};

/* One message of a run. */
struct wire_run_message {
        struct bytes id, channel, body;
        struct wall accepted;
};

struct wire_run {
        uint64_t fence;
        struct bytes batch, tenant, thread;
        uint32_t attempt; /* 1 for the first */
        struct bytes answer; /* empty = not answered yet */
        uint32_t posted; /* replies of that answer already posted */
        bool is_doubtful; /* reply number `posted` may be out already */
        bool is_silent; /* a reply in doubt that cannot be looked for is passed over; else it is posted again */
        bool is_record; /* the messages are only to be recorded: a person has answered them */
        uint32_t n_messages;
        struct pack_reader messages; /* read with wire_run_next() */
};

struct wire_answered {
        uint64_t fence;
        struct bytes batch, answer;
};

/* A reply is out, and more follow. */
struct wire_posted {
        uint64_t fence;
        struct bytes batch;
        uint32_t posted; /* replies of the answer that are out */
};

/* STOP and CANCEL: which run, and why. */
struct wire_verdict {
        uint64_t fence;
        struct bytes code, why;
};

struct wire_result {
        uint64_t fence;
        struct bytes batch;
        enum wire_outcome outcome;
        struct bytes code, why;
        struct span retry_after; /* 0 = not said */
        uint32_t posted;
        struct span lock_wait, answering; /* 0 = that stage was not reached */
        bool is_doubtful; /* whether reply number `posted` is out is not known */
        bool is_of_old; /* from before lull/1.1: it says nothing of that */
        enum wire_provider provider;
        struct span pause; /* how long the provider wants no call; 0 = not said */
};

struct wire_tally_item {
        enum wire_tally what;
        uint64_t amount;
};

struct wire_settled {
        uint64_t fence;
        bool is_accepted; /* false: the fence was stale and nothing changed */
};

/* The type of a frame: 0 and *ret_type, -EPROTONOSUPPORT for another version, -EBADMSG for an unknown type or an empty
 * frame. *ret_body is what follows the type byte. */
MUST_USE int wire_open(struct bytes frame, enum wire_type *ret_type, struct bytes *ret_body);

/* MESSAGES and EVENTS: the head, then wire_plain_next() for the one and wire_message_next() for the other, as often as
 * *ret_n says. */
MUST_USE int wire_decode_messages(struct bytes body, uint64_t *ret_request, uint32_t *ret_n,
                                  struct pack_reader *ret_reader);
/* An item, as wire_encode_message() writes it. 0, or -EBADMSG when the frame as a whole is broken: then nothing of it
 * is to be used, *ret neither. Only as many aliases are touched as there are. */
MUST_USE int wire_message_next(struct pack_reader *reader, struct wire_message *ret);
/* The same for an item of MESSAGES, where nothing behind its body means anything. */
MUST_USE int wire_plain_next(struct pack_reader *reader, struct wire_message *ret);
MUST_USE int wire_decode_body(struct bytes body, struct wire_body *ret);
MUST_USE int wire_decode_ack(struct bytes body, struct wire_ack *ret);
MUST_USE int wire_refusal_next(struct pack_reader *reader, struct wire_refusal *ret);
/* Is it a refusal for want of room? Then the same message can be taken in later. */
bool wire_is_passing(struct bytes code);
MUST_USE int wire_decode_hello(struct bytes body, struct wire_hello *ret);
MUST_USE int wire_decode_welcome(struct bytes body, struct wire_welcome *ret);
MUST_USE int wire_decode_alive(struct bytes body, struct wire_alive *ret);
MUST_USE int wire_decode_heard(struct bytes body, uint64_t *ret_beat);
MUST_USE int wire_held_next(struct pack_reader *reader, struct wire_held *ret);
MUST_USE int wire_decode_run(struct bytes body, struct wire_run *ret);
MUST_USE int wire_run_next(struct wire_run *run, struct wire_run_message *ret);
/* One message of a run by itself, as it is stored. */
MUST_USE int wire_decode_run_message(struct pack_reader *reader, struct wire_run_message *ret);
/* POSTED. */
MUST_USE int wire_decode_posted(struct bytes body, struct wire_posted *ret);
MUST_USE int wire_decode_answered(struct bytes body, struct wire_answered *ret);
MUST_USE int wire_decode_go(struct bytes body, uint64_t *ret_fence);
/* STOP and CANCEL. */
MUST_USE int wire_decode_verdict(struct bytes body, struct wire_verdict *ret);
MUST_USE int wire_decode_result(struct bytes body, struct wire_result *ret);
MUST_USE int wire_decode_settled(struct bytes body, struct wire_settled *ret);
/* TALLY: the head, then wire_tally_next() as often as *ret_n says. */
MUST_USE int wire_decode_tally(struct bytes body, struct bytes *ret_tenant, uint32_t *ret_n,
                               struct pack_reader *ret_reader);
MUST_USE int wire_tally_next(struct pack_reader *reader, struct wire_tally_item *ret);
/* BUNDLE: the head, then wire_bundled_next() as often as *ret_n says. */
MUST_USE int wire_decode_bundle(struct bytes body, uint32_t *ret_n, struct pack_reader *ret_reader);
/* A frame, which may be anything. */
MUST_USE int wire_bundled_next(struct pack_reader *reader, struct bytes *ret);
MUST_USE int wire_decode_error(struct bytes body, struct bytes *ret_code, struct bytes *ret_why);

/* "message", "typing", ...; static. */
const char *wire_what_name(enum wire_what what);
/* 0 and *ret; -EBADMSG when nothing is called so. */
MUST_USE int wire_what_of_name(struct bytes name, enum wire_what *ret);
/* Can MESSAGES carry it? That is a message without aliases; everything else goes in EVENTS. */
bool wire_is_plain(const struct wire_message *message);
/* The head of MESSAGES; `n` times wire_encode_message() must follow in the same buffer, each of a plain one. A broker
 * from before lull/1.2 understands it. */
void wire_encode_messages(struct buffer *buffer, uint64_t request, uint32_t n);
/* The head of EVENTS; `n` times wire_encode_message() must follow in the same buffer. */
void wire_encode_events(struct buffer *buffer, uint64_t request, uint32_t n);
void wire_encode_message(struct buffer *buffer, const struct wire_message *message);
void wire_encode_body(struct buffer *buffer, const struct wire_body *body);
void wire_encode_ack(struct buffer *buffer, uint64_t request, uint32_t n_accepted, const uint32_t *duplicates,
                     uint32_t n_duplicates, const struct wire_refusal *refusals, uint32_t n_refusals);
/* HELLO and ALIVE have a list of leases: `n_held` times wire_encode_held() must follow, then the end of either. */
void wire_encode_hello(struct buffer *buffer, const struct wire_hello *hello);
void wire_encode_alive(struct buffer *buffer, uint32_t slots, uint32_t n_held);
void wire_encode_hello_end(struct buffer *buffer, const struct wire_hello *hello);
void wire_encode_alive_end(struct buffer *buffer, uint64_t beat);
void wire_encode_held(struct buffer *buffer, uint64_t fence, struct bytes batch);
void wire_encode_welcome(struct buffer *buffer, const struct wire_welcome *welcome);
void wire_encode_heard(struct buffer *buffer, uint64_t beat);
/* RUN: run->n_messages times wire_encode_run_message() must follow, then wire_encode_run_end(). */
void wire_encode_run(struct buffer *buffer, const struct wire_run *run);
void wire_encode_run_message(struct buffer *buffer, const struct wire_run_message *message);
void wire_encode_run_end(struct buffer *buffer, const struct wire_run *run);
void wire_encode_posted(struct buffer *buffer, const struct wire_posted *posted);
void wire_encode_answered(struct buffer *buffer, const struct wire_answered *answered);
void wire_encode_go(struct buffer *buffer, uint64_t fence);
/* `type` is WIRE_STOP or WIRE_CANCEL. */
void wire_encode_verdict(struct buffer *buffer, enum wire_type type, const struct wire_verdict *verdict);
void wire_encode_result(struct buffer *buffer, const struct wire_result *result);
/* `n` is at most LIMIT_TALLY_ITEMS. */
void wire_encode_tally(struct buffer *buffer, struct bytes tenant, const struct wire_tally_item *items, uint32_t n);
void wire_encode_settled(struct buffer *buffer, const struct wire_settled *settled);
void wire_encode_error(struct buffer *buffer, struct bytes code, struct bytes why);

/* A BUNDLE that is being written. */
struct wire_bundle {
        size_t at, count_at, last_at; /* where it, its count and its last frame begin in the buffer */
        uint32_t n;
};

/* For each of its frames wire_begin_bundled(), the frame into the same buffer, wire_end_bundled(); then
 * wire_end_bundle(). At most LIMIT_BUNDLE_FRAMES. */
void wire_begin_bundle(struct buffer *buffer, struct wire_bundle *ret);
void wire_begin_bundled(struct buffer *buffer, struct wire_bundle *bundle);
void wire_end_bundled(struct buffer *buffer, struct wire_bundle *bundle);
/* Takes the last frame out again, to go alone; it is good until more is written. There must be one before it. */
struct bytes wire_take_bundled(struct buffer *buffer, struct wire_bundle *bundle);
/* What is to be sent: the bundle, or its frame, when it has but one. Good until more is written. */
struct bytes wire_end_bundle(struct buffer *buffer, struct wire_bundle *bundle);

/* An answer: the replies, as they are handed over in ANSWERED and come back in RUN. */
void wire_encode_answer(struct buffer *buffer, const struct bytes *replies, uint32_t n);
/* Fills at most LIMIT_REPLIES entries of `ret_replies`, borrowed from `answer`; -EBADMSG when it is none. */
MUST_USE int wire_decode_answer(struct bytes answer, struct bytes *ret_replies, uint32_t *ret_n);
