#include "tests/fuzz/broker_stage.h"

#include "broker/questions.h"
#include "common/config_reader.h"
#include "common/ensure.h"
#include "common/log.h"
#include "common/memory.h"

#include <string.h>

static struct stage *the_stage;

/* -- clocks: the linker puts these in the place of those of common/clock.c ----------------------------------------- */

struct now __wrap_clock_now(void);
struct mono __wrap_clock_mono(void);

struct now __wrap_clock_now(void) {
        return the_stage->now;
}
struct mono __wrap_clock_mono(void) {
        return the_stage->now.mono;
}

void stage_wait(struct stage *stage, struct span span) {
        stage->now.mono = mono_add(stage->now.mono, span);
        stage->now.wall = wall_add(stage->now.wall, span);
}

/* -- sockets: in the place of broker/sockets.c --------------------------------------------------------------------- */

struct sockets {
        struct queue {
                struct frame frames[STAGE_FRAMES];
                uint32_t n, at;
        } queues[SOCKET_N];
        struct queue *latest; /* of the frame received last */
};

void stage_push(struct stage *stage, enum socket_name name, uint8_t from, struct bytes frame) {
        struct queue *queue = &stage->loop.sockets->queues[name];
        uint8_t *copy;

        if (queue->n == STAGE_FRAMES)
                return;
        /* In memory of its own, of its size exactly: the sanitizer then sees a read past its end. */
        copy = malloc(frame.len);
        if (frame.len > 0)
                memcpy(copy, frame.data, frame.len);
        queue->frames[queue->n++] = (struct frame){{1, {from}}, {copy, frame.len}};
}

void stage_bundle(struct stage *stage, uint8_t from) {
        struct queue *queue = &stage->loop.sockets->queues[SOCKET_WORKERS];
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_bundle bundle;
        uint32_t n_left = queue->at;

        wire_begin_bundle(&frame, &bundle);
        for (uint32_t i = queue->at; i < queue->n; i++) {
                if (queue->frames[i].from.data[0] != from) {
                        queue->frames[n_left++] = queue->frames[i];
                        continue;
                }
                wire_begin_bundled(&frame, &bundle);
                buffer_push(&frame, queue->frames[i].data.data, queue->frames[i].data.len);
                wire_end_bundled(&frame, &bundle);
                free((void *)queue->frames[i].data.data);
        }
        queue->n = n_left;
        wire_end_bundle(&frame, &bundle);
        stage_push(stage, SOCKET_WORKERS, from, buffer_bytes(&frame));
}

void sockets_wait(struct sockets *sockets, int fd, struct span timeout) { the_stage->loop.is_stopping = true; }

int sockets_receive(struct sockets *sockets, enum socket_name name, struct frame *ret) {
        struct queue *queue = &sockets->queues[name];

        if (queue->at == queue->n)
                return 1;
        *ret = queue->frames[queue->at++];
        sockets->latest = queue;
        return 0;
}

void sockets_drop(struct sockets *sockets) {
        struct queue *queue = sockets->latest;

        ENSURE(queue && queue->at > 0);
        free((void *)queue->frames[--queue->at].data.data);
        queue->n--;
        memmove(queue->frames + queue->at, queue->frames + queue->at + 1,
                (queue->n - queue->at) * sizeof *queue->frames);
}

void sockets_release(struct sockets *sockets) {
        for (int name = 0; name < SOCKET_N; name++) {
                struct queue *queue = &sockets->queues[name];

                for (uint32_t i = 0; i < queue->at; i++)
                        free((void *)queue->frames[i].data.data);
                memmove(queue->frames, queue->frames + queue->at, (queue->n - queue->at) * sizeof *queue->frames);
                queue->n -= queue->at;
                queue->at = 0;
        }
}

/* -- what the broker says ------------------------------------------------------------------------------------------ */

static void check_run(struct stage *stage, const struct address *to, struct bytes body) {
        struct wire_run_message message;
        struct wire_body said;
        struct wire_run run;

        ENSURE(wire_decode_run(body, &run) == 0 && run.n_messages > 0);
        ENSURE(run.fence > stage->newest_fence);
        if (run.fence > stage->newest_of_turn)
                stage->newest_of_turn = run.fence;
        struct stage_run *noted = &stage->runs[stage->n_runs++ % STAGE_RUNS];
        *noted = (struct stage_run){.fence = run.fence, .n_messages = run.n_messages, .posted = run.posted};
        memcpy(noted->batch, run.batch.data, run.batch.len);
        noted->worker = to->data[0];
        for (uint32_t i = run.n_messages; i > 0; i--)
                ENSURE(wire_run_next(&run, &message) == 0 && wire_decode_body(message.body, &said) == 0);
        ENSURE(pack_pop_uint(&run.messages) == run.is_doubtful && pack_pop_uint(&run.messages) == run.is_silent &&
               pack_pop_uint(&run.messages) == run.is_record && !pack_has_more(&run.messages));
        ENSURE(run.answer.len > 0 || (!run.is_doubtful && run.posted == 0));
}

static void check_ack(struct bytes body) {
        struct wire_refusal refusal;
        struct wire_ack ack;

        ENSURE(wire_decode_ack(body, &ack) == 0);
        for (uint32_t i = 0; i < ack.n_refusals; i++)
                ENSURE(wire_refusal_next(&ack.refusals, &refusal) == 0);
}

static void check_single(struct stage *stage, enum socket_name name, const struct address *to, struct bytes frame) {
        struct wire_verdict verdict;
        enum wire_type type;
        struct bytes body;

        ENSURE(wire_open(frame, &type, &body) == 0);
        ENSURE((name == SOCKET_INGEST) == (type == WIRE_ACK) || type == WIRE_ERROR);
        if (type == WIRE_RUN)
                check_run(stage, to, body);
        else if (type == WIRE_ACK)
                check_ack(body);
        else if (type == WIRE_STOP || type == WIRE_CANCEL)
                ENSURE(wire_decode_verdict(body, &verdict) == 0);
}

static void check_frame(struct stage *stage, enum socket_name name, const struct address *to, struct bytes frame) {
        struct pack_reader reader;
        struct bytes single, body;
        enum wire_type type;
        uint32_t n;

        ENSURE(wire_open(frame, &type, &body) == 0);
        if (type != WIRE_BUNDLE) {
                check_single(stage, name, to, frame);
                return;
        }
        ENSURE(name == SOCKET_WORKERS && core_takes_bundles(stage->loop.core, to));
        ENSURE(wire_decode_bundle(body, &n, &reader) == 0 && n > 1 && frame.len <= LIMIT_BUNDLE_BYTES);
        for (uint32_t i = 0; i < n; i++) {
                ENSURE(wire_bundled_next(&reader, &single) == 0);
                check_single(stage, name, to, single);
        }
        ENSURE(!pack_has_more(&reader));
}

static void check_answer(struct bytes frame) {
        CLEANUP_JSON json_t *json = NULL;
        CLEANUP_FREE char *error = NULL;

        ENSURE(json_decode(frame, &json, &error) == 0 && json_is_object(json));
}

int sockets_send(struct sockets *sockets, enum socket_name name, const struct address *to, struct bytes frame) {
        ENSURE(to->len == 1 && frame.len > 0 && frame.len <= LIMIT_FRAME_BYTES);
        if (name == SOCKET_STATS)
                check_answer(frame);
        else
                check_frame(the_stage, name, to, frame);
        return the_stage->is_deaf ? 1 : 0;
}

struct stage_run stage_run_get(const struct stage *stage, uint8_t choice) {
        uint32_t n = stage->n_runs < STAGE_RUNS ? stage->n_runs : STAGE_RUNS;

        /* Small choices are the newest runs. */
        return n == 0 ? (struct stage_run){0} : stage->runs[(stage->n_runs - 1 - choice % n) % STAGE_RUNS];
}

/* -- start and end ------------------------------------------------------------------------------------------------- */

static const char *find_variable(void *context, const char *name) { return NULL; }
static int read_file(void *context, const char *path, size_t max, struct buffer *ret) { return -1; }

static struct config *config_of(const char *text) {
        static const struct config_world world = {find_variable, read_file, NULL};
        struct config *config = NULL;
        char *error = NULL;

        ENSURE(config_decode("lull.yaml", bytes_of(text), &world, &config, &error) == 0);
        return config;
}

void stage_configure(struct stage *stage, const char *text) {
        stage->text = text;
        stage->loop.now = stage->now;
        settings_set_file(stage->loop.settings, config_of(text));
        loop_configure(&stage->loop);
}

static void load_note(void *context, const struct stored_note *note) {
        settings_load(the_stage->loop.settings, note);
        core_load_note(the_stage->loop.core, the_stage->now, note);
}

/* Once, behind the notes: what comes after them is judged by the settings that they hold. */
static void put_settings_in_force(bool *is_done) {
        if (*is_done)
                return;
        *is_done = true;
        settings_apply(the_stage->loop.settings);
        loop_configure(&the_stage->loop);
}

static void load_batch(void *context, const struct stored_batch *batch) {
        put_settings_in_force(context);
        core_load_batch(the_stage->loop.core, batch);
}

static void load_message(void *context, const struct stored_message *message) {
        put_settings_in_force(context);
        core_load_message(the_stage->loop.core, the_stage->now, message, (uint32_t)message->body.len);
}

static void load_seen(void *context, const struct stored_seen *seen) { core_load_seen(the_stage->loop.core, seen); }

static void load(struct stage *stage) {
        bool is_configured = false;
        struct store_visitor visitor = {load_batch, load_message, load_seen, &is_configured, load_note};
        char *error = NULL;

        ENSURE(store_load(stage->loop.store, &visitor, &error) == 0);
        put_settings_in_force(&is_configured);
}

/* As broker/main.c does it. The store stays open, so the epoch is the stage's. */
static void start(struct stage *stage) {
        struct store_head head = store_head(stage->loop.store);
        struct loop *loop = &stage->loop;

        loop->settings = settings_new(config_of(stage->text));
        loop->config = settings_config(loop->settings);
        loop->now = loop->started = stage->now;
        loop->core = core_new(&(struct core_options){loop->config, ++stage->epoch, 77,
                                                     head.first_seq + (uint64_t)stage->epoch * 1000000, stage->epoch});
        load(stage);
        core_load_done(loop->core, stage->now, &loop->fx);
        ENSURE(store_commit(loop->store, loop->fx.changes, loop->fx.n_changes) == 0);
        effects_clear(&loop->fx);
}

static void stop(struct stage *stage) {
        for (int name = 0; name < SOCKET_N; name++)
                stage->loop.sockets->queues[name].at = stage->loop.sockets->queues[name].n;
        sockets_release(stage->loop.sockets);
        stage->loop.core = core_free(stage->loop.core);
        stage->loop.settings = settings_free(stage->loop.settings);
        stage->loop.n_undelivered = 0;
        stage->loop.room = (struct room_watch){0};
}

void stage_init(struct stage *stage, const char *text) {
        static struct sockets sockets;
        static struct question questions[LIMIT_FRAMES_PER_TURN];
        static struct wire_message scratch[LIMIT_FRAME_MESSAGES];
        char *error = NULL;

        the_stage = stage;
        setenv("LULL_LOG", "error", 1);
        log_init("fuzz");
        *stage = (struct stage){.now = {{1000000000}, {1795000000000}}, .text = text};
        stage->loop = (struct loop){.sockets = &sockets, .questions = questions, .scratch = scratch, .signal_fd = -1};
        ENSURE(store_open("memory:", &stage->loop.store, &error) == 0);
        start(stage);
}

void stage_restart(struct stage *stage) {
        stop(stage);
        start(stage);
}

void stage_done(struct stage *stage) {
        stop(stage);
        store_close(stage->loop.store);
        effects_done(&stage->loop.fx);
        buffer_done(&stage->loop.memory);
        outbox_done(&stage->loop.outbox);
        free(stage->loop.undelivered);
}

void stage_turn(struct stage *stage) {
        stage->loop.is_stopping = false;
        ENSURE(loop_run(&stage->loop) == 0);
        stage->newest_fence = stage->newest_of_turn;
}
