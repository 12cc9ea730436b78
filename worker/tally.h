/* What a worker counts for each tenant, added up and told to the broker each second. Statistics: what a lost frame held
 * is lost. */
#pragma once

#include "worker/broker_link.h"
#include "worker/loop.h"

struct tally;

/* The loop must outlive it. */
struct tally *tally_new(struct loop *loop);
struct tally *tally_free(struct tally *tally);

/* Where it is told: to be said before anything is added. The link must outlive the last flush. */
void tally_set_link(struct tally *tally, struct broker_link *link);
void tally_add(struct tally *tally, const char *tenant, enum wire_tally what, uint64_t amount);
/* Tells what has not been told yet. */
void tally_flush(struct tally *tally);
