/* What belongs together, when it is due, and what it is called. */
#include "broker/core/state.h"

#include "common/ensure.h"

#include <errno.h>
#include <string.h>

bool batch_may_begin_anew(const struct core *core, struct now now, const struct thread *thread) {
        const struct config_tenant *settings = settings_of(core, thread);
        const struct message *first = &core->messages[thread->messages.first];

        if (thread->state != THREAD_RUNNING || thread->is_answered || first->is_record)
                return false;
        if (settings->on_new_message != CONFIG_ON_NEW_INTERRUPT ||
            thread->effort->n_interrupts >= settings->max_interrupts)
                return false;
        return mono_is_before(now.mono, mono_add(first->at, settings->max_wait));
}

/* Until when what speech says is waited for: of the messages that would go out together. */
static struct mono mute_until(const struct core *core, const struct thread *thread,
                              const struct config_tenant *settings) {
        uint32_t at = thread->messages.first;
        struct mono until = thread->effort->stirred;

        if (!thread->has_mute || settings->transcription_wait.us == 0)
                return until;
        for (uint32_t n = 0; at != NONE && n < settings->max_messages; n++, at = core->messages[at].next)
                if (core->messages[at].is_mute)
                        until = mono_max(until, mono_add(core->messages[at].at, settings->transcription_wait));
        return until;
}

/* Settings of a tenant that the config does not know (any more): nothing of it is due. What is only recorded waits for
 * nothing. */
struct mono batch_due(const struct core *core, struct now now, const struct thread *thread) {
        const struct config_tenant *settings = settings_of(core, thread);
        const struct message *first, *last;
        struct mono due;

        if (!settings)
                return MONO_NEVER;
        first = &core->messages[thread->messages.first];
        last = &core->messages[thread->messages.last];
        if (first->is_record || thread->messages.n >= settings->max_messages ||
            thread->messages.n_bytes >= settings->max_bytes)
                return mono_min(now.mono, last->at);
        due = mono_max(mono_add(last->at, settings->quiet), mute_until(core, thread, settings));
        return mono_min(due, mono_add(first->at, settings->max_wait));
}

uint32_t batch_size(const struct core *core, const struct thread *thread) {
        const struct config_tenant *settings = settings_of(core, thread);
        uint32_t is_record = core->messages[thread->messages.first].is_record;
        uint32_t n = 0;
        uint64_t bytes = 0;

        if (thread->n_batch > 0)
                return thread->n_batch;
        for (uint32_t at = thread->messages.first; at != NONE && n < settings->max_messages;
             at = core->messages[at].next) {
                bytes += core->messages[at].bytes;
                if (n > 0 && bytes > settings->max_bytes)
                        break; /* one message goes even when it is over the cap by itself */
                if (core->messages[at].is_record != is_record)
                        break; /* what is to be answered never goes with what is not */
                n++;
        }
        return n;
}

/* -- ids: a ULID whose time is the acceptance of the first message, and whose other 80 bits are the first message's
 * sequence number (48) and a hash of which messages there are, in which wording (32). ------------------------------ */

static const char base32[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* The hash of one message more. One that was edited is another: what was answered to its old text is no answer to the
 * new one. */
static uint64_t hash_next(const struct core *core, uint64_t hash, uint32_t at) {
        const struct message *message = &core->messages[at];
        uint8_t n_edits = message->n_edits;

        hash = hash_64(hash, (struct bytes){&message->seq, sizeof message->seq});
        return n_edits > 0 ? hash_64(hash, (struct bytes){&n_edits, 1}) : hash;
}

/* The last `n` digits of the number, at most twelve: more than that do not fit into one. */
static void write_digits(char *text, uint64_t number, int n) {
        for (int i = n - 1; i >= 0; i--, number >>= 5)
                text[i] = base32[number & 31];
}

static void write_name(const struct message *first, uint64_t hash, char *text) {
        unsigned __int128 id = (unsigned __int128)((uint64_t)first->accepted.ms & LIMIT_SEQ_MAX) << 80 |
                               (unsigned __int128)(first->seq & LIMIT_SEQ_MAX) << 32 | (uint32_t)hash;

        write_digits(text, (uint64_t)(id >> 120), 2);
        write_digits(text + 2, (uint64_t)(id >> 60), 12);
        write_digits(text + 14, (uint64_t)id, 12);
        text[WIRE_BATCH_LEN] = 0;
}

void batch_name(const struct core *core, const struct message_list *messages, uint32_t n, char *text) {
        uint64_t hash = core->salt;
        uint32_t at = messages->first;

        for (uint32_t i = 0; i < n; i++, at = core->messages[at].next)
                hash = hash_next(core, hash, at);
        write_name(&core->messages[messages->first], hash, text);
}

static int parse(struct bytes text, uint64_t *ret_seq, uint64_t *ret_hash) {
        unsigned __int128 id = 0;

        if (text.len != WIRE_BATCH_LEN)
                return -EBADMSG;
        for (size_t i = 0; i < text.len; i++) {
                char letter = ((const char *)text.data)[i];
                const char *digit = letter ? strchr(base32, letter) : NULL;

                if (!digit)
                        return -EBADMSG;
                id = id << 5 | (unsigned)(digit - base32);
        }
        *ret_hash = (uint32_t)id;
        *ret_seq = (uint64_t)(id >> 32) & LIMIT_SEQ_MAX;
        return 0;
}

uint32_t batch_count(const struct core *core, const struct message_list *messages, struct bytes text) {
        uint64_t hash = core->salt, wanted, seq;
        char name[WIRE_BATCH_LEN + 1];
        uint32_t n = 0;

        if (parse(text, &seq, &wanted) < 0)
                return 0;
        for (uint32_t at = messages->first; at != NONE && n < LIMIT_BATCH_MESSAGES_MAX; at = core->messages[at].next) {
                hash = hash_next(core, hash, at);
                n++;
                if ((uint32_t)hash != wanted)
                        continue; /* spelling each one out would take ten times as long */
                write_name(&core->messages[messages->first], hash, name);
                if (bytes_is_text(text, name))
                        return n;
        }
        return 0;
}

int batch_parse(struct bytes text, uint64_t *ret_seq) {
        uint64_t hash;

        return parse(text, ret_seq, &hash);
}

void batch_store(struct core *core, struct thread *thread, struct wall at, uint32_t n_seqs, struct effects *fx) {
        uint64_t *seqs;
        struct stored_batch *batch = effects_push_batch(fx, n_seqs, &seqs);
        uint32_t message = thread->messages.first;

        batch->seq = thread_seq(core, thread);
        batch->kind = STORED_RETRYING;
        batch->at = at;
        batch->attempts = thread->effort->attempts;
        batch->lost = thread->effort->lost;
        batch->posted = thread->effort->posted;
        batch->fence = thread->effort->void_fence;
        batch->posting = thread->effort->posting;
        batch->is_answered = thread->is_answered;
        batch->is_doubtful = thread->is_doubtful;
        batch->n_replies = thread->effort->n_replies;
        batch->n_interrupts = thread->effort->n_interrupts;
        if (thread->effort->failure) {
                memcpy(batch->code, thread->effort->failure->code, sizeof batch->code);
                memcpy(batch->why, thread->effort->failure->why, sizeof batch->why);
        }
        for (uint32_t i = 0; i < n_seqs; i++, message = core->messages[message].next)
                seqs[i] = core->messages[message].seq;
        thread->has_record = true;
}
