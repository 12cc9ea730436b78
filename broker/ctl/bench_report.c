#include "broker/ctl/answer.h"
#include "broker/ctl/bench_run.h"
#include "broker/ctl/text.h"

#include <string.h>

void bench_result_done(struct bench_result *result) {
        ledger_done(&result->ledger);
        free(TAKE(result->refusal));
}

uint64_t bench_n_lost(const struct bench_result *result) {
        uint64_t taken = result->n_accepted + result->n_duplicate;

        return taken > result->ledger.n_out ? taken - result->ledger.n_out : 0;
}

bool bench_is_good(const struct bench_result *result) {
        return result->end == BENCH_COMPLETE && result->n_refused == 0 && bench_n_lost(result) == 0 &&
               result->ledger.n_twice == 0 && result->ledger.n_out_of_order == 0;
}

static double per_second(uint64_t n, struct mono begin, struct mono end) {
        int64_t us = mono_since(end, begin).us;

        return us > 0 ? (double)n * 1e6 / (double)us : 0;
}

static double in_per_second(const struct bench_result *result) {
        return per_second(result->n_accepted + result->n_duplicate, result->begin, result->last_ack);
}

static double out_per_second(const struct bench_result *result) {
        return per_second(result->n_batches, result->begin, result->last_settled);
}

/* -- for a person -------------------------------------------------------------------------------------------------- */

static void push_label(struct buffer *text, const char *label) { buffer_print(text, "%-13s ", label); }

static void push_quantiles(struct buffer *text, const struct histogram *us) {
        static const struct {
                const char *name;
                double q;
        } quantiles[] = {{"p50", 0.5}, {", p99", 0.99}, {", p999", 0.999}};

        for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
                buffer_print(text, "%s ", quantiles[i].name);
                text_push_span(text, span_us(histogram_quantile(us, quantiles[i].q)));
        }
        buffer_push_text(text, ", max ");
        text_push_span(text, span_us(histogram_max(us)));
}

static void push_plan(struct buffer *text, const struct bench_plan *plan) {
        text_push_count(text, (int64_t)plan->messages);
        buffer_push_text(text, " messages of ");
        text_push_size(text, (int64_t)plan->message_bytes);
        buffer_push_text(text, " in ");
        text_push_count(text, (int64_t)plan->threads);
        buffer_print(text, " threads, bursts of %llu; %llu in a frame, %llu frames in flight, %llu slots",
                     (unsigned long long)plan->burst, (unsigned long long)plan->frame_messages,
                     (unsigned long long)plan->window, (unsigned long long)plan->slots);
        if (plan->rate > 0)
                buffer_print(text, ", %llu messages a second", (unsigned long long)plan->rate);
        buffer_push_text(text, "\n\n");
}

static void push_rates(struct buffer *text, const struct bench_result *result) {
        push_label(text, "messages in");
        text_push_count(text, (int64_t)in_per_second(result));
        buffer_push_text(text, " per second, each acknowledged\n");
        push_label(text, "batches out");
        text_push_count(text, (int64_t)out_per_second(result));
        buffer_push_text(text, " per second, ");
        text_push_count(text, (int64_t)per_second(result->ledger.n_out, result->begin, result->last_settled));
        buffer_push_text(text, " messages per second from end to end\n");
}

static void push_times(struct buffer *text, const struct bench_plan *plan, const struct bench_result *result) {
        push_label(text, "ack");
        push_quantiles(text, &result->ack_us);
        buffer_push_text(text, ", of a frame\n");
        push_label(text, "run");
        push_quantiles(text, &result->run_us);
        buffer_push_text(text, ", from a batch's last message to its run");
        if (plan->quiet.us > 0) {
                buffer_push_text(text, ", less the quiet of ");
                text_push_span(text, plan->quiet);
        }
        buffer_push_text(text, "\n");
}

static void push_size(struct buffer *text, const struct bench_result *result) {
        push_label(text, "batch size");
        buffer_print(text, "p50 %lld, p90 %lld, max %lld, in ", (long long)histogram_quantile(&result->size, 0.5),
                     (long long)histogram_quantile(&result->size, 0.9), (long long)histogram_max(&result->size));
        text_push_count(text, (int64_t)result->n_batches);
        buffer_push_text(text, " batches\n");
}

/* What the broker says of itself: since its start, so of its own benchmark only if it has just been started. */
static void push_stats(struct buffer *text, const json_t *stats) {
        push_label(text, "lateness");
        buffer_push_text(text, "p50 ");
        answer_push_ms(text, stats, "/lateness_ms/p50");
        buffer_push_text(text, ", p99 ");
        answer_push_ms(text, stats, "/lateness_ms/p99");
        buffer_push_text(text, ", p999 ");
        answer_push_ms(text, stats, "/lateness_ms/p999");
        buffer_push_text(text, ", max ");
        answer_push_ms(text, stats, "/lateness_ms/max");
        buffer_push_text(text, ", of a run past its due time, as the broker counts since it started\n");
}

static void push_store(struct buffer *text, const json_t *stats, const char *medium) {
        const char *kind = answer_text_find(stats, "/store/kind");

        push_label(text, "durable");
        if (kind && strcmp(kind, "memory") == 0)
                buffer_push_text(text, "no: the store is memory, and is gone with the process\n");
        if (kind && strcmp(kind, "memory") == 0)
                return;
        buffer_push_text(text, "yes: acknowledged when in ");
        answer_push_text(text, stats, "/store/kind");
        buffer_push_text(text, " and fsynced, ");
        answer_push_count(text, stats, "/store/commits_total");
        buffer_push_text(text, " commits, p50 ");
        answer_push_ms(text, stats, "/store/commit_ms/p50");
        buffer_push_text(text, ", p99 ");
        answer_push_ms(text, stats, "/store/commit_ms/p99");
        if (medium)
                buffer_print(text, "; %s", medium);
        buffer_push_text(text, "\n");
}

static const char *end_text(enum bench_end end) {
        switch (end) {
        case BENCH_COMPLETE:
                return "";
        case BENCH_TIMEOUT:
                return "the time was over before everything came out (--timeout TIME gives it more); ";
        case BENCH_REFUSED:
                return "the broker refused the messages; ";
        case BENCH_CANCELLED:
                return "cancelled; ";
        }
        return "";
}

static void push_check(struct buffer *text, const struct bench_result *result) {
        push_label(text, "check");
        if (bench_is_good(result)) {
                buffer_push_text(text, "good: every message came out exactly once, each thread's in order\n");
                return;
        }
        buffer_print(text, "FAILED: %s", end_text(result->end));
        text_push_count(text, (int64_t)result->n_sent);
        buffer_push_text(text, " sent, ");
        text_push_count(text, (int64_t)result->n_refused);
        buffer_push_text(text, " refused, ");
        text_push_count(text, (int64_t)bench_n_lost(result));
        buffer_push_text(text, " acknowledged and not out, ");
        text_push_count(text, (int64_t)result->ledger.n_twice);
        buffer_push_text(text, " twice, ");
        text_push_count(text, (int64_t)result->ledger.n_out_of_order);
        buffer_push_text(text, " out of order\n");
        if (!result->refusal)
                return;
        push_label(text, "");
        buffer_push_text(text, "the broker says: ");
        text_push_safe(text, bytes_of(result->refusal));
        buffer_push_text(text, "\n");
}

static void push_remarks(struct buffer *text, const struct bench_result *result) {
        if (result->n_resent > 0) {
                push_label(text, "");
                buffer_print(text, "%u frames had no ack in a second and were sent again: order is by acceptance\n",
                             result->n_resent);
        }
        if (result->n_foreign > 0) {
                push_label(text, "");
                text_push_count(text, (int64_t)result->n_foreign);
                buffer_push_text(text, " runs of other messages came, and were put off as busy: better use --self\n");
        }
}

void bench_encode_text(const struct bench_plan *plan, const struct bench_result *result, const json_t *stats,
                       const char *medium, struct buffer *text) {
        push_plan(text, plan);
        push_rates(text, result);
        push_times(text, plan, result);
        if (stats)
                push_stats(text, stats);
        push_size(text, result);
        if (stats)
                push_store(text, stats, medium);
        push_check(text, result);
        push_remarks(text, result);
}

/* -- for a program ------------------------------------------------------------------------------------------------- */

static json_t *encode_quantiles(const struct histogram *us) {
        return json_pack("{s:f, s:f, s:f, s:f}", "p50", (double)histogram_quantile(us, 0.5) / 1000, "p99",
                         (double)histogram_quantile(us, 0.99) / 1000, "p999",
                         (double)histogram_quantile(us, 0.999) / 1000, "max", (double)histogram_max(us) / 1000);
}

static json_t *encode_plan(const struct bench_plan *plan) {
        return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "messages", (json_int_t)plan->messages,
                         "message_bytes", (json_int_t)plan->message_bytes, "threads", (json_int_t)plan->threads,
                         "burst", (json_int_t)plan->burst, "frame_messages", (json_int_t)plan->frame_messages, "window",
                         (json_int_t)plan->window, "slots", (json_int_t)plan->slots, "rate", (json_int_t)plan->rate,
                         "quiet_ms", (json_int_t)span_to_ms(plan->quiet));
}

static json_t *encode_messages(const struct bench_result *result) {
        return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f}", "sent", (json_int_t)result->n_sent, "accepted",
                         (json_int_t)result->n_accepted, "duplicate", (json_int_t)result->n_duplicate, "refused",
                         (json_int_t)result->n_refused, "out", (json_int_t)result->ledger.n_out, "per_s",
                         in_per_second(result));
}

static json_t *encode_batches(const struct bench_result *result) {
        return json_pack("{s:I, s:f, s:{s:I, s:I, s:I}}", "out", (json_int_t)result->n_batches, "per_s",
                         out_per_second(result), "size", "p50", (json_int_t)histogram_quantile(&result->size, 0.5),
                         "p90", (json_int_t)histogram_quantile(&result->size, 0.9), "max",
                         (json_int_t)histogram_max(&result->size));
}

static json_t *encode_check(const struct bench_result *result) {
        static const char *const ends[] = {"complete", "timeout", "refused", "cancelled"};

        return json_pack("{s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:s?}", "good", bench_is_good(result), "end",
                         ends[result->end], "lost", (json_int_t)bench_n_lost(result), "twice",
                         (json_int_t)result->ledger.n_twice, "out_of_order", (json_int_t)result->ledger.n_out_of_order,
                         "foreign_runs", (json_int_t)result->n_foreign, "frames_resent", (json_int_t)result->n_resent,
                         "refusal", result->refusal);
}

json_t *bench_encode_json(const struct bench_plan *plan, const struct bench_result *result, const json_t *stats) {
        json_t *report = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "plan", encode_plan(plan), "messages",
                                   encode_messages(result), "batches", encode_batches(result), "ack_ms",
                                   encode_quantiles(&result->ack_us), "run_ms", encode_quantiles(&result->run_us),
                                   "check", encode_check(result));
        json_t *lateness = json_object_get(stats, "lateness_ms"), *store = json_object_get(stats, "store");

        if (lateness)
                json_object_set(report, "lateness_ms", lateness);
        if (store)
                json_object_set(report, "store", store);
        return report;
}
