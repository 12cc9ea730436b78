#include "ingest/asks.h"

#include "common/limits.h"
#include "common/link.h"
#include "common/log.h"
#include "common/memory.h"

struct ask {
        struct ask *next;
        uint64_t number;
        struct mono deadline;
        char *question; /* NULL once it has left */
        struct asks_call call;
};

struct asks {
        struct link *link;
        struct ask *first, **end;
        uint64_t number;
        uint32_t n;
        struct mono again; /* when the next try to send is due; MONO_NEVER = nothing is to be sent */
};

int asks_new(const char *endpoint, struct asks **ret) {
        CLEANUP_ASKS struct asks *asks = memory_new(1, sizeof *asks);
        int r;

        asks->end = &asks->first;
        asks->again = MONO_NEVER;
        r = link_new(endpoint, &asks->link);
        if (r < 0)
                return r;
        *ret = TAKE(asks);
        return 0;
}

static void ask_free(struct ask *ask) {
        free(ask->question);
        free(ask);
}

struct asks *asks_free(struct asks *asks) {
        if (!asks)
                return NULL;
        for (struct ask *next, *at = asks->first; at; at = next) {
                next = at->next;
                ask_free(at);
        }
        link_free(asks->link);
        free(asks);
        return NULL;
}

int asks_fd(const struct asks *asks) { return link_fd(asks->link); }

int asks_push(struct asks *asks, json_t *question, struct mono deadline, struct asks_call call) {
        struct ask *ask;

        if (asks->n >= LIMIT_ASKS)
                return ASKS_FULL;
        ask = memory_new(1, sizeof *ask);
        *ask = (struct ask){.number = ++asks->number, .deadline = deadline, .call = call};
        json_object_set_new(question, "request", json_integer((json_int_t)ask->number));
        ask->question = json_encode_text(question);
        *asks->end = ask;
        asks->end = &ask->next;
        asks->n++;
        asks->again = (struct mono){0};
        return 0;
}

/* -- turns --------------------------------------------------------------------------------------------------------- */

static void send_due(struct asks *asks, struct mono now) {
        if (!mono_is_due(now, asks->again))
                return;
        asks->again = MONO_NEVER;
        for (struct ask *at = asks->first; at; at = at->next) {
                if (!at->question)
                        continue;
                if (link_send(asks->link, bytes_of(at->question)) != 0) {
                        asks->again = mono_add(now, span_ms(LIMIT_UNSENT_MS));
                        return;
                }
                free(at->question);
                at->question = NULL;
        }
}

/* Takes the ask at `at` out of the list, and hands its answer over. */
static void finish(struct asks *asks, struct ask **at, json_t *answer) {
        struct ask *ask = *at;

        *at = ask->next;
        if (!*at)
                asks->end = at;
        asks->n--;
        ask->call.function(ask->call.context, answer);
        ask_free(ask);
}

/* An answer that nobody waits for came too late. */
static void on_frame(struct asks *asks, struct bytes frame) {
        CLEANUP_JSON json_t *answer = NULL;
        CLEANUP_FREE char *error = NULL;
        const json_t *request;

        if (json_decode(frame, &answer, &error) < 0 || !json_is_object(answer)) {
                log_warning("answer_refused", LOG_TEXT("why", "not one that a broker gives"));
                return;
        }
        request = json_object_get(answer, "request");
        for (struct ask **at = &asks->first; *at; at = &(*at)->next) {
                if ((json_int_t)(*at)->number != json_integer_value(request))
                        continue;
                finish(asks, at, answer);
                return;
        }
}

/* The oldest is the first to be late: all wait as long. */
static void expire(struct asks *asks, struct mono now) {
        while (asks->first && mono_is_due(now, asks->first->deadline))
                finish(asks, &asks->first, NULL);
}

void asks_run(struct asks *asks, struct mono now) {
        struct bytes frame;

        send_due(asks, now);
        /* Sending may eat the edge of receiving. */
        while (link_receive(asks->link, &frame) == 0)
                on_frame(asks, frame);
        expire(asks, now);
}

struct mono asks_next(const struct asks *asks) {
        return asks->first ? mono_min(asks->again, asks->first->deadline) : MONO_NEVER;
}
