#include "ingest/server.h"

#include "common/clock.h"
#include "common/hash.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"
#include "ingest/broker_link.h"
#include "ingest/routes.h"
#include "ingest/seed.h"
#include "ingest/spooler.h"

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
        struct spooler *spooler; /* NULL = there is none */
        const char *config_path;
        char seed[SEED_MAX];
        struct loop_handle *readable, *answered, *timer, *turn, *hup, *term, *interrupt;
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

static void warn_if(bool has_changed, const char *key) {
        if (has_changed)
                log_warning("config_needs_restart", LOG_TEXT("key", key));
}

static const char *text_or_none(const char *text) { return text ? text : ""; }

/* Sockets stay where they are, and as many as there may be: what needs a restart is said. */
static void warn_of_changes(const struct config *old, const struct config *new) {
        warn_if(strcmp(old->ingest.http, new->ingest.http) != 0, "ingest.http");
        warn_if(old->ingest.is_port_shared != new->ingest.is_port_shared, "ingest.share_port");
        warn_if(old->ingest.connections != new->ingest.connections, "ingest.connections");
        warn_if(old->ingest.connections_per_address != new->ingest.connections_per_address,
                "ingest.connections_per_address");
        warn_if(strcmp(old->broker.ingest, new->broker.ingest) != 0, "broker.ingest");
        warn_if(strcmp(text_or_none(old->ingest.spool), text_or_none(new->ingest.spool)) != 0, "ingest.spool");
        warn_if(strcmp(old->broker.stats, new->broker.stats) != 0, "broker.stats");
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
        warn_of_changes(service->config, config);
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

static struct spooler_bounds spooler_bounds_of(const struct server *server) {
        const struct config *config = server->service.config;

        return (struct spooler_bounds){config->ingest.spool_bytes, config->ingest.ack_timeout, clock_now().wall};
}

static void set_timer(struct server *server, struct mono now) {
        struct mono next = mono_min(intake_next(server->service.intake), asks_next(server->service.asks));
        struct spooler_bounds bounds = spooler_bounds_of(server);

        if (server->spooler)
                next = mono_min(next, spooler_next(server->spooler, &bounds));
        if (http_is_stopping(server->service.http))
                next = mono_min(next, stop_next(server, now));
        if (next.us == MONO_NEVER.us)
                loop_timer_stop(server->timer);
        else
                loop_timer_set(server->timer, mono_since(next, now));
}

static void on_stop_deadline(struct service *service) {
        intake_on_time(service->intake, MONO_NEVER);
        asks_run(service->asks, MONO_NEVER);
}

/* What the broker said is passed on. */
static void pass_verdicts(struct server *server, struct mono now) {
        struct intake_verdict verdict;

        while (intake_pop_verdict(server->service.intake, &verdict)) {
                if (server->spooler && spooler_on_verdict(server->spooler, &verdict, now))
                        intake_verdict_done(&verdict);
                else
                        service_on_verdict(&verdict);
        }
}

/* What came in this turn goes into the spool, if that is the way, as one commit; the spool's next frame goes out. */
static void run_spooler(struct server *server, struct mono now) {
        struct spooler_bounds bounds = spooler_bounds_of(server);
        struct intake_verdict verdict;

        spooler_run(server->spooler, &bounds, now);
        while (spooler_pop_verdict(server->spooler, &verdict))
                service_on_verdict(&verdict);
        broker_link_run(server->link, now);
        pass_verdicts(server, now);
}

/* What came in this turn goes to the broker as one frame. */
static void on_turn(void *context) {
        struct server *server = context;
        struct mono now = clock_mono();

        broker_link_run(server->link, now);
        asks_run(server->service.asks, now);
        /* Who still waits is told to come again; the answer leaves in the turns after this one. */
        if (http_is_stopping(server->service.http) && mono_is_due(now, server->stop_deadline))
                on_stop_deadline(&server->service);
        pass_verdicts(server, now);
        if (server->spooler)
                run_spooler(server, now);
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
static void raise_descriptors(rlim_t wanted) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
                return;
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < wanted)
                log_warning("few_descriptors", LOG_NUMBER("limit", limit.rlim_cur), LOG_NUMBER("wanted", wanted),
                            LOG_TEXT("why", "connections beyond it are not accepted; raise ulimit -n"));
}

static int listen_http(struct server *server, char **ret_error) {
        const struct http_events events = {routes_on_head, routes_on_request, &server->service};
        const struct config *config = server->service.config;
        const struct http_limits limits = {config->ingest.connections, config->ingest.connections_per_address,
                                           hash_64(0, bytes_of(server->seed))};

        raise_descriptors(limits.n_connections + LIMIT_HTTP_CONNECTIONS_CLOSING + OTHER_DESCRIPTORS);
        return http_new(server->loop, config->ingest.http, config->ingest.is_port_shared, &limits, &events,
                        &server->service.http, ret_error);
}

/* As it stands, or beside lull.yaml. */
static char *spool_folder(const struct config *config) {
        const char *slash = strrchr(config->path, '/');

        if (config->ingest.spool[0] == '/' || !slash)
                return memory_print("%s", config->ingest.spool);
        return memory_print("%.*s/%s", (int)(slash - config->path), config->path, config->ingest.spool);
}

static int open_spooler(struct server *server, char **ret_error) {
        CLEANUP_FREE char *folder = NULL;

        if (!server->service.config->ingest.spool)
                return 0;
        folder = spool_folder(server->service.config);
        return spooler_new(folder, server->service.intake, &server->spooler, ret_error);
}

static int open_server(struct server *server, char **ret_error) {
        struct service *service = &server->service;
        int r;

        r = load(server->config_path, &service->config, &service->doors, ret_error);
        if (r < 0)
                return r;
        r = open_spooler(server, ret_error);
        if (r < 0)
                return r;
        r = broker_link_new(service->config->broker.ingest, service->intake, &server->link);
        if (r < 0) {
                *ret_error = memory_print("broker.ingest: cannot connect to %s: %s", service->config->broker.ingest,
                                          strerror(-r));
                return r;
        }
        r = asks_new(service->config->broker.stats, &service->asks);
        if (r < 0) {
                *ret_error = memory_print("broker.stats: cannot connect to %s: %s", service->config->broker.stats,
                                          strerror(-r));
                return r;
        }
        return listen_http(server, ret_error);
}

static void watch(struct server *server) {
        server->readable =
                loop_on_readable(server->loop, broker_link_fd(server->link), (struct loop_call){on_wake, server});
        server->answered =
                loop_on_readable(server->loop, asks_fd(server->service.asks), (struct loop_call){on_wake, server});
        server->timer = loop_timer_new(server->loop, (struct loop_call){on_wake, server});
        server->turn = loop_on_turn(server->loop, (struct loop_call){on_turn, server});
        server->hup = loop_on_signal(server->loop, SIGHUP, (struct loop_call){on_hup, server});
        server->term = loop_on_signal(server->loop, SIGTERM, (struct loop_call){on_stop, server});
        server->interrupt = loop_on_signal(server->loop, SIGINT, (struct loop_call){on_stop, server});
}

static void server_done(struct server *server) {
        http_free(server->service.http);
        loop_handle_free(server->readable);
        loop_handle_free(server->answered);
        loop_handle_free(server->timer);
        loop_handle_free(server->turn);
        loop_handle_free(server->hup);
        loop_handle_free(server->term);
        loop_handle_free(server->interrupt);
        loop_free(server->loop);
        broker_link_free(server->link);
        spooler_free(server->spooler);
        asks_free(server->service.asks);
        intake_free(server->service.intake);
        doors_free(server->service.doors);
        config_free(server->service.config);
}

int server_run(const char *config_path) {
        CLEANUP(server_done) struct server server = {.config_path = config_path};
        CLEANUP_FREE char *error = NULL;

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
