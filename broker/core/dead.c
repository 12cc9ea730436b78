/* Dead letters: batches given up, kept whole with their reason, and never in the way of their thread. */
#include "broker/core/state.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

static uint32_t hash_seq(uint64_t seq) { return (uint32_t)(seq * UINT64_C(0x9e3779b97f4a7c15) >> 32); }

static uint32_t find_index(const struct core *core, uint64_t seq) {
        struct table_probe probe = {.hash = hash_seq(seq)};
        uint32_t index;

        while (table_next(&core->by_dead_seq, &probe, &index))
                if (core->dead[index]->seq == seq)
                        return index;
        return NONE;
}

struct dead *dead_find(const struct core *core, uint64_t seq) {
        uint32_t index = find_index(core, seq);

        return index == NONE ? NULL : core->dead[index];
}

const struct dead *dead_next(const struct core *core, const struct thread *thread, struct table_probe *probe) {
        struct bytes name = thread_name(core, thread);
        uint32_t index;

        while (table_next(&core->by_dead_thread, probe, &index)) {
                const struct dead *dead = core->dead[index];

                if (dead->tenant == thread->tenant &&
                    bytes_is_equal((struct bytes){dead->thread, dead->thread_len}, name))
                        return dead;
        }
        return NULL;
}

static struct dead *dead_new(struct core *core, uint64_t seq, uint32_t tenant, struct bytes thread) {
        struct dead *dead = memory_new(1, sizeof *dead);

        dead->seq = seq;
        dead->tenant = tenant;
        dead->hash = (uint32_t)hash_64(core->salt + tenant, thread);
        dead->thread = bytes_copy_text(thread);
        dead->thread_len = (uint32_t)thread.len;
        dead->messages = (struct message_list){.first = NONE, .last = NONE};
        if (core->n_dead == core->dead_cap) {
                core->dead_cap = core->dead_cap ? core->dead_cap * 2 : 64;
                core->dead = memory_resize(core->dead, core->dead_cap, sizeof *core->dead);
        }
        table_push(&core->by_dead_seq, hash_seq(seq), core->n_dead);
        table_push(&core->by_dead_thread, dead->hash, core->n_dead);
        core->dead[core->n_dead++] = dead;
        core->tenants[tenant].n_dead++;
        core->room.name_bytes += thread.len;
        return dead;
}

struct dead *dead_load(struct core *core, uint32_t tenant, struct bytes thread, const struct stored_batch *batch) {
        struct dead *dead = dead_new(core, batch->seq, tenant, thread);

        dead->since = batch->at;
        dead->attempts = batch->attempts;
        dead->lost = batch->lost;
        dead->posted = batch->posted;
        dead->void_fence = batch->fence;
        dead->is_answered = batch->is_answered;
        dead->is_doubtful = batch->is_doubtful;
        dead->n_replies = batch->n_replies;
        memcpy(dead->failure.code, batch->code, sizeof dead->failure.code);
        memcpy(dead->failure.why, batch->why, sizeof dead->failure.why);
        return dead;
}

void dead_free(struct dead *dead) {
        free(dead->thread);
        free(dead);
}

/* The last one takes its place. */
void dead_remove(struct core *core, struct dead *dead) {
        uint32_t at = find_index(core, dead->seq), last = core->n_dead - 1;
        struct dead *moved = core->dead[last];

        core->tenants[dead->tenant].n_dead--;
        table_remove(&core->by_dead_seq, hash_seq(dead->seq), at);
        table_remove(&core->by_dead_thread, dead->hash, at);
        if (moved != dead) {
                table_remove(&core->by_dead_seq, hash_seq(moved->seq), last);
                table_push(&core->by_dead_seq, hash_seq(moved->seq), at);
                table_remove(&core->by_dead_thread, moved->hash, last);
                table_push(&core->by_dead_thread, moved->hash, at);
                core->dead[at] = moved;
        }
        core->n_dead--;
        core->room.name_bytes -= dead->thread_len;
        dead_free(dead);
}

void dead_store(struct core *core, const struct dead *dead, struct effects *fx) {
        uint64_t *seqs;
        struct stored_batch *batch = effects_push_batch(fx, dead->messages.n, &seqs);
        uint32_t at = dead->messages.first;

        batch->seq = dead->seq;
        batch->kind = STORED_DEAD;
        batch->at = dead->since;
        batch->attempts = dead->attempts;
        batch->lost = dead->lost;
        batch->posted = dead->posted;
        batch->fence = dead->void_fence;
        batch->is_answered = dead->is_answered;
        batch->is_doubtful = dead->is_doubtful;
        batch->n_replies = dead->n_replies;
        memcpy(batch->code, dead->failure.code, sizeof batch->code);
        memcpy(batch->why, dead->failure.why, sizeof batch->why);
        for (uint32_t i = 0; i < dead->messages.n; i++, at = core->messages[at].next)
                seqs[i] = core->messages[at].seq;
}

void dead_bury(struct core *core, struct now now, struct thread *thread, struct effects *fx) {
        struct bytes name = thread_name(core, thread);
        struct dead *dead = dead_new(core, thread_seq(core, thread), thread->tenant, name);

        ENSURE(thread->n_batch > 0);
        dead->since = now.wall;
        dead->attempts = thread->effort->attempts;
        dead->lost = thread->effort->lost;
        dead->posted = thread->effort->posted;
        dead->void_fence = thread->effort->void_fence;
        dead->is_answered = thread->is_answered;
        dead->is_doubtful = thread->is_doubtful;
        dead->n_replies = thread->effort->n_replies;
        if (thread->effort->failure)
                dead->failure = *thread->effort->failure;
        batch_name(core, &thread->messages, thread->n_batch, dead->batch);
        dead->messages = message_list_cut(core, &thread->messages, thread->n_batch);
        tenant_of(core, thread)->n_pending -= dead->messages.n;
        dead_store(core, dead, fx); /* takes the place of the record that it had while it was tried */
        thread_begin_anew(core, thread);
        thread_set_state(core, now, thread, THREAD_COLLECTING);
        thread_go_on(core, now, thread);
}

/* Can the letter's messages go to the front of the thread? Not before a batch that is settled: running, or answered;
 * nor while a worker from before the restart may be running it. */
static bool has_room(const struct core *core, const struct thread *thread) {
        return !thread || (thread->n_batch == 0 && !awaiting_has(core, thread));
}

/* A letter whose answer is stored goes first, as it was; the messages of another join those that wait, by their age. */
static void bring_back(struct core *core, struct now now, struct thread *thread, struct dead *dead,
                       struct effects *fx) {
        if (!dead->is_answered) {
                thread->has_mute = true; /* one of them may be */
                message_list_merge(core, &thread->messages, &dead->messages);
                effects_delete(fx, CHANGE_DELETE_BATCH, dead->seq);
                if (thread->effort->void_fence > 0)
                        batch_store(core, thread, now.wall, 0, fx);
                return;
        }
        thread->is_answered = true;
        thread_effort(core, thread)->posted = (uint8_t)dead->posted;
        thread->is_doubtful = dead->is_doubtful;
        thread_effort(core, thread)->n_replies = (uint8_t)dead->n_replies;
        thread_settle(thread, dead->messages.n);
        message_list_prepend(core, &thread->messages, &dead->messages);
        batch_store(core, thread, now.wall, thread->n_batch, fx);
}

static void revive(struct core *core, struct now now, struct dead *dead, struct effects *fx) {
        struct thread *thread = thread_get(core, now, dead->tenant, (struct bytes){dead->thread, dead->thread_len});
        uint64_t void_fence;

        /* Other messages, so another batch: what the record of the old one said is over. */
        if (thread->has_record)
                effects_delete(fx, CHANGE_DELETE_BATCH, thread_seq(core, thread));
        void_fence = thread->effort->void_fence > dead->void_fence ? thread->effort->void_fence : dead->void_fence;
        thread_begin_anew(core, thread);
        thread_effort(core, thread)->void_fence = void_fence;
        tenant_of(core, thread)->n_pending += dead->messages.n;
        bring_back(core, now, thread, dead, fx);
        take_over_rest(core, now, dead->tenant, thread_name(core, thread), fx);
        if (thread_keep_held(core, now, thread))
                return;
        thread->due = now.mono;
        thread_ready(core, now, thread);
}

void on_dead_retry(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        struct dead *dead = dead_find(core, event->dead.seq);

        if (!dead) {
                *event->dead.ret_result = -ENOENT;
                return;
        }
        if (!has_room(core, thread_find(core, dead->tenant, (struct bytes){dead->thread, dead->thread_len}))) {
                *event->dead.ret_result = -EBUSY;
                return;
        }
        revive(core, now, dead, fx);
        dead_remove(core, dead);
        *event->dead.ret_result = 0;
}

void on_dead_drop(struct core *core, struct now now, const struct event *event, struct effects *fx) {
        struct dead *dead = dead_find(core, event->dead.seq);

        if (!dead) {
                *event->dead.ret_result = -ENOENT;
                return;
        }
        for (uint32_t at = dead->messages.first; at != NONE; at = core->messages[at].next)
                effects_delete(fx, CHANGE_DELETE_MESSAGE, core->messages[at].seq);
        effects_delete(fx, CHANGE_DELETE_BATCH, dead->seq);
        if (dead->is_answered)
                effects_delete(fx, CHANGE_DELETE_ANSWER, dead->seq);
        records_end(core, dead->tenant, (struct bytes){dead->thread, dead->thread_len}, &dead->messages, fx);
        message_list_free(core, &dead->messages);
        dead_remove(core, dead);
        *event->dead.ret_result = 0;
}
