#include "worker/core/context_url.h"

#include <stdbool.h>
#include <string.h>

/* The unreserved characters of RFC 3986, without a locale. */
static bool is_plain(unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c && strchr("-._~", c));
}

static void push_escaped(struct buffer *url, const char *text) {
        for (; *text; text++)
                if (is_plain((unsigned char)*text))
                        buffer_push(url, text, 1);
                else
                        buffer_print(url, "%%%02X", (unsigned char)*text);
}

/* The placeholder that `at` begins with: its length, and *ret what stands for it. 0 = none. */
static size_t placeholder_at(const char *at, const struct context_about *about, const char **ret) {
        const struct {
                const char *name, *value;
        } placeholders[] = {
                {"{tenant}", about->tenant},
                {"{thread}", about->thread},
                {"{from}", about->from ? about->from : ""},
        };

        for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++) {
                size_t len = strlen(placeholders[i].name);

                if (strncmp(at, placeholders[i].name, len) != 0)
                        continue;
                *ret = placeholders[i].value;
                return len;
        }
        return 0;
}

/* Is one of the path's steps "." or ".."? Whoever sends or serves the URL would leave a step out for it. */
static bool has_dot_step(const char *url) {
        const char *end = url + strcspn(url, "?#");

        for (const char *step = strchr(url, '/'); step && step < end; step = strchr(step, '/')) {
                size_t len = strcspn(++step, "/?#");

                if ((len == 1 || len == 2) && strspn(step, ".") >= len)
                        return true;
        }
        return false;
}

int context_url_encode(const char *format, const struct context_about *about, struct buffer *url) {
        while (*format) {
                const char *value;
                size_t len = placeholder_at(format, about, &value);

                if (len > 0)
                        push_escaped(url, value);
                else
                        buffer_push(url, format, 1);
                format += len > 0 ? len : 1;
        }
        return has_dot_step(buffer_text(url)) ? -EINVAL : 0;
}
