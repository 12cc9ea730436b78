/* The broker's one loop: gather what came, step the core, commit once, then send. Nothing else sends, so nothing is
 * said before the facts it reveals are durable. */
#pragma once

#include "broker/core/core.h"
#include "broker/sockets.h"
#include "broker/store/store.h"
#include "common/histogram.h"

struct loop {
        struct core *core;
        struct store *store;
        struct sockets *sockets;
        struct config *config;
        struct effects fx;
        struct now now; /* of this turn */
        struct now started;
        uint64_t n_commits;
        struct histogram commit_us;
        struct question *questions; /* of this turn, to be answered after the commit */
        uint32_t n_questions;
        struct wire_message *scratch; /* a frame's messages */
        uint32_t n_messages;          /* of producers, in this turn */
        uint64_t *undelivered; /* fences of runs that could not be sent; known to the core in the next turn */
        uint32_t n_undelivered, undelivered_cap;
        struct buffer memory;
        int signal_fd;
        bool is_stopping;
};

/* Turns until SIGTERM or SIGINT. 0, or a negative errno when a commit failed: then nothing of that turn was said, and
 * the process must end. */
MUST_USE int loop_run(struct loop *loop);
