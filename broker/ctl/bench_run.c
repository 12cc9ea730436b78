#include "broker/ctl/bench_private.h"
#include "broker/ctl/screen.h"
#include "common/clock.h"
#include "common/memory.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>

enum { PROGRESS_MS = 200 };

/* Set by SIGINT and SIGTERM, so that what was started is stopped as after any other end. */
static volatile sig_atomic_t is_cancelled;

static void on_signal(int signal_number) { is_cancelled = 1; }

bool bench_is_cancelled(void) { return is_cancelled; }

static void catch_signals(void) {
        const struct sigaction action = {.sa_handler = on_signal};

        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
}

/* -- the loop ------------------------------------------------------------------------------------------------------ */

/* A duplicate is a message of ours that was taken in before, when a frame had to be sent twice. */
static uint64_t n_taken(const struct bench_result *result) { return result->n_accepted + result->n_duplicate; }

/* What went in has been acknowledged, all of it. */
static bool is_all_in(const struct bench *bench) {
        return bench->result->n_sent == bench->plan->messages && producer_in_flight(bench->producer) == 0;
}

static bool is_all_out(const struct bench *bench) {
        if (!bench->sink)
                return !bench_has_sink(bench->plan);
        return bench->result->ledger.n_out >= n_taken(bench->result) && sink_n_held(bench->sink) == 0;
}

static bool is_over(struct bench *bench) {
        struct bench_result *result = bench->result;

        if (result->end == BENCH_UNFIRED)
                return true;
        if (is_cancelled)
                result->end = BENCH_CANCELLED;
        else if (mono_since(bench->now, bench->opened).us > bench->plan->timeout.us)
                result->end = BENCH_TIMEOUT;
        else if (result->n_refused > 0 && n_taken(result) == 0)
                result->end = BENCH_REFUSED;
        else if (is_all_in(bench) && is_all_out(bench))
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
        screen_progress("%s%llu of %llu messages in, %llu out in %llu batches", bench->hooks->title,
                        (unsigned long long)n_taken(result), (unsigned long long)bench->plan->messages,
                        (unsigned long long)result->ledger.n_out, (unsigned long long)result->n_batches);
}

static int open_sink(struct bench *bench) {
        const struct sink_settings out = {.slots = (uint32_t)bench->plan->slots,
                                          .work = bench->plan->work,
                                          .on_run = bench_on_run,
                                          .on_over = bench_on_over,
                                          .on_settled = bench_on_settled,
                                          .context = bench};

        return sink_new(bench->plan->workers, &out, bench->uuid, (uint64_t)clock_now().wall.ms, &bench->sink);
}

/* Is whoever takes runs there? When only the way in is measured, nobody has to be. */
static bool is_ready(const struct bench *bench) {
        return bench->plan->profile == BENCH_IN || sink_is_welcome(bench->sink);
}

/* Everything is in: what waits for that is done now. */
static void on_all_in(struct bench *bench) {
        if (bench->plan->is_at_once && bench->result->fired.us == 0) {
                bench->result->fired = clock_mono();
                if (bench->hooks->fire(bench->hooks->context) < 0)
                        bench->result->end = BENCH_UNFIRED;
        }
        if (!bench->sink && bench_has_sink(bench->plan) && open_sink(bench) < 0)
                bench->result->end = BENCH_UNFIRED;
}

static void wait_for_more(struct bench *bench) {
        struct pollfd fds[] = {
                {.fd = producer_fd(bench->producer), .events = POLLIN},
                {.fd = bench->sink ? sink_fd(bench->sink) : -1, .events = POLLIN},
        };
        struct span span =
                span_min(producer_wait(bench->producer, bench->now), bench_push_wait(bench, span_ms(PROGRESS_MS)));
        struct timespec left;

        if (bench->sink)
                span = span_min(span, sink_wait(bench->sink, bench->now));
        left = (struct timespec){.tv_sec = span.us / 1000000, .tv_nsec = span.us % 1000000 * 1000};
        (void)ppoll(fds, 2, &left, NULL);
}

/* One turn; true when there may be more at once: do not wait. */
static bool step(struct bench *bench) {
        bool has_more;

        /* Whoever measures the broker's end must be there before the first message is. */
        if (is_ready(bench))
                bench_push_messages(bench);
        producer_step(bench->producer, bench->now);
        if (is_all_in(bench))
                on_all_in(bench);
        has_more = bench->sink && sink_step(bench->sink, bench->now);
        show_progress(bench);
        return has_more;
}

static void run_loop(struct bench *bench) {
        while (!is_over(bench)) {
                if (!step(bench) && !(is_ready(bench) && bench_can_push(bench)))
                        wait_for_more(bench);
                bench->now = clock_mono();
                if (bench->result->n_sent == 0)
                        bench->result->begin = bench->now;
        }
        if (bench->sink)
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

static int open_ends(struct bench *bench) {
        const struct producer_settings in = {(uint32_t)bench->plan->frame_messages, (uint32_t)bench->plan->window,
                                             bench_on_ack, bench, NULL};
        int r = producer_new(bench->plan->ingest, &in, &bench->producer);

        if (r == 0 && bench->plan->profile != BENCH_IN)
                r = open_sink(bench);
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

static int make_names(struct bench *bench) {
        const struct bench_plan *plan = bench->plan;
        struct ledger *ledger = &bench->result->ledger;
        uint32_t nonce;

        if (getrandom(bench->uuid, sizeof bench->uuid, 0) < 0 || getrandom(&nonce, sizeof nonce, 0) < 0)
                return -errno;
        ledger_init(ledger, nonce, (uint32_t)plan->messages, (uint32_t)plan->threads, (uint32_t)plan->burst);
        ledger->is_woven = bench_is_paced(plan);
        return 0;
}

int bench_run(const struct bench_plan *plan, const struct bench_hooks *hooks, struct bench_result *ret) {
        CLEANUP_FREE struct bench_result *result = memory_new(1, sizeof *result);
        CLEANUP(bench_done) struct bench bench = {.plan = plan, .hooks = hooks, .result = result, .now = clock_mono()};
        int r = make_names(&bench);

        if (r == 0)
                r = open_ends(&bench);
        if (r < 0) {
                ledger_done(&result->ledger);
                return r;
        }
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
