#include "common/yaml.h"

#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* What a name stands for. Its texts and items belong to the tree, whose node may have moved since. */
struct anchor {
        char *name;
        struct yaml_node node;
        bool is_open; /* it has not ended yet */
};

/* One reading: libyaml's events become our tree, one by one, so that a limit ends it where it is passed. */
struct reading {
        const char *file;
        yaml_parser_t *parser;
        struct anchor anchors[LIMIT_YAML_ANCHORS];
        size_t n_anchors, n_nodes;
        char *error;
};

#define CLEANUP_EVENT CLEANUP(yaml_event_delete)

static int refuse(struct reading *reading, size_t line, const char *what) {
        reading->error = memory_print("%s:%zu: %s", reading->file, line + 1, what);
        return -EBADMSG;
}

/* What libyaml found wrong. Where it read bytes and not yet characters, it only knows an offset. */
static int refuse_syntax(struct reading *reading) {
        const yaml_parser_t *parser = reading->parser;
        const char *problem = parser->problem ? parser->problem : "this is not YAML";
        size_t line = parser->error == YAML_READER_ERROR ? parser->mark.line : parser->problem_mark.line;
        CLEANUP_FREE char *what =
                parser->context ? memory_print("%s, %s", parser->context, problem) : memory_print("%s", problem);

        return refuse(reading, line, what);
}

static int event_pop(struct reading *reading, yaml_event_t *ret) {
        return yaml_parser_parse(reading->parser, ret) ? 0 : refuse_syntax(reading);
}

/* Room for one more, empty. `cap` is how many there is room for. */
static struct yaml_node *item_push(struct yaml_node *node, size_t *cap) {
        if (node->n == *cap) {
                *cap = *cap ? 2 * *cap : 4;
                node->items = memory_resize(node->items, *cap, sizeof *node->items);
        }
        node->items[node->n] = (struct yaml_node){0};
        return &node->items[node->n++];
}

/* -- anchors ------------------------------------------------------------------------------------------------------- */

static struct anchor *anchor_find(struct reading *reading, const char *name) {
        for (size_t i = 0; i < reading->n_anchors; i++)
                if (strcmp(reading->anchors[i].name, name) == 0)
                        return &reading->anchors[i];
        return NULL;
}

static int anchor_push(struct reading *reading, size_t line, const char *name, struct anchor **ret) {
        struct anchor *anchor = &reading->anchors[reading->n_anchors];

        if (anchor_find(reading, name))
                return refuse(reading, line, "this anchor ('&...') stands twice; give one of them another name");
        if (reading->n_anchors == LIMIT_YAML_ANCHORS)
                return refuse(reading, line, "too many anchors ('&...') in one file; write some of the values out");
        *anchor = (struct anchor){.name = memory_print("%s", name), .is_open = true};
        reading->n_anchors++;
        *ret = anchor;
        return 0;
}

static int depth_check(struct reading *reading, size_t line, int depth) {
        if (depth > LIMIT_YAML_DEPTH)
                return refuse(reading, line, "nested too deep here; nothing in this file has so many levels");
        return 0;
}

/* Keys do not count: there are no more of them than of values. */
static int node_count(struct reading *reading, size_t line, int depth) {
        if (depth_check(reading, line, depth) != 0)
                return -EBADMSG;
        if (++reading->n_nodes > LIMIT_YAML_NODES)
                return refuse(reading, line, "too much in one file once each alias is replaced by its anchor");
        return 0;
}

/* On failure `to` is left so that its parent can free it, here and below. */
static int node_copy(struct reading *reading, size_t line, int depth, const struct yaml_node *from,
                     struct yaml_node *to) {
        to->kind = from->kind;
        to->is_quoted = from->is_quoted;
        to->text = from->text ? memory_print("%s", from->text) : NULL;
        to->items = memory_new(from->n, sizeof *to->items);
        while (to->n < from->n) {
                const struct yaml_node *item = &from->items[to->n];
                struct yaml_node *copy = &to->items[to->n++];

                copy->line = item->line;
                copy->column = item->column;
                copy->key = item->key ? memory_print("%s", item->key) : NULL;
                if (node_count(reading, line, depth + 1) != 0 || node_copy(reading, line, depth + 1, item, copy) != 0)
                        return -EBADMSG;
        }
        return 0;
}

static int alias_read(struct reading *reading, const yaml_event_t *event, int depth, struct yaml_node *to) {
        const struct anchor *anchor = anchor_find(reading, (const char *)event->data.alias.anchor);
        size_t line = event->start_mark.line;

        if (!anchor)
                return refuse(reading, line, "this alias ('*...') has no anchor before it; write '&' and its name");
        if (anchor->is_open)
                return refuse(reading, line, "an alias must not stand inside its own anchor");
        return node_copy(reading, line, depth, &anchor->node, to);
}

/* -- nodes --------------------------------------------------------------------------------------------------------- */

static int node_read(struct reading *reading, const yaml_event_t *event, int depth, struct yaml_node *to);
static int node_read_uncounted(struct reading *reading, const yaml_event_t *event, int depth, struct yaml_node *to);

static int scalar_read(struct reading *reading, const yaml_event_t *event, struct yaml_node *to) {
        const char *text = (const char *)event->data.scalar.value;

        to->kind = YAML_SCALAR;
        if (strlen(text) != event->data.scalar.length)
                return refuse(reading, event->start_mark.line, "a text here holds a NUL character; remove it");
        to->text = memory_copy_text(text, event->data.scalar.length);
        to->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        return 0;
}

static int list_read(struct reading *reading, int depth, struct yaml_node *to) {
        size_t cap = 0;

        to->kind = YAML_LIST;
        while (true) {
                CLEANUP_EVENT yaml_event_t event = {0};

                if (event_pop(reading, &event) != 0)
                        return -EBADMSG;
                if (event.type == YAML_SEQUENCE_END_EVENT)
                        return 0;
                if (node_read(reading, &event, depth + 1, item_push(to, &cap)) != 0)
                        return -EBADMSG;
        }
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

static int pair_read(struct reading *reading, const yaml_event_t *event, int depth, struct yaml_node *to) {
        CLEANUP_YAML struct yaml_node *key = memory_new(1, sizeof *key);
        CLEANUP_EVENT yaml_event_t value = {0};

        if (depth_check(reading, event->start_mark.line, depth + 1) != 0 ||
            node_read_uncounted(reading, event, depth + 1, key) != 0)
                return -EBADMSG;
        if (key->kind != YAML_SCALAR)
                return refuse(reading, event->start_mark.line, "a key must be one plain word");
        to->key = TAKE(key->text);
        if (event_pop(reading, &value) != 0 || node_read(reading, &value, depth + 1, to) != 0)
                return -EBADMSG;
        to->line = key->line;
        to->column = key->column;
        return 0;
}

static int map_read(struct reading *reading, int depth, struct yaml_node *to) {
        size_t cap = 0;

        to->kind = YAML_MAP;
        while (true) {
                CLEANUP_EVENT yaml_event_t event = {0};

                if (event_pop(reading, &event) != 0)
                        return -EBADMSG;
                if (event.type == YAML_MAPPING_END_EVENT)
                        return refuse_twin(reading, to);
                if (pair_read(reading, &event, depth, item_push(to, &cap)) != 0)
                        return -EBADMSG;
        }
}

/* What stands before a node: "&anchor" and "!tag". NULL when there is none. */
struct properties {
        const char *anchor, *tag, *usual_tag;
};

static struct properties properties_of(const yaml_event_t *event) {
        if (event->type == YAML_SCALAR_EVENT)
                return (struct properties){(const char *)event->data.scalar.anchor,
                                           (const char *)event->data.scalar.tag, YAML_STR_TAG};
        if (event->type == YAML_SEQUENCE_START_EVENT)
                return (struct properties){(const char *)event->data.sequence_start.anchor,
                                           (const char *)event->data.sequence_start.tag, YAML_SEQ_TAG};
        return (struct properties){(const char *)event->data.mapping_start.anchor,
                                   (const char *)event->data.mapping_start.tag, YAML_MAP_TAG};
}

/* "!" alone says the same as no tag. */
static bool has_tag(const struct properties *properties) {
        return properties->tag && strcmp(properties->tag, "!") != 0 &&
               strcmp(properties->tag, properties->usual_tag) != 0;
}

static int node_read_uncounted(struct reading *reading, const yaml_event_t *event, int depth, struct yaml_node *to) {
        struct properties properties;
        struct anchor *anchor = NULL;
        size_t line = event->start_mark.line;
        int r;

        to->line = (int)line + 1;
        to->column = (int)event->start_mark.column + 1;
        if (event->type == YAML_ALIAS_EVENT)
                return alias_read(reading, event, depth, to);
        properties = properties_of(event);
        if (has_tag(&properties))
                return refuse(reading, line,
                              "a tag ('!...') has no meaning here; remove it, or put the value in quotes");
        if (properties.anchor && anchor_push(reading, line, properties.anchor, &anchor) != 0)
                return -EBADMSG;
        if (event->type == YAML_SCALAR_EVENT)
                r = scalar_read(reading, event, to);
        else
                r = event->type == YAML_SEQUENCE_START_EVENT ? list_read(reading, depth, to)
                                                             : map_read(reading, depth, to);
        if (anchor)
                *anchor = (struct anchor){.name = anchor->name, .node = *to};
        return r;
}

static int node_read(struct reading *reading, const yaml_event_t *event, int depth, struct yaml_node *to) {
        if (node_count(reading, event->start_mark.line, depth) != 0)
                return -EBADMSG;
        return node_read_uncounted(reading, event, depth, to);
}

/* -- the whole ----------------------------------------------------------------------------------------------------- */

/* What only marks where something begins or ends. */
static int mark_pop(struct reading *reading, yaml_event_type_t *ret, size_t *ret_line) {
        CLEANUP_EVENT yaml_event_t event = {0};

        if (event_pop(reading, &event) != 0)
                return -EBADMSG;
        *ret = event.type;
        *ret_line = event.start_mark.line;
        return 0;
}

static int root_read(struct reading *reading, struct yaml_node *root) {
        CLEANUP_EVENT yaml_event_t event = {0};

        if (event_pop(reading, &event) != 0)
                return -EBADMSG;
        return node_read(reading, &event, 0, root);
}

static int document_read(struct reading *reading, struct yaml_node *root) {
        yaml_event_type_t mark;
        size_t line;

        root->line = root->column = 1;
        root->kind = YAML_MAP;
        if (mark_pop(reading, &mark, &line) != 0 || mark_pop(reading, &mark, &line) != 0)
                return -EBADMSG;
        if (mark == YAML_STREAM_END_EVENT)
                return 0;
        if (root_read(reading, root) != 0 || mark_pop(reading, &mark, &line) != 0 ||
            mark_pop(reading, &mark, &line) != 0)
                return -EBADMSG;
        if (mark != YAML_STREAM_END_EVENT)
                return refuse(reading, line, "a second document ('---') begins here; the file must be one");
        return 0;
}

/* libyaml compares each %TAG with all before it, before anyone hears of them. */
static int refuse_tag_lines(struct reading *reading, struct bytes text) {
        const char *at = text.data, *end = at + text.len, *found;
        size_t line = 0;

        while (at < end && (found = memmem(at, (size_t)(end - at), "%TAG", 4))) {
                for (; at < found; at++)
                        line += *at == '\n';
                if (at == text.data || at[-1] == '\n' || at[-1] == '\r')
                        return refuse(reading, line, "a %TAG has no meaning here; remove the line");
                at++;
        }
        return 0;
}

static void reading_done(struct reading *reading) {
        for (size_t i = 0; i < reading->n_anchors; i++)
                free(reading->anchors[i].name);
}

/* What some editors put in front, to say that it is UTF-8. */
static struct bytes skip_byte_order_mark(struct bytes text) {
        static const char mark[] = "\xef\xbb\xbf";
        size_t len = strlen(mark);

        if (text.len < len || memcmp(text.data, mark, len) != 0)
                return text;
        return (struct bytes){(const char *)text.data + len, text.len - len};
}

static int text_read(struct reading *reading, struct bytes text, struct yaml_node *root) {
        CLEANUP(yaml_parser_delete) yaml_parser_t parser;

        if (!yaml_parser_initialize(&parser))
                return -ENOMEM;
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, text.len ? text.data : (const uint8_t *)"", text.len);
        reading->parser = &parser;
        return document_read(reading, root);
}

int yaml_decode(const char *file, struct bytes text, struct yaml_node **ret, char **ret_error) {
        CLEANUP_YAML struct yaml_node *root = memory_new(1, sizeof *root);
        CLEANUP(reading_done) struct reading reading = {.file = file};
        int r;

        if (text.len > LIMIT_CONFIG_BYTES) {
                *ret_error = memory_print("%s:1: the file is over %d bytes", file, LIMIT_CONFIG_BYTES);
                return -EBADMSG;
        }
        text = skip_byte_order_mark(text);
        r = refuse_tag_lines(&reading, text);
        if (r == 0)
                r = text_read(&reading, text, root);
        if (r != 0) {
                *ret_error = reading.error;
                return r;
        }
        *ret = TAKE(root);
        return 0;
}
