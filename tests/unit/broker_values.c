/* How messages lie in the store: what a RUN says of one stands there as it goes out; and their ids, many to a value.
 * Older layouts are still read. */
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

/* -- ids ----------------------------------------------------------------------------------------------------------- */

enum { FIRST = 7 * VALUES_IDS };

static struct stored_seen seen_of(uint64_t seq, int64_t at_ms) {
        return (struct stored_seen){seq, {seq << 40, ~seq}, {at_ms}};
}

static void assert_given_back(const struct values_ids *ids) {
        CLEANUP_BUFFER struct buffer value = {0};
        struct values_ids got = {.first = FIRST};
        struct bytes payload;

        values_encode_ids(&value, ids);
        assert_true(value.len <= ENGINE_PIECE);
        assert_int_equal(values_open(FIRST, buffer_bytes(&value), &payload), 0);
        assert_int_equal(values_decode_ids(FIRST, payload, &got), 0);
        assert_int_equal(got.has, ids->has);
        for (uint64_t i = 0; i < VALUES_IDS; i++)
                if (values_ids_has(ids, FIRST + i))
                        assert_memory_equal(&got.items[i], &ids->items[i], sizeof got.items[i]);
        got = (struct values_ids){.first = FIRST};
        assert_int_equal(values_decode_ids(FIRST + 1, payload, &got), -EBADMSG); /* it is not under its number */
        while (payload.len-- > 0) {
                got.has = 0;
                assert_int_equal(values_decode_ids(FIRST, payload, &got), -EBADMSG);
        }
}

static void ids_that_are_one_value_are_given_back_as_they_were(void **state) {
        static const int64_t times[] = {1700000000000, 1700000000001, 1699999999000, 0, INT64_MAX, INT64_MIN};
        struct values_ids ids = {.first = FIRST};

        for (uint64_t i = 0; i < VALUES_IDS; i++) {
                struct stored_seen seen = seen_of(FIRST + i * 5 % VALUES_IDS, times[i % 6]);

                values_ids_put(&ids, &seen);
                assert_given_back(&ids);
        }
        for (uint64_t i = 0; i + 1 < VALUES_IDS; i++) {
                values_ids_drop(&ids, FIRST + i * 7 % VALUES_IDS);
                assert_given_back(&ids);
        }
}

static void push_id(struct buffer *payload, uint64_t place) {
        pack_push_uint(payload, place);
        pack_push_int(payload, 0);
        pack_push_uint(payload, 1);
        pack_push_uint(payload, 2);
}

static int decode_two(uint64_t one, uint64_t other) {
        CLEANUP_BUFFER struct buffer payload = {0};
        struct values_ids ids = {.first = FIRST};

        pack_push_array(&payload, 2);
        pack_push_int(&payload, 0);
        pack_push_array(&payload, 8);
        push_id(&payload, one);
        push_id(&payload, other);
        return values_decode_ids(FIRST, buffer_bytes(&payload), &ids);
}

static void a_value_of_ids_has_each_once_and_its_own(void **state) {
        assert_int_equal(decode_two(3, VALUES_IDS - 1), 0);
        assert_int_equal(decode_two(3, 3), -EBADMSG);
        assert_int_equal(decode_two(3, VALUES_IDS), -EBADMSG);
        assert_int_equal(decode_two(UINT64_MAX, 3), -EBADMSG);
}

static void an_id_of_layout_3_is_read_as_it_was(void **state) {
        CLEANUP_BUFFER struct buffer value = {0};
        struct stored_seen seen = seen_of(FIRST + 5, 1700000000000);
        struct values_ids got = {.first = FIRST};
        struct bytes payload;

        values_encode_seen(&value, &seen);
        assert_int_equal(values_open(FIRST + 5, buffer_bytes(&value), &payload), 0);
        assert_int_equal(values_decode_ids(FIRST + 5, payload, &got), 0);
        assert_int_equal(got.has, 1 << 5);
        assert_memory_equal(&got.items[5], &seen, sizeof seen);
        assert_int_equal(values_decode_ids(FIRST + 5, payload, &got), -EBADMSG); /* it has it already */
}

/* -- through the store --------------------------------------------------------------------------------------------- */

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
                cmocka_unit_test(ids_that_are_one_value_are_given_back_as_they_were),
                cmocka_unit_test(a_value_of_ids_has_each_once_and_its_own),
                cmocka_unit_test(an_id_of_layout_3_is_read_as_it_was),
                cmocka_unit_test(a_run_gets_a_message_the_same_from_either_layout),
        };

        return cmocka_run_group_tests_name("broker/store/values", tests, NULL, NULL);
}
