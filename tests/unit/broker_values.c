/* How messages lie in the store: what a RUN says of one stands there as it goes out; older layouts are still read. */
#include "tests/unit/unit.h"

#include "broker/store/store_private.h"
#include "common/pack.h"

#include <errno.h>

static const struct stored_message plain = {
        .seq = 7,
        .accepted = {1700000000123},
        .tenant = {"acme", 4},
        .thread = {"5511", 4},
        .id = {"wamid.A", 7},
        .body = {"\x95\xc0\xc0\xc0\xa2Oi\xc0", 8},
};

static void encode_as_run(struct buffer *run, const struct stored_message *message) {
        wire_encode_run_message(
                run, &(struct wire_run_message){message->id, message->channel, message->body, message->accepted});
}

/* As layout 2 had it. */
static void encode_former(struct buffer *value, const struct stored_message *message) {
        pack_push_array(value, message->n_edits > 0 ? 7 : 6);
        pack_push_int(value, message->accepted.ms);
        pack_push_str(value, message->tenant);
        pack_push_str(value, message->thread);
        pack_push_optional(value, message->id);
        pack_push_optional(value, message->channel);
        pack_push_bin(value, message->body);
        if (message->n_edits > 0)
                pack_push_uint(value, message->n_edits);
}

static void assert_is(const struct stored_message *message, const struct stored_message *wanted) {
        assert_int_equal(message->seq, wanted->seq);
        assert_int_equal(message->accepted.ms, wanted->accepted.ms);
        assert_int_equal(message->n_edits, wanted->n_edits);
        assert_true(bytes_is_equal(message->tenant, wanted->tenant));
        assert_true(bytes_is_equal(message->thread, wanted->thread));
        assert_true(bytes_is_equal(message->id, wanted->id));
        assert_true(bytes_is_equal(message->channel, wanted->channel));
        assert_true(bytes_is_equal(message->body, wanted->body));
}

static void a_stored_message_holds_what_a_run_says_of_it_as_it_goes_out(void **state) {
        CLEANUP_BUFFER struct buffer value = {0}, run = {0};
        struct stored_message message = plain, got;
        struct bytes payload, slice;

        for (message.n_edits = 0; message.n_edits < 3; message.n_edits++) {
                buffer_clear(&value);
                buffer_clear(&run);
                values_encode_message(&value, &message);
                encode_as_run(&run, &message);
                assert_int_equal(values_open(7, buffer_bytes(&value), &payload), 0);
                assert_int_equal(values_find_run_message(payload, &slice), 0);
                assert_true(bytes_is_equal(slice, buffer_bytes(&run)));
                assert_int_equal(values_decode_message(7, payload, &got), 0);
                assert_is(&got, &message);
                message.channel = bytes_of("support");
        }
}

static void a_message_of_layout_2_is_read_as_it_was(void **state) {
        CLEANUP_BUFFER struct buffer payload = {0};
        struct stored_message message = plain, got;
        struct bytes slice;

        for (message.n_edits = 0; message.n_edits < 2; message.n_edits++) {
                buffer_clear(&payload);
                encode_former(&payload, &message);
                assert_int_equal(values_decode_message(7, buffer_bytes(&payload), &got), 0);
                assert_is(&got, &message);
                assert_int_equal(values_find_run_message(buffer_bytes(&payload), &slice), VALUES_OF_OLD);
        }
}

static void a_message_that_is_cut_short_is_none(void **state) {
        CLEANUP_BUFFER struct buffer value = {0};
        struct stored_message got;
        struct bytes payload;

        values_encode_message(&value, &plain);
        assert_int_equal(values_open(7, buffer_bytes(&value), &payload), 0);
        while (payload.len-- > 0)
                assert_int_equal(values_decode_message(7, payload, &got), -EBADMSG);
}

static void put_raw(struct store *store, uint64_t seq, struct bytes payload) {
        buffer_clear(&store->scratch);
        values_encode_answer(&store->scratch, seq, payload); /* a head, and the payload as it is */
        assert_int_equal(store->engine->ops->begin(store->engine), 0);
        assert_int_equal(store->engine->ops->put(store->engine, ENGINE_MESSAGES, (struct engine_key){seq, 0},
                                                 buffer_bytes(&store->scratch)),
                         0);
        assert_int_equal(store->engine->ops->commit(store->engine), 0);
}

static void a_run_gets_a_message_the_same_from_either_layout(void **state) {
        CLEANUP_BUFFER struct buffer former = {0}, memory = {0}, run = {0}, wanted = {0};
        CLEANUP_STORE struct store *store = NULL;
        char *error = NULL;
        struct effects fx = {0};

        assert_int_equal(store_open("memory:", &store, &error), 0);
        effects_push_change(&fx, CHANGE_PUT_MESSAGE)->message = plain;
        assert_int_equal(store_commit(store, fx.changes, fx.n_changes), 0);
        encode_former(&former, &plain);
        put_raw(store, 8, buffer_bytes(&former));
        encode_as_run(&wanted, &plain);
        encode_as_run(&wanted, &plain);

        assert_int_equal(store_read_run_message(store, 7, &memory, &run), 0);
        assert_int_equal(store_read_run_message(store, 8, &memory, &run), 0);
        assert_true(bytes_is_equal(buffer_bytes(&run), buffer_bytes(&wanted)));
        assert_int_equal(store_read_run_message(store, 9, &memory, &run), -ENOENT);
        put_raw(store, 9, bytes_of("no array"));
        assert_int_equal(store_read_run_message(store, 9, &memory, &run), -EBADMSG);
        store_release(store);
        effects_done(&fx);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_stored_message_holds_what_a_run_says_of_it_as_it_goes_out),
                cmocka_unit_test(a_message_of_layout_2_is_read_as_it_was),
                cmocka_unit_test(a_message_that_is_cut_short_is_none),
                cmocka_unit_test(a_run_gets_a_message_the_same_from_either_layout),
        };

        return cmocka_run_group_tests_name("broker/store/values", tests, NULL, NULL);
}
