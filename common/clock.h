/* The one door to the clocks: only a program's shell asks what time it is, and hands the answer to its core. */
#pragma once

#include "common/time.h"

struct now clock_now(void);
struct mono clock_mono(void);
struct wall clock_wall(void);

/* Room for a calendar time as RFC 3339 in UTC with milliseconds, NUL included. */
#define CLOCK_TEXT_MAX 32

/* Writes `at` as "2026-11-21T10:00:00.123Z" into `text` (CLOCK_TEXT_MAX bytes) and returns it. */
const char *clock_text(struct wall at, char *text);
