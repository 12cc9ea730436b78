/* The whole broker but its sockets, under producers, workers and operators that say anything, in any order: crashes of
 * its state machine, and frames that it should not send. The bytes are a list of acts; what an act needs (a fence, a
 * batch's id) that was in force before, it can name. */
#include "tests/fuzz/broker_stage.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

static struct stage stage;

/* -- configuration ------------------------------------------------------------------------------------------------- */

#define HEAD "limits: {message_bytes: 1KiB, dedupe_ids: 5}\nredis: none\ntenants:\n"
#define ACME                                                                                                           \
        "  acme:\n    quiet: 2s\n    max_wait: 6s\n    max_messages: 3\n    max_pending: 6\n    concurrency: 3\n"      \
        "    retry: {attempts: 2, base: 1s, cap: 2s, jitter: 0.1}\n"                                                   \
        "    busy: {base: 100ms, cap: 1s, give_up: 5s}\n"                                                              \
        "    typing_hold: 4s\n    transcription_wait: 3s\n    hold_for: 5s\n    on_resume: record\n"                   \
        "    channels: {support: {kind: generic, unsigned: true}}\n"                                                   \
        "    handler: {kind: echo}\n"
#define ZETA                                                                                                           \
        "  zeta:\n    quiet: 0s\n    concurrency: 1\n    rate: 30/m\n    handler: {kind: echo}\n"                      \
        "    on_new_message: interrupt\n    max_interrupts: 2\n    hold_for: 0s\n"

static const char with_both[] = HEAD ACME ZETA, with_zeta[] = HEAD ZETA;

/* -- producers ----------------------------------------------------------------------------------------------------- */

enum { N_THREADS = 4, N_IDS = 8 };

static void say(struct input *input) {
        uint8_t what = input_pop_byte(input), n = (what >> 6) + 1;
        CLEANUP_BUFFER struct buffer frame = {0};

        wire_encode_messages(&frame, what, n);
        for (uint8_t i = 0; i < n; i++) {
                CLEANUP_BUFFER struct buffer body = {0};
                uint8_t who = i == 0 ? what : input_pop_byte(input);
                char thread[] = {'t', (char)('0' + who % N_THREADS), 0};
                char id[] = {'i', (char)('0' + (who >> 3) % N_IDS), 0};
                struct wire_message message = {.tenant = bytes_of(who & 4 ? "zeta" : "acme"),
                                               .thread = bytes_of(thread),
                                               .id = who >> 3 & 1 ? bytes_of(id) : BYTES_NONE};

                wire_encode_body(&body, &(struct wire_body){.text = bytes_of(thread)});
                message.body = buffer_bytes(&body);
                wire_encode_message(&frame, &message);
        }
        stage_push(&stage, SOCKET_INGEST, 'p', buffer_bytes(&frame));
}

/* One message whose every part is the input's. */
static void say_anything(struct input *input) {
        struct wire_message message = {.tenant = bytes_of("acme"),
                                       .thread = input_pop_chunk(input),
                                       .id = input_pop_chunk(input),
                                       .channel = input_pop_chunk(input),
                                       .body = input_pop_chunk(input)};
        CLEANUP_BUFFER struct buffer frame = {0};

        wire_encode_messages(&frame, 1, 1);
        wire_encode_message(&frame, &message);
        stage_push(&stage, SOCKET_INGEST, 'p', buffer_bytes(&frame));
}

/* An event, or a message with other names: what, of whom and of what are the input's. Who is 3 bits of a thread, one of
 * the tenant, three of an id, and one for speech without text. */
static void tell(struct input *input) {
        static const char *const names[] = {"t0", "t1", "t2", "t3", "t1\n", "", "t5", "t6"};
        uint8_t what = input_pop_byte(input), who = input_pop_byte(input), aliases = input_pop_byte(input);
        struct stage_run run = stage_run_get(&stage, aliases);
        CLEANUP_BUFFER struct buffer frame = {0};
        CLEANUP_BUFFER struct buffer body = {0};
        char id[] = {'i', (char)('0' + (who >> 4) % N_IDS), 0};
        struct wire_message item = {.tenant = bytes_of(who & 8 ? "zeta" : "acme"),
                                    .thread = bytes_of(names[who % N_THREADS]),
                                    .id = bytes_of(id),
                                    .what = (enum wire_what)(what % (N_WIRE_WHAT + 1)),
                                    .number = what >> 4 & 3};

        if (item.what == WIRE_WHAT_SHOWN)
                item.id = bytes_of(run.batch);
        for (item.n_aliases = 0; item.n_aliases < (what >> 6); item.n_aliases++)
                item.aliases[item.n_aliases] = bytes_of(names[aliases >> item.n_aliases * 2 & 7]);
        wire_encode_body(&body, &(struct wire_body){.at = {what & 16 ? stage.now.wall.ms - who * 100 : 0},
                                                    .kind = bytes_of(who & 128 ? "audio" : ""),
                                                    .text = bytes_of(who & 128     ? ""
                                                                     : aliases & 1 ? "a"
                                                                                   : "tell")});
        item.body = buffer_bytes(&body);
        wire_encode_events(&frame, 1, 1);
        wire_encode_message(&frame, &item);
        stage_push(&stage, SOCKET_INGEST, 'p', buffer_bytes(&frame));
}

/* An item whose every part is the input's. */
static void tell_anything(struct input *input) {
        struct wire_message item = {.tenant = bytes_of("acme"),
                                    .thread = input_pop_chunk(input),
                                    .id = input_pop_chunk(input),
                                    .body = input_pop_chunk(input),
                                    .what = (enum wire_what)(input_pop_byte(input) % (N_WIRE_WHAT + 1)),
                                    .number = input_pop_byte(input)};
        CLEANUP_BUFFER struct buffer frame = {0};

        while (item.n_aliases < item.number % (LIMIT_ALIASES_OF_ITEM + 1))
                item.aliases[item.n_aliases++] = input_pop_chunk(input);
        wire_encode_events(&frame, 1, 1);
        wire_encode_message(&frame, &item);
        stage_push(&stage, SOCKET_INGEST, 'p', buffer_bytes(&frame));
}

static void push_raw(struct input *input) {
        uint8_t what = input_pop_byte(input);

        stage_push(&stage, (enum socket_name)(what % SOCKET_N), what >> 4, input_pop_chunk(input));
}

/* -- workers ------------------------------------------------------------------------------------------------------- */

enum { N_WORKERS = 3 };

static uint8_t pop_worker(struct input *input) { return (uint8_t)(input_pop_byte(input) % N_WORKERS + 1); }

/* Some of the latest runs: one for each bit. */
static uint32_t push_held(struct buffer *held, uint8_t which) {
        uint32_t n = 0;

        for (uint8_t i = 0; i < 8; i++) {
                struct stage_run run = stage_run_get(&stage, i);

                if (!(which >> i & 1))
                        continue;
                wire_encode_held(held, run.fence, bytes_of(run.batch));
                n++;
        }
        return n;
}

static void hello(struct input *input) {
        uint8_t worker = pop_worker(input), incarnation = input_pop_byte(input), which = input_pop_byte(input);
        uint8_t uuid[WIRE_UUID_LEN] = {(uint8_t)(incarnation & 0x80 ? 1 : worker)};
        CLEANUP_BUFFER struct buffer frame = {0};
        CLEANUP_BUFFER struct buffer held = {0};
        struct wire_hello said = {.uuid = {uuid, sizeof uuid},
                                  .incarnation = incarnation % 4,
                                  .slots = incarnation >> 2 & 3,
                                  .version = bytes_of("fuzz")};

        said.n_held = push_held(&held, which);
        wire_encode_hello(&frame, &said);
        buffer_push(&frame, held.data, held.len);
        said.takes_bundles = incarnation & 0x40;
        wire_encode_hello_end(&frame, &said);
        stage_push(&stage, SOCKET_WORKERS, worker, buffer_bytes(&frame));
}

static void alive(struct input *input) {
        uint8_t worker = pop_worker(input), slots = input_pop_byte(input), which = input_pop_byte(input);
        CLEANUP_BUFFER struct buffer frame = {0};
        CLEANUP_BUFFER struct buffer held = {0};
        uint32_t n = push_held(&held, which);

        wire_encode_alive(&frame, slots % 4, n);
        buffer_push(&frame, held.data, held.len);
        wire_encode_alive_end(&frame, slots >> 2);
        stage_push(&stage, SOCKET_WORKERS, worker, buffer_bytes(&frame));
}

static void answered(struct input *input) {
        struct stage_run run = stage_run_get(&stage, input_pop_byte(input));
        uint8_t n = input_pop_byte(input);
        CLEANUP_BUFFER struct buffer frame = {0};
        CLEANUP_BUFFER struct buffer answer = {0};
        struct bytes replies[3] = {bytes_of("a"), bytes_of("b"), bytes_of("c")};

        if (n < 4)
                wire_encode_answer(&answer, replies, n);
        else
                buffer_push(&answer, input->at, n < input->left ? n : input->left);
        wire_encode_answered(&frame, &(struct wire_answered){run.fence, bytes_of(run.batch), buffer_bytes(&answer)});
        stage_push(&stage, SOCKET_WORKERS, run.worker, buffer_bytes(&frame));
}

static void result(struct input *input) {
        struct stage_run run = stage_run_get(&stage, input_pop_byte(input));
        uint8_t what = input_pop_byte(input), posted = input_pop_byte(input);
        CLEANUP_BUFFER struct buffer frame = {0};
        struct wire_result said = {.fence = run.fence,
                                   .batch = bytes_of(run.batch),
                                   .outcome = (enum wire_outcome)(what % (WIRE_HANDED_BACK + 1)),
                                   .code = what & 0x10 ? bytes_of("lock_busy") : BYTES_NONE,
                                   .why = what & 0x20 ? bytes_of("because") : BYTES_NONE,
                                   .retry_after = what & 0x40 ? span_s(posted) : span_s(0),
                                   .posted = what & 0x80 ? UINT32_MAX : posted % 4,
                                   .is_doubtful = posted & 4,
                                   .provider = (enum wire_provider)(posted >> 3 & 7),
                                   .pause = span_s(posted >> 6)};

        wire_encode_result(&frame, &said);
        stage_push(&stage, SOCKET_WORKERS, run.worker, buffer_bytes(&frame));
}

static void posted(struct input *input) {
        struct stage_run run = stage_run_get(&stage, input_pop_byte(input));
        CLEANUP_BUFFER struct buffer frame = {0};

        wire_encode_posted(&frame, &(struct wire_posted){run.fence, bytes_of(run.batch), input_pop_byte(input) % 4});
        stage_push(&stage, SOCKET_WORKERS, run.worker, buffer_bytes(&frame));
}

static void tally(struct input *input) {
        uint8_t worker = pop_worker(input), what = input_pop_byte(input);
        struct wire_tally_item item = {(enum wire_tally)(what & 15), LIMIT_TALLY_AMOUNT >> (what >> 4)};
        CLEANUP_BUFFER struct buffer frame = {0};

        wire_encode_tally(&frame, bytes_of(what & 1 ? "acme" : "zeta"), &item, 1);
        stage_push(&stage, SOCKET_WORKERS, worker, buffer_bytes(&frame));
}

static void bundle(struct input *input) { stage_bundle(&stage, pop_worker(input)); }

/* -- operators ----------------------------------------------------------------------------------------------------- */

static void ask(struct input *input) {
        static const char *const commands[] = {"stats",      "why",       "threads",      "dead",           "dead_show",
                                               "dead_retry", "dead_drop", "hold",         "resume",         "flush",
                                               "cancel",     "settings",  "settings_set", "settings_unset", "holds"};
        uint8_t what = input_pop_byte(input), who = input_pop_byte(input);
        struct stage_run run = stage_run_get(&stage, who >> 3);
        CLEANUP_BUFFER struct buffer frame = {0};

        buffer_print(&frame, "{\"cmd\":\"%s\",\"request\":1,\"tenant\":\"%s\",\"thread\":\"t%d\",\"batch\":\"%s\"",
                     commands[what % (sizeof commands / sizeof *commands)], who & 4 ? "zeta" : "acme", who % N_THREADS,
                     run.batch);
        /* What else the command may take, as JSON. */
        if (what & 0x80)
                buffer_push_text(&frame, ",");
        if (what & 0x80) {
                struct bytes more = input_pop_chunk(input);

                buffer_push(&frame, more.data, more.len);
        }
        buffer_push_text(&frame, "}");
        stage_push(&stage, SOCKET_STATS, 'a', buffer_bytes(&frame));
}

/* -- the world ----------------------------------------------------------------------------------------------------- */

static void wait(struct input *input) {
        uint8_t what = input_pop_byte(input);

        stage_wait(&stage, span_ms((int64_t)(what & 0x0f) << (what >> 4)));
        stage_turn(&stage);
}

/* Nothing arrives where it should, for one turn. */
static void be_deaf(struct input *input) {
        stage.is_deaf = true;
        stage_turn(&stage);
        stage.is_deaf = false;
}

static void turn(struct input *input) { stage_turn(&stage); }
static void restart(struct input *input) { stage_restart(&stage); }

static void configure(struct input *input) {
        stage_configure(&stage, input_pop_byte(input) & 1 ? with_both : with_zeta);
}

/* Those that came later have numbers of their own, so that what is in the corpus still means what it did. */
static void act(struct input *input) {
        static void (*const acts[])(struct input *) = {turn, wait,     say,     hello,   alive,     answered,    result,
                                                       ask,  push_raw, be_deaf, restart, configure, say_anything};
        uint8_t what = input_pop_byte(input);

        if (what == UINT8_MAX)
                posted(input);
        else if (what == UINT8_MAX - 1)
                tally(input);
        else if (what == UINT8_MAX - 2)
                tell(input);
        else if (what == UINT8_MAX - 3)
                tell_anything(input);
        else if (what == UINT8_MAX - 4)
                bundle(input);
        else
                acts[what % (sizeof acts / sizeof *acts)](input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};

        stage_init(&stage, with_both);
        while (input.left > 0)
                act(&input);
        stage_turn(&stage);
        stage_wait(&stage, span_s(3600));
        stage_turn(&stage);
        /* What it stored, it must be able to read. */
        stage_restart(&stage);
        stage_done(&stage);
        return 0;
}
