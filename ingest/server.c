#include "ingest/server.h"

#include "common/clock.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"
#include "ingest/broker_link.h"
#include "ingest/routes.h"
#include "ingest/seed.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* Descriptors beside those of the connections: loop, sockets of libzmq, standard streams. */
enum { OTHER_DESCRIPTORS = 64 };

struct server {
        struct service service;
        struct loop *loop;
        struct broker_link *link;
        const char *config_path;
        char seed[SEED_MAX];
        struct loop_handle *readable, *timer, *turn, *hup, *term, *interrupt;
        struct mono stop_partial; /* while stopping: for requests to become whole */
        struct mono stop_deadline; /* for the broker */
        struct mono stop_end; /* and for the last answers to leave */
};

/* -- config -------------------------------------------------------------------------------------------------------- */

static int load(const char *path, struct config **ret_config, struct doors **ret_doors, char **ret_error) {
        CLEANUP_CONFIG struct config *config = NULL;
        int r;

        r = config_load(path, &config, ret_error);
        if (r < 0)
                return r;
        r = doors_new(config, ret_doors, ret_error);
        if (r < 0)
                return r;
        *ret_config = TAKE(config);
        return 0;
}

/* Sockets stay where they are; a new address needs a restart, which is said. */
static void warn_of_addresses(const struct config *old, const struct config *new) {
        if (strcmp(old->ingest.http, new->ingest.http) != 0)
                log_warning("config_needs_restart", LOG_TEXT("key", "ingest.http"));
        if (strcmp(old->broker.ingest, new->broker.ingest) != 0)
                log_warning("config_needs_restart", LOG_TEXT("key", "broker.ingest"));
}

static void on_hup(void *context) {
        struct server *server = context;
        struct service *service = &server->service;
        CLEANUP_FREE char *error = NULL;
        struct config *config;
        struct doors *doors;

        if (load(server->config_path, &config, &doors, &error) < 0) {
                log_error("config_refused", LOG_TEXT("why", error));
                return;
        }
        warn_of_addresses(service->config, config);
        doors_free(service->doors);
        config_free(service->config);
        service->config = config;
        service->doors = doors;
        log_info("config_read", LOG_TEXT("path", config->path), LOG_NUMBER("tenants", config->n_tenants));
}

/* -- turns --------------------------------------------------------------------------------------------------------- */

/* Nothing to do by itself: having woken the loop is enough, for on_turn() does all of it. */
static void on_wake(void *context) {}

/* All have their answer; or all but requests of which only a part has come, and these had their time. Or there are
 * clients that do not read theirs. */
static bool is_stopped(const struct server *server, struct mono now) {
        const struct http *http = server->service.http;

        if (!http_is_stopping(http))
                return false;
        return http_n_requests(http) == 0 || mono_is_due(now, server->stop_end) ||
               (mono_is_due(now, server->stop_partial) && http_n_requests(http) == http_n_partial(http));
}

/* When a stopping server has to look again. */
static struct mono stop_next(const struct server *server, struct mono now) {
        if (!mono_is_due(now, server->stop_partial))
                return server->stop_partial;
        return mono_is_due(now, server->stop_deadline) ? server->stop_end : server->stop_deadline;
}

static void set_timer(struct server *server, struct mono now) {
        struct mono next = intake_next(server->service.intake);

        if (http_is_stopping(server->service.http))
                next = mono_min(next, stop_next(server, now));
        if (next.us == MONO_NEVER.us)
                loop_timer_stop(server->timer);
        else
                loop_timer_set(server->timer, mono_since(next, now));
}

/* What came in this turn goes to the broker as one frame; what the broker said is passed on. */
static void on_turn(void *context) {
        struct server *server = context;
        struct intake_verdict verdict;
        struct mono now = clock_mono();

        broker_link_run(server->link, now);
        /* Who still waits is told to come again; the answer leaves in the turns after this one. */
        if (http_is_stopping(server->service.http) && mono_is_due(now, server->stop_deadline))
                intake_on_time(server->service.intake, MONO_NEVER);
        while (intake_pop_verdict(server->service.intake, &verdict))
                service_on_verdict(&verdict);
        if (is_stopped(server, now))
                loop_stop(server->loop);
        set_timer(server, now);
}

/* Requests under way get their acknowledgement, or 503, before the program ends. */
static void on_stop(void *context) {
        struct server *server = context;
        struct http *http = server->service.http;

        if (http_is_stopping(http))
                return;
        server->stop_partial = mono_add(clock_mono(), span_ms(LIMIT_STOP_GRACE_MS));
        server->stop_deadline = mono_add(server->stop_partial, server->service.config->ingest.ack_timeout);
        server->stop_end = mono_add(server->stop_deadline, span_ms(LIMIT_STOP_GRACE_MS));
        http_stop(http);
        log_info("stopping", LOG_NUMBER("requests", http_n_requests(http)));
}

/* -- beginning and end --------------------------------------------------------------------------------------------- */

/* Each connection takes a descriptor; the usual soft limit of 1024 is for programs that use select(). */
static void raise_descriptors(void) {
        rlim_t wanted = LIMIT_HTTP_CONNECTIONS + OTHER_DESCRIPTORS;
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
                return;
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted)
                log_warning("few_descriptors", LOG_NUMBER("limit", limit.rlim_cur), LOG_NUMBER("wanted", wanted),
                            LOG_TEXT("why", "connections beyond it are not accepted; raise ulimit -n"));
}

static int open_server(struct server *server, char **ret_error) {
        struct service *service = &server->service;
        const struct http_events events = {routes_on_head, routes_on_request, service};
        int r;

        r = load(server->config_path, &service->config, &service->doors, ret_error);
        if (r < 0)
                return r;
        r = broker_link_new(service->config->broker.ingest, service->intake, &server->link);
        if (r < 0) {
                *ret_error = memory_print("broker.ingest: cannot connect to %s: %s", service->config->broker.ingest,
                                          strerror(-r));
                return r;
        }
        return http_new(server->loop, service->config->ingest.http, &events, &service->http, ret_error);
}

static void watch(struct server *server) {
        server->readable =
                loop_on_readable(server->loop, broker_link_fd(server->link), (struct loop_call){on_wake, server});
        server->timer = loop_timer_new(server->loop, (struct loop_call){on_wake, server});
        server->turn = loop_on_turn(server->loop, (struct loop_call){on_turn, server});
        server->hup = loop_on_signal(server->loop, SIGHUP, (struct loop_call){on_hup, server});
        server->term = loop_on_signal(server->loop, SIGTERM, (struct loop_call){on_stop, server});
        server->interrupt = loop_on_signal(server->loop, SIGINT, (struct loop_call){on_stop, server});
}

static void server_done(struct server *server) {
        http_free(server->service.http);
        loop_handle_free(server->readable);
        loop_handle_free(server->timer);
        loop_handle_free(server->turn);
        loop_handle_free(server->hup);
        loop_handle_free(server->term);
        loop_handle_free(server->interrupt);
        loop_free(server->loop);
        broker_link_free(server->link);
        intake_free(server->service.intake);
        doors_free(server->service.doors);
        config_free(server->service.config);
}

int server_run(const char *config_path) {
        CLEANUP(server_done) struct server server = {.config_path = config_path};
        CLEANUP_FREE char *error = NULL;

        raise_descriptors();
        seed_new(server.seed);
        server.service.ids.seed = server.seed;
        server.service.intake = intake_new();
        server.loop = loop_new();
        if (open_server(&server, &error) < 0) {
                fprintf(stderr, "%s\n", error);
                return 1;
        }
        watch(&server);
        log_info("listening", LOG_TEXT("address", http_address(server.service.http)),
                 LOG_TEXT("broker", server.service.config->broker.ingest),
                 LOG_NUMBER("tenants", server.service.config->n_tenants));
        loop_run(server.loop);
        log_info("stopped");
        return 0;
}
