/* A run as a narrated timeline: what happens at which millisecond, and what is to be done then. */
#pragma once

#include "tests/unit/unit.h"

#include "worker/core/run.h"

#include <stdio.h>
#include <string.h>

static struct run run;
static struct outcome busy, bad;

static const struct run_plan plain = {.lock_ttl = {30 * 1000000}, .timeout = {300 * 1000000}, .has_post = true};

static inline struct mono at(int64_t ms) { return (struct mono){ms * 1000}; }

static const char *const names[] = {
        [RUN_ACQUIRE] = "acquire",
        [RUN_EXTEND] = "extend",
        [RUN_RELEASE] = "release",
        [RUN_LOOK_UP] = "look_up",
        [RUN_CALL] = "call",
        [RUN_ABORT] = "abort",
        [RUN_SEND_ANSWERED] = "answered",
        [RUN_READ_BACK] = "read_back",
        [RUN_POST] = "post",
        [RUN_SEND_POSTED] = "posted",
        [RUN_REMEMBER] = "remember",
        [RUN_SEND_RESULT] = "result",
        [RUN_END] = "end",
};

/* The effects as words, and the stage they lead to: "call > answering". */
static inline const char *tell(const struct run_fx *fx) {
        static char text[256];

        text[0] = '\0';
        for (uint32_t i = 0; i < fx->n; i++) {
                strcat(text, names[fx->items[i]]);
                strcat(text, " ");
        }
        strcat(text, "> ");
        strcat(text, run_stage_name(run.stage));
        return text;
}

static inline const char *begin(const struct run_plan *plan, int64_t ms) {
        struct run_fx fx;

        run_init(&run, plan, at(ms), &fx);
        return tell(&fx);
}

static inline const char *step_with(int64_t ms, enum run_event_kind kind, const struct outcome *outcome,
                                    uint32_t n_replies) {
        struct run_event event = {.kind = kind, .outcome = outcome, .n_replies = n_replies};
        struct run_fx fx;

        run_step(&run, at(ms), &event, &fx);
        return tell(&fx);
}

static inline const char *read_back(int64_t ms, enum run_read read, const struct outcome *outcome) {
        struct run_event event = {.kind = RUN_ON_READ, .outcome = outcome, .read = read};
        struct run_fx fx;

        run_step(&run, at(ms), &event, &fx);
        return tell(&fx);
}

static inline const char *step(int64_t ms, enum run_event_kind kind) { return step_with(ms, kind, NULL, 0); }

static inline const char *settle(int64_t ms, bool is_accepted) {
        struct run_event event = {.kind = RUN_ON_SETTLED, .is_accepted = is_accepted};
        struct run_fx fx;

        run_step(&run, at(ms), &event, &fx);
        return tell(&fx);
}

static inline const char *answer(int64_t ms, uint32_t n_replies) {
        struct outcome done;

        outcome_init_done(&done);
        return step_with(ms, RUN_ON_ANSWER, &done, n_replies);
}

static inline void assert_due(int64_t ms) { assert_int_equal(run_due(&run).us, at(ms).us); }

static inline void assert_outcome(enum wire_outcome kind, const char *code) {
        assert_int_equal(run.outcome.kind, kind);
        assert_string_equal(run.outcome.code, code);
}

/* -- into each stage ----------------------------------------------------------------------------------------------- */

static inline void go_to_locking(void) { begin(&plain, 0); }

static inline void go_to_answering(void) {
        go_to_locking();
        step(1, RUN_ON_LOCKED);
}

static inline void go_to_answered(void) {
        go_to_answering();
        answer(1000, 2);
}

static inline void go_to_posting(void) {
        go_to_answered();
        step(1001, RUN_ON_GO);
}

static inline void go_to_reporting(void) {
        go_to_answering();
        answer(1000, 0);
}

static inline int set_up(void **state) {
        outcome_init(&busy, WIRE_BUSY, "handler_busy", "it is busy");
        outcome_init(&bad, WIRE_FAILED, "http_500", "it failed");
        return 0;
}
