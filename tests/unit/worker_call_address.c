/* Calls over real sockets: where they may go. */
#include "tests/unit/unit.h"

#include "tests/unit/call_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLEANUP_TRIAL CLEANUP(trial_done)

static const char well[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOi";

static void what_is_written_as_an_address_is_the_operators_word(void **state) {
        static const char *const hosts[] = {"127.0.0.1",  "localhost",         "0x7f.1", "2130706433", "127.1",
                                            "0177.0.0.1", "[::ffff:127.0.0.1]"};

        for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
                CLEANUP_TRIAL struct trial trial;

                trial_init(&trial);
                trial.server.answer = well;
                trial_set_host(&trial, hosts[i]);
                trial_run(&trial);
                assert_int_equal(trial.transport, OUTCOME_ANSWERED);
        }
}

static void a_name_that_leads_to_a_private_address_is_refused(void **state) {
        static const char *const hosts[] = {"private.test", "mapped.test", "nat64.test",
                                            "cloud.test",   "zero.test",   "loopback6.test"};
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
                trial_set_host(&trial, hosts[i]);
                trial_run(&trial);
                assert_int_equal(trial.transport, OUTCOME_FORBIDDEN);
                assert_non_null(strstr(buffer_text(&trial.detail), hosts[i]));
        }
        assert_int_equal(trial.server.n_accepted, 0);
}

static void a_name_that_leads_there_is_allowed_when_it_is_said_so(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = well;
        trial.request.is_private_allowed = true;
        trial_set_host(&trial, "private.test");
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_ANSWERED);
        trial_set_host(&trial, "mapped.test");
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_ANSWERED);
}

static void a_kept_connection_of_another_is_no_way_around_it(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = well;
        trial_set_host(&trial, "private.test");
        trial.request.is_private_allowed = true;
        trial_run(&trial);
        trial_run(&trial);
        assert_int_equal(trial.server.n_accepted, 1);
        assert_int_equal(trial.server.n_requests, 2);
        trial.request.is_private_allowed = false;
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_FORBIDDEN);
        assert_int_equal(trial.server.n_requests, 2);
}

static void a_name_that_is_none_is_unreachable(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial_set_host(&trial, "nowhere.test");
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_UNREACHABLE);
}

static void the_environments_proxy_is_not_used(void **state) {
        CLEANUP_TRIAL struct trial trial;

        trial_init(&trial);
        trial.server.answer = well;
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_ANSWERED);
        assert_non_null(strstr(buffer_text(&trial.server.request), "GET /x HTTP/1.1"));
        trial_set_host(&trial, "private.test");
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_FORBIDDEN);
}

static void the_named_proxy_is_given_every_request(void **state) {
        CLEANUP_TRIAL struct trial trial;
        char proxy[64];

        trial_init(&trial);
        trial.server.answer = well;
        snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", trial.server.port);
        trial.request.proxy = proxy;
        trial.request.url = "http://cloud.test/x";
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_ANSWERED);
        assert_non_null(strstr(buffer_text(&trial.server.request), "GET http://cloud.test/x HTTP/1.1"));
        trial.request.url = "http://localhost/y";
        trial_run(&trial);
        assert_non_null(strstr(buffer_text(&trial.server.request), "GET http://localhost/y HTTP/1.1"));
}

static void a_proxy_that_refuses_has_seen_no_request(void **state) {
        CLEANUP_TRIAL struct trial trial;
        char proxy[64];

        trial_init(&trial);
        trial.server.answer = "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n";
        snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", trial.server.port);
        trial.request.proxy = proxy;
        trial.request.url = "https://cloud.test/x";
        trial_run(&trial);
        assert_int_equal(trial.transport, OUTCOME_UNREACHABLE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_written_as_an_address_is_the_operators_word),
                cmocka_unit_test(a_name_that_leads_to_a_private_address_is_refused),
                cmocka_unit_test(a_name_that_leads_there_is_allowed_when_it_is_said_so),
                cmocka_unit_test(a_kept_connection_of_another_is_no_way_around_it),
                cmocka_unit_test(a_name_that_is_none_is_unreachable),
                cmocka_unit_test(the_environments_proxy_is_not_used),
                cmocka_unit_test(the_named_proxy_is_given_every_request),
                cmocka_unit_test(a_proxy_that_refuses_has_seen_no_request),
        };

        /* Nobody listens there; and some hosts are exempt from it. */
        setenv("http_proxy", "http://127.0.0.1:1", 1);
        setenv("https_proxy", "http://127.0.0.1:1", 1);
        setenv("all_proxy", "http://127.0.0.1:1", 1);
        setenv("no_proxy", "localhost,cloud.test", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
