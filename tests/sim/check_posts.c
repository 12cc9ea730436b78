/* What workers let the world see: G4 (nothing after the deadline, nothing before GO), G8, G9. */
#include "tests/sim/check_state.h"

#include <string.h>

void check_on_trouble(struct process *process, int64_t until) {
        uint32_t worker = worker_of(process);

        if (worker < SIM_WORKERS && checks.trouble_until[worker] < until)
                checks.trouble_until[worker] = until;
}

void check_on_locked(struct process *process, uint64_t fence, int64_t asked, int64_t ttl_us) {
        struct model_run *run = check_find_run(fence);

        if (!run)
                return;
        run->has_lock = true;
        run->lock_until = asked + ttl_us;
}

static struct model_run *get_run(uint64_t fence) {
        struct model_run *run = check_find_run(fence);

        if (!run)
                sim_violation("G4 one at a time", "a worker works at %s, which was never given out", tell_fence(fence));
        return run;
}

static void check_leases(const struct model_run *run, const char *what) {
        if (sim.profile.has_redis && (!run->has_lock || run->lock_until <= sim_time()))
                sim_violation("G4 one at a time", "%s of run %s leaves past the lock's local deadline", what,
                              tell_fence(run->fence));
        if (sim_time() - run->named >= sim.config.broker.lease.us)
                sim_violation("G4 one at a time", "%s of run %s leaves %lld ms after the broker heard of its lease",
                              what, tell_fence(run->fence), (long long)(sim_time() - run->named) / 1000);
        if (run->is_lost)
                sim_violation("G4 one at a time", "%s of run %s leaves after the broker gave its lease away", what,
                              tell_fence(run->fence));
}

/* Newer messages or an operator ended it, and the word of that is under way. */
static bool may_not_have_heard(const struct model_run *run) {
        return run->called_off > 0 && sim_time() < run->called_off + sim.config.broker.lease.us;
}

void check_on_asked(struct process *process, uint64_t fence) {
        const struct model_run *run = get_run(fence);

        sim.stats.calls++;
        check_leases(run, "a question");
        for (uint32_t i = 0; i < run->messages.n; i++) {
                const struct said *said = &checks.said[run->messages.items[i]];

                if (said->is_answered && !run->is_broker_gone && !may_not_have_heard(run))
                        sim_violation("G8 no paying twice", "run %s asks again for message %u, whose answer is stored",
                                      tell_fence(fence), run->messages.items[i]);
                if (said->is_answered)
                        sim.stats.calls_repeated++;
        }
}

void check_on_post_left(struct process *process, uint64_t fence, uint32_t index) {
        const struct model_run *run = get_run(fence);

        check_leases(run, "a reply");
        if (index < run->first_posted)
                sim_violation("G9 one reply", "reply %u of run %s leaves, which began at %u", index, tell_fence(fence),
                              run->first_posted);
        if (run->is_record)
                sim_violation("recorded", "a reply of run %s leaves, which is only to record", tell_fence(fence));
        if (!run->has_go)
                sim_violation("G4 one at a time", "a reply of run %s leaves before the broker said go",
                              tell_fence(fence));
}

void check_on_read(uint64_t fence, uint32_t index, bool is_unknown, bool is_coming) {
        sim.stats.read_back++;
        if (is_unknown || is_coming)
                get_run(fence)->n_unread |= 1u << index;
}

void check_on_post_known(uint64_t fence, uint32_t index, bool is_known) {
        struct model_run *run = get_run(fence);

        if (!is_known)
                run->is_in_doubt = true;
}

/* Why may the worker of this run not have told the broker what it posted? */
static bool is_excused(const struct model_run *run) {
        uint32_t worker = worker_of(run->worker);

        return run->is_in_doubt || run->is_broker_gone || run->worker->generation != run->worker_generation ||
               (worker < SIM_WORKERS && checks.trouble_until[worker] >= run->sent);
}

/* Did the channel not tell one of the batch's runs about this reply or one before it, or not show it yet? Who was not
 * told of one does not ask for the next. */
static bool was_unread(const struct model_run *run, uint32_t index) {
        for (uint32_t i = 0; i < checks.n_runs; i++)
                if (checks.runs[i].n_unread & ((2u << index) - 1) && strcmp(checks.runs[i].batch, run->batch) == 0)
                        return true;
        return false;
}

/* Where the channel can tell what it shows, it was asked: then a reply shows again only if it would not say, or did not
 * show it yet. Where it cannot, whoever wants silence has it for the one reply that was in doubt. */
static void check_policy(const struct model_run *run, const struct model_run *other, uint32_t index) {
        const struct model_run *later = run->fence > other->fence ? run : other;
        const struct config_tenant *settings = check_settings(run->thread);
        bool can_read_back = world_can_read_back(world_tenant(run->thread));

        if (can_read_back && !was_unread(run, index))
                sim_violation("G9 one reply", "reply %u of run %s shows again in %s, and the channel could tell", index,
                              tell_fence(other->fence), tell_fence(run->fence));
        if (!can_read_back && settings->on_unknown == CONFIG_ON_UNKNOWN_SILENCE && later->is_doubtful &&
            index == later->first_posted)
                sim_violation("G9 one reply", "reply %u of run %s shows again in %s, and silence was wanted", index,
                              tell_fence(other->fence), tell_fence(run->fence));
}

/* Whoever says so: a worker that posted it, or the channel, where it is to be seen. */
static bool is_said_to_be_out(const struct model_run *run, uint32_t index, bool *ret_is_told) {
        *ret_is_told = *ret_is_told || run->told_posted > index;
        return run->told_posted > index || run->n_shown & 1u << index;
}

void check_on_more_posted(uint32_t number, uint32_t from, uint32_t to) {
        for (uint32_t index = from; index < to; index++) {
                bool is_out = false, is_told = false;

                for (uint32_t i = checks.n_runs; i-- > 0 && !is_told;)
                        if (checks.runs[i].messages.items[0] == number)
                                is_out |= is_said_to_be_out(&checks.runs[i], index, &is_told);
                if (!is_out)
                        sim_violation("G9 one reply", "reply %u to message %u is said to be out, and nobody posted it",
                                      index, number);
                sim.stats.shown += !is_told;
        }
}

uint32_t check_thread_of_run(uint64_t fence) { return get_run(fence)->thread; }

static void check_repeat(const struct model_run *run, uint32_t index) {
        for (uint32_t i = 0; i < checks.n_runs; i++) {
                const struct model_run *other = &checks.runs[i];

                if (other == run || !(other->n_shown & 1u << index) || strcmp(other->batch, run->batch) != 0)
                        continue;
                sim.stats.repeated++;
                check_policy(run, other, index);
                if (other->known_posted > index && other->fence < run->fence)
                        sim_violation("G9 one reply", "reply %u of %s shows again, and the broker knew that it was out",
                                      index, tell_fence(run->fence));
                if (!is_excused(other) && !is_excused(run))
                        sim_violation("G9 one reply", "reply %u of run %s shows again in %s, and nothing was in doubt",
                                      index, tell_fence(other->fence), tell_fence(run->fence));
                return;
        }
}

void check_on_visible(uint64_t fence, const char *batch, uint32_t index) {
        struct model_run *run = get_run(fence);
        struct model_thread *thread = &checks.threads[run->thread];
        uint64_t newest = checks.said[run->messages.items[run->messages.n - 1]].seq;

        sim.stats.replies++;
        check_repeat(run, index);
        run->n_shown |= 1u << index;
        for (uint32_t i = 0; i < run->messages.n; i++) {
                struct said *said = &checks.said[run->messages.items[i]];
                const struct model_run *other = said->shown_by ? check_find_run(said->shown_by) : NULL;

                if (other && strcmp(other->batch, run->batch) != 0)
                        sim_violation("G9 one reply", "message %u is answered in two batches", run->messages.items[i]);
                said->shown_by = fence;
        }
        if (newest < thread->last_shown && !checks.said[run->messages.items[0]].is_revived && !is_excused(run))
                sim_violation("G3 in order", "the reply of run %s shows after one to newer messages",
                              tell_fence(fence));
        if (newest > thread->last_shown)
                thread->last_shown = newest;
}
