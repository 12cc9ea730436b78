/* What a turn has to say, once it is durable: acknowledgements, runs with what the store holds of them, whatever else
 * workers are told, and the answers to questions. Nothing else in the broker sends.
 *
 * All that one worker is told goes in bundles, if it takes them: a frame by itself costs both sides and the kernel more
 * than what it says. The order in which one peer is told things is kept. */
#pragma once

#include "broker/core/effects.h"

struct loop;

/* Whom workers' frames of this turn are for; { 0 } is empty. */
struct outbox {
        struct outbox_peer *peers;
        uint32_t n_peers, peers_cap;
        uint32_t *slots; /* of a hash table of peers; a slot that its peer does not name is free */
        size_t *next; /* of each of the turn's sends: the next one for the same peer */
        size_t next_cap;
        struct buffer frame;
};

void outbox_done(struct outbox *outbox);

/* Says it all. What is not delivered is made good: an ACK by the producer, who sends again; a RUN in the next turn; the
 * rest by workers, who ask again. 0, or a negative errno when the store is damaged. */
MUST_USE int release_turn(struct loop *loop);
