/* The broker's one loop: gather what came, step the core, commit once, then send (release.h). Nothing else sends, so
 * nothing is said before the facts it reveals are durable. */
#pragma once

#include "broker/commit.h"
#include "broker/core/core.h"
#include "broker/release.h"
#include "broker/room.h"
#include "broker/settings.h"
#include "broker/sockets.h"
#include "broker/store/store.h"
#include "common/histogram.h"

struct loop {
        struct core *core;
        struct store *store;
        struct sockets *sockets;
        struct settings *settings;
        const struct config *config; /* in force: the settings' */
        struct effects fx;
        struct now now; /* of this turn */
        struct now started;
        uint64_t n_commits;
        struct histogram commit_us;
        struct question *questions; /* of this turn, to be answered after the commit */
        uint32_t n_questions;
        struct wire_message *scratch; /* a frame's messages */
        uint32_t n_messages; /* of producers, in this turn */
        uint32_t n_worker_frames; /* in this turn, those of bundles too */
        uint64_t *undelivered; /* fences of runs that could not be sent; known to the core in the next turn */
        uint32_t n_undelivered, undelivered_cap;
        struct outbox outbox;
        struct buffer memory;
        struct room_watch room;
        uint64_t provider_changes, n_lost; /* that the log has told; n_lost: runs */
        int signal_fd;
        bool is_stopping, wants_reload;
};

/* Turns until SIGTERM or SIGINT. 0, or a negative errno when a commit failed: then nothing of that turn was said, and
 * the process must end. */
MUST_USE int loop_run(struct loop *loop);
/* How the loop waits for room on the disk. */
struct commit_wait loop_commit_wait(struct loop *loop);
/* Puts the settings in force, as they are now. */
void loop_configure(struct loop *loop);
