/* What becomes of a provider by what runs say of it. */
#include "broker/core/state.h"

/* However high the rate was, and however it is halved, one run a second begins; and the longest pause that a provider
 * can ask for. */
#define SLOWEST span_s(1)
#define LONGEST_PAUSE span_s(LIMIT_RETRY_AFTER_MAX_S)
/* Each run that goes well makes the rate a tenth higher: the spacing an eleventh shorter. */
enum { FASTER_BY = 11 };

struct span provider_drain(const struct config_provider *settings) {
        return span_us(settings->drain.count > 0 ? settings->drain.per.us / settings->drain.count : 0);
}

static struct span drain_spacing(const struct core *core) { return provider_drain(&core->config->provider); }

/* -- pauses -------------------------------------------------------------------------------------------------------- */

/* How much of the pause is believed: what one thread alone is told may be meant for it alone, so the others wait for it
 * once, and up to `provider.cap`. That thread itself waits as its Retry-After says. */
static struct span believe(const struct core *core, struct provider *provider, const struct thread *thread,
                           struct span asked) {
        bool is_again = provider->asked == thread_hash(core, thread);

        provider->is_asked_by_many = provider->is_asked_by_many || (provider->is_asked && !is_again);
        provider->is_asked = true;
        provider->asked = thread_hash(core, thread);
        if (provider->is_asked_by_many)
                return span_min(asked, LONGEST_PAUSE);
        if (is_again && provider->state == PROVIDER_CLOSED)
                return span_us(0);
        return span_min(asked, core->config->provider.cap);
}

static void keep_back(struct provider *provider, struct now now, struct span pause) {
        provider->is_free = false;
        provider->asked_until = mono_max(provider->asked_until, mono_add(now.mono, pause));
}

/* -- open and closed ----------------------------------------------------------------------------------------------- */

static void set_open(struct core *core, struct now now, struct provider *provider) {
        provider->state = PROVIDER_OPEN;
        provider->is_free = false;
        provider->opened = core->next_fence;
        provider->n_opened++;
        core->providers.n_changes++;
        provider->fresh = provider->again =
                (struct provider_try){.pause = core->config->provider.pause, .thread = NONE};
        provider->until = provider->again_until = mono_add(now.mono, core->config->provider.pause);
}

static void grow(const struct core *core, struct provider_try *try) {
        try->pause = span_min(span_us(try->pause.us * 2), core->config->provider.cap);
        try->thread = NONE;
}

/* One more thread has failed. If another one did before, that is dealt with. */
static void set_open_again(struct core *core, struct now now, struct provider *provider) {
        if (provider->state == PROVIDER_OPEN)
                return;
        provider->state = PROVIDER_OPEN;
        grow(core, &provider->fresh);
        provider->until = mono_add(now.mono, provider->fresh.pause);
}

/* One of those that have failed did so again: which says nothing of the others. */
static void put_off_again(struct core *core, struct now now, struct provider *provider) {
        grow(core, &provider->again);
        provider->again_until = mono_add(now.mono, provider->again.pause);
}

/* Everybody who has waited begins now, but not all at once. */
static void set_closed(struct core *core, struct now now, struct provider *provider) {
        provider->state = PROVIDER_CLOSED;
        core->providers.n_changes++;
        provider->fresh.thread = provider->again.thread = NONE;
        provider->until = provider->asked_until = provider->paced = provider->bound = now.mono;
        provider->spacing = drain_spacing(core);
        provider->slowed = core->next_fence;
}

/* -- the rate ------------------------------------------------------------------------------------------------------ */

/* As they began in the last second, or as after an outage, if that is more. */
static struct span spacing_now(const struct core *core, struct now now, struct provider *provider) {
        uint32_t n = provider_starts(now, provider);
        struct span drain = drain_spacing(core), begun = span_us(n > 0 ? 1000000 / n : 0);

        if (provider->spacing.us > 0)
                return provider->spacing;
        return drain.us > 0 && begun.us > 0 ? span_min(drain, begun) : span_max(drain, begun);
}

/* Once for all runs that were under way: they found the same crowd. And one thread that is always told so slows the
 * others down once. */
static void slow_down(struct core *core, struct now now, struct provider *provider, const struct thread *thread) {
        struct span slowest = span_max(SLOWEST, drain_spacing(core));
        struct span spacing = span_us(spacing_now(core, now, provider).us * 2);

        if (thread->effort->fence < provider->slowed || thread_hash(core, thread) == provider->slowed_by)
                return;
        provider->slowed = core->next_fence;
        provider->slowed_by = thread_hash(core, thread);
        provider->spacing = spacing.us == 0 ? slowest : span_min(spacing, slowest);
        provider->paced = mono_add(now.mono, provider->spacing);
        provider->bound = now.mono;
        provider->is_free = false;
}

static void speed_up(struct provider *provider, const struct thread *thread) {
        if (thread->effort->fence >= provider->slowed)
                provider->spacing.us -= provider->spacing.us / FASTER_BY;
}

/* -- verdicts ------------------------------------------------------------------------------------------------------ */

/* True when it was not closed, and is now. */
static bool is_back(struct core *core, struct now now, struct provider *provider) {
        provider->evidence = provider->shared->down = (struct provider_evidence){0};
        provider->outage = ++core->providers.n_outages;
        provider->is_asked = provider->is_asked_by_many = false;
        if (provider->state == PROVIDER_CLOSED)
                return false;
        set_closed(core, now, provider);
        return true;
}

/* That it did well and yet wants no call for a while says how much of a limit is left: it is no thread's own matter. */
static void on_well(struct core *core, struct now now, struct provider *provider, const struct thread *thread,
                    struct span asked) {
        if (!is_back(core, now, provider))
                speed_up(provider, thread);
        if (asked.us > 0)
                keep_back(provider, now, span_min(asked, core->config->provider.cap));
}

static void count_failure(struct provider_evidence *evidence, uint32_t thread) {
        if (evidence->failures == 0)
                evidence->failed = thread;
        else if (evidence->failed != thread)
                evidence->is_by_many = true;
        if (evidence->failures < UINT32_MAX)
                evidence->failures++;
}

static bool is_many(const struct provider_evidence *evidence, uint32_t most) {
        return evidence->failures >= most && evidence->is_by_many;
}

/* Is it to be left alone? A lack of money is everybody's at once. */
static bool is_enough(const struct core *core, const struct provider *provider, enum wire_provider verdict) {
        uint32_t most = core->config->provider.failures;

        if (most == 0)
                return false;
        return verdict == WIRE_PROVIDER_UNPAID || is_many(&provider->evidence, most) ||
               (verdict == WIRE_PROVIDER_DOWN && is_many(&provider->shared->down, most));
}

static void on_failure(struct core *core, struct now now, struct provider *provider, const struct thread *thread,
                       enum wire_provider verdict) {
        count_failure(&provider->evidence, thread_hash(core, thread));
        if (verdict == WIRE_PROVIDER_DOWN)
                count_failure(&provider->shared->down, thread_hash(core, thread));
        if (provider->state != PROVIDER_CLOSED && thread->effort->outage == provider->outage)
                put_off_again(core, now, provider);
        else if (provider->state != PROVIDER_CLOSED)
                set_open_again(core, now, provider);
        else if (is_enough(core, provider, verdict))
                set_open(core, now, provider);
        else if (verdict == WIRE_PROVIDER_OVERLOADED)
                slow_down(core, now, provider, thread);
}

bool provider_on_verdict(struct core *core, struct now now, struct thread *thread, enum wire_provider verdict,
                         struct span asked) {
        struct provider *provider = provider_of_run(core, thread);
        bool is_past, was_closed;

        if (!provider || verdict == WIRE_PROVIDER_SILENT)
                return false;
        is_past = thread->effort->fence < provider->opened;
        was_closed = provider->state == PROVIDER_CLOSED;
        provider_wake(core, provider, core->last_step);
        if (verdict == WIRE_PROVIDER_WELL) {
                if (!is_past)
                        on_well(core, now, provider, thread, asked);
                return false;
        }
        if (asked.us > 0)
                keep_back(provider, now, believe(core, provider, thread, asked));
        if (!is_past)
                on_failure(core, now, provider, thread, verdict);
        if (!is_past || !was_closed)
                thread_effort(core, thread)->outage = provider->outage;
        return is_past || !was_closed || (provider->state != PROVIDER_CLOSED && verdict != WIRE_PROVIDER_UNPAID);
}

void provider_on_answered(struct core *core, struct now now, const struct thread *thread) {
        struct provider *provider = provider_of_run(core, thread);

        if (!provider || thread->effort->fence < provider->opened)
                return;
        is_back(core, now, provider);
        provider_wake(core, provider, core->last_step);
}
