#include "tests/unit/common_channel.h"

#define CHATWOOT "url", "https://chat.example.com/", "account", "2", "token", "the token", "unsigned", "true"
#define MESSAGES "https://chat.example.com/api/v1/accounts/2/conversations/4/messages"
#define BATCH "01HBATCH"

/* A message of a page: its number, type, attributes and what else there is. */
#define MESSAGE(id, type, attributes, more)                                                                            \
        "{\"id\":" id ",\"content\":\"Oi\",\"message_type\":" type ",\"content_attributes\":{" attributes "}" more "}"
#define MARKED(batch, index) "\"lull_batch\":\"" batch "\",\"lull_index\":" index
#define OURS MESSAGE("440", "1", MARKED(BATCH, "1"), ",\"private\":false")
#define PERSONS(id) MESSAGE(id, "0", "", ",\"private\":false")

static const struct channel_reply reply = {"4", NULL, "acme", BATCH, 1, {"Oi", 2}, "2-430"};

static void make(struct fixture *fixture) { fixture_init(fixture, "chatwoot", SETTINGS(CHATWOOT)); }

/* What a page that is "{"payload": [ITEMS]}" says, asked as the first one. */
static enum channel_found find(const struct channel_reply *wanted, const char *items, struct channel_page *page) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP_FREE char *body = memory_print("{\"meta\":{},\"payload\":[%s]}", items);
        char why[LIMIT_WHY_LEN] = "";

        make(&fixture);
        return channel_read_back_outcome(fixture.channel, wanted, 200, bytes_of(body), page, why);
}

static void assert_found(const char *items, enum channel_found found) {
        CLEANUP(channel_page_done) struct channel_page page = {0};

        assert_int_equal(find(&reply, items, &page), found);
}

/* -- the question -------------------------------------------------------------------------------------------------- */

static void assert_asked(const char *const *settings, const struct channel_page *page, const char *url,
                         const char *token) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_call_done) struct channel_call call = {0};
        char *error = NULL;

        fixture_init(&fixture, "chatwoot", settings);
        assert_true(channel_has_read_back(fixture.channel));
        assert_int_equal(channel_read_back_encode(fixture.channel, &reply, page, &call, &error), 0);
        assert_string_equal(call.method, "GET");
        assert_string_equal(call.url, url);
        assert_string_equal(fixture_header(&call, "api_access_token"), token);
        assert_null(fixture_header(&call, "Content-Type"));
        assert_null(call.body);
}

static void the_newest_page_is_asked_for_first(void **state) {
        assert_asked(SETTINGS(CHATWOOT), &(struct channel_page){0}, MESSAGES, "the token");
}

static void a_page_before_is_asked_for_by_where_it_begins(void **state) {
        assert_asked(SETTINGS(CHATWOOT), &(struct channel_page){1, (char *)"431"}, MESSAGES "?before=431", "the token");
        assert_asked(SETTINGS(CHATWOOT), &(struct channel_page){1, (char *)"4 &#\n"}, MESSAGES "?before=4%20%26%23%0A",
                     "the token");
}

static void a_user_may_lend_its_token_to_a_bot_that_may_not_read(void **state) {
        assert_asked(SETTINGS(CHATWOOT, "read_token", "a user's"), &(struct channel_page){0}, MESSAGES, "a user's");
}

static void a_thread_that_cannot_stand_in_an_address_cannot_be_read(void **state) {
        struct channel_reply wanted = reply;
        CLEANUP_FIXTURE struct fixture fixture;
        struct channel_call call = {0};
        CLEANUP_FREE char *error = NULL;

        make(&fixture);
        wanted.thread = "a\r\nb";
        assert_int_equal(channel_read_back_encode(fixture.channel, &wanted, &(struct channel_page){0}, &call, &error),
                         -EINVAL);
        assert_non_null(strstr(error, "the thread "));
}

static void other_channels_cannot_be_read_back(void **state) {
        CLEANUP_FIXTURE struct fixture fixture;

        fixture_init(&fixture, "generic", SETTINGS("unsigned", "true", "reply_url", "http://x"));
        assert_false(channel_has_read_back(fixture.channel));
}

/* -- what a page says ---------------------------------------------------------------------------------------------- */

static void our_reply_is_found_by_batch_and_index(void **state) {
        assert_found(PERSONS("430") "," OURS, CHANNEL_FOUND);
        assert_found(OURS "," PERSONS("441"), CHANNEL_FOUND);
        assert_found(MESSAGE("440", "\"outgoing\"", MARKED(BATCH, "1"), ""), CHANNEL_FOUND);
}

static void what_only_looks_like_our_reply_is_not_it(void **state) {
        static const char *const others[] = {
                /* of another batch, with the same text; another reply of the same batch */
                MESSAGE("440", "1", MARKED("01HOTHER", "1"), ""),
                MESSAGE("440", "1", MARKED(BATCH, "0"), ""),
                MESSAGE("440", "1", MARKED(BATCH, "11"), ""),
                /* a person's, who copied the attributes */
                MESSAGE("440", "0", MARKED(BATCH, "1"), ""),
                MESSAGE("440", "\"incoming\"", MARKED(BATCH, "1"), ""),
                /* of no type; an activity; a note of the team */
                "{\"id\":440,\"content_attributes\":{" MARKED(BATCH, "1") "}}",
                MESSAGE("440", "2", MARKED(BATCH, "1"), ""),
                MESSAGE("440", "1", MARKED(BATCH, "1"), ",\"private\":true"),
                /* without marks, or half of them, or of other forms */
                MESSAGE("440", "1", "", ""),
                MESSAGE("440", "1", "\"lull_batch\":\"" BATCH "\"", ""),
                MESSAGE("440", "1", "\"lull_index\":1", ""),
                MESSAGE("440", "1", "\"lull_batch\":[\"" BATCH "\"],\"lull_index\":1", ""),
                "7",
                "null",
                "[]",
        };

        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
                CLEANUP_FREE char *items = memory_print("%s,%s", PERSONS("430"), others[i]);

                assert_found(items, CHANNEL_NOT_FOUND);
        }
}

static void the_search_ends_at_the_message_that_was_answered(void **state) {
        assert_found(PERSONS("429") "," PERSONS("430") "," PERSONS("431"), CHANNEL_NOT_FOUND);
        /* Another account's 430, and one that only ends so. */
        assert_found(PERSONS("1430") "," PERSONS("1431"), CHANNEL_READ_ON);
}

static void the_search_ends_where_there_is_nothing_older(void **state) { assert_found("", CHANNEL_NOT_FOUND); }

static void the_search_goes_on_from_the_oldest_of_a_page(void **state) {
        CLEANUP(channel_page_done) struct channel_page page = {0};

        assert_int_equal(find(&reply, PERSONS("450") "," PERSONS("451"), &page), CHANNEL_READ_ON);
        assert_int_equal(page.number, 1);
        assert_string_equal(page.older, "450");
        assert_int_equal(find(&reply, PERSONS("448") "," PERSONS("449"), &page), CHANNEL_READ_ON);
        assert_int_equal(page.number, 2);
        assert_string_equal(page.older, "448");
        assert_int_equal(find(&reply, OURS "," PERSONS("447"), &page), CHANNEL_FOUND);
}

static void a_batch_without_ids_is_searched_for_to_the_end(void **state) {
        struct channel_reply wanted = reply;
        CLEANUP(channel_page_done) struct channel_page page = {0};

        wanted.message = NULL;
        assert_int_equal(find(&wanted, PERSONS("430"), &page), CHANNEL_READ_ON);
        assert_int_equal(find(&wanted, "", &page), CHANNEL_NOT_FOUND);
}

static void a_search_without_end_is_given_up(void **state) {
        CLEANUP(channel_page_done) struct channel_page page = {0};
        enum channel_found found = CHANNEL_READ_ON;
        int n = 0;

        for (; found == CHANNEL_READ_ON && n < 1000; n++) {
                CLEANUP_FREE char *items = memory_print("{\"id\":%d}", 9000 - n);

                found = find(&reply, items, &page);
        }
        assert_int_equal(found, CHANNEL_UNREADABLE);
        assert_in_range(n, 10, 100);
}

static void a_page_that_does_not_go_back_ends_the_search(void **state) {
        CLEANUP(channel_page_done) struct channel_page page = {0};

        assert_int_equal(find(&reply, PERSONS("450"), &page), CHANNEL_READ_ON);
        assert_int_equal(find(&reply, PERSONS("450"), &page), CHANNEL_UNREADABLE);
        assert_found("{\"content\":\"no id\"}", CHANNEL_UNREADABLE);
}

/* -- refusals ------------------------------------------------------------------------------------------------------ */

static void assert_answer(long status, const char *body, enum channel_found wanted, const char *part) {
        CLEANUP_FIXTURE struct fixture fixture;
        CLEANUP(channel_page_done) struct channel_page page = {0};
        char why[LIMIT_WHY_LEN] = "";

        make(&fixture);
        assert_int_equal(channel_read_back_outcome(fixture.channel, &reply, status, bytes_of(body), &page, why),
                         wanted);
        assert_non_null(strstr(why, part));
        assert_int_equal(page.number, 0);
}

static void who_may_not_read_cannot_know(void **state) {
        assert_answer(401, "{\"error\":\"You are not authorized\"}", CHANNEL_UNREADABLE, "HTTP 401");
        assert_answer(403, "", CHANNEL_UNREADABLE, "HTTP 403");
        assert_answer(404, "", CHANNEL_UNREADABLE, "HTTP 404");
        assert_answer(302, "", CHANNEL_UNREADABLE, "HTTP 302");
        assert_answer(204, "", CHANNEL_UNREADABLE, "HTTP 204");
}

static void a_platform_that_is_down_is_asked_again(void **state) {
        assert_answer(500, "", CHANNEL_READ_AGAIN, "HTTP 500");
        assert_answer(503, "", CHANNEL_READ_AGAIN, "HTTP 503");
        assert_answer(429, "", CHANNEL_READ_AGAIN, "HTTP 429");
        assert_answer(408, "", CHANNEL_READ_AGAIN, "HTTP 408");
}

static void what_is_no_list_of_messages_says_nothing(void **state) {
        static const char *const bodies[] = {
                "", "<html>", "[]", "{}", "{\"payload\":null}", "{\"payload\":{}}", "{\"payload\":{\"1\":" OURS "}}"};

        for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
                assert_answer(200, bodies[i], CHANNEL_UNREADABLE, "no list of messages");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_newest_page_is_asked_for_first),
                cmocka_unit_test(a_page_before_is_asked_for_by_where_it_begins),
                cmocka_unit_test(a_user_may_lend_its_token_to_a_bot_that_may_not_read),
                cmocka_unit_test(a_thread_that_cannot_stand_in_an_address_cannot_be_read),
                cmocka_unit_test(other_channels_cannot_be_read_back),
                cmocka_unit_test(our_reply_is_found_by_batch_and_index),
                cmocka_unit_test(what_only_looks_like_our_reply_is_not_it),
                cmocka_unit_test(the_search_ends_at_the_message_that_was_answered),
                cmocka_unit_test(the_search_ends_where_there_is_nothing_older),
                cmocka_unit_test(the_search_goes_on_from_the_oldest_of_a_page),
                cmocka_unit_test(a_batch_without_ids_is_searched_for_to_the_end),
                cmocka_unit_test(a_search_without_end_is_given_up),
                cmocka_unit_test(a_page_that_does_not_go_back_ends_the_search),
                cmocka_unit_test(who_may_not_read_cannot_know),
                cmocka_unit_test(a_platform_that_is_down_is_asked_again),
                cmocka_unit_test(what_is_no_list_of_messages_says_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
