#include "broker/ctl/ask.h"

#include "broker/ctl/answer.h"
#include "broker/ctl/endpoint.h"
#include "broker/ctl/screen.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/link.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>


struct ask {
        const struct options *options;
        char *endpoint;
        struct link *link;
        int64_t n_asked;
};

int ask_new(const struct options *options, struct ask **ret) {
        CLEANUP_ASK struct ask *ask = memory_new(1, sizeof *ask);
        int r;

        ask->options = options;
        r = endpoint_find(options, ENDPOINT_STATS, &ask->endpoint);
        if (r < 0)
                return r;
        r = link_new(ask->endpoint, &ask->link);
        if (r < 0) {
                screen_error("'%s' is no endpoint (%s); one looks like tcp://127.0.0.1:7603", ask->endpoint,
                             strerror(-r));
                return r;
        }
        *ret = TAKE(ask);
        return 0;
}

struct ask *ask_free(struct ask *ask) {
        if (!ask)
                return NULL;
        link_free(ask->link);
        free(ask->endpoint);
        free(ask);
        return NULL;
}

static struct span left_until(struct mono end) { return mono_since(end, clock_mono()); }

/* 0; -ETIMEDOUT while there is no connection. */
static int send_question(struct ask *ask, const json_t *question, struct mono end) {
        CLEANUP_BUFFER struct buffer frame = {0};

        json_encode(question, &frame);
        while (link_send(ask->link, buffer_bytes(&frame)) != 0) {
                if (mono_is_due(clock_mono(), end))
                        return -ETIMEDOUT;
                (void)!link_wait(ask->link, span_ms(LIMIT_CTL_CONNECT_MS));
        }
        return 0;
}

/* The answer in a frame, if it is the one to the question in hand. */
static json_t *decode_answer(const struct ask *ask, struct bytes frame) {
        CLEANUP_FREE char *error = NULL;
        CLEANUP_JSON json_t *answer = NULL;

        if (json_decode(frame, &answer, &error) < 0 || !json_is_object(answer))
                return NULL;
        if (json_integer_value(json_object_get(answer, "request")) != ask->n_asked)
                return NULL;
        json_object_del(answer, "request");
        return TAKE(answer);
}

static int receive_answer(struct ask *ask, struct mono end, json_t **ret) {
        struct bytes frame;

        do {
                while (link_receive(ask->link, &frame) == 0) {
                        *ret = decode_answer(ask, frame);
                        if (*ret)
                                return json_object_get(*ret, "error") ? 1 : 0;
                }
        } while (link_wait(ask->link, left_until(end)) == 0);
        return -ETIMEDOUT;
}

int ask_question(struct ask *ask, json_t *question, json_t **ret) {
        CLEANUP_JSON json_t *taken = question;
        struct mono end = mono_add(clock_mono(), ask->options->timeout);
        int r;

        json_object_set_new(taken, "request", json_integer(++ask->n_asked));
        r = send_question(ask, taken, end);
        if (r < 0)
                return r;
        return receive_answer(ask, end, ret);
}

/* What to do about a refusal, where there is something. */
static const char *remedy(const char *code) {
        if (strcmp(code, "unknown_tenant") == 0)
                return "; `lull stats` lists the tenants";
        if (strcmp(code, "unknown_command") == 0)
                return "; is the broker older than this lull?";
        return "";
}

void ask_report(const struct ask *ask, int r, const json_t *answer) {
        const char *code, *why;

        if (r < 0) {
                endpoint_report_silence(ask->options, ENDPOINT_STATS, ask->endpoint);
                return;
        }
        code = answer_text_find(answer, "/error/code");
        why = answer_text_find(answer, "/error/why");
        screen_error("%s: %s%s", code ? code : "refused", why ? why : "the broker gave no reason",
                     remedy(code ? code : ""));
}

int ask_broker(const struct options *options, json_t *question, json_t **ret) {
        CLEANUP_JSON json_t *taken = question;
        CLEANUP_JSON json_t *answer = NULL;
        CLEANUP_ASK struct ask *ask = NULL;
        int r = ask_new(options, &ask);

        if (r < 0)
                return r;
        r = ask_question(ask, TAKE(taken), &answer);
        if (r != 0) {
                ask_report(ask, r, answer);
                return r;
        }
        *ret = TAKE(answer);
        return 0;
}
