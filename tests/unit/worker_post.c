#include "tests/unit/worker_out.h"

#include "worker/post.h"

#define CHATWOOT "url", "https://chat.example.com", "account", "2", "token", "t", "unsigned", "true"
#define BATCH "01HBATCH000000000000000000"
#define OURS                                                                                                           \
        "{\"id\":440,\"message_type\":1,\"private\":false,\"content_attributes\":{\"lull_batch\":\"" BATCH             \
        "\",\"lull_index\":1}}"

struct scene {
        struct fixture fixture;
        struct batch batch;
        struct buffer answer;
        struct post *post;
        struct post_reading *reading;
        bool is_held_back;
        int n_ended;
        struct outcome outcome; /* of the last end */
        enum post_read read;
};

static bool may_send(void *context) { return !((struct scene *)context)->is_held_back; }

static void on_posted(void *context, const struct outcome *outcome) {
        struct scene *scene = context;

        scene->post = NULL;
        scene->outcome = *outcome;
        scene->n_ended++;
}

static void on_read(void *context, enum post_read read, const struct outcome *outcome) {
        struct scene *scene = context;

        scene->reading = NULL;
        scene->read = read;
        scene->outcome = *outcome;
        scene->n_ended++;
}

static void scene_init(struct scene *scene) {
        const struct bytes replies[] = {bytes_of("first"), bytes_of("second")};

        *scene = (struct scene){.batch = {.tenant = (char *)"acme",
                                          .thread = (char *)"4",
                                          .channel = (char *)"support",
                                          .last_id = (char *)"2-430",
                                          .id = BATCH}};
        fixture_init(&scene->fixture, "chatwoot", SETTINGS(CHATWOOT));
        wire_encode_answer(&scene->answer, replies, 2);
}

static void scene_done(struct scene *scene) {
        post_free(scene->post);
        post_read_free(scene->reading);
        assert_null(out_call());
        fixture_done(&scene->fixture);
        buffer_done(&scene->answer);
        out_done();
}
#define CLEANUP_SCENE CLEANUP(scene_done)

static struct post_reply second_reply(struct scene *scene) {
        return (struct post_reply){.channel = scene->fixture.channel,
                                   .batch = &scene->batch,
                                   .answer = buffer_bytes(&scene->answer),
                                   .index = 1,
                                   .may_send = may_send};
}

static void begin_post(struct scene *scene) {
        struct post_reply reply = second_reply(scene);
        struct outcome refusal;

        assert_int_equal(post_new(NULL, &reply, on_posted, scene, &scene->post, &refusal), 0);
}

static void begin_reading(struct scene *scene) {
        struct post_reply reply = second_reply(scene);
        struct outcome refusal;

        assert_int_equal(post_read_new(NULL, &reply, on_read, scene, &scene->reading, &refusal), 0);
}

/* -- posting ------------------------------------------------------------------------------------------------------- */

static void a_post_is_never_repeated_by_itself_and_asks_before_it_leaves(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene);
        begin_post(&scene);
        assert_string_equal(out_call()->method, "POST");
        assert_non_null(strstr(out_call()->body, "\"content\":\"second\""));
        assert_false(out_call()->is_repeatable);
        assert_true(out_call()->may_send(out_call()->context));
        scene.is_held_back = true;
        assert_false(out_call()->may_send(out_call()->context));
        out_answer(200, "{}");
        assert_int_equal(scene.outcome.kind, WIRE_DONE);
        assert_false(scene.outcome.is_doubtful);
}

static void a_reply_goes_where_the_message_said(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene);
        fixture_done(&scene.fixture);
        fixture_init(&scene.fixture, "telegram", SETTINGS("token", "1:t", "unsigned", "true"));
        begin_post(&scene);
        assert_null(strstr(out_call()->body, "-100"));
        out_answer(200, "{}");
        scene.batch.to = (char *)"{\"chat\":\"-100\",\"topic\":\"42\"}";
        begin_post(&scene);
        assert_non_null(strstr(out_call()->body, "-100"));
        assert_non_null(strstr(out_call()->body, "42"));
        out_answer(200, "{}");
}

static void a_refusal_may_say_in_its_body_when_to_come_again(void **state) {
        static const char body[] = "{\"ok\":false,\"error_code\":429,\"parameters\":{\"retry_after\":7}}";
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene);
        fixture_done(&scene.fixture);
        fixture_init(&scene.fixture, "telegram", SETTINGS("token", "1:t", "unsigned", "true"));
        begin_post(&scene);
        out_answer(429, body);
        assert_int_equal(scene.outcome.kind, WIRE_FAILED);
        assert_int_equal(scene.outcome.retry_after.us, span_s(7).us);
        begin_post(&scene);
        out_end(&(struct outcome_response){
                .transport = OUTCOME_ANSWERED, .status = 429, .headers = {.retry_after = "9"}, .body = bytes_of(body)});
        assert_int_equal(scene.outcome.retry_after.us, span_s(9).us);
}

static void assert_ends(const struct outcome_response *response, enum wire_outcome kind, bool is_doubtful) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene);
        begin_post(&scene);
        out_end(response);
        assert_int_equal(scene.n_ended, 1);
        assert_int_equal(scene.outcome.kind, kind);
        assert_int_equal(scene.outcome.is_doubtful, is_doubtful);
        assert_int_equal(scene.outcome.provider, WIRE_PROVIDER_SILENT);
        assert_int_equal(scene.outcome.pause.us, 0);
}

static void a_post_is_in_doubt_when_it_may_have_arrived(void **state) {
        static const struct {
                struct outcome_response response;
                enum wire_outcome kind;
                bool is_doubtful;
        } cases[] = {
                {{.transport = OUTCOME_BROKEN}, WIRE_FAILED, true},
                {{.transport = OUTCOME_BROKEN, .is_held_back = true}, WIRE_FAILED, false},
                {{.transport = OUTCOME_BROKEN, .status = 200}, WIRE_DONE, false},
                {{.transport = OUTCOME_STALLED, .status = 201}, WIRE_DONE, false},
                {{.transport = OUTCOME_BROKEN, .status = 200, .is_held_back = true}, WIRE_FAILED, false},
                {{.transport = OUTCOME_BROKEN, .status = 503}, WIRE_FAILED, true},
                {{.transport = OUTCOME_STALLED}, WIRE_FAILED, true},
                {{.transport = OUTCOME_TOO_LARGE, .status = 200}, WIRE_DONE, false},
                {{.transport = OUTCOME_TOO_LARGE, .status = 500}, WIRE_FAILED, true},
                {{.transport = OUTCOME_TOO_LARGE}, WIRE_FAILED, true},
                {{.transport = OUTCOME_UNREACHABLE}, WIRE_FAILED, false},
                {{.transport = OUTCOME_FORBIDDEN}, WIRE_FAILED_FOR_GOOD, false},
                {{.transport = OUTCOME_UNSENDABLE}, WIRE_FAILED_FOR_GOOD, false},
                {{.transport = OUTCOME_ANSWERED, .status = 429}, WIRE_FAILED, false},
                {{.transport = OUTCOME_ANSWERED, .status = 503}, WIRE_FAILED, true},
                {{.transport = OUTCOME_ANSWERED, .status = 500}, WIRE_FAILED, true},
                {{.transport = OUTCOME_ANSWERED, .status = 504}, WIRE_FAILED, true},
                {{.transport = OUTCOME_ANSWERED, .status = 404}, WIRE_FAILED_FOR_GOOD, false},
                {{.transport = OUTCOME_ANSWERED, .status = 302}, WIRE_FAILED_FOR_GOOD, false},
        };

        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
                assert_ends(&cases[i].response, cases[i].kind, cases[i].is_doubtful);
}

static void what_cannot_be_posted_says_so_at_once(void **state) {
        CLEANUP_SCENE struct scene scene;
        struct post_reply reply;
        struct outcome refusal;

        scene_init(&scene);
        reply = second_reply(&scene);
        reply.index = 2;
        assert_int_equal(post_new(NULL, &reply, on_posted, &scene, &scene.post, &refusal), -EINVAL);
        assert_string_equal(refusal.code, "bad_answer");
        reply.index = 0;
        scene.batch.thread = (char *)"..";
        assert_int_equal(post_new(NULL, &reply, on_posted, &scene, &scene.post, &refusal), -EINVAL);
        assert_string_equal(refusal.code, "post_refused");
        assert_int_equal(refusal.kind, WIRE_FAILED_FOR_GOOD);
        assert_int_equal(out.n_calls, 0);
}

/* -- reading back -------------------------------------------------------------------------------------------------- */

static void assert_read(long status, const char *body, enum post_read read) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene);
        begin_reading(&scene);
        assert_string_equal(out_call()->method, "GET");
        out_answer(status, body);
        assert_int_equal(scene.n_ended, 1);
        assert_int_equal(scene.read, read);
        assert_int_equal(scene.outcome.kind, read <= POST_READ_NOT_FOUND ? WIRE_DONE : WIRE_FAILED);
}

static void a_page_says_whether_the_reply_is_there(void **state) {
        assert_read(200, "{\"payload\":[{\"id\":430}," OURS "]}", POST_READ_FOUND);
        assert_read(200, "{\"payload\":[{\"id\":430}]}", POST_READ_NOT_FOUND);
        assert_read(200, "{\"payload\":[]}", POST_READ_NOT_FOUND);
        assert_read(401, "{}", POST_READ_UNKNOWN);
        assert_read(200, "<html>", POST_READ_UNKNOWN);
        assert_read(502, "", POST_READ_AGAIN);
}

static void pages_are_read_until_the_reply_is_found(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene);
        begin_reading(&scene);
        out_answer(200, "{\"payload\":[{\"id\":500},{\"id\":501}]}");
        assert_non_null(strstr(out_call()->url, "?before=500"));
        out_answer(200, "{\"payload\":[{\"id\":480}]}");
        assert_non_null(strstr(out_call()->url, "?before=480"));
        assert_int_equal(scene.n_ended, 0);
        out_answer(200, "{\"payload\":[" OURS ",{\"id\":479}]}");
        assert_int_equal(scene.read, POST_READ_FOUND);
        assert_int_equal(out.n_calls, 3);
}

static void a_page_that_fails_in_the_middle_ends_the_reading(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene);
        begin_reading(&scene);
        out_answer(200, "{\"payload\":[{\"id\":500}]}");
        out_break(OUTCOME_BROKEN);
        assert_int_equal(scene.read, POST_READ_AGAIN);
        assert_string_equal(scene.outcome.code, "broken");
}

static void a_channel_that_cannot_be_asked_at_all_is_not_asked_for_ever(void **state) {
        static const enum outcome_transport finals[] = {OUTCOME_FORBIDDEN, OUTCOME_UNSENDABLE, OUTCOME_TOO_LARGE};
        static const enum outcome_transport passing[] = {OUTCOME_UNREACHABLE, OUTCOME_BROKEN, OUTCOME_STALLED};

        for (int i = 0; i < 6; i++) {
                CLEANUP_SCENE struct scene scene;

                scene_init(&scene);
                begin_reading(&scene);
                out_break(i < 3 ? finals[i] : passing[i - 3]);
                assert_int_equal(scene.read, i < 3 ? POST_READ_UNKNOWN : POST_READ_AGAIN);
        }
}

static void a_reading_that_is_given_up_says_nothing(void **state) {
        CLEANUP_SCENE struct scene scene;

        scene_init(&scene);
        begin_reading(&scene);
        out_answer(200, "{\"payload\":[{\"id\":500}]}");
        scene.reading = post_read_free(scene.reading);
        assert_null(out_call());
        assert_int_equal(scene.n_ended, 0);
}

static void a_thread_that_cannot_stand_in_an_address_cannot_be_read_back(void **state) {
        CLEANUP_SCENE struct scene scene;
        struct post_reply reply;
        struct outcome refusal;

        scene_init(&scene);
        scene.batch.thread = (char *)"..";
        reply = second_reply(&scene);
        assert_int_equal(post_read_new(NULL, &reply, on_read, &scene, &scene.reading, &refusal), -EINVAL);
        assert_string_equal(refusal.code, "read_back_failed");
        assert_int_equal(out.n_calls, 0);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_post_is_never_repeated_by_itself_and_asks_before_it_leaves),
                cmocka_unit_test(a_reply_goes_where_the_message_said),
                cmocka_unit_test(a_refusal_may_say_in_its_body_when_to_come_again),
                cmocka_unit_test(a_post_is_in_doubt_when_it_may_have_arrived),
                cmocka_unit_test(what_cannot_be_posted_says_so_at_once),
                cmocka_unit_test(a_page_says_whether_the_reply_is_there),
                cmocka_unit_test(pages_are_read_until_the_reply_is_found),
                cmocka_unit_test(a_page_that_fails_in_the_middle_ends_the_reading),
                cmocka_unit_test(a_channel_that_cannot_be_asked_at_all_is_not_asked_for_ever),
                cmocka_unit_test(a_reading_that_is_given_up_says_nothing),
                cmocka_unit_test(a_thread_that_cannot_stand_in_an_address_cannot_be_read_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
