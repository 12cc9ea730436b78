/* The person is typing, or has stopped: what waits is kept back for what comes, or not any longer. Nothing of it is
 * stored: after a restart the quiet alone decides. */
#include "broker/core/state.h"

/* How long ago the platform saw it; where it does not say, or its clock is ahead: just now. */
static struct span age_of(struct now now, const struct wire_body *body) {
        return body->at.ms > 0 && body->at.ms < now.wall.ms ? span_ms(now.wall.ms - body->at.ms) : span_us(0);
}

/* The thread, if such a sign means anything to it: messages of it wait, and its tenant waits for quiet. */
static struct thread *find_waiting(const struct core *core, uint32_t tenant, struct bytes name) {
        const struct config_tenant *settings = core->tenants[tenant].settings;
        struct thread *thread = thread_find(core, tenant, name);

        if (!thread || thread->messages.n <= thread->n_batch)
                return NULL;
        return settings->quiet.us > 0 && settings->typing_hold.us > 0 ? thread : NULL;
}

static void stir(struct core *core, struct now now, struct thread *thread, struct mono until) {
        thread_effort(core, thread)->stirred = until;
        if (thread->state == THREAD_COLLECTING)
                thread_arm(core, thread, batch_due(core, now, thread));
}

void on_typing(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
               const struct wire_body *body) {
        struct thread *thread = find_waiting(core, tenant, item->thread);
        struct span left;

        if (!thread)
                return;
        left = span_us(settings_of(core, thread)->typing_hold.us - age_of(now, body).us);
        if (left.us > 0)
                stir(core, now, thread, mono_max(thread->effort->stirred, mono_add(now.mono, left)));
}

void on_paused(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item,
               const struct wire_body *body) {
        struct thread *thread = find_waiting(core, tenant, item->thread);

        if (thread)
                stir(core, now, thread,
                     mono_add(mono_sub(now.mono, age_of(now, body)), settings_of(core, thread)->quiet));
}
