/* BUNDLE, and who gathers frames for one: what is put in comes out, in order, within the bounds. */
#include "tests/unit/unit.h"

#include "common/gathered.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

/* What was sent: how many frames there were, in each of them how many singles, and the fences of all in their order. */
static struct {
        uint32_t n_frames, n_singles[64], n_fences;
        uint64_t fences[2 * LIMIT_BUNDLE_FRAMES];
        size_t longest_bundle;
} sent;

static void take_single(struct bytes frame) {
        enum wire_type type;
        struct bytes body;

        assert_int_equal(wire_open(frame, &type, &body), 0);
        assert_int_equal(wire_decode_go(body, &sent.fences[sent.n_fences++]), 0);
        sent.n_singles[sent.n_frames]++;
}

static void take(void *context, struct bytes frame) {
        struct pack_reader reader;
        enum wire_type type;
        struct bytes body, single;
        uint32_t n;

        assert_int_equal(wire_open(frame, &type, &body), 0);
        if (type == WIRE_BUNDLE) {
                assert_int_equal(wire_decode_bundle(body, &n, &reader), 0);
                assert_true(n > 1); /* one goes as it is */
                for (uint32_t i = 0; i < n; i++) {
                        assert_int_equal(wire_bundled_next(&reader, &single), 0);
                        take_single(single);
                }
                assert_false(pack_has_more(&reader));
                sent.longest_bundle = frame.len > sent.longest_bundle ? frame.len : sent.longest_bundle;
        } else {
                take_single(frame);
        }
        sent.n_frames++;
}

/* A frame of about that length, whose first value is the fence. */
static void say(struct gathered *gathered, uint64_t fence, size_t len) {
        struct buffer *frame = gathered_begin(gathered);
        size_t at = frame->len;

        wire_encode_go(frame, fence);
        while (frame->len < at + len)
                pack_push_nil(frame);
        gathered_end(gathered);
}

static struct gathered gathered_of(bool takes_bundles) {
        memset(&sent, 0, sizeof sent);
        return (struct gathered){.send = take, .takes_bundles = takes_bundles};
}

static void assert_all_came(uint32_t n) {
        assert_int_equal(sent.n_fences, n);
        for (uint32_t i = 0; i < n; i++)
                assert_int_equal(sent.fences[i], i + 1);
}

static void what_is_gathered_leaves_as_one_in_its_order(void **state) {
        CLEANUP(gathered_done) struct gathered gathered = gathered_of(true);

        for (uint64_t fence = 1; fence <= 5; fence++)
                say(&gathered, fence, 20);
        assert_int_equal(sent.n_frames, 0);
        assert_false(gathered_is_empty(&gathered));
        gathered_flush(&gathered);
        assert_true(gathered_is_empty(&gathered));
        assert_int_equal(sent.n_frames, 1);
        gathered_flush(&gathered); /* nothing more */
        say(&gathered, 6, 20);
        gathered_flush(&gathered);
        assert_int_equal(sent.n_frames, 2);
        assert_all_came(6);
}

static void who_takes_no_bundles_gets_each_at_once(void **state) {
        CLEANUP(gathered_done) struct gathered gathered = gathered_of(false);

        for (uint64_t fence = 1; fence <= 3; fence++) {
                say(&gathered, fence, 20);
                assert_int_equal(sent.n_frames, fence);
        }
        assert_all_came(3);
        assert_int_equal(sent.longest_bundle, 0);
}

static void a_bundle_keeps_to_its_bytes_and_what_is_longer_goes_alone(void **state) {
        static const size_t lens[] = {100,  2 * LIMIT_BUNDLE_BYTES, 100, LIMIT_BUNDLE_BYTES - 200, 500, 30000, 30000,
                                      30000};
        CLEANUP(gathered_done) struct gathered gathered = gathered_of(true);
        uint32_t n = sizeof lens / sizeof *lens;

        for (uint32_t i = 0; i < n; i++)
                say(&gathered, i + 1, lens[i]);
        gathered_flush(&gathered);
        assert_all_came(n);
        assert_in_range(sent.longest_bundle, 30000, LIMIT_BUNDLE_BYTES);
        assert_int_equal(sent.n_singles[1], 1);
}

static void a_bundle_keeps_to_its_number_of_frames(void **state) {
        CLEANUP(gathered_done) struct gathered gathered = gathered_of(true);

        for (uint32_t i = 0; i < LIMIT_BUNDLE_FRAMES + 1; i++)
                say(&gathered, i + 1, 4);
        gathered_flush(&gathered);
        assert_all_came(LIMIT_BUNDLE_FRAMES + 1);
        assert_int_equal(sent.n_singles[0], LIMIT_BUNDLE_FRAMES);
        assert_int_equal(sent.n_frames, 2);
}

static int decode(struct bytes body) {
        struct pack_reader reader;
        struct bytes single;
        uint32_t n;
        int r = wire_decode_bundle(body, &n, &reader);

        for (uint32_t i = 0; r == 0 && i < n; i++)
                r = wire_bundled_next(&reader, &single);
        return r;
}

static void a_bundle_that_is_cut_or_too_large_is_none(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_bundle bundle;

        wire_begin_bundle(&frame, &bundle);
        for (int i = 0; i < 3; i++) {
                wire_begin_bundled(&frame, &bundle);
                wire_encode_go(&frame, 7);
                wire_end_bundled(&frame, &bundle);
        }
        wire_end_bundle(&frame, &bundle);
        assert_int_equal(decode((struct bytes){frame.data + 1, frame.len - 1}), 0);
        for (size_t len = 0; len < frame.len - 1; len++)
                assert_int_equal(decode((struct bytes){frame.data + 1, len}), -EBADMSG);

        buffer_clear(&frame);
        pack_push_array(&frame, 1);
        pack_push_array(&frame, LIMIT_BUNDLE_FRAMES + 1);
        for (int i = 0; i <= LIMIT_BUNDLE_FRAMES; i++)
                pack_push_bin(&frame, BYTES_NONE);
        assert_int_equal(decode(buffer_bytes(&frame)), -EBADMSG);
        assert_int_equal(decode(BYTES_NONE), -EBADMSG);
        buffer_clear(&frame);
        pack_push_array(&frame, 1);
        pack_push_array(&frame, 1);
        pack_push_uint(&frame, 3);
        assert_int_equal(decode(buffer_bytes(&frame)), -EBADMSG);
}

static void whoever_does_not_say_so_takes_no_bundles(void **state) {
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_welcome welcome;
        struct wire_hello hello = {.uuid = {"0123456789abcdef", 16}, .version = bytes_of("1"), .takes_bundles = true},
                          got;

        wire_encode_hello(&frame, &hello);
        wire_encode_hello_end(&frame, &hello);
        assert_int_equal(wire_decode_hello((struct bytes){frame.data + 1, frame.len - 1}, &got), 0);
        assert_true(got.takes_bundles);
        frame.data[1]--; /* an array of five, as before lull/1.3 */
        assert_int_equal(wire_decode_hello((struct bytes){frame.data + 1, frame.len - 2}, &got), 0);
        assert_false(got.takes_bundles);

        buffer_clear(&frame);
        wire_encode_welcome(&frame, &(struct wire_welcome){1, {3000000}, {1000000}, bytes_of("1"), true});
        assert_int_equal(wire_decode_welcome((struct bytes){frame.data + 1, frame.len - 1}, &welcome), 0);
        assert_true(welcome.takes_bundles);
        frame.data[1]--;
        assert_int_equal(wire_decode_welcome((struct bytes){frame.data + 1, frame.len - 2}, &welcome), 0);
        assert_false(welcome.takes_bundles);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_gathered_leaves_as_one_in_its_order),
                cmocka_unit_test(who_takes_no_bundles_gets_each_at_once),
                cmocka_unit_test(a_bundle_keeps_to_its_bytes_and_what_is_longer_goes_alone),
                cmocka_unit_test(a_bundle_keeps_to_its_number_of_frames),
                cmocka_unit_test(a_bundle_that_is_cut_or_too_large_is_none),
                cmocka_unit_test(whoever_does_not_say_so_takes_no_bundles),
        };

        return cmocka_run_group_tests_name("common/gathered", tests, NULL, NULL);
}
