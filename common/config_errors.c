#include "common/config_reader.h"

#include "common/limits.h"
#include "common/memory.h"

#include <stdlib.h>
#include <string.h>

size_t config_path_push(struct config_reader *reader, const char *key) {
        size_t len = reader->path.len;

        buffer_print(&reader->path, "%s%s", len ? "." : "", key);
        return len;
}

void config_path_pop(struct config_reader *reader, size_t len) { reader->path.len = len; }

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Takes `text` over. Keeps the first by line, and of one line those that were found first. */
static void error_push(struct config_reader *reader, int line, char *text, bool is_elsewhere) {
        size_t i = least(reader->n_errors++, LIMIT_CONFIG_ERRORS);

        if (i == LIMIT_CONFIG_ERRORS) {
                struct config_error *last = &reader->errors[--i];

                free(last->line > line ? last->text : text);
                if (last->line <= line)
                        return;
        }
        for (; i > 0 && reader->errors[i - 1].line > line; i--)
                reader->errors[i] = reader->errors[i - 1];
        reader->errors[i] = (struct config_error){line, text, is_elsewhere};
}

void config_refuse_text(struct config_reader *reader, int line, char *text) {
        CLEANUP_FREE char *what = text;
        const char *path = buffer_text(&reader->path);

        error_push(reader, line, memory_print("%s%s%s", path, *path ? ": " : "", what), false);
}

void config_refuse_elsewhere(struct config_reader *reader, int line, char *text) {
        error_push(reader, line, text, true);
}

void config_refuse_text_at(struct config_reader *reader, const char *key, int line, char *text) {
        size_t path = config_path_push(reader, key);

        config_refuse_text(reader, line, text);
        config_path_pop(reader, path);
}

/* -- what was meant ------------------------------------------------------------------------------------------------ */

/* How many letters have to be changed, added, removed or swapped with their neighbour: optimal string alignment. */
static size_t word_distance(const char *a, const char *b) {
        size_t rows[3][LIMIT_NAME_LEN + 1];
        size_t len = strlen(b);

        for (size_t j = 0; j <= len; j++)
                rows[0][j] = j;
        for (size_t i = 1; a[i - 1]; i++) {
                size_t *before = rows[(i + 1) % 3], *last = rows[(i + 2) % 3], *row = rows[i % 3];

                row[0] = i;
                for (size_t j = 1; j <= len; j++) {
                        row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                row[j] = least(row[j], before[j - 2] + 1);
                }
        }
        return rows[strlen(a) % 3][len];
}

const char *config_nearest(const char *word, const char *const *names) {
        /* A third of the letters wrong is a slip; more is another word. */
        size_t best = strlen(word) / 3 + 1;
        const char *nearest = NULL;

        if (strlen(word) > LIMIT_NAME_LEN)
                return NULL;
        for (; *names; names++) {
                size_t distance = word_distance(word, *names);

                if (distance > best || (nearest && distance == best))
                        continue;
                best = distance;
                nearest = *names;
        }
        return nearest;
}

static bool names_have(const char *const *names, const char *word) {
        for (; names && *names; names++)
                if (strcmp(*names, word) == 0)
                        return true;
        return false;
}

static void names_print(const char *const *names, struct buffer *ret) {
        for (size_t i = 0; names[i]; i++)
                buffer_print(ret, "%s%s", i == 0 ? "" : names[i + 1] ? ", " : " and ", names[i]);
}

void config_refuse_key(struct config_reader *reader, const struct yaml_node *node, const char *const *names,
                       const char *const *planned) {
        CLEANUP_BUFFER struct buffer text = {0};
        const char *nearest = config_nearest(node->key, names);

        if (names_have(planned, node->key)) {
                config_refuse_at(reader, node->key, node->line, "is not supported by this version of lull; remove it");
                return;
        }
        buffer_print(&text, "unknown key '%.*s'", LIMIT_NAME_LEN, node->key);
        if (reader->path.len)
                buffer_print(&text, " in %s", buffer_text(&reader->path));
        if (nearest) {
                buffer_print(&text, "; did you mean '%s'?", nearest);
        } else {
                buffer_push_text(&text, "; the keys there are ");
                names_print(names, &text);
        }
        error_push(reader, node->line, memory_copy_text(text.data, text.len), false);
}

/* -- telling ------------------------------------------------------------------------------------------------------- */

char *config_errors_text(struct config_reader *reader) {
        struct buffer text = {0};

        for (size_t i = 0; i < least(reader->n_errors, LIMIT_CONFIG_ERRORS); i++) {
                const struct config_error *error = &reader->errors[i];

                buffer_push_text(&text, i ? "\n" : "");
                if (!error->is_elsewhere)
                        buffer_print(&text, "%s:%d: ", reader->file, error->line);
                buffer_push_text(&text, error->text);
        }
        if (reader->n_errors > LIMIT_CONFIG_ERRORS)
                buffer_print(&text, "\n%s: %zu more, not shown", reader->file, reader->n_errors - LIMIT_CONFIG_ERRORS);
        return buffer_text(&text);
}

void config_errors_done(struct config_reader *reader) {
        for (size_t i = 0; i < least(reader->n_errors, LIMIT_CONFIG_ERRORS); i++)
                free(reader->errors[i].text);
        buffer_done(&reader->path);
}
