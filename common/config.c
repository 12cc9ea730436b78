/* The shell of the configuration: the disk and the environment. What they hold is judged by the other config_*.c
 * files. */
#include "common/config.h"

#include "common/config_reader.h"
#include "common/limits.h"
#include "common/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Appends the contents; -EFBIG when they are over `max`. */
static int read_file(const char *path, size_t max, struct buffer *ret) {
        CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        size_t from = ret->len;

        if (fd < 0)
                return -errno;
        while (ret->len - from <= max) {
                ssize_t n = read(fd, buffer_reserve(ret, 4096), 4096);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                ret->len += (size_t)n;
        }
        return -EFBIG;
}

static const char *world_find_variable(void *context, const char *name) { return getenv(name); }

static int world_read_file(void *context, const char *path, size_t max, struct buffer *ret) {
        return read_file(path, max, ret);
}

static int world_read_folder(void *context, const char *path, void (*on_name)(void *names, const char *name),
                             void *names) {
        DIR *folder = opendir(path);
        struct dirent *entry;

        if (!folder)
                return -errno;
        while ((entry = readdir(folder)))
                on_name(names, entry->d_name);
        closedir(folder);
        return 0;
}

int config_load(const char *path, struct config **ret, char **ret_error) {
        static const struct config_world world = {world_find_variable, world_read_file, NULL, world_read_folder};
        CLEANUP_BUFFER struct buffer text = {0};
        int r;

        if (!path)
                path = getenv("LULL_CONFIG");
        if (!path || !*path)
                path = "lull.yaml";
        r = read_file(path, LIMIT_CONFIG_BYTES, &text);
        if (r != 0) {
                *ret_error = memory_print(
                        "%s: cannot be read (%s); name the configuration as the argument or in LULL_CONFIG", path,
                        strerror(-r));
                return r;
        }
        return config_decode(path, buffer_bytes(&text), &world, ret, ret_error);
}

struct config *config_free(struct config *config) {
        if (!config)
                return NULL;
        for (uint32_t i = 0; i < config->n_tenants; i++)
                config_tenant_done(&config->tenants[i]);
        free(config->tenants);
        for (uint32_t i = 0; i < config->n_kinds; i++)
                config_kind_done(&config->kinds[i]);
        free(config->kinds);
        free(config->path);
        free(config->broker.ingest);
        free(config->broker.workers);
        free(config->broker.stats);
        free(config->broker.bind_ingest);
        free(config->broker.bind_workers);
        free(config->broker.bind_stats);
        free(config->broker.store);
        free(config->redis);
        free(config->ingest.http);
        free(config->ingest.token);
        free(config->ingest.spool);
        free(config);
        return NULL;
}

/* -- finding ------------------------------------------------------------------------------------------------------- */

/* As strcmp(), for a name that does not end with a NUL. */
static int compare_name(struct bytes name, const char *with) {
        size_t len = strlen(with);
        size_t shorter = name.len < len ? name.len : len;
        int order = shorter ? memcmp(name.data, with, shorter) : 0;

        return order ? order : name.len < len ? -1 : name.len > len;
}

const struct config_tenant *config_tenant_find(const struct config *config, struct bytes name) {
        uint32_t low = 0, high = config->n_tenants;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                int order = compare_name(name, config->tenants[middle].name);

                if (order == 0)
                        return &config->tenants[middle];
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

const struct config_channel *config_channel_find(const struct config_tenant *tenant, struct bytes name) {
        for (uint32_t i = 0; i < tenant->n_channels; i++)
                if (bytes_is_text(name, tenant->channels[i].name))
                        return &tenant->channels[i];
        return NULL;
}

const char *config_setting_find(const struct config_channel *channel, const char *key) {
        for (uint32_t i = 0; i < channel->n_settings; i++)
                if (strcmp(channel->settings[i].key, key) == 0)
                        return channel->settings[i].value;
        return NULL;
}
