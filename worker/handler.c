#include "worker/handler.h"

const struct handler *handler_get(enum config_handler_kind kind) {
        static const struct handler *const handlers[] = {
                [CONFIG_HANDLER_HTTP] = &handler_http,
                [CONFIG_HANDLER_EXEC] = &handler_exec,
                [CONFIG_HANDLER_ECHO] = &handler_echo,
                [CONFIG_HANDLER_OPENAI] = &handler_openai,
                [CONFIG_HANDLER_LANGGRAPH] = &handler_langgraph,
        };

        return handlers[kind];
}
