/* Questions: what is where, since when, and why. Nothing here changes anything. */
#include "broker/core/state.h"

#include <string.h>

const char *thread_state_name(enum thread_state state) {
        switch (state) {
        case THREAD_COLLECTING:
                return "collecting";
        case THREAD_READY:
                return "ready";
        case THREAD_RUNNING:
                return "running";
        case THREAD_WAITING:
                return "waiting";
        case THREAD_BACKOFF:
                return "backoff";
        case THREAD_HELD:
                return "held";
        case THREAD_DEAD:
                return "dead";
        case THREAD_DONE:
                return "done";
        case THREAD_UNKNOWN:
                return "unknown";
        }
        return "unknown";
}

const char *hold_kind_name(enum hold_kind kind) {
        switch (kind) {
        case HOLD_OPERATOR:
                return "operator";
        case HOLD_PERSON:
                return "person";
        case HOLD_CLOSED:
                return "closed";
        }
        return "operator";
}

static void view_worker(const struct core *core, const struct thread *thread, struct core_thread_view *view) {
        if (thread->effort->worker != NONE)
                view->worker = core->workers[thread->effort->worker].uuid;
        view->fence = thread->effort->fence;
        batch_name(core, &thread->messages, thread->n_batch, view->batch);
}

static void view_hold(const struct hold *hold, struct core_thread_view *view) {
        view->is_held = true;
        view->held_since = hold->since;
        view->held_until = hold->until;
        view->held_why = hold->why;
        view->held_kind = hold->kind;
        if (view->state != THREAD_RUNNING) {
                view->state = THREAD_HELD;
                view->since = hold->since;
        }
}

static void view_thread(const struct core *core, struct now now, const struct thread *thread,
                        struct core_thread_view *view) {
        const struct tenant *tenant = tenant_of(core, thread);

        *view = (struct core_thread_view){
                .tenant = bytes_of(tenant->name),
                .thread = thread_name(core, thread),
                .state = (enum thread_state)thread->state,
                .since = now_to_wall(now, thread->since),
                .n_messages = thread->messages.n,
                .n_bytes = thread->messages.n_bytes,
                .n_batch = thread->n_batch,
                .attempts = thread->effort->attempts,
                .lost = thread->effort->lost,
                .n_interrupts = thread->effort->n_interrupts,
                .is_answered = thread->is_answered,
                .posted = thread->effort->posted,
                .n_replies = thread->effort->n_replies,
                .is_doubtful = thread->is_answered && thread->is_doubtful,
                .is_orphan = !tenant->settings,
                .is_record = core->messages[thread->messages.first].is_record,
                .is_throttled = tenant->settings && tenant->n_states[THREAD_RUNNING] >= tenant->settings->concurrency,
                .has_credit = core->free_credit > 0,
                .n_ready = tenant->n_states[THREAD_READY],
                .code = thread->effort->failure && thread->effort->failure->code[0] ? thread->effort->failure->code
                                                                                    : NULL,
                .why = thread->effort->failure && thread->effort->failure->why[0] ? thread->effort->failure->why : NULL,
        };
        if (mono_is_before(now.mono, thread->effort->stirred))
                view->stirred = now_to_wall(now, thread->effort->stirred);
        if (thread->due.us != MONO_NEVER.us)
                view->due = now_to_wall(now, thread->due);
        if (tenant->settings && !mono_is_due(now.mono, rate_next(tenant, now)))
                view->paced_until = now_to_wall(now, rate_next(tenant, now));
        if (thread->state == THREAD_READY && !thread->is_answered)
                provider_view_if_busy(core, now, thread, &view->provider);
        if (awaiting_has(core, thread) && thread->state != THREAD_RUNNING && mono_is_due(now.mono, thread->due))
                view->awaited_until = now_to_wall(now, awaiting_until(core));
        if (thread->state == THREAD_COLLECTING) /* since the first of its messages, not since the one before was done */
                view->since = core->messages[thread->messages.first].accepted;
        if (thread->state == THREAD_RUNNING)
                view_worker(core, thread, view);
        if (thread->is_held)
                view_hold(hold_find(core, thread->tenant, view->thread), view);
}

/* The last finished batch of a thread that holds nothing now. */
static const struct recent *find_recent(const struct core *core, uint32_t tenant, struct bytes thread) {
        uint32_t hash = (uint32_t)hash_64(core->salt + tenant, thread);
        uint64_t n = core->n_recent < LIMIT_RECENT ? core->n_recent : LIMIT_RECENT;

        for (uint64_t i = 1; i <= n; i++) {
                const struct recent *recent = &core->recent[(core->n_recent - i) % LIMIT_RECENT];

                if (recent->thread_hash == hash && recent->tenant == tenant)
                        return recent;
        }
        return NULL;
}

static const struct dead *find_newest_dead(const struct core *core, uint32_t tenant, struct bytes thread,
                                           uint32_t *ret_n) {
        const struct dead *newest = NULL;

        for (uint32_t i = 0; i < core->n_dead; i++) {
                const struct dead *dead = core->dead[i];

                if (dead->tenant != tenant || !bytes_is_equal((struct bytes){dead->thread, dead->thread_len}, thread))
                        continue;
                ++*ret_n;
                if (!newest || dead->since.ms >= newest->since.ms)
                        newest = dead;
        }
        return newest;
}

static void view_past(const struct core *core, uint32_t tenant, const struct dead *dead,
                      struct core_thread_view *view) {
        const struct recent *recent = find_recent(core, tenant, view->thread);

        if (recent && (!dead || recent->at.ms > dead->since.ms)) {
                view->state = THREAD_DONE;
                view->since = recent->at;
                view->n_batch = recent->n_messages;
                view->attempts = recent->attempts;
                memcpy(view->batch, recent->batch, sizeof view->batch);
        } else if (dead) {
                view->state = THREAD_DEAD;
                view->since = dead->since;
                view->n_batch = dead->messages.n;
                view->attempts = dead->attempts;
                view->lost = dead->lost;
                view->is_answered = dead->is_answered;
                view->is_doubtful = dead->is_doubtful;
                view->posted = dead->posted;
                view->n_replies = dead->n_replies;
                view->code = dead->failure.code;
                view->why = dead->failure.why;
                memcpy(view->batch, dead->batch, sizeof view->batch);
        }
}

static uint32_t count_records(const struct core *core, const struct thread *thread) {
        uint32_t n = 0;

        for (uint32_t at = thread->messages.first; at != NONE; at = core->messages[at].next)
                n += core->messages[at].is_record;
        return n;
}

void core_why(const struct core *core, struct now now, struct bytes tenant_name, struct bytes name,
              struct core_thread_view *ret) {
        uint32_t tenant = tenant_find(core, tenant_name), n_dead = 0;
        struct bytes own = tenant == NONE ? name : names_resolve(core, tenant, name);
        const struct thread *thread = tenant == NONE ? NULL : thread_find(core, tenant, own);
        const struct hold *hold = tenant == NONE ? NULL : hold_find(core, tenant, own);
        const struct dead *dead = tenant == NONE ? NULL : find_newest_dead(core, tenant, own, &n_dead);

        *ret = (struct core_thread_view){.tenant = tenant_name, .thread = own, .state = THREAD_UNKNOWN};
        if (thread)
                view_thread(core, now, thread, ret);
        else if (hold)
                view_hold(hold, ret);
        else if (tenant != NONE)
                view_past(core, tenant, dead, ret);
        if (thread)
                ret->n_record = count_records(core, thread);
        ret->is_orphan = tenant == NONE || !core->tenants[tenant].settings;
        ret->n_dead = n_dead;
}

bool core_next_thread(const struct core *core, struct now now, uint32_t *cursor, struct core_thread_view *ret) {
        while (*cursor < core->n_threads) {
                const struct thread *thread = &core->threads[(*cursor)++];

                if (thread_is_used(thread)) {
                        view_thread(core, now, thread, ret);
                        return true;
                }
        }
        return false;
}

bool core_next_hold(const struct core *core, uint32_t *cursor, struct core_hold_view *ret) {
        while (*cursor < core->holds.n_slots) {
                const struct hold *hold = &core->holds.items[(*cursor)++];
                struct bytes name = {hold->thread, hold->thread_len};
                const struct thread *thread;

                if (!hold->thread)
                        continue;
                thread = thread_find(core, hold->tenant, name);
                *ret = (struct core_hold_view){
                        .tenant = bytes_of(core->tenants[hold->tenant].name),
                        .thread = name,
                        .since = hold->since,
                        .until = hold->until,
                        .why = hold->why,
                        .kind = hold->kind,
                        .n_messages = thread ? thread->messages.n : 0,
                };
                return true;
        }
        return false;
}

uint32_t core_aliases(const struct core *core, struct bytes tenant_name, struct bytes name, struct bytes *ret,
                      uint32_t max) {
        uint32_t tenant = tenant_find(core, tenant_name), cursor = 0, n = 0;
        struct bytes root = tenant == NONE ? name : alias_root(core, tenant, name), other;

        while (n < max && tenant != NONE && names_next(core, tenant, root, &cursor, &other))
                if (!bytes_is_equal(other, name))
                        ret[n++] = other;
        return n;
}

uint32_t core_alias_count(const struct core *core) { return core->aliases.n; }

uint32_t core_hold_count(const struct core *core) { return core->holds.n; }

static uint32_t list_seqs(const struct core *core, const struct message_list *list, uint64_t *ret, uint32_t max) {
        uint32_t n = 0;

        for (uint32_t at = list->first; list->n > 0 && at != NONE && n < max; at = core->messages[at].next)
                ret[n++] = core->messages[at].seq;
        return n;
}

uint32_t core_thread_seqs(const struct core *core, struct bytes tenant_name, struct bytes thread_name, uint64_t *ret,
                          uint32_t max) {
        uint32_t tenant = tenant_find(core, tenant_name);
        const struct thread *thread = tenant == NONE ? NULL : thread_find(core, tenant, thread_name);

        return thread ? list_seqs(core, &thread->messages, ret, max) : 0;
}

static void view_dead(const struct core *core, const struct dead *dead, struct core_dead_view *view) {
        *view = (struct core_dead_view){
                .seq = dead->seq,
                .tenant = bytes_of(core->tenants[dead->tenant].name),
                .thread = {dead->thread, dead->thread_len},
                .since = dead->since,
                .attempts = dead->attempts,
                .lost = dead->lost,
                .posted = dead->posted,
                .is_answered = dead->is_answered,
                .is_doubtful = dead->is_doubtful,
                .code = dead->failure.code,
                .why = dead->failure.why,
                .n_messages = dead->messages.n,
        };
        for (uint32_t at = dead->messages.first; at != NONE; at = core->messages[at].next)
                view->n_record += core->messages[at].is_record;
        memcpy(view->batch, dead->batch, sizeof view->batch);
}

bool core_next_dead(const struct core *core, uint32_t *cursor, struct core_dead_view *ret) {
        if (*cursor >= core->n_dead)
                return false;
        view_dead(core, core->dead[(*cursor)++], ret);
        return true;
}

bool core_dead_find_seq(const struct core *core, uint64_t seq, struct core_dead_view *ret) {
        const struct dead *dead = dead_find(core, seq);

        if (!dead)
                return false;
        view_dead(core, dead, ret);
        return true;
}

bool core_dead_find(const struct core *core, struct bytes batch, struct core_dead_view *ret) {
        uint64_t seq;

        return batch_parse(batch, &seq) == 0 && core_dead_find_seq(core, seq, ret) && bytes_is_text(batch, ret->batch);
}

uint32_t core_dead_seqs(const struct core *core, uint64_t seq, uint64_t *ret, uint32_t max) {
        const struct dead *dead = dead_find(core, seq);

        return dead ? list_seqs(core, &dead->messages, ret, max) : 0;
}

bool core_next_worker(const struct core *core, struct now now, uint32_t *cursor, struct core_worker_view *ret) {
        while (*cursor < core->n_workers) {
                const struct worker *worker = &core->workers[(*cursor)++];

                if (!worker->is_used)
                        continue;
                *ret = (struct core_worker_view){worker->uuid, worker->slots, worker->running,
                                                 mono_since(now.mono, worker->heard)};
                return true;
        }
        return false;
}

bool core_next_tenant(const struct core *core, uint32_t *cursor, struct core_tenant_view *ret) {
        const struct tenant *tenant;

        if (*cursor >= core->n_tenants)
                return false;
        tenant = &core->tenants[(*cursor)++];
        *ret = (struct core_tenant_view){.name = bytes_of(tenant->name),
                                         .pending = tenant->n_pending,
                                         .dead = tenant->n_dead,
                                         .n_aliases = tenant->n_aliases,
                                         .counters = &tenant->counters};
        memcpy(ret->states, tenant->n_states, sizeof ret->states);
        return true;
}

bool core_has_tenant(const struct core *core, struct bytes name) { return tenant_find(core, name) != NONE; }

const struct core_counters *core_counters(const struct core *core) { return &core->counters; }
uint64_t core_seen_count(const struct core *core) { return core->seen.n; }
