/* The broker's doors: nobody's frame waits because something else stirs. */
#include "tests/unit/unit.h"

#include "broker/sockets.h"
#include "common/clock.h"
#include "common/config.h"

#include <zmq.h>

/* Longer than anything here takes: who waits so long has not seen what is there. */
#define TOO_LONG span_s(5)

enum { NO_DESCRIPTOR = -1, N_ROUNDS = 10 };

static struct sockets *open_sockets(void) {
        char any[] = "tcp://127.0.0.1:*";
        struct config config = {.broker = {.bind_ingest = any, .bind_workers = any, .bind_stats = any}};
        struct sockets *sockets = NULL;
        char *error = NULL;

        assert_int_equal(sockets_open(&config, &sockets, &error), 0);
        return sockets;
}

/* Once it is there, its connection stands. */
static void *connect_to(void *context, const char *endpoint) {
        void *client = zmq_socket(context, ZMQ_DEALER);
        zmq_pollitem_t item = {.socket = client, .events = ZMQ_POLLOUT};
        int one = 1;

        assert_int_equal(zmq_setsockopt(client, ZMQ_IMMEDIATE, &one, sizeof one), 0);
        assert_int_equal(zmq_connect(client, endpoint), 0);
        assert_int_equal(zmq_poll(&item, 1, -1), 1);
        return client;
}

static void a_frame_is_seen_at_once_though_another_door_stirs_without_one(void **state) {
        CLEANUP_SOCKETS struct sockets *sockets = open_sockets();
        void *context = zmq_ctx_new(), *clients[N_ROUNDS], *producer;
        struct frame frame;
        struct mono begun;

        producer = connect_to(context, sockets_endpoint(sockets, SOCKET_INGEST));
        assert_int_equal(zmq_send(producer, "x", 1, 0), 1);
        for (int i = 0; i < N_ROUNDS; i++) {
                clients[i] = connect_to(context, sockets_endpoint(sockets, SOCKET_STATS));
                begun = clock_mono();
                sockets_wait(sockets, NO_DESCRIPTOR, TOO_LONG);
                assert_true(span_is_less(mono_since(clock_mono(), begun), TOO_LONG));
        }
        assert_int_equal(sockets_receive(sockets, SOCKET_STATS, &frame), 1);
        assert_int_equal(sockets_receive(sockets, SOCKET_INGEST, &frame), 0);
        assert_true(bytes_is_equal(frame.data, bytes_of("x")));
        sockets_release(sockets);
        for (int i = 0; i < N_ROUNDS; i++)
                zmq_close(clients[i]);
        zmq_close(producer);
        zmq_ctx_term(context);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_frame_is_seen_at_once_though_another_door_stirs_without_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
