/* Questions to the broker's stats socket, one at a time (PROTOCOL.md, section 6).
 *
 * A question is sent once: some of them change something, and a second copy would get another answer. An answer to an
 * earlier question that comes late is passed over. */
#pragma once

#include "broker/ctl/options.h"
#include "common/json.h"

struct ask;

/* Finds the endpoint and connects to it. `options` must outlive it. 0; a negative errno, which has been told on
 * stderr. */
MUST_USE int ask_new(const struct options *options, struct ask **ret);
struct ask *ask_free(struct ask *ask);
static inline void ask_cleanup(struct ask **ask) { ask_free(*ask); }
#define CLEANUP_ASK CLEANUP(ask_cleanup)

/* Takes `question`. 0 and *ret, the answer; 1 and *ret, the broker's refusal (an object with "error"); -ETIMEDOUT. The
 * caller owns *ret. Prints nothing. */
MUST_USE int ask_question(struct ask *ask, json_t *question, json_t **ret);
/* Says on stderr why ask_question() answered `r`, other than 0. */
void ask_report(const struct ask *ask, int r, const json_t *answer);

/* All of it at once, for a command that asks once and prints: 0 and *ret; else what went wrong has been told. */
MUST_USE int ask_broker(const struct options *options, json_t *question, json_t **ret);
