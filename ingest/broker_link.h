/* The way to the broker: sends the frames of the intake, hands it the acknowledgements, and says in the log when the
 * broker falls silent and when it is back. Whoever owns it waits for its descriptor and its time, and takes the
 * verdicts from the intake. */
#pragma once

#include "common/link.h"
#include "ingest/core/intake.h"

struct broker_link;

/* `intake` must outlive it. 0; a negative errno when libzmq does not take `endpoint`. */
MUST_USE int broker_link_new(const char *endpoint, struct intake *intake, struct broker_link **ret);
struct broker_link *broker_link_free(struct broker_link *link);
static inline void broker_link_cleanup(struct broker_link **link) { broker_link_free(*link); }
#define CLEANUP_BROKER_LINK CLEANUP(broker_link_cleanup)

/* Readable when broker_link_run() should be called. */
int broker_link_fd(const struct broker_link *link);
/* Sends what is due and takes in what has come. To be called after every wake and after every intake_push(). */
void broker_link_run(struct broker_link *link, struct mono now);
