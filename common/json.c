#include "common/json.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void *json_memory_new(size_t size) { return memory_resize(NULL, size, 1); }

/* Before main(): jansson must not hold memory of another allocator when this is set. */
__attribute__((constructor)) static void json_memory_init(void) { json_set_alloc_funcs(json_memory_new, free); }

int json_decode(struct bytes text, json_t **ret, char **ret_error) {
        json_error_t error;
        json_t *value;

        if (text.len == 0) {
                *ret_error = memory_print("there is no JSON: nothing was sent");
                return -EBADMSG;
        }
        value = json_loadb(text.data, text.len, JSON_DECODE_ANY, &error);
        if (!value) {
                *ret_error = memory_print("line %d, column %d: %s", error.line, error.column, error.text);
                return -EBADMSG;
        }
        *ret = value;
        return 0;
}

static int push_chunk(const char *data, size_t len, void *text) {
        buffer_push(text, data, len);
        return 0;
}

void json_encode(const json_t *value, struct buffer *text) {
        ENSURE(json_dump_callback(value, push_chunk, text, JSON_COMPACT | JSON_ENCODE_ANY) == 0);
}

char *json_encode_text(const json_t *value) {
        struct buffer text = {0};

        json_encode(value, &text);
        return buffer_text(&text);
}

/* How many bytes at `at` are one well-formed character other than NUL; 0 if there is none. */
static size_t character_len(const uint8_t *at, size_t left) {
        for (size_t len = 1; len <= 4 && len <= left; len++)
                if (bytes_is_utf8((struct bytes){at, len}))
                        return at[0] == 0 ? 0 : len;
        return 0;
}

static bool is_clean(struct bytes text) {
        return bytes_is_utf8(text) && (text.len == 0 || !memchr(text.data, 0, text.len));
}

static void push_cleaned(struct bytes text, struct buffer *clean) {
        const uint8_t *data = text.data;

        for (size_t i = 0; i < text.len;) {
                size_t len = character_len(data + i, text.len - i);

                if (len > 0)
                        buffer_push(clean, data + i, len);
                else
                        buffer_push_text(clean, "\xef\xbf\xbd");
                i += len ? len : 1;
        }
}

json_t *json_text_new(struct bytes text) {
        CLEANUP_BUFFER struct buffer clean = {0};
        json_t *value;

        if (is_clean(text))
                return json_stringn(text.len ? text.data : "", text.len);
        push_cleaned(text, &clean);
        value = json_stringn((const char *)clean.data, clean.len);
        ENSURE(value);
        return value;
}

/* What JSON wants escaped, as jansson writes it. */
static void push_escaped(uint8_t character, struct buffer *json) {
        static const char names[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
        const char *found = strchr(names, character);

        if (found)
                buffer_push(json, (char[]){'\\', letters[found - names]}, 2);
        else
                buffer_print(json, "\\u%04X", character);
}

void json_push_text(struct bytes text, struct buffer *json) {
        CLEANUP_BUFFER struct buffer clean = {0};
        const uint8_t *data;
        size_t from = 0;

        if (!is_clean(text)) {
                push_cleaned(text, &clean);
                text = buffer_bytes(&clean);
        }
        data = text.data;
        buffer_push_text(json, "\"");
        for (size_t i = 0; i < text.len; i++) {
                if (data[i] >= ' ' && data[i] != '"' && data[i] != '\\')
                        continue;
                buffer_push(json, data + from, i - from);
                push_escaped(data[i], json);
                from = i + 1;
        }
        buffer_push(json, data ? data + from : NULL, text.len - from);
        buffer_push_text(json, "\"");
}

json_t *json_text_or_null(const char *text) { return text ? json_text_new(bytes_of(text)) : json_null(); }

char *json_scalar_text(const json_t *value) {
        if (json_is_string(value))
                return memory_copy_text(json_string_value(value), json_string_length(value));
        if (json_is_integer(value) || json_is_boolean(value))
                return json_encode_text(value);
        return NULL;
}

/* -- pointers ------------------------------------------------------------------------------------------------------ */

bool json_pointer_is_valid(const char *pointer) {
        if (*pointer && *pointer != '/')
                return false;
        for (const char *at = pointer; *at; at++)
                if (*at == '~' && at[1] != '0' && at[1] != '1')
                        return false;
        return true;
}

/* The next step, unescaped, which the caller frees; *pointer moves behind it. */
static char *step_pop(const char **pointer) {
        size_t len = strcspn(*pointer + 1, "/");
        char *step = memory_copy_text(*pointer + 1, len);
        char *to = step;

        *pointer += 1 + len;
        for (const char *from = step; *from;) {
                bool is_escape = from[0] == '~' && (from[1] == '0' || from[1] == '1');
                char character = is_escape && from[1] == '1' ? '/' : from[0];

                from += is_escape ? 2 : 1;
                *to++ = character;
        }
        *to = 0;
        return step;
}

/* RFC 6901: decimal without leading zeros. "-" names what is not there. */
static json_t *array_find(const json_t *array, const char *step) {
        size_t index = 0;

        if (!*step || strspn(step, "0123456789") != strlen(step) || strlen(step) > 9 || (step[0] == '0' && step[1]))
                return NULL;
        for (; *step; step++)
                index = index * 10 + (size_t)(*step - '0');
        return json_array_get(array, index);
}

static void found_push(struct json_found *found, json_t *value) {
        if (found->n == found->cap) {
                found->cap = found->cap ? 2 * found->cap : 4;
                found->items = memory_resize(found->items, found->cap, sizeof *found->items);
        }
        found->items[found->n++] = value;
}

/* One search: how much more is wanted of it, and how many more values it may look at. */
struct search {
        size_t max;
        size_t *steps;
        struct json_found *found;
};

static bool is_over(const struct search *search) { return search->found->n >= search->max || *search->steps == 0; }

static void find_each(struct search *search, const json_t *value, const char *pointer);

static void find_members(struct search *search, const json_t *value, const char *pointer) {
        json_t *object = json_is_object(value) ? (json_t *)value : NULL;

        for (size_t i = 0; i < json_array_size(value) && !is_over(search); i++)
                find_each(search, json_array_get(value, i), pointer);
        for (void *at = json_object_iter(object); at && !is_over(search); at = json_object_iter_next(object, at))
                find_each(search, json_object_iter_value(at), pointer);
}

static void find_each(struct search *search, const json_t *value, const char *pointer) {
        while (value && *pointer && !is_over(search)) {
                CLEANUP_FREE char *step = step_pop(&pointer);

                --*search->steps;
                if (strcmp(step, "*?") == 0 && !json_is_array(value))
                        continue;
                if (strcmp(step, "*") == 0 || strcmp(step, "*?") == 0) {
                        find_members(search, value, pointer);
                        return;
                }
                value = json_is_array(value) ? array_find(value, step) : json_object_get(value, step);
        }
        if (!value || is_over(search))
                return;
        --*search->steps;
        found_push(search->found, (json_t *)value);
}

json_t *json_pointer_find(const json_t *root, const char *pointer) {
        size_t steps = SIZE_MAX;

        return json_pointer_find_within(root, pointer, &steps);
}

json_t *json_pointer_find_within(const json_t *root, const char *pointer, size_t *steps) {
        struct json_found found;
        json_t *first;

        json_pointer_find_all_within(root, pointer, 1, steps, &found);
        first = found.n ? found.items[0] : NULL;
        free(found.items);
        return first;
}

void json_pointer_find_all(const json_t *root, const char *pointer, size_t max, struct json_found *ret) {
        size_t steps = SIZE_MAX;

        json_pointer_find_all_within(root, pointer, max, &steps, ret);
}

void json_pointer_find_all_within(const json_t *root, const char *pointer, size_t max, size_t *steps,
                                  struct json_found *ret) {
        struct search search = {max, steps, ret};

        *ret = (struct json_found){0};
        find_each(&search, root, pointer);
}
