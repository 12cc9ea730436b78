/* The `at` of a message: when the person sent it, as producers write it. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

/* Unix milliseconds. 0; -EBADMSG outside the years 1973 to 9999, where seconds or microseconds were meant. */
MUST_USE int item_at_of_number(int64_t ms, struct wall *ret);
/* RFC 3339, such as "2026-11-21T10:00:00.123+01:00"; below milliseconds it is cut. 0; -EBADMSG. */
MUST_USE int item_at_of_text(struct bytes text, struct wall *ret);
