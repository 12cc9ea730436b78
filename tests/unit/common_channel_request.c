/* What channel files can say of a request: its address, headers and body, and what its answer means. */
#include "tests/unit/common_channel_file.h"

/* Every part of where a reply goes that a post here names. */
#define READ "read: [{thread: /t, to: {chat: /c, topic: /p, name: /n, big: /b, key: /k, x: /x}}]\n"

static const struct channel_reply plain = {.thread = "T1",
                                           .from = "ana",
                                           .tenant = "acme",
                                           .batch = "01H",
                                           .index = 2,
                                           .text = {"Oi & tudo", 9},
                                           .message = "M9"};

/* The request of a file that has `post` below its head and a rule. The caller ends it with channel_call_done(). */
static struct channel_call post_of(const char *post, const struct channel_reply *reply) {
        CLEANUP_FREE char *rest = memory_print(READ "post: %s\n", post);
        CLEANUP_FILE struct file_fixture fixture;
        struct channel_call call = {0};
        char *error = NULL;

        file_init_open(&fixture, rest);
        if (channel_post_encode(fixture.base.channel, reply, (struct wall){1}, &call, &error) != 0)
                fail_msg("%s", error);
        return call;
}

static void assert_post_refused(const char *post, const struct channel_reply *reply, const char *why) {
        CLEANUP_FREE char *rest = memory_print(READ "post: %s\n", post);
        CLEANUP_FILE struct file_fixture fixture;
        CLEANUP_FREE char *error = NULL;
        struct channel_call call = {0};

        file_init_open(&fixture, rest);
        assert_int_equal(channel_post_encode(fixture.base.channel, reply, (struct wall){1}, &call, &error), -EINVAL);
        assert_string_equal(error, why);
}

static void assert_body(const char *post, const struct channel_reply *reply, const char *body) {
        CLEANUP(channel_call_done) struct channel_call call = post_of(post, reply);

        assert_string_equal(call.body, body);
}

static void assert_url(const char *url, const struct channel_reply *reply, const char *whole) {
        CLEANUP_FREE char *post = memory_print("{url: '%s', body: {t: '{reply}'}}", url);
        CLEANUP(channel_call_done) struct channel_call call = post_of(post, reply);

        assert_string_equal(call.url, whole);
}

/* -- addresses ----------------------------------------------------------------------------------------------------- */

static struct channel_reply reply_to(const char *to) {
        struct channel_reply reply = plain;

        reply.to = to;
        return reply;
}

static void what_is_filled_into_an_address_is_escaped(void **state) {
        struct channel_reply reply = plain;

        assert_url("{url}/send/{thread}", &plain, "https://api.example.com/send/T1");
        reply.thread = "a/b?c=d&e#f@g:1";
        assert_url("{url}/send/{thread}", &reply, "https://api.example.com/send/a%2Fb%3Fc%3Dd%26e%23f%40g:1");
        assert_url("https://bot.example.com/{batch}/{index}", &plain, "https://bot.example.com/01H/2");
}

static void a_reply_goes_where_the_message_said(void **state) {
        struct channel_reply text = reply_to("55119"), parts = reply_to("{\"chat\":\"-100\",\"topic\":7}");

        assert_url("{url}/{to}", &text, "https://api.example.com/55119");
        assert_url("{url}/{to}", &plain, "https://api.example.com/T1");
        assert_url("{url}/{to.chat}/{to.topic}", &parts, "https://api.example.com/-100/7");
        assert_url("{url}/{to.chat|thread}", &plain, "https://api.example.com/T1");
}

static void an_address_of_which_a_part_is_missing_is_not_posted_to(void **state) {
        static const char post[] = "{url: '{url}/{to.chat}', body: {t: '{reply}'}}";
        struct channel_reply text = reply_to("55119"), parts = reply_to("{\"topic\":7}"), broken = reply_to("{");
        static const char why[] = "a part of the address {url}/{to.chat} is missing; it is a setting, or what the "
                                  "message said under `to`";

        assert_post_refused(post, &plain, why);
        assert_post_refused(post, &text, why);
        assert_post_refused(post, &parts, why);
        assert_post_refused(post, &broken, why);
}

static void what_would_climb_out_of_an_address_is_refused(void **state) {
        static const char post[] = "{url: '{url}/{to}', body: {t: '{reply}'}}";
        struct channel_reply up = reply_to(".."), line = reply_to("a\nb");

        assert_post_refused(post, &up, "the to cannot stand in a URL");
        assert_post_refused(post, &line, "the to has control characters and cannot stand in a URL");
}

/* -- headers ------------------------------------------------------------------------------------------------------- */

static void a_header_may_be_basic_authentication(void **state) {
        CLEANUP(channel_call_done)
        struct channel_call call = post_of(
                "{url: '{url}/', headers: {Authorization: {basic: ['{from}', '{token}']}}, body: {t: '{reply}'}}",
                &plain);

        assert_string_equal(fixture_header(&call, "Authorization"), "Basic YW5hOnQwa2Vu"); /* ana:t0ken */
}

static void of_a_list_of_headers_the_first_counts_that_can_be_filled_in(void **state) {
        static const char post[] = "{url: '{url}/', body: {t: '{reply}'}, headers: {A: ['{to.x}', "
                                   "{basic: ['{to.x}', '{token}']}, 'Bearer {token}'], B: '{to.x}'}}";
        CLEANUP(channel_call_done) struct channel_call call = post_of(post, &plain);

        assert_string_equal(fixture_header(&call, "A"), "Bearer t0ken");
        assert_null(fixture_header(&call, "B"));
}

static void a_user_with_a_colon_is_refused(void **state) {
        struct channel_reply reply = plain;

        reply.from = "a:b";
        assert_post_refused("{url: '{url}/', headers: {A: {basic: ['{from}', x]}}, body: {t: '{reply}'}}", &reply,
                            "a user with a colon cannot stand in Basic authentication");
}

/* -- bodies -------------------------------------------------------------------------------------------------------- */

static void a_body_becomes_json_as_it_stands(void **state) {
        struct channel_reply parts = reply_to("{\"chat\":\"-100\",\"name\":\"x7\",\"big\":\"1234567890123456789\"}");

        assert_body(
                "{url: '{url}/', body: {t: '{reply}', n: '{#index}', f: false, s: 'false', i: 15, z: '15', l: [1, a]}}",
                &plain,
                "{\"t\":\"Oi & tudo\",\"n\":2,\"f\":false,\"s\":\"false\",\"i\":15,\"z\":\"15\",\"l\":[1,\"a\"]}");
        assert_body("{url: '{url}/', body: {t: '{reply}', a: '{#to.chat}', b: '{#to.name}', c: '{#to.big}'}}", &parts,
                    "{\"t\":\"Oi & tudo\",\"a\":-100,\"b\":\"x7\",\"c\":\"1234567890123456789\"}");
        assert_body("{url: '{url}/', body: {t: '{reply}', zero: 007, e: ''}}", &plain,
                    "{\"t\":\"Oi & tudo\",\"zero\":\"007\",\"e\":\"\"}");
}

static void what_has_nothing_to_fill_in_is_left_out(void **state) {
        struct channel_reply parts = reply_to("{\"chat\":\"1\"}");

        assert_body("{url: '{url}/', body: {t: '{reply}', a: '{to.topic}', b: '{#to.topic}', '{to.key}': x, "
                    "'{to.chat}': y}}",
                    &parts, "{\"t\":\"Oi & tudo\",\"1\":\"y\"}");
        assert_body("{url: '{url}/', body: {t: '{reply}', a: '{to.topic|to.chat|thread}'}}", &parts,
                    "{\"t\":\"Oi & tudo\",\"a\":\"1\"}");
}

static void the_first_variant_that_fits_adds_to_the_body(void **state) {
        static const char post[] = "{url: '{url}/', body: {t: '{reply}'}, variants: ["
                                   "{value: '{to}', form: phone, body: {phone: '{to}'}}, "
                                   "{value: '{to}', form: any, body: {user: '{to}'}}]}";
        struct channel_reply phone = reply_to("+5511987654321"), user = reply_to("BR.1");

        assert_body(post, &phone, "{\"t\":\"Oi & tudo\",\"phone\":\"+5511987654321\"}");
        assert_body(post, &user, "{\"t\":\"Oi & tudo\",\"user\":\"BR.1\"}");
}

static void a_form_is_posted_as_one(void **state) {
        struct channel_reply reply = plain;
        CLEANUP(channel_call_done) struct channel_call call = {0};

        reply.text = bytes_of("Ol\xc3\xa1 a+b\n100%");
        call = post_of(
                "{url: '{url}/', form: true, body: {To: 'whatsapp:+55', Body: '{reply}', N: '{#index}', X: '{to.x}', "
                "Y: true, 'a b': ''}}",
                &reply);
        assert_string_equal(fixture_header(&call, "Content-Type"), "application/x-www-form-urlencoded");
        assert_string_equal(call.body, "To=whatsapp%3A%2B55&Body=Ol%C3%A1%20a%2Bb%0A100%25&N=2&Y=true&a%20b=");
}

static void a_reply_is_escaped_in_one_pass_and_nothing_else_is(void **state) {
        static const char post[] = "{url: '{url}/', escape: {'&': '&amp;', '<': '&lt;', '<b>': B, a: aa}, "
                                   "body: {t: '{reply}', to: '{to}', both: '{thread} {reply}'}}";
        struct channel_reply reply = reply_to("<a>");

        reply.text = bytes_of("<!channel> &lt; <b> a");
        assert_body(post, &reply,
                    "{\"t\":\"&lt;!chaannel> &amp;lt; &lt;b> aa\",\"to\":\"<a>\",\"both\":\"T1 &lt;!chaannel> &amp;lt; "
                    "&lt;b> aa\"}");
}

/* -- how long ------------------------------------------------------------------------------------------------------ */

static void assert_longest(const char *post, const char *text, size_t longest, size_t length) {
        CLEANUP_FREE char *rest = memory_print(READ "post: %s\n", post);
        CLEANUP_FILE struct file_fixture fixture;
        enum channel_unit unit;

        file_init_open(&fixture, rest);
        assert_int_equal(channel_reply_longest(fixture.base.channel, &unit), longest);
        assert_int_equal(channel_text_length(bytes_of(text), unit), length);
}

#define SMILE "\xf0\x9f\x98\x80"

static void the_longest_reply_is_counted_as_the_platform_does(void **state) {
        static const char text[] = "\xc3\xa1" SMILE "x";

        assert_longest("{url: '{url}/', body: {t: '{reply}'}}", text, 0, 3);
        assert_longest("{url: '{url}/', longest: 5, body: {t: '{reply}'}}", text, 5, 3);
        assert_longest("{url: '{url}/', longest_utf16: 6, body: {t: '{reply}'}}", text, 6, 4);
}

static void a_reply_that_is_too_long_is_refused(void **state) {
        struct channel_reply reply = plain;

        reply.text = bytes_of(SMILE SMILE);
        assert_post_refused(
                "{url: '{url}/', longest_utf16: 3, body: {t: '{reply}'}}", &reply,
                "it has 4 characters in UTF-16, and a test channel takes 3: let the handler say less, or say "
                "it in several replies");
        assert_body("{url: '{url}/', longest: 2, body: {t: '{reply}'}}", &reply, "{\"t\":\"" SMILE SMILE "\"}");
}

/* -- answers ------------------------------------------------------------------------------------------------------- */

static void assert_outcome(const char *means, long status, const char *body, enum channel_posted outcome) {
        CLEANUP_FREE char *rest = memory_print("read: [{thread: /t}]\npost: {url: '{url}/', body: {t: '{reply}'}}\n"
                                               "answer: {why: /error, means: [%s]}\n",
                                               means);
        CLEANUP_FILE struct file_fixture fixture;
        char why[LIMIT_WHY_LEN];

        file_init_open(&fixture, rest);
        assert_int_equal(channel_post_outcome(fixture.base.channel, status, bytes_of(body), why), outcome);
}

static void an_answer_is_looked_at_whatever_its_status(void **state) {
        assert_outcome("{at: /ok, is: false, means: never}", 200, "{\"ok\":false}", CHANNEL_POST_NEVER);
        assert_outcome("{at: /ok, is: false, means: never}", 200, "{\"ok\":true}", CHANNEL_POSTED);
        assert_outcome("{at: /ok, is: false, means: never}", 200, "ok", CHANNEL_POSTED);
        assert_outcome("{at: /ok, is: true, means: posted}", 500, "{\"ok\":true}", CHANNEL_POSTED);
        assert_outcome("{any: [{at: /a}, {at: /b}], means: again}", 400, "{\"b\":1}", CHANNEL_POST_AGAIN);
        assert_outcome("{not: {at: /ok}, means: unknown}", 200, "{}", CHANNEL_POST_UNKNOWN);
        assert_outcome("{not: {at: /ok}, means: unknown}", 200, "no JSON", CHANNEL_POSTED);
}

static void a_status_and_a_text_of_an_answer_can_be_meant(void **state) {
        assert_outcome("{status: [500, 502], means: again}", 502, "", CHANNEL_POST_AGAIN);
        assert_outcome("{status: [500, 502], means: again}", 504, "", CHANNEL_POST_UNKNOWN);
        assert_outcome("{status: 422, text: Too many, means: again}", 422, "Too many messages", CHANNEL_POST_AGAIN);
        assert_outcome("{status: 422, text: Too many, means: again}", 422, "too long", CHANNEL_POST_NEVER);
}

static void assert_again(const char *body, int64_t ms) {
        CLEANUP_FILE struct file_fixture fixture;

        file_init_open(&fixture, "read: [{thread: /t}]\npost: {url: '{url}/', body: {t: '{reply}'}}\n"
                                 "answer: {retry_after: /parameters/retry_after}\n");
        assert_int_equal(channel_post_retry_after(fixture.base.channel, bytes_of(body)).us, ms * 1000);
}

static void a_body_may_say_when_to_come_again(void **state) {
        assert_again("{\"parameters\":{\"retry_after\":5}}", 5000);
        assert_again("{\"parameters\":{\"retry_after\":0.25}}", 250);
        assert_again("{\"parameters\":{\"retry_after\":\"7\"}}", 7000);
        assert_again("{\"parameters\":{\"retry_after\":1e300}}", LIMIT_RETRY_AFTER_MAX_S * 1000);
        assert_again("{\"parameters\":{\"retry_after\":-5}}", 0);
        assert_again("{\"parameters\":{\"retry_after\":\"soon\"}}", 0);
        assert_again("{\"parameters\":{\"retry_after\":[5]}}", 0);
        assert_again("{}", 0);
        assert_again("<html>", 0);
}

static void a_typing_sign_that_was_refused_with_a_good_status_is_not_shown(void **state) {
        CLEANUP_FILE struct file_fixture fixture;

        file_init_open(&fixture, "read: [{thread: /t}]\npost: {url: '{url}/', body: {t: '{reply}'}}\n"
                                 "typing: {refresh: 4, on: {url: '{url}/on'}}\n"
                                 "answer: {means: [{at: /ok, is: false, means: never}]}\n");
        assert_true(channel_typing_is_done(fixture.base.channel, 200, bytes_of("{\"ok\":true}")));
        assert_true(channel_typing_is_done(fixture.base.channel, 204, BYTES_NONE));
        assert_false(channel_typing_is_done(fixture.base.channel, 200, bytes_of("{\"ok\":false}")));
        assert_false(channel_typing_is_done(fixture.base.channel, 404, bytes_of("{\"ok\":true}")));
}

/* -- the answer to a webhook --------------------------------------------------------------------------------------- */

static void a_webhook_is_answered_as_the_platform_wants_it(void **state) {
        CLEANUP_FILE struct file_fixture whole, some, none;
        struct channel_answer answer = {0};

        file_init_open(&whole, "read: [{thread: /t}]\nrespond: {status: 202, type: text/xml, body: '<Response/>'}\n");
        assert_true(channel_respond(whole.base.channel, &answer));
        assert_int_equal(answer.status, 202);
        assert_string_equal(answer.type, "text/xml");
        assert_string_equal(answer.body, "<Response/>");
        file_init_open(&some, "read: [{thread: /t}]\nrespond: {body: ok}\n");
        assert_true(channel_respond(some.base.channel, &answer));
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.type, "text/plain; charset=utf-8");
        file_init_open(&none, "read: [{thread: /t}]\n");
        assert_false(channel_respond(none.base.channel, &answer));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_filled_into_an_address_is_escaped),
                cmocka_unit_test(a_reply_goes_where_the_message_said),
                cmocka_unit_test(an_address_of_which_a_part_is_missing_is_not_posted_to),
                cmocka_unit_test(what_would_climb_out_of_an_address_is_refused),
                cmocka_unit_test(a_header_may_be_basic_authentication),
                cmocka_unit_test(of_a_list_of_headers_the_first_counts_that_can_be_filled_in),
                cmocka_unit_test(a_user_with_a_colon_is_refused),
                cmocka_unit_test(a_body_becomes_json_as_it_stands),
                cmocka_unit_test(what_has_nothing_to_fill_in_is_left_out),
                cmocka_unit_test(the_first_variant_that_fits_adds_to_the_body),
                cmocka_unit_test(a_form_is_posted_as_one),
                cmocka_unit_test(the_longest_reply_is_counted_as_the_platform_does),
                cmocka_unit_test(a_reply_that_is_too_long_is_refused),
                cmocka_unit_test(an_answer_is_looked_at_whatever_its_status),
                cmocka_unit_test(a_status_and_a_text_of_an_answer_can_be_meant),
                cmocka_unit_test(a_reply_is_escaped_in_one_pass_and_nothing_else_is),
                cmocka_unit_test(a_body_may_say_when_to_come_again),
                cmocka_unit_test(a_typing_sign_that_was_refused_with_a_good_status_is_not_shown),
                cmocka_unit_test(a_webhook_is_answered_as_the_platform_wants_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
