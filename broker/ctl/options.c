#include "broker/ctl/options.h"

#include "common/memory.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const struct options_rule help_rule = {.name = "help", .letter = 'h', .help = "print this"};

static bool is_option(const char *word) {
        return word[0] == '-' && word[1] != '\0' && !isdigit((unsigned char)word[1]);
}

/* The rule of "--name", "--name=value" or "-n"; *ret_value is what follows '=', or NULL. */
static const struct options_rule *find_rule(const struct options_rule *rules, const char *word,
                                            const char **ret_value) {
        bool is_long = word[1] == '-';
        const char *name = word + (is_long ? 2 : 1);
        size_t len = strcspn(name, "=");

        *ret_value = name[len] == '=' ? name + len + 1 : NULL;
        for (; rules->name; rules++) {
                if (is_long && strlen(rules->name) == len && strncmp(rules->name, name, len) == 0)
                        return rules;
                if (!is_long && len == 1 && rules->letter == *name)
                        return rules;
        }
        return NULL;
}

static bool is_help(const char *word) { return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0; }

static bool has_value(const struct options_rule *rule) { return !rule->flag; }

int options_decode_count(const char *text, uint64_t *ret) {
        uint64_t count = 0;

        if (*text == '\0')
                return -EINVAL;
        for (; *text; text++) {
                if (!isdigit((unsigned char)*text))
                        return -EINVAL;
                count = count * 10 + (uint64_t)(*text - '0');
                if (count > UINT32_MAX)
                        return -EINVAL;
        }
        *ret = count;
        return 0;
}

int options_decode_span(const char *text, struct span *ret) {
        static const struct {
                const char *name;
                int64_t us;
        } units[] = {{"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000}, {"d", 86400000000}};
        static const int64_t longest_us = INT64_C(366) * 24 * 3600 * 1000000;
        size_t digits = strspn(text, "0123456789"), i = 0;
        CLEANUP_FREE char *number = memory_copy_text(text, digits);
        uint64_t count;

        while (i < sizeof units / sizeof *units && strcmp(text + digits, units[i].name) != 0)
                i++;
        if (digits == 0 || i == sizeof units / sizeof *units)
                return -EINVAL;
        if (options_decode_count(number, &count) < 0 || count > (uint64_t)(longest_us / units[i].us))
                return -ERANGE;
        *ret = span_us((int64_t)count * units[i].us);
        return 0;
}

/* What the option takes instead. */
static const char *wanted(const struct options_rule *rule, int error) {
        if (rule->count)
                return "takes a whole number";
        if (error == -ERANGE)
                return "is at most 8784h (366 days)";
        return "takes a number and its unit, such as 250ms, 8s, 30m, 2h or 7d";
}

static int push_value(const struct options_rule *rule, const char *value, char **ret_error) {
        if (rule->list->n == OPTIONS_LIST_MAX) {
                *ret_error = memory_print("--%s may stand %d times", rule->name, OPTIONS_LIST_MAX);
                return -EINVAL;
        }
        if (rule->separator && !strchr(value, rule->separator)) {
                *ret_error = memory_print("--%s takes \"%s\", not '%s'", rule->name, rule->value, value);
                return -EINVAL;
        }
        rule->list->items[rule->list->n++] = value;
        return 0;
}

static int store_value(const struct options_rule *rule, const char *value, char **ret_error) {
        int r = 0;

        if (rule->list)
                return push_value(rule, value, ret_error);
        if (rule->text)
                *rule->text = value;
        else if (rule->count)
                r = options_decode_count(value, rule->count);
        else
                r = options_decode_span(value, rule->span);
        if (r < 0)
                *ret_error = memory_print("--%s %s, not '%s'", rule->name, wanted(rule, r), value);
        return r < 0 ? -EINVAL : 0;
}

/* Reads the option at argv[*at] and moves *at to the last word it took. */
static int parse_option(const struct options_rule *rules, int argc, char **argv, int *at, char **ret_error) {
        const char *word = argv[*at], *value;
        const struct options_rule *rule = find_rule(rules, word, &value);

        if (!rule) {
                *ret_error = memory_print("there is no option '%s'", word);
                return -EINVAL;
        }
        if (!has_value(rule)) {
                if (value)
                        return *ret_error = memory_print("--%s takes no value", rule->name), -EINVAL;
                *rule->flag = true;
                return 0;
        }
        if (!value && *at + 1 == argc) {
                *ret_error = memory_print("--%s needs its %s", rule->name, rule->value);
                return -EINVAL;
        }
        return store_value(rule, value ? value : argv[++*at], ret_error);
}

int options_parse(const struct options_rule *rules, int argc, char **argv, struct options_operands *ret,
                  char **ret_error) {
        struct options_operands operands = {argv + 1, 0};
        bool has_ended = false;

        for (int i = 1; i < argc; i++) {
                int r;

                if (!has_ended && strcmp(argv[i], "--") == 0) {
                        has_ended = true;
                        continue;
                }
                if (has_ended || !is_option(argv[i])) {
                        operands.words[operands.n++] = argv[i];
                        continue;
                }
                if (is_help(argv[i]))
                        return 1;
                r = parse_option(rules, argc, argv, &i, ret_error);
                if (r < 0)
                        return r;
        }
        *ret = operands;
        return 0;
}

static void push_rule(const struct options_rule *rule, struct buffer *text) {
        const char *value = rule->value ? rule->value : "";
        int width = (int)(strlen(rule->name) + strlen(value));

        if (rule->letter)
                buffer_print(text, "  -%c, ", rule->letter);
        else
                buffer_push_text(text, "      ");
        /* The help column begins behind the longest pair of name and value there is. */
        buffer_print(text, "--%s %s%*s %s\n", rule->name, value, width < 18 ? 18 - width : 0, "", rule->help);
}

void options_encode_help(const struct options_rule *rules, struct buffer *text) {
        buffer_push_text(text, "Options:\n");
        for (; rules->name; rules++)
                push_rule(rules, text);
        push_rule(&help_rule, text);
}
