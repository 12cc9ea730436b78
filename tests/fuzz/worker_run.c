/* A run on a worker, under Redis, a handler, a channel and a broker that answer anything, at any time, in any order.
 * The first two bytes are the plan; then each two are how much time has passed, and an event. */
#include "worker/core/run.h"

#include "common/limits.h"
#include "tests/fuzz/fuzz.h"

/* What the worker's shell would know. */
struct watch {
        bool is_calling, is_locked, has_ended, has_remembered;
        bool is_sent; /* a post, which may be seen whatever comes of it */
        uint32_t n_posted;
        uint32_t n_silenced; /* when that post left */
};

/* Nothing is begun without the lock, twice, or after the end. */
static void check_effect(struct watch *watch, const struct run *run, enum run_effect effect) {
        ENSURE(!watch->has_ended);
        switch (effect) {
        case RUN_ACQUIRE:
                ENSURE(!watch->is_locked && run->plan.lock_ttl.us > 0);
                watch->is_locked = true;
                break;
        case RUN_RELEASE:
                ENSURE(watch->is_locked);
                watch->is_locked = false;
                break;
        case RUN_LOOK_UP:
        case RUN_CALL:
                ENSURE(!watch->is_calling && !run->plan.is_answered && !run->plan.is_uncalled);
                watch->is_calling = true;
                break;
        case RUN_READ_BACK:
        case RUN_POST:
                ENSURE(!watch->is_calling && run->posted < run->n_replies && run->plan.has_post);
                ENSURE(run->is_doubtful == (effect == RUN_READ_BACK));
                watch->is_calling = true;
                break;
        case RUN_ABORT:
                ENSURE(watch->is_calling);
                watch->is_calling = false;
                break;
        case RUN_REMEMBER:
                ENSURE(run->plan.has_history && !watch->has_remembered);
                ENSURE(run->n_replies > 0 || run->plan.is_record);
                watch->has_remembered = true;
                break;
        case RUN_SEND_RESULT:
                ENSURE(run->stage == RUN_REPORTING && !watch->is_calling);
                /* What may be out is either known to be, or in doubt. */
                /* But for a repeat that is given up: it counts as posted. */
                ENSURE(!watch->is_sent || run->is_doubtful || run->doubts.silenced > watch->n_silenced);
                ENSURE(run->outcome.kind != WIRE_DONE || !run->is_doubtful);
                break;
        case RUN_END:
                ENSURE(run->stage == RUN_ENDED && !watch->is_calling);
                watch->has_ended = true;
                break;
        case RUN_EXTEND:
        case RUN_SEND_ANSWERED:
        case RUN_SEND_POSTED:
                break;
        }
}

static void check(struct watch *watch, const struct run *run, struct mono now, const struct run_fx *fx) {
        bool was_calling = watch->is_calling;

        ENSURE(fx->n <= RUN_EFFECTS_MAX);
        for (uint32_t i = 0; i < fx->n; i++)
                check_effect(watch, run, fx->items[i]);
        /* What a step begins and does not abort at once, it may begin. */
        ENSURE(was_calling || !watch->is_calling || run_is_held(run, now));
        ENSURE(run->posted >= watch->n_posted && run->posted <= run->n_replies);
        ENSURE(watch->has_ended == (run->stage == RUN_ENDED));
        /* Else it would wait for ever. */
        ENSURE(watch->has_ended || run_due(run).us != MONO_NEVER.us);
        watch->n_posted = run->posted;
}

static struct run_plan pop_plan(struct input *input) {
        uint8_t what = input_pop_byte(input), more = input_pop_byte(input);
        struct run_plan plan = {.lock_ttl = span_s(what & 1 ? 30 : 0),
                                .timeout = span_s(1 + (what >> 1 & 3) * 60),
                                .has_post = what & 8,
                                .is_answered = what & 16,
                                .has_context = more & 1,
                                .is_context_required = more & 2,
                                .can_read_back = more & 4,
                                .is_silent_on_unknown = more & 8,
                                .has_history = more & 16,
                                .is_doubtful = more & 32,
                                .is_uncalled = more & 64,
                                .is_record = more & 128};

        plan.has_post = plan.has_post && !plan.is_record;
        plan.n_replies = plan.is_answered ? what >> 5 & 3 : 0;
        plan.posted = plan.n_replies > 0 ? what >> 7 : 0;
        return plan;
}

static bool is_end_of_call(enum run_event_kind kind) {
        return kind == RUN_ON_CONTEXT || kind == RUN_ON_ANSWER || kind == RUN_ON_READ || kind == RUN_ON_POSTED ||
               kind == RUN_ON_POST_FAILED || kind == RUN_ON_LEASE_UNSURE;
}

static void pop_event(struct input *input, struct watch *watch, struct outcome *outcome, struct run_event *ret) {
        uint8_t what = input_pop_byte(input);

        *ret = (struct run_event){.kind = what % (RUN_ON_TIMER + 1), .outcome = outcome, .n_replies = what >> 4 & 3};
        ret->read = (enum run_read)(what >> 5 & 3);
        ret->is_accepted = what & 16;
        if (ret->kind == RUN_ON_POST_FAILED || ret->read == RUN_READ_AGAIN || what & 0x80)
                outcome_init(outcome, WIRE_FAILED, "test", "it failed");
        else
                outcome_init_done(outcome);
        outcome->is_doubtful = ret->kind == RUN_ON_POST_FAILED && watch->is_sent;
        /* The call has come back, or was never begun. */
        if (is_end_of_call(ret->kind))
                watch->is_calling = false;
        if (ret->kind == RUN_ON_POSTED || ret->kind == RUN_ON_LEASE_UNSURE)
                watch->is_sent = false;
        if (ret->kind == RUN_ON_LOCK_BUSY)
                watch->is_locked = false;
}

/* Does the event come from the call that is under way? No other answers can come. */
static bool is_possible(const struct run *run, const struct watch *watch, uint8_t what) {
        switch ((enum run_event_kind)(what % (RUN_ON_TIMER + 1))) {
        case RUN_ON_CONTEXT:
                return watch->is_calling && run->stage == RUN_CONTEXT;
        case RUN_ON_ANSWER:
                return watch->is_calling && run->stage == RUN_ANSWERING;
        case RUN_ON_READ:
                return watch->is_calling && run->stage == RUN_READING;
        case RUN_ON_POSTED:
        case RUN_ON_POST_FAILED:
                return watch->is_calling && run->stage == RUN_POSTING;
        case RUN_ON_LEASE_UNSURE:
                return watch->is_calling;
        case RUN_ON_LOCKED:
        case RUN_ON_LOCK_BUSY:
        case RUN_ON_LOCK_UNKNOWN:
                return run->lock.is_asking && watch->is_locked;
        case RUN_ON_GO:
        case RUN_ON_STOP:
        case RUN_ON_CANCEL:
        case RUN_ON_SETTLED:
        case RUN_ON_HAND_BACK:
        case RUN_ON_TIMER:
                return true;
        }
        return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        struct run_plan plan = pop_plan(&input);
        struct mono now = {1000000000};
        struct watch watch = {0};
        struct outcome outcome;
        struct run_event event;
        struct run_fx fx;
        struct run run;

        run_init(&run, &plan, now, &fx);
        check(&watch, &run, now, &fx);
        while (input.left > 0) {
                uint8_t time = input_pop_byte(&input);

                now = mono_add(now, span_ms((int64_t)(time & 0x0f) << (time >> 4)));
                if (input.left > 0 && !is_possible(&run, &watch, *input.at)) {
                        input_pop_byte(&input);
                        continue;
                }
                pop_event(&input, &watch, &outcome, &event);
                /* Its request leaves at any time while it is under way. */
                if (time & 1 && watch.is_calling && run.stage == RUN_POSTING) {
                        run_on_sending(&run);
                        watch.is_sent = true;
                        watch.n_silenced = run.doubts.silenced;
                }
                if (time & 2 && watch.is_sent && watch.is_calling && run.stage == RUN_POSTING) {
                        run_on_held_back(&run);
                        watch.is_sent = false;
                }
                run_step(&run, now, &event, &fx);
                check(&watch, &run, now, &fx);
        }
        return 0;
}
