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

static void url_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct config_handler *handler = target;
        const char *fault;

        if (!node || config_text_get(reader, node, &handler->url) != 0)
                return;
        fault = config_url_fault(handler->url);
        if (fault)
                config_refuse(reader, node->line, "%s", fault);
}

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

static const struct config_key http_keys[] = {
        {"kind", CONFIG_CUSTOM, .read = kind_read},
        {"url", CONFIG_CUSTOM, .read = url_read},
        {"secret", CONFIG_CUSTOM, .read = secret_read},
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

/* In the order of enum config_handler_kind. */
static const char *const kind_names[] = {"http", "exec", "echo", NULL};
static const struct config_section kind_sections[] = {{http_keys, NULL}, {exec_keys, NULL}, {echo_keys, NULL}};
/* What the kind cannot do without, and what to write. */
static const char *const kind_needs[][2] = {{"url", "url: \"http://127.0.0.1:9000/answer\""},
                                            {"command", "command: [/usr/bin/python3, bot.py]"},
                                            {NULL, NULL}};

static bool is_planned(const char *kind) { return strcmp(kind, "openai") == 0 || strcmp(kind, "langgraph") == 0; }

/* Which one, or -1 after noting that it is none. */
static int kind_find(struct config_reader *reader, const struct yaml_node *node, const char *kind) {
        const char *nearest;

        for (int i = 0; kind_names[i]; i++)
                if (strcmp(kind, kind_names[i]) == 0)
                        return i;
        nearest = config_nearest(kind, kind_names);
        if (is_planned(kind))
                config_refuse_at(reader, "kind", node->line,
                                 "'%s' is not supported by this version of lull; write http, exec or echo", kind);
        else if (nearest)
                config_refuse_at(reader, "kind", node->line, "'%s' is unknown; did you mean '%s'?", node->text,
                                 nearest);
        else
                config_refuse_at(reader, "kind", node->line, "'%s' is unknown; write http, exec or echo", node->text);
        return -1;
}

static int kind_get(struct config_reader *reader, const struct yaml_node *node) {
        const struct yaml_node *kind = yaml_find(node, "kind");
        CLEANUP_FREE char *text = NULL;
        size_t path;
        int r;

        if (!kind) {
                config_refuse(reader, node->line, "has no kind; write http, exec or echo");
                return -1;
        }
        path = config_path_push(reader, "kind");
        r = config_text_get(reader, kind, &text);
        config_path_pop(reader, path);
        return r == 0 ? kind_find(reader, kind, text) : -1;
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
        config_section_read(reader, node, &kind_sections[kind], &tenant->handler);
        if (kind_needs[kind][0] && !yaml_find(node, kind_needs[kind][0]))
                config_refuse(reader, node->line, "a handler of kind %s needs a %s; write %s", kind_names[kind],
                              kind_needs[kind][0], kind_needs[kind][1]);
}

void config_handler_done(struct config_handler *handler) {
        for (char **argument = handler->command; argument && *argument; argument++)
                free(*argument);
        free(handler->command);
        free(handler->secret);
        free(handler->url);
}
