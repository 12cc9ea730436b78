/* What became of a run, and the tables that say what the other side meant. Pure.
 *
 *   handler answered                       outcome           code           provider
 *   -------------------------------------  ----------------  -------------  ------------------
 *   200 with a reply, 204                  done              (answer.h)     well
 *   409, 423, any 4xx whose error has a    busy              handler_busy   well
 *     code for a conversation in use, or
 *     a sentence for it (outcome_error.c)
 *   402, any 4xx or 5xx whose error has a  failed for good   unpaid         unpaid
 *     code for quota or credit used up, or
 *     a 400, 403 or 429 a sentence for it
 *   429, 529                               failed            http_STATUS    overloaded
 *   408, other 5xx                         failed            http_STATUS    down
 *   425                                    failed            http_STATUS    well
 *   3xx, other 4xx                         failed for good   http_STATUS    well
 *   anything else (1xx, other 2xx)         failed            bad_answer     well
 *
 *   nothing came, or not all of it         outcome           code           provider
 *   -------------------------------------  ----------------  -------------  ------------------
 *   no connection                          failed            unreachable    down
 *   it broke                               failed            broken         down
 *     because we held the request back     failed            broken         nothing to say
 *   no byte for too long                   failed            stalled        down
 *   too many bytes                         failed            too_large      well
 *   an address that is not allowed         failed for good   forbidden      nothing to say
 *   a request that cannot be sent          failed for good   unsendable     nothing to say
 *
 *   program ended                          outcome           code
 *   -------------------------------------  ----------------  ---------------------------
 *   0                                      done              (read by answer.h)
 *   65 (EX_DATAERR)                        failed for good   exit_65
 *   69 (EX_UNAVAILABLE)                    busy              handler_busy
 *   75 (EX_TEMPFAIL), any other status     failed            exit_STATUS
 *   killed by a signal                     failed            signal_NUMBER
 *   could not be started                   failed            not_started
 *
 * A malformed answer is failed, not failed for good: the attempts bound it, and a handler that is being restarted or
 * deployed answers well a moment later. */
#pragma once

#include "common/bytes.h"
#include "common/limits.h"
#include "common/time.h"
#include "common/wire.h"

struct outcome {
        enum wire_outcome kind;
        char code[LIMIT_CODE_LEN + 1]; /* empty for done */
        char why[LIMIT_WHY_LEN + 1]; /* UTF-8 without control characters; empty for done. Not for the log: it quotes */
        long status; /* of HTTP; 0 = there was none */
        struct span retry_after; /* of this request; 0 = not said */
        enum wire_provider provider; /* what it tells of the provider, */
        struct span pause; /* which wants no call at all for so long; 0 = not said */
        bool is_doubtful; /* of a post: it may have been seen, and whether it was is not known */
};

void outcome_init(struct outcome *outcome, enum wire_outcome kind, const char *code, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

void outcome_init_done(struct outcome *outcome);

enum outcome_transport {
        OUTCOME_ANSWERED, /* there is a status */
        OUTCOME_UNREACHABLE, /* no connection: the request was not sent */
        OUTCOME_BROKEN, /* the connection broke: the request may have been handled, unless it was held back */
        OUTCOME_STALLED, /* no byte came for too long: the request may have been handled */
        OUTCOME_TOO_LARGE, /* the answer is over a limit: the request has been handled */
        OUTCOME_FORBIDDEN, /* the name has no address that is allowed: the request was not sent */
        OUTCOME_UNSENDABLE, /* the URL or a header cannot be sent, and was not */
};

/* Headers that say when to come again; NULL = not there. */
struct outcome_headers {
        const char *retry_after, *retry_after_ms;
        const char *requests_left, *requests_reset; /* x-ratelimit-remaining-requests, x-ratelimit-reset-requests */
        const char *tokens_left, *tokens_reset;
};

struct outcome_response {
        enum outcome_transport transport;
        bool is_held_back; /* broken by ourselves, before the whole request was sent */
        const char *detail; /* what the transport says went wrong */
        long status; /* also of an answer that broke off; 0 = there was none */
        struct outcome_headers headers;
        struct bytes body;
        struct wall now; /* a Retry-After may be a date */
};

/* `who` begins the sentence: "the handler", "the channel". Of a 200 or a 204 the outcome is done, the body still to
 * be read. */
void outcome_of_http(const struct outcome_response *response, const char *who, struct outcome *ret);

/* What the headers of the response ask for, whatever the outcome was read from: fills retry_after and pause. A provider
 * that is well and yet asks to wait speaks of this thread, unless it has nothing left for anybody. */
void outcome_on_headers(struct outcome *outcome, const struct outcome_response *response);

/* What the response tells of whoever gave it, or did not: the last column of the tables. */
enum wire_provider outcome_provider(const struct outcome_response *response);

/* An error inside an answer that began well: an event of a 200 stream, or a response object that failed. `json` holds
 * {"error": {...}}, {"error": "..."}, {"response": {"error": {...}}} or the flat {"code", "message"}. A code that is a
 * number is read as the status it would have been; of what says nothing known the outcome is failed, provider_error. */
void outcome_of_error(struct bytes json, const char *who, struct outcome *ret);

/* `signal` is 0 when the program ended by itself. `detail` is the first line of its stderr, or empty. */
void outcome_of_exit(int64_t status, int signal, struct bytes detail, struct outcome *ret);

/* How long this request is to wait before it is made again: retry-after-ms, Retry-After (seconds or a date), or the
 * reset of a limit that has nothing left. 0 when none of them says; at most LIMIT_RETRY_AFTER_MAX_S. */
struct span outcome_retry_after(const struct outcome_headers *headers, struct wall now);
