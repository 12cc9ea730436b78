#include "ingest/http_private.h"

#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>

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

static void on_sweep(void *context) {
        struct http *http = context;

        http_connections_sweep(http);
        loop_timer_set(http->sweep, span_s(1));
}

/* -- beginning and end --------------------------------------------------------------------------------------------- */

/* The library's own limit is out of the way: at it, nobody would be let in until somebody leaves by himself. */
static struct MHD_Daemon *start_daemon(struct http *http, int fd, uint32_t n_connections) {
        const struct MHD_OptionItem options[] = {
                {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
                {MHD_OPTION_CONNECTION_LIMIT, n_connections + LIMIT_HTTP_CONNECTIONS_CLOSING, NULL},
                {MHD_OPTION_CONNECTION_MEMORY_LIMIT, LIMIT_HTTP_HEAD_BYTES, NULL},
                {MHD_OPTION_CONNECTION_TIMEOUT, LIMIT_HTTP_IDLE_S, NULL},
                {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
                {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http_on_connection, http},
                {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_on_target, http},
                {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_on_completed, http},
                {MHD_OPTION_END, 0, NULL},
        };

        /* The logger goes first, so that it hears of the options. */
        return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, http_on_arrival, http,
                                http_on_access, http, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
                                MHD_OPTION_ARRAY, options, MHD_OPTION_END);
}

int http_new(struct loop *loop, const char *address, bool is_shared, const struct http_limits *limits,
             const struct http_events *events, struct http **ret, char **ret_error) {
        CLEANUP_FREE struct http *http = memory_new(1, sizeof *http);
        CLEANUP_CLOSE int fd = -1;
        int r;

        r = http_socket_open(address, is_shared, &fd, http->address, ret_error);
        if (r < 0)
                return r;
        http->events = *events;
        http->crowd = crowd_new(limits->n_connections, limits->n_per_address, limits->seed);
        http->daemon = start_daemon(http, fd, limits->n_connections);
        if (!http->daemon) {
                crowd_free(http->crowd);
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
        crowd_free(http->crowd);
        free(http);
        return NULL;
}
