/* The texts that decide where a call may go: a URL's host, and a numeric address. */
#include "common/memory.h"
#include "tests/fuzz/fuzz.h"
#include "worker/core/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        CLEANUP_FREE char *text = memory_copy_text(data, len);
        CLEANUP_FREE char *host = memory_print("[%s]", text);
        uint8_t parsed[16];

        if (inet_pton(AF_INET, text, parsed) == 1) {
                char mapped[INET6_ADDRSTRLEN];

                /* Every way to write it must lead to the same answer. */
                ENSURE(address_is_literal(text) && !address_is_literal(host));
                ENSURE(address_text_is_private(text) == address_is_private((struct bytes){parsed, 4}));
                snprintf(mapped, sizeof mapped, "::ffff:%s", text);
                ENSURE(address_text_is_private(mapped) == address_text_is_private(text));
                snprintf(mapped, sizeof mapped, "64:ff9b::%s", text);
                ENSURE(address_text_is_private(mapped) == address_text_is_private(text));
        } else if (inet_pton(AF_INET6, text, parsed) == 1) {
                ENSURE(address_is_literal(host) && !address_is_literal(text));
                ENSURE(address_text_is_private(text) == address_is_private((struct bytes){parsed, 16}));
        } else if (!strchr(text, '%')) { /* what follows it is passed over */
                ENSURE(address_text_is_private(text));
        }
        return 0;
}
