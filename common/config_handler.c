#include "common/config_reader.h"

#include "common/limits.h"
#include "common/memory.h"
#include "common/sign.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct config_handler, field)

/* The kind was read before, as it decides which other keys there are. */
static void kind_read(struct config_reader *reader, const struct yaml_node *node, void *target) {}

static void secret_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct config_handler *handler = target;

        if (!node || config_text_get(reader, node, &handler->secret) != 0 || sign_is_secret(handler->secret))
                return;
        config_refuse(reader, node->line,
                      "is not \"whsec_\" and the base64 of %d to %d bytes; make one with: "
                      "echo whsec_$(openssl rand -base64 32)",
                      SIGN_SECRET_LEN_MIN, SIGN_SECRET_LEN_MAX);
}

static void command_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct config_handler *handler = target;
        size_t n = 0;

        if (!node)
                return;
        if (node->kind != YAML_LIST || node->n == 0 || node->n > LIMIT_COMMAND) {
                config_refuse(reader, node->line,
                              "must be a list of the program and its arguments, at most %d, such as "
                              "[/usr/bin/python3, bot.py]",
                              LIMIT_COMMAND);
                return;
        }
        handler->command = memory_new(node->n + 1, sizeof *handler->command);
        for (size_t i = 0; i < node->n; i++)
                if (config_text_get(reader, &node->items[i], &handler->command[n]) == 0)
                        n++;
}

/* Longer than its file may be, it has come from the YAML. */
static void system_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct config_handler *handler = target;

        if (!node || config_text_get(reader, node, &handler->system) != 0)
                return;
        if (strlen(handler->system) > LIMIT_SYSTEM_BYTES)
                config_refuse(reader, node->line, "is over %d bytes, which each call would carry; make it shorter",
                              LIMIT_SYSTEM_BYTES);
        else if (!bytes_is_utf8(bytes_of(handler->system)))
                config_refuse(reader, node->line, "is not UTF-8; write it as text");
}

#define S(number) (INT64_C(1000000) * (number))
#define HOUR S(3600)

static const struct config_key http_keys[] = {
        {"kind", CONFIG_CUSTOM, .read = kind_read},
        {"url", CONFIG_URL, AT(url)},
        {"secret", CONFIG_CUSTOM, .read = secret_read},
        {"private", CONFIG_FLAG, AT(is_private)},
        {"proxy", CONFIG_URL, AT(proxy)},
        {0},
};

static const struct config_key exec_keys[] = {
        {"kind", CONFIG_CUSTOM, .read = kind_read},
        {"command", CONFIG_CUSTOM, .read = command_read},
        {0},
};

static const struct config_key echo_keys[] = {
        {"kind", CONFIG_CUSTOM, .read = kind_read},
        {0},
};

static const struct config_key history_keys[] = {
        {"turns", CONFIG_COUNT, AT(history.turns), 10, 0, LIMIT_HISTORY_TURNS},
        {"ttl", CONFIG_SPAN, AT(history.ttl), 24 * HOUR, S(1), S(LIMIT_REMEMBERED_S)},
        {0},
};

static const struct config_key conversation_keys[] = {
        {"ttl", CONFIG_SPAN, AT(conversation_ttl), 720 * HOUR, 0, S(LIMIT_REMEMBERED_S)},
        {0},
};

static const struct config_section history = {history_keys, NULL};
static const struct config_section conversation = {conversation_keys, NULL};

static const struct config_key openai_keys[] = {
        {"kind", CONFIG_CUSTOM, .read = kind_read},
        {"url", CONFIG_URL, AT(url), .text = "https://api.openai.com/v1"},
        {"api", CONFIG_CHOICE, AT(api), CONFIG_API_CHAT, .choices = (const char *const[]){"chat", "responses", NULL}},
        {"key", CONFIG_LINE, AT(key)},
        {"model", CONFIG_LINE, AT(model)},
        {"system", CONFIG_CUSTOM, .read = system_read},
        {"temperature", CONFIG_RATIO, AT(temperature), -1000, 0, 2000},
        {"max_tokens", CONFIG_COUNT, AT(max_tokens), 0, 1, LIMIT_MODEL_TOKENS},
        {"first_byte", CONFIG_SPAN, AT(first_byte), S(60), 0, 24 * HOUR},
        {"stall", CONFIG_SPAN, AT(stall), S(30), 0, 24 * HOUR},
        {"history", CONFIG_SECTION, .section = &history},
        {"conversation", CONFIG_SECTION, .section = &conversation},
        {"private", CONFIG_FLAG, AT(is_private)},
        {"proxy", CONFIG_URL, AT(proxy)},
        {0},
};

/* Says nothing until the run has ended, so the waits have no bound but run_timeout. */
static const struct config_key langgraph_keys[] = {
        {"kind", CONFIG_CUSTOM, .read = kind_read},
        {"url", CONFIG_URL, AT(url)},
        {"key", CONFIG_LINE, AT(key)},
        {"assistant", CONFIG_LINE, AT(assistant)},
        {"first_byte", CONFIG_SPAN, AT(first_byte), 0, 0, 24 * HOUR},
        {"stall", CONFIG_SPAN, AT(stall), 0, 0, 24 * HOUR},
        {"private", CONFIG_FLAG, AT(is_private)},
        {"proxy", CONFIG_URL, AT(proxy)},
        {0},
};

/* In the order of enum config_handler_kind. */
static const char *const kind_names[] = {"http", "exec", "echo", "openai", "langgraph", NULL};
static const struct config_section kind_sections[] = {
        {http_keys, NULL}, {exec_keys, NULL}, {echo_keys, NULL}, {openai_keys, NULL}, {langgraph_keys, NULL}};

/* What a kind cannot do without, and what to write. */
static const struct need {
        enum config_handler_kind kind;
        const char *key, *example;
} needs[] = {
        {CONFIG_HANDLER_HTTP, "url", "\"http://127.0.0.1:9000/answer\""},
        {CONFIG_HANDLER_EXEC, "command", "[/usr/bin/python3, bot.py]"},
        {CONFIG_HANDLER_OPENAI, "model", "NAME, as the provider calls it"},
        {CONFIG_HANDLER_LANGGRAPH, "url", "\"http://127.0.0.1:2024\""},
        {CONFIG_HANDLER_LANGGRAPH, "assistant", "NAME of the graph, or the id of an assistant"},
};

#define KINDS "write http, openai, langgraph, exec or echo"

/* Which one, or -1 after noting that it is none. */
static int kind_find(struct config_reader *reader, const struct yaml_node *node, const char *kind) {
        const char *nearest;

        for (int i = 0; kind_names[i]; i++)
                if (strcmp(kind, kind_names[i]) == 0)
                        return i;
        nearest = config_nearest(kind, kind_names);
        if (nearest)
                config_refuse_at(reader, "kind", node->line, "'%s' is unknown; did you mean '%s'?", node->text,
                                 nearest);
        else
                config_refuse_at(reader, "kind", node->line, "'%s' is unknown; " KINDS, node->text);
        return -1;
}

static int kind_get(struct config_reader *reader, const struct yaml_node *node) {
        const struct yaml_node *kind = yaml_find(node, "kind");
        CLEANUP_FREE char *text = NULL;
        size_t path;
        int r;

        if (!kind) {
                config_refuse(reader, node->line, "has no kind; " KINDS);
                return -1;
        }
        path = config_path_push(reader, "kind");
        r = config_text_get(reader, kind, &text);
        config_path_pop(reader, path);
        return r == 0 ? kind_find(reader, kind, text) : -1;
}

static void needs_check(struct config_reader *reader, const struct yaml_node *node, enum config_handler_kind kind) {
        for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
                if (needs[i].kind == kind && !yaml_find(node, needs[i].key))
                        config_refuse(reader, node->line, "a handler of kind %s needs %s; write %s: %s",
                                      kind_names[kind], needs[i].key, needs[i].key, needs[i].example);
}

static void kind_fill(struct config_reader *reader, const struct yaml_node *node, struct config_tenant *tenant) {
        struct config_handler *handler = &tenant->handler;
        size_t n_errors = reader->n_errors;

        config_section_read(reader, node, &kind_sections[handler->kind], handler);
        needs_check(reader, node, handler->kind);
        if (reader->n_errors > n_errors)
                return;
        if (handler->kind == CONFIG_HANDLER_OPENAI || handler->kind == CONFIG_HANDLER_LANGGRAPH)
                config_model_check(reader, node, tenant, handler);
        /* A bot is what answers under its path; a model's provider is one whatever is asked of it. */
        if (handler->url)
                handler->endpoint = config_url_endpoint(handler->url, handler->kind == CONFIG_HANDLER_HTTP);
}

void config_handler_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct config_tenant *tenant = target;
        int kind;

        if (!node || node->kind != YAML_MAP) {
                config_refuse(reader, node ? node->line : tenant->line,
                              "is missing: what answers this tenant's batches? Write "
                              "handler: {kind: http, url: \"http://127.0.0.1:9000/answer\"}");
                return;
        }
        kind = kind_get(reader, node);
        if (kind < 0)
                return;
        tenant->handler.kind = (enum config_handler_kind)kind;
        kind_fill(reader, node, tenant);
}

void config_handler_done(struct config_handler *handler) {
        for (char **argument = handler->command; argument && *argument; argument++)
                free(*argument);
        free(handler->command);
        free(handler->secret);
        free(handler->url);
        free(handler->endpoint);
        free(handler->proxy);
        free(handler->key);
        free(handler->model);
        free(handler->system);
        free(handler->assistant);
}
