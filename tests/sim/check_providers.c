/* Providers that fail: a second account of when one is left alone, from the verdicts that went over the wire. G6: no
 * run begins while it is, one at a time tries it, and none of a tenant's threads is passed over for ever meanwhile. */
#include "tests/sim/check_state.h"

#include "broker/core/core.h"

#define HOUR_US (INT64_C(3600) * 1000000)

static struct model_provider *provider_of(uint32_t thread) {
        uint32_t provider = world_provider(world_tenant(thread));

        return provider < SIM_PROVIDERS ? &checks.providers[provider] : NULL;
}

/* A run whose answer is stored has nothing to do with it. */
static struct model_provider *provider_of_run(const struct model_run *run) {
        return run->is_asking ? provider_of(run->thread) : NULL;
}

static uint64_t next_fence(void) { return checks.n_runs > 0 ? checks.runs[checks.n_runs - 1].fence + 1 : 1; }

static int64_t least_of(int64_t a, int64_t b) { return a < b ? a : b; }

static void keep_back(struct model_provider *provider, int64_t us) {
        if (provider->until < checks.turn_now + us)
                provider->until = checks.turn_now + us;
}

static bool has_failed(const struct model_provider *provider, uint32_t thread) {
        return provider->outage != 0 && checks.threads[thread].outage == provider->outage;
}

/* -- verdicts ------------------------------------------------------------------------------------------------------ */

static void on_pause(struct model_provider *provider, uint32_t thread, int64_t us) {
        bool is_again = provider->asked == thread + 1;

        provider->is_asked_by_many |= provider->is_asked && !is_again;
        provider->is_asked = true;
        provider->asked = thread + 1;
        if (provider->is_asked_by_many)
                keep_back(provider, least_of(us, HOUR_US));
        else if (!is_again || provider->state != MODEL_CLOSED)
                keep_back(provider, least_of(us, sim.config.provider.cap.us));
}

static void forget_tries(const struct model_provider *provider) {
        for (uint32_t i = 0; i < SIM_ALL_THREADS; i++)
                if (provider_of(i) == provider)
                        checks.threads[i].tried = checks.threads[i].tried_before = 0;
}

static void on_well(struct model_provider *provider) {
        provider->failures = 0;
        provider->outage = 0;
        provider->is_failed_by_many = provider->is_asked = provider->is_asked_by_many = false;
        if (provider->state == MODEL_CLOSED)
                return;
        provider->state = MODEL_CLOSED;
        provider->probe = provider->again = 0;
        provider->until = checks.turn_now;
        provider->is_slowed = true;
        forget_tries(provider);
}

static void set_open(struct model_provider *provider) {
        sim.stats.opened++;
        provider->state = MODEL_OPEN;
        provider->opened = next_fence();
        provider->probe = provider->again = 0;
        provider->pause = provider->again_pause = sim.config.provider.pause.us;
        provider->again_until = checks.turn_now + provider->pause;
        keep_back(provider, provider->pause);
}

static int64_t longer(int64_t pause) { return least_of(pause * 2, sim.config.provider.cap.us); }

static void set_open_again(struct model_provider *provider) {
        if (provider->state == MODEL_OPEN)
                return;
        provider->state = MODEL_OPEN;
        provider->probe = 0;
        provider->pause = longer(provider->pause);
        keep_back(provider, provider->pause);
}

/* It proves nothing that was not known: only who has failed waits longer. */
static void put_off(struct model_provider *provider) {
        provider->again = 0;
        provider->again_pause = longer(provider->again_pause);
        provider->again_until = checks.turn_now + provider->again_pause;
}

static void on_failure(struct model_provider *provider, uint32_t thread, enum wire_provider verdict) {
        uint32_t most = sim.config.provider.failures;
        bool is_enough;

        if (provider->failures == 0)
                provider->failed = thread;
        provider->is_failed_by_many |= provider->failed != thread;
        provider->failures++;
        is_enough = verdict == WIRE_PROVIDER_UNPAID || (provider->failures >= most && provider->is_failed_by_many);
        if (provider->state != MODEL_CLOSED && has_failed(provider, thread))
                put_off(provider);
        else if (provider->state != MODEL_CLOSED)
                set_open_again(provider);
        else if (most > 0 && is_enough)
                set_open(provider);
        else if (verdict == WIRE_PROVIDER_OVERLOADED)
                provider->is_slowed = true;
}

static void note_failure(struct model_provider *provider, uint32_t thread) {
        static uint64_t n_outages;

        if (provider->outage == 0)
                provider->outage = ++n_outages;
        checks.threads[thread].outage = provider->outage;
}

bool check_on_verdict_of(const struct model_run *run, const struct wire_result *result) {
        struct model_provider *provider = provider_of_run(run);
        bool is_past, was_closed;

        if (!provider || result->provider == WIRE_PROVIDER_SILENT)
                return false;
        is_past = run->fence < provider->opened;
        was_closed = provider->state == MODEL_CLOSED;
        if (result->provider == WIRE_PROVIDER_WELL) {
                if (!is_past)
                        on_well(provider);
                if (!is_past && result->pause.us > 0)
                        keep_back(provider, least_of(result->pause.us, sim.config.provider.cap.us));
                return false;
        }
        if (result->pause.us > 0)
                on_pause(provider, run->thread, result->pause.us);
        if (!is_past)
                on_failure(provider, run->thread, result->provider);
        if (!is_past || !was_closed)
                note_failure(provider, run->thread);
        if (run->is_answered || (result->outcome != WIRE_FAILED &&
                                 (result->outcome != WIRE_FAILED_FOR_GOOD || result->provider != WIRE_PROVIDER_UNPAID)))
                return false;
        return is_past || !was_closed || (provider->state != MODEL_CLOSED && result->provider != WIRE_PROVIDER_UNPAID);
}

void check_on_answer_of(struct model_run *run) {
        struct model_provider *provider = provider_of_run(run);

        if (!provider || run->is_answered || run->fence < provider->opened)
                return;
        on_well(provider);
}

bool check_is_closed(const struct model_run *run) {
        const struct model_provider *provider = provider_of_run(run);

        return !provider || provider->state == MODEL_CLOSED;
}

/* It costs no attempt, and comes again when it may. */
void check_spare(struct model_run *run) {
        struct model_thread *thread = &checks.threads[run->thread];

        sim.stats.spared++;
        thread->n_busy = 0;
        thread->tried_before = thread->tried;
        thread->tried = checks.turn_now;
        check_is_ready(run->thread);
}

void check_provider_forgets(const struct model_run *run) {
        struct model_provider *provider = provider_of(run->thread);

        if (provider && provider->probe == run->fence)
                provider->probe = 0;
        if (provider && provider->again == run->fence)
                provider->again = 0;
}

/* -- who may begin ------------------------------------------------------------------------------------------------- */

static bool is_at_it(uint64_t fence, int64_t since) {
        return fence != 0 && checks.turn_now < since + INT64_C(1000000) * LIMIT_PROBE_S;
}

/* Who has failed waits for whoever tries it, who has not for his like. */
static bool has_probe(const struct model_provider *provider, uint32_t thread) {
        if (provider->state == MODEL_CLOSED)
                return false;
        return is_at_it(provider->probe, provider->probe_since) ||
               (has_failed(provider, thread) && is_at_it(provider->again, provider->again_since));
}

static int64_t may_try_at(const struct model_provider *provider, uint32_t thread) {
        bool is_later = provider->state != MODEL_CLOSED && has_failed(provider, thread);

        return is_later && provider->again_until > provider->until ? provider->again_until : provider->until;
}

int64_t check_kept_until(uint32_t index) {
        const struct model_provider *provider = provider_of(index);

        if (!provider || provider->state != MODEL_OPEN || has_probe(provider, index))
                return 0;
        return may_try_at(provider, index);
}

/* Who has failed lets those of its tenant who have not go first. */
static bool is_behind(const struct model_provider *provider, uint32_t index) {
        uint32_t first = world_tenant(index) * SIM_THREADS;

        if (provider->state == MODEL_CLOSED || !has_failed(provider, index))
                return false;
        for (uint32_t i = first; i < first + SIM_THREADS; i++)
                if (checks.threads[i].list.n > 0 && checks.threads[i].due_min <= checks.turn_now &&
                    checks.threads[i].state != MODEL_RUNNING && !has_failed(provider, i))
                        return true;
        return false;
}

/* A rate is the core's own word, as long as there was a reason for one. */
static bool is_paced(const struct model_provider *provider, uint32_t thread) {
        struct core_thread_view view;

        if (!provider->is_slowed || provider->state != MODEL_CLOSED)
                return false;
        core_why(broker_core(), sim_now(), bytes_of(world_tenant_name(thread)), bytes_of(world_thread_name(thread)),
                 &view);
        return view.provider.rate > 0;
}

bool check_is_kept_back(uint32_t index) {
        const struct model_provider *provider = provider_of(index);

        if (!provider || checks.threads[index].n_settled > 0)
                return false;
        return may_try_at(provider, index) > checks.turn_now || has_probe(provider, index) ||
               is_behind(provider, index) || is_paced(provider, index);
}

/* While another one of its tenant waits, a thread may have tried once before it, and once again. One that an operator
 * has let go, flushed or brought back since is a new one. */
static void check_tries(const struct model_run *run) {
        uint32_t first = world_tenant(run->thread) * SIM_THREADS;
        struct model_thread *thread = &checks.threads[run->thread];

        if (thread->ready_since != thread->tried)
                thread->tried = thread->tried_before = 0;
        for (uint32_t i = first; i < first + SIM_THREADS; i++) {
                const struct model_thread *other = &checks.threads[i];

                if (other != thread && other->list.n > 0 && other->state == MODEL_READY && !check_is_awaited(other) &&
                    other->n_settled == 0 && thread->tried_before > 0 && other->ready_since < thread->tried_before)
                        sim_violation("G6 no queue-jumping",
                                      "run %s tries a provider for %s again and again, and %s has not tried it once",
                                      tell_fence(run->fence), world_thread_name(run->thread), world_thread_name(i));
        }
}

static void begin_try(struct model_provider *provider, const struct model_run *run) {
        provider->state = MODEL_HALF_OPEN;
        if (has_failed(provider, run->thread)) {
                provider->again = run->fence;
                provider->again_since = checks.turn_now;
                return;
        }
        provider->probe = run->fence;
        provider->probe_since = checks.turn_now;
}

void check_provider_on_run(const struct model_run *run) {
        struct model_provider *provider = provider_of_run(run);

        if (!provider)
                return;
        if (may_try_at(provider, run->thread) > checks.turn_now)
                sim_violation("G6 no queue-jumping", "run %s begins %lld ms before its provider is to be asked again",
                              tell_fence(run->fence),
                              (long long)(may_try_at(provider, run->thread) - checks.turn_now) / 1000);
        if (has_probe(provider, run->thread))
                sim_violation("G6 no queue-jumping", "run %s begins beside %s, which tries the same provider",
                              tell_fence(run->fence), tell_fence(provider->probe ? provider->probe : provider->again));
        if (provider->state == MODEL_CLOSED)
                return;
        check_tries(run);
        begin_try(provider, run);
}
