/* What goes together in a handler that asks a language model. */
#include "common/config_reader.h"

#include "common/memory.h"

#include <string.h>

void config_wait_check(struct config_reader *reader, const struct yaml_node *map, const char *key, struct span wait,
                       const struct config_tenant *tenant) {
        const struct yaml_node *node = yaml_find(map, key);
        CLEANUP_FREE char *wait_text = config_span_text(wait.us);
        CLEANUP_FREE char *run_text = config_span_text(tenant->run_timeout.us);

        if (node && span_is_less(tenant->run_timeout, wait))
                config_refuse_at(reader, key, node->line,
                                 "%s is longer than run_timeout, which ends the run after %s; make it shorter",
                                 wait_text, run_text);
}

/* -- the base of the URLs ------------------------------------------------------------------------------------------ */

static bool has_end(const char *text, const char *end) {
        size_t len = strlen(text), end_len = strlen(end);

        return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static int line_of(const struct yaml_node *node, const char *key) {
        const struct yaml_node *value = yaml_find(node, key);

        return value ? value->line : node->line;
}

/* Paths are added to it; and "BASE//threads" is another path than "BASE/threads" to some servers. */
static void base_check(struct config_reader *reader, const struct yaml_node *node, struct config_handler *handler) {
        static const char *const paths[] = {"/chat/completions", "/responses", "/conversations", "/threads",
                                            "/runs/wait"};
        size_t len = strlen(handler->url);

        while (handler->url[len - 1] == '/')
                handler->url[--len] = '\0';
        if (strpbrk(handler->url, "?#"))
                config_refuse_at(reader, "url", line_of(node, "url"),
                                 "is what paths are added to, so nothing can stand behind a '?' or '#'; remove it");
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
                if (has_end(handler->url, paths[i]))
                        config_refuse_at(reader, "url", line_of(node, "url"),
                                         "ends with %s, which lull adds by itself; write what stands in front of it",
                                         paths[i]);
}

/* -- what is remembered -------------------------------------------------------------------------------------------- */

/* With `api: chat` lull sends the last turns along. Without Redis it has none, and that is no fault unless they were
 * asked for. */
static void history_check(struct config_reader *reader, const struct yaml_node *node, struct config_handler *handler) {
        const struct yaml_node *turns = yaml_find(yaml_find(node, "history"), "turns");

        if (yaml_find(node, "conversation"))
                config_refuse_at(reader, "conversation", line_of(node, "conversation"),
                                 "is for `api: responses`; with `api: chat` write history: {turns: 10}");
        handler->conversation_ttl = span_us(0);
        if (!reader->has_no_redis)
                return;
        if (turns && handler->history.turns > 0)
                config_refuse_at(reader, "history.turns", turns->line,
                                 "without Redis nothing is remembered; give `redis` an address, or write turns: 0");
        handler->history.turns = 0;
}

/* With `api: responses` the provider keeps the conversation, and lull its name: a second one would have forgotten all
 * that was said in the first. */
static void conversation_check(struct config_reader *reader, const struct yaml_node *node,
                               struct config_handler *handler) {
        const struct yaml_node *ttl = yaml_find(yaml_find(node, "conversation"), "ttl");

        if (yaml_find(node, "history"))
                config_refuse_at(reader, "history", line_of(node, "history"),
                                 "is for `api: chat`; with `api: responses` the provider remembers, see conversation");
        handler->history.turns = 0;
        if (reader->has_no_redis && handler->conversation_ttl.us > 0)
                config_refuse_at(reader, "conversation.ttl", ttl ? ttl->line : line_of(node, "api"),
                                 "without Redis the conversation of a thread cannot be remembered; give `redis` an "
                                 "address, or write conversation: {ttl: 0s} for none");
}

void config_model_check(struct config_reader *reader, const struct yaml_node *node, const struct config_tenant *tenant,
                        struct config_handler *handler) {
        base_check(reader, node, handler);
        config_wait_check(reader, node, "first_byte", handler->first_byte, tenant);
        config_wait_check(reader, node, "stall", handler->stall, tenant);
        if (handler->kind != CONFIG_HANDLER_OPENAI)
                return;
        if (handler->api == CONFIG_API_CHAT)
                history_check(reader, node, handler);
        else
                conversation_check(reader, node, handler);
}
