/* lull.yaml: the YAML, and what it says. The world has two variables and one file, none of them from this machine. */
#include "common/config_reader.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

static const char *find_variable(void *context, const char *name) {
        return strcmp(name, "TOKEN") == 0 ? "s3cret" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static int read_file(void *context, const char *path, size_t max, struct buffer *ret) {
        if (strcmp(path, "/token") != 0)
                return -ENOENT;
        buffer_push_text(ret, "from a file\n");
        return 0;
}

static const struct config_world world = {find_variable, read_file, NULL};

/* A secret of lull.yaml in a URL would be in every log. */
static void check_url(const char *url) {
        const char *rest = url ? strstr(url, "://") + 3 : "";

        ENSURE(!memchr(rest, '@', strcspn(rest, "/?#")));
        for (const char *at = rest; *at; at++)
                ENSURE((unsigned char)*at > ' ' && *at != 0x7f);
}

static void check_handler(const struct config_handler *handler) {
        bool is_called = handler->kind != CONFIG_HANDLER_EXEC && handler->kind != CONFIG_HANDLER_ECHO;

        ENSURE(is_called == (handler->url != NULL) && is_called == (handler->endpoint != NULL));
        ENSURE((handler->kind == CONFIG_HANDLER_EXEC) == (handler->command != NULL));
        ENSURE((handler->kind == CONFIG_HANDLER_OPENAI) == (handler->model != NULL));
        ENSURE((handler->kind == CONFIG_HANDLER_LANGGRAPH) == (handler->assistant != NULL));
        ENSURE(handler->temperature < 2.001 && (handler->temperature >= 0 || handler->kind == CONFIG_HANDLER_OPENAI));
        ENSURE(handler->history.turns == 0 || handler->conversation_ttl.us == 0);
        check_url(handler->url);
        check_url(handler->proxy);
}

/* A config that was let through is complete. */
static void check(const struct config *config) {
        const struct config_broker *broker = &config->broker;

        ENSURE(broker->ingest && broker->workers && broker->stats && broker->store && config->redis);
        ENSURE(broker->bind_ingest && broker->bind_workers && broker->bind_stats && config->ingest.http);
        for (uint32_t i = 0; i < config->n_tenants; i++) {
                const struct config_tenant *tenant = &config->tenants[i];

                ENSURE(config_tenant_find(config, bytes_of(tenant->name)) == tenant);
                check_handler(&tenant->handler);
                check_url(tenant->context.url);
                for (uint32_t j = 0; j < tenant->n_channels; j++)
                        ENSURE(config_channel_find(tenant, bytes_of(tenant->channels[j].name)));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_FREE char *error = NULL;

        if (config_decode("lull.yaml", (struct bytes){data, len}, &world, &config, &error) < 0)
                ENSURE(error && strncmp(error, "lull.yaml", 9) == 0 && !config);
        else
                check(config);
        return 0;
}
