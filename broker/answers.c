/* The answer to `stats`. */
#include "broker/questions.h"

#include "broker/provider_answers.h"
#include "broker/settings_answers.h"
#include "common/clock.h"

static double ms_of(int64_t us) { return (double)us / 1000; }

static json_t *milliseconds(const struct histogram *us, bool is_full) {
        json_t *json = json_pack("{s:f,s:f}", "p50", ms_of(histogram_quantile(us, 0.5)), "p99",
                                 ms_of(histogram_quantile(us, 0.99)));

        if (is_full) {
                json_object_set_new(json, "p999", json_real(ms_of(histogram_quantile(us, 0.999))));
                json_object_set_new(json, "max", json_real(ms_of(histogram_max(us))));
        }
        return json;
}

static json_t *number(uint64_t value) { return json_integer((json_int_t)value); }

static json_t *states(const uint32_t *n_states) {
        json_t *json = json_object();

        for (int i = 0; i < THREAD_N_STATES; i++)
                json_object_set_new(json, thread_state_name((enum thread_state)i), json_integer(n_states[i]));
        return json;
}

struct totals {
        uint32_t states[THREAD_N_STATES];
        uint64_t pending;
        uint32_t dead;
};

static void push_bound(json_t *json, const struct config *config, const struct core_tenant_view *view) {
        const struct config_tenant *tenant = config_tenant_find(config, view->name);
        uint32_t most = tenant ? tenant->max_pending : 0;

        json_object_set_new(json, "max_pending", json_integer(most));
        json_object_set_new(json, "is_full", json_boolean(most > 0 && view->pending >= most));
}

static void push_total(json_t *json, const char *key, uint64_t value) { json_object_set_new(json, key, number(value)); }

/* What was spared, and what was spent for nothing: the workers' own counts among it, which are best effort. */
static json_t *answer_savings(const struct tenant_counters *counters) {
        static const struct {
                const char *key;
                enum wire_tally what;
        } tallies[] = {
                {"calls_total", WIRE_TALLY_CALLS},
                {"calls_wasted_total", WIRE_TALLY_CALLS_WASTED},
                {"tokens_in_total", WIRE_TALLY_TOKENS_IN},
                {"tokens_out_total", WIRE_TALLY_TOKENS_OUT},
                {"tokens_wasted_total", WIRE_TALLY_TOKENS_WASTED},
                {"posts_found_total", WIRE_TALLY_POSTS_FOUND},
                {"posts_repeated_total", WIRE_TALLY_POSTS_REPEATED},
                {"posts_silenced_total", WIRE_TALLY_POSTS_SILENCED},
                {"conversation_locked_total", WIRE_TALLY_CONVERSATION_LOCKED},
                {"typing_failed_total", WIRE_TALLY_TYPING_FAILED},
        };
        json_t *json = json_object();

        push_total(json, "calls_saved_total", counters->calls_saved);
        push_total(json, "interrupted_total", counters->interrupted);
        push_total(json, "answers_reused_total", counters->reused);
        for (size_t i = 0; i < sizeof tallies / sizeof *tallies; i++)
                push_total(json, tallies[i].key, counters->tally[tallies[i].what]);
        return json;
}

static json_t *answer_context(const struct tenant_counters *counters) {
        json_t *json = json_object();

        push_total(json, "hit_total", counters->tally[WIRE_TALLY_CONTEXT_HIT]);
        push_total(json, "miss_total", counters->tally[WIRE_TALLY_CONTEXT_MISS]);
        push_total(json, "failed_total", counters->tally[WIRE_TALLY_CONTEXT_FAILED]);
        json_object_set_new(json, "took_ms_total", json_real(ms_of((int64_t)counters->tally[WIRE_TALLY_CONTEXT_US])));
        return json;
}

/* What platforms have told beside messages, and what came of it. */
static json_t *answer_events(const struct tenant_counters *counters, uint64_t n_aliases) {
        json_t *json = json_object(), *by_what = json_object();

        for (int what = WIRE_WHAT_TYPING; what <= WIRE_WHAT_UNKNOWN; what++)
                push_total(by_what, wire_what_name((enum wire_what)what), counters->events[what]);
        json_object_set_new(json, "events_total", by_what);
        push_total(json, "takeovers_total", counters->takeovers);
        push_total(json, "echoes_total", counters->echoes);
        push_total(json, "late_edits_total", counters->late_edits);
        push_total(json, "shown_total", counters->shown);
        push_total(json, "recorded_total", counters->recorded);
        push_total(json, "aliases", n_aliases);
        return json;
}

static json_t *answer_tenants(const struct core *core, const struct config *config, struct totals *totals) {
        json_t *json = json_object();
        struct core_tenant_view view;
        uint32_t cursor = 0;

        while (core_next_tenant(core, &cursor, &view)) {
                json_t *tenant = states(view.states);

                json_object_set_new(tenant, "pending", number(view.pending));
                push_bound(tenant, config, &view);
                json_object_set_new(tenant, "savings", answer_savings(view.counters));
                json_object_set_new(tenant, "context", answer_context(view.counters));
                json_object_set_new(tenant, "events", answer_events(view.counters, view.n_aliases));
                json_object_set_new(tenant, "dead", json_integer(view.dead));
                json_object_setn_new(json, view.name.data, view.name.len, tenant);
                for (int i = 0; i < THREAD_N_STATES; i++)
                        totals->states[i] += view.states[i];
                totals->pending += view.pending;
                totals->dead += view.dead;
        }
        return json;
}

static json_t *answer_workers(const struct core *core, struct now now) {
        json_t *json = json_array();
        struct core_worker_view view;
        uint32_t cursor = 0;

        while (core_next_worker(core, now, &cursor, &view))
                json_array_append_new(json, json_pack("{s:s,s:i,s:i,s:I}", "id", questions_uuid(view.uuid), "slots",
                                                      (int)view.slots, "running", (int)view.running, "silent_ms",
                                                      (json_int_t)span_to_ms(view.silent)));
        return json;
}

static json_t *answer_messages(const struct core_counters *counters, uint64_t pending, uint64_t n_seen) {
        json_t *json = json_object();

        json_object_set_new(json, "pending", number(pending));
        json_object_set_new(json, "accepted_total", number(counters->accepted));
        json_object_set_new(json, "duplicate_total", number(counters->duplicate));
        json_object_set_new(json, "refused_total", number(counters->refused));
        json_object_set_new(json, "refused", answer_refusals(counters));
        json_object_set_new(json, "finished_total", number(counters->finished));
        json_object_set_new(json, "ids_remembered", number(n_seen));
        return json;
}

static json_t *answer_batches(const struct core_counters *counters, uint32_t dead) {
        const struct histogram *size = &counters->batch_messages;
        json_t *json = json_object();

        json_object_set_new(json, "dispatched_total", number(counters->dispatched));
        json_object_set_new(json, "answered_total", number(counters->answered));
        json_object_set_new(json, "done_total", number(counters->done));
        json_object_set_new(json, "failed_total", number(counters->failed));
        json_object_set_new(json, "spared_total", number(counters->spared));
        json_object_set_new(json, "failed_for_good_total", number(counters->failed_for_good));
        json_object_set_new(json, "busy_total", number(counters->busy));
        json_object_set_new(json, "lost_total", number(counters->lost));
        json_object_set_new(json, "handed_back_total", number(counters->handed_back));
        json_object_set_new(json, "stale_total", number(counters->stale));
        json_object_set_new(json, "adopted_total", number(counters->adopted));
        json_object_set_new(json, "interrupted_total", number(counters->savings.interrupted));
        json_object_set_new(json, "dead", json_integer(dead));
        json_object_set_new(json, "size",
                            json_pack("{s:I,s:I,s:I}", "p50", (json_int_t)histogram_quantile(size, 0.5), "p90",
                                      (json_int_t)histogram_quantile(size, 0.9), "max",
                                      (json_int_t)histogram_max(size)));
        return json;
}

static json_t *answer_lock(const struct core_counters *counters) {
        json_t *json = json_object();

        json_object_set_new(json, "busy_total", number(counters->lock_busy));
        json_object_set_new(json, "lost_total", number(counters->lock_lost));
        json_object_set_new(json, "wait_ms", milliseconds(&counters->lock_wait_us, false));
        return json;
}

static json_t *answer_store(const struct loop *loop) {
        json_t *json = json_object();

        json_object_set_new(json, "kind", json_string(store_kind(loop->store)));
        json_object_set_new(json, "bytes", number(store_bytes(loop->store)));
        json_object_set_new(json, "data_bytes", number(loop->room.usage.data_bytes));
        if (loop->room.usage.disk_free_bytes != UINT64_MAX)
                json_object_set_new(json, "free_bytes", number(loop->room.usage.disk_free_bytes));
        json_object_set_new(json, "is_full", json_boolean(loop->room.is_store_full));
        if (loop->room.is_store_full)
                json_object_set_new(json, "reached", json_string(room_reached(&loop->room)));
        json_object_set_new(json, "commits_total", number(loop->n_commits));
        json_object_set_new(json, "commit_ms", milliseconds(&loop->commit_us, false));
        return json;
}

static json_t *answer_hold_counts(const struct core *core) {
        json_t *json = json_object();

        json_object_set_new(json, "now", json_integer(core_hold_count(core)));
        json_object_set_new(json, "total", number(core_counters(core)->holds));
        return json;
}

static json_t *answer_dedupe(const struct core *core, struct wall now) {
        struct core_ids_view ids;
        json_t *json = json_object();

        core_ids(core, &ids);
        json_object_set_new(json, "ids", number(ids.n));
        json_object_set_new(json, "oldest_s",
                            ids.n == 0 ? json_null() : json_integer((json_int_t)((now.ms - ids.oldest.ms) / 1000)));
        json_object_set_new(json, "forgotten_early_total", number(ids.n_early));
        return json;
}

json_t *answer_stats(struct loop *loop) {
        const struct core_counters *counters = core_counters(loop->core);
        struct totals totals = {0};
        json_t *tenants = answer_tenants(loop->core, loop->config, &totals), *json = json_object();

        json_object_set_new(json, "version", json_string(LULL_VERSION));
        json_object_set_new(json, "uptime_s",
                            json_real((double)mono_since(loop->now.mono, loop->started.mono).us / 1e6));
        json_object_set_new(json, "epoch", json_integer(store_head(loop->store).epoch));
        json_object_set_new(json, "threads", states(totals.states));
        json_object_set_new(json, "messages", answer_messages(counters, totals.pending, core_seen_count(loop->core)));
        json_object_set_new(json, "batches", answer_batches(counters, totals.dead));
        json_object_set_new(json, "holds", answer_hold_counts(loop->core));
        json_object_set_new(json, "calls_saved_total", number(counters->savings.calls_saved));
        json_object_set_new(json, "savings", answer_savings(&counters->savings));
        json_object_set_new(json, "context", answer_context(&counters->savings));
        json_object_set_new(json, "events", answer_events(&counters->savings, core_alias_count(loop->core)));
        json_object_set_new(json, "lateness_ms", milliseconds(&counters->lateness_us, true));
        json_object_set_new(json, "lock", answer_lock(counters));
        json_object_set_new(json, "runs_ms", milliseconds(&counters->run_us, false));
        json_object_set_new(json, "store", answer_store(loop));
        json_object_set_new(json, "dedupe", answer_dedupe(loop->core, loop->now.wall));
        json_object_set_new(json, "limits", answer_limits(loop));
        json_object_set_new(json, "providers", answer_providers(loop->core, loop->now));
        json_object_set_new(json, "workers", answer_workers(loop->core, loop->now));
        json_object_set_new(json, "tenants", tenants);
        return json;
}

/* `why` may quote what a stranger sent, so it need not be UTF-8. */
json_t *answer_error(const char *code, const char *why) {
        return json_pack("{s:{s:s,s:o}}", "error", "code", code, "why", json_text_new(bytes_of(why)));
}

json_t *answer_time(struct wall at) {
        char text[CLOCK_TEXT_MAX];

        return at.ms > 0 ? json_string(clock_text(at, text)) : json_null();
}
