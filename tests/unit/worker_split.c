#include "tests/unit/unit.h"

#include "common/memory.h"
#include "common/wire.h"
#include "worker/core/split.h"

#include <string.h>

static const struct split_limit ten = {10, CHANNEL_CHARACTERS};

/* The parts with "|" between them, or "too many". */
static void assert_parts(const char *text, struct split_limit limit, enum split_place best, const char *expected) {
        CLEANUP_BUFFER struct buffer said = {0};
        struct bytes parts[LIMIT_REPLIES];
        uint32_t n = split_text(bytes_of(text), limit, best, parts, LIMIT_REPLIES);

        if (n > LIMIT_REPLIES)
                buffer_push_text(&said, "too many");
        for (uint32_t i = 0; i < n && n <= LIMIT_REPLIES; i++) {
                assert_true(channel_text_length(parts[i], limit.unit) <= limit.longest || limit.longest == 0);
                assert_true(bytes_is_utf8(parts[i]));
                buffer_print(&said, i ? "|%.*s" : "%.*s", BYTES_PRINT(parts[i]));
        }
        assert_string_equal(buffer_text(&said), expected);
}

static void what_fits_stays_whole(void **state) {
        assert_parts("0123456789", ten, SPLIT_PARAGRAPH, "0123456789");
        assert_parts("a\n\nb", ten, SPLIT_PARAGRAPH, "a\n\nb");
        assert_parts("   ", ten, SPLIT_PARAGRAPH, "   ");
        assert_parts("", ten, SPLIT_PARAGRAPH, "");
        assert_parts("as long as you like", (struct split_limit){0, CHANNEL_CHARACTERS}, SPLIT_PARAGRAPH,
                     "as long as you like");
}

static void the_best_place_that_leaves_a_part_half_full_is_taken(void **state) {
        assert_parts("ab cd\n\nx y z w", ten, SPLIT_PARAGRAPH, "ab cd\n\n|x y z w");
        assert_parts("a\n\nb. d\nx y z w", ten, SPLIT_PARAGRAPH, "a\n\nb. d\n|x y z w");
        assert_parts("Ab cde. x y z w", ten, SPLIT_PARAGRAPH, "Ab cde. |x y z w");
        assert_parts("Que? Sim! x y z w", ten, SPLIT_PARAGRAPH, "Que? Sim! |x y z w");
        assert_parts("A. bcd ef gh ij", ten, SPLIT_PARAGRAPH, "A. bcd ef |gh ij");
        assert_parts("1.5 kg, 2 kg e", ten, SPLIT_PARAGRAPH, "1.5 kg, 2 |kg e");
        assert_parts("\xe4\xbd\xa0\xe5\xa5\xbd\xe5\x90\x97\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82"
                     "abcdefgh",
                     ten, SPLIT_PARAGRAPH,
                     "\xe4\xbd\xa0\xe5\xa5\xbd\xe5\x90\x97\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82|abcdefgh");
}

static void a_word_that_is_too_long_is_cut_within(void **state) {
        assert_parts("0123456789abcdefghijXYZ", ten, SPLIT_PARAGRAPH, "0123456789|abcdefghij|XYZ");
        assert_parts("a 0123456789abc", ten, SPLIT_PARAGRAPH, "a |0123456789|abc");
        assert_parts("a 0123456789abc", ten, SPLIT_CHARACTER, "a 01234567|89abc");
}

static void a_character_is_never_cut(void **state) {
        struct split_limit two = {2, CHANNEL_CHARACTERS}, two_units = {2, CHANNEL_UTF16}, three = {3, CHANNEL_UTF16};

        assert_parts("\xc3\xa9\xc3\xa9\xc3\xa9", two, SPLIT_CHARACTER, "\xc3\xa9\xc3\xa9|\xc3\xa9");
        /* U+1F600 is one character, and two in UTF-16. */
        assert_parts("\xf0\x9f\x98\x80\xf0\x9f\x98\x80", two, SPLIT_CHARACTER, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
        assert_parts("\xf0\x9f\x98\x80\xf0\x9f\x98\x80", two_units, SPLIT_CHARACTER,
                     "\xf0\x9f\x98\x80|\xf0\x9f\x98\x80");
        assert_parts("a\xf0\x9f\x98\x80\xf0\x9f\x98\x80", three, SPLIT_CHARACTER, "a\xf0\x9f\x98\x80|\xf0\x9f\x98\x80");
}

#define WOMAN "\xf0\x9f\x91\xa9"
#define JOINER "\xe2\x80\x8d"
#define COMPUTER "\xf0\x9f\x92\xbb"
#define DARK "\xf0\x9f\x8f\xbf"
#define FLAG_BR "\xf0\x9f\x87\xa7\xf0\x9f\x87\xb7"
#define ACUTE "\xcc\x81"

static void what_is_seen_as_one_character_is_not_cut_where_that_can_be(void **state) {
        struct split_limit three = {3, CHANNEL_CHARACTERS}, four = {4, CHANNEL_CHARACTERS};

        assert_parts("abcd" WOMAN JOINER COMPUTER, (struct split_limit){5, CHANNEL_CHARACTERS}, SPLIT_CHARACTER,
                     "abcd|" WOMAN JOINER COMPUTER);
        assert_parts("abc" WOMAN DARK, four, SPLIT_CHARACTER, "abc|" WOMAN DARK);
        assert_parts("abe" ACUTE "f", three, SPLIT_CHARACTER, "ab|e" ACUTE "f");
        assert_parts(FLAG_BR FLAG_BR, three, SPLIT_CHARACTER, FLAG_BR "|" FLAG_BR);
        /* It has more than fits: then it is cut all the same. */
        assert_parts("e" ACUTE ACUTE ACUTE ACUTE, three, SPLIT_CHARACTER, "e" ACUTE ACUTE "|" ACUTE ACUTE);
}

static void a_part_of_nothing_but_white_space_is_left_out(void **state) {
        assert_parts("0123456789\n\n\n\n\n\n\n\n\n\n\n\nabc", ten, SPLIT_PARAGRAPH, "0123456789|\n\nabc");
        assert_parts("0123456789  ", ten, SPLIT_PARAGRAPH, "0123456789");
}

static void more_parts_than_there_is_room_for_are_too_many(void **state) {
        struct split_limit one = {1, CHANNEL_CHARACTERS};

        assert_parts("0123456789abcdef", one, SPLIT_CHARACTER, "0|1|2|3|4|5|6|7|8|9|a|b|c|d|e|f");
        assert_parts("0123456789abcdefg", one, SPLIT_CHARACTER, "too many");
}

/* -- whole answers ------------------------------------------------------------------------------------------------- */

static struct answer answer_of(const char *const *texts, uint32_t n) {
        struct answer answer = {0};
        struct bytes replies[LIMIT_REPLIES];

        for (uint32_t i = 0; i < n; i++)
                replies[i] = bytes_of(texts[i]);
        outcome_init_done(&answer.outcome);
        answer.outcome.provider = WIRE_PROVIDER_WELL;
        wire_encode_answer(&answer.replies, replies, n);
        answer.n_replies = n;
        return answer;
}

static void every_reply_is_cut_by_itself_and_in_order(void **state) {
        static const char *const texts[] = {"short", "Ab cde. x y z w", "end"};
        CLEANUP(answer_done) struct answer answer = answer_of(texts, 3);
        struct bytes replies[LIMIT_REPLIES];
        uint32_t n;

        split_answer(&answer, ten);
        assert_int_equal(answer.n_replies, 4);
        assert_int_equal(wire_decode_answer(buffer_bytes(&answer.replies), replies, &n), 0);
        assert_int_equal(n, 4);
        assert_true(bytes_is_text(replies[0], "short"));
        assert_true(bytes_is_text(replies[1], "Ab cde. "));
        assert_true(bytes_is_text(replies[2], "x y z w"));
        assert_true(bytes_is_text(replies[3], "end"));
}

static void an_answer_that_fits_is_not_touched(void **state) {
        static const char *const texts[] = {"short", "  "};
        CLEANUP(answer_done) struct answer answer = answer_of(texts, 2), nothing = {0};
        const uint8_t *before = answer.replies.data;

        split_answer(&answer, ten);
        assert_ptr_equal(answer.replies.data, before);
        assert_int_equal(answer.n_replies, 2);
        split_answer(&nothing, ten);
        assert_int_equal(nothing.n_replies, 0);
}

/* Sixteen parts of ten have room for 160 characters, and not for 161, wherever they are cut. */
static void it_is_cut_tighter_before_it_is_refused(void **state) {
        char text[170];
        const char *const texts[] = {text};

        for (size_t i = 0; i < sizeof text; i++)
                text[i] = i % 6 == 5 ? ' ' : 'a';
        text[160] = '\0';
        CLEANUP(answer_done) struct answer most = answer_of(texts, 1);
        split_answer(&most, ten);
        assert_int_equal(most.outcome.kind, WIRE_DONE);
        assert_int_equal(most.n_replies, LIMIT_REPLIES);

        text[160] = 'a';
        text[161] = '\0';
        CLEANUP(answer_done) struct answer over = answer_of(texts, 1);
        split_answer(&over, ten);
        assert_int_equal(over.outcome.kind, WIRE_FAILED_FOR_GOOD);
        assert_string_equal(over.outcome.code, "too_long");
        assert_non_null(strstr(over.outcome.why, "more than 16 replies"));
        assert_int_equal(over.outcome.provider, WIRE_PROVIDER_WELL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_fits_stays_whole),
                cmocka_unit_test(the_best_place_that_leaves_a_part_half_full_is_taken),
                cmocka_unit_test(a_word_that_is_too_long_is_cut_within),
                cmocka_unit_test(a_character_is_never_cut),
                cmocka_unit_test(what_is_seen_as_one_character_is_not_cut_where_that_can_be),
                cmocka_unit_test(a_part_of_nothing_but_white_space_is_left_out),
                cmocka_unit_test(more_parts_than_there_is_room_for_are_too_many),
                cmocka_unit_test(every_reply_is_cut_by_itself_and_in_order),
                cmocka_unit_test(an_answer_that_fits_is_not_touched),
                cmocka_unit_test(it_is_cut_tighter_before_it_is_refused),
        };

        return cmocka_run_group_tests_name("worker/split", tests, NULL, NULL);
}
