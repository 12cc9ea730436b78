/* The lookup before the handler is asked. */
#include "common/config_reader.h"

#include "common/limits.h"
#include "common/memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MS(number) (INT64_C(1000) * (number))
#define S(number) (INT64_C(1000000) * (number))
#define AT(field) offsetof(struct config_context, field)

static const struct config_key keys[] = {
        {"url", CONFIG_URL, AT(url)},
        {"token", CONFIG_LINE, AT(token)},
        {"cache", CONFIG_SPAN, AT(cache), S(300), 0, S(LIMIT_CONTEXT_CACHE_S)},
        {"timeout", CONFIG_SPAN, AT(timeout), S(10), MS(1), S(3600)},
        {"required", CONFIG_FLAG, AT(is_required)},
        {"private", CONFIG_FLAG, AT(is_private)},
        {0},
};

static const struct config_section section = {keys, NULL};

#define NAMES "{tenant}, {thread} and {from}"

/* `len` letters, braces and all. */
static bool name_is_known(const char *name, size_t len) {
        static const char *const names[] = {"{tenant}", "{thread}", "{from}"};

        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (strncmp(names[i], name, len) == 0)
                        return true;
        return false;
}

/* What would be sent as it stands, unnoticed. */
static void names_check(struct config_reader *reader, int line, const char *url) {
        const char *end;

        for (const char *at = strchr(url, '{'); at; at = strchr(end, '{')) {
                end = strchr(at, '}');
                if (!end) {
                        config_refuse_at(reader, "url", line, "has a '{' without its '}'; " NAMES " are filled in");
                        return;
                }
                end++;
                if (!name_is_known(at, (size_t)(end - at)))
                        config_refuse_at(reader, "url", line,
                                         "has a name in {...} that is unknown; what is filled in is " NAMES);
        }
}

/* Without Redis each lookup goes to its source, and that is no fault unless a cache was asked for. */
static void cache_check(struct config_reader *reader, const struct yaml_node *node, struct config_context *context) {
        const struct yaml_node *cache = yaml_find(node, "cache");

        if (!reader->has_no_redis)
                return;
        if (cache && context->cache.us > 0)
                config_refuse_at(reader, "cache", cache->line,
                                 "without Redis nothing is cached; give `redis` an address, or write cache: 0s");
        context->cache = span_us(0);
}

void config_context_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct config_tenant *tenant = target;
        struct config_context *context = &tenant->context;
        size_t n_errors = reader->n_errors;

        config_section_read(reader, node, &section, context);
        if (!node || yaml_is_null(node) || reader->n_errors > n_errors)
                return;
        if (!context->url) {
                config_refuse(reader, node->line,
                              "has no url to look up; write url: \"http://127.0.0.1:9000/contacts/{thread}\"");
                return;
        }
        names_check(reader, yaml_find(node, "url")->line, context->url);
        cache_check(reader, node, context);
        config_wait_check(reader, node, "timeout", context->timeout, tenant);
}

void config_context_done(struct config_context *context) {
        free(context->url);
        free(context->token);
}
