#include "worker/core/outcome.h"

#include "common/ensure.h"
#include "worker/core/outcome_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
        EXIT_DATAERR = 65,
        EXIT_UNAVAILABLE = 69,
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

void outcome_of_exit(int64_t status, int signal, struct bytes detail, struct outcome *ret) {
        char code[LIMIT_CODE_LEN + 1], said[OUTCOME_MESSAGE_LEN] = "";

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
