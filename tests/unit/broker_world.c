#include "tests/unit/broker_world.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <string.h>

static const struct config_tenant tenant_defaults = {
        .quiet = {8000000},
        .max_wait = {30000000},
        .max_messages = 20,
        .max_bytes = 65536,
        .retry = {.attempts = 4, .base = {2000000}, .cap = {32000000}, .factor = 2, .jitter = 0},
        .busy = {.base = {100000}, .cap = {2000000}, .give_up = {60000000}},
        .concurrency = 100,
};

static void visit_batch(void *context, const struct stored_batch *batch) {
        core_load_batch(((struct world *)context)->core, batch);
}

static void visit_note(void *context, const struct stored_note *note) {
        struct world *world = context;

        core_load_note(world->core, world->now, note);
}

static void visit_message(void *context, const struct stored_message *message) {
        struct world *world = context;

        core_load_message(world->core, world->now, message, (uint32_t)message->body.len);
}

static void visit_seen(void *context, const struct stored_seen *seen) {
        core_load_seen(((struct world *)context)->core, seen);
}

static void visit_answer(void *context, uint64_t seq, struct bytes answer) {
        struct world *world = context;

        core_load_answer(world->core, world->now, seq, answer);
}

static void start(struct world *world, uint32_t epoch) {
        struct store_visitor visitor = {visit_batch, visit_message, visit_seen, world, visit_note, visit_answer};
        struct store_head head = store_head(world->store);
        struct core_options options = {&world->config, epoch, 77, head.first_seq + (uint64_t)epoch * 1000000,
                                       world->seed};
        char *error = NULL;

        world->core = core_new(&options);
        ENSURE(store_load(world->store, &visitor, &error) == 0);
        core_load_done(world->core, world->now, &world->fx);
        ENSURE(store_commit(world->store, world->fx.changes, world->fx.n_changes) == 0);
        effects_clear(&world->fx);
}

static uint32_t epoch_of(const struct world *world) { return (uint32_t)(world->seed >> 32); }

void world_init(struct world *world) {
        char *error = NULL;

        *world = (struct world){.now = {{1000000000}, {1795000000000}}, .seed = UINT64_C(1) << 32};
        world->tenants[0] = world->tenants[1] = tenant_defaults;
        world->tenants[0].name = memory_copy_text("acme", 4);
        world->tenants[1].name = memory_copy_text("zeta", 4);
        world->config.tenants = world->tenants;
        world->config.n_tenants = 2;
        world->config.limits.message_bytes = 1000;
        world->config.broker.lease = span_s(5);
        ENSURE(store_open("memory:", &world->store, &error) == 0);
        start(world, epoch_of(world));
}

void world_done(struct world *world) {
        core_free(world->core);
        store_close(world->store);
        effects_done(&world->fx);
        free(world->tenants[0].name);
        free(world->tenants[1].name);
}

void world_restart(struct world *world) {
        core_free(world->core);
        world->seed += UINT64_C(1) << 32;
        start(world, epoch_of(world));
}

static void copy(char *to, size_t size, struct bytes from) {
        memset(to, 0, size);
        memcpy(to, from.data, from.len < size ? from.len : size - 1);
}

static void note_run(struct world *world, const struct send *send) {
        struct world_run *run = &world->runs[world->n_runs++];

        *run = (struct world_run){.fence = send->run.fence,
                                  .attempt = send->run.attempt,
                                  .posted = send->run.posted,
                                  .n_messages = send->run.n_messages,
                                  .is_answered = send->run.is_answered,
                                  .is_doubtful = send->run.is_doubtful,
                                  .is_record = send->run.is_record,
                                  .to = send->to};
        memcpy(run->batch, send->run.batch, sizeof run->batch);
        copy(run->thread, sizeof run->thread, send->run.thread);
        memcpy(run->seqs, world->fx.seqs + send->run.seqs_at,
               (run->n_messages < 64 ? run->n_messages : 64) * sizeof *run->seqs);
        /* The store must be able to give every message of a run back. */
        for (uint32_t i = 0; i < run->n_messages; i++) {
                CLEANUP_BUFFER struct buffer memory = {0};
                struct stored_message message;

                ENSURE(store_read_message(world->store, world->fx.seqs[send->run.seqs_at + i], &memory, &message) == 0);
                ENSURE(bytes_is_equal(message.thread, send->run.thread));
        }
}

static void note_ack(struct world *world, struct bytes body) {
        struct wire_refusal refusal;
        struct wire_ack ack;

        ENSURE(wire_decode_ack(body, &ack) == 0);
        world->n_accepted += ack.n_accepted;
        world->n_duplicates += ack.n_duplicates;
        world->n_refusals += ack.n_refusals;
        for (uint32_t i = 0; i < ack.n_refusals; i++) {
                ENSURE(wire_refusal_next(&ack.refusals, &refusal) == 0);
                copy(world->code, sizeof world->code, refusal.code);
        }
}

static void note_frame(struct world *world, struct bytes frame) {
        struct wire_verdict verdict;
        struct wire_settled settled;
        enum wire_type type;
        struct bytes body, why, code;

        ENSURE(wire_open(frame, &type, &body) == 0);
        if (type == WIRE_ACK)
                note_ack(world, body);
        if (type == WIRE_HEARD)
                ENSURE(wire_decode_heard(body, &world->heard) == 0);
        if (type == WIRE_WELCOME)
                world->n_welcomes++;
        if (type == WIRE_GO)
                world->go = 1;
        if (type == WIRE_CANCEL)
                world->n_cancels++;
        if (type == WIRE_STOP || type == WIRE_CANCEL) {
                ENSURE(wire_decode_verdict(body, &verdict) == 0);
                copy(world->code, sizeof world->code, verdict.code);
                world->go = type == WIRE_STOP ? 0 : world->go;
        }
        if (type == WIRE_SETTLED) {
                ENSURE(wire_decode_settled(body, &settled) == 0);
                world->settled = settled.is_accepted;
        }
        if (type == WIRE_ERROR) {
                ENSURE(wire_decode_error(body, &code, &why) == 0);
                copy(world->code, sizeof world->code, code);
                world->n_errors++;
        }
}

static void release(struct world *world) {
        world->n_runs = world->n_accepted = world->n_duplicates = world->n_refusals = world->n_cancels = 0;
        world->n_welcomes = world->n_errors = 0;
        world->heard = 0;
        world->go = world->settled = -1;
        memset(world->code, 0, sizeof world->code);
        ENSURE(store_commit(world->store, world->fx.changes, world->fx.n_changes) == 0);
        for (size_t i = 0; world->on_change && i < world->fx.n_changes; i++)
                world->on_change(world->context, &world->fx.changes[i]);
        for (size_t i = 0; i < world->fx.n_sends; i++) {
                const struct send *send = &world->fx.sends[i];

                if (send->type == SEND_RUN)
                        note_run(world, send);
                else
                        note_frame(world, (struct bytes){world->fx.frames.data + send->frame_at, send->frame_len});
        }
        effects_clear(&world->fx);
}

void world_step(struct world *world, struct event *event) {
        core_step(world->core, world->now, event, &world->fx);
        core_step(world->core, world->now, &(struct event){.type = EVENT_TIME}, &world->fx);
        release(world);
}

void world_wait(struct world *world, struct span span) {
        world->now.mono = mono_add(world->now.mono, span);
        world->now.wall = wall_add(world->now.wall, span);
        core_step(world->core, world->now, &(struct event){.type = EVENT_TIME}, &world->fx);
        release(world);
}

void world_say_in(struct world *world, const char *tenant, const char *thread, const char *id, const char *text) {
        CLEANUP_BUFFER struct buffer body = {0};
        struct wire_message message = {bytes_of(tenant), bytes_of(thread), bytes_of(id), BYTES_NONE, BYTES_NONE};
        struct event event = {.type = EVENT_MESSAGES, .messages = {1, &message, 1}};

        wire_encode_body(&body, &(struct wire_body){.text = bytes_of(text)});
        message.body = buffer_bytes(&body);
        world_step(world, &event);
}

void world_item(struct world *world, struct wire_message item, const struct wire_body *body) {
        CLEANUP_BUFFER struct buffer bytes = {0};
        struct event event = {.type = EVENT_MESSAGES, .messages = {1, &item, 1}};

        wire_encode_body(&bytes, body);
        item.tenant = bytes_of("acme");
        item.body = buffer_bytes(&bytes);
        world_step(world, &event);
}

void world_say_many(struct world *world, const char *thread, uint32_t n) {
        CLEANUP_BUFFER struct buffer body = {0};
        CLEANUP_FREE struct wire_message *messages = memory_new(n, sizeof *messages);
        struct event event = {.type = EVENT_MESSAGES, .messages = {1, messages, n}};

        wire_encode_body(&body, &(struct wire_body){.text = bytes_of("Oi")});
        for (uint32_t i = 0; i < n; i++)
                messages[i] = (struct wire_message){bytes_of("acme"), bytes_of(thread), BYTES_NONE, BYTES_NONE,
                                                    buffer_bytes(&body)};
        world_step(world, &event);
}

void world_say(struct world *world, const char *thread, const char *id) {
        world_say_in(world, "acme", thread, id, "Oi");
}

static struct address address_of(uint8_t n) { return (struct address){.len = 1, .data = {n}}; }

void world_hello_again(struct world *world, uint8_t n, uint8_t from, uint64_t incarnation, const struct world_run *held,
                       uint32_t n_held) {
        uint8_t uuid[WIRE_UUID_LEN] = {n};
        CLEANUP_BUFFER struct buffer list = {0};
        struct event event = {.type = EVENT_HELLO,
                              .from = address_of(from),
                              .hello = {.uuid = {uuid, sizeof uuid},
                                        .incarnation = incarnation,
                                        .slots = 1,
                                        .version = bytes_of("test"),
                                        .n_held = n_held}};

        for (uint32_t i = 0; i < n_held; i++)
                wire_encode_held(&list, held[i].fence, bytes_of(held[i].batch));
        event.hello.held = pack_open(buffer_bytes(&list));
        world_step(world, &event);
}

void world_hello(struct world *world, uint8_t n, uint32_t slots) {
        uint8_t uuid[WIRE_UUID_LEN] = {n};
        struct event event = {
                .type = EVENT_HELLO,
                .from = address_of(n),
                .hello = {.uuid = {uuid, sizeof uuid}, .incarnation = 1, .slots = slots, .version = bytes_of("test")}};

        world_step(world, &event);
}

void world_alive(struct world *world, uint8_t n, uint32_t slots, const struct world_run *held, uint32_t n_held) {
        world_alive_with(world, n, slots, 0, held, n_held);
}

void world_alive_with(struct world *world, uint8_t n, uint32_t slots, uint64_t beat, const struct world_run *held,
                      uint32_t n_held) {
        CLEANUP_BUFFER struct buffer list = {0};
        struct event event = {.type = EVENT_ALIVE, .from = address_of(n), .alive = {slots, n_held, {0}, beat}};

        for (uint32_t i = 0; i < n_held; i++)
                wire_encode_held(&list, held[i].fence, bytes_of(held[i].batch));
        event.alive.held = pack_open(buffer_bytes(&list));
        world_step(world, &event);
}

static void end_run(struct world *world, const struct world_run *run, struct wire_result result) {
        struct event event = {.type = EVENT_RESULT, .from = run->to, .result = result};

        event.result.fence = run->fence;
        event.result.batch = bytes_of(run->batch);
        if (result.outcome != WIRE_DONE && result.code.len == 0)
                event.result.code = bytes_of("test");
        world_step(world, &event);
}

void world_verdict(struct world *world, const struct world_run *run, enum wire_outcome outcome,
                   enum wire_provider provider, struct span pause) {
        end_run(world, run,
                (struct wire_result){.outcome = outcome,
                                     .retry_after = pause,
                                     .posted = run->posted,
                                     .provider = provider,
                                     .pause = pause});
}

void world_result_in_doubt(struct world *world, const struct world_run *run, enum wire_outcome outcome,
                           uint32_t posted) {
        end_run(world, run, (struct wire_result){.outcome = outcome, .posted = posted, .is_doubtful = true});
}

void world_posted(struct world *world, const struct world_run *run, uint32_t posted) {
        struct event event = {
                .type = EVENT_POSTED, .from = run->to, .posted = {run->fence, bytes_of(run->batch), posted}};

        world_step(world, &event);
}

void world_result_later(struct world *world, const struct world_run *run, enum wire_outcome outcome,
                        struct span retry_after) {
        end_run(world, run,
                (struct wire_result){.outcome = outcome, .retry_after = retry_after, .posted = run->posted});
}

void world_busy(struct world *world, const struct world_run *run, const char *code) {
        end_run(world, run, (struct wire_result){.outcome = WIRE_BUSY, .code = bytes_of(code), .posted = run->posted});
}

void world_result(struct world *world, const struct world_run *run, enum wire_outcome outcome) {
        world_result_later(world, run, outcome, span_us(0));
}

static void answer_with(struct world *world, const struct world_run *run, const struct bytes *replies, uint32_t n) {
        CLEANUP_BUFFER struct buffer answer = {0};
        struct event event = {.type = EVENT_ANSWERED, .from = run->to};

        wire_encode_answer(&answer, replies, n);
        event.answered.fence = run->fence;
        event.answered.batch = bytes_of(run->batch);
        event.answered.answer = buffer_bytes(&answer);
        world_step(world, &event);
}

void world_answered(struct world *world, const struct world_run *run, const char *reply) {
        struct bytes replies[] = {bytes_of(reply)};

        answer_with(world, run, replies, 1);
}

void world_answered_with(struct world *world, const struct world_run *run, uint32_t n_replies) {
        struct bytes replies[LIMIT_REPLIES];

        for (uint32_t i = 0; i < n_replies; i++)
                replies[i] = bytes_of("sim");
        answer_with(world, run, replies, n_replies);
}

struct core_thread_view world_why(const struct world *world, const char *thread) {
        struct core_thread_view view;

        core_why(world->core, world->now, bytes_of("acme"), bytes_of(thread), &view);
        return view;
}
