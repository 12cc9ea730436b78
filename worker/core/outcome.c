#include "worker/core/outcome.h"

#include "common/ensure.h"
#include "common/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        EXIT_DATAERR = 65,
        EXIT_UNAVAILABLE = 69,
        /* What of a provider's message is looked at and quoted. */
        MESSAGE_LEN_MAX = 300,
};

/* Makes a stranger's text fit to be stored, shown and logged: whole characters, on one line. */
static void clean(char *text) {
        size_t len = strlen(text);

        /* A text that was cut may end in the middle of a character, which is at most four bytes. */
        for (int i = 0; i < 3 && len > 0 && !bytes_is_utf8((struct bytes){text, len}); i++)
                len--;
        if (bytes_is_utf8((struct bytes){text, len}))
                text[len] = '\0';
        bool is_foreign = !bytes_is_utf8(bytes_of(text));
        for (char *at = text; *at; at++) {
                if ((unsigned char)*at < ' ' || *at == 0x7f)
                        *at = ' ';
                if (is_foreign && (unsigned char)*at >= 0x80)
                        *at = '?';
        }
}

void outcome_init(struct outcome *outcome, enum wire_outcome kind, const char *code, const char *format, ...) {
        va_list arguments;

        ENSURE(format);
        *outcome = (struct outcome){.kind = kind};
        snprintf(outcome->code, sizeof outcome->code, "%s", code);
        va_start(arguments, format);
        vsnprintf(outcome->why, sizeof outcome->why, format, arguments);
        va_end(arguments);
        clean(outcome->why);
}

void outcome_init_done(struct outcome *outcome) { *outcome = (struct outcome){.kind = WIRE_DONE}; }

/* -- Retry-After --------------------------------------------------------------------------------------------------- */

/* Days from 1 January 1970 to a day of the Gregorian calendar, by the method of Howard Hinnant. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day) {
        int64_t shifted = year - (month <= 2), era = shifted / 400, of_era = shifted - era * 400;
        int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

        return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The `n` digits at `at`; -1 when they are none. */
static int64_t digits(const char *at, int n) {
        int64_t value = 0;

        for (int i = 0; i < n; i++) {
                if (at[i] < '0' || at[i] > '9')
                        return -1;
                value = value * 10 + (at[i] - '0');
        }
        return value;
}

/* Unix seconds of "Sun, 06 Nov 1994 08:49:37 GMT", the one form of RFC 9110 that is still sent; -1 for anything
 * else. */
static int64_t http_date(const char *text) {
        static const char shape[] = "Sun, 06 Nov 1994 08:49:37 GMT", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        int64_t month = -1;

        if (strlen(text) != sizeof shape - 1 || strcmp(text + 25, " GMT") != 0)
                return -1;
        for (int i = 0; i < 12; i++)
                if (memcmp(text + 8, months + 3 * i, 3) == 0)
                        month = i + 1;
        int64_t day = digits(text + 5, 2), year = digits(text + 12, 4);
        int64_t hour = digits(text + 17, 2), minute = digits(text + 20, 2), second = digits(text + 23, 2);
        if (month < 0 || day < 0 || year < 1970 || hour < 0 || minute < 0 || second < 0)
                return -1;
        return days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

struct span outcome_retry_after(const char *text, struct wall now) {
        char *end;
        int64_t s;

        if (!text || !*text)
                return span_s(0);
        s = strtol(text, &end, 10);
        if (*end != '\0')
                s = http_date(text) - now.ms / 1000;
        return span_s(s < 0 ? 0 : s > LIMIT_RETRY_AFTER_MAX_S ? LIMIT_RETRY_AFTER_MAX_S : s);
}

/* -- what a body says ---------------------------------------------------------------------------------------------- */

/* Where services put the sentence and the word: {"error": {"message", "code"}}, {"error": "..."}, flat, problem
 * details. */
static const char *const message_places[] = {"/error/message", "/message", "/detail", "/error", "/title"};
static const char *const code_places[] = {"/error/code", "/code", "/error/type"};
static const char *const busy_codes[] = {"conversation_locked", "conversation_already_has_active_response"};
/* All of a row must stand in the message. */
static const char *const busy_phrases[][2] = {
        {"while a run ", " is active"},
        {"run is active", ""},
        {"already has an active run", ""},
        {"already running a task", ""},
};

static const char *find_text(const json_t *root, const char *const *places, size_t n) {
        for (size_t i = 0; i < n; i++) {
                const char *text = json_string_value(json_pointer_find(root, places[i]));

                if (text && *text)
                        return text;
        }
        return NULL;
}

static bool is_busy_message(const char *message) {
        for (size_t i = 0; i < sizeof busy_phrases / sizeof *busy_phrases; i++)
                if (strstr(message, busy_phrases[i][0]) && strstr(message, busy_phrases[i][1]))
                        return true;
        return false;
}

static bool is_busy_code(const char *code) {
        for (size_t i = 0; i < sizeof busy_codes / sizeof *busy_codes; i++)
                if (strcmp(code, busy_codes[i]) == 0)
                        return true;
        return false;
}

/* Does the body say that the conversation is in use elsewhere? `message` gets ": " and the service's own sentence,
 * as far as there is one: of a body that is not JSON nothing is quoted, as it may be a page of HTML. */
static bool read_error(struct bytes body, char message[MESSAGE_LEN_MAX]) {
        CLEANUP_JSON json_t *root = NULL;
        CLEANUP_FREE char *error = NULL, *text = NULL;
        const char *said, *code;

        message[0] = '\0';
        if (json_decode(body, &root, &error) < 0) {
                text = bytes_copy_text(
                        (struct bytes){body.data, body.len < MESSAGE_LEN_MAX ? body.len : MESSAGE_LEN_MAX});
                return is_busy_message(text);
        }
        said = find_text(root, message_places, sizeof message_places / sizeof *message_places);
        code = find_text(root, code_places, sizeof code_places / sizeof *code_places);
        if (said)
                snprintf(message, MESSAGE_LEN_MAX, ": %s", said);
        return (said && is_busy_message(said)) || (code && is_busy_code(code));
}

/* -- the tables ---------------------------------------------------------------------------------------------------- */

static void of_transport(const struct outcome_response *response, const char *who, struct outcome *ret) {
        const char *detail = response->detail ? response->detail : "no reason known";

        if (response->transport == OUTCOME_UNREACHABLE)
                outcome_init(ret, WIRE_FAILED, "unreachable", "%s could not be reached: %s", who, detail);
        else if (response->transport == OUTCOME_TOO_LARGE)
                outcome_init(ret, WIRE_FAILED, "too_large", "%s answered more than %d bytes", who, LIMIT_HANDLER_BYTES);
        else
                outcome_init(ret, WIRE_FAILED, "broken", "the connection to %s broke: %s", who, detail);
}

static bool is_passing(long status) {
        return status == 408 || status == 425 || status == 429 || (status >= 500 && status <= 599);
}

void outcome_of_http(const struct outcome_response *response, const char *who, struct outcome *ret) {
        char code[LIMIT_CODE_LEN + 1], message[MESSAGE_LEN_MAX];
        long status = response->status;

        if (response->transport != OUTCOME_ANSWERED) {
                of_transport(response, who, ret);
                return;
        }
        if (status == 200 || status == 204) {
                outcome_init_done(ret);
                return;
        }
        bool is_client_error = status >= 400 && status <= 499;
        bool is_busy = read_error(response->body, message) && is_client_error;
        snprintf(code, sizeof code, "http_%ld", status);
        if (is_busy || status == 409 || status == 423)
                outcome_init(ret, WIRE_BUSY, "handler_busy", "%s is busy with this thread: it answered %ld%s", who,
                             status, message);
        else if (is_passing(status))
                outcome_init(ret, WIRE_FAILED, code, "%s answered %ld%s", who, status, message);
        else if (is_client_error)
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, code, "%s refused the batch: it answered %ld%s", who, status,
                             message);
        else if (status >= 300 && status <= 399)
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, code,
                             "%s answered %ld, a redirect, which is not followed: put the final address into lull.yaml",
                             who, status);
        else
                outcome_init(ret, WIRE_FAILED, "bad_answer", "%s answered %ld; 200 with a reply, or 204, was expected",
                             who, status);
        ret->status = status;
        ret->retry_after = outcome_retry_after(response->retry_after, response->now);
}

void outcome_of_exit(int64_t status, int signal, struct bytes detail, struct outcome *ret) {
        char code[LIMIT_CODE_LEN + 1], said[MESSAGE_LEN_MAX] = "";

        if (detail.len > 0)
                snprintf(said, sizeof said, ": %.*s", BYTES_PRINT(detail));
        snprintf(code, sizeof code, signal ? "signal_%d" : "exit_%d", signal ? signal : (int)status);
        if (signal)
                outcome_init(ret, WIRE_FAILED, code, "the handler's program was killed by signal %d%s", signal, said);
        else if (status == 0)
                outcome_init_done(ret);
        else if (status == EXIT_DATAERR)
                outcome_init(ret, WIRE_FAILED_FOR_GOOD, code,
                             "the handler's program refused the batch (exit status 65)%s", said);
        else if (status == EXIT_UNAVAILABLE)
                outcome_init(ret, WIRE_BUSY, "handler_busy", "the handler's program is busy (exit status 69)%s", said);
        else
                outcome_init(ret, WIRE_FAILED, code, "the handler's program failed with exit status %d%s", (int)status,
                             said);
}
