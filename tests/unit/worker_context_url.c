#include "tests/unit/unit.h"

#include "common/memory.h"
#include "worker/core/context_url.h"

/* The URL about tenant "acme", this thread, and nobody in particular; "refused". */
static const char *url_of(const char *format, const char *thread) {
        static struct buffer url;

        buffer_done(&url);
        if (context_url_encode(format, &(struct context_about){"acme", thread, NULL}, &url) < 0)
                return "refused";
        return buffer_text(&url);
}

static void each_name_is_filled_in_as_often_as_it_stands_there(void **state) {
        CLEANUP_BUFFER struct buffer url = {0};
        struct context_about about = {"acme", "5511", "ana"};

        assert_int_equal(context_url_encode("http://crm/{tenant}/{thread}?who={from}&again={thread}", &about, &url), 0);
        assert_string_equal(buffer_text(&url), "http://crm/acme/5511?who=ana&again=5511");
}

static void a_sender_that_nobody_named_is_empty(void **state) {
        assert_string_equal(url_of("http://crm/?who={from}", "1"), "http://crm/?who=");
}

static void what_is_no_name_stays(void **state) {
        assert_string_equal(url_of("http://crm/{Thread}{}{/{thread", "1"), "http://crm/{Thread}{}{/{thread");
}

static void a_name_in_a_name_is_not_filled_in(void **state) {
        assert_string_equal(url_of("http://crm/{thread}", "{tenant}"), "http://crm/%7Btenant%7D");
}

static void nothing_in_a_name_can_change_what_the_url_says(void **state) {
        assert_string_equal(url_of("http://crm/{thread}", "a/b?c#d&e=f@g:h%2f\\ \n\x7f"),
                            "http://crm/a%2Fb%3Fc%23d%26e%3Df%40g%3Ah%252f%5C%20%0A%7F");
        assert_string_equal(url_of("http://crm/{thread}", "ol\xc3\xa1\xff"), "http://crm/ol%C3%A1%FF");
        assert_string_equal(url_of("http://crm/{thread}", "aZ09-._~"), "http://crm/aZ09-._~");
}

static void a_thread_that_names_another_folder_is_refused(void **state) {
        assert_string_equal(url_of("http://crm/contacts/{thread}", ".."), "refused");
        assert_string_equal(url_of("http://crm/contacts/{thread}", "."), "refused");
        assert_string_equal(url_of("http://crm/contacts/{thread}/orders", ".."), "refused");
        assert_string_equal(url_of("http://crm/contacts/{thread}?a=b", ".."), "refused");
        assert_string_equal(url_of("http://crm/contacts/.{thread}", "."), "refused");
}

static void dots_elsewhere_are_only_dots(void **state) {
        assert_string_equal(url_of("http://crm/contacts/{thread}", "..."), "http://crm/contacts/...");
        assert_string_equal(url_of("http://crm/contacts/{thread}", "a..b"), "http://crm/contacts/a..b");
        assert_string_equal(url_of("http://crm/contacts/x{thread}", ".."), "http://crm/contacts/x..");
        assert_string_equal(url_of("http://crm/contacts?of={thread}", ".."), "http://crm/contacts?of=..");
        assert_string_equal(url_of("http://crm/contacts?of=/{thread}", ".."), "http://crm/contacts?of=/..");
        assert_string_equal(url_of("http://crm/contacts/{thread}", ""), "http://crm/contacts/");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_name_is_filled_in_as_often_as_it_stands_there),
                cmocka_unit_test(a_sender_that_nobody_named_is_empty),
                cmocka_unit_test(what_is_no_name_stays),
                cmocka_unit_test(a_name_in_a_name_is_not_filled_in),
                cmocka_unit_test(nothing_in_a_name_can_change_what_the_url_says),
                cmocka_unit_test(a_thread_that_names_another_folder_is_refused),
                cmocka_unit_test(dots_elsewhere_are_only_dots),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
