#include "broker/thread_text.h"

#include "broker/provider_answers.h"
#include "broker/questions.h"
#include "common/clock.h"
#include "common/memory.h"

#include <string.h>

/* A length of time as a person says it: "8 s", "250 ms". */
static char *text_of_span(struct span span) {
        if (span.us % 1000000 == 0)
                return memory_print("%lld s", (long long)(span.us / 1000000));
        return memory_print("%lld ms", (long long)(span.us / 1000));
}

static char *text_of_stirred(const struct core_thread_view *view) {
        char text[CLOCK_TEXT_MAX];

        if (view->stirred.ms == 0)
                return memory_print("%s", "");
        return memory_print(" and, as the person is typing or has changed a message, until %s",
                            clock_text(view->stirred, text));
}

static char *waits_in_collecting(const struct core_thread_view *view, const struct config_tenant *tenant) {
        CLEANUP_FREE char *quiet = text_of_span(tenant->quiet), *max_wait = text_of_span(tenant->max_wait);

        CLEANUP_FREE char *stirred = text_of_stirred(view);

        return memory_print("%s of quiet since the last message%s, or a cap: %s since the first, %u messages (%u now), "
                            "%u bytes (%u now)",
                            quiet, stirred, max_wait, tenant->max_messages, view->n_messages, tenant->max_bytes,
                            view->n_bytes);
}

static char *waits_for_time(const char *what, struct wall at) {
        char text[CLOCK_TEXT_MAX];

        clock_text(at, text);
        return memory_print("%s %s", what, text);
}

static char *waits_for_rate(const struct core_thread_view *view) {
        char text[CLOCK_TEXT_MAX];

        return memory_print("the tenant's rate, which lets its next run begin at %s; threads of the tenant that are "
                            "ready: %u, and the one that has been due longest goes first",
                            clock_text(view->paced_until, text), view->n_ready);
}

static char *waits_in_ready(const struct core_thread_view *view, const struct config_tenant *tenant) {
        if (view->provider.endpoint)
                return provider_wait_text(&view->provider);
        if (view->is_throttled)
                return memory_print("one of the tenant's %u runs to end (concurrency)", tenant->concurrency);
        if (view->paced_until.ms != 0)
                return waits_for_rate(view);
        if (!view->has_credit)
                return memory_print("a worker with a free slot; `lull stats` shows the workers");
        return memory_print("its turn");
}

/* A worker from before the broker's restart may be running it. */
static char *waits_for_workers(const struct core_thread_view *view) {
        return waits_for_time("the workers from before the broker's restart to say what they run, at the latest until",
                              view->awaited_until);
}

static char *waits_in_held(const struct core_thread_view *view) {
        return memory_print("%s%s%s",
                            view->held_kind == HOLD_CLOSED ? "the person to write again" : "whoever took it over",
                            view->held_why[0] ? ": " : "", view->held_why);
}

/* What ends a hold, its end aside. */
static const char *end_of_hold(enum hold_kind kind) {
        switch (kind) {
        case HOLD_OPERATOR:
                return "after `lull resume`";
        case HOLD_PERSON:
                return "when its platform gives the thread back, or after `lull resume`";
        case HOLD_CLOSED:
                return "when the next message comes";
        }
        return "after `lull resume`";
}

const char *thread_policy_name(const struct config_tenant *tenant, enum hold_kind kind) {
        static const char *const names[] = {[CONFIG_ON_RESUME_REST] = "rest",
                                            [CONFIG_ON_RESUME_ANSWER] = "answer",
                                            [CONFIG_ON_RESUME_RECORD] = "record"};

        return kind == HOLD_OPERATOR ? "answer" : names[tenant->on_resume];
}

/* What becomes of the messages then. */
static const char *fate_of(const struct core_thread_view *view, const struct config_tenant *tenant) {
        if (!tenant || view->held_kind == HOLD_OPERATOR || tenant->on_resume == CONFIG_ON_RESUME_ANSWER)
                return "answered";
        if (tenant->on_resume == CONFIG_ON_RESUME_RECORD || view->held_kind == HOLD_CLOSED)
                return "recorded without an answer";
        return "what came after the team's last word answered, the rest recorded,";
}

static char *next_in_held(const struct core_thread_view *view, const struct config_tenant *tenant) {
        char text[CLOCK_TEXT_MAX];

        return memory_print("what %s is kept, and %s %s%s%s", view->held_kind == HOLD_CLOSED ? "waits" : "comes",
                            fate_of(view, tenant), end_of_hold(view->held_kind),
                            view->held_until.ms > 0 ? ", or when the hold ends at " : "",
                            view->held_until.ms > 0 ? clock_text(view->held_until, text) : "");
}

/* It did not fail: somebody gave it up. */
bool thread_is_cancelled(const struct core_thread_view *view) {
        return view->state == THREAD_DEAD && view->code && strcmp(view->code, "cancelled") == 0;
}

static const char *task_of(const struct core_thread_view *view) {
        if (view->is_answered)
                return "post the answer, which is stored";
        return view->is_record ? "record what a person has answered" : "answer";
}

char *thread_waits_for(const struct core_thread_view *view, const struct config_tenant *tenant) {
        if (view->awaited_until.ms != 0)
                return waits_for_workers(view);
        switch (view->state) {
        case THREAD_COLLECTING:
                return waits_in_collecting(view, tenant);
        case THREAD_READY:
                return waits_in_ready(view, tenant);
        case THREAD_RUNNING:
                return memory_print("worker %s to %s", questions_uuid(view->worker), task_of(view));
        case THREAD_WAITING:
                return memory_print("what was busy to be free: %s", view->why ? view->why : "no reason was given");
        case THREAD_BACKOFF:
                return memory_print("the pause after failure %u of %u", view->attempts, tenant->retry.attempts);
        case THREAD_HELD:
                return waits_in_held(view);
        case THREAD_DEAD:
                if (thread_is_cancelled(view))
                        return memory_print("a retry or a drop: it was cancelled by an operator: %s", view->why);
                return memory_print("an operator: it was given up after %u failed run%s", view->attempts + view->lost,
                                    view->attempts + view->lost == 1 ? "" : "s");
        case THREAD_DONE:
        case THREAD_UNKNOWN:
                return memory_print("a message");
        }
        return NULL;
}

char *thread_what_is_next(const struct core_thread_view *view, const struct config_tenant *tenant) {
        char text[CLOCK_TEXT_MAX];

        if (view->awaited_until.ms != 0)
                return memory_print("goes to a worker then, unless one of those has it already: that one goes on");
        clock_text(view->due, text);
        switch (view->state) {
        case THREAD_COLLECTING:
                return memory_print("goes to a worker at %s, if nothing more is said until then", text);
        case THREAD_READY:
                return memory_print("goes to a worker");
        case THREAD_RUNNING:
                if (view->is_held)
                        return memory_print("done, as its answer was stored before somebody took the thread over; then "
                                            "it is held");
                return memory_print("done; or, if the worker falls silent, another takes it over at %s", text);
        case THREAD_WAITING:
        case THREAD_BACKOFF:
                return memory_print("tried again at %s", text);
        case THREAD_HELD:
                return next_in_held(view, tenant);
        case THREAD_DEAD:
                return memory_print(
                        "nothing by itself; `lull dead retry %s` runs it again, `lull dead drop %s` forgets it",
                        view->batch, view->batch);
        case THREAD_DONE:
                return memory_print("a new message begins a new batch");
        case THREAD_UNKNOWN:
                return memory_print("nothing: the broker holds nothing of this thread, and remembers nothing of it "
                                    "since it started");
        }
        return NULL;
}
