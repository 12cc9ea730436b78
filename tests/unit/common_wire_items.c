#include "tests/unit/unit.h"

#include "common/wire.h"

#include <errno.h>
#include <string.h>

/* An item of a peer that has `n_fields` of them, as far as we know what they mean. */
static void push_item(struct buffer *frame, uint32_t n_fields, uint64_t what, uint32_t n_aliases) {
        pack_push_array(frame, n_fields);
        pack_push_str(frame, bytes_of("acme"));
        pack_push_str(frame, bytes_of("ana"));
        pack_push_nil(frame);
        pack_push_nil(frame);
        pack_push_bin(frame, bytes_of("body"));
        if (n_fields > 5)
                pack_push_uint(frame, what);
        if (n_fields > 6)
                pack_push_array(frame, n_aliases);
        for (uint32_t i = 0; n_fields > 6 && i < n_aliases; i++)
                pack_push_str(frame, bytes_of("an alias"));
        if (n_fields > 7)
                pack_push_uint(frame, 3);
        for (uint32_t i = 8; i < n_fields; i++)
                pack_push_nil(frame);
}

static int decode_by(int (*next)(struct pack_reader *reader, struct wire_message *ret), uint32_t n_fields,
                     uint64_t what, uint32_t n_aliases, struct wire_message *ret) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct pack_reader reader;

        push_item(&frame, n_fields, what, n_aliases);
        reader = pack_open(buffer_bytes(&frame));
        return next(&reader, ret);
}

static int decode_item(uint32_t n_fields, uint64_t what, uint32_t n_aliases, struct wire_message *ret) {
        return decode_by(wire_message_next, n_fields, what, n_aliases, ret);
}

static void an_event_comes_back_as_it_was_sent(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_message event = {
                .tenant = bytes_of("acme"),
                .thread = bytes_of("ana"),
                .id = bytes_of("01JD7Z9W4H0000000000000001"),
                .body = bytes_of("body"),
                .what = WIRE_WHAT_SHOWN,
                .number = 2,
                .n_aliases = 2,
                .aliases = {bytes_of("5511"), bytes_of("br.1")},
        };
        struct wire_message plain = {.tenant = bytes_of("acme"), .thread = bytes_of("ana"), .body = bytes_of("b")};
        struct wire_message got;
        struct pack_reader reader;
        enum wire_type type;
        struct bytes body;
        uint64_t request;
        uint32_t n;

        wire_encode_events(&frame, 9, 2);
        wire_encode_message(&frame, &event);
        wire_encode_message(&frame, &plain);

        assert_int_equal(frame.data[0], 32 + 17);
        assert_int_equal(wire_open(buffer_bytes(&frame), &type, &body), 0);
        assert_int_equal(type, WIRE_EVENTS);
        assert_int_equal(wire_decode_messages(body, &request, &n, &reader), 0);
        assert_int_equal(request, 9);
        assert_int_equal(n, 2);
        assert_int_equal(wire_message_next(&reader, &got), 0);
        assert_int_equal(got.what, WIRE_WHAT_SHOWN);
        assert_int_equal(got.number, 2);
        assert_int_equal(got.n_aliases, 2);
        assert_true(bytes_is_text(got.aliases[1], "br.1"));
        assert_int_equal(wire_message_next(&reader, &got), 0);
        assert_int_equal(got.what, WIRE_WHAT_MESSAGE);
        assert_int_equal(got.n_aliases, 0);
        assert_false(pack_has_more(&reader));
}

static void only_a_message_without_aliases_is_plain(void **state) {
        struct wire_message message = {0};

        assert_true(wire_is_plain(&message));
        message.n_aliases = 1;
        assert_false(wire_is_plain(&message));
        message.n_aliases = 0;
        message.what = WIRE_WHAT_TYPING;
        assert_false(wire_is_plain(&message));
}

static void a_plain_message_has_the_fields_that_an_older_broker_knows(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};

        wire_encode_message(&frame, &(struct wire_message){.tenant = bytes_of("acme"), .thread = bytes_of("ana")});
        assert_int_equal(frame.data[0], 0x95);
}

static void what_an_item_leaves_out_is_nothing(void **state) {
        struct wire_message got;

        assert_int_equal(decode_item(5, 0, 0, &got), 0);
        assert_int_equal(got.what, WIRE_WHAT_MESSAGE);
        assert_int_equal(got.n_aliases + got.number, 0);
        assert_int_equal(decode_item(8, WIRE_WHAT_PERSON, 1, &got), 0);
        assert_int_equal(got.what, WIRE_WHAT_PERSON);
        assert_int_equal(got.number, 3);
        assert_int_equal(decode_item(10, WIRE_WHAT_PERSON, 1, &got), 0);
        assert_int_equal(decode_item(6, WIRE_WHAT_PERSON, 0, &got), -EBADMSG);
        assert_int_equal(decode_item(7, WIRE_WHAT_PERSON, 0, &got), -EBADMSG);
}

static void behind_the_body_of_an_item_of_messages_nothing_means_anything(void **state) {
        struct wire_message got;

        for (uint32_t n_fields = 5; n_fields < 10; n_fields++) {
                assert_int_equal(decode_by(wire_plain_next, n_fields, WIRE_WHAT_TYPING, 9, &got), 0);
                assert_true(wire_is_plain(&got));
                assert_int_equal(got.body.len, strlen("body"));
        }
        assert_int_equal(decode_by(wire_plain_next, 4, 0, 0, &got), -EBADMSG);
}

static void an_event_of_a_later_version_is_unknown_and_not_bad(void **state) {
        struct wire_message got;

        assert_int_equal(decode_item(8, WIRE_WHAT_UNKNOWN, 0, &got), 0);
        assert_int_equal(got.what, WIRE_WHAT_UNKNOWN);
        assert_int_equal(decode_item(8, UINT64_MAX, 0, &got), 0);
        assert_int_equal(got.what, WIRE_WHAT_UNKNOWN);
}

static void more_aliases_than_there_is_room_for_are_bad(void **state) {
        struct wire_message got;

        assert_int_equal(decode_item(8, 0, LIMIT_ALIASES_OF_ITEM, &got), 0);
        assert_int_equal(decode_item(8, 0, LIMIT_ALIASES_OF_ITEM + 1, &got), -EBADMSG);
}

static void a_body_bears_where_the_reply_goes_and_where_the_medium_is(void **state) {
        CLEANUP_BUFFER struct buffer plain = {0}, full = {0}, cut = {0};
        struct wire_body body = {.text = bytes_of("Oi")}, got;

        wire_encode_body(&plain, &body);
        assert_int_equal(plain.data[0], 0x95);
        assert_int_equal(wire_decode_body(buffer_bytes(&plain), &got), 0);
        assert_int_equal(got.to.len + got.url.len, 0);

        body.to = bytes_of("{\"chat\":\"-100\"}");
        body.url = bytes_of("https://media.example.com/1");
        wire_encode_body(&full, &body);
        assert_int_equal(wire_decode_body(buffer_bytes(&full), &got), 0);
        assert_true(bytes_is_equal(got.to, body.to));
        assert_true(bytes_is_equal(got.url, body.url));

        body.url = (struct bytes){"\xff\xfe", 2};
        wire_encode_body(&cut, &body);
        assert_int_equal(wire_decode_body(buffer_bytes(&cut), &got), -EBADMSG);
}

static void every_what_has_a_name_of_its_own(void **state) {
        enum wire_what what;

        for (int i = 0; i < WIRE_WHAT_UNKNOWN; i++) {
                assert_int_equal(wire_what_of_name(bytes_of(wire_what_name((enum wire_what)i)), &what), 0);
                assert_int_equal(what, i);
        }
        assert_int_equal(wire_what_of_name(bytes_of("unknown"), &what), -EBADMSG);
        assert_int_equal(wire_what_of_name(bytes_of("Message"), &what), -EBADMSG);
        assert_int_equal(wire_what_of_name(BYTES_NONE, &what), -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_event_comes_back_as_it_was_sent),
                cmocka_unit_test(only_a_message_without_aliases_is_plain),
                cmocka_unit_test(a_plain_message_has_the_fields_that_an_older_broker_knows),
                cmocka_unit_test(what_an_item_leaves_out_is_nothing),
                cmocka_unit_test(behind_the_body_of_an_item_of_messages_nothing_means_anything),
                cmocka_unit_test(an_event_of_a_later_version_is_unknown_and_not_bad),
                cmocka_unit_test(more_aliases_than_there_is_room_for_are_bad),
                cmocka_unit_test(a_body_bears_where_the_reply_goes_and_where_the_medium_is),
                cmocka_unit_test(every_what_has_a_name_of_its_own),
        };

        return cmocka_run_group_tests_name("common/wire_items", tests, NULL, NULL);
}
