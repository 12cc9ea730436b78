/* Whom a provider lets begin a run. */
#include "broker/core/state.h"

/* A rate that has kept nobody back for so long is lifted: it is not what holds the runs up. */
#define UNBOUND_AFTER span_s(10)

static struct provider *provider_at(const struct core *core, uint32_t index) {
        return index == NONE ? NULL : &core->providers.items[index];
}

static uint32_t index_of(const struct core *core, const struct provider *provider) {
        return (uint32_t)(provider - core->providers.items);
}

struct provider *provider_of_tenant(const struct core *core, const struct tenant *tenant) {
        return provider_at(core, tenant->provider);
}

struct provider *provider_of_run(const struct core *core, const struct thread *thread) {
        return provider_at(core, thread->effort->provider);
}

bool provider_has_failed(const struct core *core, const struct thread *thread) {
        const struct provider *provider = provider_of_tenant(core, tenant_of(core, thread));

        return provider && thread->effort->outage == provider->outage;
}

/* -- its lines ----------------------------------------------------------------------------------------------------- */

static bool is_first(const struct core *core, const struct provider *provider, int line, const struct tenant *tenant) {
        return provider->lines[line].first == (uint32_t)(tenant - core->tenants);
}

static void join(struct core *core, struct provider *provider, int line, struct tenant *tenant) {
        uint32_t index = (uint32_t)(tenant - core->tenants);

        if (tenant->is_in_line[line])
                return;
        tenant->is_in_line[line] = true;
        tenant->next_in_line[line] = NONE;
        if (provider->lines[line].first == NONE)
                provider->lines[line].first = index;
        else
                core->tenants[provider->lines[line].last].next_in_line[line] = index;
        provider->lines[line].last = index;
}

static struct tenant *leave_line(struct core *core, struct provider *provider, int line) {
        struct tenant *tenant = &core->tenants[provider->lines[line].first];

        provider->lines[line].first = tenant->next_in_line[line];
        tenant->is_in_line[line] = false;
        return tenant;
}

/* True when it stood first in one of them. */
static bool leave_if_first(struct core *core, struct provider *provider, const struct tenant *tenant) {
        bool was_first = false;

        for (int line = 0; line < LINE_N; line++) {
                if (!is_first(core, provider, line, tenant))
                        continue;
                leave_line(core, provider, line);
                was_first = true;
        }
        return was_first;
}

/* Where the tenant belongs by what it has ready; LINE_N = in none. */
static int line_of(struct core *core, const struct provider *provider, struct tenant *tenant) {
        if (ready_has_fresh(core, tenant))
                return LINE_FRESH;
        if (!ready_has_failed(core, tenant))
                return LINE_N;
        return provider->state == PROVIDER_CLOSED ? LINE_FRESH : LINE_AGAIN;
}

void provider_wake(struct core *core, struct provider *provider, struct mono at) {
        if (!mono_is_before(at, provider->entry_at))
                return;
        provider->entry_at = at;
        provider->ticket++;
        heap_push(&core->providers.wakes, (struct heap_entry){at, index_of(core, provider), provider->ticket});
}

/* -- whom it lets -------------------------------------------------------------------------------------------------- */

/* A try may take its time: others wait for it, but not for ever. */
static struct mono try_over(const struct provider_try *try, struct mono at) {
        return try->thread == NONE ? at : mono_max(at, mono_add(try->since, span_s(LIMIT_PROBE_S)));
}

/* None of that line may begin before this, as far as it goes by time. */
static struct mono provider_next(const struct provider *provider, int line) {
        struct mono at = mono_max(provider->until, provider->asked_until);

        switch (provider->state) {
        case PROVIDER_CLOSED:
                return provider->spacing.us > 0 ? mono_max(at, provider->paced) : at;
        case PROVIDER_OPEN:
        case PROVIDER_HALF_OPEN:
                at = try_over(&provider->fresh, at);
                return line == LINE_AGAIN ? try_over(&provider->again, mono_max(at, provider->again_until)) : at;
        }
        return at;
}

/* Does its rate keep anybody back? Who stands in line is not asked again before his turn, which may be one spacing
 * off. */
static bool is_paced(struct now now, const struct provider *provider) {
        struct span unbound = span_us(UNBOUND_AFTER.us + 2 * provider->spacing.us);

        return provider->spacing.us > 0 && !span_is_less(unbound, mono_since(now.mono, provider->bound));
}

static void set_free(struct core *core, struct now now, struct provider *provider) {
        provider->is_free = true;
        provider->free_since = now.mono;
        for (int line = 0; line < LINE_N; line++)
                while (provider->lines[line].first != NONE)
                        tenant_queue(core, leave_line(core, provider, line));
}

/* What comes about by time alone. */
static void let_time_pass(struct core *core, struct now now, struct provider *provider) {
        bool is_over = mono_is_due(now.mono, mono_max(provider->until, provider->asked_until));

        if (provider->state == PROVIDER_OPEN && is_over)
                provider->state = PROVIDER_HALF_OPEN;
        if (provider->state != PROVIDER_CLOSED || provider->is_free)
                return;
        if (!is_paced(now, provider))
                provider->spacing = span_us(0);
        if (provider->spacing.us == 0 && is_over)
                set_free(core, now, provider);
}

bool provider_is_free(const struct core *core, const struct tenant *tenant) {
        return tenant->provider == NONE || core->providers.items[tenant->provider].is_free;
}

/* The first in line has its turn, if anybody may. Who does not belong there any more asks where it does. */
static void call_next_of(struct core *core, struct now now, struct provider *provider, int line) {
        uint32_t first;

        while ((first = provider->lines[line].first) != NONE && line_of(core, provider, &core->tenants[first]) != line)
                tenant_queue(core, leave_line(core, provider, line));
        if (first == NONE)
                return;
        if (mono_is_due(now.mono, provider_next(provider, line)))
                tenant_queue(core, &core->tenants[first]);
        else
                provider_wake(core, provider, provider_next(provider, line));
}

static void call_next(struct core *core, struct now now, struct provider *provider) {
        let_time_pass(core, now, provider);
        for (int line = 0; line < LINE_N; line++)
                call_next_of(core, now, provider, line);
}

static bool is_its_turn(const struct core *core, struct now now, const struct provider *provider, int line,
                        const struct tenant *tenant) {
        return (provider->lines[line].first == NONE || is_first(core, provider, line, tenant)) &&
               mono_is_due(now.mono, provider_next(provider, line));
}

enum provider_leave provider_ask(struct core *core, struct now now, struct tenant *tenant) {
        struct provider *provider = provider_of_tenant(core, tenant);
        int line;

        if (!provider || provider->is_free)
                return PROVIDER_LETS_ALL;
        line = line_of(core, provider, tenant);
        if (line == LINE_N) {
                provider_pass(core, now, tenant); /* it did when it was called */
                return PROVIDER_LETS_ALL;
        }
        let_time_pass(core, now, provider);
        if (is_its_turn(core, now, provider, line, tenant)) {
                if (provider->state == PROVIDER_CLOSED)
                        return PROVIDER_LETS_ALL;
                return line == LINE_FRESH ? PROVIDER_LETS_FRESH : PROVIDER_LETS_AGAIN;
        }
        if (provider->state == PROVIDER_CLOSED)
                provider->bound = now.mono;
        join(core, provider, line, tenant);
        call_next(core, now, provider);
        return PROVIDER_LETS_NONE;
}

void provider_pass(struct core *core, struct now now, struct tenant *tenant) {
        struct provider *provider = provider_of_tenant(core, tenant);

        if (provider && leave_if_first(core, provider, tenant))
                call_next(core, now, provider);
}

/* -- runs ---------------------------------------------------------------------------------------------------------- */

void provider_on_lease(struct core *core, struct thread *thread) {
        thread_effort(core, thread)->provider = thread->is_answered ? NONE : tenant_of(core, thread)->provider;
        if (thread->effort->provider != NONE)
                core->providers.items[thread->effort->provider].n_running++;
}

void provider_on_lease_end(struct core *core, struct thread *thread) {
        struct provider *provider = provider_of_run(core, thread);

        if (!provider)
                return;
        thread_effort(core, thread)->provider = NONE;
        provider->n_running--;
        if (provider->fresh.thread == thread_index(core, thread))
                provider->fresh.thread = NONE; /* whatever it found: the next one may try */
        if (provider->again.thread == thread_index(core, thread))
                provider->again.thread = NONE;
        if (!provider->is_free)
                provider_wake(core, provider, core->last_step);
}

static void count_start(struct now now, struct provider *provider) {
        provider_starts(now, provider);
        provider->starts.n++;
}

uint32_t provider_starts(struct now now, struct provider *provider) {
        struct span passed = mono_since(now.mono, provider->starts.at);

        if (passed.us >= 1000000) {
                provider->starts.n_before = passed.us < 2000000 ? provider->starts.n : 0;
                provider->starts.n = 0;
                provider->starts.at = now.mono;
        }
        return provider->starts.n > provider->starts.n_before ? provider->starts.n : provider->starts.n_before;
}

void provider_on_start(struct core *core, struct now now, const struct thread *thread) {
        struct provider *provider = provider_of_run(core, thread);
        struct provider_try *try;

        if (!provider)
                return;
        count_start(now, provider);
        if (provider->is_free)
                return;
        if (provider->state == PROVIDER_HALF_OPEN) {
                try = provider_has_failed(core, thread) ? &provider->again : &provider->fresh;
                try->thread = thread_index(core, thread);
                try->since = now.mono;
        }
        provider->paced = mono_add(mono_max(provider->paced, now.mono), provider->spacing);
        leave_if_first(core, provider, tenant_of(core, thread));
        call_next(core, now, provider);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

void providers_on_time(struct core *core, struct now now) {
        struct providers *providers = &core->providers;

        for (int n = 0; n < LIMIT_DUE_PER_TURN; n++) {
                const struct heap_entry *top = heap_peek(&providers->wakes);
                struct heap_entry entry;

                if (!top || !mono_is_due(now.mono, top->at))
                        return;
                entry = heap_pop(&providers->wakes);
                if (entry.ticket != providers->items[entry.who].ticket)
                        continue;
                providers->items[entry.who].entry_at = MONO_NEVER;
                call_next(core, now, &providers->items[entry.who]);
        }
}

struct mono providers_next_due(const struct core *core) {
        const struct heap_entry *top = heap_peek(&core->providers.wakes);

        return top ? top->at : MONO_NEVER;
}

/* -- questions ----------------------------------------------------------------------------------------------------- */

const char *provider_state_name(enum provider_state state) {
        switch (state) {
        case PROVIDER_CLOSED:
                return "closed";
        case PROVIDER_OPEN:
                return "open";
        case PROVIDER_HALF_OPEN:
                return "half_open";
        }
        return "closed";
}

/* As it will be when it is asked next, by a thread that has failed or by one that has not. */
static void view(const struct core *core, struct now now, const struct provider *provider, bool has_failed,
                 struct core_provider_view *ret) {
        struct mono until = mono_max(provider->until, provider->asked_until);
        bool is_over;

        if (has_failed && provider->state != PROVIDER_CLOSED)
                until = mono_max(until, provider->again_until);
        is_over = mono_is_due(now.mono, until);
        *ret = (struct core_provider_view){
                .endpoint = provider->endpoint,
                .n_tenants = provider->n_tenants,
                .n_running = provider->n_running,
                .state = PROVIDER_CLOSED,
                .is_tried = provider->fresh.thread != NONE || (has_failed && provider->again.thread != NONE),
                .failures = provider->evidence.failures,
                .n_opened = provider->n_opened,
        };
        if (provider->state != PROVIDER_CLOSED)
                ret->state = is_over ? PROVIDER_HALF_OPEN : PROVIDER_OPEN;
        if (provider->n_tenants > 0)
                ret->tenant = bytes_of(core->tenants[provider->tenant].name);
        if (!is_over)
                ret->until = now_to_wall(now, until);
        if (provider->state == PROVIDER_CLOSED && is_paced(now, provider))
                ret->rate = 1e6 / (double)provider->spacing.us;
}

void provider_view_if_busy(const struct core *core, struct now now, const struct thread *thread,
                           struct core_provider_view *ret) {
        const struct provider *provider = provider_of_tenant(core, tenant_of(core, thread));

        if (provider && !provider->is_free &&
            (provider->state != PROVIDER_CLOSED || is_paced(now, provider) ||
             !mono_is_due(now.mono, mono_max(provider->until, provider->asked_until))))
                view(core, now, provider, provider_has_failed(core, thread), ret);
}

/* When nobody stands in line who has not failed, who has is who tries it next. */
bool core_next_provider(const struct core *core, struct now now, uint32_t *cursor, struct core_provider_view *ret) {
        while (*cursor < core->providers.n) {
                const struct provider *provider = &core->providers.items[(*cursor)++];

                if (!provider->endpoint)
                        continue;
                view(core, now, provider, provider->lines[LINE_FRESH].first == NONE, ret);
                return true;
        }
        return false;
}

uint64_t core_provider_changes(const struct core *core) { return core->providers.n_changes; }

bool core_next_provider_change(struct core *core, struct now now, uint32_t *cursor, struct core_provider_view *ret) {
        while (*cursor < core->providers.n) {
                struct provider *provider = &core->providers.items[(*cursor)++];
                bool is_open = provider->state != PROVIDER_CLOSED;

                if (!provider->endpoint || provider->is_told_open == is_open)
                        continue;
                provider->is_told_open = is_open;
                view(core, now, provider, provider->lines[LINE_FRESH].first == NONE, ret);
                return true;
        }
        return false;
}
