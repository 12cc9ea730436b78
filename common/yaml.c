#include "common/yaml.h"

#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* One reading: libyaml's document becomes our tree. */
struct reading {
        const char *file;
        yaml_document_t *document;
        size_t n_nodes;
        char *error;
};

static int refuse(struct reading *reading, size_t line, const char *what) {
        reading->error = memory_print("%s:%zu: %s", reading->file, line + 1, what);
        return -EBADMSG;
}

static int copy_node(struct reading *reading, int index, int depth, struct yaml_node *to);

static int copy_scalar(struct reading *reading, const yaml_node_t *from, struct yaml_node *to) {
        const char *text = (const char *)from->data.scalar.value;

        if (strlen(text) != from->data.scalar.length)
                return refuse(reading, from->start_mark.line, "a text here holds a NUL character; remove it");
        to->kind = YAML_SCALAR;
        to->text = memory_copy_text(text, from->data.scalar.length);
        to->is_quoted = from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        return 0;
}

static int copy_list(struct reading *reading, const yaml_node_t *from, int depth, struct yaml_node *to) {
        size_t n = (size_t)(from->data.sequence.items.top - from->data.sequence.items.start);

        to->kind = YAML_LIST;
        to->items = memory_new(n, sizeof *to->items);
        while (to->n < n) {
                size_t i = to->n++;

                if (copy_node(reading, from->data.sequence.items.start[i], depth + 1, &to->items[i]) != 0)
                        return -EBADMSG;
        }
        return 0;
}

static int compare_keys(const void *a, const void *b) {
        const struct yaml_node *const *left = a, *const *right = b;
        int order = strcmp((*left)->key, (*right)->key);

        return order ? order : (*left)->line - (*right)->line;
}

static int refuse_twin(struct reading *reading, const struct yaml_node *map) {
        CLEANUP_FREE const struct yaml_node **sorted = memory_new(map->n, sizeof *sorted);

        for (size_t i = 0; i < map->n; i++)
                sorted[i] = &map->items[i];
        qsort(sorted, map->n, sizeof *sorted, compare_keys);
        for (size_t i = 1; i < map->n; i++) {
                if (strcmp(sorted[i - 1]->key, sorted[i]->key) != 0)
                        continue;
                reading->error = memory_print("%s:%d: key '%s' stands twice here, first in line %d; keep one of them",
                                              reading->file, sorted[i]->line, sorted[i]->key, sorted[i - 1]->line);
                return -EBADMSG;
        }
        return 0;
}

static int copy_pair(struct reading *reading, const yaml_node_pair_t *pair, int depth, struct yaml_node *to) {
        const yaml_node_t *key = yaml_document_get_node(reading->document, pair->key);

        if (copy_node(reading, pair->value, depth + 1, to) != 0)
                return -EBADMSG;
        to->line = (int)key->start_mark.line + 1;
        to->column = (int)key->start_mark.column + 1;
        if (key->type != YAML_SCALAR_NODE || strlen((const char *)key->data.scalar.value) != key->data.scalar.length)
                return refuse(reading, key->start_mark.line, "a key must be one plain word");
        to->key = memory_copy_text(key->data.scalar.value, key->data.scalar.length);
        return 0;
}

static int copy_map(struct reading *reading, const yaml_node_t *from, int depth, struct yaml_node *to) {
        size_t n = (size_t)(from->data.mapping.pairs.top - from->data.mapping.pairs.start);

        to->kind = YAML_MAP;
        to->items = memory_new(n, sizeof *to->items);
        while (to->n < n) {
                size_t i = to->n++;

                if (copy_pair(reading, &from->data.mapping.pairs.start[i], depth, &to->items[i]) != 0)
                        return -EBADMSG;
        }
        return refuse_twin(reading, to);
}

/* libyaml gives an untagged node the tag of its kind. */
static bool has_tag(const yaml_node_t *node) {
        const char *usual = node->type == YAML_SCALAR_NODE     ? YAML_STR_TAG
                            : node->type == YAML_SEQUENCE_NODE ? YAML_SEQ_TAG
                                                               : YAML_MAP_TAG;

        return strcmp((const char *)node->tag, usual) != 0;
}

/* On failure `to` is left so that its parent can free it. */
static int copy_node(struct reading *reading, int index, int depth, struct yaml_node *to) {
        const yaml_node_t *from = yaml_document_get_node(reading->document, index);
        size_t line = from->start_mark.line;

        to->line = (int)line + 1;
        to->column = (int)from->start_mark.column + 1;
        if (depth > LIMIT_YAML_DEPTH)
                return refuse(reading, line, "nested too deep here; an alias must not stand inside its own anchor");
        if (++reading->n_nodes > LIMIT_YAML_NODES)
                return refuse(reading, line, "too much in one file once each alias is replaced by its anchor");
        if (has_tag(from))
                return refuse(reading, line,
                              "a tag ('!...') has no meaning here; remove it, or put the value in quotes");
        if (from->type == YAML_SCALAR_NODE)
                return copy_scalar(reading, from, to);
        if (from->type == YAML_SEQUENCE_NODE)
                return copy_list(reading, from, depth, to);
        return copy_map(reading, from, depth, to);
}

static int copy_document(struct reading *reading, struct yaml_node *root) {
        root->line = root->column = 1;
        root->kind = YAML_MAP;
        return yaml_document_get_root_node(reading->document) ? copy_node(reading, 1, 0, root) : 0;
}

/* What libyaml found wrong. Where it read bytes and not yet characters, it only knows an offset. */
static int refuse_syntax(struct reading *reading, const yaml_parser_t *parser) {
        const char *problem = parser->problem ? parser->problem : "this is not YAML";
        size_t line = parser->error == YAML_READER_ERROR ? parser->mark.line : parser->problem_mark.line;
        CLEANUP_FREE char *what =
                parser->context ? memory_print("%s, %s", parser->context, problem) : memory_print("%s", problem);

        return refuse(reading, line, what);
}

static int refuse_second(struct reading *reading, yaml_parser_t *parser) {
        yaml_document_t document;
        const yaml_node_t *root;
        size_t line;

        if (!yaml_parser_load(parser, &document))
                return refuse_syntax(reading, parser);
        root = yaml_document_get_root_node(&document);
        line = document.start_mark.line;
        yaml_document_delete(&document);
        return root ? refuse(reading, line, "a second document ('---') begins here; the file must be one") : 0;
}

static int read_first(struct reading *reading, yaml_parser_t *parser, struct yaml_node *root) {
        yaml_document_t document;
        bool is_empty;
        int r;

        if (!yaml_parser_load(parser, &document))
                return refuse_syntax(reading, parser);
        reading->document = &document;
        is_empty = !yaml_document_get_root_node(&document);
        r = copy_document(reading, root);
        yaml_document_delete(&document);
        return r != 0 || is_empty ? r : refuse_second(reading, parser);
}

int yaml_decode(const char *file, struct bytes text, struct yaml_node **ret, char **ret_error) {
        CLEANUP_YAML struct yaml_node *root = memory_new(1, sizeof *root);
        struct reading reading = {.file = file};
        yaml_parser_t parser;
        int r;

        if (text.len > LIMIT_CONFIG_BYTES) {
                *ret_error = memory_print("%s:1: the file is over %d bytes", file, LIMIT_CONFIG_BYTES);
                return -EBADMSG;
        }
        if (!yaml_parser_initialize(&parser))
                return -ENOMEM;
        yaml_parser_set_input_string(&parser, text.len ? text.data : (const uint8_t *)"", text.len);
        r = read_first(&reading, &parser, root);
        yaml_parser_delete(&parser);
        if (r != 0) {
                *ret_error = reading.error;
                return r;
        }
        *ret = TAKE(root);
        return 0;
}

static void node_done(struct yaml_node *node) {
        for (size_t i = 0; i < node->n; i++)
                node_done(&node->items[i]);
        free(node->items);
        free(node->text);
        free(node->key);
}

struct yaml_node *yaml_node_free(struct yaml_node *node) {
        if (node)
                node_done(node);
        free(node);
        return NULL;
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key) {
        if (!map || map->kind != YAML_MAP)
                return NULL;
        for (size_t i = 0; i < map->n; i++)
                if (strcmp(map->items[i].key, key) == 0)
                        return &map->items[i];
        return NULL;
}

const char *yaml_find_text(const struct yaml_node *map, const char *key) {
        const struct yaml_node *node = yaml_find(map, key);

        return node && node->kind == YAML_SCALAR ? node->text : NULL;
}

bool yaml_is_null(const struct yaml_node *node) {
        return node->kind == YAML_SCALAR && !node->is_quoted &&
               (!*node->text || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

const char *yaml_kind_text(const struct yaml_node *node) {
        switch (node->kind) {
        case YAML_SCALAR:
                return "a text";
        case YAML_LIST:
                return "a list";
        case YAML_MAP:
                return "a map";
        }
        return "nothing";
}
