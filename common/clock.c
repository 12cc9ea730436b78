#include "common/clock.h"

#include "common/ensure.h"

#include <time.h>

static struct timespec read_clock(clockid_t id) {
        struct timespec ts;

        ENSURE(clock_gettime(id, &ts) == 0);
        return ts;
}

struct mono clock_mono(void) {
        struct timespec ts = read_clock(CLOCK_BOOTTIME);

        return (struct mono){(int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000};
}

struct wall clock_wall(void) {
        struct timespec ts = read_clock(CLOCK_REALTIME);

        return (struct wall){(int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000};
}

struct now clock_now(void) {
        return (struct now){.mono = clock_mono(), .wall = clock_wall()};
}

/* The calendar, counted in the years that begin in March: then the day that a leap year has more is its last. */
enum {
        DAYS_OF_4_YEARS = 1461,
        DAYS_OF_100_YEARS = 36524,
        DAYS_OF_400_YEARS = 146097,
        DAYS_FROM_MARCH_0_TO_1970 = 719468
};
/* A year of more than four digits would not fit, and no such time is meant: the first day of the year 10000. */
static const int64_t days_max = 2932897;

static char *put_digits(char *to, unsigned number, int n) {
        for (int i = n - 1; i >= 0; i--) {
                to[i] = (char)('0' + number % 10);
                number /= 10;
        }
        return to + n;
}

static char *put_date(char *to, unsigned days_since_1970) {
        unsigned days = days_since_1970 + DAYS_FROM_MARCH_0_TO_1970;
        unsigned era = days / DAYS_OF_400_YEARS, of_era = days % DAYS_OF_400_YEARS;
        unsigned year_of_era = (of_era - of_era / (DAYS_OF_4_YEARS - 1) + of_era / DAYS_OF_100_YEARS -
                                of_era / (DAYS_OF_400_YEARS - 1)) /
                               365;
        unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        /* Five months from March on have 153 days, and so have the five after these. */
        unsigned month_from_march = (5 * of_year + 2) / 153;
        unsigned day = of_year - (153 * month_from_march + 2) / 5 + 1;
        unsigned month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

        to = put_digits(to, era * 400 + year_of_era + (month <= 2), 4);
        *to++ = '-';
        to = put_digits(to, month, 2);
        *to++ = '-';
        return put_digits(to, day, 2);
}

const char *clock_text(struct wall at, char *text) {
        enum { MS_OF_DAY = 24 * 60 * 60 * 1000 };
        int64_t ms = at.ms < 0 || at.ms / MS_OF_DAY >= days_max ? 0 : at.ms;
        unsigned of_day = (unsigned)(ms % MS_OF_DAY);
        char *to = put_date(text, (unsigned)(ms / MS_OF_DAY));

        *to++ = 'T';
        to = put_digits(to, of_day / (60 * 60 * 1000), 2);
        *to++ = ':';
        to = put_digits(to, of_day / (60 * 1000) % 60, 2);
        *to++ = ':';
        to = put_digits(to, of_day / 1000 % 60, 2);
        *to++ = '.';
        to = put_digits(to, of_day % 1000, 3);
        *to++ = 'Z';
        *to = '\0';
        return text;
}
