/* outcome_retry_after(): the ways in which services say when to come again. */
#include "worker/core/outcome_private.h"

#include <stdlib.h>
#include <string.h>

/* -- Retry-After: seconds, or a date ------------------------------------------------------------------------------- */

/* Days from 1 January 1970 to a day of the Gregorian calendar, by the method of Howard Hinnant. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day) {
        int64_t shifted = year - (month <= 2), era = shifted / 400, of_era = shifted - era * 400;
        int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

        return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The `n` digits at `at`; -1 when they are none. */
static int64_t digits(const char *at, int n) {
        int64_t value = 0;

        for (int i = 0; i < n; i++) {
                if (at[i] < '0' || at[i] > '9')
                        return -1;
                value = value * 10 + (at[i] - '0');
        }
        return value;
}

/* Unix seconds of "Sun, 06 Nov 1994 08:49:37 GMT", the one form of RFC 9110 that is still sent; -1 for anything
 * else. */
static int64_t http_date(const char *text) {
        static const char shape[] = "Sun, 06 Nov 1994 08:49:37 GMT", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
        int64_t month = -1;

        if (strlen(text) != sizeof shape - 1 || strcmp(text + 25, " GMT") != 0)
                return -1;
        for (int i = 0; i < 12; i++)
                if (memcmp(text + 8, months + 3 * i, 3) == 0)
                        month = i + 1;
        int64_t day = digits(text + 5, 2), year = digits(text + 12, 4);
        int64_t hour = digits(text + 17, 2), minute = digits(text + 20, 2), second = digits(text + 23, 2);
        if (month < 0 || day < 0 || year < 1970 || hour < 0 || minute < 0 || second < 0)
                return -1;
        return days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

static struct span of_retry_after(const char *text, struct wall now) {
        char *end;
        int64_t s;

        if (!text || !*text)
                return span_s(0);
        s = strtol(text, &end, 10);
        if (*end != '\0')
                s = http_date(text) - now.ms / 1000;
        return span_s(s < 0 ? 0 : s > LIMIT_RETRY_AFTER_MAX_S ? LIMIT_RETRY_AFTER_MAX_S : s);
}

/* -- numbers with a unit ------------------------------------------------------------------------------------------- */

/* "3", "3.5", ".5": moves *at past it. False when there is no digit. */
static bool pop_number(const char **at, double *ret) {
        double value = 0, place = 1;
        bool is_number = false, is_fraction = false;

        for (; (**at >= '0' && **at <= '9') || (**at == '.' && !is_fraction); (*at)++) {
                if (**at == '.') {
                        is_fraction = true;
                        continue;
                }
                is_number = true;
                place = is_fraction ? place / 10 : place;
                value = is_fraction ? value + (**at - '0') * place : value * 10 + (**at - '0');
        }
        *ret = value;
        return is_number;
}

static double pop_unit_us(const char **at) {
        static const struct {
                const char *name;
                double us;
        } units[] = {{"ns", 0.001}, {"us", 1},  {"\xc2\xb5s", 1}, {"\xce\xbcs", 1},
                     {"ms", 1000},  {"s", 1e6}, {"m", 60e6},      {"h", 3600e6}};

        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
                size_t len = strlen(units[i].name);

                if (strncmp(*at, units[i].name, len) == 0) {
                        *at += len;
                        return units[i].us;
                }
        }
        return 0;
}

static struct span span_of_us(double us) {
        return us < LIMIT_RETRY_AFTER_MAX_S * 1e6 ? span_us((int64_t)us) : span_s(LIMIT_RETRY_AFTER_MAX_S);
}

/* A duration as Go prints it: "1h2m3.5s", "6m0s", "20ms". 0 for anything else. */
static struct span of_duration(const char *text) {
        double us = 0, number, unit;

        do {
                if (!pop_number(&text, &number) || (unit = pop_unit_us(&text)) <= 0)
                        return span_us(0);
                us += number * unit;
        } while (*text);
        return span_of_us(us);
}

static struct span of_milliseconds(const char *text) {
        double ms;

        if (!text || !pop_number(&text, &ms) || *text)
                return span_us(0);
        return span_of_us(ms * 1000);
}

static struct span of_limit(const char *left, const char *reset) {
        if (!left || !reset || strcmp(left, "0") != 0)
                return span_us(0);
        return of_duration(reset);
}

/* -- together ------------------------------------------------------------------------------------------------------ */

struct span outcome_limit_reset(const struct outcome_headers *headers) {
        return span_max(of_limit(headers->requests_left, headers->requests_reset),
                        of_limit(headers->tokens_left, headers->tokens_reset));
}

struct span outcome_retry_after(const struct outcome_headers *headers, struct wall now) {
        struct span span = of_milliseconds(headers->retry_after_ms);

        if (span.us == 0)
                span = of_retry_after(headers->retry_after, now);
        return span.us > 0 ? span : outcome_limit_reset(headers);
}
