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

/* Words that are said of most faults: where the sentence beside one is a service's own, that is more exact. */
static const char *const vague_words[] = {"invalid_request_error", "BadRequestError"};

enum { STATUSES_MAX = 4 };
static const long busy_statuses[STATUSES_MAX] = {400, 409, 422};
static const long unpaid_statuses[STATUSES_MAX] = {400, 402, 403, 429};

/* Where there is no word for it, only a sentence. A sentence may quote what a person wrote, so it counts only where the
 * service says it, under the status it has there, and as it begins there. */
static const struct {
        const char *place, *begins, *has;
        const long *statuses;
        enum outcome_error_kind kind;
} sentences[] = {
        {"/error/message", "Can't add messages to ", " is active", busy_statuses, OUTCOME_ERROR_BUSY},
        {"/error/message", "Thread ", " already has an active run", busy_statuses, OUTCOME_ERROR_BUSY},
        {"/detail", "Thread is already running a task", "", busy_statuses, OUTCOME_ERROR_BUSY},
        {"/error/message", "Your credit balance is too low", "", unpaid_statuses, OUTCOME_ERROR_UNPAID},
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

static bool is_vague(const char *word) {
        for (size_t i = 0; i < sizeof vague_words / sizeof *vague_words; i++)
                if (strcmp(word, vague_words[i]) == 0)
                        return true;
        return false;
}

static bool is_listed(const long statuses[STATUSES_MAX], long status) {
        for (int i = 0; i < STATUSES_MAX; i++)
                if (status != 0 && statuses[i] == status)
                        return true;
        return false;
}

static enum outcome_error_kind kind_of_sentence(const json_t *root, long status) {
        for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
                const char *said = json_string_value(json_pointer_find(root, sentences[i].place));

                if (said && is_listed(sentences[i].statuses, status) &&
                    strncmp(said, sentences[i].begins, strlen(sentences[i].begins)) == 0 &&
                    strstr(said, sentences[i].has))
                        return sentences[i].kind;
        }
        return OUTCOME_ERROR_PLAIN;
}

/* A code may be a status, as a number or in text. */
static long status_of(const char *text) {
        char *end;
        long status = strtol(text, &end, 10);

        return end != text && *end == '\0' && status >= 400 && status <= 599 ? status : 0;
}

/* True when the kind is certain from them. */
static bool read_words(const json_t *root, struct outcome_error *error) {
        bool is_certain = false;

        for (size_t i = 0; i < sizeof word_places / sizeof *word_places; i++) {
                CLEANUP_FREE char *word = json_scalar_text(json_pointer_find(root, word_places[i]));
                enum outcome_error_kind kind = word ? kind_of_word(word) : OUTCOME_ERROR_PLAIN;

                if (error->kind == OUTCOME_ERROR_PLAIN && kind != OUTCOME_ERROR_PLAIN) {
                        error->kind = kind;
                        is_certain = !is_vague(word);
                }
                if (word && error->status == 0)
                        error->status = status_of(word);
        }
        return is_certain;
}

void outcome_error_decode(long status, struct bytes body, struct outcome_error *ret) {
        CLEANUP_JSON json_t *root = NULL;
        CLEANUP_FREE char *parse_error = NULL;
        enum outcome_error_kind kind;
        const json_t *object;
        const char *said;

        *ret = (struct outcome_error){0};
        if (json_decode(body, &root, &parse_error) < 0)
                return;
        object = json_is_array(root) ? json_array_get(root, 0) : root;
        said = find_message(object);
        if (said)
                snprintf(ret->message, sizeof ret->message, ": %s", said);
        if (read_words(object, ret))
                return;
        kind = kind_of_sentence(object, status != 0 ? status : ret->status);
        if (kind != OUTCOME_ERROR_PLAIN)
                ret->kind = kind;
}
