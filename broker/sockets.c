#include "broker/sockets.h"

#include "common/clock.h"
#include "common/ensure.h"
#include "common/memory.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <zmq.h>

enum { ENDPOINT_MAX = 256, BACKLOG = 1024 };
/* Heartbeats find a peer that vanished without a word: its leases end by their own clock, so all that waits for this is
 * a descriptor. Handshakes that dawdle hold one as well, so not for long. */
enum { HEARTBEAT_MS = 2000, HEARTBEAT_TIMEOUT_MS = 3000, HEARTBEAT_TTL_MS = 4000, HANDSHAKE_MS = 5000 };
/* At a clean stop, acknowledgements that are on their way may still leave. */
enum { LINGER_MS = 500 };

struct sockets {
        void *context, *sockets[SOCKET_N];
        char endpoints[SOCKET_N][ENDPOINT_MAX];
        int fds[SOCKET_N];
        /* Something was sent or received: what has come meanwhile may not make the descriptor readable any more. */
        bool is_stirred[SOCKET_N];
        zmq_msg_t *frames; /* held for the turn */
        size_t n_frames, frames_cap;
};

struct sockets *sockets_close(struct sockets *sockets) {
        if (!sockets)
                return NULL;
        sockets_release(sockets);
        for (int i = 0; i < SOCKET_N; i++)
                if (sockets->sockets[i])
                        zmq_close(sockets->sockets[i]);
        if (sockets->context)
                zmq_ctx_term(sockets->context);
        free(sockets->frames);
        free(sockets);
        return NULL;
}

static void set_option(void *socket, int option, int value) {
        ENSURE(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void set_options(void *socket, enum socket_name name) {
        int64_t frame_max = LIMIT_FRAME_BYTES;

        /* Without it, what cannot be delivered vanishes and the send still says it went. */
        set_option(socket, ZMQ_ROUTER_MANDATORY, 1);
        set_option(socket, ZMQ_SNDHWM, name == SOCKET_WORKERS ? LIMIT_QUEUED_FRAMES : LIMIT_QUEUED_ANSWERS);
        set_option(socket, ZMQ_RCVHWM, LIMIT_QUEUED_FRAMES);
        set_option(socket, ZMQ_LINGER, LINGER_MS);
        set_option(socket, ZMQ_BACKLOG, BACKLOG);
        set_option(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
        set_option(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
        set_option(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS);
        set_option(socket, ZMQ_HEARTBEAT_TTL, HEARTBEAT_TTL_MS);
        ENSURE(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max) == 0);
}

static int bind_socket(struct sockets *sockets, enum socket_name name, const char *endpoint, const char *key,
                       char **ret_error) {
        void *socket = zmq_socket(sockets->context, ZMQ_ROUTER);
        size_t len = ENDPOINT_MAX, fd_len = sizeof sockets->fds[name];
        int error;

        ENSURE(socket);
        sockets->sockets[name] = socket;
        sockets->is_stirred[name] = true;
        set_options(socket, name);
        ENSURE(zmq_getsockopt(socket, ZMQ_FD, &sockets->fds[name], &fd_len) == 0);
        if (zmq_bind(socket, endpoint) == 0 &&
            zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, sockets->endpoints[name], &len) == 0)
                return 0;
        error = zmq_errno();
        *ret_error = memory_print(
                "cannot listen on broker.%s %s: %s; is another lull-broker running, or is the address not of this host "
                "(broker.bind)?",
                key, endpoint, zmq_strerror(error));
        return -error;
}

int sockets_open(const struct config *config, struct sockets **ret, char **ret_error) {
        CLEANUP_SOCKETS struct sockets *sockets = memory_new(1, sizeof *sockets);
        int r;

        sockets->context = zmq_ctx_new();
        ENSURE(sockets->context);
        r = bind_socket(sockets, SOCKET_INGEST, config->broker.bind_ingest, "ingest", ret_error);
        if (r == 0)
                r = bind_socket(sockets, SOCKET_WORKERS, config->broker.bind_workers, "workers", ret_error);
        if (r == 0)
                r = bind_socket(sockets, SOCKET_STATS, config->broker.bind_stats, "stats", ret_error);
        if (r < 0)
                return r;
        *ret = TAKE(sockets);
        return 0;
}

const char *sockets_endpoint(const struct sockets *sockets, enum socket_name name) { return sockets->endpoints[name]; }

/* Is there a frame? Asking takes in what libzmq's thread has to tell, so that its descriptor speaks up for what comes
 * later, and for that only. */
static bool has_frames(struct sockets *sockets, int name) {
        int events = 0;
        size_t len = sizeof events;

        ENSURE(zmq_getsockopt(sockets->sockets[name], ZMQ_EVENTS, &events, &len) == 0);
        sockets->is_stirred[name] = events & ZMQ_POLLIN;
        return sockets->is_stirred[name];
}

/* The descriptors of the sockets, and `fd`: 0 when nothing came in time. */
static int wait_for_any(const struct sockets *sockets, struct pollfd *items, int fd, struct span timeout) {
        struct timespec longest = {.tv_sec = timeout.us / 1000000, .tv_nsec = timeout.us % 1000000 * 1000};

        for (int i = 0; i < SOCKET_N; i++)
                items[i] = (struct pollfd){.fd = sockets->fds[i], .events = POLLIN};
        items[SOCKET_N] = (struct pollfd){.fd = fd, .events = POLLIN};
        return ppoll(items, SOCKET_N + 1, &longest, NULL);
}

/* Not zmq_poll(): it knows only milliseconds, and asks everything twice. */
void sockets_wait(struct sockets *sockets, int fd, struct span timeout) {
        struct mono end = mono_add(clock_mono(), span_max(timeout, span_us(0)));
        struct pollfd items[SOCKET_N + 1];
        bool is_there = false;

        for (int i = 0; i < SOCKET_N; i++)
                if (sockets->is_stirred[i] && has_frames(sockets, i))
                        is_there = true;
        do {
                struct span left = is_there ? span_us(0) : span_max(timeout, span_us(0));
                int n = wait_for_any(sockets, items, fd, left);

                is_there = is_there || n <= 0 || items[SOCKET_N].revents != 0;
                for (int i = 0; n > 0 && i < SOCKET_N; i++)
                        if (items[i].revents != 0 && has_frames(sockets, i))
                                is_there = true;
                timeout = mono_since(end, clock_mono());
        } while (!is_there && timeout.us > 0);
}

static int receive_part(void *socket, zmq_msg_t *part) {
        int r;

        zmq_msg_init(part);
        do
                r = zmq_msg_recv(part, socket, ZMQ_DONTWAIT);
        while (r < 0 && errno == EINTR);
        if (r >= 0)
                return 0;
        ENSURE(errno == EAGAIN);
        zmq_msg_close(part);
        return 1;
}

/* All further parts of a message that has more than a frame should. */
static void drop_rest(void *socket, bool has_more) {
        while (has_more) {
                zmq_msg_t part;

                if (receive_part(socket, &part) != 0)
                        return;
                has_more = zmq_msg_more(&part);
                zmq_msg_close(&part);
        }
}

static zmq_msg_t *hold(struct sockets *sockets, zmq_msg_t *part) {
        zmq_msg_t *held;

        if (sockets->n_frames == sockets->frames_cap) {
                sockets->frames_cap = sockets->frames_cap ? sockets->frames_cap * 2 : LIMIT_FRAMES_PER_TURN * SOCKET_N;
                /* Moving a zmq_msg_t by its bytes would break it, so the array never grows while it holds any: it is
                 * made as large as a turn can need. */
                ENSURE(sockets->n_frames == 0);
                sockets->frames = memory_resize(sockets->frames, sockets->frames_cap, sizeof *sockets->frames);
        }
        held = &sockets->frames[sockets->n_frames++];
        zmq_msg_init(held);
        zmq_msg_move(held, part);
        return held;
}

int sockets_receive(struct sockets *sockets, enum socket_name name, struct frame *ret) {
        void *socket = sockets->sockets[name];
        zmq_msg_t id, part, *held;

        sockets->is_stirred[name] = true;
        while (receive_part(socket, &id) == 0) {
                struct address from = {.len = (uint8_t)zmq_msg_size(&id)};
                bool is_fitting = zmq_msg_size(&id) <= LIMIT_ADDRESS_LEN;

                if (is_fitting)
                        memcpy(from.data, zmq_msg_data(&id), from.len);
                is_fitting = is_fitting && zmq_msg_more(&id);
                zmq_msg_close(&id);
                if (receive_part(socket, &part) != 0)
                        return 1;
                if (!is_fitting || zmq_msg_more(&part)) {
                        drop_rest(socket, zmq_msg_more(&part));
                        zmq_msg_close(&part);
                        continue;
                }
                held = hold(sockets, &part);
                zmq_msg_close(&part);
                *ret = (struct frame){from, {zmq_msg_data(held), zmq_msg_size(held)}};
                return 0;
        }
        sockets->is_stirred[name] = false; /* libzmq has looked at everything before it said so */
        return 1;
}

void sockets_drop(struct sockets *sockets) {
        ENSURE(sockets->n_frames > 0);
        zmq_msg_close(&sockets->frames[--sockets->n_frames]);
}

void sockets_release(struct sockets *sockets) {
        for (size_t i = 0; i < sockets->n_frames; i++)
                zmq_msg_close(&sockets->frames[i]);
        sockets->n_frames = 0;
}

int sockets_send(struct sockets *sockets, enum socket_name name, const struct address *to, struct bytes frame) {
        void *socket = sockets->sockets[name];

        if (frame.len > LIMIT_FRAME_BYTES)
                return 1;
        sockets->is_stirred[name] = true;
        if (zmq_send(socket, to->data, to->len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
                ENSURE(errno == EHOSTUNREACH || errno == EAGAIN || errno == EINTR);
                return 1;
        }
        if (zmq_send(socket, frame.data, frame.len, ZMQ_DONTWAIT) < 0) {
                ENSURE(errno == EHOSTUNREACH || errno == EAGAIN || errno == EINTR);
                return 1;
        }
        return 0;
}
