#include "common/config_reader.h"

#include "common/limits.h"
#include "common/memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MS(number) (INT64_C(1000) * (number))
#define S(number) (INT64_C(1000000) * (number))
#define HOUR S(3600)
/* In thousandths. */
#define RATIO(number) ((int64_t)((number)*1000))
#define AT(field) offsetof(struct config_tenant, field)

/* In the order of their enums. */
static const char *const on_new_message_names[] = {"queue", "interrupt", NULL};
static const char *const on_unknown_names[] = {"repeat", "silence", NULL};
static const char *const on_takeover_names[] = {"hold", "ignore", NULL};
static const char *const on_resume_names[] = {"rest", "answer", "record", NULL};

static const struct config_key retry_keys[] = {
        {"attempts", CONFIG_COUNT, AT(retry.attempts), 6, 1, 100},
        {"base", CONFIG_SPAN, AT(retry.base), S(2), MS(1), HOUR},
        {"factor", CONFIG_RATIO, AT(retry.factor), RATIO(2), RATIO(1), RATIO(100)},
        {"cap", CONFIG_SPAN, AT(retry.cap), S(32), MS(1), 24 * HOUR},
        {"jitter", CONFIG_RATIO, AT(retry.jitter), RATIO(0.1), 0, RATIO(1)},
        {0},
};

static const struct config_key busy_keys[] = {
        {"base", CONFIG_SPAN, AT(busy.base), MS(100), MS(1), HOUR},
        {"cap", CONFIG_SPAN, AT(busy.cap), S(2), MS(1), HOUR},
        {"give_up", CONFIG_SPAN, AT(busy.give_up), S(60), MS(1), 24 * HOUR},
        {0},
};

static const struct config_key lock_keys[] = {
        {"ttl", CONFIG_SPAN, AT(lock_ttl), S(30), S(1), S(600)},
        {0},
};

static const struct config_section retry = {retry_keys, NULL};
static const struct config_section busy = {busy_keys, NULL};
static const struct config_section lock = {lock_keys, NULL};

static const struct config_key tenant_keys[] = {
        {"quiet", CONFIG_SPAN, AT(quiet), S(8), 0, HOUR, .planned = "adaptive"},
        {"max_wait", CONFIG_SPAN, AT(max_wait), S(30), 0, 24 * HOUR},
        {"max_messages", CONFIG_COUNT, AT(max_messages), 20, 1, LIMIT_BATCH_MESSAGES_MAX},
        {"max_bytes", CONFIG_SIZE, AT(max_bytes), 64 * 1024, 1, LIMIT_BATCH_BYTES_MAX},
        {"on_new_message", CONFIG_CHOICE, AT(on_new_message), CONFIG_ON_NEW_QUEUE, .choices = on_new_message_names},
        {"max_interrupts", CONFIG_COUNT, AT(max_interrupts), 3, 0, LIMIT_INTERRUPTS},
        {"on_unknown", CONFIG_CHOICE, AT(on_unknown), CONFIG_ON_UNKNOWN_REPEAT, .choices = on_unknown_names},
        {"typing_hold", CONFIG_SPAN, AT(typing_hold), S(8), 0, HOUR},
        {"transcription_wait", CONFIG_SPAN, AT(transcription_wait), 0, 0, S(600)},
        {"on_takeover", CONFIG_CHOICE, AT(on_takeover), CONFIG_ON_TAKEOVER_HOLD, .choices = on_takeover_names},
        {"hold_for", CONFIG_SPAN, AT(hold_for), 12 * HOUR, 0, S(LIMIT_HOLD_S)},
        {"on_resume", CONFIG_CHOICE, AT(on_resume), CONFIG_ON_RESUME_REST, .choices = on_resume_names},
        {"retry", CONFIG_SECTION, .section = &retry},
        {"busy", CONFIG_SECTION, .section = &busy},
        {"lock", CONFIG_SECTION, .section = &lock},
        {"run_timeout", CONFIG_SPAN, AT(run_timeout), S(300), S(1), 24 * HOUR},
        {"concurrency", CONFIG_COUNT, AT(concurrency), 100, 1, LIMIT_WORKERS *LIMIT_SLOTS},
        {"rate", CONFIG_RATE, AT(rate)},
        {"max_pending", CONFIG_COUNT, AT(max_pending), 0, 0, UINT32_MAX},
        /* After run_timeout, which bounds waits in these. */
        {"handler", CONFIG_CUSTOM, .read = config_handler_read},
        {"context", CONFIG_CUSTOM, .read = config_context_read},
        {"channels", CONFIG_CUSTOM, .read = config_channels_read},
        {0},
};

const struct config_section config_tenant_section = {tenant_keys, NULL};

/* -- what does not go together ------------------------------------------------------------------------------------- */

/* Names the line of the key that is there, the section's if both are defaults. */
static int line_of(const struct yaml_node *node, const char *section, const char *key) {
        const struct yaml_node *map = section ? yaml_find(node, section) : node;
        const struct yaml_node *value = yaml_find(map, key);

        return value ? value->line : map ? map->line : node ? node->line : 0;
}

static void order_check(struct config_reader *reader, int line, const char *small_name, struct span small,
                        const char *large_name, struct span large) {
        CLEANUP_FREE char *small_text = config_span_text(small.us);
        CLEANUP_FREE char *large_text = config_span_text(large.us);

        if (span_is_less(large, small))
                config_refuse_at(reader, large_name, line, "%s is shorter than %s, which is %s; make it %s or more",
                                 large_text, small_name, small_text, small_text);
}

void config_tenant_check(struct config_reader *reader, const struct yaml_node *node,
                         const struct config_tenant *tenant) {
        order_check(reader, line_of(node, NULL, "max_wait"), "quiet", tenant->quiet, "max_wait", tenant->max_wait);
        order_check(reader, line_of(node, "retry", "cap"), "retry.base", tenant->retry.base, "retry.cap",
                    tenant->retry.cap);
        order_check(reader, line_of(node, "busy", "cap"), "busy.base", tenant->busy.base, "busy.cap", tenant->busy.cap);
}

/* -- tenants ------------------------------------------------------------------------------------------------------- */

bool config_name_is_valid(struct config_reader *reader, const struct yaml_node *node) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        size_t len = strlen(node->key);

        if (len >= 1 && len <= LIMIT_NAME_LEN && strspn(node->key, letters) == len)
                return true;
        config_refuse(reader, node->line, "'%.*s' is no name; write 1 to %d letters, digits, '-' and '_'",
                      LIMIT_NAME_LEN, node->key, LIMIT_NAME_LEN);
        return false;
}

static void tenant_read(struct config_reader *reader, const struct yaml_node *node, struct config_tenant *tenant) {
        size_t path = config_path_push(reader, node->key);
        size_t n_errors = reader->n_errors;

        tenant->name = memory_copy_text(node->key, strlen(node->key));
        tenant->line = node->line;
        config_section_read(reader, node, &config_tenant_section, tenant);
        config_settings_locate(node, tenant);
        /* A wrong value has its default meanwhile, which is no reason to complain twice. */
        if (reader->n_errors == n_errors)
                config_tenant_check(reader, node, tenant);
        config_path_pop(reader, path);
}

static int compare_tenants(const void *a, const void *b) {
        return strcmp(((const struct config_tenant *)a)->name, ((const struct config_tenant *)b)->name);
}

void config_tenants_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        struct config *config = target;

        if (!node || node->kind != YAML_MAP || node->n == 0) {
                config_refuse(reader, node ? node->line : 1,
                              "there must be at least one tenant; write its name as a key and its "
                              "settings, at least `handler`, below it");
                return;
        }
        if (node->n > LIMIT_TENANTS) {
                config_refuse(reader, node->line, "these are %zu; at most %d tenants fit one broker", node->n,
                              LIMIT_TENANTS);
                return;
        }
        config->tenants = memory_new(node->n, sizeof *config->tenants);
        for (size_t i = 0; i < node->n; i++)
                if (config_name_is_valid(reader, &node->items[i]))
                        tenant_read(reader, &node->items[i], &config->tenants[config->n_tenants++]);
        qsort(config->tenants, config->n_tenants, sizeof *config->tenants, compare_tenants);
}

void config_tenant_done(struct config_tenant *tenant) {
        for (uint32_t i = 0; i < tenant->n_channels; i++)
                config_channel_done(&tenant->channels[i]);
        free(tenant->channels);
        free(tenant->name);
        config_handler_done(&tenant->handler);
        config_context_done(&tenant->context);
}
