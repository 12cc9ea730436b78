#include "broker/ctl/bench_run.h"

#include "broker/ctl/bench_sink.h"
#include "broker/ctl/producer.h"
#include "broker/ctl/screen.h"
#include "common/clock.h"
#include "common/memory.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>

enum { PROGRESS_MS = 200 };

struct bench {
        const struct bench_plan *plan;
        struct bench_result *result;
        struct producer *producer;
        struct sink *sink;
        struct buffer body; /* the same for every message */
        struct mono opened, now, shown;
};

/* Set by SIGINT and SIGTERM, so that what was started is stopped as after any other end. */
static volatile sig_atomic_t is_cancelled;

static void on_signal(int signal_number) { is_cancelled = 1; }

static void catch_signals(void) {
        const struct sigaction action = {.sa_handler = on_signal};

        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
}

/* -- in at one end ------------------------------------------------------------------------------------------------- */

static void note_refusal(struct bench *bench, const struct wire_ack *ack) {
        struct pack_reader reader = ack->refusals;
        struct wire_refusal refusal;

        bench->result->n_refused += ack->n_refusals;
        if (bench->result->refusal || ack->n_refusals == 0 || wire_refusal_next(&reader, &refusal) < 0)
                return;
        bench->result->refusal = memory_print("%.*s: %.*s", BYTES_PRINT(refusal.code), BYTES_PRINT(refusal.why));
}

static void on_ack(void *context, const struct producer_frame *frame) {
        struct bench *bench = context;
        struct bench_result *result = bench->result;

        result->n_accepted += frame->ack->n_accepted;
        result->n_duplicate += frame->ack->n_duplicates;
        result->n_resent += frame->is_resent;
        for (uint32_t i = 0; frame->is_resent && i < frame->n; i++)
                ledger_on_resent(&result->ledger, (uint32_t)frame->tags[i]);
        result->last_ack = clock_mono();
        histogram_add(&result->ack_us, mono_since(result->last_ack, frame->sent).us);
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

/* How many messages may have been sent by now. */
static uint64_t allowance(const struct bench *bench) {
        double passed_s = (double)mono_since(bench->now, bench->result->begin).us / 1e6;
        double due = passed_s * (double)bench->plan->rate + 1;

        if (bench->plan->rate == 0 || due > (double)bench->plan->messages)
                return bench->plan->messages;
        return (uint64_t)due;
}

static void push_messages(struct bench *bench) {
        uint64_t allowed = allowance(bench);
        uint64_t *n_sent = &bench->result->n_sent;

        while (*n_sent < allowed && producer_has_room(bench->producer))
                push_message(bench, (uint32_t)(*n_sent)++);
        /* At a rate, a message does not wait for its frame to be full. */
        if (bench->plan->rate > 0 || *n_sent == bench->plan->messages)
                producer_flush(bench->producer, bench->now);
}

/* -- out at the other ---------------------------------------------------------------------------------------------- */

static bool on_run(void *context, struct wire_run *run, uint32_t *numbers) {
        struct bench *bench = context;
        struct bench_result *result = bench->result;
        struct wire_run_message message;
        struct span waited;

        for (uint32_t i = 0; i < run->n_messages; i++)
                if (wire_run_next(run, &message) < 0 ||
                    ledger_decode_id(&result->ledger, message.id, &numbers[i]) != 0) {
                        result->n_foreign++;
                        return false;
                }
        if (run->n_messages == 0)
                return false;
        if (result->n_batches++ == 0)
                result->first_run = bench->now;
        waited = mono_since(clock_mono(), result->ledger.sent[numbers[run->n_messages - 1]]);
        histogram_add(&result->run_us, waited.us - bench->plan->quiet.us);
        histogram_add(&result->size, run->n_messages);
        return true;
}

static void on_settled(void *context, const uint32_t *numbers, uint32_t n) {
        struct bench *bench = context;

        for (uint32_t i = 0; i < n; i++)
                ledger_on_finished(&bench->result->ledger, numbers[i]);
        bench->result->last_settled = bench->now;
}

/* -- the loop ------------------------------------------------------------------------------------------------------ */

/* A duplicate is a message of ours that was taken in before, when a frame had to be sent twice. */
static uint64_t n_taken(const struct bench_result *result) { return result->n_accepted + result->n_duplicate; }

static bool is_over(struct bench *bench) {
        struct bench_result *result = bench->result;
        bool is_all_acked = result->n_sent == bench->plan->messages && producer_in_flight(bench->producer) == 0;

        if (is_cancelled)
                result->end = BENCH_CANCELLED;
        else if (mono_since(bench->now, bench->opened).us > bench->plan->timeout.us)
                result->end = BENCH_TIMEOUT;
        else if (result->n_refused > 0 && n_taken(result) == 0)
                result->end = BENCH_REFUSED;
        else if (is_all_acked && result->ledger.n_out >= n_taken(result) && sink_n_held(bench->sink) == 0)
                result->end = BENCH_COMPLETE;
        else
                return false;
        return true;
}

static void show_progress(struct bench *bench) {
        const struct bench_result *result = bench->result;

        if (mono_since(bench->now, bench->shown).us < span_ms(PROGRESS_MS).us)
                return;
        bench->shown = bench->now;
        screen_progress("%llu of %llu messages in, %llu out in %llu batches", (unsigned long long)n_taken(result),
                        (unsigned long long)bench->plan->messages, (unsigned long long)result->ledger.n_out,
                        (unsigned long long)result->n_batches);
}

/* When the next message is to be sent, if the rate holds it back. */
static struct span rate_wait(const struct bench *bench) {
        double due_us;

        if (bench->plan->rate == 0 || bench->result->n_sent == bench->plan->messages ||
            !producer_has_room(bench->producer))
                return span_ms(PROGRESS_MS);
        due_us = (double)bench->result->n_sent * 1e6 / (double)bench->plan->rate;
        return span_max(span_us((int64_t)due_us - mono_since(bench->now, bench->result->begin).us), span_us(0));
}

static void wait_for_more(struct bench *bench) {
        struct pollfd fds[] = {
                {.fd = producer_fd(bench->producer), .events = POLLIN},
                {.fd = sink_fd(bench->sink), .events = POLLIN},
        };
        struct span span =
                span_min(span_min(producer_wait(bench->producer, bench->now), sink_wait(bench->sink, bench->now)),
                         rate_wait(bench));
        struct timespec left = {.tv_sec = span.us / 1000000, .tv_nsec = span.us % 1000000 * 1000};

        (void)ppoll(fds, 2, &left, NULL);
}

static void run_loop(struct bench *bench) {
        while (!is_over(bench)) {
                bool has_more;

                /* Whoever measures the broker's end must be there before the first message is. */
                if (sink_is_welcome(bench->sink))
                        push_messages(bench);
                producer_step(bench->producer, bench->now);
                has_more = sink_step(bench->sink, bench->now);
                show_progress(bench);
                if (!has_more && (bench->plan->rate > 0 || !producer_has_room(bench->producer) ||
                                  bench->result->n_sent == bench->plan->messages || !sink_is_welcome(bench->sink)))
                        wait_for_more(bench);
                bench->now = clock_mono();
                if (bench->result->n_sent == 0)
                        bench->result->begin = bench->now;
        }
        sink_leave(bench->sink);
        screen_progress("%s", "");
}

/* -- begin and end ------------------------------------------------------------------------------------------------- */

static void encode_body(const struct bench_plan *plan, struct buffer *body) {
        CLEANUP_FREE char *text = memory_new(plan->message_bytes + 1, 1);
        struct wire_body content = {.text = {text, plan->message_bytes}};

        memset(text, 'x', plan->message_bytes);
        wire_encode_body(body, &content);
}

static int open_ends(struct bench *bench, const uint8_t *uuid) {
        const struct producer_settings in = {(uint32_t)bench->plan->frame_messages, (uint32_t)bench->plan->window,
                                             on_ack, bench};
        const struct sink_settings out = {(uint32_t)bench->plan->slots, on_run, on_settled, bench};
        int r = producer_new(bench->plan->ingest, &in, &bench->producer);

        if (r == 0)
                r = sink_new(bench->plan->workers, &out, uuid, (uint64_t)clock_now().wall.ms, &bench->sink);
        if (r < 0)
                screen_error("'%s' or '%s' is no endpoint (%s); one looks like tcp://127.0.0.1:7601",
                             bench->plan->ingest, bench->plan->workers, strerror(-r));
        return r;
}

static void bench_done(struct bench *bench) {
        producer_free(bench->producer);
        sink_free(bench->sink);
        buffer_done(&bench->body);
}

int bench_run(const struct bench_plan *plan, struct bench_result *ret) {
        CLEANUP_FREE struct bench_result *result = memory_new(1, sizeof *result);
        CLEANUP(bench_done) struct bench bench = {.plan = plan, .result = result, .now = clock_mono()};
        uint8_t random[WIRE_UUID_LEN + sizeof(uint64_t)];
        uint64_t nonce;
        int r;

        if (getrandom(random, sizeof random, 0) < 0)
                return -errno;
        memcpy(&nonce, random + WIRE_UUID_LEN, sizeof nonce);
        r = open_ends(&bench, random);
        if (r < 0)
                return r;
        ledger_init(&result->ledger, nonce, (uint32_t)plan->messages, (uint32_t)plan->threads, (uint32_t)plan->burst);
        encode_body(plan, &bench.body);
        catch_signals();
        result->begin = bench.opened = bench.now;
        run_loop(&bench);
        result->n_in_flight = producer_in_flight(bench.producer);
        if (!result->refusal && producer_error(bench.producer))
                result->refusal = bytes_copy_text(bytes_of(producer_error(bench.producer)));
        *ret = *result;
        return 0;
}
