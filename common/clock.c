#include "common/clock.h"

#include "common/ensure.h"

#include <stdio.h>
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

struct now clock_now(void) {
        struct timespec ts = read_clock(CLOCK_REALTIME);

        return (struct now){
                .mono = clock_mono(),
                .wall = {(int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000},
        };
}

const char *clock_text(struct wall at, char *text) {
        int64_t ms = at.ms < 0 ? 0 : at.ms;
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        size_t len;

        /* A year of more than four digits would not fit, and no such time is meant. */
        if (!gmtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900)
                seconds = 0, ms = 0, gmtime_r(&seconds, &tm);
        len = strftime(text, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(text + len, CLOCK_TEXT_MAX - len, ".%03dZ", (int)(ms % 1000));
        return text;
}
