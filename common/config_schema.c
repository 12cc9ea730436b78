#include "common/config_reader.h"

#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* -- one value ----------------------------------------------------------------------------------------------------- */

struct number_kind {
        int (*decode)(const char *text, int64_t *ret, char **ret_why);
        char *(*text)(int64_t number);
};

static const struct number_kind number_kinds[] = {
        [CONFIG_SPAN] = {config_span_decode, config_span_text},
        [CONFIG_SIZE] = {config_size_decode, config_size_text},
        [CONFIG_SPACE] = {config_size_decode, config_size_text},
        [CONFIG_COUNT] = {config_count_decode, config_count_text},
        [CONFIG_RATIO] = {config_ratio_decode, config_ratio_text},
        [CONFIG_FLAG] = {config_flag_decode, config_count_text},
};

static bool number_is_within(struct config_reader *reader, const struct yaml_node *node, const struct config_key *key,
                             int64_t number) {
        bool is_small = number < key->min;
        CLEANUP_FREE char *bound = number_kinds[key->kind].text(is_small ? key->min : key->max);

        if (key->kind == CONFIG_FLAG || (!is_small && number <= key->max))
                return true;
        config_refuse(reader, node->line, "'%s' is too %s; at %s %s", node->text, is_small ? "small" : "large",
                      is_small ? "least" : "most", bound);
        return false;
}

/* The fallback stands in for a wrong value, which has been noted. */
static int64_t number_read(struct config_reader *reader, const struct yaml_node *node, const struct config_key *key) {
        CLEANUP_FREE char *text = NULL;
        CLEANUP_FREE char *why = NULL;
        int64_t number;

        if (config_text_get(reader, node, &text) != 0)
                return key->fallback;
        if (key->planned && strcmp(text, key->planned) == 0) {
                CLEANUP_FREE char *example = number_kinds[key->kind].text(key->fallback);

                config_refuse(reader, node->line,
                              "'%s' is not supported by this version of lull; write a value such as '%s'", key->planned,
                              example);
                return key->fallback;
        }
        if (number_kinds[key->kind].decode(text, &number, &why) != 0) {
                /* As it stands in the file: what a variable holds is not shown. */
                config_refuse(reader, node->line, "'%s' %s", node->text, why);
                return key->fallback;
        }
        return number_is_within(reader, node, key, number) ? number : key->fallback;
}

static void number_store(void *field, enum config_kind kind, int64_t number) {
        if (kind == CONFIG_SPAN)
                *(struct span *)field = span_us(number);
        else if (kind == CONFIG_RATIO)
                *(double *)field = (double)number / 1000;
        else if (kind == CONFIG_FLAG)
                *(bool *)field = number != 0;
        else if (kind == CONFIG_SPACE)
                *(uint64_t *)field = (uint64_t)number;
        else
                *(uint32_t *)field = (uint32_t)number;
}

static void rate_read(struct config_reader *reader, const struct yaml_node *node, const struct config_key *key,
                      struct config_rate *field) {
        CLEANUP_FREE char *text = NULL;
        CLEANUP_FREE char *why = NULL;

        if (key->text)
                ENSURE(config_rate_decode(key->text, field, &why) == 0);
        if (node && config_text_get(reader, node, &text) == 0 && config_rate_decode(text, field, &why) != 0)
                config_refuse(reader, node->line, "'%s' %s", node->text, why);
}

/* Any enum may be filled through it. */
_Static_assert(sizeof(enum config_kind) == sizeof(uint32_t), "an enum is an unsigned int");

static uint32_t choice_read(struct config_reader *reader, const struct yaml_node *node, const struct config_key *key) {
        CLEANUP_FREE char *text = NULL;
        CLEANUP_BUFFER struct buffer list = {0};

        if (!node || config_text_get(reader, node, &text) != 0)
                return (uint32_t)key->fallback;
        for (uint32_t i = 0; key->choices[i]; i++) {
                if (strcmp(key->choices[i], text) == 0)
                        return i;
                buffer_print(&list, "%s%s", i ? " or " : "", key->choices[i]);
        }
        config_refuse(reader, node->line, "'%s' is unknown; write %s", node->text, buffer_text(&list));
        return (uint32_t)key->fallback;
}

static int64_t number_load(const void *field, enum config_kind kind) {
        if (kind == CONFIG_SPAN)
                return ((const struct span *)field)->us;
        if (kind == CONFIG_RATIO)
                return (int64_t)(*(const double *)field * 1000 + 0.5);
        if (kind == CONFIG_FLAG)
                return *(const bool *)field;
        if (kind == CONFIG_SPACE)
                return (int64_t) * (const uint64_t *)field;
        return *(const uint32_t *)field;
}

char *config_key_text(const struct config_key *key, const void *target) {
        const void *field = (const char *)target + key->offset;

        if (key->kind == CONFIG_RATE)
                return config_rate_text(field);
        if (key->kind == CONFIG_CHOICE)
                return memory_print("%s", key->choices[*(const uint32_t *)field]);
        return number_kinds[key->kind].text(number_load(field, key->kind));
}

static const char *line_fault(const char *text) {
        if (!bytes_is_utf8(bytes_of(text)))
                return "is not UTF-8; write it as text";
        for (; *text; text++)
                if ((unsigned char)*text < ' ' || *text == 0x7f)
                        return "has a control character in it; it must be one line of text";
        return NULL;
}

static void text_read(struct config_reader *reader, const struct yaml_node *node, const struct config_key *key,
                      char **field) {
        const char *fault = NULL;

        if (node && config_text_get(reader, node, field) == 0) {
                if (key->kind == CONFIG_LINE)
                        fault = line_fault(*field);
                else if (key->kind == CONFIG_URL)
                        fault = config_url_fault(*field);
                if (fault)
                        config_refuse(reader, node->line, "%s", fault);
                return;
        }
        if (key->text)
                *field = memory_copy_text(key->text, strlen(key->text));
}

void config_key_read(struct config_reader *reader, const struct yaml_node *node, const struct config_key *key,
                     void *target) {
        void *field = (char *)target + key->offset;

        switch (key->kind) {
        case CONFIG_SPAN:
        case CONFIG_SIZE:
        case CONFIG_SPACE:
        case CONFIG_COUNT:
        case CONFIG_RATIO:
        case CONFIG_FLAG:
                number_store(field, key->kind, node ? number_read(reader, node, key) : key->fallback);
                return;
        case CONFIG_RATE:
                rate_read(reader, node, key, field);
                return;
        case CONFIG_CHOICE:
                *(uint32_t *)field = choice_read(reader, node, key);
                return;
        case CONFIG_TEXT:
        case CONFIG_LINE:
        case CONFIG_URL:
                text_read(reader, node, key, field);
                return;
        case CONFIG_SECTION:
                config_section_read(reader, node, key->section, target);
                return;
        case CONFIG_CUSTOM:
                key->read(reader, node, target);
                return;
        }
}

/* -- one section --------------------------------------------------------------------------------------------------- */

static bool keys_have(const struct config_key *keys, const char *name) {
        for (; keys->name; keys++)
                if (strcmp(keys->name, name) == 0)
                        return true;
        return false;
}

static void unknown_keys_refuse(struct config_reader *reader, const struct yaml_node *map,
                                const struct config_section *section) {
        const char *names[LIMIT_SETTINGS] = {0};

        for (size_t i = 0; section->keys[i].name; i++)
                names[i] = section->keys[i].name;
        for (size_t i = 0; i < map->n; i++)
                if (!keys_have(section->keys, map->items[i].key))
                        config_refuse_key(reader, &map->items[i], names, section->planned);
}

void config_section_read(struct config_reader *reader, const struct yaml_node *node,
                         const struct config_section *section, void *target) {
        if (node && yaml_is_null(node))
                node = NULL;
        if (node && node->kind != YAML_MAP) {
                config_refuse(reader, node->line, "must be a map of keys and values; this is %s", yaml_kind_text(node));
                node = NULL;
        }
        if (node)
                unknown_keys_refuse(reader, node, section);
        for (const struct config_key *key = section->keys; key->name; key++) {
                size_t path = config_path_push(reader, key->name);

                config_key_read(reader, yaml_find(node, key->name), key, target);
                config_path_pop(reader, path);
        }
}

const struct config_key *config_key_find(const struct config_section *section, const char *name) {
        const char *dot = strchr(name, '.');
        size_t len = dot ? (size_t)(dot - name) : strlen(name);

        for (const struct config_key *key = section->keys; key->name; key++) {
                if (strlen(key->name) != len || strncmp(key->name, name, len) != 0)
                        continue;
                if (!dot)
                        return key->kind == CONFIG_SECTION ? NULL : key;
                return key->kind == CONFIG_SECTION ? config_key_find(key->section, dot + 1) : NULL;
        }
        return NULL;
}

/* -- the tables ---------------------------------------------------------------------------------------------------- */

#define MS(number) (INT64_C(1000) * (number))
#define S(number) (INT64_C(1000000) * (number))
#define AT(field) offsetof(struct config, field)

static const struct config_key broker_keys[] = {
        {"ingest", CONFIG_TEXT, AT(broker.ingest), .text = "tcp://127.0.0.1:7601"},
        {"workers", CONFIG_TEXT, AT(broker.workers), .text = "tcp://127.0.0.1:7602"},
        {"stats", CONFIG_TEXT, AT(broker.stats), .text = "tcp://127.0.0.1:7603"},
        {"store", CONFIG_TEXT, AT(broker.store), .text = "lmdb:var/lull"},
        {"lease", CONFIG_SPAN, AT(broker.lease), S(5), S(3), S(300)},
        {"insecure", CONFIG_FLAG, AT(broker.is_insecure)},
        {"bind", CONFIG_CUSTOM, .read = config_bind_read},
        {0},
};

static const struct config_key ingest_keys[] = {
        {"http", CONFIG_CUSTOM, .read = config_listen_read},
        {"token", CONFIG_TEXT, AT(ingest.token)},
        {"ack_timeout", CONFIG_SPAN, AT(ingest.ack_timeout), S(5), MS(100), S(60)},
        {"spool", CONFIG_TEXT, AT(ingest.spool)},
        {"spool_bytes", CONFIG_SPACE, AT(ingest.spool_bytes), LIMIT_SPOOL_BYTES_DEFAULT, LIMIT_SPOOL_BYTES_MIN,
         LIMIT_SPOOL_BYTES_MAX},
        {"connections", CONFIG_COUNT, AT(ingest.connections), LIMIT_HTTP_CONNECTIONS, 1, LIMIT_HTTP_CONNECTIONS_MAX},
        {"connections_per_address", CONFIG_COUNT, AT(ingest.connections_per_address),
         LIMIT_HTTP_CONNECTIONS_PER_ADDRESS, 1, LIMIT_HTTP_CONNECTIONS_MAX},
        {"share_port", CONFIG_FLAG, AT(ingest.is_port_shared)},
        {0},
};

static const struct config_key worker_keys[] = {
        {"slots", CONFIG_COUNT, AT(worker.slots), 256, 1, LIMIT_SLOTS},
        {"drain", CONFIG_SPAN, AT(worker.drain), S(30), 0, S(3600)},
        {0},
};

static const struct config_key limits_keys[] = {
        {"message_bytes", CONFIG_SIZE, AT(limits.message_bytes), LIMIT_MESSAGE_BYTES_DEFAULT, 1024,
         LIMIT_MESSAGE_BYTES_MAX},
        {"memory", CONFIG_SPACE, AT(limits.memory), LIMIT_MEMORY_DEFAULT, 1 << 20, LIMIT_MEMORY_MAX},
        {"store_bytes", CONFIG_SPACE, AT(limits.store_bytes), LIMIT_STORE_BYTES_DEFAULT, 1 << 20,
         LIMIT_STORE_BYTES_MAX},
        {"free_bytes", CONFIG_SPACE, AT(limits.free_bytes), LIMIT_FREE_BYTES_DEFAULT, 0, LIMIT_STORE_BYTES_MAX},
        {"dedupe_window", CONFIG_SPAN, AT(limits.dedupe_window), S(LIMIT_SEEN_WINDOW_S), S(1),
         S(LIMIT_SEEN_WINDOW_MAX_S)},
        {"dedupe_ids", CONFIG_COUNT, AT(limits.dedupe_ids), LIMIT_SEEN, 1, LIMIT_SEEN_MAX},
        {0},
};

static const struct config_key provider_keys[] = {
        {"failures", CONFIG_COUNT, AT(provider.failures), 5, 0, LIMIT_PROVIDER_FAILURES},
        {"pause", CONFIG_SPAN, AT(provider.pause), S(1), MS(1), S(LIMIT_RETRY_AFTER_MAX_S)},
        {"cap", CONFIG_SPAN, AT(provider.cap), S(30), MS(1), S(LIMIT_RETRY_AFTER_MAX_S)},
        {"drain", CONFIG_RATE, AT(provider.drain), .text = "20/s"},
        {0},
};

static const struct config_section broker = {broker_keys, NULL};
static const struct config_section ingest = {ingest_keys, (const char *const[]){"admin", NULL}};
static const struct config_section worker = {worker_keys, NULL};
static const struct config_section limits = {limits_keys, NULL};
static const struct config_section provider = {provider_keys, NULL};

/* `redis` before `tenants`, where some settings need one. */
static const struct config_key root_keys[] = {
        {"broker", CONFIG_SECTION, .section = &broker},
        {"redis", CONFIG_CUSTOM, .read = config_redis_read},
        {"ingest", CONFIG_SECTION, .section = &ingest},
        {"worker", CONFIG_SECTION, .section = &worker},
        {"limits", CONFIG_SECTION, .section = &limits},
        {"provider", CONFIG_SECTION, .section = &provider},
        /* Before the tenants, whose channels are of these kinds. */
        {"channel_files", CONFIG_CUSTOM, .read = config_kinds_read},
        {"tenants", CONFIG_CUSTOM, .read = config_tenants_read},
        {0},
};

const struct config_section config_root = {root_keys, NULL};
