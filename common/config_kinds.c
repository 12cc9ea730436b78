#include "common/channel_file.h"
#include "common/config_reader.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char suffix[] = ".yaml";

/* The files of the folder, as they are found. */
struct names {
        char *items[LIMIT_CHANNEL_FILES];
        size_t n;
        bool is_full;
};

static void names_done(struct names *names) {
        for (size_t i = 0; i < names->n; i++)
                free(names->items[i]);
}

/* Only NAME.yaml: notes of the operator's and an editor's own files are none of our business. */
static void on_name(void *context, const char *name) {
        struct names *names = context;
        size_t len = strlen(name), n = sizeof suffix - 1;

        if (*name == '.' || len < n || strcmp(name + len - n, suffix) != 0)
                return;
        names->is_full = names->is_full || names->n == LIMIT_CHANNEL_FILES;
        if (!names->is_full)
                names->items[names->n++] = memory_copy_text(name, len - n);
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* What the folder is called from where lull.yaml stands. */
static char *path_join(const char *file, const char *folder) {
        const char *slash = strrchr(file, '/');

        if (*folder == '/' || !slash)
                return memory_print("%s", folder);
        return memory_print("%.*s/%s", (int)(slash - file), file, folder);
}

/* -- one file ------------------------------------------------------------------------------------------------------ */

/* A file that is being read: `line` is where lull.yaml names its folder. */
struct kind_file {
        struct config_reader *reader;
        const char *name, *path;
        int line;
};

#define kind_refuse(file, ...) config_refuse_elsewhere((file)->reader, (file)->line, memory_print(__VA_ARGS__))

static int name_check(const struct kind_file *file) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
        size_t len = strlen(file->name);

        if (len == 0 || len > LIMIT_NAME_LEN || strspn(file->name, letters) != len) {
                kind_refuse(file,
                            "%s:1: the file's name is the kind of the channel; rename it to 1 to %d of a-z, 0-9, "
                            "'-' and '_' before .yaml",
                            file->path, LIMIT_NAME_LEN);
                return -EINVAL;
        }
        if (channel_file_find(file->name)) {
                kind_refuse(file,
                            "%s:1: '%s' is built in, and cannot be replaced; give the file another name, such as "
                            "my-%s.yaml",
                            file->path, file->name, file->name);
                return -EINVAL;
        }
        return 0;
}

static int text_read(const struct kind_file *file, struct buffer *ret) {
        const struct config_world *world = file->reader->world;
        int r = world->read_file(world->context, file->path, LIMIT_CHANNEL_FILE_BYTES, ret);

        if (r == -EFBIG)
                kind_refuse(file, "%s:1: the file has more than %d KiB, and no channel needs as much", file->path,
                            LIMIT_CHANNEL_FILE_BYTES / 1024);
        else if (r < 0)
                kind_refuse(file, "%s:1: the file cannot be read (%s)", file->path, strerror(-r));
        return r;
}

/* Notes all that is wrong with it. */
static int file_decode(const struct kind_file *file, struct bytes text, struct yaml_node **ret) {
        CLEANUP_YAML struct yaml_node *root = NULL;
        struct channel_faults faults;
        char *error = NULL;
        size_t n;

        if (yaml_decode(file->path, text, &root, &error) != 0) {
                config_refuse_elsewhere(file->reader, file->line, error);
                return -EINVAL;
        }
        channel_file_faults_find(root, &faults);
        n = faults.n;
        for (size_t i = 0; i < n; i++)
                kind_refuse(file, "%s:%d: %s", file->path, faults.items[i].line, faults.items[i].text);
        channel_faults_done(&faults);
        if (n > 0)
                return -EINVAL;
        *ret = TAKE(root);
        return 0;
}

/* A file with a fault is a kind all the same: that a channel is of it is no second fault. */
static void file_read(const struct kind_file *file, struct config *config) {
        CLEANUP_BUFFER struct buffer text = {0};
        struct yaml_node *root = NULL;

        if (name_check(file) != 0)
                return;
        if (text_read(file, &text) == 0)
                (void)!file_decode(file, buffer_bytes(&text), &root);
        config->kinds[config->n_kinds++] = (struct config_channel_kind){
                .name = memory_copy_text(file->name, strlen(file->name)),
                .path = memory_copy_text(file->path, strlen(file->path)),
                .file = root,
        };
}

/* -- the folder ---------------------------------------------------------------------------------------------------- */

static void folder_read(struct config_reader *reader, const struct yaml_node *node, const char *folder,
                        struct config *config) {
        CLEANUP_FREE char *path = path_join(reader->file, folder);
        CLEANUP(names_done) struct names names = {0};
        int r = reader->world->read_folder ? reader->world->read_folder(reader->world->context, path, on_name, &names)
                                           : -ENOENT;

        if (r < 0) {
                config_refuse(reader, node->line, "%s cannot be read (%s); name a folder with channel files, NAME.yaml",
                              path, strerror(-r));
                return;
        }
        if (names.is_full) {
                config_refuse(reader, node->line, "%s has more than %d files; move those away that no channel uses",
                              path, LIMIT_CHANNEL_FILES);
                return;
        }
        qsort(names.items, names.n, sizeof *names.items, compare_names);
        config->kinds = memory_new(names.n, sizeof *config->kinds);
        for (size_t i = 0; i < names.n; i++) {
                CLEANUP_FREE char *file_path = memory_print("%s/%s%s", path, names.items[i], suffix);

                file_read(&(struct kind_file){reader, names.items[i], file_path, node->line}, config);
        }
}

void config_kinds_read(struct config_reader *reader, const struct yaml_node *node, void *target) {
        CLEANUP_FREE char *folder = NULL;

        if (node && config_text_get(reader, node, &folder) == 0)
                folder_read(reader, node, folder, target);
}

void config_kind_done(struct config_channel_kind *kind) {
        yaml_node_free(kind->file);
        free(kind->name);
        free(kind->path);
}
