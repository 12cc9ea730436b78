#include "common/item_at.h"

#include <errno.h>
#include <string.h>

/* Seconds since 1970 reach the lower bound in the year 5138, milliseconds had it in 1973: below it, seconds were
 * meant. */
#define MS_MIN INT64_C(100000000000)
/* The last millisecond of the year 9999, the last that RFC 3339 can write. */
#define MS_MAX INT64_C(253402300799999)

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

int item_at_of_number(int64_t ms, struct wall *ret) {
        if (ms < MS_MIN || ms > MS_MAX)
                return -EBADMSG;
        ret->ms = ms;
        return 0;
}

/* Days since 1970-01-01 of a day of the Gregorian calendar. Years are counted from March, so that the leap day ends
 * one. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day) {
        int64_t y = month <= 2 ? year - 1 : year;
        int64_t era_year = y % 400;
        int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

        return y / 400 * 146097 + era_year * 365 + era_year / 4 - era_year / 100 + day_of_year - 719468;
}

static int64_t days_of_month(int64_t year, int64_t month) {
        return days_since_1970(month == 12 ? year + 1 : year, month % 12 + 1, 1) - days_since_1970(year, month, 1);
}

/* What is left to read; the first thing that does not fit empties it for good. */
struct cursor {
        const char *at;
        size_t left;
        bool is_bad;
};

static char peek(const struct cursor *cursor) { return cursor->left > 0 ? *cursor->at : '\0'; }

static void skip(struct cursor *cursor) {
        cursor->at++;
        cursor->left--;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static int64_t pop_digits(struct cursor *cursor, int n, int64_t min, int64_t max) {
        int64_t value = 0;

        for (int i = 0; i < n && !cursor->is_bad; i++) {
                cursor->is_bad = !is_digit(peek(cursor));
                if (cursor->is_bad)
                        return min;
                value = value * 10 + (peek(cursor) - '0');
                skip(cursor);
        }
        cursor->is_bad = cursor->is_bad || value < min || value > max;
        return cursor->is_bad ? min : value;
}

static void pop_one_of(struct cursor *cursor, const char *allowed) {
        if (peek(cursor) == '\0' || !strchr(allowed, peek(cursor)))
                cursor->is_bad = true;
        if (!cursor->is_bad)
                skip(cursor);
}

/* ".123456", or nothing; in milliseconds. */
static int64_t pop_fraction(struct cursor *cursor) {
        int64_t ms = 0, weight = 100;

        if (cursor->is_bad || peek(cursor) != '.')
                return 0;
        skip(cursor);
        cursor->is_bad = !is_digit(peek(cursor));
        for (; is_digit(peek(cursor)); skip(cursor), weight /= 10)
                ms += (peek(cursor) - '0') * weight;
        return ms;
}

/* "Z", "+01:00" or "-03:00", in seconds east of Greenwich. */
static int64_t pop_offset(struct cursor *cursor) {
        int64_t sign = peek(cursor) == '-' ? -1 : 1, hours, minutes;

        if (peek(cursor) == 'Z' || peek(cursor) == 'z') {
                skip(cursor);
                return 0;
        }
        pop_one_of(cursor, "+-");
        hours = pop_digits(cursor, 2, 0, 23);
        pop_one_of(cursor, ":");
        minutes = pop_digits(cursor, 2, 0, 59);
        return sign * (hours * HOUR_S + minutes * MINUTE_S);
}

static int64_t pop_day(struct cursor *cursor) {
        int64_t year, month, day;

        year = pop_digits(cursor, 4, 1, 9999);
        pop_one_of(cursor, "-");
        month = pop_digits(cursor, 2, 1, 12);
        pop_one_of(cursor, "-");
        day = pop_digits(cursor, 2, 1, days_of_month(year, month));
        return days_since_1970(year, month, day);
}

/* A leap second, :60, is the first of the next minute. */
static int64_t pop_second_of_day(struct cursor *cursor) {
        int64_t hours, minutes;

        hours = pop_digits(cursor, 2, 0, 23);
        pop_one_of(cursor, ":");
        minutes = pop_digits(cursor, 2, 0, 59);
        pop_one_of(cursor, ":");
        return hours * HOUR_S + minutes * MINUTE_S + pop_digits(cursor, 2, 0, 60);
}

int item_at_of_text(struct bytes text, struct wall *ret) {
        struct cursor cursor = {text.data, text.len, false};
        int64_t seconds, ms;

        seconds = pop_day(&cursor) * DAY_S;
        pop_one_of(&cursor, "Tt ");
        seconds += pop_second_of_day(&cursor);
        ms = pop_fraction(&cursor);
        seconds -= pop_offset(&cursor);
        if (cursor.is_bad || cursor.left > 0)
                return -EBADMSG;
        return item_at_of_number(seconds * 1000 + ms, ret);
}
