/* The network: each client (a worker, a producer, an operator) has one connection to the broker at a time. Within a
 * connection frames keep their order and none is lost; when it breaks, what is under way is gone. That is what TCP and
 * ZeroMQ give. A break may go unnoticed: then what is sent meanwhile is lost too.
 *
 * Takes the place of broker/sockets.c and common/link.c, the doors to libzmq. */
#include "broker/sockets.h"
#include "common/limits.h"
#include "common/link.h"
#include "common/memory.h"
#include "tests/sim/check.h"
#include "tests/sim/net.h"
#include "tests/sim/sim.h"

#include <string.h>

enum {
        TRIP_US = 200, /* one way, at its best */
        TRIP_MAX_US = 300000,
        NOTICE_RESET_US = 5000,
        /* A client's heartbeats notice a silent cut within this (common/link.c)... */
        NOTICE_CLIENT_US = LIMIT_LINK_SILENCE_MS * 1000,
        /* ... the broker's own (broker/sockets.c) within this. */
        NOTICE_BROKER_US = 4000000,
        RECONNECT_US = 50000,
        RECONNECT_MAX_US = 1000000,
};

struct flight {
        struct flight *next;
        struct connection *connection;
        size_t len;
        uint8_t data[];
};

struct queue {
        struct flight *first, **end;
};

struct connection {
        struct connection *next;
        struct link *link;
        uint32_t number;
        bool is_open_up, is_open_down; /* as the client, as the broker sees it */
        bool is_deaf_up, is_deaf_down; /* frames vanish on their way */
        int64_t last_up, last_down; /* when the last frame arrives: none overtakes it */
};

struct link {
        struct link *next;
        struct process *process;
        uint32_t generation; /* of the process */
        enum socket_name door;
        struct connection *connection; /* NULL = none stands, as the client sees it */
        int64_t blocked_until; /* no connection can be made */
        struct queue inbox;
        struct flight *held; /* given out by link_receive() */
        void (*on_ready)(void *context);
        void *context;
        bool is_closed;
};

struct sockets {
        struct queue inboxes[SOCKET_N];
};

static struct {
        struct link *links;
        struct connection *connections;
        struct sockets sockets;
        uint32_t n_connections;
        int64_t broker_stopped_until;
        int n_may_leave; /* -1 = no end */
        bool has_left_some; /* since that was last said */
} net;

static void queue_init(struct queue *queue) { *queue = (struct queue){NULL, &queue->first}; }

static void queue_push(struct queue *queue, struct flight *flight) {
        flight->next = NULL;
        *queue->end = flight;
        queue->end = &flight->next;
}

static struct flight *queue_pop(struct queue *queue) {
        struct flight *flight = queue->first;

        if (!flight)
                return NULL;
        queue->first = flight->next;
        if (!queue->first)
                queue->end = &queue->first;
        return flight;
}

void net_init(void) {
        memset(&net, 0, sizeof net);
        net.n_may_leave = -1;
        for (int i = 0; i < SOCKET_N; i++)
                queue_init(&net.sockets.inboxes[i]);
}

void net_done(void) {}

struct sockets *net_sockets(void) {
        return &net.sockets;
}

/* -- connecting ---------------------------------------------------------------------------------------------------- */

static struct connection *find(const struct address *address) {
        uint32_t number;

        memcpy(&number, address->data, sizeof number);
        for (struct connection *connection = net.connections; connection; connection = connection->next)
                if (connection->number == number)
                        return connection;
        return NULL;
}

static void on_ready(void *context, uint64_t token) {
        struct link *link = context;

        if (!link->is_closed && link->on_ready)
                link->on_ready(link->context);
}

static void on_connect(void *context, uint64_t token) {
        struct link *link = context;
        struct connection *connection;

        if (link->is_closed || link->connection)
                return;
        if (!broker_process.is_up || net.broker_stopped_until > sim_time() || link->blocked_until > sim_time()) {
                sim_at(sim_time() + sim_delay(RECONNECT_US, RECONNECT_MAX_US), link->process, on_connect, link, 0);
                return;
        }
        connection = sim_new(sizeof *connection);
        *connection = (struct connection){.next = net.connections, .link = link, .number = ++net.n_connections};
        connection->is_open_up = connection->is_open_down = true;
        net.connections = link->connection = connection;
        sim_at(sim_time(), link->process, on_ready, link, 0);
}

/* The client finds that the connection is gone. */
static void on_client_notices(void *context, uint64_t token) {
        struct connection *connection = context;
        struct link *link = connection->link;

        connection->is_open_up = false;
        connection->is_deaf_up = connection->is_deaf_down = true;
        if (link->connection != connection)
                return;
        link->connection = NULL;
        if (!link->is_closed)
                sim_at(sim_time() + sim_delay(RECONNECT_US, RECONNECT_MAX_US), link->process, on_connect, link, 0);
}

static void on_broker_notices(void *context, uint64_t token) {
        struct connection *connection = context;

        connection->is_open_down = false;
        connection->is_deaf_up = connection->is_deaf_down = true;
}

static void notice(struct connection *connection, int64_t client_us, int64_t broker_us) {
        struct process *process = connection->link->process;

        sim_at(sim_time() + client_us, process, on_client_notices, connection, 0);
        sim_at(sim_time() + broker_us, NULL, on_broker_notices, connection, 0);
}

static int64_t within(int64_t us) {
        return sim.profile.is_still ? us / 2 : us / 8 + (int64_t)sim_roll((uint32_t)(us - us / 8));
}

void net_cut(struct process *process, enum net_cut cut, int64_t for_us) {
        struct link *link = net_link_of(process);
        struct connection *connection = link ? link->connection : NULL;

        if (!connection)
                return;
        link->blocked_until = sim_time() + for_us;
        connection->is_deaf_up = cut != NET_ONE_WAY_DOWN;
        connection->is_deaf_down = cut != NET_ONE_WAY_UP;
        if (cut == NET_RESET)
                notice(connection, within(NOTICE_RESET_US), within(NOTICE_RESET_US));
        else if (cut == NET_ONE_WAY_UP) {
                /* What still comes down keeps the client's own heartbeat content: it is the broker that notices, and
                 * hangs up. */
                int64_t broker_us = within(NOTICE_BROKER_US);

                notice(connection, broker_us + TRIP_US, broker_us);
        } else
                notice(connection, within(NOTICE_CLIENT_US), within(NOTICE_BROKER_US));
}

struct link *net_link_of(struct process *process) {
        for (struct link *link = net.links; link; link = link->next)
                if (link->process == process && !link->is_closed)
                        return link;
        return NULL;
}

/* -- death and standstill ------------------------------------------------------------------------------------------ */

void net_on_death(struct process *process, bool is_silent) {
        for (struct link *link = net.links; link; link = link->next) {
                if (link->process != process || link->is_closed)
                        continue;
                link->is_closed = true;
                if (!link->connection)
                        continue;
                link->connection->is_deaf_down = true;
                link->connection->is_open_up = false;
                sim_at(sim_time() + within(is_silent ? NOTICE_BROKER_US : NOTICE_RESET_US), NULL, on_broker_notices,
                       link->connection, 0);
                link->connection = NULL;
        }
}

void net_on_broker_death(bool is_silent) {
        for (int i = 0; i < SOCKET_N; i++)
                queue_init(&net.sockets.inboxes[i]);
        for (struct connection *connection = net.connections; connection; connection = connection->next) {
                connection->is_open_down = false;
                connection->is_deaf_up = true;
                /* What it had sent may still be on its way, or may not have left. */
                connection->is_deaf_down = connection->is_deaf_down || sim_is_rare(2);
                if (connection->is_open_up)
                        sim_at(sim_time() + within(is_silent ? NOTICE_CLIENT_US : NOTICE_RESET_US),
                               connection->link->process, on_client_notices, connection, 0);
        }
        net.broker_stopped_until = 0;
        net.n_may_leave = -1;
}

void net_on_broker_start(void) { net.connections = NULL; }

/* Nobody answers the heartbeats: the other side hangs up. What it had sent is still read. */
void net_on_stop(struct process *process, int64_t until) {
        struct link *link = net_link_of(process);
        int64_t notices = sim.now_us + within(NOTICE_BROKER_US);

        if (!link || !link->connection || notices >= until)
                return;
        sim_at(notices, NULL, on_broker_notices, link->connection, 0);
        sim_at(until, process, on_client_notices, link->connection, 0);
}

void net_on_broker_stop(int64_t until) {
        net.broker_stopped_until = until;
        for (struct link *link = net.links; link; link = link->next) {
                int64_t notices = sim.now_us + within(NOTICE_CLIENT_US);

                if (link->is_closed || !link->connection || notices >= until)
                        continue;
                sim_at(notices, link->process, on_client_notices, link->connection, 0);
                sim_at(until + TRIP_US, NULL, on_broker_notices, link->connection, 0);
        }
}

/* -- the client's end: common/link.h ------------------------------------------------------------------------------- */

static struct flight *flight_new(struct connection *connection, struct bytes frame) {
        struct flight *flight = sim_new(sizeof *flight + frame.len);

        flight->connection = connection;
        flight->len = frame.len;
        memcpy(flight->data, frame.data, frame.len);
        return flight;
}

static int64_t trip(int64_t *last) {
        int64_t at = sim_time() + sim_delay(TRIP_US, TRIP_US * 8);

        if (sim_goes_wrong(FAULT_SLOW_FRAME))
                at += (int64_t)sim_roll(TRIP_MAX_US);
        return *last = at > *last ? at : *last;
}

static void on_frame_up(void *context, uint64_t token) {
        struct flight *flight = context;

        if (!broker_process.is_up || flight->connection->is_deaf_up)
                return;
        sim_step(STEP_FRAME_UP);
        queue_push(&net.sockets.inboxes[flight->connection->link->door], flight);
        broker_wake();
}

int link_new(const char *endpoint, struct link **ret) {
        *ret = net_connect(sim.current, SOCKET_WORKERS, NULL, NULL);
        return 0;
}

struct link *net_connect(struct process *process, enum socket_name door, void (*on_frames)(void *context),
                         void *context) {
        struct link *link = sim_new(sizeof *link);

        *link = (struct link){.next = net.links, .process = process, .generation = process->generation, .door = door};
        link->on_ready = on_frames;
        link->context = context;
        queue_init(&link->inbox);
        net.links = link;
        sim_at(sim_time() + sim_delay(1000, 20000), process, on_connect, link, 0);
        return link;
}

void net_watch(struct link *link, void (*on_frames)(void *context), void *context) {
        link->on_ready = on_frames;
        link->context = context;
}

struct link *link_free(struct link *link) {
        link->is_closed = true;
        return NULL;
}

int link_fd(const struct link *link) { return -1; }

/* The connection breaks with this frame under way, and is made anew before the next one: to who sends, all is well. */
static bool is_lost_with_it(struct connection *connection, enum wire_type type) {
        if (type != WIRE_ALIVE || !sim_goes_wrong(FAULT_ALIVE_LOST))
                return false;
        tell(connection->link->process->name, "says that it is alive, which is lost");
        check_on_trouble(connection->link->process, sim_time() + RECONNECT_MAX_US * 8);
        connection->is_deaf_up = connection->is_deaf_down = true;
        notice(connection, within(NOTICE_RESET_US), within(NOTICE_RESET_US));
        return true;
}

int link_send(struct link *link, struct bytes frame) {
        struct connection *connection = link->connection;
        struct flight *flight;
        enum wire_type type;
        struct bytes body;

        if (!connection || !connection->is_open_up)
                return 1;
        if (sim.is_telling && link->door != SOCKET_STATS)
                tell_frame_up(link->process->name, frame);
        if (link->door == SOCKET_STATS || wire_open(frame, &type, &body) < 0)
                type = WIRE_ERROR;
        if (is_lost_with_it(connection, type))
                return 0;
        flight = flight_new(connection, frame);
        if (link->door == SOCKET_WORKERS)
                net_make_old(link->process, flight->data, flight->len);
        sim_at(trip(&connection->last_up), NULL, on_frame_up, flight, 0);
        if (type != WIRE_ERROR && net_may_come_twice(frame) && sim_goes_wrong(FAULT_TWICE))
                sim_at(trip(&connection->last_up), NULL, on_frame_up, flight_new(connection, frame), 0);
        return 0;
}

int link_receive(struct link *link, struct bytes *ret) {
        struct flight *flight = queue_pop(&link->inbox);

        if (!flight)
                return 1;
        if (link->door == SOCKET_WORKERS)
                net_make_old(link->process, flight->data, flight->len);
        if (sim.is_telling && link->door != SOCKET_STATS)
                tell_frame_down(link->process->name, (struct bytes){flight->data, flight->len});
        *ret = (struct bytes){flight->data, flight->len};
        return 0;
}

/* -- the broker's end: broker/sockets.h ---------------------------------------------------------------------------- */

bool net_has_frames(void) {
        for (int i = 0; i < SOCKET_N; i++)
                if (net.sockets.inboxes[i].first)
                        return true;
        return false;
}

void net_let_leave(int n) {
        net.n_may_leave = n;
        net.has_left_some = false;
}

int sockets_receive(struct sockets *sockets, enum socket_name name, struct frame *ret) {
        struct flight *flight = queue_pop(&sockets->inboxes[name]);

        if (!flight)
                return 1;
        *ret = (struct frame){.from = {.len = sizeof flight->connection->number}, .data = {flight->data, flight->len}};
        memcpy(ret->from.data, &flight->connection->number, sizeof flight->connection->number);
        check_on_taken((struct check_sender){flight->connection->link->process, flight->connection->link->generation,
                                             flight->connection->number},
                       name, ret->data);
        return 0;
}

void sockets_drop(struct sockets *sockets) {}
const char *sockets_endpoint(const struct sockets *sockets, enum socket_name name) { return "simulated"; }

static void on_frame_down(void *context, uint64_t token) {
        struct flight *flight = context;
        struct connection *connection = flight->connection;
        struct link *link = connection->link;

        if (connection->is_deaf_down || link->is_closed || link->connection != connection)
                return;
        sim_step(STEP_FRAME_DOWN);
        queue_push(&link->inbox, flight);
        sim_at(sim_time(), link->process, on_ready, link, 0);
}

int sockets_send(struct sockets *sockets, enum socket_name name, const struct address *to, struct bytes frame) {
        struct connection *connection = find(to);

        if (net.n_may_leave == 0) {
                if (net.has_left_some)
                        check_on_cut_off(name, frame);
                return 0; /* the process has died, and does not know it yet */
        }
        if (!connection || !connection->is_open_down || (name == SOCKET_WORKERS && sim_goes_wrong(FAULT_UNDELIVERED))) {
                check_on_unsent(name, frame);
                return 1;
        }
        net.n_may_leave -= net.n_may_leave > 0;
        net.has_left_some = true;
        if (name != SOCKET_STATS)
                check_on_sent(connection->link->process, name, frame);
        if (!connection->is_deaf_down)
                sim_at(trip(&connection->last_down), NULL, on_frame_down, flight_new(connection, frame), 0);
        return 0;
}
