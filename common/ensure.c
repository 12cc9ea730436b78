#include "common/ensure.h"

#include <stdio.h>
#include <stdlib.h>

static void (*say_last_words)(void);

void ensure_set_last_words(void (*last_words)(void)) { say_last_words = last_words; }

void ensure_failed(const char *condition, const char *file, int line) {
        if (say_last_words)
                say_last_words();
        fprintf(stderr, "level=fatal event=broken_invariant at=%s:%d condition=\"%s\"\n", file, line, condition);
        abort();
}
