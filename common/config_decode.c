#include "common/config_reader.h"

#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A tcp endpoint made of wrong keys would only be complained about again. */
static void config_read(struct config_reader *reader, const struct yaml_node *root, struct config *config) {
        config_section_read(reader, root, &config_root, config);
        config_broker_check(reader, root, config);
}

int config_decode(const char *file, struct bytes text, const struct config_world *world, struct config **ret,
                  char **ret_error) {
        CLEANUP_CONFIG struct config *config = memory_new(1, sizeof *config);
        CLEANUP_YAML struct yaml_node *root = NULL;
        struct config_reader reader = {.file = file, .world = world};
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
