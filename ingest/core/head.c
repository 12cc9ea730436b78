#include "ingest/core/head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_control(char c) { return (unsigned char)c < ' ' || c == 0x7f; }

/* Not strspn(): it makes a table of its letters anew for every field. */
static bool is_token_letter(char c) {
        char lower = c | 0x20;

        return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || strchr("!#$%&'*+-.^_`|~", c);
}

static bool is_token(const char *text) {
        const char *at = text;

        while (*at && is_token_letter(*at))
                at++;
        return at > text && !*at;
}

/* Libmicrohttpd before 1.0 joins a folded line to the name: of a length on a line of its own it makes a field
 * "Content-Length141". */
static bool is_folded(const char *name) {
        static const char *const names[] = {"Content-Length", "Transfer-Encoding"};

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strncasecmp(name, names[i], strlen(names[i])) == 0 && name[strlen(names[i])])
                        return true;
        return false;
}

static bool is_value(const char *text) {
        for (; *text; text++)
                if (is_control(*text) && *text != '\t')
                        return false;
        return true;
}

void head_push_target(struct head *head, const char *target) {
        for (; *target; target++)
                if (is_control(*target) || *target == ' ')
                        head->has_bad_target = true;
}

void head_push_field(struct head *head, const char *name, const char *value) {
        if (!value)
                value = "";
        head->n_fields++;
        if (!is_token(name) || is_folded(name) || !is_value(value))
                head->has_bad_field = true;
        if (strcasecmp(name, "Content-Length") == 0) {
                head->n_lengths++;
                head->length = strtoull(value, NULL, 10);
        } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
                head->n_codings++;
                head->is_chunked = strcasecmp(value, "chunked") == 0;
        }
}

const char *head_fault_find(const struct head *head) {
        if (head->has_bad_target)
                return "the address has control characters; write them as %XX";
        if (head->has_bad_field)
                return "a header has a blank before its colon, a line that is folded, or control characters";
        if (head->n_lengths + head->n_codings > 1 || (head->n_codings > 0 && !head->is_chunked))
                return "the length of the body is told in more than one way";
        return NULL;
}
