/* A client's connection to the broker: one DEALER socket. The one door to libzmq for worker, ingest and the CLI; the
 * broker's own side is broker/sockets.h.
 *
 * Nothing is promised about delivery: lull/1 acknowledges what matters. A link reconnects by itself, for ever, with
 * 50 ms growing to 1 s between tries; what was queued for a connection that broke is dropped. */
#pragma once

#include "common/bytes.h"
#include "common/time.h"

struct link;

/* Connects to `endpoint`. 0; -EINVAL when libzmq takes it for no endpoint, other negative errnos from libzmq. */
MUST_USE int link_new(const char *endpoint, struct link **ret);
struct link *link_free(struct link *link);
static inline void link_cleanup(struct link **link) { link_free(*link); }
#define CLEANUP_LINK CLEANUP(link_cleanup)

/* For an event loop: readable when something may have happened. It is edge-triggered, and a send may eat the edge of a
 * receive: after every wake AND after every batch of sends, call link_receive() until it answers 1. */
int link_fd(const struct link *link);

/* Sends one frame; the bytes are copied. 0; 1 when there is no connection or its queue is full: the frame is not sent,
 * and the caller's own timer sends it again. */
MUST_USE int link_send(struct link *link, struct bytes frame);
/* 0 and *ret, valid until the next call on this link; 1 when nothing is there. Frames of several parts are dropped. */
MUST_USE int link_receive(struct link *link, struct bytes *ret);
/* For the CLI, which has no loop: waits until something is there (0), or `timeout` has passed (1). */
MUST_USE int link_wait(struct link *link, struct span timeout);
