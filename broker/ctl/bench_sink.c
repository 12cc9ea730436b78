#include "broker/ctl/bench_sink.h"

#include "common/gathered.h"
#include "common/link.h"
#include "common/memory.h"

#include <string.h>

/* HELLO and RESULT are said again each second until they are answered, as PROTOCOL.md has it. */
enum { AGAIN_MS = 1000 };
/* Until WELCOME says otherwise. */
enum { ALIVE_MS = 1000 };

struct lease {
        uint64_t fence;
        char batch[WIRE_BATCH_LEN];
        uint32_t *numbers;
        uint32_t n;
        bool is_ours, is_over;
        bool is_working; /* its run has not ended */
        struct mono again; /* when it ends; from then on, when its result is sent again */
};

struct sink {
        struct sink_settings settings;
        uint8_t uuid[WIRE_UUID_LEN];
        uint64_t incarnation;
        struct link *link;
        struct buffer frame;
        struct gathered results; /* of a step: they leave at its end */
        bool is_welcome;
        struct span alive;
        struct mono next_hello, next_alive, next_sweep;
        /* In the order in which they came, which is nearly that in which they end: whoever looks for one finds it
         * near the front. Those that are over are dropped when they reach it. */
        struct lease *leases;
        size_t begin, end, cap, n_held;
        size_t working; /* all before this one have ended: each takes as long as the others */
        uint64_t newest_fence;
};

/* What is not sent is said again. */
static void send_results(void *context, struct bytes frame) {
        struct sink *sink = context;

        (void)!link_send(sink->link, frame);
}

int sink_new(const char *endpoint, const struct sink_settings *settings, const uint8_t *uuid, uint64_t incarnation,
             struct sink **ret) {
        struct sink *sink = memory_new(1, sizeof *sink);
        int r = link_new(endpoint, &sink->link);

        if (r < 0) {
                free(sink);
                return r;
        }
        sink->settings = *settings;
        memcpy(sink->uuid, uuid, WIRE_UUID_LEN);
        sink->incarnation = incarnation;
        sink->alive = span_ms(ALIVE_MS);
        sink->results.send = send_results;
        sink->results.context = sink;
        *ret = sink;
        return 0;
}

struct sink *sink_free(struct sink *sink) {
        if (!sink)
                return NULL;
        for (size_t i = sink->begin; i < sink->end; i++)
                free(sink->leases[i].numbers);
        link_free(sink->link);
        buffer_done(&sink->frame);
        gathered_done(&sink->results);
        free(sink->leases);
        free(sink);
        return NULL;
}

int sink_fd(const struct sink *sink) { return link_fd(sink->link); }
bool sink_is_welcome(const struct sink *sink) { return sink->is_welcome; }
size_t sink_n_held(const struct sink *sink) { return sink->n_held; }

/* -- leases -------------------------------------------------------------------------------------------------------- */

/* A broker counts its leases: where we have them all, a fence says by itself which one it is. Where it has given some
 * to others, they are looked through. */
static struct lease *find_lease(struct sink *sink, uint64_t fence) {
        uint64_t ahead = sink->begin < sink->end ? fence - sink->leases[sink->begin].fence : UINT64_MAX;
        struct lease *lease;

        if (fence > sink->newest_fence)
                return NULL;
        if (ahead < sink->end - sink->begin) {
                lease = &sink->leases[sink->begin + ahead];
                if (lease->fence == fence && !lease->is_over)
                        return lease;
        }
        for (size_t i = sink->begin; i < sink->end; i++)
                if (sink->leases[i].fence == fence && !sink->leases[i].is_over)
                        return &sink->leases[i];
        return NULL;
}

static struct lease *push_lease(struct sink *sink) {
        /* Moved only when half of it is over: else each new one would move all. */
        if (sink->end == sink->cap && sink->begin > sink->cap / 2) {
                memmove(sink->leases, sink->leases + sink->begin, (sink->end - sink->begin) * sizeof *sink->leases);
                sink->end -= sink->begin;
                sink->working = sink->working > sink->begin ? sink->working - sink->begin : 0;
                sink->begin = 0;
        }
        if (sink->end == sink->cap) {
                sink->cap = sink->cap ? sink->cap * 2 : 4096;
                sink->leases = memory_resize(sink->leases, sink->cap, sizeof *sink->leases);
        }
        sink->n_held++;
        sink->leases[sink->end] = (struct lease){0};
        return &sink->leases[sink->end++];
}

static void remove_lease(struct sink *sink, struct lease *lease) {
        free(TAKE(lease->numbers));
        lease->is_over = true;
        sink->n_held--;
        while (sink->begin < sink->end && sink->leases[sink->begin].is_over)
                sink->begin++;
}

/* -- out ----------------------------------------------------------------------------------------------------------- */

static int send_frame(struct sink *sink) {
        int r = link_send(sink->link, buffer_bytes(&sink->frame));

        buffer_clear(&sink->frame);
        return r;
}

static void push_held(struct sink *sink) {
        for (size_t i = sink->begin; i < sink->end; i++)
                if (!sink->leases[i].is_over)
                        wire_encode_held(&sink->frame, sink->leases[i].fence,
                                         (struct bytes){sink->leases[i].batch, WIRE_BATCH_LEN});
}

static void send_hello(struct sink *sink, struct mono now) {
        struct wire_hello hello = {
                .uuid = {sink->uuid, WIRE_UUID_LEN},
                .incarnation = sink->incarnation,
                .slots = sink->settings.slots,
                .version = bytes_of(LULL_VERSION),
                .n_held = (uint32_t)sink->n_held,
                .takes_bundles = true,
        };

        wire_encode_hello(&sink->frame, &hello);
        push_held(sink);
        wire_encode_hello_end(&sink->frame, &hello);
        sink->next_hello = mono_add(now, span_ms(send_frame(sink) == 0 ? AGAIN_MS : LIMIT_CTL_CONNECT_MS));
}

static void send_alive(struct sink *sink, uint32_t slots) {
        wire_encode_alive(&sink->frame, slots, (uint32_t)sink->n_held);
        push_held(sink);
        wire_encode_alive_end(&sink->frame, 0); /* it posts nothing, so it need not know how long its leases stand */
        (void)!send_frame(sink);
}

static void send_result(struct sink *sink, struct lease *lease, struct mono now) {
        struct wire_result result = {
                .fence = lease->fence,
                .batch = {lease->batch, WIRE_BATCH_LEN},
                .outcome = lease->is_ours ? WIRE_DONE : WIRE_BUSY,
                .code = bytes_of(lease->is_ours ? "" : "bench"),
                .why = bytes_of(lease->is_ours ? "" : "a benchmark takes this broker's runs just now"),
        };

        wire_encode_result(gathered_begin(&sink->results), &result);
        gathered_end(&sink->results);
        lease->again = mono_add(now, span_ms(AGAIN_MS));
}

static void end_run(struct sink *sink, struct lease *lease, struct mono now) {
        lease->is_working = false;
        if (lease->is_ours)
                sink->settings.on_over(sink->settings.context, lease->numbers, lease->n);
        send_result(sink, lease, now);
}

void sink_leave(struct sink *sink) { send_alive(sink, 0); }

/* -- in ------------------------------------------------------------------------------------------------------------ */

static void on_welcome(struct sink *sink, struct bytes body, struct mono now) {
        struct wire_welcome welcome;

        if (wire_decode_welcome(body, &welcome) < 0)
                return;
        sink->is_welcome = true;
        sink->results.takes_bundles = welcome.takes_bundles;
        sink->alive = span_max(welcome.alive, span_ms(1));
        sink->next_alive = mono_add(now, sink->alive);
}

static void on_run(struct sink *sink, struct bytes body, struct mono now) {
        struct wire_run run;
        struct lease *lease;

        if (wire_decode_run(body, &run) < 0 || run.batch.len != WIRE_BATCH_LEN || find_lease(sink, run.fence))
                return;
        lease = push_lease(sink);
        lease->fence = run.fence;
        sink->newest_fence = run.fence > sink->newest_fence ? run.fence : sink->newest_fence;
        lease->n = run.n_messages;
        lease->numbers = memory_new(run.n_messages, sizeof *lease->numbers);
        memcpy(lease->batch, run.batch.data, WIRE_BATCH_LEN);
        lease->is_ours = sink->settings.on_run(sink->settings.context, &run, lease->numbers);
        lease->is_working = lease->is_ours && sink->settings.work.us > 0;
        lease->again = mono_add(now, sink->settings.work);
        if (!lease->is_working)
                end_run(sink, lease, now);
}

static void on_settled(struct sink *sink, struct bytes body) {
        struct wire_settled settled;
        struct lease *lease;

        if (wire_decode_settled(body, &settled) < 0)
                return;
        lease = find_lease(sink, settled.fence);
        if (!lease)
                return;
        if (settled.is_accepted && lease->is_ours)
                sink->settings.on_settled(sink->settings.context, lease->numbers, lease->n);
        remove_lease(sink, lease);
}

static void on_cancel(struct sink *sink, struct bytes body) {
        struct wire_verdict verdict;
        struct lease *lease;

        if (wire_decode_verdict(body, &verdict) < 0)
                return;
        lease = find_lease(sink, verdict.fence);
        if (!lease)
                return;
        if (lease->is_working && lease->is_ours)
                sink->settings.on_over(sink->settings.context, lease->numbers, lease->n);
        remove_lease(sink, lease);
}

/* The broker does not know us: it has restarted, or given us up. */
static void on_error(struct sink *sink, struct bytes body, struct mono now) {
        struct bytes code, why;

        if (wire_decode_error(body, &code, &why) < 0 || !bytes_is_text(code, "hello_first") || !sink->is_welcome)
                return;
        sink->is_welcome = false;
        sink->next_hello = now;
}

static void on_single(struct sink *sink, enum wire_type type, struct bytes body, struct mono now) {
        if (type == WIRE_RUN)
                on_run(sink, body, now);
        else if (type == WIRE_SETTLED)
                on_settled(sink, body);
        else if (type == WIRE_CANCEL)
                on_cancel(sink, body);
        else if (type == WIRE_WELCOME)
                on_welcome(sink, body, now);
        else if (type == WIRE_ERROR)
                on_error(sink, body, now);
}

static void on_bundle(struct sink *sink, struct bytes body, struct mono now) {
        struct pack_reader reader;
        enum wire_type type;
        struct bytes frame;
        uint32_t n;

        if (wire_decode_bundle(body, &n, &reader) < 0)
                return;
        for (uint32_t i = 0; i < n && wire_bundled_next(&reader, &frame) == 0; i++)
                if (wire_open(frame, &type, &body) == 0)
                        on_single(sink, type, body, now);
}

static void on_frame(struct sink *sink, struct bytes frame, struct mono now) {
        enum wire_type type;
        struct bytes body;

        if (wire_open(frame, &type, &body) < 0)
                return;
        if (type == WIRE_BUNDLE)
                on_bundle(sink, body, now);
        else
                on_single(sink, type, body, now);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

static void resend_results(struct sink *sink, struct mono now) {
        for (size_t i = sink->begin; i < sink->end; i++)
                if (!sink->leases[i].is_over && !sink->leases[i].is_working && mono_is_due(now, sink->leases[i].again))
                        send_result(sink, &sink->leases[i], now);
        sink->next_sweep = mono_add(now, span_ms(AGAIN_MS / 2));
}

/* Runs that take a while end in the order in which they came. */
static void end_runs(struct sink *sink, struct mono now) {
        if (sink->working < sink->begin)
                sink->working = sink->begin;
        for (; sink->working < sink->end; sink->working++) {
                struct lease *lease = &sink->leases[sink->working];

                if (lease->is_over || !lease->is_working)
                        continue;
                if (!mono_is_due(now, lease->again))
                        return;
                end_run(sink, lease, now);
        }
}

bool sink_step(struct sink *sink, struct mono now) {
        struct bytes frame;
        int n;

        if (!sink->is_welcome && mono_is_due(now, sink->next_hello))
                send_hello(sink, now);
        if (sink->is_welcome && mono_is_due(now, sink->next_alive)) {
                send_alive(sink, sink->settings.slots);
                sink->next_alive = mono_add(now, sink->alive);
        }
        end_runs(sink, now);
        if (mono_is_due(now, sink->next_sweep))
                resend_results(sink, now);
        for (n = 0; n < LIMIT_FRAMES_PER_TURN && link_receive(sink->link, &frame) == 0; n++)
                on_frame(sink, frame, now);
        gathered_flush(&sink->results);
        /* Each frame may have been answered, and a send may eat the edge of a receive: wait only after an empty
         * turn. */
        return n > 0;
}

struct span sink_wait(const struct sink *sink, struct mono now) {
        struct mono next = mono_min(sink->next_sweep, sink->is_welcome ? sink->next_alive : sink->next_hello);

        if (sink->working < sink->end && sink->leases[sink->working].is_working)
                next = mono_min(next, sink->leases[sink->working].again);
        return span_max(mono_since(next, now), span_us(0));
}
