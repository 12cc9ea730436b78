#include "worker/handlers/ways.h"

#include "common/limits.h"
#include "common/memory.h"

#include <string.h>

struct known {
        char *url, *model;
        struct chat_ways ways;
};

/* Of the process, as what a server can is no matter of one run, nor of one reading of lull.yaml. */
static struct known *known;
static size_t n_known;

static struct known *find(const struct config_handler *config) {
        for (size_t i = 0; i < n_known; i++)
                if (strcmp(known[i].url, config->url) == 0 && strcmp(known[i].model, config->model) == 0)
                        return &known[i];
        return NULL;
}

struct chat_ways ways_get(const struct config_handler *config) {
        const struct known *one = find(config);

        return one ? one->ways : (struct chat_ways){0};
}

void ways_keep(const struct config_handler *config, struct chat_ways ways) {
        struct known *one = find(config);
        bool is_usual = !ways.is_without_options && !ways.is_completion_tokens;

        if (!one && (is_usual || n_known == LIMIT_WAYS))
                return;
        if (!one) {
                known = memory_resize(known, n_known + 1, sizeof *known);
                one = &known[n_known++];
                *one = (struct known){0};
                one->url = memory_copy_text(config->url, strlen(config->url));
                one->model = memory_copy_text(config->model, strlen(config->model));
        }
        one->ways.is_without_options |= ways.is_without_options;
        one->ways.is_completion_tokens |= ways.is_completion_tokens;
}
