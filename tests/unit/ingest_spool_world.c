#include "tests/unit/ingest_spool_world.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct mono at_ms(int64_t ms) { return mono_add((struct mono){0}, span_ms(ms)); }

/* -- dice ---------------------------------------------------------------------------------------------------------- */

uint64_t dice;

uint32_t roll(uint32_t sides) {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        return (uint32_t)(dice >> 33) % sides;
}

bool is_one_in(uint32_t n) { return n > 0 && roll(n) == 0; }

/* -- a store in memory --------------------------------------------------------------------------------------------- */

static void put(void *context, struct spool_key key, struct bytes bytes) {
        struct world *world = context;
        struct record *record = &world->records[world->n_records++];

        assert_true(world->n_records < N_RECORDS);
        *record = (struct record){.key = key, .is_new = true};
        buffer_push(&record->bytes, bytes.data, bytes.len);
}

static struct record *find_record(struct world *world, struct spool_key key) {
        for (uint32_t i = 0; i < world->n_records; i++)
                if (world->records[i].is_there && memcmp(&world->records[i].key, &key, sizeof key) == 0)
                        return &world->records[i];
        return NULL;
}

static void take_out(void *context, struct spool_key key) {
        struct record *record = find_record(context, key);

        assert_non_null(record);
        record->is_going = true;
}

static int commit(void *context, uint64_t slot) {
        struct world *world = context;
        bool is_good = !world->is_failing;

        for (uint32_t i = 0; i < world->n_records; i++) {
                struct record *record = &world->records[i];

                if (record->key.slot != slot)
                        continue;
                if (is_good)
                        record->is_there = (record->is_there && !record->is_going) || record->is_new;
                record->is_new = record->is_going = false;
        }
        return is_good ? 0 : -ENOSPC;
}

/* The next record of the lane, by number. */
static struct record *next_record(struct world *world, struct spool_key from) {
        struct record *best = NULL;

        for (uint32_t i = 0; i < world->n_records; i++) {
                struct record *record = &world->records[i];

                if (record->is_there && record->key.slot == from.slot && record->key.lane == from.lane &&
                    record->key.number >= from.number && (!best || record->key.number < best->key.number))
                        best = record;
        }
        return best;
}

static int read_records(void *context, struct spool_key from,
                        int (*visit)(void *visited, struct spool_key key, struct bytes record), void *visited) {
        struct record *record;
        int r = 0;

        while (r == 0 && (record = next_record(context, from))) {
                r = visit(visited, record->key, buffer_bytes(&record->bytes));
                from.number = record->key.number + 1;
        }
        return r;
}

static void refuse(void *context, const struct wire_message *message, const char *code, const char *why) {
        struct world *world = context;

        assert_string_equal(code, "unknown_channel");
        world->n_refused++;
}

static int refused(void *context) {
        struct world *world = context;

        if (world->is_failing)
                return world->n_refused = 0, -ENOSPC;
        world->n_kept += world->n_refused;
        world->n_refused = 0;
        return 0;
}

static void on_event(void *context, const struct spool_event *event) {
        struct world *world = context;

        world->events[event->kind]++;
}

static const struct spool_ops ops = {put, take_out, commit, read_records, refuse, refused, on_event};

/* -- a process, its beginning and its end -------------------------------------------------------------------------- */

static int compare_records(const void *a, const void *b) {
        const struct spool_key *x = &((const struct record *)a)->key, *y = &((const struct record *)b)->key;

        if (x->slot != y->slot)
                return x->slot < y->slot ? -1 : 1;
        if (x->lane != y->lane)
                return x->lane < y->lane ? -1 : 1;
        return (x->number > y->number) - (x->number < y->number);
}

static void find_records(struct world *world) {
        qsort(world->records, world->n_records, sizeof *world->records, compare_records);
        for (uint32_t i = 0; i < world->n_records; i++) {
                const struct record *record = &world->records[i];
                struct wire_message message;
                struct bytes item;

                if (!record->is_there)
                        continue;
                assert_int_equal(spool_record_decode(record->key, buffer_bytes(&record->bytes), &item, &message), 0);
                assert_int_equal(
                        spool_queue_on_found(world->queue, record->key, message.tenant, spool_queue_cost(item.len)), 0);
        }
}

void start(struct world *world, uint32_t slot) {
        world->intake = intake_new();
        world->queue = spool_queue_new(slot);
        world->bounds.slot = slot;
        find_records(world);
        world->flow = spool_flow_new(world->intake, world->queue, &ops, world);
}

void stop(struct world *world) {
        world->flow = spool_flow_free(world->flow);
        world->queue = spool_queue_free(world->queue);
        world->intake = intake_free(world->intake);
        for (uint32_t i = 0; i < world->n_records; i++)
                world->records[i].is_new = world->records[i].is_going = false;
}

void crash(struct world *world) {
        stop(world);
        world->n_orphans = world->n_frames;
        world->n_acks = 0;
        for (uint32_t i = 0; i <= N_THREADS; i++)
                world->threads[i].is_waiting = false;
        start(world, roll(2));
}

int set_up(void **state) {
        struct world *world = memory_new(1, sizeof *world);

        world->bounds = (struct spool_bounds){0, 1 << 20, span_ms(1000)};
        world->ids.seed = "seed";
        start(world, 0);
        *state = world;
        return 0;
}

int tear_down(void **state) {
        struct world *world = *state;

        stop(world);
        for (uint32_t i = 0; i < world->n_records; i++)
                buffer_done(&world->records[i].bytes);
        for (uint32_t i = 0; i < N_FRAMES; i++) {
                buffer_done(&world->frames[i]);
                buffer_done(&world->acks[i]);
        }
        free(world);
        return 0;
}

/* -- the broker ---------------------------------------------------------------------------------------------------- */

static void push_frame(struct buffer *frames, uint32_t *n, struct bytes frame) {
        if (*n == N_FRAMES)
                return; /* lost */
        buffer_clear(&frames[*n]);
        buffer_push(&frames[(*n)++], frame.data, frame.len);
}

static struct buffer pop_frame(struct buffer *frames, uint32_t *n) {
        struct buffer first = frames[0];

        memmove(frames, frames + 1, (N_FRAMES - 1) * sizeof *frames);
        frames[N_FRAMES - 1] = (struct buffer){0};
        (*n)--;
        return first;
}

static uint32_t number_of(struct bytes text, char before) {
        CLEANUP_FREE char *copy = bytes_copy_text(text);
        const char *digits = strrchr(copy, before);

        return (uint32_t)strtoul(digits + 1, NULL, 10);
}

/* What becomes of one: the code of a refusal, "" = a duplicate, NULL = accepted. */
static const char *take(struct world *world, const struct wire_message *message) {
        uint32_t thread = number_of(message->thread, 't'), n = number_of(message->id, '-');

        if (bytes_is_text(message->channel, "gone"))
                return "unknown_channel";
        if (n <= world->n_taken[thread])
                return "";
        if (world->is_full[number_of(message->tenant, 'a')])
                return "tenant_full";
        if (n != world->n_taken[thread] + 1)
                fail_msg("thread %u: message %u after %u", thread, n, world->n_taken[thread]);
        world->n_taken[thread] = n;
        return NULL;
}

static void handle_frame(struct world *world, struct bytes frame) {
        static uint32_t duplicates[LIMIT_FRAME_MESSAGES];
        static struct wire_refusal refusals[LIMIT_FRAME_MESSAGES];
        uint32_t n, n_accepted = 0, n_duplicates = 0, n_refusals = 0;
        CLEANUP_BUFFER struct buffer ack = {0};
        struct wire_message message;
        struct pack_reader reader;
        enum wire_type type;
        struct bytes body;
        uint64_t request;

        assert_int_equal(wire_open(frame, &type, &body), 0);
        assert_int_equal(wire_decode_messages(body, &request, &n, &reader), 0);
        for (uint32_t i = 0; i < n; i++) {
                const char *code;

                assert_int_equal(wire_message_next(&reader, &message), 0);
                code = take(world, &message);
                if (!code)
                        n_accepted++;
                else if (!*code)
                        duplicates[n_duplicates++] = i;
                else
                        refusals[n_refusals++] = (struct wire_refusal){i, bytes_of(code), bytes_of("why")};
        }
        wire_encode_ack(&ack, request, n_accepted, duplicates, n_duplicates, refusals, n_refusals);
        push_frame(world->acks, &world->n_acks, buffer_bytes(&ack));
}

void run_broker(struct world *world, bool is_whole) {
        while (world->n_frames > 0 && !world->is_away && (is_whole || !is_one_in(3))) {
                CLEANUP_BUFFER struct buffer frame = pop_frame(world->frames, &world->n_frames);
                uint32_t n_acks = world->n_acks;

                handle_frame(world, buffer_bytes(&frame));
                if (world->n_orphans == 0)
                        continue;
                world->n_orphans--;
                world->n_acks = n_acks; /* nobody is there to hear it */
        }
}

/* -- the process's turns ------------------------------------------------------------------------------------------- */

static void on_verdict(struct world *world, struct intake_verdict *verdict) {
        if (!spool_flow_on_verdict(world->flow, verdict, at_ms(world->ms))) {
                uint32_t thread = (uint32_t)(uintptr_t)verdict->owner - 1;

                world->threads[thread].is_waiting = false;
                if (verdict->n_accepted + verdict->n_duplicates > 0)
                        world->threads[thread].n_answered = world->threads[thread].n;
        }
        intake_verdict_done(verdict);
}

static void receive(struct world *world) {
        while (world->n_acks > 0) {
                CLEANUP_BUFFER struct buffer frame = pop_frame(world->acks, &world->n_acks);
                struct intake_verdict verdict;
                enum wire_type type;
                struct bytes body;
                struct wire_ack ack;

                if (wire_open(buffer_bytes(&frame), &type, &body) == 0 && wire_decode_ack(body, &ack) == 0)
                        (void)!intake_on_ack(world->intake, &ack);
                while (intake_pop_verdict(world->intake, &verdict))
                        on_verdict(world, &verdict);
        }
}

static void send_frames(struct world *world) {
        struct bytes frame;

        while (intake_pop_frame(world->intake, at_ms(world->ms), &frame))
                push_frame(world->frames, &world->n_frames, frame);
}

void turn(struct world *world) {
        struct intake_verdict verdict;

        receive(world);
        intake_on_time(world->intake, at_ms(world->ms));
        while (intake_pop_verdict(world->intake, &verdict))
                on_verdict(world, &verdict);
        send_frames(world);
        world->bounds.wall = (struct wall){world->ms};
        assert_int_equal(spool_flow_run(world->flow, &world->bounds, at_ms(world->ms)), 0);
        while (spool_flow_pop_verdict(world->flow, &verdict))
                on_verdict(world, &verdict);
        send_frames(world);
}

void say(struct world *world, uint32_t thread, const char *channel) {
        CLEANUP_PARCEL struct parcel parcel = {0};
        char tenant[16], name[16], id[32];

        if (world->threads[thread].is_waiting)
                return;
        if (world->threads[thread].n == world->threads[thread].n_answered)
                world->threads[thread].n++;
        snprintf(tenant, sizeof tenant, "a%u", thread % N_TENANTS);
        snprintf(name, sizeof name, "t%u", thread);
        snprintf(id, sizeof id, "t%u-%u", thread, world->threads[thread].n);
        parcel_push(&parcel, &world->ids,
                    &(struct wire_message){bytes_of(tenant), bytes_of(name), bytes_of(id), bytes_of(channel),
                                           bytes_of("body")},
                    0);
        world->threads[thread].is_waiting =
                intake_push(world->intake, &parcel, (void *)(uintptr_t)(thread + 1), at_ms(world->ms + 5000)) == 0;
}

void pass(struct world *world, int64_t ms) {
        for (int64_t end = world->ms + ms; world->ms <= end; world->ms += 50) {
                turn(world);
                run_broker(world, true);
        }
        turn(world);
}
