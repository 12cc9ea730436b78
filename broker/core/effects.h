/* What a step wants done: changes to the store, and frames to send once those are durable. Write before you speak.
 *
 * Effects pile up over the steps of a turn, in order. What they point to (a frame's bytes, a thread's name) lives until
 * the turn's effects are cleared. */
#pragma once

#include "broker/core/stored.h"
#include "common/limits.h"
#include "common/wire.h"

/* Where a peer is: libzmq's routing id. */
struct address {
        uint8_t len;
        uint8_t data[LIMIT_ADDRESS_LEN];
};

enum change_type {
        CHANGE_PUT_MESSAGE,
        CHANGE_DELETE_MESSAGE,
        CHANGE_PUT_BATCH,
        CHANGE_DELETE_BATCH,
        CHANGE_PUT_ANSWER,
        CHANGE_DELETE_ANSWER,
        CHANGE_PUT_SEEN,
        CHANGE_DELETE_SEEN,
        CHANGE_PUT_NOTE,
        CHANGE_DELETE_NOTE,
        /* A message that is there gets another body; what that leaves out, and the channel, stay what they are. */
        CHANGE_EDIT_MESSAGE,
};

struct change {
        enum change_type type;
        uint64_t seq; /* of a DELETE, and of PUT_ANSWER */
        union {
                struct stored_message message;
                struct stored_batch *batch; /* the effects' own, with its seqs */
                struct stored_seen seen;
                struct stored_note note;
                struct bytes answer;
        };
};

enum door { DOOR_INGEST, DOOR_WORKERS };

enum send_type {
        SEND_FRAME, /* ready to go */
        SEND_RUN, /* a RUN, whose messages' bodies are in the store */
};

struct send_run {
        uint64_t fence;
        char batch[WIRE_BATCH_LEN + 1];
        struct bytes tenant, thread;
        uint32_t attempt, posted;
        bool is_answered, is_doubtful, is_silent, is_record;
        uint32_t n_messages;
        size_t seqs_at; /* into effects.seqs */
};

struct send {
        enum send_type type;
        enum door door;
        struct address to;
        size_t frame_at, frame_len; /* SEND_FRAME: into effects.frames */
        struct send_run run; /* SEND_RUN */
};

/* A run from before a restart that goes on. The shell logs it once the turn is durable. */
struct adoption {
        uint64_t fence;
        char batch[WIRE_BATCH_LEN + 1];
        uint8_t worker[WIRE_UUID_LEN];
        struct bytes tenant;
        size_t thread_at, thread_len; /* into effects.names: the thread may be gone at the end of the turn */
};

struct effects {
        struct change *changes;
        size_t n_changes, changes_cap;
        struct send *sends;
        size_t n_sends, sends_cap;
        uint64_t *seqs;
        size_t n_seqs, seqs_cap;
        struct buffer frames;
        struct adoption *adoptions;
        size_t n_adoptions, adoptions_cap;
        struct buffer names;
        void **kept; /* copies of texts */
        size_t n_kept, kept_cap;
};

void effects_done(struct effects *fx);
/* Forgets everything, keeps the memory for the next turn. */
void effects_clear(struct effects *fx);
/* A new change of the given type, zeroed, to be filled in at once. */
struct change *effects_push_change(struct effects *fx, enum change_type type);
/* A PUT_BATCH, with room for `n_seqs` sequence numbers (which may be 0) in *ret_seqs. */
struct stored_batch *effects_push_batch(struct effects *fx, uint32_t n_seqs, uint64_t **ret_seqs);
void effects_delete(struct effects *fx, enum change_type type, uint64_t seq);
/* A copy of the text, which lives until the effects are cleared: for what the core may forget in the same turn. */
struct bytes effects_keep(struct effects *fx, struct bytes text);
/* One more message for the run that is being built. */
void effects_push_seq(struct effects *fx, uint64_t seq);
/* A frame to `to`: encode it into the returned buffer, then effects_end_frame(). */
struct buffer *effects_begin_frame(struct effects *fx, enum door door, struct address to);
void effects_end_frame(struct effects *fx);
struct send_run *effects_push_run(struct effects *fx, struct address to);
/* A new adoption with a copy of the thread's name, the rest to be filled in at once. */
struct adoption *effects_push_adoption(struct effects *fx, struct bytes thread);
