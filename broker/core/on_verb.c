/* What an operator does to a thread: hold, resume, flush, cancel. None of them loses a message or changes the order;
 * each is durable before it is answered. */
#include "broker/core/state.h"

#include <errno.h>

/* -- hold and resume ----------------------------------------------------------------------------------------------- */

/* How many messages the thread has, under each of its names. */
static uint32_t count_messages(const struct core *core, uint32_t tenant, struct bytes root) {
        uint32_t cursor = 0, n = 0;
        struct bytes name;

        while (names_next(core, tenant, root, &cursor, &name)) {
                const struct thread *thread = thread_find(core, tenant, name);

                n += thread ? thread->messages.n : 0;
        }
        return n;
}

static int hold_thread(struct core *core, struct now now, uint32_t tenant, const struct event *event,
                       struct effects *fx) {
        struct bytes root = alias_root(core, tenant, event->verb.thread);
        struct hold_terms terms = {.kind = HOLD_OPERATOR, .why = event->verb.why, .until = event->verb.until};

        *event->verb.ret_messages = count_messages(core, tenant, root);
        return take_over(core, now, tenant, root, &terms, fx);
}

static int resume_thread(struct core *core, struct now now, uint32_t tenant, const struct event *event,
                         struct effects *fx) {
        struct bytes root = alias_root(core, tenant, event->verb.thread);
        uint32_t n = count_messages(core, tenant, root);

        if (let_go(core, now, tenant, root, HOLDS_OF_ANY, fx) == 0)
                return -ENOENT;
        *event->verb.ret_messages = n;
        return 0;
}

/* -- flush --------------------------------------------------------------------------------------------------------- */

static int flush_thread(struct core *core, struct now now, uint32_t tenant, const struct event *event) {
        struct thread *thread = thread_find(core, tenant, names_resolve(core, tenant, event->verb.thread));

        if (!thread)
                return -ENOENT;
        if (thread->state == THREAD_RUNNING || awaiting_has(core, thread))
                return -EBUSY;
        if (thread->is_held)
                return -EPERM;
        *event->verb.ret_messages = thread->messages.n;
        if (thread->state == THREAD_READY)
                return 0;
        thread->due = now.mono;
        thread_ready(core, now, thread);
        return 0;
}

/* -- cancel -------------------------------------------------------------------------------------------------------- */

/* One dead letter; two when a batch whose answer is stored waits before others, as its answer is not theirs. Brought
 * back it is run anew: no run of before goes on with it, at whatever worker, however many restarts later. */
static void give_up(struct core *core, struct now now, uint32_t tenant, struct bytes name, const struct event *event,
                    struct effects *fx) {
        struct bytes why = event->verb.why.len > 0 ? event->verb.why : bytes_of("no reason was given");
        struct thread *thread;

        while ((thread = thread_find(core, tenant, name))) {
                thread_set_failure(core, thread, bytes_of("cancelled"), why);
                thread_effort(core, thread)->void_fence = core->next_fence - 1;
                if (thread->n_batch == 0)
                        thread_settle(thread, thread->messages.n < LIMIT_DEAD_MESSAGES ? thread->messages.n
                                                                                       : LIMIT_DEAD_MESSAGES);
                dead_bury(core, now, thread, fx);
        }
}

static int cancel_thread(struct core *core, struct now now, uint32_t tenant, const struct event *event,
                         struct effects *fx) {
        struct bytes name = effects_keep(fx, names_resolve(core, tenant, event->verb.thread));
        struct thread *thread = thread_find(core, tenant, name);

        if (!thread)
                return -ENOENT;
        if (thread_is_posting(core, thread))
                return -EBUSY;
        *event->verb.ret_messages = thread->messages.n;
        thread_call_off(core, now, thread, "cancelled", "an operator cancelled it", fx);
        give_up(core, now, tenant, name, event, fx);
        return 0;
}

/* -- events -------------------------------------------------------------------------------------------------------- */

/* A tenant that has left the config may still have messages: those may be cancelled, and a hold let go. */
static int find_tenant(const struct core *core, const struct event *event, bool is_left_good, uint32_t *ret) {
        uint32_t tenant = tenant_find(core, event->verb.tenant);

        if (tenant == NONE || (!is_left_good && !core->tenants[tenant].settings))
                return -ESRCH;
        *ret = tenant;
        return 0;
}

void on_hold(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        uint32_t tenant;
        int r = find_tenant(core, event, false, &tenant);

        *event->verb.ret_result = r < 0 ? r : hold_thread(core, now, tenant, event, fx);
}

void on_resume(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        uint32_t tenant;
        int r = find_tenant(core, event, true, &tenant);

        *event->verb.ret_result = r < 0 ? r : resume_thread(core, now, tenant, event, fx);
}

void on_flush(struct core *core, struct now now, const struct event *event) {
        uint32_t tenant;
        int r = find_tenant(core, event, false, &tenant);

        *event->verb.ret_result = r < 0 ? r : flush_thread(core, now, tenant, event);
}

void on_cancel(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        uint32_t tenant;
        int r = find_tenant(core, event, true, &tenant);

        *event->verb.ret_result = r < 0 ? r : cancel_thread(core, now, tenant, event, fx);
}
