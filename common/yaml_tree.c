#include "common/yaml.h"

#include <stdlib.h>
#include <string.h>

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
        for (size_t i = 0; i < map->n; i++) /* the first letter is mostly enough: a webhook asks 400 times */
                if (*map->items[i].key == *key && strcmp(map->items[i].key, key) == 0)
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
