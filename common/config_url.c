#include "common/config_reader.h"

#include "common/memory.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* What leads to a host; the pieces point into the URL. */
struct url_parts {
        struct bytes scheme;
        struct bytes host; /* of IPv6 with its brackets */
        struct bytes port; /* empty = the scheme's own */
};

static bool has_in(const char *text, char from, char to) {
        for (; *text; text++)
                if (*text >= from && *text <= to)
                        return true;
        return false;
}

static bool is_v6(struct bytes host) {
        CLEANUP_FREE char *text = bytes_copy_text(host);
        size_t len = strlen(text);
        struct in6_addr binary;

        if (len < 2 || text[len - 1] != ']')
                return false;
        text[len - 1] = '\0';
        return inet_pton(AF_INET6, text + 1, &binary) == 1;
}

/* Names in other alphabets are left to the resolver. What may mean one thing to one reader of a URL and another to the
 * next (a backslash, a percent sign) is in no name. */
static bool is_in_names(char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '-' || letter == '.' || letter == '_' ||
               (unsigned char)letter >= 0x80;
}

static bool host_is_valid(struct bytes host) {
        const char *text = host.data;

        if (*text == '[')
                return is_v6(host);
        for (size_t i = 0; i < host.len; i++)
                if (!is_in_names(text[i]))
                        return false;
        return true;
}

static bool port_is_valid(struct bytes port) {
        CLEANUP_FREE char *text = bytes_copy_text(port);
        CLEANUP_FREE char *why = NULL;
        int64_t number;

        return config_count_decode(text, &number, &why) == 0 && number > 0 && number <= 65535;
}

/* HOST[:PORT] of `len` letters; what is wrong with it, or NULL. */
static const char *authority_fault(const char *text, size_t len, struct url_parts *ret) {
        const char *from = *text == '[' ? memchr(text, ']', len) : text;
        const char *colon = from ? memchr(from, ':', len - (size_t)(from - text)) : NULL;

        ret->host = (struct bytes){text, colon ? (size_t)(colon - text) : len};
        ret->port = colon ? (struct bytes){colon + 1, len - ret->host.len - 1} : BYTES_NONE;
        if (ret->host.len == 0)
                return "has no host behind its http://";
        if (!host_is_valid(ret->host))
                return "has a host that cannot be; write a name of letters, digits, '-', '.' and '_', or an address";
        return !colon || port_is_valid(ret->port) ? NULL : "has a port that cannot be; write 1 to 65535, or none";
}

static const char *url_split(const char *url, struct url_parts *ret) {
        size_t scheme = strncmp(url, "http://", 7) == 0 ? 4 : strncmp(url, "https://", 8) == 0 ? 5 : 0;
        const char *rest = scheme ? url + scheme + strlen("://") : url;
        size_t len;

        if (has_in(url, 0x01, 0x1f) || has_in(url, 0x7f, 0x7f))
                return "has a control character in it; remove it";
        if (scheme == 0)
                return "must begin with http:// or https://";
        if (strchr(url, ' '))
                return "has a blank in it; write %20 for it";
        len = strcspn(rest, "/?#");
        if (memchr(rest, '@', len))
                return "has a user in front of its host, which would show wherever the URL does; remove all up to the "
                       "'@', and give secrets in keys of their own";
        ret->scheme = (struct bytes){url, scheme};
        return authority_fault(rest, len, ret);
}

const char *config_url_fault(const char *url) {
        struct url_parts parts;

        return url_split(url, &parts);
}

/* Where nothing else stands between host and query, "/" is as good as nothing. */
static struct bytes path_of(const char *url, const struct url_parts *parts) {
        const char *end = parts->port.len ? (const char *)parts->port.data + parts->port.len
                                          : (const char *)parts->host.data + parts->host.len;
        size_t len = strcspn(end, "?#");

        return len == 1 ? BYTES_NONE : (struct bytes){end, len};
}

char *config_url_endpoint(const char *url, bool has_path) {
        struct url_parts parts;
        struct buffer text = {0};

        if (url_split(url, &parts) != NULL)
                return NULL;
        buffer_push(&text, parts.scheme.data, parts.scheme.len);
        buffer_push_text(&text, "://");
        buffer_push(&text, parts.host.data, parts.host.len);
        for (size_t i = 0; i < text.len; i++)
                if (text.data[i] >= 'A' && text.data[i] <= 'Z')
                        text.data[i] = (uint8_t)(text.data[i] - 'A' + 'a');
        /* As a number, since 0443 is 443. */
        buffer_print(&text, ":%ld",
                     parts.port.len                         ? strtol(parts.port.data, NULL, 10)
                     : bytes_is_text(parts.scheme, "https") ? 443L
                                                            : 80L);
        if (has_path)
                buffer_push(&text, path_of(url, &parts).data, path_of(url, &parts).len);
        return buffer_text(&text);
}
