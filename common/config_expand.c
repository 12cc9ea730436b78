#include "common/config_reader.h"

#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

static const char file_prefix[] = "file:";

/* A file made with an editor or `echo` ends with a newline that is not part of the secret. */
static void newline_remove(struct buffer *text, size_t from) {
        if (text->len > from && text->data[text->len - 1] == '\n')
                text->len--;
        if (text->len > from && text->data[text->len - 1] == '\r')
                text->len--;
}

static int expand_file(struct config_reader *reader, int line, const char *path, struct buffer *ret) {
        size_t from = ret->len;
        int r;

        if (*path != '/') {
                config_refuse(reader, line,
                              "'${file:%s}' must name a file from the root on, such as ${file:/run/secrets/token}",
                              path);
                return -EINVAL;
        }
        r = reader->world->read_file(reader->world->context, path, LIMIT_SECRET_FILE_BYTES, ret);
        if (r == -EFBIG) {
                config_refuse(reader, line, "the file %s is over %d bytes; it should hold one secret", path,
                              LIMIT_SECRET_FILE_BYTES);
                return -EINVAL;
        }
        if (r != 0) {
                config_refuse(reader, line, "the file %s cannot be read (%s); create it or let this user read it", path,
                              strerror(-r));
                return -EINVAL;
        }
        newline_remove(ret, from);
        if (ret->len > from && memchr(ret->data + from, 0, ret->len - from)) {
                config_refuse(reader, line, "the file %s holds a NUL character; it should hold one line of text", path);
                return -EINVAL;
        }
        return 0;
}

static bool is_variable_name(const char *name) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

        return *name && (*name < '0' || *name > '9') && strspn(name, letters) == strlen(name);
}

static int expand_variable(struct config_reader *reader, int line, const char *name, struct buffer *ret) {
        const char *value;

        if (!is_variable_name(name)) {
                config_refuse(reader, line,
                              "what stands between '${' and '}' names no environment variable; write ${NAME}, "
                              "${file:/path}, or $${ for the text ${ itself");
                return -EINVAL;
        }
        value = reader->world->find_variable(reader->world->context, name);
        if (!value) {
                config_refuse(reader, line, "environment variable %s is not set; set it, or write ${file:/path}", name);
                return -EINVAL;
        }
        buffer_push_text(ret, value);
        return 0;
}

/* Replaces what stands at `at`, which begins with "${"; *ret_end is behind its "}". */
static int expand_one(struct config_reader *reader, int line, const char *at, const char **ret_end,
                      struct buffer *ret) {
        const char *end = strchr(at, '}');
        CLEANUP_FREE char *name = end ? memory_copy_text(at + 2, (size_t)(end - at) - 2) : NULL;

        if (!name) {
                config_refuse(reader, line, "a '${' has no '}'; write ${NAME}, or $${ for the text ${ itself");
                return -EINVAL;
        }
        *ret_end = end + 1;
        if (strncmp(name, file_prefix, strlen(file_prefix)) == 0)
                return expand_file(reader, line, name + strlen(file_prefix), ret);
        return expand_variable(reader, line, name, ret);
}

static int expand(struct config_reader *reader, const struct yaml_node *node, struct buffer *ret) {
        for (const char *at = node->text; *at;) {
                if (strncmp(at, "$${", 3) == 0) {
                        buffer_push_text(ret, "${");
                        at += 3;
                } else if (strncmp(at, "${", 2) != 0) {
                        buffer_push(ret, at++, 1);
                } else if (expand_one(reader, node->line, at, &at, ret) != 0) {
                        return -EINVAL;
                }
        }
        return 0;
}

int config_text_get(struct config_reader *reader, const struct yaml_node *node, char **ret) {
        CLEANUP_BUFFER struct buffer text = {0};

        if (node->kind != YAML_SCALAR) {
                config_refuse(reader, node->line, "must be one value; this is %s", yaml_kind_text(node));
                return -EINVAL;
        }
        if (yaml_is_null(node)) {
                config_refuse(reader, node->line, "has no value; give it one, or remove the key");
                return -EINVAL;
        }
        if (expand(reader, node, &text) != 0)
                return -EINVAL;
        if (!*node->text || text.len == 0) {
                config_refuse(reader, node->line, "is empty; give it a value, or remove the key");
                return -EINVAL;
        }
        *ret = memory_copy_text(text.data, text.len);
        return 0;
}
