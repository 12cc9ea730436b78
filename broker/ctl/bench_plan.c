#include "broker/ctl/bench_plan.h"

#include "common/limits.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

/* What a message adds to its text in a frame: names, id, and the marks between them. */
enum { ITEM_OVERHEAD_BYTES = 256 };
/* Frames that N messages in flight are cut into. With one the broker would idle while the client fills the next; with
 * many, each brings less to the commit that they share. */
enum { FRAMES_OF_FLIGHT = 4 };
/* So far into a run comes the burst that is to meet it. */
enum { MEETING_MS = 300 };

static const struct {
        const char *name;
        int64_t quiet_ms; /* with a broker of its own */
        struct bench_plan plan;
} profiles[N_BENCH_PROFILES] = {
        [BENCH_THROUGH] = {"through",
                           0,
                           {.messages = 300000,
                            .threads = 1000,
                            .burst = 3,
                            .in_flight = 800,
                            .frame_messages = 100,
                            .slots = 1000,
                            .timeout = {60000000}}},
        [BENCH_IN] = {"in",
                      0,
                      {.messages = 300000,
                       .threads = 1000,
                       .burst = 3,
                       .in_flight = 4096,
                       .slots = 1000,
                       .timeout = {60000000}}},
        [BENCH_LATENCY] = {"latency",
                           0,
                           {.messages = 5000,
                            .threads = 1000,
                            .burst = 1,
                            .in_flight = 64,
                            .frame_messages = 1,
                            .slots = 1000,
                            .rate = 500,
                            .timeout = {120000000}}},
        [BENCH_TIMERS] = {"timers",
                          5000,
                          {.messages = 100000,
                           .threads = 100000,
                           .burst = 1,
                           .in_flight = 4096,
                           .slots = 10000,
                           .timeout = {120000000}}},
        [BENCH_BURSTS] = {"bursts",
                          2000,
                          {.threads = 2000,
                           .burst = 5,
                           .in_flight = 4000,
                           .frame_messages = 100,
                           .slots = 10000,
                           .gap = {100000},
                           .timeout = {120000000}}},
        [BENCH_BUSY] = {"busy",
                        2000,
                        {.threads = 300,
                         .burst = 5,
                         .in_flight = 4000,
                         .frame_messages = 100,
                         .slots = 10000,
                         .gap = {100000},
                         .work = {3000000},
                         .timeout = {120000000}}},
};

int bench_profile_decode(const char *word, enum bench_profile *ret) {
        for (int profile = 0; profile < N_BENCH_PROFILES; profile++)
                if (strcmp(profiles[profile].name, word) == 0)
                        return *ret = (enum bench_profile)profile, 0;
        return -EINVAL;
}

const char *bench_profile_name(enum bench_profile profile) { return profiles[profile].name; }
struct span bench_profile_quiet(enum bench_profile profile) {
        return span_ms(profiles[profile].quiet_ms);
}

int bench_counts_decode(const char *text, uint64_t *ret, size_t max, size_t *ret_n) {
        size_t n = 0;

        for (;; n++) {
                uint64_t count = 0;
                size_t digits = strspn(text, "0123456789");

                if (n == max || digits == 0 || digits > 9)
                        return -EINVAL;
                for (size_t i = 0; i < digits; i++)
                        count = count * 10 + (uint64_t)(text[i] - '0');
                ret[n] = count;
                text += digits;
                if (*text != ',')
                        break;
                text++;
        }
        if (*text != '\0')
                return -EINVAL;
        *ret_n = n + 1;
        return 0;
}

/* -- what was not said --------------------------------------------------------------------------------------------- */

static void fill_count(uint64_t *count, uint64_t own) {
        if (*count == BENCH_UNSAID)
                *count = own;
}

static void fill_span(struct span *span, struct span own) {
        if (span->us < 0)
                *span = own;
}

static void fill_from_profile(struct bench_plan *plan, const struct bench_plan *own) {
        fill_count(&plan->message_bytes, 256);
        fill_count(&plan->burst, own->burst);
        fill_count(&plan->slots, own->slots);
        fill_count(&plan->rate, own->rate);
        fill_count(&plan->pending, 0);
        fill_span(&plan->gap, own->gap);
        fill_span(&plan->work, own->work);
        fill_span(&plan->timeout, own->timeout);
}

/* In the timers' profile each message has its thread, so each number follows from the other. */
static void fill_counts(struct bench_plan *plan, const struct bench_plan *own) {
        if (plan->profile == BENCH_TIMERS) {
                fill_count(&plan->messages, plan->threads != BENCH_UNSAID ? plan->threads : own->messages);
                fill_count(&plan->threads, plan->messages);
        }
        fill_count(&plan->threads, own->threads);
        if (own->messages == 0)
                fill_count(&plan->messages, plan->threads * plan->burst * (plan->profile == BENCH_BUSY ? 2 : 1));
        fill_count(&plan->messages, own->messages);
}

/* A burst begins when the one before has been answered; or, to meet its run, shortly after that began. */
static void fill_pause(struct bench_plan *plan) {
        struct span quiet = span_max(plan->quiet, span_us(0));
        struct span burst = span_us(plan->gap.us * (int64_t)(plan->burst - 1) + quiet.us);

        if (plan->profile == BENCH_BUSY)
                fill_span(&plan->pause, span_us(burst.us + span_ms(MEETING_MS).us));
        fill_span(&plan->pause, span_us(burst.us + plan->gap.us + plan->work.us));
}

/* The largest frame of which several, of equal length, make up what is in flight. */
static uint64_t frame_of_flight(uint64_t in_flight, uint64_t most) {
        uint64_t frame = in_flight / FRAMES_OF_FLIGHT;

        if (frame > most)
                frame = most;
        while (frame > 1 && (in_flight % frame != 0 || in_flight / frame > LIMIT_BENCH_WINDOW))
                frame--;
        return frame > 0 ? frame : 1;
}

static int fill_flight(struct bench_plan *plan, const struct bench_plan *own, char **ret_error) {
        uint64_t most = LIMIT_FRAME_BYTES / (plan->message_bytes + ITEM_OVERHEAD_BYTES);
        bool is_said = plan->in_flight != BENCH_UNSAID;

        if (most > LIMIT_FRAME_MESSAGES)
                most = LIMIT_FRAME_MESSAGES;
        if (is_said && plan->window != BENCH_UNSAID)
                return *ret_error = memory_print("--in-flight counts messages and --window frames: say one of them"),
                       -EINVAL;
        if (!is_said && own->frame_messages > 0)
                fill_count(&plan->frame_messages, own->frame_messages);
        fill_count(&plan->in_flight, own->in_flight);
        if (plan->window == BENCH_UNSAID && plan->frame_messages == BENCH_UNSAID)
                plan->frame_messages = frame_of_flight(plan->in_flight, most);
        fill_count(&plan->frame_messages, own->frame_messages > 0 ? own->frame_messages : 1);
        if (plan->window == BENCH_UNSAID && is_said && plan->in_flight % plan->frame_messages != 0)
                return *ret_error = memory_print(
                               "--in-flight %llu are no whole frames of %llu messages: change --frame",
                               (unsigned long long)plan->in_flight, (unsigned long long)plan->frame_messages),
                       -EINVAL;
        if (plan->window == BENCH_UNSAID && plan->in_flight / plan->frame_messages > LIMIT_BENCH_WINDOW)
                return *ret_error = memory_print("--in-flight %llu cannot be cut into %d equal frames or fewer: take a "
                                                 "rounder number",
                                                 (unsigned long long)plan->in_flight, LIMIT_BENCH_WINDOW),
                       -EINVAL;
        if (plan->window == BENCH_UNSAID)
                plan->window = (plan->in_flight + plan->frame_messages - 1) / plan->frame_messages;
        plan->in_flight = plan->frame_messages * plan->window;
        return 0;
}

static int check_counts(const struct bench_plan *plan, char **ret_error) {
        const struct {
                const char *name;
                uint64_t value, max;
        } bounds[] = {
                {"messages", plan->messages, LIMIT_BENCH_MESSAGES},
                {"size", plan->message_bytes, LIMIT_MESSAGE_BYTES_MAX / 2},
                {"threads", plan->threads, LIMIT_BENCH_THREADS},
                {"burst", plan->burst, LIMIT_BENCH_MESSAGES},
                {"in-flight", plan->in_flight, LIMIT_BENCH_MESSAGES},
                {"frame", plan->frame_messages, LIMIT_FRAME_MESSAGES},
                {"window", plan->window, LIMIT_BENCH_WINDOW},
                {"slots", plan->slots, LIMIT_SLOTS},
        };

        for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
                if (bounds[i].value != BENCH_UNSAID && (bounds[i].value < 1 || bounds[i].value > bounds[i].max))
                        return *ret_error = memory_print("--%s is 1 to %llu", bounds[i].name,
                                                         (unsigned long long)bounds[i].max),
                               -EINVAL;
        if (plan->pending != BENCH_UNSAID && plan->pending > LIMIT_BENCH_THREADS)
                return *ret_error = memory_print("--pending is 0 to %d", LIMIT_BENCH_THREADS), -EINVAL;
        return 0;
}

static int check_order(const struct bench_plan *plan, char **ret_error) {
        if (!bench_is_paced(plan))
                return 0;
        if (plan->rate > 0)
                return *ret_error = memory_print("--gap says when each message is sent: leave --rate away"), -EINVAL;
        if (plan->messages % (plan->threads * plan->burst) != 0)
                return *ret_error =
                               memory_print("--messages has to be --threads times --burst (%llu), or several times "
                                            "that",
                                            (unsigned long long)(plan->threads * plan->burst)),
                       -EINVAL;
        if (plan->pause.us < plan->gap.us * (int64_t)plan->burst)
                return *ret_error = memory_print("--pause is shorter than a burst, which takes --burst times --gap"),
                       -EINVAL;
        return 0;
}

int bench_plan_fill(struct bench_plan *plan, char **ret_error) {
        const struct bench_plan *own = &profiles[plan->profile].plan;
        int r = check_counts(plan, ret_error);

        if (r < 0)
                return r;
        fill_from_profile(plan, own);
        fill_counts(plan, own);
        fill_pause(plan);
        r = fill_flight(plan, own, ret_error);
        if (r == 0)
                r = check_counts(plan, ret_error);
        if (r == 0)
                r = check_order(plan, ret_error);
        return r;
}

/* -- when ---------------------------------------------------------------------------------------------------------- */

struct span bench_plan_at(const struct bench_plan *plan, uint64_t number) {
        uint64_t turn = number / plan->threads, thread = number % plan->threads;

        if (bench_is_paced(plan))
                return span_us((int64_t)(turn / plan->burst) * plan->pause.us +
                               (int64_t)(turn % plan->burst) * plan->gap.us +
                               (int64_t)((double)plan->gap.us * (double)thread / (double)plan->threads));
        return span_us(plan->rate > 0 ? (int64_t)((double)number * 1e6 / (double)plan->rate) : 0);
}
