#include "common/redis_url.h"

#include "common/bytes.h"
#include "common/memory.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { PORT_DEFAULT = 6379, DB_MAX = 1000000 };

/* The text from `at` up to `end`, %XX undone; NULL when a % is not followed by two hexadecimal digits, or stands for
 * NUL. */
static char *unescape(const char *at, const char *end) {
        char *text = memory_new((size_t)(end - at) + 1, 1), *to = text;

        while (at < end) {
                if (*at != '%') {
                        *to++ = *at++;
                        continue;
                }
                int high = end - at > 2 ? bytes_hex_value((uint8_t)at[1]) : -1;
                int low = end - at > 2 ? bytes_hex_value((uint8_t)at[2]) : -1;
                if (high < 0 || low < 0 || high + low == 0) {
                        free(text);
                        return NULL;
                }
                *to++ = (char)(high * 16 + low);
                at += 3;
        }
        return text;
}

/* Decimal digits and nothing else, up to `max`; -EINVAL. An empty text is `otherwise`. */
static int decode_number(const char *at, const char *end, uint32_t otherwise, uint32_t max, uint32_t *ret) {
        uint32_t value = 0;

        for (const char *digit = at; digit < end; digit++) {
                if (!isdigit((unsigned char)*digit) || value > max)
                        return -EINVAL;
                value = value * 10 + (uint32_t)(*digit - '0');
        }
        if (value > max)
                return -EINVAL;
        *ret = at == end ? otherwise : value;
        return 0;
}

/* "user:password@" or ":password@" or nothing; *at moves behind it. */
static int decode_login(const char **at, const char *end, struct redis_url *url) {
        const char *sign = memrchr(*at, '@', (size_t)(end - *at));
        const char *colon = sign ? memchr(*at, ':', (size_t)(sign - *at)) : NULL;

        if (!sign)
                return 0;
        if (!colon)
                return -EINVAL;
        if (colon > *at && !(url->user = unescape(*at, colon)))
                return -EINVAL;
        url->password = unescape(colon + 1, sign);
        *at = sign + 1;
        return url->password ? 0 : -EINVAL;
}

/* "host", "host:port", "[address]:port"; the whole of it. */
static int decode_host(const char *at, const char *end, struct redis_url *url) {
        bool is_bracketed = at < end && *at == '[';
        const char *close = is_bracketed ? memchr(at, ']', (size_t)(end - at)) : NULL;
        const char *colon = memchr(close ? close : at, ':', (size_t)(end - (close ? close : at)));
        const char *host_end = close ? close : colon ? colon : end;
        uint32_t port;

        if (is_bracketed && (!close || (close + 1 != end && close + 1 != colon)))
                return -EINVAL;
        at += is_bracketed;
        if (at == host_end || decode_number(colon ? colon + 1 : end, end, PORT_DEFAULT, UINT16_MAX, &port) < 0 ||
            port == 0)
                return -EINVAL;
        url->host = unescape(at, host_end);
        url->port = (uint16_t)port;
        return url->host ? 0 : -EINVAL;
}

static int decode_tcp(const char *at, struct redis_url *url) {
        const char *end = at + strlen(at), *slash = strchrnul(at, '/');

        if (decode_login(&at, slash, url) < 0 || decode_host(at, slash, url) < 0)
                return -EINVAL;
        return decode_number(slash < end ? slash + 1 : end, end, 0, DB_MAX, &url->db);
}

static int decode_unix(const char *at, struct redis_url *url) {
        const char *slash = strchrnul(at, '/'), *question = strchrnul(slash, '?'), *end = question + strlen(question);

        if (decode_login(&at, slash, url) < 0 || at != slash || question - slash < 2)
                return -EINVAL;
        url->path = unescape(slash, question);
        if (!url->path || (question < end && strncmp(question, "?db=", 4) != 0))
                return -EINVAL;
        return decode_number(question < end ? question + 4 : end, end, 0, DB_MAX, &url->db);
}

int redis_url_decode(const char *text, struct redis_url *ret, char **ret_error) {
        CLEANUP_REDIS_URL struct redis_url url = {0};
        int r = -EINVAL;

        if (strncmp(text, "rediss://", 9) == 0) {
                *ret_error = memory_print(
                        "redis: this build cannot speak TLS to Redis (rediss://); put a TLS proxy such as stunnel "
                        "in front and give its address as redis://");
                return -EINVAL;
        }
        if (strncmp(text, "redis://", 8) == 0)
                r = decode_tcp(text + 8, &url);
        else if (strncmp(text, "redis+unix://", 13) == 0)
                r = decode_unix(text + 13, &url);
        if (r < 0) {
                *ret_error = memory_print(
                        "redis: not an address of Redis; expected redis://[user:password@]host[:port][/db] or "
                        "redis+unix:///path/to/socket[?db=N], special characters as %%XX");
                return r;
        }
        *ret = url;
        url = (struct redis_url){0};
        return 0;
}

void redis_url_done(struct redis_url *url) {
        free(url->path);
        free(url->host);
        free(url->user);
        free(url->password);
        *url = (struct redis_url){0};
}
