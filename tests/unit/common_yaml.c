#include "tests/unit/unit.h"

#include "common/limits.h"
#include "common/memory.h"
#include "common/yaml.h"

#include <errno.h>
#include <string.h>

static struct yaml_node *decode(const char *text) {
        struct yaml_node *root;
        char *error = NULL;

        if (yaml_decode("f.yaml", bytes_of(text), &root, &error) != 0)
                fail_msg("%s", error);
        return root;
}

static void assert_refused(struct bytes text, const char *begin) {
        CLEANUP_FREE char *error = NULL;
        struct yaml_node *root = NULL;

        assert_int_equal(yaml_decode("f.yaml", text, &root, &error), -EBADMSG);
        assert_null(root);
        if (strncmp(error, begin, strlen(begin)) != 0)
                fail_msg("'%s' does not begin with '%s'", error, begin);
}

static void maps_lists_and_texts_become_a_tree(void **state) {
        CLEANUP_YAML struct yaml_node *root = decode("a: 1\nb:\n  - x\n  - {c: 'y'}\nd: {}\n");
        const struct yaml_node *list = yaml_find(root, "b");

        assert_int_equal(root->kind, YAML_MAP);
        assert_int_equal(root->n, 3);
        assert_string_equal(yaml_find_text(root, "a"), "1");
        assert_int_equal(list->kind, YAML_LIST);
        assert_string_equal(list->items[0].text, "x");
        assert_string_equal(yaml_find_text(&list->items[1], "c"), "y");
        assert_true(yaml_find(&list->items[1], "c")->is_quoted);
        assert_false(yaml_find(root, "a")->is_quoted);
        assert_int_equal(yaml_find(root, "d")->n, 0);
        assert_null(yaml_find(root, "e"));
        assert_null(yaml_find_text(root, "b"));
        assert_null(yaml_find(list, "b"));
}

static void every_node_knows_its_place(void **state) {
        CLEANUP_YAML struct yaml_node *root = decode("# first\na:\n  b: 1\n  c:\n    - 2\n");
        const struct yaml_node *a = yaml_find(root, "a");

        assert_int_equal(a->line, 2);
        assert_int_equal(yaml_find(a, "b")->line, 3);
        assert_int_equal(yaml_find(a, "b")->column, 3);
        assert_int_equal(yaml_find(a, "c")->items[0].line, 5);
        assert_int_equal(yaml_find(a, "c")->items[0].column, 7);
}

static void a_missing_value_is_null_and_a_quoted_one_is_not(void **state) {
        CLEANUP_YAML struct yaml_node *root = decode("a:\nb: ~\nc: null\nd: ''\ne: 'null'\n");

        assert_true(yaml_is_null(yaml_find(root, "a")));
        assert_true(yaml_is_null(yaml_find(root, "b")));
        assert_true(yaml_is_null(yaml_find(root, "c")));
        assert_false(yaml_is_null(yaml_find(root, "d")));
        assert_false(yaml_is_null(yaml_find(root, "e")));
}

static void nothing_is_an_empty_map(void **state) {
        static const char *const texts[] = {"", "# only a comment\n"};

        for (size_t i = 0; i < 2; i++) {
                CLEANUP_YAML struct yaml_node *root = decode(texts[i]);

                assert_int_equal(root->kind, YAML_MAP);
                assert_int_equal(root->n, 0);
        }
}

static void an_alias_is_a_copy_of_its_anchor(void **state) {
        CLEANUP_YAML struct yaml_node *root = decode("a: &x {k: v}\nb: *x\n");

        assert_string_equal(yaml_find_text(yaml_find(root, "b"), "k"), "v");
        assert_int_equal(yaml_find(root, "b")->line, 2);
}

static void broken_yaml_is_refused_with_its_line(void **state) {
        assert_refused(bytes_of("a: 1\nb: [1, 2\nc: 3\n"), "f.yaml:3: ");
        assert_refused(bytes_of("a: 1\n\tb: 2\n"), "f.yaml:2: ");
        assert_refused(bytes_of("a: *nowhere\n"), "f.yaml:1: ");
        assert_refused((struct bytes){"a: \xff\n", 5}, "f.yaml:");
        assert_refused((struct bytes){"a: \0b", 5}, "f.yaml:");
}

static void what_has_no_meaning_here_is_refused(void **state) {
        assert_refused(bytes_of("a: 1\nb: 2\na: 3\n"),
                       "f.yaml:3: key 'a' stands twice here, first in line 1; keep one of them");
        assert_refused(bytes_of("a: 1\n---\nb: 2\n"), "f.yaml:2: a second document ('---') begins here");
        assert_refused(bytes_of("a: !!int 3\n"), "f.yaml:1: a tag");
        assert_refused(bytes_of("a: !secret 3\n"), "f.yaml:1: a tag");
        assert_refused(bytes_of("? [a, b]\n: 1\n"), "f.yaml:1: a key must be one plain word");
        assert_refused(bytes_of("a: \"x\\0y\"\n"), "f.yaml:1: a text here holds a NUL");
}

static void what_nests_without_end_is_refused(void **state) {
        CLEANUP_BUFFER struct buffer text = {0};

        assert_refused(bytes_of("a: &x\n  b: *x\n"), "f.yaml:");
        for (int i = 0; i < LIMIT_YAML_DEPTH + 2; i++)
                buffer_push_text(&text, "[");
        for (int i = 0; i < LIMIT_YAML_DEPTH + 2; i++)
                buffer_push_text(&text, "]");
        assert_refused(buffer_bytes(&text), "f.yaml:1: nested too deep here");
}

static void aliases_that_double_each_other_are_refused(void **state) {
        CLEANUP_BUFFER struct buffer text = {0};

        buffer_push_text(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 9; i++)
                buffer_print(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
                             i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        assert_refused(buffer_bytes(&text), "f.yaml:");
}

/* Each would keep a reader busy that looks at what it has read only when it has read all. */
static void what_is_written_to_take_long_ends_at_once(void **state) {
        static const char *const parts[] = {"[", "{a: ", "- ", "? "};
        CLEANUP_BUFFER struct buffer text = {0};

        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
                buffer_clear(&text);
                while (text.len < (4 << 20))
                        buffer_push_text(&text, parts[i]);
                assert_refused(buffer_bytes(&text), "f.yaml:1: nested too deep here");
        }
        buffer_clear(&text);
        for (int i = 0; i < 200000; i++)
                buffer_print(&text, "a%d: &a%d x\n", i, i);
        assert_refused(buffer_bytes(&text), "f.yaml:1001: too many anchors");
        buffer_clear(&text);
        while (text.len < LIMIT_CONFIG_BYTES - 10)
                buffer_push_text(&text, "-\n");
        assert_refused(buffer_bytes(&text), "f.yaml:500000: too much in one file");
        buffer_clear(&text);
        buffer_push_text(&text, "# one\n");
        for (int i = 0; i < 100000; i++)
                buffer_print(&text, "%%TAG !a%d! b\n", i);
        assert_refused(buffer_bytes(&text), "f.yaml:2: a %TAG has no meaning here");
}

static void anchors_are_one_of_a_name_and_ended_before_their_aliases(void **state) {
        assert_refused(bytes_of("a: &x 1\nb: &x 2\n"), "f.yaml:2: this anchor ('&...') stands twice");
        assert_refused(bytes_of("a: 1\nb: *x\n"), "f.yaml:2: this alias ('*...') has no anchor before it");
        assert_refused(bytes_of("a: &x\n  b: *x\n"), "f.yaml:2: an alias must not stand inside its own anchor");
}

static void an_alias_stands_for_all_that_is_below_its_anchor(void **state) {
        CLEANUP_YAML struct yaml_node *root = decode("&k a: &x {p: [1, 'q'], r: &y {s: t}}\n"
                                                     "b: [*x, *y]\nc: *y\nd: *k\ne: {*k : 7}\n");
        const struct yaml_node *list = yaml_find(root, "b");
        const struct yaml_node *first = &list->items[0];

        assert_int_equal(list->n, 2);
        assert_string_equal(yaml_find(first, "p")->items[0].text, "1");
        assert_true(yaml_find(first, "p")->items[1].is_quoted);
        assert_int_equal(yaml_find(first, "p")->line, 1);
        assert_string_equal(yaml_find_text(yaml_find(first, "r"), "s"), "t");
        assert_string_equal(yaml_find_text(&list->items[1], "s"), "t");
        assert_string_equal(yaml_find_text(yaml_find(root, "c"), "s"), "t");
        assert_string_equal(yaml_find_text(root, "d"), "a");
        assert_string_equal(yaml_find_text(yaml_find(root, "e"), "a"), "7");
}

static void marks_of_an_editor_do_no_harm(void **state) {
        CLEANUP_YAML struct yaml_node *root = decode("\xef\xbb\xbf%YAML 1.1\n---\na: !!str 1 # %TAG\nb: ! x\n...\n");

        assert_string_equal(yaml_find_text(root, "a"), "1");
        assert_string_equal(yaml_find_text(root, "b"), "x");
}

static void a_huge_file_is_refused(void **state) {
        CLEANUP_FREE char *text = memory_new(LIMIT_CONFIG_BYTES + 1, 1);

        memset(text, '#', LIMIT_CONFIG_BYTES + 1);
        assert_refused((struct bytes){text, LIMIT_CONFIG_BYTES + 1}, "f.yaml:1: the file is over ");
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(maps_lists_and_texts_become_a_tree),
                cmocka_unit_test(every_node_knows_its_place),
                cmocka_unit_test(a_missing_value_is_null_and_a_quoted_one_is_not),
                cmocka_unit_test(nothing_is_an_empty_map),
                cmocka_unit_test(an_alias_is_a_copy_of_its_anchor),
                cmocka_unit_test(broken_yaml_is_refused_with_its_line),
                cmocka_unit_test(what_has_no_meaning_here_is_refused),
                cmocka_unit_test(what_nests_without_end_is_refused),
                cmocka_unit_test(aliases_that_double_each_other_are_refused),
                cmocka_unit_test(what_is_written_to_take_long_ends_at_once),
                cmocka_unit_test(anchors_are_one_of_a_name_and_ended_before_their_aliases),
                cmocka_unit_test(an_alias_stands_for_all_that_is_below_its_anchor),
                cmocka_unit_test(marks_of_an_editor_do_no_harm),
                cmocka_unit_test(a_huge_file_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
