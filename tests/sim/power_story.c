#include "tests/sim/power_story.h"

#include "common/ensure.h"
#include "common/memory.h"
#include "tests/sim/disk_file.h"

#include <stdio.h>
#include <string.h>

enum {
        LIVE_MAX = 200, /* messages waiting at once */
        LIVE_AIM = 80, /* more than this, and more is finished than comes */
        IDS_MAX = 150, /* ids remembered */
        NOTES_MAX = 8, /* notes kept */
        GROUP_MAX = 8, /* messages that come together */
        BATCH_MAX = 4, /* messages of a batch */
        BODY_MAX = 12000, /* a long body: seven pieces */
        COMMITS_OF_A_LIFE = 29, /* then the store is closed and opened */
        PUT_MAX = 1024,
};

const char *const power_file_names[DISK_LOG_FILES] = {"data.mdb", "lull.lock", "journal", "journal-2"};
const struct store_form power_store_form = {{8 * RECORD_ALIGN, 32 * RECORD_ALIGN}, BESIDE_LATER};

/* What a change put, and a later one deletes. */
struct put {
        enum change_type type;
        uint64_t seq;
        struct power_sum sum;
};

/* A message that is not finished; as the first of a batch it may have a record. */
struct live {
        uint64_t seq;
        bool has_record, is_answered, is_dead;
        struct stored_batch batch;
};

struct teller {
        struct power_story *story;
        const char *uri;
        struct store *store;
        struct effects fx;
        uint64_t dice, next_seq, ids_from; /* the first seq whose id is remembered */
        struct live live[LIVE_MAX];
        uint32_t n_live;
        uint64_t notes[NOTES_MAX];
        uint32_t n_notes;
        struct put puts[PUT_MAX];
        uint32_t n_puts;
        struct power_sum sum;
        uint64_t ids[IDS_MAX + 64];
        uint32_t n_ids;
        char text[BODY_MAX];
};

/* -- what must be there -------------------------------------------------------------------------------------------- */

/* Which change deletes what another put: the two types, and the number under which it was put. */
static const struct {
        enum change_type put, delete;
} pairs[] = {
        {CHANGE_PUT_MESSAGE, CHANGE_DELETE_MESSAGE}, {CHANGE_PUT_BATCH, CHANGE_DELETE_BATCH},
        {CHANGE_PUT_ANSWER, CHANGE_DELETE_ANSWER},   {CHANGE_PUT_SEEN, CHANGE_DELETE_SEEN},
        {CHANGE_PUT_NOTE, CHANGE_DELETE_NOTE},
};

static void forget(struct teller *teller, enum change_type put, uint64_t seq) {
        for (uint32_t i = 0; i < teller->n_puts; i++) {
                struct put *found = &teller->puts[i];

                if (found->type != put || found->seq != seq)
                        continue;
                teller->sum.sum -= found->sum.sum;
                teller->sum.n -= found->sum.n;
                *found = teller->puts[--teller->n_puts];
                return;
        }
}

static struct put sum_of(const struct change *change) {
        struct put put = {.type = change->type, .seq = change->seq};

        if (change->type == CHANGE_PUT_MESSAGE)
                power_sum_message(&put.sum, &change->message), put.seq = change->message.seq;
        else if (change->type == CHANGE_PUT_BATCH)
                power_sum_batch(&put.sum, change->batch), put.seq = change->batch->seq;
        else if (change->type == CHANGE_PUT_ANSWER)
                power_sum_answer(&put.sum, change->seq, change->answer);
        else if (change->type == CHANGE_PUT_SEEN)
                power_sum_seen(&put.sum, &change->seen), put.seq = change->seen.seq;
        else
                power_sum_note(&put.sum, &change->note), put.seq = change->note.seq;
        return put;
}

static void expect(struct teller *teller, const struct change *change) {
        struct put put;

        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
                if (change->type == pairs[i].delete) {
                        forget(teller, pairs[i].put, change->seq);
                        return;
                }
        put = sum_of(change);
        forget(teller, put.type, put.seq);
        ENSURE(teller->n_puts < PUT_MAX);
        teller->puts[teller->n_puts++] = put;
        teller->sum.sum += put.sum.sum;
        teller->sum.n += put.sum.n;
}

static void acknowledge(struct teller *teller, size_t begin, bool is_commit) {
        struct power_story *story = teller->story;

        if (story->n_acks == story->cap) {
                story->cap = story->cap ? story->cap * 2 : 512;
                story->acks = memory_resize(story->acks, story->cap, sizeof *story->acks);
        }
        story->acks[story->n_acks++] = (struct power_ack){
                begin, story->log.n, teller->sum, teller->next_seq - 1, store_head(teller->store).epoch, is_commit};
}

/* -- what happens -------------------------------------------------------------------------------------------------- */

static uint32_t roll(struct teller *teller, uint32_t n) { return disk_roll(&teller->dice, n); }

/* Mostly a line, now and then a long letter. */
static struct bytes text_of(struct teller *teller, uint32_t longest) {
        size_t len = 20 + roll(teller, roll(teller, 12) == 0 ? longest - 20 : 300);
        char first = (char)('a' + roll(teller, 26));

        for (size_t i = 0; i < len; i++)
                teller->text[i] = (char)(first + (char)(i / 7 % 5));
        return (struct bytes){teller->text, len};
}

/* The change's own copies of texts live as long as the effects. */
static struct bytes keep(struct teller *teller, struct bytes text) {
        uint8_t *at = buffer_reserve(&teller->fx.frames, text.len);

        memcpy(at, text.data, text.len);
        teller->fx.frames.len += text.len;
        return (struct bytes){at, text.len};
}

static void come(struct teller *teller) {
        uint32_t n = 1 + roll(teller, GROUP_MAX);

        for (uint32_t i = 0; i < n && teller->n_live < LIVE_MAX && teller->n_ids < IDS_MAX; i++) {
                uint64_t seq = teller->next_seq++;
                struct stored_message message = {seq, {1000 * (int64_t)seq}, bytes_of("acme")};

                message.thread = bytes_of(roll(teller, 2) ? "5511" : "a-conversation-with-a-longer-name@g.us");
                message.id = keep(teller, (struct bytes){&seq, sizeof seq});
                message.channel = bytes_of(roll(teller, 2) ? "whatsapp" : "");
                message.body = keep(teller, text_of(teller, BODY_MAX));
                effects_push_change(&teller->fx, CHANGE_PUT_MESSAGE)->message = message;
                effects_push_change(&teller->fx, CHANGE_PUT_SEEN)->seen =
                        (struct stored_seen){seq, {seq * 31, seq * 37}, {1000 * (int64_t)seq}};
                teller->live[teller->n_live++] = (struct live){.seq = seq};
                teller->ids[teller->n_ids++] = seq;
        }
}

static void forget_ids(struct teller *teller) {
        uint32_t n = roll(teller, 20);

        n = n > teller->n_ids ? teller->n_ids : n;
        for (uint32_t i = 0; i < n; i++)
                effects_delete(&teller->fx, CHANGE_DELETE_SEEN, teller->ids[i]);
        teller->n_ids -= n;
        memmove(teller->ids, teller->ids + n, teller->n_ids * sizeof *teller->ids);
}

/* How many messages the batch that begins at `first` has: those behind it that are in none. */
static uint32_t batch_len(const struct teller *teller, uint32_t first) {
        uint32_t n = 1;

        while (n < BATCH_MAX && first + n < teller->n_live && !teller->live[first + n].has_record)
                n++;
        return n;
}

static void put_batch(struct teller *teller, uint32_t first, bool is_settled) {
        struct live *live = &teller->live[first];
        uint32_t n = is_settled ? batch_len(teller, first) : 0;
        uint64_t *seqs;
        struct stored_batch *batch = effects_push_batch(&teller->fx, n, &seqs);
        const uint64_t *own = batch->seqs;

        live->has_record = true;
        live->batch.seq = live->seq;
        live->batch.at.ms += 2000;
        *batch = live->batch;
        batch->seqs = own;
        batch->n_seqs = n;
        for (uint32_t i = 0; i < n; i++)
                seqs[i] = teller->live[first + i].seq;
}

static void fail(struct teller *teller, uint32_t first) {
        struct stored_batch *batch = &teller->live[first].batch;

        batch->attempts++;
        batch->fence = roll(teller, 1000);
        snprintf(batch->code, sizeof batch->code, "http_500");
        snprintf(batch->why, sizeof batch->why, "the handler answered %.*s", BYTES_PRINT(text_of(teller, 200)));
        put_batch(teller, first, teller->live[first].is_answered);
}

static void answer(struct teller *teller, uint32_t first) {
        struct change *change = effects_push_change(&teller->fx, CHANGE_PUT_ANSWER);

        change->seq = teller->live[first].seq;
        change->answer = keep(teller, text_of(teller, BODY_MAX));
        teller->live[first].is_answered = teller->live[first].batch.is_answered = true;
        put_batch(teller, first, true);
}

static void bury(struct teller *teller, uint32_t first) {
        teller->live[first].is_dead = true;
        teller->live[first].batch.kind = STORED_DEAD;
        put_batch(teller, first, true);
}

static void finish(struct teller *teller, uint32_t first) {
        uint32_t n = batch_len(teller, first);

        for (uint32_t i = 0; i < n; i++)
                effects_delete(&teller->fx, CHANGE_DELETE_MESSAGE, teller->live[first + i].seq);
        if (teller->live[first].has_record)
                effects_delete(&teller->fx, CHANGE_DELETE_BATCH, teller->live[first].seq);
        if (teller->live[first].is_answered)
                effects_delete(&teller->fx, CHANGE_DELETE_ANSWER, teller->live[first].seq);
        teller->n_live -= n;
        memmove(teller->live + first, teller->live + first + n, (teller->n_live - first) * sizeof *teller->live);
}

static void run(struct teller *teller) {
        uint32_t first = roll(teller, teller->n_live);
        struct live *live = &teller->live[first];

        switch (teller->n_live > LIVE_AIM ? 0 : roll(teller, 6)) {
        case 0:
        case 1:
                finish(teller, first);
                break;
        case 2:
                if (!live->is_answered && !live->is_dead)
                        answer(teller, first);
                break;
        case 3:
                if (!live->is_dead)
                        bury(teller, first);
                break;
        default:
                if (!live->is_dead)
                        fail(teller, first);
                break;
        }
}

static void note(struct teller *teller) {
        struct stored_note *put;

        if (teller->n_notes == NOTES_MAX) {
                effects_delete(&teller->fx, CHANGE_DELETE_NOTE, teller->notes[0]);
                memmove(teller->notes, teller->notes + 1, --teller->n_notes * sizeof *teller->notes);
        }
        teller->notes[teller->n_notes++] = teller->next_seq;
        put = &effects_push_change(&teller->fx, CHANGE_PUT_NOTE)->note;
        put->seq = teller->next_seq++;
        put->kind = STORED_HOLD;
        put->tenant = bytes_of("acme");
        put->name = keep(teller, text_of(teller, 100));
        put->value = keep(teller, text_of(teller, 100));
}

/* A turn of the broker: everything that happened in it in one commit. */
static void turn(struct teller *teller) {
        buffer_reserve(&teller->fx.frames, 64 * BODY_MAX);
        if (teller->n_live < LIVE_AIM / 2 || roll(teller, 2))
                come(teller);
        for (uint32_t i = roll(teller, 4); i > 0 && teller->n_live > 0; i--)
                run(teller);
        if (roll(teller, 4) == 0 || teller->n_ids == IDS_MAX)
                forget_ids(teller);
        if (roll(teller, 16) == 0 || teller->fx.n_changes == 0)
                note(teller);
}

/* -- the story ----------------------------------------------------------------------------------------------------- */

static void open_store(struct teller *teller) {
        size_t begin = teller->story->log.n;
        char *error = NULL;

        ENSURE(store_open_formed(teller->uri, &power_store_form, &teller->store, &error) == 0);
        teller->next_seq = store_head(teller->store).first_seq;
        teller->story->salt = store_head(teller->store).salt;
        acknowledge(teller, begin, false);
}

/* In good order every second time; else as it is, with what its journal holds. */
static void close_store(struct teller *teller, bool is_in_order) {
        struct store_counts counts;
        struct store_counts *sum = &teller->story->journal;

        if (is_in_order)
                ENSURE(store_end(teller->store) == 0);
        counts = store_counts(teller->store);
        sum->n_records += counts.n_records;
        sum->n_replayed += counts.n_replayed;
        sum->n_checkpoints += counts.n_checkpoints;
        sum->n_grown += counts.n_grown;
        store_close(teller->store);
}

static void commit(struct teller *teller) {
        size_t begin = teller->story->log.n;

        turn(teller);
        for (size_t i = 0; i < teller->fx.n_changes; i++)
                expect(teller, &teller->fx.changes[i]);
        ENSURE(store_commit(teller->store, teller->fx.changes, teller->fx.n_changes) == 0);
        acknowledge(teller, begin, true);
        effects_clear(&teller->fx);
}

void power_story_init(struct power_story *story, const char *folder, uint64_t seed, uint32_t n_commits) {
        CLEANUP_FREE char *uri = memory_print("lmdb:%s", folder);
        CLEANUP_FREE struct teller *teller = memory_new(1, sizeof *teller);

        *story = (struct power_story){.n_commits = n_commits};
        memcpy(story->log.names, power_file_names, sizeof story->log.names);
        teller->story = story;
        teller->uri = uri;
        teller->dice = seed;
        disk_open(folder, seed);
        disk_record(&story->log);
        open_store(teller);
        for (uint32_t i = 1; i <= n_commits; i++) {
                commit(teller);
                if (i % COMMITS_OF_A_LIFE == 0) {
                        close_store(teller, i / COMMITS_OF_A_LIFE % 2 == 0);
                        open_store(teller);
                }
        }
        close_store(teller, seed % 2 == 0);
        disk_close();
        effects_done(&teller->fx);
        for (size_t i = 0; i < story->log.n; i++)
                if (story->log.entries[i].type == DISK_ENTRY_WRITE)
                        story->n_sectors += story->log.entries[i].len / DISK_SECTOR;
        for (size_t i = 0; i < story->log.n; i++)
                if (story->log.entries[i].file_len > story->file_len)
                        story->file_len = story->log.entries[i].file_len;
}

void power_story_done(struct power_story *story) {
        disk_log_done(&story->log);
        free(story->acks);
}
