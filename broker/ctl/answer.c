#include "broker/ctl/answer.h"

#include "broker/ctl/text.h"

const char *answer_text_find(const json_t *answer, const char *pointer) {
        return json_string_value(json_pointer_find(answer, pointer));
}

int answer_number_find(const json_t *answer, const char *pointer, double *ret) {
        const json_t *value = json_pointer_find(answer, pointer);

        if (!json_is_number(value))
                return 1;
        *ret = json_number_value(value);
        return 0;
}

bool answer_has(const json_t *answer, const char *pointer) {
        const json_t *value = json_pointer_find(answer, pointer);

        return value && !json_is_null(value);
}

static void push_nothing(struct buffer *buffer) { buffer_push_text(buffer, "-"); }

void answer_push_text(struct buffer *buffer, const json_t *answer, const char *pointer) {
        const json_t *value = json_pointer_find(answer, pointer);
        CLEANUP_FREE char *text = value ? json_scalar_text(value) : NULL;

        if (text && *text)
                text_push_safe(buffer, bytes_of(text));
        else
                push_nothing(buffer);
}

void answer_push_count(struct buffer *buffer, const json_t *answer, const char *pointer) {
        double number;

        if (answer_number_find(answer, pointer, &number) == 0)
                text_push_count(buffer, (int64_t)number);
        else
                push_nothing(buffer);
}

void answer_push_ms(struct buffer *buffer, const json_t *answer, const char *pointer) {
        double number;

        if (answer_number_find(answer, pointer, &number) == 0)
                text_push_span(buffer, span_us((int64_t)(number * 1000)));
        else
                push_nothing(buffer);
}

void answer_push_size(struct buffer *buffer, const json_t *answer, const char *pointer) {
        double number;

        if (answer_number_find(answer, pointer, &number) == 0)
                text_push_size(buffer, (int64_t)number);
        else
                push_nothing(buffer);
}

void answer_push_when(struct buffer *buffer, const json_t *answer, const char *pointer, struct wall now) {
        const char *text = answer_text_find(answer, pointer);

        if (text && *text)
                text_push_when(buffer, text, now);
        else
                push_nothing(buffer);
}
