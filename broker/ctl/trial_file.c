#include "broker/ctl/trial_file.h"

#include "broker/ctl/screen.h"
#include "common/channel_file.h"
#include "common/config_reader.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void trial_file_done(struct trial_file *file) {
        yaml_node_free(file->root);
        buffer_done(&file->text);
        free(file->path);
        free(file->kind);
        *file = (struct trial_file){0};
}

/* -- the disk ------------------------------------------------------------------------------------------------------ */

static int read_all(int fd, size_t max, struct buffer *ret) {
        for (;;) {
                ssize_t n = read(fd, buffer_reserve(ret, 65536), 65536);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                ret->len += (size_t)n;
                if (ret->len > max)
                        return -EFBIG;
        }
}

int trial_file_read(const char *path, size_t max, struct buffer *ret) {
        bool is_stdin = strcmp(path, "-") == 0;
        CLEANUP_CLOSE int fd = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        int r = !is_stdin && fd < 0 ? -errno : read_all(is_stdin ? STDIN_FILENO : fd, max, ret);

        if (r == -EFBIG)
                screen_error("%s has more than %zu bytes", is_stdin ? "stdin" : path, max);
        else if (r < 0)
                screen_error("%s cannot be read: %s", is_stdin ? "stdin" : path, strerror(-r));
        return r;
}

int trial_config_find(const char *path, struct config **ret) {
        CLEANUP_FREE char *error = NULL;
        const char *variable = getenv("LULL_CONFIG");
        int r = config_load(path, ret, &error);

        if (r == 0)
                return 0;
        if (r == -ENOENT && !path && !(variable && *variable))
                return *ret = NULL, 0;
        screen_error("%s", error);
        return -EINVAL;
}

/* -- finding ------------------------------------------------------------------------------------------------------- */

bool trial_file_is_path(const char *name) {
        static const char end[] = ".yaml";
        size_t len = strlen(name);

        return len > strlen(end) && strcmp(name + len - strlen(end), end) == 0;
}

/* "./channels/mine.yaml" is a file of the kind mine. */
static char *kind_of_path(const char *path) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

        return memory_copy_text(name, strlen(name) - strlen(".yaml"));
}

static const char *built_in_find(const char *kind) {
        for (const struct channel_source *source = channel_sources; source->kind; source++)
                if (strcmp(source->kind, kind) == 0)
                        return source->text;
        return NULL;
}

bool trial_file_is_built_in(const char *kind) { return built_in_find(kind) != NULL; }

static const char *path_find(const struct config *config, const char *kind) {
        for (uint32_t i = 0; config && i < config->n_kinds; i++)
                if (strcmp(config->kinds[i].name, kind) == 0)
                        return config->kinds[i].path;
        return NULL;
}

static const char *nearest_find(const struct config *config, const char *kind) {
        const char *near = config_nearest(kind, channel_kinds());

        for (uint32_t i = 0; config && !near && i < config->n_kinds; i++)
                near = config_nearest(kind, (const char *const[]){config->kinds[i].name, NULL});
        return near;
}

static int refuse_kind(const struct config *config, const char *kind) {
        const char *near = nearest_find(config, kind);

        if (near)
                screen_error("there is no kind of channel '%s'; did you mean '%s'?", kind, near);
        else
                screen_error("there is no kind of channel '%s'; `lull channel list` names them; a file is named by its "
                             "path, such as ./channels/%s.yaml",
                             kind, kind);
        return -EINVAL;
}

/* Takes over `kind`; `path` NULL = `text` is built in. */
static int open_file(char *kind, const char *path, const char *text, struct trial_file *ret) {
        CLEANUP_TRIAL_FILE struct trial_file file = {.kind = kind, .path = path ? memory_print("%s", path) : NULL};
        CLEANUP_FREE char *error = NULL;

        if (text)
                buffer_push_text(&file.text, text);
        else if (trial_file_read(path, LIMIT_CHANNEL_FILE_BYTES, &file.text) < 0)
                return -EINVAL;
        if (channel_file_decode(path ? path : kind, buffer_bytes(&file.text), &file.root, &error) < 0) {
                screen_error("%s", error);
                return -EINVAL;
        }
        *ret = file;
        file = (struct trial_file){0};
        return 0;
}

int trial_file_open(const char *name, const struct config *config, struct trial_file *ret) {
        const char *text = built_in_find(name), *path = path_find(config, name);

        if (trial_file_is_path(name))
                return open_file(kind_of_path(name), name, NULL, ret);
        if (!text && !path)
                return refuse_kind(config, name);
        return open_file(memory_print("%s", name), text ? NULL : path, text, ret);
}

/* The text behind "# " in the line at `data`; *data moves to the next line. False when it is no comment. */
static bool comment_next(const char **data, const char *end, struct bytes *ret) {
        const char *line = *data, *stop = memchr(line, '\n', (size_t)(end - line));

        if (line == end || *line != '#')
                return false;
        stop = stop ? stop : end;
        *data = stop < end ? stop + 1 : end;
        line += stop - line > 1 && line[1] == ' ' ? 2 : 1;
        *ret = (struct bytes){line, (size_t)(stop - line)};
        return true;
}

void trial_file_summary(struct bytes text, struct buffer *ret) {
        const char *data = text.data ? text.data : "", *end = data + text.len, *stop;
        size_t from = ret->len;
        struct bytes line;

        while (comment_next(&data, end, &line) && line.len > 0) {
                if (ret->len > from)
                        buffer_push_text(ret, " ");
                buffer_push(ret, line.data, line.len);
        }
        stop = strstr(buffer_text(ret) + from, ". ");
        if (stop)
                ret->len = (size_t)((const uint8_t *)stop + 1 - ret->data);
}
