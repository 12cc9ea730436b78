#include "common/config_reader.h"

#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The ids are bounded by number, not by the room that messages leave: they must not be able to take all of it. */
static void limits_check(struct config_reader *reader, const struct yaml_node *root, const struct config *config) {
        const struct yaml_node *limits = yaml_find(root, "limits"), *memory = yaml_find(limits, "memory");
        uint64_t ids = (uint64_t)config->limits.dedupe_ids * LIMIT_SEEN_COST;
        unsigned long long mebibytes = (ids + (1 << 20) - 1) >> 20;
        CLEANUP_FREE char *have = config_size_text((int64_t)config->limits.memory);
        size_t path = config_path_push(reader, "limits");

        if (reader->n_errors == 0 && config->limits.memory < 2 * ids)
                config_refuse_at(
                        reader, "memory",
                        memory   ? memory->line
                        : limits ? limits->line
                                 : 1,
                        "%s is too small for dedupe_ids: %u ids take %lluMiB, and they may take half of limits.memory; "
                        "make it %lluMiB or more, or remember fewer ids",
                        have, config->limits.dedupe_ids, mebibytes, 2 * mebibytes);
        config_path_pop(reader, path);
}

static void provider_check(struct config_reader *reader, const struct yaml_node *root, const struct config *config) {
        const struct yaml_node *provider = yaml_find(root, "provider"), *cap = yaml_find(provider, "cap");
        CLEANUP_FREE char *pause_text = config_span_text(config->provider.pause.us);
        CLEANUP_FREE char *cap_text = config_span_text(config->provider.cap.us);

        if (reader->n_errors == 0 && span_is_less(config->provider.cap, config->provider.pause))
                config_refuse_at(reader, "provider.cap", (cap ? cap : provider)->line,
                                 "%s is shorter than provider.pause, which is %s; make it %s or more", cap_text,
                                 pause_text, pause_text);
}

/* A tcp endpoint made of wrong keys would only be complained about again. */
static void config_read(struct config_reader *reader, const struct yaml_node *root, struct config *config) {
        config_section_read(reader, root, &config_root, config);
        config_broker_check(reader, root, config);
        limits_check(reader, root, config);
        provider_check(reader, root, config);
}

int config_decode(const char *file, struct bytes text, const struct config_world *world, struct config **ret,
                  char **ret_error) {
        CLEANUP_CONFIG struct config *config = memory_new(1, sizeof *config);
        CLEANUP_YAML struct yaml_node *root = NULL;
        struct config_reader reader = {.file = file, .world = world, .config = config};
        int r;

        r = yaml_decode(file, text, &root, ret_error);
        if (r != 0)
                return r;
        config->path = memory_copy_text(file, strlen(file));
        config_read(&reader, root, config);
        if (reader.n_errors > 0) {
                *ret_error = config_errors_text(&reader);
                r = -EINVAL;
        } else {
                *ret = TAKE(config);
        }
        config_errors_done(&reader);
        free(reader.bind);
        return r;
}
