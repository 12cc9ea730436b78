#include "ingest/stdin.h"

#include "common/clock.h"
#include "common/config.h"
#include "common/ensure.h"
#include "common/item.h"
#include "common/limits.h"
#include "common/memory.h"
#include "ingest/broker_link.h"
#include "common/lines.h"
#include "ingest/progress.h"
#include "ingest/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

struct feed {
        struct config *config;
        struct intake *intake;
        struct broker_link *link;
        struct lines lines;
        struct parcel parcel; /* collected while the frame before it is under way */
        struct parcel_ids ids;
        struct buffer scratch; /* the body of one message, encoded */
        struct progress progress;
        char seed[SEED_MAX];
        int signals;
        bool is_interrupted;
};

/* -- lines in ------------------------------------------------------------------------------------------------------ */

static void refuse_line(struct feed *feed, struct item_fault *fault) {
        progress_on_refused(&feed->progress, bytes_of(fault->code), bytes_of(fault->why));
        free(fault->why);
}

static void on_message(struct feed *feed, const struct item *item, uint64_t number) {
        struct wire_message message = item_to_message(item, &feed->scratch);
        CLEANUP_FREE char *why = NULL;
        struct item_fault fault;

        if (item_check(&message, feed->config->limits.message_bytes, &fault) == 0) {
                parcel_push(&feed->parcel, &feed->ids, &message, (uint32_t)number);
                return;
        }
        why = fault.why;
        fault.why = memory_print("line %" PRIu64 ": %s", number, why);
        refuse_line(feed, &fault);
}

static bool is_blank(struct bytes text) {
        const char *data = text.data;

        for (size_t i = 0; i < text.len; i++)
                if (!strchr(" \t\r", data[i]) || data[i] == '\0')
                        return false;
        return true;
}

static void on_line(struct feed *feed, const struct line *line) {
        struct item_fault fault;
        struct item item;

        if (line->is_too_long) {
                fault = (struct item_fault){"too_large", memory_print("line %" PRIu64 ": longer than %d bytes",
                                                                      line->number, LIMIT_LINE_BYTES)};
                refuse_line(feed, &fault);
        } else if (is_blank(line->text)) {
                return;
        } else if (item_decode_line(line->text, line->number, &item, &fault) < 0) {
                refuse_line(feed, &fault);
        } else {
                on_message(feed, &item, line->number);
                item_done(&item);
        }
}

/* A parcel is full when it has as many messages as a frame should, or might not fit one with the next message. */
static bool is_full(const struct feed *feed) {
        return feed->parcel.n >= LIMIT_STDIN_MESSAGES ||
               feed->parcel.messages.len > LIMIT_FRAME_BYTES - LIMIT_FRAME_HEAD_BYTES - 2 * LIMIT_MESSAGE_BYTES_MAX;
}

static void read_lines(struct feed *feed) {
        struct line line;

        while (!is_full(feed) && lines_pop(&feed->lines, &line))
                on_line(feed, &line);
}

static bool wants_input(const struct feed *feed) { return !is_full(feed) && !feed->lines.is_at_end; }

static int read_input(struct feed *feed) {
        uint8_t *into = lines_reserve(&feed->lines, LIMIT_STDIN_READ_BYTES);
        ssize_t len = read(STDIN_FILENO, into, LIMIT_STDIN_READ_BYTES);

        if (len < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        lines_push(&feed->lines, (size_t)len);
        return 0;
}

/* -- frames out ---------------------------------------------------------------------------------------------------- */

static void on_verdict(struct feed *feed, struct intake_verdict *verdict) {
        progress_on_acknowledged(&feed->progress, verdict->n_accepted + verdict->n_events, verdict->n_duplicates);
        for (uint32_t i = 0; i < verdict->refusals.n; i++) {
                const struct refusal *refusal = &verdict->refusals.items[i];
                CLEANUP_FREE char *why = memory_print("line %" PRIu32 ": %s", refusal->index, refusal->why);

                progress_on_refused(&feed->progress, bytes_of(refusal->code), bytes_of(why));
        }
        intake_verdict_done(verdict);
}

/* One parcel is with the broker, the next is being read: so nothing waits, and the order of the lines is kept. */
static bool can_hand_over(const struct feed *feed) { return feed->parcel.n > 0 && intake_n_waiting(feed->intake) == 0; }

static void hand_over(struct feed *feed) {
        struct intake_verdict verdict;
        int r = 0;

        if (can_hand_over(feed))
                r = intake_push(feed->intake, &feed->parcel, feed, MONO_NEVER);
        ENSURE(r == 0);
        broker_link_run(feed->link, clock_mono());
        while (intake_pop_verdict(feed->intake, &verdict))
                on_verdict(feed, &verdict);
        progress_on_full(&feed->progress, intake_waits_for(feed->intake));
}

static bool is_done(const struct feed *feed) {
        return feed->is_interrupted ||
               (feed->lines.is_at_end && feed->parcel.n == 0 && intake_n_waiting(feed->intake) == 0);
}

static int wait_ms(const struct feed *feed) {
        struct mono next = mono_min(intake_next(feed->intake), progress_next(&feed->progress));
        struct span left = mono_since(next, clock_mono());

        if (can_hand_over(feed))
                return 0;
        if (next.us == MONO_NEVER.us)
                return -1;
        return left.us <= 0 ? 0 : (int)((left.us + 999) / 1000);
}

/* Returns when something may have happened. */
static int wait_for_more(struct feed *feed) {
        struct pollfd fds[] = {
                {.fd = feed->signals, .events = POLLIN},
                {.fd = broker_link_fd(feed->link), .events = POLLIN},
                {.fd = wants_input(feed) ? STDIN_FILENO : -1, .events = POLLIN},
        };

        if (poll(fds, sizeof fds / sizeof *fds, wait_ms(feed)) < 0)
                return errno == EINTR ? 0 : -errno;
        feed->is_interrupted = fds[0].revents != 0;
        return fds[2].revents ? read_input(feed) : 0;
}

static int run(struct feed *feed) {
        int r = 0;

        while (r == 0 && !is_done(feed)) {
                r = wait_for_more(feed);
                read_lines(feed);
                hand_over(feed);
                read_lines(feed);
                progress_show(&feed->progress, clock_mono());
        }
        return r;
}

/* -- beginning and end --------------------------------------------------------------------------------------------- */

static int open_feed(struct feed *feed, const char *config_path, char **ret_error) {
        sigset_t signals;
        int r;

        r = config_load(config_path, &feed->config, ret_error);
        if (r < 0)
                return r;
        r = broker_link_new(feed->config->broker.ingest, feed->intake, &feed->link);
        if (r < 0) {
                *ret_error = memory_print("broker.ingest: cannot connect to %s: %s", feed->config->broker.ingest,
                                          strerror(-r));
                return r;
        }
        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        sigprocmask(SIG_BLOCK, &signals, NULL);
        feed->signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
        if (feed->signals < 0)
                *ret_error = memory_print("signalfd: %s", strerror(errno));
        return feed->signals < 0 ? -errno : 0;
}

static void feed_done(struct feed *feed) {
        broker_link_free(feed->link);
        intake_free(feed->intake);
        lines_done(&feed->lines);
        parcel_done(&feed->parcel);
        buffer_done(&feed->scratch);
        config_free(feed->config);
        if (feed->signals >= 0)
                close(feed->signals);
}

int stdin_run(const char *config_path) {
        CLEANUP(feed_done) struct feed feed = {.signals = -1, .intake = intake_new()};
        CLEANUP_FREE char *error = NULL;
        int r;

        seed_new(feed.seed);
        feed.ids.seed = feed.seed;
        if (open_feed(&feed, config_path, &error) < 0) {
                fprintf(stderr, "%s\n", error);
                return 1;
        }
        intake_be_patient(feed.intake); /* a pipe can wait */
        progress_init(&feed.progress, clock_mono());
        r = run(&feed);
        if (r < 0)
                fprintf(stderr, "stdin cannot be read: %s\n", strerror(-r));
        return progress_end(&feed.progress, clock_mono(), feed.is_interrupted) && r == 0 ? 0 : 1;
}
