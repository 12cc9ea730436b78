/* The registry of threads: who they are, which state they are in, when they come up next. */
#include "broker/core/state.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <string.h>

const struct effort effort_none = {.worker = NONE, .provider = NONE};

struct effort *thread_effort(struct core *core, struct thread *thread) {
        struct effort *effort;

        if (thread->effort != &effort_none)
                return (struct effort *)(uintptr_t)thread->effort;
        core->room.n_efforts++;
        effort = memory_new(1, sizeof *effort);
        *effort = effort_none;
        thread->effort = effort;
        return effort;
}

static void forget_effort(struct core *core, struct thread *thread) {
        if (thread->effort == &effort_none)
                return;
        core->room.n_efforts--;
        core->room.n_failures -= thread->effort->failure != NULL;
        free(thread->effort->failure);
        free((void *)(uintptr_t)thread->effort);
        thread->effort = &effort_none;
}

void threads_done(struct core *core) {
        for (uint32_t i = 0; i < core->n_threads; i++)
                if (thread_is_used(&core->threads[i]))
                        forget_effort(core, &core->threads[i]);
        texts_done(&core->names);
        free(core->threads);
}

static uint32_t hash_name(const struct core *core, uint32_t tenant, struct bytes name) {
        return (uint32_t)hash_64(core->salt + tenant, name);
}

static uint32_t hash_fence(uint64_t fence) { return (uint32_t)(fence * UINT64_C(0x9e3779b97f4a7c15) >> 32); }

uint32_t thread_index(const struct core *core, const struct thread *thread) {
        return (uint32_t)(thread - core->threads);
}

_Static_assert(LIMIT_DEAD_MESSAGES <= SETTLED_MAX && LIMIT_BATCH_MESSAGES_MAX <= SETTLED_MAX, "no batch has more");

void thread_settle(struct thread *thread, uint32_t n) {
        ENSURE(n <= SETTLED_MAX);
        thread->n_batch = n & SETTLED_MAX;
}

struct bytes thread_name(const struct core *core, const struct thread *thread) {
        return texts_get(&core->names, thread->name, thread->name_len);
}

uint32_t thread_hash(const struct core *core, const struct thread *thread) {
        return hash_name(core, thread->tenant, thread_name(core, thread));
}

static struct thread *find(const struct core *core, uint32_t tenant, struct bytes name, uint32_t hash) {
        struct table_probe probe = {.hash = hash};
        uint32_t index;

        while (table_next(&core->by_name, &probe, &index)) {
                struct thread *thread = &core->threads[index];

                if (thread->tenant == tenant && thread->name_len == name.len &&
                    bytes_is_equal(thread_name(core, thread), name))
                        return thread;
        }
        return NULL;
}

struct thread *thread_find(const struct core *core, uint32_t tenant, struct bytes name) {
        return find(core, tenant, name, hash_name(core, tenant, name));
}

uint32_t thread_expect(const struct core *core, uint32_t tenant, struct bytes name) {
        uint32_t hash = hash_name(core, tenant, name);

        table_expect(&core->by_name, hash);
        return hash;
}

static uint32_t take_slot(struct core *core) {
        uint32_t index = core->free_thread;

        if (index != NONE) {
                core->free_thread = core->threads[index].name;
                return index;
        }
        if (core->n_threads == core->threads_cap) {
                ENSURE(core->threads_cap < NONE / 2);
                core->threads_cap = core->threads_cap ? core->threads_cap * 2 : 256;
                core->threads = memory_resize(core->threads, core->threads_cap, sizeof *core->threads);
        }
        core->threads[core->n_threads].ticket = 0;
        return core->n_threads++;
}

struct thread *thread_get(struct core *core, struct now now, uint32_t tenant, struct bytes name) {
        return thread_get_hashed(core, now, tenant, name, hash_name(core, tenant, name));
}

struct thread *thread_get_hashed(struct core *core, struct now now, uint32_t tenant, struct bytes name, uint32_t hash) {
        struct thread *thread = find(core, tenant, name, hash);
        uint32_t index, ticket;
        bool is_held;

        if (thread)
                return thread;
        is_held = hold_find(core, tenant, name) != NULL;
        index = take_slot(core);
        thread = &core->threads[index];
        ticket = thread->ticket;
        *thread = (struct thread){
                .effort = &effort_none,
                .name = texts_push(&core->names, name),
                .name_len = name.len & 0x1ff,
                .tenant = tenant & TENANTS_MAX,
                .state = is_held ? THREAD_HELD : THREAD_COLLECTING,
                .is_held = is_held,
                .messages = {.first = NONE, .last = NONE},
                .due = MONO_NEVER,
                .entry_at = MONO_NEVER,
                .ticket = ticket + 1,
                .since = now.mono,
        };
        core->tenants[tenant].n_states[thread->state]++;
        core->room.name_bytes += TEXTS_COST(name.len);
        table_push(&core->by_name, hash, index);
        return thread;
}

void thread_free(struct core *core, struct thread *thread) {
        uint32_t index = thread_index(core, thread);

        ENSURE(thread->messages.n == 0 && thread->state != THREAD_RUNNING);
        tenant_of(core, thread)->n_states[thread->state]--;
        table_remove(&core->by_name, thread_hash(core, thread), index);
        core->room.name_bytes -= TEXTS_COST(thread->name_len);
        texts_remove(&core->names, thread->name, thread->name_len);
        thread->name_len = 0;
        forget_effort(core, thread);
        thread->ticket++; /* whatever the heaps still hold of it is void */
        thread->name = core->free_thread;
        core->free_thread = index;
}

void thread_set_state(struct core *core, struct now now, struct thread *thread, enum thread_state state) {
        tenant_of(core, thread)->n_states[thread->state]--;
        tenant_of(core, thread)->n_states[state]++;
        if (thread->state != state)
                thread->since = now.mono;
        thread->state = (uint8_t)state;
}

void thread_wake(struct core *core, struct thread *thread, struct mono at) {
        struct tenant *tenant = tenant_of(core, thread);

        if (!mono_is_before(at, thread->entry_at))
                return; /* the entry comes up sooner, and is put right then */
        thread->entry_at = at;
        thread->ticket++;
        heap_push(&tenant->delay, (struct heap_entry){at, thread_index(core, thread), thread->ticket});
        tenant_wake(core, tenant, at);
}

void thread_arm(struct core *core, struct thread *thread, struct mono due) {
        thread->due = due;
        thread_wake(core, thread, due);
}

void thread_ready(struct core *core, struct now now, struct thread *thread) {
        thread_set_state(core, now, thread, THREAD_READY);
        thread->entry_at = MONO_NEVER;
        thread->ticket++;
        ready_push(core, thread);
        tenant_queue(core, tenant_of(core, thread));
}

struct thread *thread_find_fence(const struct core *core, uint64_t fence) {
        struct table_probe probe = {.hash = hash_fence(fence)};
        uint32_t index;

        while (table_next(&core->by_fence, &probe, &index))
                if (core->threads[index].effort->fence == fence)
                        return &core->threads[index];
        return NULL;
}

void thread_take_lease(struct core *core, struct thread *thread, uint32_t worker, uint64_t fence) {
        struct effort *effort = thread_effort(core, thread);

        effort->fence = fence;
        effort->worker = worker;
        table_push(&core->by_fence, hash_fence(fence), thread_index(core, thread));
        if (core->workers[worker].running < core->workers[worker].slots)
                core->free_credit--;
        core->workers[worker].running++;
        provider_on_lease(core, thread);
}

void thread_start_lease(struct core *core, struct thread *thread, uint32_t worker) {
        ENSURE((uint32_t)core->next_fence != UINT32_MAX); /* a restart gives a new epoch, and fences to go on with */
        thread_take_lease(core, thread, worker, core->next_fence++);
}

void thread_end_lease(struct core *core, struct thread *thread) {
        struct effort *effort = thread_effort(core, thread);
        struct worker *worker = &core->workers[effort->worker];

        table_remove(&core->by_fence, hash_fence(effort->fence), thread_index(core, thread));
        if (worker->running <= worker->slots)
                core->free_credit++; /* else it had taken more than it now offers, and is only less in debt */
        worker->running--;
        provider_on_lease_end(core, thread);
        tenant_queue(core, tenant_of(core, thread)); /* its concurrency may have kept it out of line */
        effort->void_fence = effort->fence;
        effort->fence = effort->posting = 0;
        effort->worker = NONE;
}

void thread_push(struct core *core, struct thread *thread, struct message message) {
        message_list_push(core, &thread->messages, message_new(core, message));
        tenant_of(core, thread)->n_pending++;
}

void thread_set_failure(struct core *core, struct thread *thread, struct bytes code, struct bytes why) {
        struct effort *effort = thread_effort(core, thread);

        core->room.n_failures += !effort->failure;
        if (!effort->failure)
                effort->failure = memory_new(1, sizeof *effort->failure);
        *effort->failure = (struct failure){0};
        memcpy(effort->failure->code, code.data ? code.data : "",
               code.len < LIMIT_CODE_LEN ? code.len : LIMIT_CODE_LEN);
        memcpy(effort->failure->why, why.data ? why.data : "", why.len < LIMIT_WHY_LEN ? why.len : LIMIT_WHY_LEN);
}

void thread_begin_anew(struct core *core, struct thread *thread) {
        struct effort kept = effort_none;

        ENSURE(thread->effort->worker == NONE);
        thread->n_batch = 0;
        thread->has_record = thread->is_answered = thread->is_doubtful = thread->is_awaited = false;
        /* What is no matter of the batch: that its provider fails, and that the person types. */
        kept.outage = thread->effort->outage;
        kept.stirred = thread->effort->stirred;
        forget_effort(core, thread);
        if (kept.outage != 0 || kept.stirred.us != 0)
                *thread_effort(core, thread) = kept;
}

uint64_t thread_seq(const struct core *core, const struct thread *thread) {
        ENSURE(thread->messages.n > 0);
        return core->messages[thread->messages.first].seq;
}

bool thread_keep_held(struct core *core, struct now now, struct thread *thread) {
        if (!thread->is_held)
                return false;
        if (thread->state == THREAD_READY)
                thread->ticket++; /* its place in the queue is void */
        thread_set_state(core, now, thread, THREAD_HELD);
        thread->due = MONO_NEVER;
        return true;
}

void thread_go_on(struct core *core, struct now now, struct thread *thread) {
        ENSURE(thread->state != THREAD_RUNNING);
        if (thread->messages.n == 0) {
                thread_free(core, thread);
                return;
        }
        if (thread_keep_held(core, now, thread))
                return;
        thread_set_state(core, now, thread, THREAD_COLLECTING);
        thread_arm(core, thread, batch_due(core, now, thread));
}
