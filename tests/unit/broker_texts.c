#include "tests/unit/unit.h"

#include "broker/core/texts.h"

#include <stdio.h>
#include <string.h>

enum { N = 20000 };

/* A text of its own for each number, of any length there may be. */
static struct bytes text_of(uint32_t number, char *memory) {
        size_t len = number * 7919 % LIMIT_THREAD_LEN + 1;

        memset(memory, 'a' + (int)(number % 26), LIMIT_THREAD_LEN);
        memcpy(memory, &number, len < sizeof number ? len : sizeof number);
        return (struct bytes){memory, len};
}

static uint32_t roll(uint32_t *state) {
        *state = *state * 1664525 + 1013904223;
        return *state >> 8;
}

static void each_text_is_found_as_it_was_whatever_comes_and_goes(void **state) {
        static uint32_t places[N];
        static bool is_in[N];
        struct texts texts = {0};
        char memory[LIMIT_THREAD_LEN];
        uint32_t dice = 5;

        for (uint32_t step = 0; step < 10 * N; step++) {
                uint32_t number = roll(&dice) % N;
                struct bytes text = text_of(number, memory);

                if (is_in[number]) {
                        assert_true(bytes_is_equal(texts_get(&texts, places[number], text.len), text));
                        texts_remove(&texts, places[number], text.len);
                } else {
                        places[number] = texts_push(&texts, text);
                }
                is_in[number] = !is_in[number];
        }
        for (uint32_t number = 0; number < N; number++)
                if (is_in[number])
                        assert_true(bytes_is_equal(texts_get(&texts, places[number], text_of(number, memory).len),
                                                   text_of(number, memory)));
        texts_done(&texts);
}

static void a_text_stays_where_it_is(void **state) {
        struct texts texts = {0};
        char memory[LIMIT_THREAD_LEN];
        struct bytes text = text_of(1, memory);
        uint32_t place = texts_push(&texts, text);
        const void *data = texts_get(&texts, place, text.len).data;

        for (uint32_t i = 0; i < 100 * TEXTS_SEGMENT; i++)
                texts_push(&texts, text);
        assert_ptr_equal(texts_get(&texts, place, text.len).data, data);
        texts_done(&texts);
}

static uint32_t count_segments(const struct texts *texts) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < TEXTS_SIZES; i++)
                for (uint32_t k = 0; k < texts->sizes[i].n; k++)
                        n += texts->sizes[i].segments[k].data != NULL;
        return n;
}

static void what_is_empty_is_given_back_and_used_again(void **state) {
        enum { SEGMENTS = 40 };
        static uint32_t places[SEGMENTS * TEXTS_SEGMENT];
        struct texts texts = {0};
        struct bytes text = bytes_of("5511999990000@s.whatsapp.net");

        for (int round = 0; round < 3; round++) {
                for (uint32_t i = 0; i < SEGMENTS * TEXTS_SEGMENT; i++)
                        places[i] = texts_push(&texts, text);
                assert_int_equal(count_segments(&texts), SEGMENTS);
                assert_int_equal(texts.sizes[text.len / TEXTS_UNIT - 1].n, SEGMENTS);
                for (uint32_t i = 0; i < SEGMENTS * TEXTS_SEGMENT; i++)
                        texts_remove(&texts, places[i], text.len);
                assert_int_equal(count_segments(&texts), 1); /* where the next one goes */
        }
        texts_done(&texts);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_text_is_found_as_it_was_whatever_comes_and_goes),
                cmocka_unit_test(a_text_stays_where_it_is),
                cmocka_unit_test(what_is_empty_is_given_back_and_used_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
