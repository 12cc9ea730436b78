/* A thread is held, as a person has taken it over, and let go again. Neither loses a message or changes the order, and
 * each is durable before it is told. */
#include "broker/core/state.h"

#include <errno.h>
#include <string.h>

/* -- runs ---------------------------------------------------------------------------------------------------------- */

bool thread_is_posting(const struct core *core, const struct thread *thread) {
        return thread->is_answered && (thread->state == THREAD_RUNNING || (thread->is_awaited && core->awaiting));
}

bool thread_call_off(struct core *core, struct now now, struct thread *thread, const char *code, const char *why,
                     struct effects *fx) {
        if (thread->state == THREAD_RUNNING) {
                core->counters.cancelled++;
                run_cancel(core, now, core->workers[thread->effort->worker].address, thread->effort->fence, code, why,
                           fx);
                thread_end_lease(core, thread);
                thread->n_batch = 0;
                return true;
        }
        if (!thread->is_awaited || !core->awaiting || thread->is_answered)
                return false;
        thread->is_awaited = false;
        thread_effort(core, thread)->void_fence = (uint64_t)core->epoch << 32;
        return true;
}

/* -- hold ---------------------------------------------------------------------------------------------------------- */

static enum stored_note_kind note_of(enum hold_kind kind) {
        static const enum stored_note_kind kinds[] = {
                [HOLD_OPERATOR] = STORED_HOLD, [HOLD_PERSON] = STORED_TAKEOVER, [HOLD_CLOSED] = STORED_CLOSED};

        return kinds[kind];
}

/* The hold itself may be let go in the same turn, so it lends no text. */
static void store(const struct core *core, const struct hold *hold, struct effects *fx) {
        effects_push_change(fx, CHANGE_PUT_NOTE)->note = (struct stored_note){
                .seq = hold->seq,
                .kind = note_of(hold->kind),
                .tenant = bytes_of(core->tenants[hold->tenant].name),
                .name = effects_keep(fx, (struct bytes){hold->thread, hold->thread_len}),
                .value = effects_keep(fx, bytes_of(hold->why)),
                .at = hold->since,
                .until = hold->until,
                .word = hold->word,
        };
}

/* A run whose answer is stored is let go on to its end: its reply may be out already. */
static void stop(struct core *core, struct now now, struct thread *thread, struct effects *fx) {
        thread->is_held = true;
        if (thread_is_posting(core, thread) && thread->state == THREAD_RUNNING)
                return;
        if (thread_call_off(core, now, thread, "held", "a person has taken this thread over", fx))
                batch_store(core, thread, AT_QUIET, 0, fx);
        thread_keep_held(core, now, thread);
}

/* What came again, and stood behind that word in its frame, was said after it. */
static uint64_t later_word(struct core *core, struct now now, const struct hold *hold, const struct thread *thread,
                           uint64_t word) {
        uint64_t first_known = thread && word > 0 ? frame_first_known(core, now, thread) : word;

        word = word < first_known ? word : first_known;
        return word > hold->word ? word : hold->word;
}

static int hold_one(struct core *core, struct now now, uint32_t tenant, struct bytes name,
                    const struct hold_terms *terms, struct effects *fx) {
        struct thread *thread = thread_find(core, tenant, name);
        struct hold *hold = hold_find(core, tenant, name);

        if (!hold && core->holds.n >= LIMIT_HOLDS)
                return -ENOSPC;
        if (!hold)
                core->counters.holds++;
        if (!hold || hold->kind != terms->kind) {
                hold = hold_get(core, now, tenant, name);
                hold->frame = terms->frame;
        }
        hold->kind = terms->kind;
        hold->said = terms->said;
        hold->word = later_word(core, now, hold, thread, terms->word);
        hold_set_why(hold, terms->why);
        hold_set_until(core, now, hold, terms->until);
        store(core, hold, fx);
        if (thread && !thread->is_held)
                stop(core, now, thread, fx);
        return 0;
}

int take_over(struct core *core, struct now now, uint32_t tenant, struct bytes thread, const struct hold_terms *terms,
              struct effects *fx) {
        uint32_t cursor = 0;
        struct bytes name;

        while (names_next(core, tenant, thread, &cursor, &name)) {
                int r;

                /* Another name has messages of its own only while it runs empty. */
                if (cursor > 1 && !thread_find(core, tenant, name))
                        continue;
                r = hold_one(core, now, tenant, name, terms, fx);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* -- let go -------------------------------------------------------------------------------------------------------- */

/* Of what waits when the hold ends, the messages below this number are only to be recorded. */
static uint64_t recorded_until(struct core *core, struct now now, const struct hold *hold,
                               const struct thread *thread) {
        const struct config_tenant *settings = settings_of(core, thread);
        uint64_t first_known;

        if (!settings || hold->kind == HOLD_OPERATOR || settings->on_resume == CONFIG_ON_RESUME_ANSWER)
                return 0;
        first_known = frame_first_known(core, now, thread);
        return settings->on_resume == CONFIG_ON_RESUME_REST && hold->word < first_known ? hold->word : first_known;
}

/* A batch whose answer is stored goes at once, whatever has come behind it; else it is due as its messages say, from
 * now at the earliest: the time that it was held is not our lateness. */
static void go_on(struct core *core, struct now now, struct thread *thread, uint64_t recorded, struct effects *fx) {
        thread->is_held = false;
        records_begin(core, now, thread, recorded, fx);
        if (thread->state != THREAD_HELD)
                return;
        if (thread->has_record && !thread->is_answered)
                batch_store(core, thread, AT_QUIET, 0, fx); /* its pause is over for the next start, too */
        thread_set_state(core, now, thread, thread->is_answered ? THREAD_BACKOFF : THREAD_COLLECTING);
        thread_arm(core, thread, thread->is_answered ? now.mono : mono_max(now.mono, batch_due(core, now, thread)));
}

static void end(struct core *core, struct now now, struct hold *hold, struct effects *fx) {
        struct thread *thread = thread_find(core, hold->tenant, (struct bytes){hold->thread, hold->thread_len});

        uint64_t recorded = thread ? recorded_until(core, now, hold, thread) : 0;

        effects_delete(fx, CHANGE_DELETE_NOTE, hold->seq);
        hold_remove(core, hold);
        if (thread)
                go_on(core, now, thread, recorded, fx);
}

uint32_t let_go(struct core *core, struct now now, uint32_t tenant, struct bytes thread, uint32_t kinds,
                struct effects *fx) {
        uint32_t cursor = 0, n = 0;
        struct bytes name;

        while (core->holds.n > 0 && names_next(core, tenant, thread, &cursor, &name)) {
                struct hold *hold = hold_find(core, tenant, name);

                if (!hold || !(kinds & 1U << hold->kind))
                        continue;
                if (kinds & HOLDS_OF_FRAME && hold->frame != core->frame.number)
                        continue;
                end(core, now, hold, fx);
                n++;
        }
        return n;
}

void holds_on_time(struct core *core, struct now now, struct effects *fx) {
        for (int n = 0; n < LIMIT_DUE_PER_TURN; n++) {
                struct hold *hold = hold_next_ended(core, now);

                if (!hold)
                        return;
                end(core, now, hold, fx);
        }
}

/* -- two become one ------------------------------------------------------------------------------------------------ */

/* An operator's word goes before a person's, and that before a closed conversation's, which the next message ends. What
 * is there already stays, if it is as strong. */
static bool is_stronger(const struct hold *hold, const struct hold *other) {
        return !other || hold->kind < other->kind;
}

static struct hold_terms terms_of(const struct hold *hold, struct effects *fx) {
        return (struct hold_terms){
                hold->kind, effects_keep(fx, bytes_of(hold->why)), hold->until, hold->frame, hold->word, hold->said};
}

/* What still waits in a thread that becomes one with a held one is held as well. */
static void hold_rest(struct core *core, struct now now, uint32_t tenant, struct bytes from, struct bytes to,
                      struct effects *fx) {
        const struct hold *hold = hold_find(core, tenant, to);
        struct hold_terms terms;

        if (!hold || !thread_find(core, tenant, from) || !is_stronger(hold, hold_find(core, tenant, from)))
                return;
        terms = terms_of(hold, fx);
        /* Without a place for one more, it runs empty as it is. */
        if (hold_one(core, now, tenant, from, &terms, fx) < 0)
                return;
}

void take_over_rest(struct core *core, struct now now, uint32_t tenant, struct bytes name, struct effects *fx) {
        hold_rest(core, now, tenant, name, alias_root(core, tenant, name), fx);
}

void take_over_join(struct core *core, struct now now, uint32_t tenant, struct bytes from, struct bytes to,
                    struct effects *fx) {
        struct hold *hold;
        struct hold_terms terms;
        bool is_wanted;

        hold_rest(core, now, tenant, from, to, fx);
        hold = hold_find(core, tenant, from);
        if (!hold)
                return;
        terms = terms_of(hold, fx);
        is_wanted = is_stronger(hold, hold_find(core, tenant, to));
        /* A thread that still has messages stays held until the end of both. */
        if (!thread_find(core, tenant, from)) {
                effects_delete(fx, CHANGE_DELETE_NOTE, hold->seq);
                hold_remove(core, hold);
                core->counters.holds -= is_wanted && !hold_find(core, tenant, to); /* it only has another name */
        }
        /* Without a place for one more, the thread that is held stays so by itself. */
        if (is_wanted && hold_one(core, now, tenant, to, &terms, fx) < 0)
                return;
}
