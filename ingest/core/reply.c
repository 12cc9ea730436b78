#include "ingest/core/reply.h"

#include "common/ensure.h"
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
        return outcome->n_accepted == 0 && outcome->n_duplicates == 0 && outcome->refusals->n > 0;
}

static unsigned status_of_code(const char *code) {
        if (strcmp(code, "unknown_tenant") == 0 || strcmp(code, "unknown_channel") == 0)
                return 404;
        if (strcmp(code, "too_large") == 0)
                return 413;
        return 400;
}

/* The status that all refusals have in common, or 400. */
static unsigned status_of(const struct refusals *refusals) {
        unsigned status = status_of_code(refusals->items[0].code);

        for (uint32_t i = 1; i < refusals->n; i++)
                if (status_of_code(refusals->items[i].code) != status)
                        return 400;
        return status;
}

static unsigned encode_refused(unsigned status, const struct refusals *refusals, struct buffer *body) {
        const struct refusal *first = &refusals->items[0];
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
static unsigned hook_status_of(const struct refusals *refusals) {
        unsigned status = status_of(refusals);

        if (status == 404)
                return 503;
        return status == 413 ? 413 : 422;
}

static json_t *ignored_to_json(const struct reply_ignored *ignored) {
        json_t *list = json_array();

        for (uint32_t i = 0; i < ignored->n && i < LIMIT_IGNORED_SHOWN; i++)
                ENSURE(json_array_append_new(list, json_text_new(bytes_of(ignored->why[i]))) == 0);
        return list;
}

unsigned reply_to_hook(const struct reply_outcome *outcome, const struct reply_ignored *ignored, struct buffer *body) {
        CLEANUP_JSON json_t *json = NULL;

        if (is_all_refused(outcome))
                return encode_refused(hook_status_of(outcome->refusals), outcome->refusals, body);
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
