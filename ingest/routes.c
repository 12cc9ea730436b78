#include "ingest/routes.h"

#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"
#include "ingest/core/path.h"
#include "ingest/core/problem.h"
#include "ingest/hooks.h"
#include "ingest/messages.h"
#include "ingest/verbs.h"

#include <string.h>

enum route { ROUTE_NONE, ROUTE_MESSAGES, ROUTE_VERB, ROUTE_HOOK, ROUTE_HEALTH, ROUTE_READY };

static bool is_path(const struct path *path, uint32_t n, const char *first, const char *second) {
        return path->n == n && bytes_is_text(path->segments[0], first) &&
               (!second || bytes_is_text(path->segments[1], second));
}

static enum route route_of(const struct path *path) {
        if (is_path(path, 2, "v1", "messages"))
                return ROUTE_MESSAGES;
        if (verb_of(path) != VERB_NONE)
                return ROUTE_VERB;
        if (path_is_hook(path))
                return ROUTE_HOOK;
        if (is_path(path, 1, "healthz", NULL))
                return ROUTE_HEALTH;
        return is_path(path, 1, "readyz", NULL) ? ROUTE_READY : ROUTE_NONE;
}

static bool is_post(const struct http_request *request) { return strcmp(http_method(request), "POST") == 0; }
static bool is_get(const struct http_request *request) { return strcmp(http_method(request), "GET") == 0; }
static bool is_get_or_head(const struct http_request *request) {
        return is_get(request) || strcmp(http_method(request), "HEAD") == 0;
}

/* -- the head ------------------------------------------------------------------------------------------------------ */

static void answer_method(struct http_request *request, const char *allowed) {
        CLEANUP_FREE char *detail = memory_print("this address takes %s", allowed);
        CLEANUP_BUFFER struct buffer body = {0};

        problem_encode(&(struct problem){405, "method_not_allowed", detail}, &body);
        http_answer(request, &(struct http_answer){405, PROBLEM_CONTENT_TYPE, {"Allow", allowed}, &body});
}

/* Messages and verbs: who may say the ones may say the others. */
static void check_api(struct service *service, struct http_request *request) {
        if (!is_post(request))
                answer_method(request, "POST");
        else if (messages_check(service, request) && http_is_stopping(service->http))
                service_answer_problem(request, 503, "stopping", "this server is stopping; send it again");
}

static void check_hook(struct service *service, struct http_request *request, const struct path *path) {
        struct door door;

        if (!is_post(request) && !is_get(request))
                answer_method(request, "GET, POST");
        else if (hooks_find(service, request, path, &door) == 0 && http_is_stopping(service->http))
                service_answer_problem(request, 503, "stopping", "this server is stopping; send it again");
}

void routes_on_head(void *context, struct http_request *request) {
        CLEANUP_PATH struct path path = {0};
        struct service *service = context;

        if (path_decode(http_target(request), &path) < 0) {
                service_answer_problem(request, 400, "bad_path", "the path is broken or too long");
                return;
        }
        switch (route_of(&path)) {
        case ROUTE_MESSAGES:
        case ROUTE_VERB:
                check_api(service, request);
                break;
        case ROUTE_HOOK:
                check_hook(service, request, &path);
                break;
        case ROUTE_HEALTH:
        case ROUTE_READY:
                if (!is_get_or_head(request))
                        answer_method(request, "GET, HEAD");
                break;
        case ROUTE_NONE:
                service_answer_problem(
                        request, 404, "not_found",
                        "nothing is here; there are /v1/messages, /v1/threads/TENANT/THREAD/VERB (typing, hold, "
                        "resume, flush or cancel), /hooks/TENANT/CHANNEL, /healthz and /readyz");
                break;
        }
}

/* -- the whole ----------------------------------------------------------------------------------------------------- */

static void answer_text(struct http_request *request, const char *text) {
        CLEANUP_BUFFER struct buffer body = {0};

        buffer_push_text(&body, text);
        http_answer(request,
                    &(struct http_answer){.status = 200, .content_type = "text/plain; charset=utf-8", .body = &body});
}

static void on_ready_verdict(struct waiting *waiting, struct intake_verdict *verdict) {
        if (verdict->is_late)
                service_answer_late(waiting->request);
        else
                answer_text(waiting->request, "ready\n");
        free(waiting);
}

/* Ready is who gets an acknowledgement: a frame without messages asks for one, in line behind those that wait. */
static void on_ready(struct service *service, struct http_request *request) {
        struct waiting *waiting = memory_new(1, sizeof *waiting);
        struct parcel nothing = {0};

        *waiting = (struct waiting){request, on_ready_verdict};
        if (service_push(service, &nothing, waiting, span_ms(LIMIT_READY_MS)) != 0)
                free(waiting);
}

static void on_hook(struct service *service, struct http_request *request, const struct path *path) {
        struct door door;

        if (hooks_find(service, request, path, &door) != 0)
                return;
        if (is_post(request))
                hooks_on_post(service, request, &door);
        else
                hooks_on_get(service, request, &door);
}

void routes_on_request(void *context, struct http_request *request) {
        CLEANUP_PATH struct path path = {0};
        struct service *service = context;
        int r = path_decode(http_target(request), &path);

        ENSURE(r == 0); /* routes_on_head() has seen to it */
        switch (route_of(&path)) {
        case ROUTE_MESSAGES:
                messages_on_post(service, request);
                break;
        case ROUTE_VERB:
                verbs_on_post(service, request, &path);
                break;
        case ROUTE_HOOK:
                on_hook(service, request, &path);
                break;
        case ROUTE_HEALTH:
                answer_text(request, "ok\n");
                break;
        case ROUTE_READY:
                on_ready(service, request);
                break;
        case ROUTE_NONE:
                ENSURE(false);
                break;
        }
}
