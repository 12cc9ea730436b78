#include "broker/release.h"

#include "broker/loop.h"
#include "broker/questions.h"
#include "common/ensure.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/memory.h"

#include <string.h>

/* Each worker, each of those who were one under another address until this turn, and each stranger of this turn. */
enum { PEERS_MAX = LIMIT_WORKERS + 2 * LIMIT_FRAMES_PER_TURN, SLOTS = 4096 };
_Static_assert(SLOTS >= 2 * PEERS_MAX, "a search ends soon");

#define NO_SEND SIZE_MAX

struct outbox_peer {
        struct address to;
        uint32_t slot;
        bool takes_bundles;
        size_t first, last; /* of the turn's sends */
};

void outbox_done(struct outbox *outbox) {
        free(outbox->peers);
        free(outbox->slots);
        free(outbox->next);
        buffer_done(&outbox->frame);
        *outbox = (struct outbox){0};
}

/* -- who is told what ---------------------------------------------------------------------------------------------- */

static bool is_equal(const struct address *a, const struct address *b) {
        return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static struct outbox_peer *push_peer(struct loop *loop, const struct address *to, uint32_t slot) {
        struct outbox *outbox = &loop->outbox;
        struct outbox_peer *peer;

        ENSURE(outbox->n_peers < PEERS_MAX);
        if (outbox->n_peers == outbox->peers_cap) {
                outbox->peers_cap = outbox->peers_cap ? outbox->peers_cap * 2 : 64;
                outbox->peers = memory_resize(outbox->peers, outbox->peers_cap, sizeof *outbox->peers);
        }
        peer = &outbox->peers[outbox->n_peers];
        *peer = (struct outbox_peer){.to = *to, .slot = slot, .first = NO_SEND};
        peer->takes_bundles = core_takes_bundles(loop->core, to);
        outbox->slots[slot] = outbox->n_peers++;
        return peer;
}

static struct outbox_peer *find_peer(struct loop *loop, const struct address *to) {
        struct outbox *outbox = &loop->outbox;
        uint32_t slot = (uint32_t)hash_64(0, (struct bytes){to->data, to->len}) % SLOTS;

        for (;; slot = (slot + 1) % SLOTS) {
                uint32_t index = outbox->slots[slot];

                if (index >= outbox->n_peers || outbox->peers[index].slot != slot)
                        return push_peer(loop, to, slot);
                if (is_equal(&outbox->peers[index].to, to))
                        return &outbox->peers[index];
        }
}

static void push_send(struct loop *loop, size_t at) {
        struct outbox_peer *peer = find_peer(loop, &loop->fx.sends[at].to);
        size_t *next = loop->outbox.next;

        next[at] = NO_SEND;
        if (peer->first == NO_SEND)
                peer->first = at;
        else
                next[peer->last] = at;
        peer->last = at;
}

static void begin(struct loop *loop) {
        struct outbox *outbox = &loop->outbox;

        outbox->n_peers = 0;
        if (!outbox->slots)
                outbox->slots = memory_new(SLOTS, sizeof *outbox->slots);
        if (loop->fx.n_sends > outbox->next_cap) {
                outbox->next_cap = loop->fx.sends_cap;
                outbox->next = memory_resize(outbox->next, outbox->next_cap, sizeof *outbox->next);
        }
}

/* -- frames -------------------------------------------------------------------------------------------------------- */

/* A RUN, with what the store holds of it. */
static int encode_run(struct loop *loop, const struct send_run *run, struct buffer *frame) {
        struct wire_run head = {
                .fence = run->fence,
                .batch = bytes_of(run->batch),
                .tenant = run->tenant,
                .thread = run->thread,
                .attempt = run->attempt,
                .posted = run->posted,
                .is_doubtful = run->is_doubtful,
                .is_silent = run->is_silent,
                .is_record = run->is_record,
                .n_messages = run->n_messages,
        };
        const uint64_t *seqs = loop->fx.seqs + run->seqs_at;
        int r = 0;

        buffer_clear(&loop->memory);
        if (run->is_answered)
                r = store_read_answer(loop->store, seqs[0], &loop->memory, &head.answer);
        if (run->is_answered && r == 0)
                core_expect_echoes(loop->core, loop->now, run->tenant, run->thread, head.answer, run->posted);
        wire_encode_run(frame, &head);
        for (uint32_t i = 0; i < run->n_messages && r == 0; i++) {
                buffer_clear(&loop->memory);
                r = store_read_run_message(loop->store, seqs[i], &loop->memory, frame);
        }
        wire_encode_run_end(frame, &head);
        if (r < 0)
                log_error("store_damaged", LOG_TEXT("batch", run->batch), LOG_BYTES("tenant", run->tenant),
                          LOG_BYTES("thread", run->thread), LOG_TEXT("why", strerror(-r)));
        return r;
}

static struct bytes frame_of(const struct loop *loop, const struct send *send) {
        return (struct bytes){loop->fx.frames.data + send->frame_at, send->frame_len};
}

static int encode(struct loop *loop, const struct send *send, struct buffer *frame) {
        struct bytes ready = frame_of(loop, send);

        if (send->type == SEND_RUN)
                return encode_run(loop, &send->run, frame);
        buffer_push(frame, ready.data, ready.len);
        return 0;
}

/* -- sending ------------------------------------------------------------------------------------------------------- */

static void note_undelivered(struct loop *loop, const struct send *send) {
        if (send->type != SEND_RUN) {
                log_debug("not_delivered", LOG_NUMBER("bytes", send->frame_len));
                return;
        }
        if (loop->n_undelivered == loop->undelivered_cap) {
                loop->undelivered_cap = loop->undelivered_cap ? loop->undelivered_cap * 2 : 64;
                loop->undelivered = memory_resize(loop->undelivered, loop->undelivered_cap, sizeof *loop->undelivered);
        }
        loop->undelivered[loop->n_undelivered++] = send->run.fence;
}

/* One frame for a worker, which bears the sends from `first` on, up to `end`. */
static void deliver(struct loop *loop, const struct address *to, struct bytes frame, size_t first, size_t end) {
        if (sockets_send(loop->sockets, SOCKET_WORKERS, to, frame) == 0)
                return;
        for (size_t at = first; at != end; at = loop->outbox.next[at])
                note_undelivered(loop, &loop->fx.sends[at]);
}

/* Sends as many as fit one bundle, from *at on, which is then the first that is left. What does not fit goes alone
 * behind it: it has been read from the store, and may be too long for any. */
static int tell_some(struct loop *loop, const struct outbox_peer *peer, size_t *at) {
        struct buffer *frame = &loop->outbox.frame;
        uint32_t n_max = peer->takes_bundles ? LIMIT_BUNDLE_FRAMES : 1;
        size_t first = *at, last = first;
        struct wire_bundle bundle;
        struct bytes alone = BYTES_NONE;

        buffer_clear(frame);
        wire_begin_bundle(frame, &bundle);
        for (; *at != NO_SEND && bundle.n < n_max && alone.len == 0; *at = loop->outbox.next[*at]) {
                int r;

                last = *at;
                wire_begin_bundled(frame, &bundle);
                r = encode(loop, &loop->fx.sends[last], frame);
                if (r < 0)
                        return r;
                wire_end_bundled(frame, &bundle);
                if (bundle.n > 1 && frame->len > LIMIT_BUNDLE_BYTES)
                        alone = wire_take_bundled(frame, &bundle);
        }
        deliver(loop, &peer->to, wire_end_bundle(frame, &bundle), first, alone.len > 0 ? last : *at);
        if (alone.len > 0)
                deliver(loop, &peer->to, alone, last, *at);
        return 0;
}

static int tell_workers(struct loop *loop) {
        int r = 0;

        for (uint32_t i = 0; i < loop->outbox.n_peers && r == 0; i++)
                for (size_t at = loop->outbox.peers[i].first; at != NO_SEND && r == 0;)
                        r = tell_some(loop, &loop->outbox.peers[i], &at);
        if (loop->outbox.frame.cap > LIMIT_FRAME_BYTES)
                buffer_done(&loop->outbox.frame);
        return r;
}

static void tell_producers(struct loop *loop) {
        for (size_t i = 0; i < loop->fx.n_sends; i++) {
                const struct send *send = &loop->fx.sends[i];

                if (send->door == DOOR_INGEST &&
                    sockets_send(loop->sockets, SOCKET_INGEST, &send->to, frame_of(loop, send)) != 0)
                        note_undelivered(loop, send);
        }
}

/* The runs first: somebody waits for what they do, and of an acknowledgement only to be told. */
int release_turn(struct loop *loop) {
        int r;

        begin(loop);
        for (size_t i = 0; i < loop->fx.n_sends; i++)
                if (loop->fx.sends[i].door == DOOR_WORKERS)
                        push_send(loop, i);
        r = tell_workers(loop);
        if (r == 0)
                tell_producers(loop);
        for (uint32_t i = 0; i < loop->n_questions; i++)
                question_answer(&loop->questions[i], loop);
        store_release(loop->store);
        return r;
}
