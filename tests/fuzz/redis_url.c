/* The address of Redis, as it stands in the config or in an environment variable. */
#include "common/redis_url.h"

#include "common/memory.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        CLEANUP_FREE char *text = memory_copy_text(data, len);
        CLEANUP_FREE char *error = NULL;
        CLEANUP_REDIS_URL struct redis_url url = {0};

        if (redis_url_decode(text, &url, &error) == 0)
                ENSURE(url.path ? url.path[0] == '/' && !url.host : url.host && url.host[0] && url.port > 0);
        else
                ENSURE(error && !url.path && !url.host);
        return 0;
}
