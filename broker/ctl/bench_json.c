/* What a benchmark has found, for a program. */
#include "broker/ctl/bench_report.h"
#include "common/memory.h"

static json_t *encode_quantiles(const struct histogram *us) {
        return json_pack("{s:f, s:f, s:f, s:f, s:f}", "p50", (double)histogram_quantile(us, 0.5) / 1000, "p90",
                         (double)histogram_quantile(us, 0.9) / 1000, "p99", (double)histogram_quantile(us, 0.99) / 1000,
                         "p999", (double)histogram_quantile(us, 0.999) / 1000, "max", (double)histogram_max(us) / 1000);
}

static void push_count(json_t *object, const char *key, uint64_t count) {
        json_object_set_new(object, key, json_integer((json_int_t)count));
}

static json_t *encode_plan(const struct bench_plan *plan) {
        json_t *json = json_pack("{s:s, s:I, s:I, s:I, s:I, s:b}", "profile", bench_profile_name(plan->profile),
                                 "quiet_ms", (json_int_t)span_to_ms(plan->quiet), "gap_ms",
                                 (json_int_t)span_to_ms(plan->gap), "pause_ms", (json_int_t)span_to_ms(plan->pause),
                                 "work_ms", (json_int_t)span_to_ms(plan->work), "due_at_once", plan->is_at_once);

        push_count(json, "messages", plan->messages);
        push_count(json, "message_bytes", plan->message_bytes);
        push_count(json, "threads", plan->threads);
        push_count(json, "burst", plan->burst);
        push_count(json, "in_flight", plan->in_flight);
        push_count(json, "frame_messages", plan->frame_messages);
        push_count(json, "window", plan->window);
        push_count(json, "slots", plan->slots);
        push_count(json, "rate", plan->rate);
        push_count(json, "pending", plan->pending);
        return json;
}

static json_t *encode_messages(const struct bench_result *result) {
        return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "sent", (json_int_t)result->n_sent, "accepted",
                         (json_int_t)result->n_accepted, "duplicate", (json_int_t)result->n_duplicate, "refused",
                         (json_int_t)result->n_refused, "out", (json_int_t)result->ledger.n_out, "per_s",
                         bench_in_per_second(result), "through_per_s", bench_through_per_second(result));
}

static json_t *encode_batches(const struct bench_plan *plan, const struct bench_result *result) {
        return json_pack("{s:I, s:f, s:f, s:I, s:I, s:{s:I, s:I, s:I}}", "out", (json_int_t)result->n_batches, "per_s",
                         bench_out_per_second(result), "dispatching_ms",
                         (double)bench_dispatching(plan, result).us / 1000, "whole_bursts",
                         (json_int_t)result->ledger.n_whole, "bursts", (json_int_t)(plan->messages / plan->burst),
                         "size", "p50", (json_int_t)histogram_quantile(&result->size, 0.5), "p90",
                         (json_int_t)histogram_quantile(&result->size, 0.9), "max",
                         (json_int_t)histogram_max(&result->size));
}

static json_t *encode_check(const struct bench_plan *plan, const struct bench_result *result) {
        static const char *const ends[] = {"complete", "timeout", "refused", "cancelled", "unfired"};

        return json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s?}", "good", bench_is_good(plan, result),
                         "end", ends[result->end], "lost", (json_int_t)bench_n_lost(plan, result), "twice",
                         (json_int_t)result->ledger.n_twice, "out_of_order", (json_int_t)result->ledger.n_out_of_order,
                         "overlaps", (json_int_t)result->ledger.n_overlaps, "early", (json_int_t)result->n_early,
                         "foreign_runs", (json_int_t)result->n_foreign, "frames_resent", (json_int_t)result->n_resent,
                         "refusal", result->refusal);
}

/* What the broker's process has spent on it. */
static json_t *encode_broker(const struct bench_result *result) {
        uint64_t n = result->n_accepted + result->n_duplicate;
        double share = n > 0 ? 1.0 / (double)n : 0;
        const struct bench_usage *before = &result->before, *after = &result->after;

        return json_pack("{s:f, s:f, s:f, s:I, s:I}", "cpu_us_per_message",
                         (double)(after->cpu_us - before->cpu_us) * share, "loop_cpu_us_per_message",
                         (double)(after->loop_cpu_us - before->loop_cpu_us) * share, "written_bytes_per_message",
                         (double)(after->written_bytes - before->written_bytes) * share, "memory_bytes_before",
                         (json_int_t)before->memory_bytes, "memory_bytes", (json_int_t)after->memory_bytes);
}

json_t *bench_encode_json(const struct bench_plan *plan, const struct bench_result *result, const json_t *stats) {
        json_t *report = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "plan", encode_plan(plan), "messages",
                                   encode_messages(result), "batches", encode_batches(plan, result), "ack_ms",
                                   encode_quantiles(&result->ack_us), "run_ms", encode_quantiles(&result->run_us),
                                   "late_ms", encode_quantiles(&result->late_us), "check", encode_check(plan, result));
        json_t *lateness = json_object_get(stats, "lateness_ms"), *store = json_object_get(stats, "store");

        if (result->after.cpu_us > 0)
                json_object_set_new(report, "broker", encode_broker(result));
        if (lateness)
                json_object_set(report, "lateness_ms", lateness);
        if (store)
                json_object_set(report, "store", store);
        return report;
}
