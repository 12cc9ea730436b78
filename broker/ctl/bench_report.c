/* What a benchmark has found, for a person. */
#include "broker/ctl/answer.h"
#include "broker/ctl/bench_report.h"
#include "broker/ctl/text.h"

#include <string.h>

static void push_label(struct buffer *text, const char *label) { buffer_print(text, "%-13s ", label); }

static void push_quantiles(struct buffer *text, const struct histogram *us) {
        static const struct {
                const char *name;
                double q;
        } quantiles[] = {{"p50", 0.5}, {", p90", 0.9}, {", p99", 0.99}, {", p999", 0.999}};

        for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
                buffer_print(text, "%s ", quantiles[i].name);
                text_push_span(text, span_us(histogram_quantile(us, quantiles[i].q)));
        }
        buffer_push_text(text, ", max ");
        text_push_span(text, span_us(histogram_max(us)));
}

/* When messages go out, where that is not as soon as the ones before are acknowledged. */
static void push_order(struct buffer *text, const struct bench_plan *plan) {
        if (plan->rate > 0)
                buffer_print(text, ", %llu messages a second", (unsigned long long)plan->rate);
        if (bench_is_paced(plan)) {
                buffer_push_text(text, " with ");
                text_push_span(text, plan->gap);
                buffer_push_text(text, " between messages");
        }
        if (bench_is_paced(plan) && plan->messages > plan->threads * plan->burst) {
                buffer_push_text(text, ", a burst every ");
                text_push_span(text, plan->pause);
        }
        if (plan->work.us > 0) {
                buffer_push_text(text, ", runs of ");
                text_push_span(text, plan->work);
        }
        if (plan->pending > 0) {
                buffer_push_text(text, ", beside ");
                text_push_count(text, (int64_t)plan->pending);
                buffer_push_text(text, " pending threads");
        }
}

static void push_plan(struct buffer *text, const struct bench_plan *plan) {
        buffer_print(text, "%s: ", bench_profile_name(plan->profile));
        text_push_count(text, (int64_t)plan->messages);
        buffer_push_text(text, " messages of ");
        text_push_size(text, (int64_t)plan->message_bytes);
        buffer_push_text(text, " in ");
        text_push_count(text, (int64_t)plan->threads);
        buffer_print(text, " threads, bursts of %llu", (unsigned long long)plan->burst);
        push_order(text, plan);
        buffer_push_text(text, "; in flight ");
        text_push_count(text, (int64_t)plan->in_flight);
        buffer_print(text, ", as %llu frames of %llu; %llu slots\n\n", (unsigned long long)plan->window,
                     (unsigned long long)plan->frame_messages, (unsigned long long)plan->slots);
}

static void push_in(struct buffer *text, const struct bench_result *result) {
        push_label(text, "messages in");
        text_push_count(text, (int64_t)bench_in_per_second(result));
        buffer_push_text(text, " per second, each acknowledged\n");
}

static void push_out(struct buffer *text, const struct bench_result *result) {
        push_label(text, "batches out");
        text_push_count(text, (int64_t)bench_out_per_second(result));
        buffer_push_text(text, " per second, ");
        text_push_count(text, (int64_t)bench_through_per_second(result));
        buffer_push_text(text, " messages per second from end to end\n");
}

static void push_dispatching(struct buffer *text, const struct bench_plan *plan, const struct bench_result *result) {
        push_label(text, "dispatched");
        buffer_push_text(text, "all within ");
        text_push_span(text, bench_dispatching(plan, result));
        buffer_push_text(text, result->fired.us > 0 ? " of the instant at which all were due\n"
                                                    : " of the first one's due time\n");
}

static void push_ack(struct buffer *text, const struct bench_result *result) {
        push_label(text, "ack");
        push_quantiles(text, &result->ack_us);
        buffer_push_text(text, ", of a frame, from sent to acknowledged\n");
}

static void push_times(struct buffer *text, const struct bench_plan *plan, const struct bench_result *result) {
        push_label(text, "run");
        push_quantiles(text, &result->run_us);
        buffer_push_text(text, result->fired.us > 0 ? ", from that instant to the run"
                                                    : ", from a batch's last message to its run");
        if (plan->quiet.us > 0 && result->fired.us == 0) {
                buffer_push_text(text, ", less the quiet of ");
                text_push_span(text, plan->quiet);
        }
        buffer_push_text(text, "\n");
        push_label(text, "late");
        push_quantiles(text, &result->late_us);
        buffer_push_text(text, ", the same from its acknowledgement, or from the end of the thread's run before\n");
}

static void push_bursts(struct buffer *text, const struct bench_plan *plan, const struct bench_result *result) {
        push_label(text, "bursts");
        text_push_count(text, (int64_t)result->ledger.n_whole);
        buffer_push_text(text, " of ");
        text_push_count(text, (int64_t)(plan->messages / plan->burst));
        buffer_push_text(text, " were one batch, whole and alone; ");
        text_push_count(text, (int64_t)result->n_early);
        buffer_push_text(text, " runs before their quiet was over, ");
        text_push_count(text, (int64_t)result->ledger.n_overlaps);
        buffer_push_text(text, " beside another of their thread\n");
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

void bench_encode_durability(const json_t *stats, const char *medium, struct buffer *text) {
        const char *kind = answer_text_find(stats, "/store/kind");

        if (kind && strcmp(kind, "memory") == 0) {
                buffer_push_text(text, "no: the store is memory, and is gone with the process");
                return;
        }
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
}

static void push_store(struct buffer *text, const json_t *stats, const char *medium) {
        push_label(text, "durable");
        bench_encode_durability(stats, medium, text);
        buffer_push_text(text, "\n");
}

static double share_of(uint64_t amount, const struct bench_result *result) {
        uint64_t n = result->n_accepted + result->n_duplicate;

        return n > 0 ? (double)amount / (double)n : 0;
}

static void push_broker(struct buffer *text, const struct bench_result *result) {
        const struct bench_usage *before = &result->before, *after = &result->after;

        push_label(text, "broker");
        buffer_print(text, "%.1f us of CPU, %.1f of them in its loop, and %.0f B written for each message; memory ",
                     share_of(after->cpu_us - before->cpu_us, result),
                     share_of(after->loop_cpu_us - before->loop_cpu_us, result),
                     share_of(after->written_bytes - before->written_bytes, result));
        text_push_size(text, (int64_t)after->memory_bytes);
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
        case BENCH_UNFIRED:
                return "it could not go on; ";
        }
        return "";
}

static void push_check(struct buffer *text, const struct bench_plan *plan, const struct bench_result *result) {
        push_label(text, "check");
        if (bench_is_good(plan, result)) {
                buffer_push_text(text, bench_has_sink(plan)
                                               ? "good: every message came out exactly once, each thread's in order\n"
                                               : "good: the broker has every message that it acknowledged\n");
                return;
        }
        buffer_print(text, "FAILED: %s", end_text(result->end));
        text_push_count(text, (int64_t)result->n_sent);
        buffer_push_text(text, " sent, ");
        text_push_count(text, (int64_t)result->n_refused);
        buffer_push_text(text, " refused, ");
        text_push_count(text, (int64_t)bench_n_lost(plan, result));
        buffer_push_text(text, " acknowledged and not out, ");
        text_push_count(text, (int64_t)result->ledger.n_twice);
        buffer_push_text(text, " twice, ");
        text_push_count(text, (int64_t)result->ledger.n_out_of_order);
        buffer_push_text(text, " out of order, ");
        text_push_count(text, (int64_t)result->ledger.n_overlaps);
        buffer_push_text(text, " runs side by side, ");
        text_push_count(text, (int64_t)result->n_early);
        buffer_push_text(text, " early\n");
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
        bool is_out = plan->profile != BENCH_IN;

        push_plan(text, plan);
        push_in(text, result);
        if (is_out)
                push_out(text, result);
        if (plan->profile == BENCH_TIMERS)
                push_dispatching(text, plan, result);
        push_ack(text, result);
        if (is_out)
                push_times(text, plan, result);
        if (is_out && stats)
                push_stats(text, stats);
        if (is_out)
                push_size(text, result);
        if (bench_is_paced(plan))
                push_bursts(text, plan, result);
        if (result->after.cpu_us > 0)
                push_broker(text, result);
        if (stats)
                push_store(text, stats, medium);
        push_check(text, plan, result);
        push_remarks(text, result);
}
