/* The lookup before a handler is asked: what the tenant's own service knows of a thread, as JSON.
 *
 * It is kept in Redis for as long as the config says, and one worker at a time looks it up; the others wait for what it
 * finds (common/PROTOCOL.md, section 5). When Redis fails, each asks the service itself. A lookup as a whole takes
 * context.timeout at most, its answer has LIMIT_CONTEXT_BYTES at most. */
#pragma once

#include "common/config.h"
#include "worker/call.h"
#include "worker/core/batch.h"
#include "worker/redis.h"

struct context;

/* What a lookup needs of the worker. */
struct context_doors {
        struct loop *loop;
        struct calls *calls;
        struct redis *redis; /* NULL = none: nothing is kept */
};

enum context_source {
        CONTEXT_HIT, /* it was in Redis, or another worker had just found it */
        CONTEXT_MISS, /* the service was asked */
        CONTEXT_FAILED,
};

/* Looks up what tenant->context.url says of the batch; `doors` and `tenant` must live until it ends. on_end is called
 * once, later; then the lookup is freed. `json` is valid until on_end returns, and empty when it failed: then
 * `why_failed`, else NULL, is WIRE_FAILED with a code that begins with "context_". `took` counts the waiting too. */
MUST_USE struct context *context_new(const struct context_doors *doors, const struct config_tenant *tenant,
                                     const struct batch *batch,
                                     void (*on_end)(void *context, struct bytes json, enum context_source source,
                                                    struct span took, const struct outcome *why_failed),
                                     void *context);
/* Ends it; on_end is not called. Never blocks. */
struct context *context_free(struct context *lookup);
