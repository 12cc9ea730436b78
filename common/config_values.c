#include "common/config_reader.h"

#include "common/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct unit {
        const char *name;
        int64_t factor;
};

/* From small to large, as the way back looks for the largest that fits. */
static const struct unit span_units[] = {
        {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", INT64_C(3600000000)}, {"d", INT64_C(86400000000)}, {0}};
static const struct unit size_units[] = {{"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {0}};

static int refuse(char **ret_why, const char *why) {
        *ret_why = memory_copy_text(why, strlen(why));
        return -EINVAL;
}

/* The digits in front; how many they are. A number past all of ours becomes INT64_MAX, which is over every bound: then
 * it is told to be too large. */
static size_t digits_decode(const char *text, int64_t *ret) {
        size_t len = strspn(text, "0123456789");

        *ret = len > 0 ? strtoll(text, NULL, 10) : 0;
        return len;
}

static int64_t times(int64_t number, int64_t factor) {
        return number > INT64_MAX / factor ? INT64_MAX : number * factor;
}

static const struct unit *unit_find(const struct unit *units, const char *name) {
        for (; units->name; units++)
                if (strcmp(units->name, name) == 0)
                        return units;
        return NULL;
}

int config_span_decode(const char *text, int64_t *ret_us, char **ret_why) {
        int64_t number;
        size_t len = digits_decode(text, &number);
        const struct unit *unit = len ? unit_find(span_units, text + len) : NULL;

        if (len && !text[len]) {
                *ret_why = memory_print("has no unit; write '%ss', '500ms' or '2m'", text);
                return -EINVAL;
        }
        if (!unit)
                return refuse(ret_why, "is no length of time; write a whole number and ms, s, m, h or d, such as '8s', "
                                       "'500ms' or '2m'");
        *ret_us = times(number, unit->factor);
        return 0;
}

int config_size_decode(const char *text, int64_t *ret_bytes, char **ret_why) {
        int64_t number;
        size_t len = digits_decode(text, &number);
        const struct unit *unit = len ? unit_find(size_units, text + len) : NULL;

        if (!unit)
                return refuse(ret_why,
                              "is no size; write bytes, or a whole number and KiB, MiB or GiB, such as '64KiB'");
        *ret_bytes = times(number, unit->factor);
        return 0;
}

int config_count_decode(const char *text, int64_t *ret, char **ret_why) {
        int64_t number;
        size_t len = digits_decode(text, &number);

        if (!len || text[len])
                return refuse(ret_why, "is no whole number; write digits only, such as '20'");
        *ret = number;
        return 0;
}

int config_flag_decode(const char *text, int64_t *ret, char **ret_why) {
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
                return refuse(ret_why, "is neither true nor false; write one of them");
        *ret = strcmp(text, "true") == 0;
        return 0;
}

/* By hand, as strtod() follows the locale and takes "inf" and "0x1p3". */
int config_ratio_decode(const char *text, int64_t *ret_thousandths, char **ret_why) {
        int64_t number, whole, scale = 1000;
        size_t len = digits_decode(text, &whole);

        if (!len || (text[len] && (text[len] != '.' || !text[len + 1])))
                return refuse(ret_why, "is no number; write it such as '2' or '0.1'");
        number = times(whole < INT64_MAX / scale ? whole : INT64_MAX / scale - 1, scale);
        for (const char *at = text[len] ? text + len + 1 : ""; *at; at++) {
                scale /= 10;
                if (*at < '0' || *at > '9' || scale == 0)
                        return refuse(ret_why,
                                      "is no number with at most three decimals; write it such as '2' or '0.125'");
                number += (*at - '0') * scale;
        }
        *ret_thousandths = number;
        return 0;
}

/* Nobody starts so many runs; and it fits its field. */
enum { RATE_MAX = 999999999 };

/* What a rate may be counted in. */
static const struct unit rate_units[] = {{"s", 1000000}, {"m", 60000000}, {"h", INT64_C(3600000000)}, {0}};

int config_rate_decode(const char *text, struct config_rate *ret, char **ret_why) {
        static const char no_limit[] = "none";
        int64_t number;
        size_t len = digits_decode(text, &number);
        const struct unit *unit = len && text[len] == '/' ? unit_find(rate_units, text + len + 1) : NULL;

        if (strcmp(text, no_limit) == 0)
                return *ret = (struct config_rate){0}, 0;
        if (!unit)
                return refuse(ret_why, "is no rate; write a whole number, '/' and s, m or h, such as '60/m', '5/s' or "
                                       "'1000/h', or none");
        if (number == 0)
                return refuse(ret_why, "would let nothing through; write 1 or more, such as '60/m', or none "
                                       "for no limit");
        if (number > RATE_MAX) {
                *ret_why = memory_print("is too large; at most %d in that time, or none for no limit", RATE_MAX);
                return -EINVAL;
        }
        *ret = (struct config_rate){(uint32_t)number, span_us(unit->factor)};
        return 0;
}

/* In the largest unit that leaves no rest. */
static char *amount_text(int64_t amount, const struct unit *units) {
        const struct unit *best = units;

        for (; units->name; units++)
                if (amount != 0 && amount % units->factor == 0)
                        best = units;
        return memory_print("%lld%s", (long long)(amount / best->factor), best->name);
}

/* People count in hours up to a week: "24h", "168h". */
enum { HOURS_MAX = 168 };

char *config_span_text(int64_t us) {
        int64_t hour = INT64_C(3600000000);

        if (us > HOURS_MAX * hour || us % hour != 0 || us == 0)
                return amount_text(us, us ? span_units : span_units + 1);
        return memory_print("%lldh", (long long)(us / hour));
}
char *config_size_text(int64_t bytes) { return amount_text(bytes, size_units); }
char *config_count_text(int64_t count) { return memory_print("%lld", (long long)count); }

char *config_ratio_text(int64_t thousandths) {
        char *text = memory_print("%lld.%03lld", (long long)(thousandths / 1000), (long long)(thousandths % 1000));
        size_t len = strlen(text);

        while (text[len - 1] == '0')
                len--;
        text[text[len - 1] == '.' ? len - 1 : len] = '\0';
        return text;
}

char *config_rate_text(const struct config_rate *rate) {
        const struct unit *unit = rate_units;

        if (rate->count == 0)
                return memory_copy_text("none", 4);
        while (unit[1].name && unit->factor != rate->per.us)
                unit++;
        return memory_print("%u/%s", rate->count, unit->name);
}
