/* The words of a service that failed: where they stand, and what they mean. The status alone does not say it: a
 * conversation in use is a 400, a quota that is used up a 429. */
#include "common/json.h"
#include "worker/core/outcome_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the words stand, in this order: {"error": {...}}, a response object that failed, an event of a stream that
 * holds one, flat, problem details. */
static const char *const message_places[] = {
        "/error/message", "/response/error/message", "/message", "/detail", "/error", "/title", "/response/error"};
static const char *const word_places[] = {"/error/code",  "/response/error/code", "/code",
                                          "/error/type",  "/response/error/type", "/type",
                                          "/error/status"};

static const struct {
        const char *word;
        enum outcome_error_kind kind;
} words[] = {
        {"conversation_locked", OUTCOME_ERROR_BUSY},
        {"conversation_already_has_active_response", OUTCOME_ERROR_BUSY},
        {"insufficient_quota", OUTCOME_ERROR_UNPAID},
        {"insufficient_balance", OUTCOME_ERROR_UNPAID},
        {"insufficient_credits", OUTCOME_ERROR_UNPAID},
        {"credit_balance_exhausted", OUTCOME_ERROR_UNPAID},
        {"billing_error", OUTCOME_ERROR_UNPAID},
        {"billing_hard_limit_reached", OUTCOME_ERROR_UNPAID},
        {"billing_not_active", OUTCOME_ERROR_UNPAID},
        {"rate_limit_exceeded", OUTCOME_ERROR_OVERLOADED},
        {"rate_limit_error", OUTCOME_ERROR_OVERLOADED},
        {"slow_down", OUTCOME_ERROR_OVERLOADED},
        {"overloaded_error", OUTCOME_ERROR_OVERLOADED},
        {"RESOURCE_EXHAUSTED", OUTCOME_ERROR_OVERLOADED},
        {"authentication_error", OUTCOME_ERROR_REQUEST},
        {"bio_policy", OUTCOME_ERROR_REQUEST},
        {"content_policy_violation", OUTCOME_ERROR_REQUEST},
        {"context_length_exceeded", OUTCOME_ERROR_REQUEST},
        {"data_residency_mismatch", OUTCOME_ERROR_REQUEST},
        {"exceed_context_size_error", OUTCOME_ERROR_REQUEST},
        {"invalid_api_key", OUTCOME_ERROR_REQUEST},
        {"invalid_prompt", OUTCOME_ERROR_REQUEST},
        {"invalid_request_error", OUTCOME_ERROR_REQUEST},
        {"model_not_found", OUTCOME_ERROR_REQUEST},
        {"not_found_error", OUTCOME_ERROR_REQUEST},
        {"permission_error", OUTCOME_ERROR_REQUEST},
        {"BadRequestError", OUTCOME_ERROR_REQUEST},
        {"NotFoundError", OUTCOME_ERROR_REQUEST},
};

/* Where there is no word for it, only a sentence. All of a row must stand in it. */
static const struct {
        const char *first, *second;
        enum outcome_error_kind kind;
} phrases[] = {
        {"while a run ", " is active", OUTCOME_ERROR_BUSY},      {"run is active", "", OUTCOME_ERROR_BUSY},
        {"already has an active run", "", OUTCOME_ERROR_BUSY},   {"already running a task", "", OUTCOME_ERROR_BUSY},
        {"credit balance is too low", "", OUTCOME_ERROR_UNPAID},
};

static const char *find_message(const json_t *root) {
        for (size_t i = 0; i < sizeof message_places / sizeof *message_places; i++) {
                const char *text = json_string_value(json_pointer_find(root, message_places[i]));

                if (text && *text)
                        return text;
        }
        return NULL;
}

static enum outcome_error_kind kind_of_word(const char *word) {
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
                if (strcmp(word, words[i].word) == 0)
                        return words[i].kind;
        return OUTCOME_ERROR_PLAIN;
}

static enum outcome_error_kind kind_of_message(const char *message) {
        for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
                if (strstr(message, phrases[i].first) && strstr(message, phrases[i].second))
                        return phrases[i].kind;
        return OUTCOME_ERROR_PLAIN;
}

/* A code may be a status, as a number or in text. */
static long status_of(const char *text) {
        char *end;
        long status = strtol(text, &end, 10);

        return end != text && *end == '\0' && status >= 400 && status <= 599 ? status : 0;
}

static void read_words(const json_t *root, struct outcome_error *error) {
        for (size_t i = 0; i < sizeof word_places / sizeof *word_places; i++) {
                CLEANUP_FREE char *word = json_scalar_text(json_pointer_find(root, word_places[i]));

                if (!word)
                        continue;
                if (error->kind == OUTCOME_ERROR_PLAIN)
                        error->kind = kind_of_word(word);
                if (error->status == 0)
                        error->status = status_of(word);
        }
}

void outcome_error_decode(struct bytes body, struct outcome_error *ret) {
        CLEANUP_JSON json_t *root = NULL;
        CLEANUP_FREE char *parse_error = NULL, *text = NULL;
        const char *said;

        *ret = (struct outcome_error){0};
        if (json_decode(body, &root, &parse_error) < 0) {
                text = bytes_copy_text(
                        (struct bytes){body.data, body.len < OUTCOME_MESSAGE_LEN ? body.len : OUTCOME_MESSAGE_LEN});
                ret->kind = kind_of_message(text);
                return;
        }
        const json_t *object = json_is_array(root) ? json_array_get(root, 0) : root;
        read_words(object, ret);
        said = find_message(object);
        if (said)
                snprintf(ret->message, sizeof ret->message, ": %s", said);
        /* A sentence that speaks of a run or of the credit is more exact than "invalid_request_error". */
        enum outcome_error_kind kind = said ? kind_of_message(said) : OUTCOME_ERROR_PLAIN;
        if (kind != OUTCOME_ERROR_PLAIN)
                ret->kind = kind;
}
