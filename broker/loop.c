#include "broker/loop.h"

#include "broker/provider_log.h"
#include "broker/questions.h"
#include "broker/turn_log.h"
#include "common/clock.h"
#include "common/ensure.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

/* Bytes taken in by one turn: what a commit, and the memory for it, must carry. */
enum { TURN_BYTES = 16 * 1024 * 1024 };
/* How long the loop may sleep when the core expects nothing; only a bound, nothing depends on it. */
#define LONGEST_SLEEP span_s(60)

static void send_error(struct loop *loop, enum door door, const struct frame *frame, const char *code,
                       const char *why) {
        wire_encode_error(effects_begin_frame(&loop->fx, door, frame->from), bytes_of(code), bytes_of(why));
        effects_end_frame(&loop->fx);
}

/* -- gather -------------------------------------------------------------------------------------------------------- */

/* The type and the body of a frame; what is neither is answered. */
static int open_frame(struct loop *loop, enum door door, const struct frame *frame, enum wire_type *ret_type,
                      struct bytes *ret_body) {
        int r = wire_open(frame->data, ret_type, ret_body);

        if (r == -EPROTONOSUPPORT)
                send_error(loop, door, frame, "bad_version", "this broker speaks lull/1");
        else if (r < 0)
                send_error(loop, door, frame, "bad_frame", "not a frame of lull/1");
        return r;
}

static int decode_messages(struct loop *loop, enum wire_type type, struct bytes body, struct event *event) {
        struct pack_reader reader;
        int r = wire_decode_messages(body, &event->messages.request, &event->messages.n, &reader);

        if (r < 0)
                return r;
        for (uint32_t i = 0; i < event->messages.n && r == 0; i++)
                r = type == WIRE_EVENTS ? wire_message_next(&reader, &loop->scratch[i])
                                        : wire_plain_next(&reader, &loop->scratch[i]);
        event->messages.items = loop->scratch;
        return r;
}

static void take_producer_frame(struct loop *loop, const struct frame *frame) {
        struct event event = {.type = EVENT_MESSAGES, .from = frame->from};
        enum wire_type type;
        struct bytes body;

        if (open_frame(loop, DOOR_INGEST, frame, &type, &body) < 0)
                return;
        if ((type != WIRE_MESSAGES && type != WIRE_EVENTS) || decode_messages(loop, type, body, &event) < 0)
                send_error(loop, DOOR_INGEST, frame, "bad_frame", "this socket takes MESSAGES and EVENTS, whole");
        else
                core_step(loop->core, loop->now, &event, &loop->fx);
        loop->n_messages += event.messages.n;
}

static int decode_worker_frame(enum wire_type type, struct bytes body, struct event *event) {
        if (type == WIRE_HELLO)
                return event->type = EVENT_HELLO, wire_decode_hello(body, &event->hello);
        if (type == WIRE_ALIVE)
                return event->type = EVENT_ALIVE, wire_decode_alive(body, &event->alive);
        if (type == WIRE_ANSWERED)
                return event->type = EVENT_ANSWERED, wire_decode_answered(body, &event->answered);
        if (type == WIRE_POSTED)
                return event->type = EVENT_POSTED, wire_decode_posted(body, &event->posted);
        if (type == WIRE_RESULT)
                return event->type = EVENT_RESULT, wire_decode_result(body, &event->result);
        if (type == WIRE_TALLY)
                return event->type = EVENT_TALLY,
                       wire_decode_tally(body, &event->tally.tenant, &event->tally.n, &event->tally.items);
        return -EBADMSG;
}

/* One frame of a worker: by itself, or out of a bundle. */
static void take_single(struct loop *loop, const struct frame *frame, enum wire_type type, struct bytes body) {
        struct event event = {.from = frame->from};

        if (decode_worker_frame(type, body, &event) < 0) {
                send_error(loop, DOOR_WORKERS, frame, "bad_frame",
                           "this socket takes HELLO, ALIVE, ANSWERED, POSTED, RESULT and TALLY, whole");
                return;
        }
        core_step(loop->core, loop->now, &event, &loop->fx);
        if (type == WIRE_HELLO)
                log_info("worker_hello", LOG_TEXT("worker", questions_uuid(event.hello.uuid.data)),
                         LOG_NUMBER("slots", event.hello.slots), LOG_BYTES("version", event.hello.version));
}

/* What is no frame is answered as it would be by itself, and the others are taken. */
static void take_bundle(struct loop *loop, const struct frame *frame, struct bytes body) {
        struct frame single = {.from = frame->from};
        struct pack_reader reader;
        enum wire_type type;
        uint32_t n;
        int r = wire_decode_bundle(body, &n, &reader);

        for (uint32_t i = 0; r == 0 && i < n; i++) {
                r = wire_bundled_next(&reader, &single.data);
                loop->n_worker_frames++; /* what is no frame, too: it is answered */
                if (r == 0 && open_frame(loop, DOOR_WORKERS, &single, &type, &body) == 0)
                        take_single(loop, &single, type, body);
        }
        if (r < 0)
                send_error(loop, DOOR_WORKERS, frame, "bad_frame", "a BUNDLE that is broken, or too large");
}

static void take_worker_frame(struct loop *loop, const struct frame *frame) {
        enum wire_type type;
        struct bytes body;

        loop->n_worker_frames++;
        if (open_frame(loop, DOOR_WORKERS, frame, &type, &body) < 0)
                return;
        /* The clock is read again: a lease must not end sooner than its worker reckons, which is from sending. */
        loop->now = clock_now();
        if (type == WIRE_BUNDLE)
                take_bundle(loop, frame, body);
        else
                take_single(loop, frame, type, body);
}

static void take_question(struct loop *loop, const struct frame *frame) {
        struct question *question = &loop->questions[loop->n_questions++];

        question_init(question, frame);
        question_step(question, loop);
}

/* Is there room in this turn for one more frame of a socket? What does not get in now does in the next. */
static bool has_room(const struct loop *loop, enum socket_name name, int n_frames, size_t n_bytes) {
        if (name == SOCKET_WORKERS && loop->n_worker_frames >= LIMIT_WORKER_FRAMES_PER_TURN)
                return false;
        if (name == SOCKET_INGEST && loop->n_messages >= LIMIT_MESSAGES_PER_TURN)
                return false;
        if (name == SOCKET_STATS && n_frames >= LIMIT_QUESTIONS_PER_TURN)
                return false;
        return n_frames < LIMIT_FRAMES_PER_TURN && n_bytes < TURN_BYTES;
}

static void gather(struct loop *loop) {
        static void (*const take[SOCKET_N])(struct loop *, const struct frame *) = {take_producer_frame,
                                                                                    take_worker_frame, take_question};
        /* An answer that is here already is not interrupted by messages that come in the same turn. */
        static const enum socket_name order[SOCKET_N] = {SOCKET_WORKERS, SOCKET_INGEST, SOCKET_STATS};
        struct frame frame;

        loop->n_messages = loop->n_worker_frames = 0;
        for (int at = 0; at < SOCKET_N; at++) {
                enum socket_name name = order[at];
                size_t bytes = 0;

                for (int i = 0; has_room(loop, name, i, bytes); i++) {
                        if (sockets_receive(loop->sockets, name, &frame) != 0)
                                break;
                        bytes += frame.data.len;
                        take[name](loop, &frame);
                }
        }
}

/* -- commit -------------------------------------------------------------------------------------------------------- */

static int commit(struct loop *loop) {
        struct commit_wait wait = loop_commit_wait(loop);
        struct mono before = clock_mono();
        int r;

        if (loop->fx.n_changes == 0)
                return 0;
        r = commit_changes(loop->store, loop->fx.changes, loop->fx.n_changes, &wait);
        loop->n_commits++;
        histogram_add(&loop->commit_us, mono_since(clock_mono(), before).us);
        return r;
}

static void end_turn(struct loop *loop) {
        for (uint32_t i = 0; i < loop->n_questions; i++)
                question_done(&loop->questions[i]);
        loop->n_questions = 0;
        effects_clear(&loop->fx);
        sockets_release(loop->sockets);
}

/* -- turns --------------------------------------------------------------------------------------------------------- */

static void tell_undelivered(struct loop *loop) {
        for (uint32_t i = 0; i < loop->n_undelivered; i++)
                core_step(loop->core, loop->now,
                          &(struct event){.type = EVENT_UNDELIVERED, .undelivered = loop->undelivered[i]}, &loop->fx);
        loop->n_undelivered = 0;
}

static int turn(struct loop *loop) {
        int r;

        loop->now = clock_now();
        r = room_look(&loop->room, loop->now.mono, loop->n_messages > 0, loop->config, loop->store, loop->core);
        if (r < 0) {
                log_error("store_failed", LOG_TEXT("why", strerror(-r)));
                return r;
        }
        tell_undelivered(loop);
        gather(loop);
        /* The clock is read again: what came meanwhile must not be judged by an older time than its sender's. */
        loop->now = clock_now();
        core_step(loop->core, loop->now, &(struct event){.type = EVENT_TIME}, &loop->fx);
        r = commit(loop);
        if (r < 0) {
                log_error("commit_failed", LOG_TEXT("why", strerror(-r)),
                          LOG_TEXT("hint", "nothing of this turn was acknowledged: the broker ends, "
                                           "and the next one goes on from what is on disk"));
                return r;
        }
        if (r == COMMIT_GIVEN_UP) {
                end_turn(loop);
                return 0;
        }
        turn_log(loop);
        provider_log_changes(&loop->provider_changes, loop->now, loop->core);
        room_tell(&loop->room, loop->now.mono, loop->config, loop->core);
        r = release_turn(loop);
        end_turn(loop);
        return r;
}

/* What was opened, or told to the workers, at the start. */
static void warn_of_restart(const struct config_broker *now, const struct config_broker *wanted) {
        bool is_same = strcmp(now->bind_ingest, wanted->bind_ingest) == 0 &&
                       strcmp(now->bind_workers, wanted->bind_workers) == 0 &&
                       strcmp(now->bind_stats, wanted->bind_stats) == 0 && strcmp(now->store, wanted->store) == 0 &&
                       now->lease.us == wanted->lease.us;

        if (!is_same)
                log_warning("needs_restart",
                            LOG_TEXT("why", "endpoints, bind, store and lease change with the next start"));
}

static void log_conflicts(const struct loop *loop) {
        struct settings_conflict conflict;
        uint32_t cursor = 0;

        while (settings_next_conflict(loop->settings, &cursor, &conflict)) {
                log_warning("setting_not_in_force", LOG_TEXT("tenant", conflict.tenant), LOG_TEXT("key", conflict.key),
                            LOG_TEXT("value", conflict.value), LOG_TEXT("why", conflict.why),
                            LOG_TEXT("hint", "it was set at run time and does not go together with the rest, which is "
                                             "in force; set it to what does, or `lull settings unset` it"));
                free(TAKE(conflict.why));
        }
}

void loop_configure(struct loop *loop) {
        loop->config = settings_config(loop->settings);
        core_configure(loop->core, loop->now, loop->config);
        log_conflicts(loop);
}

static void reload(struct loop *loop) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_FREE char *error = NULL;

        if (config_load(loop->config->path, &config, &error) < 0) {
                log_error("reload_failed", LOG_TEXT("why", error),
                          LOG_TEXT("hint", "the settings in force stay as they were"));
                return;
        }
        warn_of_restart(&loop->config->broker, &config->broker);
        settings_set_file(loop->settings, TAKE(config));
        loop->now = clock_now();
        loop_configure(loop);
        loop->room.has_looked = false;
        log_info("reloaded", LOG_NUMBER("tenants", loop->config->n_tenants));
}

static void take_signals(struct loop *loop) {
        struct signalfd_siginfo info;

        while (read(loop->signal_fd, &info, sizeof info) == sizeof info) {
                if (info.ssi_signo == SIGHUP)
                        loop->wants_reload = true;
                else
                        loop->is_stopping = true;
        }
}

/* While a commit waits for room: signals, and questions, which are told so. All else waits for the next turn, and
 * so does a reload, as this turn's effects still use the config. */
static bool wait_for_room(void *context, struct span pause) {
        struct loop *loop = context;
        struct pollfd signals = {.fd = loop->signal_fd, .events = POLLIN};
        struct frame frame;

        poll(&signals, 1, (int)span_to_ms(pause));
        take_signals(loop);
        for (int i = 0; loop->sockets && i < LIMIT_QUESTIONS_PER_TURN; i++) {
                if (sockets_receive(loop->sockets, SOCKET_STATS, &frame) != 0)
                        break;
                question_refuse(&frame, loop, "disk_full",
                                "the broker waits for room on the disk of broker.store and answers nobody meanwhile; "
                                "make room, and it goes on by itself");
                sockets_drop(loop->sockets);
        }
        return !loop->is_stopping;
}

struct commit_wait loop_commit_wait(struct loop *loop) {
        return (struct commit_wait){.wait = wait_for_room, .context = loop};
}

/* Room may come back without a word. */
static struct span longest_sleep(const struct loop *loop) {
        return loop->room.is_store_full ? span_ms(LIMIT_COMMIT_RETRY_MAX_MS) : LONGEST_SLEEP;
}

int loop_run(struct loop *loop) {
        int r = 0;

        while (!loop->is_stopping && r == 0) {
                struct mono due = loop->n_undelivered > 0 ? loop->now.mono : core_next_due(loop->core);
                struct span sleep = span_min(mono_since(due, clock_mono()), longest_sleep(loop));

                sockets_wait(loop->sockets, loop->signal_fd, sleep);
                take_signals(loop);
                if (loop->wants_reload)
                        reload(loop);
                loop->wants_reload = false;
                r = turn(loop);
        }
        return r;
}
