#include "common/link.h"

#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <zmq.h>

/* Reconnect quickly at first, for a broker that restarts; never so often that many clients are a load. */
enum { RECONNECT_MS = 50, RECONNECT_MAX_MS = 1000 };
/* A peer that vanished without a word (cable pulled, host frozen) is noticed: it is asked so often, and has so long to
 * answer. Not oftener than the limit needs: each time wakes both ends, and is most of what they do when idle. */
enum { HEARTBEAT_MS = LIMIT_LINK_SILENCE_MS * 2 / 5, HEARTBEAT_TIMEOUT_MS = LIMIT_LINK_SILENCE_MS - HEARTBEAT_MS };
/* At close, what is queued may still leave for this long. */
enum { LINGER_MS = 2000 };

struct link {
        void *context, *socket;
        zmq_msg_t frame;
};

static void set_option(void *socket, int option, int value) {
        ENSURE(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void set_options(void *socket) {
        int64_t frame_max = LIMIT_FRAME_BYTES;

        set_option(socket, ZMQ_SNDHWM, LIMIT_QUEUED_FRAMES);
        set_option(socket, ZMQ_RCVHWM, LIMIT_QUEUED_FRAMES);
        set_option(socket, ZMQ_LINGER, LINGER_MS);
        /* Queue only for a connection that stands: what waits for one that does not would arrive late and twice. */
        set_option(socket, ZMQ_IMMEDIATE, 1);
        set_option(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
        set_option(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
        set_option(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
        set_option(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS);
        ENSURE(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0);
}

int link_new(const char *endpoint, struct link **ret) {
        CLEANUP_LINK struct link *link = memory_new(1, sizeof *link);

        zmq_msg_init(&link->frame);
        link->context = zmq_ctx_new();
        ENSURE(link->context);
        link->socket = zmq_socket(link->context, ZMQ_DEALER);
        if (!link->socket)
                return -errno;
        set_options(link->socket);
        if (zmq_connect(link->socket, endpoint) < 0)
                return -errno;
        *ret = TAKE(link);
        return 0;
}

struct link *link_free(struct link *link) {
        if (!link)
                return NULL;
        zmq_msg_close(&link->frame);
        if (link->socket)
                zmq_close(link->socket);
        zmq_ctx_term(link->context);
        free(link);
        return NULL;
}

int link_fd(const struct link *link) {
        int fd;
        size_t len = sizeof fd;

        ENSURE(zmq_getsockopt(link->socket, ZMQ_FD, &fd, &len) == 0);
        return fd;
}

int link_send(struct link *link, struct bytes frame) {
        ENSURE(frame.len <= LIMIT_FRAME_BYTES);
        if (zmq_send(link->socket, frame.data, frame.len, ZMQ_DONTWAIT) >= 0)
                return 0;
        ENSURE(errno == EAGAIN || errno == EINTR);
        return 1;
}

/* One part; 1 when there is none. */
static int receive_part(struct link *link) {
        int r;

        do
                r = zmq_msg_recv(&link->frame, link->socket, ZMQ_DONTWAIT);
        while (r < 0 && errno == EINTR);
        if (r >= 0)
                return 0;
        ENSURE(errno == EAGAIN);
        return 1;
}

int link_receive(struct link *link, struct bytes *ret) {
        bool is_single;

        do {
                if (receive_part(link) != 0)
                        return 1;
                is_single = !zmq_msg_more(&link->frame);
                while (zmq_msg_more(&link->frame))
                        if (receive_part(link) != 0)
                                return 1;
        } while (!is_single);
        *ret = (struct bytes){zmq_msg_data(&link->frame), zmq_msg_size(&link->frame)};
        return 0;
}

int link_wait(struct link *link, struct span timeout) {
        zmq_pollitem_t item = {.socket = link->socket, .events = ZMQ_POLLIN};
        int n = zmq_poll(&item, 1, timeout.us < 0 ? 0 : (long)((timeout.us + 999) / 1000));

        return n > 0 ? 0 : 1;
}
