/* From what the store holds back to what the core knew. A due time is never stored: it follows from the messages. */
#include "broker/core/state.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <string.h>

/* A batch record, and where its messages went. */
struct loading_batch {
        struct stored_batch record; /* its seqs are our copy */
        struct dead *dead;
        uint32_t thread; /* retrying: the thread of its first message; NONE until that is seen */
};

/* Which batch record names which message. */
struct claim {
        uint64_t seq;
        uint32_t batch;
};

/* A message whose thread is not looked for yet. */
struct expected {
        struct message message;
        struct loading_batch *batch; /* whose first message it is; NULL = none's */
        uint32_t tenant, hash, name_len;
        char name[LIMIT_THREAD_LEN];
};

/* Of millions of threads each is a miss of the cache. That many are fetched at once: more makes it no faster. */
enum { EXPECTED = 16 };

struct loading {
        struct loading_batch *batches;
        uint32_t n_batches, batches_cap;
        struct claim *claims;
        uint32_t n_claims, claims_cap;
        struct table by_seq;
        struct expected expected[EXPECTED]; /* by their number, modulo EXPECTED */
        uint64_t n_expected, n_taken;
};

static uint32_t hash_seq(uint64_t seq) { return (uint32_t)(seq * UINT64_C(0x9e3779b97f4a7c15) >> 32); }

struct loading *loading_free(struct loading *loading) {
        if (!loading)
                return NULL;
        for (uint32_t i = 0; i < loading->n_batches; i++)
                free((void *)(uintptr_t)loading->batches[i].record.seqs);
        table_done(&loading->by_seq);
        free(loading->batches);
        free(loading->claims);
        free(loading);
        return NULL;
}

static struct loading *loading_get(struct core *core) {
        if (!core->loading)
                core->loading = memory_new(1, sizeof *core->loading);
        return core->loading;
}

static void claim(struct loading *loading, uint64_t seq, uint32_t batch) {
        if (loading->n_claims == loading->claims_cap) {
                loading->claims_cap = loading->claims_cap ? loading->claims_cap * 2 : 64;
                loading->claims = memory_resize(loading->claims, loading->claims_cap, sizeof *loading->claims);
        }
        loading->claims[loading->n_claims] = (struct claim){seq, batch};
        table_push(&loading->by_seq, hash_seq(seq), loading->n_claims++);
}

static struct loading_batch *find_claim(struct loading *loading, uint64_t seq) {
        struct table_probe probe = {.hash = hash_seq(seq)};
        uint32_t index;

        while (table_next(&loading->by_seq, &probe, &index))
                if (loading->claims[index].seq == seq)
                        return &loading->batches[loading->claims[index].batch];
        return NULL;
}

void core_load_note(struct core *core, struct now now, const struct stored_note *note) {
        switch (note->kind) {
        case STORED_HOLD:
        case STORED_TAKEOVER:
        case STORED_CLOSED:
                hold_load(core, now, tenant_get(core, note->tenant), note);
                break;
        case STORED_WORKER:
                awaiting_load(core, note);
                break;
        case STORED_ALIAS:
                alias_load(core, tenant_get(core, note->tenant), note);
                break;
        case STORED_RECORD:
                records_load(core, tenant_get(core, note->tenant), note);
                break;
        case STORED_SETTING: /* in the config already */
                break;
        }
}

void core_load_batch(struct core *core, const struct stored_batch *batch) {
        struct loading *loading = loading_get(core);
        struct loading_batch *item;
        uint64_t *seqs = memory_new(batch->n_seqs, sizeof *seqs);

        if (loading->n_batches == loading->batches_cap) {
                loading->batches_cap = loading->batches_cap ? loading->batches_cap * 2 : 64;
                loading->batches = memory_resize(loading->batches, loading->batches_cap, sizeof *loading->batches);
        }
        item = &loading->batches[loading->n_batches];
        *item = (struct loading_batch){.record = *batch, .thread = NONE};
        if (batch->n_seqs > 0)
                memcpy(seqs, batch->seqs, batch->n_seqs * sizeof *seqs);
        item->record.seqs = seqs;
        claim(loading, batch->seq, loading->n_batches);
        for (uint32_t i = 1; i < batch->n_seqs; i++)
                claim(loading, seqs[i], loading->n_batches);
        loading->n_batches++;
}

/* Only where it matters: the bodies of millions are not looked into for nothing. */
static bool is_mute(const struct core *core, uint32_t tenant, const struct stored_message *stored) {
        const struct config_tenant *settings = core->tenants[tenant].settings;
        struct wire_body body;

        return settings && settings->transcription_wait.us > 0 && wire_decode_body(stored->body, &body) == 0 &&
               body_is_mute(&body);
}

static bool was_read(const struct stored_batch *record) { return record->attempts > 0 || record->lost > 0; }

/* The one that was expected longest ago. */
static void take_expected(struct core *core, struct now now) {
        struct loading *loading = core->loading;
        const struct expected *next = &loading->expected[loading->n_taken++ % EXPECTED];
        struct bytes name = {next->name, next->name_len};
        struct thread *thread = thread_get_hashed(core, now, next->tenant, name, next->hash);

        thread->has_mute = thread->has_mute || next->message.is_mute;
        thread_push(core, thread, next->message);
        if (next->batch)
                next->batch->thread = thread_index(core, thread);
}

static void take_all_expected(struct core *core, struct now now) {
        while (core->loading->n_taken < core->loading->n_expected)
                take_expected(core, now);
}

static void expect(struct core *core, struct now now, uint32_t tenant, struct bytes name, struct message message,
                   struct loading_batch *batch) {
        struct loading *loading = core->loading;
        struct expected *next;

        if (loading->n_expected - loading->n_taken == EXPECTED)
                take_expected(core, now);
        ENSURE(name.len <= LIMIT_THREAD_LEN);
        next = &loading->expected[loading->n_expected++ % EXPECTED];
        next->message = message;
        next->batch = batch;
        next->tenant = tenant;
        next->hash = thread_expect(core, tenant, name);
        next->name_len = (uint32_t)name.len;
        memcpy(next->name, name.data, name.len);
}

void core_load_message(struct core *core, struct now now, const struct stored_message *stored, uint32_t bytes) {
        struct loading_batch *batch = find_claim(loading_get(core), stored->seq);
        uint32_t tenant = tenant_get(core, stored->tenant);
        struct message message = {.seq = stored->seq, .accepted = stored->accepted};

        /* What the calendar says about the past may be in the future, if it was set back: then it is now. */
        message.at = mono_min(now_to_mono(now, stored->accepted), now.mono);
        ENSURE(stored->seq < core->next_seq);
        message.bytes = MESSAGE_BYTES(bytes);
        message.n_edits = stored->n_edits & MESSAGE_EDITS_MAX;
        message.is_read = batch && batch->record.kind == STORED_DEAD && was_read(&batch->record);
        message.is_record = records_claim(core, tenant, stored->thread, stored->seq);
        message.is_mute = is_mute(core, tenant, stored);
        if (batch && batch->record.kind == STORED_DEAD) {
                if (!batch->dead)
                        batch->dead = dead_load(core, tenant, stored->thread, &batch->record);
                message_list_push(core, &batch->dead->messages, message_new(core, message));
                return;
        }
        expect(core, now, tenant, stored->thread, message, batch && batch->record.seq == stored->seq ? batch : NULL);
}

void core_load_seen(struct core *core, const struct stored_seen *seen) { seen_push(&core->seen, seen, NULL); }

void core_load_answer(struct core *core, struct now now, uint64_t seq, struct bytes answer) {
        const struct loading_batch *batch = find_claim(loading_get(core), seq);
        const struct thread *thread;

        take_all_expected(core, now);
        thread = batch && batch->thread != NONE ? &core->threads[batch->thread] : NULL;
        if (thread)
                echoes_push(core, now, thread->tenant, thread_name(core, thread), answer, 0, false);
}

/* A settled batch goes first in its thread, whatever is older there (dead letters that were brought back behind it). */
static void pull_to_front(struct core *core, struct thread *thread, const struct stored_batch *record,
                          struct loading *loading) {
        struct message_list all = message_list_cut(core, &thread->messages, thread->messages.n);
        struct message_list batch = {.first = NONE, .last = NONE};

        while (all.n > 0) {
                struct message_list one = message_list_cut(core, &all, 1);
                struct loading_batch *claimed = find_claim(loading, core->messages[one.first].seq);

                message_list_push(core, claimed && claimed->record.seq == record->seq ? &batch : &thread->messages,
                                  one.first);
        }
        message_list_prepend(core, &thread->messages, &batch);
}

static void resume(struct core *core, struct now now, struct loading_batch *batch, struct effects *fx) {
        const struct stored_batch *record = &batch->record;
        struct thread *thread = batch->thread == NONE ? NULL : &core->threads[batch->thread];
        struct effort *effort;

        if (thread && record->is_answered)
                pull_to_front(core, thread, record, core->loading);
        if (!thread || thread_seq(core, thread) != record->seq) {
                /* Its messages are gone, or it is not the first any more: it has nothing to say. */
                effects_delete(fx, CHANGE_DELETE_BATCH, record->seq);
                return;
        }
        thread->has_record = true;
        thread->is_answered = record->is_answered;
        thread->is_doubtful = record->is_doubtful;
        thread_settle(thread, record->is_answered ? record->n_seqs : 0);
        effort = thread_effort(core, thread);
        effort->attempts = record->attempts;
        effort->lost = (uint8_t)record->lost;
        effort->posted = (uint8_t)record->posted;
        effort->void_fence = record->fence;
        effort->posting = record->posting;
        effort->n_replies = (uint8_t)record->n_replies;
        effort->n_interrupts = (uint8_t)record->n_interrupts;
        if (was_read(record)) /* how many of them it had is not known */
                message_list_be_read(core, &thread->messages, thread->messages.n);
        thread_set_failure(core, thread, bytes_of(record->code), bytes_of(record->why));
        if (!thread->is_held && record->at.ms != AT_QUIET.ms)
                thread_set_state(core, now, thread, THREAD_BACKOFF);
}

/* When a thread in backoff is due: as stored; if the calendar has jumped, never later than its longest pause. */
static struct mono backoff_due(const struct core *core, struct now now, const struct thread *thread, struct wall at) {
        const struct config_tenant *settings = settings_of(core, thread);
        struct mono due = now_to_mono(now, at);

        return settings ? mono_min(due, mono_add(now.mono, span_max(settings->retry.cap, span_s(60 * 60)))) : due;
}

void core_load_done(struct core *core, struct now now, struct effects *fx) {
        struct loading *loading = loading_get(core);

        take_all_expected(core, now);
        for (uint32_t i = 0; i < loading->n_batches; i++) {
                struct loading_batch *batch = &loading->batches[i];

                if (batch->record.kind == STORED_RETRYING)
                        resume(core, now, batch, fx);
                else if (batch->dead)
                        batch_name(core, &batch->dead->messages, batch->dead->messages.n, batch->dead->batch);
                else
                        effects_delete(fx, CHANGE_DELETE_BATCH, batch->record.seq);
        }
        for (uint32_t i = 0; i < core->n_threads; i++) {
                struct thread *thread = &core->threads[i];
                struct loading_batch *batch = thread->has_record ? find_claim(loading, thread_seq(core, thread)) : NULL;

                if (thread->is_held)
                        continue;
                thread_arm(core, thread,
                           batch && batch->record.at.ms != AT_QUIET.ms
                                   ? backoff_due(core, now, thread, batch->record.at)
                                   : batch_due(core, now, thread));
        }
        records_tidy(core, fx);
        awaiting_begin(core, now, fx);
        core->last_step = now.mono;
        core->loading = loading_free(loading);
}
