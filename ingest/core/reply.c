#include "ingest/core/reply.h"

#include "common/ensure.h"
#include "common/wire.h"
#include "ingest/core/intake.h"
#include "ingest/core/problem.h"

#include <string.h>

static void set(json_t *object, const char *key, json_t *value) {
        ENSURE(json_object_set_new(object, key, value) == 0);
}

static json_t *refusals_to_json(const struct refusals *refusals) {
        json_t *list = json_array();

        for (uint32_t i = 0; i < refusals->n; i++) {
                json_t *refusal = json_object();

                set(refusal, "index", json_integer(refusals->items[i].index));
                set(refusal, "code", json_text_new(bytes_of(refusals->items[i].code)));
                set(refusal, "why", json_text_new(bytes_of(refusals->items[i].why)));
                ENSURE(json_array_append_new(list, refusal) == 0);
        }
        return list;
}

static bool is_all_refused(const struct reply_outcome *outcome) {
        return outcome->n_accepted == 0 && outcome->n_duplicates == 0 && outcome->n_events == 0 &&
               outcome->refusals->n > 0;
}

static unsigned status_of_code(const char *code) {
        if (strcmp(code, "unknown_tenant") == 0 || strcmp(code, "unknown_channel") == 0)
                return 404;
        if (strcmp(code, "too_large") == 0)
                return 413;
        if (strcmp(code, "tenant_full") == 0)
                return 429;
        if (strcmp(code, "broker_full") == 0 || strcmp(code, INTAKE_BROKER_OLD) == 0 ||
            strncmp(code, "spool_", strlen("spool_")) == 0)
                return 503;
        if (strcmp(code, "store_full") == 0)
                return 507;
        return 400;
}

/* For want of room: the broker's, or the spool's. */
static bool is_passing(const struct refusal *refusal) {
        return wire_is_passing(bytes_of(refusal->code)) || strncmp(refusal->code, "spool_", strlen("spool_")) == 0;
}

/* The status that all refusals have in common, 503 when that is to come again, or 400. */
static unsigned status_of(const struct refusals *refusals) {
        unsigned status = status_of_code(refusals->items[0].code);
        bool has_one = true, is_all_passing = true;

        for (uint32_t i = 0; i < refusals->n; i++) {
                has_one = has_one && status_of_code(refusals->items[i].code) == status;
                is_all_passing = is_all_passing && is_passing(&refusals->items[i]);
        }
        return has_one ? status : is_all_passing ? 503 : 400;
}

/* The refusal that the status is for; else the first. */
static const struct refusal *find_reason(const struct refusals *refusals, unsigned status) {
        for (uint32_t i = 0; i < refusals->n; i++)
                if (status_of_code(refusals->items[i].code) == status)
                        return &refusals->items[i];
        return &refusals->items[0];
}

static unsigned encode_refused(unsigned status, const struct refusals *refusals, struct buffer *body) {
        const struct refusal *first = find_reason(refusals, status);
        CLEANUP_JSON json_t *json = problem_to_json(&(struct problem){status, first->code, first->why});

        set(json, "refused", refusals_to_json(refusals));
        json_encode(json, body);
        buffer_push_text(body, "\n");
        return status;
}

static json_t *counts_to_json(const struct reply_outcome *outcome) {
        json_t *json = json_object();

        set(json, "accepted", json_integer(outcome->n_accepted));
        set(json, "duplicate", json_integer(outcome->n_duplicates));
        if (outcome->n_events > 0)
                set(json, "events", json_integer(outcome->n_events));
        return json;
}

unsigned reply_to_api(const struct reply_outcome *outcome, struct buffer *body) {
        CLEANUP_JSON json_t *json = NULL;

        if (is_all_refused(outcome))
                return encode_refused(status_of(outcome->refusals), outcome->refusals, body);
        json = counts_to_json(outcome);
        set(json, "refused", refusals_to_json(outcome->refusals));
        json_encode(json, body);
        buffer_push_text(body, "\n");
        return 202;
}

/* Names are right in lull.yaml as this program has read it, or the webhook would not have come so far: the broker has
 * yet to read it. What is wrong with the message itself stays wrong. */
static bool is_mended_in_time(const struct refusal *refusal) {
        unsigned status = status_of_code(refusal->code);

        return status == 404 || status == 503 || strcmp(refusal->code, "too_many_holds") == 0;
}

static bool has(const struct refusals *refusals, bool (*is_such)(const struct refusal *refusal)) {
        for (uint32_t i = 0; i < refusals->n; i++)
                if (is_such(&refusals->items[i]))
                        return true;
        return false;
}

/* Is it worth the platform's while to bring the webhook again? */
static bool is_to_come_again(const struct reply_outcome *outcome) {
        return has(outcome->refusals, is_passing) ||
               (is_all_refused(outcome) && has(outcome->refusals, is_mended_in_time));
}

static json_t *ignored_to_json(const struct reply_ignored *ignored) {
        json_t *list = json_array();

        for (uint32_t i = 0; i < ignored->n && i < LIMIT_IGNORED_SHOWN; i++)
                ENSURE(json_array_append_new(list, json_text_new(bytes_of(ignored->why[i]))) == 0);
        return list;
}

unsigned reply_to_hook(const struct reply_outcome *outcome, const struct reply_ignored *ignored, struct buffer *body) {
        CLEANUP_JSON json_t *json = NULL;

        if (is_to_come_again(outcome))
                return encode_refused(status_of(outcome->refusals) == 507 ? 507 : 503, outcome->refusals, body);
        json = counts_to_json(outcome);
        if (outcome->refusals->n > 0)
                set(json, "refused", refusals_to_json(outcome->refusals));
        if (ignored->n > 0) {
                set(json, "ignored", ignored_to_json(ignored));
                set(json, "ignored_total", json_integer(ignored->n));
        }
        json_encode(json, body);
        buffer_push_text(body, "\n");
        return 200;
}
