/* The broker's three doors: ROUTER sockets for producers, workers and questions. The broker's one door
 * to libzmq. */
#pragma once

#include "broker/core/effects.h"
#include "common/bytes.h"
#include "common/config.h"
#include "common/time.h"

struct sockets;

enum socket_name { SOCKET_INGEST, SOCKET_WORKERS, SOCKET_STATS, SOCKET_N };

/* Binds the endpoints of the config. 0, or a negative errno and *ret_error (the caller frees). Signals must be blocked
 * before: libzmq's threads inherit that. */
MUST_USE int sockets_open(const struct config *config, struct sockets **ret, char **ret_error);
struct sockets *sockets_close(struct sockets *sockets);
static inline void sockets_cleanup(struct sockets **sockets) { sockets_close(*sockets); }
#define CLEANUP_SOCKETS CLEANUP(sockets_cleanup)

/* Where a socket is bound, with the port that was chosen if the config left it open. */
const char *sockets_endpoint(const struct sockets *sockets, enum socket_name name);
/* Until something is there, on a socket or on `fd`, or `timeout` has passed. */
void sockets_wait(struct sockets *sockets, int fd, struct span timeout);

/* A frame that came; its data lives until sockets_release(). */
struct frame {
        struct address from;
        struct bytes data;
};

/* 0 and *ret; 1 when nothing is there. What is no frame of one part, or from too long an address, is dropped. */
MUST_USE int sockets_receive(struct sockets *sockets, enum socket_name name, struct frame *ret);
/* Frees the frame that was received last. */
void sockets_drop(struct sockets *sockets);
/* Frees every frame received since the last release. */
void sockets_release(struct sockets *sockets);

/* 0; 1 when the peer is gone or takes nothing in: the frame is not sent. Never waits. */
MUST_USE int sockets_send(struct sockets *sockets, enum socket_name name, const struct address *to, struct bytes frame);
