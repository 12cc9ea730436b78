/* A reply of ours is to be seen in its channel: what the platform says of it ends any doubt. */
#include "broker/core/state.h"

/* The thread whose settled batch is called so; NULL when there is none whose answer is stored. */
static struct thread *find_answered(const struct core *core, uint32_t tenant, const struct wire_message *item) {
        char name[WIRE_BATCH_LEN + 1];
        uint32_t cursor = 0;
        struct bytes alias;

        while (names_next(core, tenant, item->thread, &cursor, &alias)) {
                struct thread *thread = thread_find(core, tenant, alias);

                if (!thread || !thread->is_answered)
                        continue;
                batch_name(core, &thread->messages, thread->n_batch, name);
                if (bytes_is_text(item->id, name))
                        return thread;
        }
        return NULL;
}

/* A worker that is posting goes on with the next one, which may be out by the time that this is stored. */
static bool is_doubt_over(const struct core *core, const struct thread *thread) {
        return !thread_is_posting(core, thread) ||
               (thread->effort->n_replies > 0 && thread->effort->posted >= thread->effort->n_replies);
}

static bool is_next(uint32_t number, uint32_t posted, uint32_t n_replies) {
        return number == posted && number < (n_replies > 0 ? n_replies : LIMIT_REPLIES);
}

/* A batch that was given up for a doubt: who brings it back need not post that reply again. */
static bool note_in_dead(struct core *core, uint32_t tenant, const struct wire_message *item, struct effects *fx) {
        struct dead *dead;
        uint64_t seq;

        if (batch_parse(item->id, &seq) < 0)
                return false;
        dead = dead_find(core, seq);
        if (!dead || dead->tenant != tenant || !dead->is_answered || !bytes_is_text(item->id, dead->batch) ||
            !is_next(item->number, dead->posted, dead->n_replies))
                return false;
        dead->posted++;
        dead->is_doubtful = false;
        dead_store(core, dead, fx);
        return true;
}

static bool note(struct core *core, struct now now, struct thread *thread, uint32_t number, struct effects *fx) {
        struct wall at = thread->state == THREAD_BACKOFF ? now_to_wall(now, thread->due) : now.wall;

        if (!is_next(number, thread->effort->posted, thread->effort->n_replies))
                return false;
        thread_effort(core, thread)->posted++;
        if (is_doubt_over(core, thread))
                thread->is_doubtful = false;
        if (run_is_all_out(thread) && !thread_is_posting(core, thread))
                run_done(core, now, thread, fx);
        else
                batch_store(core, thread, at, thread->n_batch, fx);
        return true;
}

void on_shown(struct core *core, struct now now, uint32_t tenant, const struct wire_message *item, struct effects *fx) {
        struct thread *thread = find_answered(core, tenant, item);
        bool is_news = thread ? note(core, now, thread, item->number, fx) : note_in_dead(core, tenant, item, fx);

        core->tenants[tenant].counters.shown += is_news;
        core->counters.savings.shown += is_news;
}
