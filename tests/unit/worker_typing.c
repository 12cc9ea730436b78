#include "tests/unit/worker_out.h"

#include "worker/typing.h"

#define CHATWOOT "url", "https://chat.example.com", "account", "2", "token", "t", "unsigned", "true"
#define WHATSAPP "phone_number_id", "106", "token", "the token", "secret", "s", "verify_token", "v"

enum { REFRESH_MS = 25000 };

struct scene {
        struct fixture fixture;
        struct batch batch;
        struct typings *typings;
        struct typing *typing;
        int n_failed, n_empty;
};

static void on_failed(void *context, const char *tenant) {
        struct scene *scene = context;

        assert_string_equal(tenant, "acme");
        scene->n_failed++;
}

static void on_empty(void *context) { ((struct scene *)context)->n_empty++; }

static void scene_init(struct scene *scene, const char *kind, const char *const *settings) {
        *scene = (struct scene){.batch = {.tenant = (char *)"acme",
                                          .thread = (char *)"4",
                                          .channel = (char *)"support",
                                          .last_id = (char *)"wamid.A"}};
        fixture_init(&scene->fixture, kind, settings);
        scene->typings = typings_new(NULL, NULL, on_failed, on_empty, scene);
        scene->typing = typing_new(scene->typings, scene->fixture.channel, &scene->batch);
}

static void scene_done(struct scene *scene) {
        typings_free(scene->typings);
        assert_null(out.timer);
        fixture_done(&scene->fixture);
        out_done();
}
#define CLEANUP_SCENE CLEANUP(scene_done)

/* The request under way says on, or off. */
static void assert_says(const char *word) {
        struct call *call = out_call();

        assert_non_null(call);
        assert_non_null(strstr(call->url, "/conversations/4/toggle_typing_status"));
        assert_non_null(strstr(call->body, word));
}

static void show(struct scene *scene) {
        scene_init(scene, "chatwoot", SETTINGS(CHATWOOT));
        out_wait(LIMIT_TYPING_AFTER_MS);
        assert_says("\"on\"");
}

static void a_sign_is_shown_after_a_while_and_again_and_again(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene, "chatwoot", SETTINGS(CHATWOOT));
        assert_null(out_call());
        for (int i = 0; i < 3; i++) {
                out_wait(i == 0 ? LIMIT_TYPING_AFTER_MS : REFRESH_MS);
                assert_says("\"on\"");
                out_answer(200, "");
        }
        assert_int_equal(out.n_calls, 3);
        assert_int_equal(scene.n_failed, 0);
}

static void an_answer_that_is_quick_needs_no_sign(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene, "chatwoot", SETTINGS(CHATWOOT));
        typing_stop(scene.typing, true);
        assert_int_equal(out.n_calls, 0);
        assert_null(out.timer);
}

static void a_sign_without_a_reply_is_taken_away(void **state) {
        CLEANUP_SCENE struct scene scene;

        show(&scene);
        out_answer(200, "");
        typing_stop(scene.typing, true);
        assert_says("\"off\"");
        assert_int_equal(scene.n_empty, 0);
        assert_false(typings_is_empty(scene.typings));
        out_answer(200, "");
        assert_int_equal(out.n_calls, 2);
        assert_null(out.timer);
        assert_int_equal(scene.n_empty, 1);
        assert_true(typings_is_empty(scene.typings));
}

static void a_reply_takes_the_sign_away_by_itself(void **state) {
        CLEANUP_SCENE struct scene scene;

        show(&scene);
        out_answer(200, "");
        typing_stop(scene.typing, false);
        assert_int_equal(out.n_calls, 1);
        assert_null(out.timer);
}

static void off_waits_for_on_to_have_arrived(void **state) {
        CLEANUP_SCENE struct scene scene;

        show(&scene);
        typing_stop(scene.typing, true);
        assert_says("\"on\"");
        out_answer(200, "");
        assert_says("\"off\"");
        out_answer(200, "");
        assert_null(out.timer);
}

static void a_reply_does_not_wait_for_the_sign(void **state) {
        CLEANUP_SCENE struct scene scene;

        show(&scene);
        typing_stop(scene.typing, false);
        assert_null(out_call());
        assert_null(out.timer);
}

static void a_sign_that_was_refused_need_not_be_taken_away_and_is_not_shown_again(void **state) {
        CLEANUP_SCENE struct scene scene;

        show(&scene);
        out_answer(401, "");
        assert_int_equal(scene.n_failed, 1);
        assert_int_equal(span_to_ms(out.timer->after), 0);
        typing_stop(scene.typing, true);
        assert_int_equal(out.n_calls, 1);
        assert_null(out.timer);
}

static void a_sign_that_was_refused_with_a_good_status_counts_as_refused(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene, "slack", SETTINGS("token", "t", "signing_secret", "s", "typing", "true"));
        assert_null(scene.typing);
        scene.batch.to = (char *)"{\"channel\":\"D1\",\"thread_ts\":\"1.2\"}";
        scene.typing = typing_new(scene.typings, scene.fixture.channel, &scene.batch);
        out_wait(LIMIT_TYPING_AFTER_MS);
        out_answer(200, "{\"ok\":false,\"error\":\"missing_scope\"}");
        assert_int_equal(scene.n_failed, 1);
        assert_int_equal(span_to_ms(out.timer->after), 0);
        typing_stop(scene.typing, true);
        assert_int_equal(out.n_calls, 1);
        assert_null(out.timer);
}

static void a_sign_of_which_nothing_is_known_is_taken_away(void **state) {
        CLEANUP_SCENE struct scene scene;

        show(&scene);
        out_break(OUTCOME_BROKEN);
        assert_int_equal(scene.n_failed, 1);
        typing_stop(scene.typing, true);
        assert_says("\"off\"");
        out_break(OUTCOME_UNREACHABLE);
        assert_int_equal(scene.n_failed, 2);
        assert_null(out.timer);
}

static void a_platform_that_does_not_answer_is_given_up(void **state) {
        CLEANUP_SCENE struct scene scene;

        show(&scene);
        out_wait(LIMIT_TYPING_MS);
        assert_null(out_call());
        assert_int_equal(scene.n_failed, 1);
        out_wait(REFRESH_MS);
        typing_stop(scene.typing, true);
        out_wait(LIMIT_TYPING_MS);
        assert_says("\"off\"");
        out_wait(LIMIT_TYPING_MS);
        assert_null(out_call());
        assert_null(out.timer);
}

static void a_sign_without_off_just_ends(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene, "whatsapp", SETTINGS(WHATSAPP));
        out_wait(LIMIT_TYPING_AFTER_MS);
        assert_non_null(strstr(out_call()->body, "\"message_id\":\"wamid.A\""));
        out_answer(200, "{\"success\":true}");
        typing_stop(scene.typing, true);
        assert_int_equal(out.n_calls, 1);
        assert_null(out.timer);
}

static void a_channel_without_a_sign_has_none(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene, "generic", SETTINGS("unsigned", "true", "reply_url", "http://x"));
        assert_null(scene.typing);
        assert_null(out.timer);
        typing_stop(NULL, true);
}

static void a_thread_that_cannot_stand_in_an_address_is_shown_nothing(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene, "chatwoot", SETTINGS(CHATWOOT));
        typing_stop(scene.typing, false);
        scene.batch.thread = (char *)"a\nb";
        assert_null(typing_new(scene.typings, scene.fixture.channel, &scene.batch));
}

static void what_is_still_shown_when_the_worker_ends_is_let_go(void **state) {
        CLEANUP_SCENE struct scene scene;

        show(&scene);
}

static void a_private_range_is_for_the_channel_to_allow(void **state) {
        for (int is_private = 0; is_private < 2; is_private++) {
                CLEANUP_SCENE struct scene scene;

                scene_init(&scene, "chatwoot", SETTINGS(CHATWOOT));
                typing_stop(scene.typing, false);
                scene.fixture.config.is_private = is_private;
                scene.typing = typing_new(scene.typings, scene.fixture.channel, &scene.batch);
                out_wait(LIMIT_TYPING_AFTER_MS);
                assert_int_equal(out_call()->is_private_allowed, is_private);
        }
}

static void a_sign_is_shown_where_the_reply_will_be(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene, "telegram", SETTINGS("token", "1:t", "unsigned", "true"));
        typing_stop(scene.typing, false);
        scene.batch.to = (char *)"{\"chat\":\"-100\",\"topic\":\"42\"}";
        scene.typing = typing_new(scene.typings, scene.fixture.channel, &scene.batch);
        out_wait(LIMIT_TYPING_AFTER_MS);
        assert_non_null(strstr(out_call()->body, "-100"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_sign_is_shown_after_a_while_and_again_and_again),
                cmocka_unit_test(an_answer_that_is_quick_needs_no_sign),
                cmocka_unit_test(a_sign_without_a_reply_is_taken_away),
                cmocka_unit_test(a_reply_takes_the_sign_away_by_itself),
                cmocka_unit_test(off_waits_for_on_to_have_arrived),
                cmocka_unit_test(a_reply_does_not_wait_for_the_sign),
                cmocka_unit_test(a_sign_that_was_refused_need_not_be_taken_away_and_is_not_shown_again),
                cmocka_unit_test(a_sign_that_was_refused_with_a_good_status_counts_as_refused),
                cmocka_unit_test(a_sign_of_which_nothing_is_known_is_taken_away),
                cmocka_unit_test(a_platform_that_does_not_answer_is_given_up),
                cmocka_unit_test(a_sign_without_off_just_ends),
                cmocka_unit_test(a_channel_without_a_sign_has_none),
                cmocka_unit_test(a_thread_that_cannot_stand_in_an_address_is_shown_nothing),
                cmocka_unit_test(what_is_still_shown_when_the_worker_ends_is_let_go),
                cmocka_unit_test(a_private_range_is_for_the_channel_to_allow),
                cmocka_unit_test(a_sign_is_shown_where_the_reply_will_be),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
