/* The two ends of a broker in a benchmark: what goes in, and what comes out. */
#include "broker/ctl/bench_private.h"
#include "common/clock.h"
#include "common/memory.h"

/* -- in at one end ------------------------------------------------------------------------------------------------- */

static void note_refusal(struct bench *bench, const struct wire_ack *ack) {
        struct pack_reader reader = ack->refusals;
        struct wire_refusal refusal;

        bench->result->n_refused += ack->n_refusals;
        if (bench->result->refusal || ack->n_refusals == 0 || wire_refusal_next(&reader, &refusal) < 0)
                return;
        bench->result->refusal = memory_print("%.*s: %.*s", BYTES_PRINT(refusal.code), BYTES_PRINT(refusal.why));
}

void bench_on_ack(void *context, const struct producer_frame *frame) {
        struct bench *bench = context;
        struct bench_result *result = bench->result;

        result->n_accepted += frame->ack->n_accepted;
        result->n_duplicate += frame->ack->n_duplicates;
        result->n_resent += frame->is_resent;
        /* Once a frame: all its messages are acknowledged at one instant. */
        result->last_ack = clock_mono();
        histogram_add(&result->ack_us, mono_since(result->last_ack, frame->sent).us);
        for (uint32_t i = 0; i < frame->n; i++) {
                ledger_on_acked(&result->ledger, (uint32_t)frame->tags[i], result->last_ack);
                if (frame->is_resent)
                        ledger_on_resent(&result->ledger, (uint32_t)frame->tags[i]);
        }
        note_refusal(bench, frame->ack);
}

static void push_message(struct bench *bench, uint32_t number) {
        struct ledger *ledger = &bench->result->ledger;
        char id[LEDGER_NAME_LEN], thread[LEDGER_NAME_LEN];
        struct wire_message message = {
                .tenant = bytes_of(bench->plan->tenant),
                .thread = ledger_encode_thread(ledger, ledger_thread_of(ledger, number), thread),
                .id = ledger_encode_id(ledger, number, id),
                .body = buffer_bytes(&bench->body),
        };

        ledger_on_sent(ledger, number, bench->now);
        producer_push(bench->producer, number, &message, bench->now);
}

/* Do messages have their time, and are not only as fast as it goes? */
static bool has_times(const struct bench_plan *plan) { return plan->rate > 0 || bench_is_paced(plan); }

static bool is_next_due(const struct bench *bench) {
        struct span at = bench_plan_at(bench->plan, bench->result->n_sent);

        return mono_since(bench->now, bench->result->begin).us >= at.us;
}

bool bench_can_push(const struct bench *bench) {
        return bench->result->n_sent < bench->plan->messages && producer_has_room(bench->producer) &&
               (!has_times(bench->plan) || is_next_due(bench));
}

void bench_push_messages(struct bench *bench) {
        const struct bench_plan *plan = bench->plan;
        uint64_t *n_sent = &bench->result->n_sent;

        while (bench_can_push(bench))
                push_message(bench, (uint32_t)(*n_sent)++);
        /* A message whose time has come does not wait for its frame to be full. */
        if (has_times(plan) || *n_sent == plan->messages)
                producer_flush(bench->producer, bench->now);
}

struct span bench_push_wait(const struct bench *bench, struct span longest) {
        struct mono due;

        if (!has_times(bench->plan) || bench->result->n_sent == bench->plan->messages ||
            !producer_has_room(bench->producer))
                return longest;
        due = mono_add(bench->result->begin, bench_plan_at(bench->plan, bench->result->n_sent));
        return span_max(mono_since(due, bench->now), span_us(0));
}

/* -- out at the other ---------------------------------------------------------------------------------------------- */

/* When nothing but the quiet can make a thread due: then a run before it is over is a fault. */
static bool is_quiet_all(const struct bench_plan *plan) {
        return bench_is_paced(plan) || plan->profile == BENCH_TIMERS;
}

static void note_times(struct bench *bench, uint32_t last) {
        struct bench_result *result = bench->result;
        bool is_fired = result->fired.us > 0;
        struct span quiet = is_fired ? span_us(0) : bench->plan->quiet;
        struct mono now = clock_mono(), due = mono_add(result->ledger.sent[last], quiet);

        if (result->n_batches++ == 0)
                result->first_run = now;
        result->last_run = now;
        result->n_early += is_quiet_all(bench->plan) && mono_is_before(now, due);
        histogram_add(&result->run_us, mono_since(now, mono_max(due, result->fired)).us);
        due = mono_max(ledger_due_of(&result->ledger, last, quiet), result->fired);
        histogram_add(&result->late_us, mono_since(now, due).us);
}

bool bench_on_run(void *context, struct wire_run *run, uint32_t *numbers) {
        struct bench *bench = context;
        struct bench_result *result = bench->result;
        struct wire_run_message message;

        for (uint32_t i = 0; i < run->n_messages; i++)
                if (wire_run_next(run, &message) < 0 ||
                    ledger_decode_id(&result->ledger, message.id, &numbers[i]) != 0) {
                        result->n_foreign++;
                        return false;
                }
        if (run->n_messages == 0)
                return false;
        note_times(bench, numbers[run->n_messages - 1]);
        histogram_add(&result->size, run->n_messages);
        ledger_on_run(&result->ledger, numbers, run->n_messages);
        return true;
}

void bench_on_over(void *context, const uint32_t *numbers, uint32_t n) {
        struct bench *bench = context;

        ledger_on_over(&bench->result->ledger, numbers[n - 1], clock_mono());
}

void bench_on_settled(void *context, const uint32_t *numbers, uint32_t n) {
        struct bench *bench = context;

        for (uint32_t i = 0; i < n; i++)
                ledger_on_finished(&bench->result->ledger, numbers[i]);
        bench->result->last_settled = bench->now;
}
