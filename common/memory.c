#include "common/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t n, size_t size) {
        fprintf(stderr, "level=fatal event=out_of_memory wanted=%zu*%zu hint=\"give the process more memory\"\n", n,
                size);
        abort();
}

void *memory_new(size_t n, size_t size) {
        void *data = calloc(n ? n : 1, size);

        if (!data)
                out_of_memory(n, size);
        return data;
}

void *memory_resize(void *old, size_t n, size_t size) {
        void *data = reallocarray(old, n ? n : 1, size);

        if (!data)
                out_of_memory(n, size);
        return data;
}

char *memory_copy_text(const void *data, size_t len) {
        char *copy = memory_resize(NULL, len + 1, 1);

        if (len > 0)
                memcpy(copy, data, len);
        copy[len] = 0;
        return copy;
}

char *memory_print(const char *format, ...) {
        va_list arguments;
        char *text;
        int len;

        va_start(arguments, format);
        len = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (len < 0)
                out_of_memory(1, 1);
        return text;
}
