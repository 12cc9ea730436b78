#include "ingest/http_private.h"

#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

/* -- the daemon on the loop ---------------------------------------------------------------------------------------- */

/* libmicrohttpd must be run when its descriptor is readable and whenever its own timeout has passed. */
static void on_turn(void *context) {
        struct http *http = context;
        MHD_UNSIGNED_LONG_LONG timeout_ms;

        MHD_run(http->daemon);
        if (MHD_get_timeout(http->daemon, &timeout_ms) == MHD_YES)
                loop_timer_set(http->timer, span_ms((int64_t)timeout_ms));
        else
                loop_timer_stop(http->timer);
}

__attribute__((format(printf, 2, 0))) static void on_library_log(void *context, const char *format, va_list arguments) {
        char text[LIMIT_WHY_LEN];
        int len = vsnprintf(text, sizeof text, format, arguments);

        while (len > 0 && len < (int)sizeof text && text[len - 1] == '\n')
                text[--len] = '\0';
        log_debug("http_library", LOG_TEXT("why", text));
}

/* -- connections --------------------------------------------------------------------------------------------------- */

void http_connection_remove(struct http *http, struct http_connection *connection) {
        if (connection->previous)
                connection->previous->next = connection->next;
        else
                http->oldest = connection->next;
        if (connection->next)
                connection->next->previous = connection->previous;
        else
                http->newest = connection->previous;
}

void http_connection_push(struct http *http, struct http_connection *connection) {
        connection->since = clock_mono();
        connection->next = NULL;
        connection->previous = http->newest;
        *(http->newest ? &http->newest->next : &http->oldest) = connection;
        http->newest = connection;
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **connection_context,
                          enum MHD_ConnectionNotificationCode code) {
        struct http_connection *connection = *connection_context;
        struct http *http = context;

        if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
                http_connection_remove(http, connection);
                free(connection);
                return;
        }
        connection = memory_new(1, sizeof *connection);
        connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        http_connection_push(http, connection);
        *connection_context = connection;
}

/* Has the client hung up, without an answer being due to it? Before 0.9.77 the library does not notice an end that
 * comes together with the last bytes. */
static bool is_abandoned(const struct http_connection *connection) {
        char byte;

        return !connection->is_suspended && !connection->is_answering &&
               recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* The library's timeout starts again with each byte, so that one byte now and then keeps a connection for ever. */
static bool is_too_slow(const struct http_connection *connection, struct mono now) {
        return !connection->is_suspended && mono_since(now, connection->since).us > span_s(LIMIT_HTTP_REQUEST_S).us;
}

/* The library closes what is shut down here. */
static void on_sweep(void *context) {
        struct http *http = context;
        struct mono now = clock_mono();

        for (struct http_connection *at = http->oldest; at; at = at->next)
                if (is_too_slow(at, now) || is_abandoned(at))
                        shutdown(at->fd, SHUT_RDWR);
        loop_timer_set(http->sweep, span_s(1));
}

/* -- beginning and end --------------------------------------------------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct http *http, int fd) {
        const struct MHD_OptionItem options[] = {
                {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
                {MHD_OPTION_CONNECTION_LIMIT, LIMIT_HTTP_CONNECTIONS, NULL},
                {MHD_OPTION_CONNECTION_MEMORY_LIMIT, LIMIT_HTTP_HEAD_BYTES, NULL},
                {MHD_OPTION_CONNECTION_TIMEOUT, LIMIT_HTTP_IDLE_S, NULL},
                {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
                {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, http},
                {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_on_target, http},
                {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_on_completed, http},
                {MHD_OPTION_END, 0, NULL},
        };

        /* The logger goes first, so that it hears of the options. */
        return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
                                http_on_access, http, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
                                MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

int http_new(struct loop *loop, const char *address, const struct http_events *events, struct http **ret,
             char **ret_error) {
        CLEANUP_FREE struct http *http = memory_new(1, sizeof *http);
        CLEANUP_CLOSE int fd = -1;
        int r;

        r = http_socket_open(address, &fd, http->address, ret_error);
        if (r < 0)
                return r;
        http->events = *events;
        http->daemon = start_daemon(http, fd);
        if (!http->daemon) {
                *ret_error = memory_print("libmicrohttpd did not start; LULL_LOG=debug shows what it says");
                return -EIO;
        }
        fd = -1;
        http->readable = loop_on_readable(loop, MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
                                          (struct loop_call){on_turn, http});
        http->timer = loop_timer_new(loop, (struct loop_call){on_turn, http});
        http->sweep = loop_timer_new(loop, (struct loop_call){on_sweep, http});
        loop_timer_set(http->sweep, span_s(1));
        *ret = TAKE(http);
        return 0;
}

const char *http_address(const struct http *http) { return http->address; }
bool http_is_stopping(const struct http *http) { return http->is_stopping; }
uint32_t http_n_requests(const struct http *http) { return http->n_requests; }
uint32_t http_n_partial(const struct http *http) { return http->n_partial; }

void http_stop(struct http *http) {
        int fd = MHD_quiesce_daemon(http->daemon);

        http->is_stopping = true;
        if (fd >= 0)
                close(fd);
}

struct http *http_free(struct http *http) {
        if (!http)
                return NULL;
        loop_handle_free(http->readable);
        loop_handle_free(http->timer);
        loop_handle_free(http->sweep);
        MHD_stop_daemon(http->daemon);
        free(http);
        return NULL;
}
