#include "common/channel_form.h"

#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- reading ------------------------------------------------------------------------------------------------------- */

/* Decodes `text` to `to`, which has room for it. 0 and *ret; -EBADMSG and *ret_fault. */
static int part_decode(struct bytes text, uint8_t *to, struct bytes *ret, const char **ret_fault) {
        const uint8_t *from = text.data;
        size_t len = 0;

        for (size_t i = 0; i < text.len; i++, len++) {
                bool is_escape = from[i] == '%';

                if (is_escape &&
                    (i + 2 >= text.len || bytes_hex_value(from[i + 1]) < 0 || bytes_hex_value(from[i + 2]) < 0)) {
                        *ret_fault = "a '%' without two hexadecimal digits behind it; a percent sign itself is %25";
                        return -EBADMSG;
                }
                to[len] = from[i] == '+' ? ' ' : from[i];
                if (is_escape) {
                        to[len] = (uint8_t)(bytes_hex_value(from[i + 1]) << 4 | bytes_hex_value(from[i + 2]));
                        i += 2;
                }
                if (to[len] == 0) {
                        *ret_fault = "a NUL character in it";
                        return -EBADMSG;
                }
        }
        *ret = (struct bytes){to, len};
        return 0;
}

/* "name=value", or a name alone. `to` is where it goes. */
static int field_decode(struct bytes text, uint8_t *to, struct channel_field *ret, const char **ret_fault) {
        const char *equals = memchr(text.data, '=', text.len);
        size_t name_len = equals ? (size_t)(equals - (const char *)text.data) : text.len;
        size_t value_at = equals ? name_len + 1 : name_len;
        struct bytes name = {text.data, name_len};
        struct bytes value = {(const char *)text.data + value_at, text.len - value_at};
        int r = part_decode(name, to, &ret->name, ret_fault);

        return r == 0 ? part_decode(value, to + name_len, &ret->value, ret_fault) : r;
}

/* What stands before the next "&", which is taken with it. */
static struct bytes field_pop(struct bytes *body) {
        const char *end = memchr(body->data, '&', body->len);
        size_t len = end ? (size_t)(end - (const char *)body->data) : body->len;
        struct bytes field = {body->data, len};
        size_t taken = end ? len + 1 : len;

        *body = (struct bytes){(const char *)body->data + taken, body->len - taken};
        return field;
}

static int fields_decode(struct channel_form *form, struct bytes body, char **ret_error) {
        uint8_t *to = form->memory;

        while (body.len > 0) {
                struct bytes text = field_pop(&body);
                const char *fault;

                if (text.len == 0)
                        continue;
                if (form->n == LIMIT_FORM_FIELDS) {
                        *ret_error = memory_print("the form has more than %d fields", LIMIT_FORM_FIELDS);
                        return -EBADMSG;
                }
                if (field_decode(text, to, &form->fields[form->n], &fault) != 0) {
                        *ret_error = memory_print("field %zu of the form has %s", form->n + 1, fault);
                        return -EBADMSG;
                }
                form->n++;
                to += text.len;
        }
        return 0;
}

int channel_form_decode(struct bytes body, struct channel_form *ret, char **ret_error) {
        struct channel_form form = {
                .fields = memory_new(LIMIT_FORM_FIELDS, sizeof *form.fields),
                .memory = memory_new(body.len + 1, 1),
        };
        int r = fields_decode(&form, body, ret_error);

        if (r != 0) {
                channel_form_done(&form);
                return r;
        }
        *ret = form;
        return 0;
}

void channel_form_done(struct channel_form *form) {
        free(form->fields);
        free(form->memory);
        *form = (struct channel_form){0};
}

int channel_form_json(struct bytes body, json_t **ret, char **ret_error) {
        CLEANUP(channel_form_done) struct channel_form form = {0};
        json_t *object;
        int r = channel_form_decode(body, &form, ret_error);

        if (r != 0)
                return r;
        object = json_object();
        for (size_t i = 0; i < form.n; i++) {
                CLEANUP_JSON json_t *name = json_text_new(form.fields[i].name);

                if (!json_object_get(object, json_string_value(name)))
                        json_object_set_new(object, json_string_value(name), json_text_new(form.fields[i].value));
        }
        *ret = object;
        return 0;
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

void channel_escape_push(struct buffer *ret, const char *text, const char *plain) {
        static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

        for (const char *at = text; *at; at++) {
                if (strchr(unreserved, *at) || strchr(plain, *at))
                        buffer_push(ret, at, 1);
                else
                        buffer_print(ret, "%%%02X", (unsigned char)*at);
        }
}

void channel_form_encode(const json_t *object, struct buffer *ret) {
        const char *name;
        json_t *value;

        json_object_foreach((json_t *)object, name, value) {
                CLEANUP_FREE char *text = json_scalar_text(value);

                if (!text)
                        continue;
                if (ret->len > 0)
                        buffer_push_text(ret, "&");
                channel_escape_push(ret, name, "");
                buffer_push_text(ret, "=");
                channel_escape_push(ret, text, "");
        }
}
