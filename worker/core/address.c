#include "worker/core/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { V4_LEN = 4, V6_LEN = 16, TEXT_MAX = 64 };

struct range {
        uint8_t prefix[V6_LEN];
        unsigned n_bits;
};

static const struct range v4_private[] = {
        {{0}, 8},        {{10}, 8},         {{100, 64}, 10},  {{127}, 8},      {{169, 254}, 16},
        {{172, 16}, 12}, {{192, 0, 0}, 24}, {{192, 168}, 16}, {{198, 18}, 15}, {{224}, 3},
};

static const struct range v6_private[] = {
        {{0}, 128},
        {{[15] = 1}, 128},
        {{0xfc}, 7},
        {{0xfe, 0x80}, 10},
        {{0xfe, 0xc0}, 10},
        {{0xff}, 8},
        /* Each network has its own translator behind it, so the IPv4 address may stand anywhere in the rest. */
        {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48},
};

/* Prefixes with an IPv4 address right behind them. */
static const struct range v6_of_v4[] = {
        {{[10] = 0xff, [11] = 0xff}, 96},
        {{0}, 96},
        {{0x00, 0x64, 0xff, 0x9b}, 96},
        {{0x20, 0x02}, 16},
};

static bool is_in(const uint8_t *address, const struct range *range) {
        unsigned n_bytes = range->n_bits / 8, n_rest = range->n_bits % 8;

        if (memcmp(address, range->prefix, n_bytes) != 0)
                return false;
        return n_rest == 0 || (address[n_bytes] ^ range->prefix[n_bytes]) >> (8 - n_rest) == 0;
}

static bool is_in_any(const uint8_t *address, const struct range *ranges, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (is_in(address, &ranges[i]))
                        return true;
        return false;
}

static bool is_v4_private(const uint8_t *address) {
        return is_in_any(address, v4_private, sizeof v4_private / sizeof *v4_private);
}

bool address_is_private(struct bytes address) {
        const uint8_t *data = address.data;

        if (address.len == V4_LEN)
                return is_v4_private(data);
        if (address.len != V6_LEN || is_in_any(data, v6_private, sizeof v6_private / sizeof *v6_private))
                return true;
        for (size_t i = 0; i < sizeof v6_of_v4 / sizeof *v6_of_v4; i++)
                if (is_in(data, &v6_of_v4[i]))
                        return is_v4_private(data + v6_of_v4[i].n_bits / 8);
        return false;
}

/* The bytes of a numeric address; how many, or 0 when it is none. */
static size_t parse(const char *text, uint8_t ret[V6_LEN]) {
        size_t len = strcspn(text, "%");
        char address[TEXT_MAX];

        if (inet_pton(AF_INET, text, ret) == 1)
                return V4_LEN;
        if (len >= sizeof address)
                return 0;
        memcpy(address, text, len);
        address[len] = '\0';
        return inet_pton(AF_INET6, address, ret) == 1 ? V6_LEN : 0;
}

bool address_text_is_private(const char *text) {
        uint8_t bytes[V6_LEN];

        return address_is_private((struct bytes){bytes, parse(text, bytes)});
}

bool address_is_literal(const char *host) {
        uint8_t bytes[V6_LEN];
        char address[TEXT_MAX];
        size_t len = strlen(host);

        if (strcasecmp(host, "localhost") == 0 || parse(host, bytes) == V4_LEN)
                return true;
        if (len < 2 || len >= sizeof address || host[0] != '[' || host[len - 1] != ']')
                return false;
        memcpy(address, host + 1, len - 2);
        address[len - 2] = '\0';
        return parse(address, bytes) == V6_LEN;
}
