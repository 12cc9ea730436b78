/* What became of a run, and the table that says what a handler's response means. Pure.
 *
 *   handler answered                       outcome           code
 *   -------------------------------------  ----------------  ---------------------------
 *   200 with a reply, 204                  done              (read by answer.h)
 *   409, 423, any 4xx whose error says     busy              handler_busy
 *     that a run is active
 *   408, 425, 429, 5xx                     failed            http_STATUS
 *   no connection, or it broke             failed            unreachable, broken
 *   3xx, other 4xx                         failed for good   http_STATUS
 *   anything else (1xx, other 2xx)         failed            bad_answer
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
        struct span retry_after; /* 0 = not said */
};

void outcome_init(struct outcome *outcome, enum wire_outcome kind, const char *code, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

void outcome_init_done(struct outcome *outcome);

enum outcome_transport {
        OUTCOME_ANSWERED, /* there is a status */
        OUTCOME_UNREACHABLE, /* no connection: the request was not sent */
        OUTCOME_BROKEN, /* the connection broke: the request may have been handled */
        OUTCOME_TOO_LARGE, /* the answer is over LIMIT_HANDLER_BYTES */
};

struct outcome_response {
        enum outcome_transport transport;
        const char *detail; /* what the transport says went wrong */
        long status;
        const char *retry_after; /* the header's value, or NULL */
        struct bytes body;
        struct wall now; /* a Retry-After may be a date */
};

/* `who` begins the sentence: "the handler", "the channel". Of a 200 or a 204 the outcome is done, the body still to
 * be read. */
void outcome_of_http(const struct outcome_response *response, const char *who, struct outcome *ret);

/* `signal` is 0 when the program ended by itself. `detail` is the first line of its stderr, or empty. */
void outcome_of_exit(int64_t status, int signal, struct bytes detail, struct outcome *ret);

/* A Retry-After: seconds, or a date. 0 when it is neither or past; at most LIMIT_RETRY_AFTER_MAX_S. `text` may be
 * NULL. */
struct span outcome_retry_after(const char *text, struct wall now);
