#include "tests/unit/common_config.h"

#include <errno.h>
#include <string.h>

static const char *find_variable(void *context, const char *name) {
        return strcmp(name, "TWO_LINES") == 0 ? "s3cret\r\nHost: elsewhere"
               : strcmp(name, "LATIN") == 0   ? "caf\xe9"
                                              : NULL;
}

static int read_file(void *context, const char *path, size_t max, struct buffer *ret) {
        for (int i = 0; i < LIMIT_SYSTEM_BYTES; i++)
                buffer_push(ret, "x", 1);
        return strcmp(path, "/long") == 0 ? 0 : -ENOENT;
}

static const struct config_world world = {find_variable, read_file, NULL};

/* Each handler below stands in line 1, each other key in line 2. */
#define WITH(handler) "tenants: {acme: {handler: {" handler "},\n }}\n"
#define ECHO(keys) "tenants: {acme: {handler: {kind: echo},\n " keys "}}\n"
#define AT_HANDLER "lull.yaml:1: tenants.acme.handler"

/* -- openai -------------------------------------------------------------------------------------------------------- */

static void an_openai_handler_that_says_little_is_complete(void **state) {
        CLEANUP_CONFIG struct config *config = decode(WITH("kind: openai, model: small"));
        const struct config_handler *handler = &config->tenants->handler;

        assert_int_equal(handler->kind, CONFIG_HANDLER_OPENAI);
        assert_string_equal(handler->url, "https://api.openai.com/v1");
        assert_string_equal(handler->endpoint, "https://api.openai.com:443");
        assert_int_equal(handler->api, CONFIG_API_CHAT);
        assert_string_equal(handler->model, "small");
        assert_null(handler->key);
        assert_null(handler->system);
        assert_null(handler->proxy);
        assert_false(handler->is_private);
        assert_true(handler->temperature < 0);
        assert_int_equal(handler->max_tokens, 0);
        assert_int_equal(handler->first_byte.us, 60000000);
        assert_int_equal(handler->stall.us, 30000000);
        assert_int_equal(handler->history.turns, 10);
        assert_int_equal(handler->history.ttl.us, INT64_C(86400000000));
        assert_int_equal(handler->conversation_ttl.us, 0);
}

static void an_openai_handler_that_says_everything_is_read_as_it_says(void **state) {
        CLEANUP_CONFIG struct config *config = decode(
                WITH("kind: openai, url: 'http://Models.local:8000/v1/', key: sk-x, model: m, system: \"Be\\nkind.\", "
                     "temperature: 0.7, max_tokens: 400, first_byte: 0s, stall: 5s, private: true, "
                     "proxy: 'http://proxy.local:3128', history: {turns: 0, ttl: 1h}"));
        const struct config_handler *handler = &config->tenants->handler;

        assert_string_equal(handler->url, "http://Models.local:8000/v1");
        assert_string_equal(handler->endpoint, "http://models.local:8000");
        assert_string_equal(handler->key, "sk-x");
        assert_string_equal(handler->system, "Be\nkind.");
        assert_true(handler->temperature > 0.699 && handler->temperature < 0.701);
        assert_int_equal(handler->max_tokens, 400);
        assert_int_equal(handler->first_byte.us, 0);
        assert_int_equal(handler->stall.us, 5000000);
        assert_true(handler->is_private);
        assert_string_equal(handler->proxy, "http://proxy.local:3128");
        assert_int_equal(handler->history.turns, 0);
        assert_int_equal(handler->history.ttl.us, INT64_C(3600000000));
}

static void a_temperature_of_zero_is_one_that_is_sent(void **state) {
        CLEANUP_CONFIG struct config *config = decode(WITH("kind: openai, model: m, temperature: 0"));

        assert_true(config->tenants->handler.temperature == 0);
}

static void with_responses_the_provider_remembers(void **state) {
        CLEANUP_CONFIG struct config *config = decode(WITH("kind: openai, model: m, api: responses"));
        const struct config_handler *handler = &config->tenants->handler;

        assert_int_equal(handler->api, CONFIG_API_RESPONSES);
        assert_int_equal(handler->conversation_ttl.us, INT64_C(720) * 3600000000);
        assert_int_equal(handler->history.turns, 0);
}

static void what_an_openai_handler_lacks_or_has_too_much_of_is_said(void **state) {
        assert_refused(WITH("kind: openai"), AT_HANDLER ": a handler of kind openai needs model; write model: NAME, "
                                                        "as the provider calls it");
        assert_refused(WITH("kind: openai, model: m, temperature: 2.1"),
                       AT_HANDLER ".temperature: '2.1' is too large; at most 2");
        assert_refused(WITH("kind: openai, model: m, temperature: -1"),
                       AT_HANDLER ".temperature: '-1' is no number; write it such as '2' or '0.1'");
        assert_refused(WITH("kind: openai, model: m, max_tokens: 0"),
                       AT_HANDLER ".max_tokens: '0' is too small; at least 1");
        assert_refused(WITH("kind: openai, model: m, api: assistants"),
                       AT_HANDLER ".api: 'assistants' is unknown; write chat or responses");
        assert_refused(WITH("kind: openai, model: m, history: {turns: 101}"),
                       AT_HANDLER ".history.turns: '101' is too large; at most 100");
        assert_refused(WITH("kind: openai, model: m, assistant: a"),
                       "lull.yaml:1: unknown key 'assistant' in tenants.acme.handler; the keys there are kind, url, "
                       "api, key, model, system, temperature, max_tokens, first_byte, stall, history, conversation, "
                       "private and proxy");
}

static void each_api_has_its_own_memory(void **state) {
        assert_refused(WITH("kind: openai, model: m, api: responses, history: {turns: 3}"),
                       AT_HANDLER ".history: is for `api: chat`; with `api: responses` the provider remembers, see "
                                  "conversation");
        assert_refused(WITH("kind: openai, model: m, conversation: {ttl: 1h}"),
                       AT_HANDLER ".conversation: is for `api: responses`; with `api: chat` write history: "
                                  "{turns: 10}");
}

static void a_base_is_what_paths_are_added_to(void **state) {
        assert_refused(WITH("kind: openai, model: m, url: 'https://h/v1/chat/completions'"),
                       AT_HANDLER ".url: ends with /chat/completions, which lull adds by itself; write what stands in "
                                  "front of it");
        assert_refused(WITH("kind: openai, model: m, url: 'https://h/v1?version=2'"),
                       AT_HANDLER ".url: is what paths are added to, so nothing can stand behind a '?' or '#'; "
                                  "remove it");
}

static void a_prompt_is_text_of_a_size_that_can_be_paid(void **state) {
        assert_refused(WITH("kind: openai, model: m, system: '${file:/long}!'"),
                       AT_HANDLER ".system: is over 65536 bytes, which each call would carry; make it shorter");
        assert_refused(WITH("kind: openai, model: m, system: '${LATIN}'"),
                       AT_HANDLER ".system: is not UTF-8; write it as text");
}

static void a_wait_that_cannot_end_is_told(void **state) {
        CLEANUP_CONFIG struct config *config =
                decode("tenants: {acme: {run_timeout: 10s, handler: {kind: openai, model: m}}}\n");

        assert_int_equal(config->tenants->handler.first_byte.us, 60000000);
        assert_refused(WITH("kind: openai, model: m, stall: 6m"),
                       AT_HANDLER ".stall: 6m is longer than run_timeout, which ends the run after 5m; make it "
                                  "shorter");
}

/* -- langgraph ----------------------------------------------------------------------------------------------------- */

static void a_langgraph_handler_that_says_little_is_complete(void **state) {
        CLEANUP_CONFIG struct config *config =
                decode(WITH("kind: langgraph, url: 'http://127.0.0.1:2024', assistant: agent, key: k"));
        const struct config_handler *handler = &config->tenants->handler;

        assert_int_equal(handler->kind, CONFIG_HANDLER_LANGGRAPH);
        assert_string_equal(handler->endpoint, "http://127.0.0.1:2024");
        assert_string_equal(handler->assistant, "agent");
        assert_string_equal(handler->key, "k");
        assert_int_equal(handler->first_byte.us, 0);
        assert_int_equal(handler->stall.us, 0);
}

static void what_a_langgraph_handler_lacks_is_said(void **state) {
        assert_refused(WITH("kind: langgraph, url: 'http://h'"),
                       AT_HANDLER ": a handler of kind langgraph needs assistant; write assistant: NAME of the "
                                  "graph, or the id of an assistant");
        assert_refused(WITH("kind: langgraph, assistant: a"),
                       AT_HANDLER ": a handler of kind langgraph needs url; write url: \"http://127.0.0.1:2024\"");
}

/* -- URLs and keys ------------------------------------------------------------------------------------------------- */

static void an_endpoint_is_what_handlers_of_one_provider_share(void **state) {
        static const char *const pairs[][2] = {
                {"http://h", "http://h:80"},
                {"https://API.Example.com/v1?a=http://b@c:1", "https://api.example.com:443"},
                {"https://h:0443/", "https://h:443"},
                {"http://h:8080#x", "http://h:8080"},
                {"http://[FE80::1]:9/x", "http://[fe80::1]:9"},
                {"http://[::1]?x", "http://[::1]:80"},
        };

        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                CLEANUP_FREE char *endpoint = config_url_endpoint(pairs[i][0], false);

                assert_null(config_url_fault(pairs[i][0]));
                assert_string_equal(endpoint, pairs[i][1]);
        }
}

static void the_path_makes_another_bot_and_the_query_does_not(void **state) {
        static const char *const pairs[][2] = {
                {"http://h", "http://h:80"},
                {"http://h/", "http://h:80"},
                {"http://H:9000/Sales/?key=1", "http://h:9000/Sales/"},
                {"https://h/a/b#c", "https://h:443/a/b"},
                {"http://[::1]:9?x/y", "http://[::1]:9"},
        };

        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                CLEANUP_FREE char *endpoint = config_url_endpoint(pairs[i][0], true);

                assert_string_equal(endpoint, pairs[i][1]);
        }
}

static void a_url_is_one_that_cannot_be_misread(void **state) {
        static const char user[] =
                "has a user in front of its host, which would show wherever the URL does; remove all up to the '@', "
                "and give secrets in keys of their own";
        static const char host[] =
                "has a host that cannot be; write a name of letters, digits, '-', '.' and '_', or an address";
        static const char port[] = "has a port that cannot be; write 1 to 65535, or none";
        static const char *const pairs[][2] = {
                {"http://user:pass@h/", user},
                {"http://@h/", user},
                {"http://h/\r\nX: y", "has a control character in it; remove it"},
                {"\x01http://h", "has a control character in it; remove it"},
                {"http://h/a b", "has a blank in it; write %20 for it"},
                {"HTTP://h", "must begin with http:// or https://"},
                {"file:///etc/passwd", "must begin with http:// or https://"},
                {"http:///x", "has no host behind its http://"},
                {"http://:80", "has no host behind its http://"},
                {"http://a\\b", host},
                {"http://%31/", host},
                {"http://{from}.h/", host},
                {"http://[::1", host},
                {"http://[1.2.3.4]", host},
                {"http://[::1]x", host},
                {"http://h:", port},
                {"http://h:0", port},
                {"http://h:65536", port},
                {"http://h:80:80", port},
                {"http://::1/", "has no host behind its http://"},
        };

        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                assert_string_equal(config_url_fault(pairs[i][0]), pairs[i][1]);
                assert_null(config_url_endpoint(pairs[i][0], i % 2));
        }
}

static void what_goes_into_a_header_is_one_line(void **state) {
        assert_refused(WITH("kind: openai, model: m, key: '${TWO_LINES}'"),
                       AT_HANDLER ".key: has a control character in it; it must be one line of text");
        assert_refused(WITH("kind: openai, model: '${LATIN}'"), AT_HANDLER ".model: is not UTF-8; write it as text");
        assert_refused(ECHO("context: {url: 'http://h', token: '${TWO_LINES}'}"),
                       "lull.yaml:2: tenants.acme.context.token: has a control character in it; it must be one line "
                       "of text");
}

static void a_proxy_and_a_private_name_are_for_handlers_with_a_url(void **state) {
        CLEANUP_CONFIG struct config *config =
                decode(WITH("kind: http, url: 'http://bot:9000/answer', private: true, proxy: 'http://p'"));

        assert_true(config->tenants->handler.is_private);
        assert_string_equal(config->tenants->handler.proxy, "http://p");
        assert_string_equal(config->tenants->handler.endpoint, "http://bot:9000/answer");
        assert_refused(WITH("kind: http, url: 'http://h', proxy: 'socks5://p'"),
                       AT_HANDLER ".proxy: must begin with http:// or https://");
        assert_refused(WITH("kind: echo, private: true"),
                       "lull.yaml:1: unknown key 'private' in tenants.acme.handler; the keys there are kind");
}

static void a_channel_may_be_private(void **state) {
        CLEANUP_CONFIG struct config *config =
                decode(ECHO("channels: {a: {kind: generic, token: x, private: true}, b: {kind: generic, token: x}}"));

        assert_true(config_channel_find(config->tenants, bytes_of("a"))->is_private);
        assert_false(config_channel_find(config->tenants, bytes_of("b"))->is_private);
        assert_null(config_setting_find(config->tenants->channels, "private"));
        assert_refused(ECHO("channels: {a: {kind: generic, token: x, private: yes}}"),
                       "lull.yaml:2: tenants.acme.channels.a.private: 'yes' is neither true nor false; write one of "
                       "them");
        assert_refused(ECHO("channels: {a: {token: x}}"), "lull.yaml:2: tenants.acme.channels.a.kind: is missing; "
                                                          "write what platform this is, such as kind: chatwoot");
}

/* -- the lookup ---------------------------------------------------------------------------------------------------- */

static void a_lookup_that_says_little_is_complete(void **state) {
        CLEANUP_CONFIG struct config *config = decode(ECHO("context: {url: 'http://h/{tenant}/{thread}?f={from}'}"));
        const struct config_context *context = &config->tenants->context;

        assert_string_equal(context->url, "http://h/{tenant}/{thread}?f={from}");
        assert_null(context->token);
        assert_int_equal(context->cache.us, 300000000);
        assert_int_equal(context->timeout.us, 10000000);
        assert_false(context->is_required);
        assert_false(context->is_private);
}

static void a_lookup_that_says_everything_is_read_as_it_says(void **state) {
        CLEANUP_CONFIG struct config *config = decode(
                ECHO("context: {url: 'http://h', token: t, cache: 0s, timeout: 1s, required: true, private: true}"));
        const struct config_context *context = &config->tenants->context;

        assert_string_equal(context->token, "t");
        assert_int_equal(context->cache.us, 0);
        assert_int_equal(context->timeout.us, 1000000);
        assert_true(context->is_required);
        assert_true(context->is_private);
}

#define AT_CONTEXT "lull.yaml:2: tenants.acme.context"

static void what_is_wrong_with_a_lookup_is_said(void **state) {
        assert_refused(ECHO("context: {cache: 1s}"),
                       AT_CONTEXT ": has no url to look up; write url: \"http://127.0.0.1:9000/contacts/{thread}\"");
        assert_refused(ECHO("context: {url: 'http://h/{thread}/{name}'}"),
                       AT_CONTEXT ".url: has a name in {...} that is unknown; what is filled in is {tenant}, {thread} "
                                  "and {from}");
        assert_refused(ECHO("context: {url: 'http://h/{thread'}"),
                       AT_CONTEXT ".url: has a '{' without its '}'; {tenant}, {thread} and {from} are filled in");
        assert_refused(ECHO("context: {url: 'http://u:p@h/{thread}'}"),
                       AT_CONTEXT ".url: has a user in front of its host, which would show wherever the URL does; "
                                  "remove all up to the '@', and give secrets in keys of their own");
        assert_refused(ECHO("context: {url: 'http://h', timeout: 6m}"),
                       AT_CONTEXT ".timeout: 6m is longer than run_timeout, which ends the run after 5m; make it "
                                  "shorter");
}

/* -- without Redis ------------------------------------------------------------------------------------------------- */

static void without_redis_what_was_not_asked_for_is_not_remembered(void **state) {
        CLEANUP_CONFIG struct config *chat =
                decode(WITH("kind: openai, model: m}, context: {url: 'http://h'") "redis: none\n");
        CLEANUP_CONFIG struct config *responses =
                decode("redis: none\n" WITH("kind: openai, model: m, api: responses, conversation: {ttl: 0s}"));

        assert_int_equal(chat->tenants->handler.history.turns, 0);
        assert_int_equal(chat->tenants->context.cache.us, 0);
        assert_int_equal(responses->tenants->handler.conversation_ttl.us, 0);
}

static void without_redis_what_was_asked_for_is_refused(void **state) {
        assert_refused(WITH("kind: openai, model: m, history: {turns: 2}") "redis: none\n",
                       AT_HANDLER ".history.turns: without Redis nothing is remembered; give `redis` an address, or "
                                  "write turns: 0");
        assert_refused(WITH("kind: openai, model: m, api: responses") "redis: none\n",
                       AT_HANDLER ".conversation.ttl: without Redis the conversation of a thread cannot be remembered; "
                                  "give `redis` an address, or write conversation: {ttl: 0s} for none");
        assert_refused(ECHO("context: {url: 'http://h', cache: 1m}") "redis: none\n",
                       AT_CONTEXT ".cache: without Redis nothing is cached; give `redis` an address, or write "
                                  "cache: 0s");
}

/* -- how a provider is spared -------------------------------------------------------------------------------------- */

static void a_provider_is_spared_by_default(void **state) {
        CLEANUP_CONFIG struct config *config = decode(WITH("kind: echo"));
        CLEANUP_CONFIG struct config *said =
                decode("provider: {failures: 0, pause: 2s, cap: 2s, drain: none}\n" WITH("kind: echo"));

        assert_int_equal(config->provider.failures, 5);
        assert_int_equal(config->provider.pause.us, 1000000);
        assert_int_equal(config->provider.cap.us, 30000000);
        assert_int_equal(config->provider.drain.count, 20);
        assert_int_equal(config->provider.drain.per.us, 1000000);
        assert_int_equal(said->provider.failures, 0);
        assert_int_equal(said->provider.pause.us, 2000000);
        assert_int_equal(said->provider.drain.count, 0);
}

static void what_is_wrong_with_sparing_is_said(void **state) {
        assert_refused("provider:\n  pause: 40s\n" WITH("kind: echo"),
                       "lull.yaml:1: provider.cap: 30s is shorter than provider.pause, which is 40s; make it 40s or "
                       "more");
        assert_refused("provider: {cap: 2h}\n" WITH("kind: echo"),
                       "lull.yaml:1: provider.cap: '2h' is too large; at most 1h");
        assert_refused("provider: {drain: 0/s}\n" WITH("kind: echo"),
                       "lull.yaml:1: provider.drain: '0/s' would let nothing through; write 1 or more, such as '60/m', "
                       "or none for no limit");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_openai_handler_that_says_little_is_complete),
                cmocka_unit_test(an_openai_handler_that_says_everything_is_read_as_it_says),
                cmocka_unit_test(a_temperature_of_zero_is_one_that_is_sent),
                cmocka_unit_test(with_responses_the_provider_remembers),
                cmocka_unit_test(what_an_openai_handler_lacks_or_has_too_much_of_is_said),
                cmocka_unit_test(each_api_has_its_own_memory),
                cmocka_unit_test(a_base_is_what_paths_are_added_to),
                cmocka_unit_test(a_prompt_is_text_of_a_size_that_can_be_paid),
                cmocka_unit_test(a_wait_that_cannot_end_is_told),
                cmocka_unit_test(a_langgraph_handler_that_says_little_is_complete),
                cmocka_unit_test(what_a_langgraph_handler_lacks_is_said),
                cmocka_unit_test(an_endpoint_is_what_handlers_of_one_provider_share),
                cmocka_unit_test(the_path_makes_another_bot_and_the_query_does_not),
                cmocka_unit_test(a_url_is_one_that_cannot_be_misread),
                cmocka_unit_test(what_goes_into_a_header_is_one_line),
                cmocka_unit_test(a_proxy_and_a_private_name_are_for_handlers_with_a_url),
                cmocka_unit_test(a_channel_may_be_private),
                cmocka_unit_test(a_lookup_that_says_little_is_complete),
                cmocka_unit_test(a_lookup_that_says_everything_is_read_as_it_says),
                cmocka_unit_test(what_is_wrong_with_a_lookup_is_said),
                cmocka_unit_test(without_redis_what_was_not_asked_for_is_not_remembered),
                cmocka_unit_test(without_redis_what_was_asked_for_is_refused),
                cmocka_unit_test(a_provider_is_spared_by_default),
                cmocka_unit_test(what_is_wrong_with_sparing_is_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
