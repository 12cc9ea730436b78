#include "tests/unit/unit.h"

#include "worker/core/stencil.h"

#include <string.h>

#define CLEANUP_STENCIL CLEANUP(stencil_done)

/* The text found in `event`, or NULL; lives until the next call. */
static const char *found_in(const struct stencil *stencil, const char *event) {
        static char found[256];
        struct bytes text;

        if (!stencil_find(stencil, bytes_of(event), &text))
                return NULL;
        memcpy(found, text.data, text.len);
        found[text.len] = '\0';
        return found;
}

static void the_same_event_with_another_text_is_recognised(void **state) {
        CLEANUP_STENCIL struct stencil stencil = {0};

        assert_null(found_in(&stencil, "{\"d\":\"Oi\",\"n\":1}"));
        stencil_set(&stencil, bytes_of("{\"d\":\"Oi\",\"n\":1}"), bytes_of("Oi"));
        assert_string_equal(found_in(&stencil, "{\"d\":\"Oi\",\"n\":1}"), "Oi");
        assert_string_equal(found_in(&stencil, "{\"d\":\" tudo bem?\",\"n\":1}"), " tudo bem?");
        assert_string_equal(found_in(&stencil, "{\"d\":\"a\xc3\xa7\xc3\xa3o\",\"n\":1}"), "a\xc3\xa7\xc3\xa3o");
        assert_string_equal(found_in(&stencil, "{\"d\":\"\",\"n\":1}"), "");
}

static void an_event_that_differs_elsewhere_is_not(void **state) {
        CLEANUP_STENCIL struct stencil stencil = {0};

        stencil_set(&stencil, bytes_of("{\"d\":\"Oi\",\"n\":1}"), bytes_of("Oi"));
        assert_null(found_in(&stencil, "{\"d\":\"Oi\",\"n\":2}"));
        assert_null(found_in(&stencil, "{\"e\":\"Oi\",\"n\":1}"));
        assert_null(found_in(&stencil, "{\"d\":\"Oi\",\"m\":0,\"n\":1}"));
        assert_null(found_in(&stencil, "{\"d\":\"Oi\",\"n\":1} "));
        assert_null(found_in(&stencil, "{\"d\":null,\"n\":1}"));
        assert_null(found_in(&stencil, "{\"d\":\""));
        assert_null(found_in(&stencil, "{\"d\":\",\"n\":1}"));
}

static void a_text_that_does_not_stand_in_json_as_it_is_is_not(void **state) {
        CLEANUP_STENCIL struct stencil stencil = {0};

        stencil_set(&stencil, bytes_of("{\"d\":\"Oi\"}"), bytes_of("Oi"));
        assert_null(found_in(&stencil, "{\"d\":\"a\\n\"}"));
        assert_null(found_in(&stencil, "{\"d\":\"a\\\"}"));
        assert_null(found_in(&stencil, "{\"d\":\"a\",\"e\":\"b\"}"));
        assert_null(found_in(&stencil, "{\"d\":\"a\nb\"}"));
        assert_null(found_in(&stencil, "{\"d\":\"a\xff\"}"));
        assert_null(found_in(&stencil, "{\"d\":\"a\xed\xa0\x80\"}"));
}

static void where_the_text_cannot_be_told_from_the_rest_nothing_is(void **state) {
        static const char *const events[] = {
                "{\"d\":\"Oi\",\"e\":\"Oi\"}", /* which of the two? */
                "{\"Oi\":\"Oi\"}",
                "{\"e\":\"Oi\",\"d\":\"\\u004fi\"}", /* it is written otherwise, and what stands there is another */
                "{\"d\":\"Oi\",\"e\":\"\\n\"}",
                "{\"d\":[1]}",
        };
        CLEANUP_STENCIL struct stencil stencil = {0};

        for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
                stencil_set(&stencil, bytes_of("{\"d\":\"Oi\"}"), bytes_of("Oi"));
                stencil_set(&stencil, bytes_of(events[i]), bytes_of("Oi"));
                assert_null(found_in(&stencil, events[i]));
                assert_null(found_in(&stencil, "{\"d\":\"Oi\"}"));
        }
        stencil_set(&stencil, bytes_of("{\"d\":\",\",\"e\":\"f\",\"g\":1}"), bytes_of(","));
        assert_null(found_in(&stencil, "{\"d\":\"x\",\"e\":\"f\",\"g\":1}"));
}

static void what_was_forgotten_is_not(void **state) {
        CLEANUP_STENCIL struct stencil stencil = {0};

        stencil_set(&stencil, bytes_of("{\"d\":\"Oi\"}"), bytes_of("Oi"));
        stencil_clear(&stencil);
        assert_null(found_in(&stencil, "{\"d\":\"Oi\"}"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_same_event_with_another_text_is_recognised),
                cmocka_unit_test(an_event_that_differs_elsewhere_is_not),
                cmocka_unit_test(a_text_that_does_not_stand_in_json_as_it_is_is_not),
                cmocka_unit_test(where_the_text_cannot_be_told_from_the_rest_nothing_is),
                cmocka_unit_test(what_was_forgotten_is_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
