#include "tests/sim/power_story.h"

#include "common/hash.h"
#include "common/pack.h"

enum kind { MESSAGE, BATCH, ANSWER, SEEN, NOTE };

/* Order does not matter, and what comes twice is not nothing. */
static void add(struct power_sum *sum, enum kind kind, uint64_t seq, struct buffer *fields) {
        sum->sum += hash_64(seq * 8 + kind, buffer_bytes(fields));
        sum->n++;
}

void power_sum_message(struct power_sum *sum, const struct stored_message *message) {
        CLEANUP_BUFFER struct buffer fields = {0};

        pack_push_int(&fields, message->accepted.ms);
        pack_push_bin(&fields, message->tenant);
        pack_push_bin(&fields, message->thread);
        pack_push_bin(&fields, message->id);
        pack_push_bin(&fields, message->channel);
        pack_push_bin(&fields, message->body);
        add(sum, MESSAGE, message->seq, &fields);
}

void power_sum_batch(struct power_sum *sum, const struct stored_batch *batch) {
        CLEANUP_BUFFER struct buffer fields = {0};

        pack_push_uint(&fields, batch->kind);
        pack_push_int(&fields, batch->at.ms);
        pack_push_uint(&fields, batch->attempts);
        pack_push_uint(&fields, batch->lost);
        pack_push_uint(&fields, batch->posted);
        pack_push_uint(&fields, batch->fence);
        pack_push_uint(&fields, batch->is_answered);
        pack_push_uint(&fields, batch->is_doubtful);
        pack_push_uint(&fields, batch->n_replies);
        pack_push_uint(&fields, batch->n_interrupts);
        pack_push_str(&fields, bytes_of(batch->code));
        pack_push_str(&fields, bytes_of(batch->why));
        for (uint32_t i = 0; i < batch->n_seqs; i++)
                pack_push_uint(&fields, batch->seqs[i]);
        add(sum, BATCH, batch->seq, &fields);
}

void power_sum_answer(struct power_sum *sum, uint64_t seq, struct bytes answer) {
        CLEANUP_BUFFER struct buffer fields = {0};

        pack_push_bin(&fields, answer);
        add(sum, ANSWER, seq, &fields);
}

void power_sum_seen(struct power_sum *sum, const struct stored_seen *seen) {
        CLEANUP_BUFFER struct buffer fields = {0};

        pack_push_int(&fields, seen->at.ms);
        pack_push_uint(&fields, seen->hash.low);
        pack_push_uint(&fields, seen->hash.high);
        add(sum, SEEN, seen->seq, &fields);
}

void power_sum_note(struct power_sum *sum, const struct stored_note *note) {
        CLEANUP_BUFFER struct buffer fields = {0};

        pack_push_uint(&fields, note->kind);
        pack_push_bin(&fields, note->tenant);
        pack_push_bin(&fields, note->name);
        pack_push_bin(&fields, note->value);
        pack_push_int(&fields, note->at.ms);
        pack_push_int(&fields, note->until.ms);
        add(sum, NOTE, note->seq, &fields);
}
