#include "tests/unit/call_server.h"

#include "tests/unit/unit.h"

#include "common/clock.h"
#include "common/memory.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { PATIENCE_S = 20 };

/* -- names: in place of the C library's ---------------------------------------------------------------------------- */

static const struct {
        const char *name, *address;
} names[] = {
        {"private.test", "127.0.0.1"},     {"mapped.test", "::ffff:127.0.0.1"},
        {"nat64.test", "64:ff9b::7f00:1"}, {"cloud.test", "169.254.169.254"},
        {"zero.test", "0.0.0.0"},          {"loopback6.test", "::1"},
};

static struct addrinfo *make_address(const char *text, int port) {
        struct addrinfo *info = memory_new(1, sizeof *info);
        struct sockaddr_in6 *v6 = memory_new(1, sizeof *v6);
        struct sockaddr_in *v4 = (struct sockaddr_in *)v6;

        *info = (struct addrinfo){.ai_socktype = SOCK_STREAM, .ai_addr = (struct sockaddr *)v6};
        if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
                info->ai_family = v4->sin_family = AF_INET;
                v4->sin_port = htons((uint16_t)port);
                info->ai_addrlen = sizeof *v4;
                return info;
        }
        inet_pton(AF_INET6, text, &v6->sin6_addr);
        info->ai_family = v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        info->ai_addrlen = sizeof *v6;
        return info;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                if (name && strcmp(name, names[i].name) == 0) {
                        *ret = make_address(names[i].address, service ? (int)strtol(service, NULL, 10) : 0);
                        return 0;
                }
        return EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *info) {
        free(info->ai_addr);
        free(info);
}

/* -- the server ---------------------------------------------------------------------------------------------------- */

struct server_peer {
        struct server *server;
        struct server_peer *next;
        struct loop_watch *watch;
        int fd;
        struct buffer head;
};

static void hang_up(struct server_peer *peer) {
        peer->watch = loop_watch_free(peer->watch);
        if (peer->fd >= 0)
                close(peer->fd);
        peer->fd = -1;
}

static void answer(struct server_peer *peer) {
        const struct server *server = peer->server;
        bool is_sent = true;

        if (server->answer)
                is_sent = send(peer->fd, server->answer, strlen(server->answer), MSG_NOSIGNAL) > 0;
        for (size_t i = 0; is_sent && i < server->n_repeats; i++)
                is_sent = send(peer->fd, server->more, strlen(server->more), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
        if (server->is_closing)
                hang_up(peer);
}

static void on_peer(void *context, int events) {
        struct server_peer *peer = context;
        struct server *server = peer->server;
        char data[4096];
        ssize_t n = recv(peer->fd, data, sizeof data, MSG_DONTWAIT);

        if (n <= 0) {
                server->n_hung_up++;
                hang_up(peer);
                if (server->on_hung_up)
                        server->on_hung_up(server->context);
                return;
        }
        buffer_push(&server->request, data, (size_t)n);
        buffer_push(&peer->head, data, (size_t)n);
        if (!strstr(buffer_text(&peer->head), "\r\n\r\n"))
                return;
        buffer_clear(&peer->head);
        server->n_requests++;
        answer(peer);
}

static void on_connection(void *context, int events) {
        struct server *server = context;
        struct server_peer *peer = memory_new(1, sizeof *peer);

        peer->server = server;
        peer->fd = accept(server->fd, NULL, NULL);
        assert_true(peer->fd >= 0);
        server->n_accepted++;
        peer->next = server->peers;
        server->peers = peer;
        peer->watch = loop_watch_new(server->loop, peer->fd, on_peer, peer);
        loop_watch_set(peer->watch, LOOP_READ);
}

void server_init(struct server *server, struct loop *loop) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof address;

        *server = (struct server){.loop = loop, .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(listen(server->fd, 16), 0);
        assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
        server->port = ntohs(address.sin_port);
        server->watch = loop_watch_new(loop, server->fd, on_connection, server);
        loop_watch_set(server->watch, LOOP_READ);
}

void server_done(struct server *server) {
        while (server->peers) {
                struct server_peer *peer = server->peers;

                server->peers = peer->next;
                hang_up(peer);
                buffer_done(&peer->head);
                free(peer);
        }
        loop_watch_free(server->watch);
        close(server->fd);
        buffer_done(&server->request);
}

/* -- a call -------------------------------------------------------------------------------------------------------- */

void trial_init(struct trial *trial) {
        *trial = (struct trial){.loop = loop_new()};
        trial->calls = calls_new(trial->loop);
        server_init(&trial->server, trial->loop);
        trial_set_host(trial, "127.0.0.1");
        trial->request.method = "GET";
        trial->request.url = trial->url;
        trial->request.is_repeatable = true;
}

void trial_done(struct trial *trial) {
        calls_free(trial->calls);
        server_done(&trial->server);
        loop_free(trial->loop);
        buffer_done(&trial->detail);
        buffer_done(&trial->body);
        buffer_done(&trial->data);
}

void trial_set_host(struct trial *trial, const char *host) {
        snprintf(trial->url, sizeof trial->url, "http://%s:%d/x", host, trial->server.port);
}

bool trial_on_data(void *context, struct bytes data) {
        struct trial *trial = context;

        trial->n_data++;
        buffer_push(&trial->data, data.data, data.len);
        return true;
}

static void on_end(void *context, const struct outcome_response *response) {
        struct trial *trial = context;

        assert_false(trial->is_ended);
        trial->is_ended = true;
        trial->is_held_back = response->is_held_back;
        trial->transport = response->transport;
        trial->status = response->status;
        trial->retry_after = outcome_retry_after(&response->headers, response->now);
        buffer_push_text(&trial->detail, response->detail);
        buffer_push(&trial->body, response->body.data, response->body.len);
        trial->call = NULL;
}

void trial_start(struct trial *trial) {
        trial->is_ended = false;
        trial->n_data = 0;
        buffer_clear(&trial->detail);
        buffer_clear(&trial->body);
        buffer_clear(&trial->data);
        trial->call = call_new(trial->calls, &trial->request, on_end, trial);
        assert_false(trial->is_ended);
}

static void on_look(void *context) { loop_stop(context); }

void trial_wait(struct trial *trial, bool (*is_so)(const struct trial *trial)) {
        struct loop_timer *timer = loop_timer_new(trial->loop, on_look, trial->loop);
        struct mono end = mono_add(clock_mono(), span_s(PATIENCE_S));

        while (!is_so(trial)) {
                struct mono now = clock_mono();

                assert_true(mono_is_before(now, end));
                loop_timer_set(timer, now, mono_add(now, span_ms(1)));
                loop_run(trial->loop);
        }
        loop_timer_free(timer);
}

static bool is_ended(const struct trial *trial) { return trial->is_ended; }

void trial_run(struct trial *trial) {
        trial_start(trial);
        trial_wait(trial, is_ended);
}
