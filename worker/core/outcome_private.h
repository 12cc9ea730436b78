/* What the files behind outcome.h share. */
#pragma once

#include "worker/core/outcome.h"

/* What of a provider's message is looked at and quoted. */
enum { OUTCOME_MESSAGE_LEN = 300 };

/* What the other side says is wrong, as far as it uses words we know. */
enum outcome_error_kind {
        OUTCOME_ERROR_PLAIN, /* nothing beyond its status */
        OUTCOME_ERROR_BUSY, /* the conversation is in use elsewhere */
        OUTCOME_ERROR_UNPAID, /* quota or credit are used up */
        OUTCOME_ERROR_OVERLOADED, /* too much is asked of it at once */
        OUTCOME_ERROR_REQUEST, /* of this request: it would be refused again */
};

struct outcome_error {
        enum outcome_error_kind kind;
        long status; /* a code that is a number; 0 = there was none */
        /* ": " and the service's own sentence, as far as there is one: of a body that is not JSON nothing is quoted, as
         * it may be a page of HTML. */
        char message[OUTCOME_MESSAGE_LEN];
};

/* Reads the body of an answer that failed, with its status; 0 = it came inside one that began well. Any bytes are one.
 * The service's codes decide; its sentence only where it has no code for it. */
void outcome_error_decode(long status, struct bytes body, struct outcome_error *ret);

/* How long a limit that has nothing left takes to be whole again; 0 when neither is used up. */
struct span outcome_limit_reset(const struct outcome_headers *headers);
