/* The tables of outcome.h for what was asked over HTTP. */
#include "common/ensure.h"
#include "worker/core/outcome_private.h"

#include <stdio.h>

/* -- no whole answer ----------------------------------------------------------------------------------------------- */

static void of_transport(const struct outcome_response *response, const char *who, struct outcome *ret) {
        const char *detail = response->detail ? response->detail : "no reason known";

        switch (response->transport) {
        case OUTCOME_ANSWERED:
                UNREACHABLE("there is an answer");
        case OUTCOME_UNREACHABLE:
                outcome_init(ret, WIRE_FAILED, "unreachable", "%s could not be reached: %s", who, detail);
                return;
        case OUTCOME_BROKEN:
                outcome_init(ret, WIRE_FAILED, "broken", "the connection to %s broke: %s", who, detail);
                return;
        case OUTCOME_STALLED:
                outcome_init(ret, WIRE_FAILED, "stalled", "%s fell silent: %s", who, detail);
                return;
        case OUTCOME_TOO_LARGE:
                outcome_init(ret, WIRE_FAILED, "too_large", "%s answered too much: %s", who, detail);
                return;
        case OUTCOME_FORBIDDEN:
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, "forbidden",
                             "the address of %s is a private one: %s. If that is meant, set `private: true` beside "
                             "its URL",
                             who, detail);
                return;
        case OUTCOME_UNSENDABLE:
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, "unsendable", "the request to %s cannot be sent: %s", who,
                             detail);
                return;
        }
}

static enum wire_provider provider_of_transport(const struct outcome_response *response) {
        switch (response->transport) {
        case OUTCOME_ANSWERED:
        case OUTCOME_TOO_LARGE:
                return WIRE_PROVIDER_WELL;
        case OUTCOME_UNREACHABLE:
        case OUTCOME_STALLED:
                return WIRE_PROVIDER_DOWN;
        case OUTCOME_BROKEN:
                return response->is_held_back ? WIRE_PROVIDER_SILENT : WIRE_PROVIDER_DOWN;
        case OUTCOME_FORBIDDEN:
        case OUTCOME_UNSENDABLE:
                return WIRE_PROVIDER_SILENT;
        }
        return WIRE_PROVIDER_SILENT;
}

/* -- an answer ----------------------------------------------------------------------------------------------------- */

static bool is_client_error(long status) { return status >= 400 && status <= 499; }
static bool is_server_error(long status) { return status >= 500 && status <= 599; }

static enum wire_provider provider_of_status(long status, const struct outcome_error *error) {
        bool is_error = is_client_error(status) || is_server_error(status);

        if (status == 402 || (is_error && error->kind == OUTCOME_ERROR_UNPAID))
                return WIRE_PROVIDER_UNPAID;
        if (status == 429 || status == 529 || (is_server_error(status) && error->kind == OUTCOME_ERROR_OVERLOADED))
                return WIRE_PROVIDER_OVERLOADED;
        return status == 408 || is_server_error(status) ? WIRE_PROVIDER_DOWN : WIRE_PROVIDER_WELL;
}

static bool is_busy(long status, const struct outcome_error *error) {
        return status == 409 || status == 423 || (is_client_error(status) && error->kind == OUTCOME_ERROR_BUSY);
}

static bool is_passing(long status) {
        return status == 408 || status == 425 || status == 429 || is_server_error(status);
}

static void of_status(long status, const struct outcome_error *error, const char *who, struct outcome *ret) {
        enum wire_provider provider = provider_of_status(status, error);
        char code[LIMIT_CODE_LEN + 1];

        snprintf(code, sizeof code, "http_%ld", status);
        if (provider == WIRE_PROVIDER_UNPAID)
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, "unpaid", "%s refuses for money: it answered %ld%s", who,
                             status, error->message);
        else if (is_busy(status, error))
                outcome_init(ret, WIRE_BUSY, "handler_busy", "%s is busy with this thread: it answered %ld%s", who,
                             status, error->message);
        else if (is_passing(status))
                outcome_init(ret, WIRE_FAILED, code, "%s answered %ld%s", who, status, error->message);
        else if (is_client_error(status))
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, code, "%s refused the batch: it answered %ld%s", who, status,
                             error->message);
        else if (status >= 300 && status <= 399)
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, code,
                             "%s answered %ld, a redirect, which is not followed: put the final address into lull.yaml",
                             who, status);
        else
                outcome_init(ret, WIRE_FAILED, "bad_answer", "%s answered %ld; 200 with a reply, or 204, was expected",
                             who, status);
        ret->status = status;
        ret->provider = provider;
}

static bool is_done(const struct outcome_response *response) {
        return response->transport == OUTCOME_ANSWERED && (response->status == 200 || response->status == 204);
}

void outcome_on_headers(struct outcome *outcome, const struct outcome_response *response) {
        struct span again = outcome_retry_after(&response->headers, response->now);
        bool is_well = outcome->provider == WIRE_PROVIDER_WELL;

        outcome->retry_after = outcome->kind == WIRE_DONE ? span_us(0) : again;
        outcome->pause = is_well ? outcome_limit_reset(&response->headers) : again;
}

void outcome_of_http(const struct outcome_response *response, const char *who, struct outcome *ret) {
        struct outcome_error error;

        if (is_done(response)) {
                outcome_init_done(ret);
                ret->provider = WIRE_PROVIDER_WELL;
        } else if (response->transport == OUTCOME_ANSWERED) {
                outcome_error_decode(response->status, response->body, &error);
                of_status(response->status, &error, who, ret);
        } else {
                of_transport(response, who, ret);
                ret->provider = provider_of_transport(response);
                return;
        }
        outcome_on_headers(ret, response);
}

enum wire_provider outcome_provider(const struct outcome_response *response) {
        struct outcome_error error;

        if (response->transport != OUTCOME_ANSWERED)
                return provider_of_transport(response);
        outcome_error_decode(response->status, response->body, &error);
        return provider_of_status(response->status, &error);
}

/* -- an error inside an answer ------------------------------------------------------------------------------------- */

void outcome_of_error(struct bytes json, const char *who, struct outcome *ret) {
        struct outcome_error error;

        /* Only a code that is a status says under which its words would have come. */
        outcome_error_decode(0, json, &error);
        switch (error.kind) {
        case OUTCOME_ERROR_BUSY:
                outcome_init(ret, WIRE_BUSY, "handler_busy", "%s is busy with this thread%s", who, error.message);
                ret->provider = WIRE_PROVIDER_WELL;
                return;
        case OUTCOME_ERROR_UNPAID:
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, "unpaid", "%s refuses for money%s", who, error.message);
                ret->provider = WIRE_PROVIDER_UNPAID;
                return;
        case OUTCOME_ERROR_OVERLOADED:
                outcome_init(ret, WIRE_FAILED, "overloaded", "%s is overloaded%s", who, error.message);
                ret->provider = WIRE_PROVIDER_OVERLOADED;
                return;
        case OUTCOME_ERROR_REQUEST:
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, "provider_refused", "%s refused the batch%s", who,
                             error.message);
                ret->provider = WIRE_PROVIDER_WELL;
                return;
        case OUTCOME_ERROR_PLAIN:
                break;
        }
        if (error.status != 0) {
                of_status(error.status, &error, who, ret);
                ret->status = 0; /* of HTTP it was another */
                return;
        }
        outcome_init(ret, WIRE_FAILED, "provider_error", "%s failed in the middle of its answer%s", who, error.message);
        ret->provider = WIRE_PROVIDER_DOWN;
}
