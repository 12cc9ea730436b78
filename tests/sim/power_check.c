#include "tests/sim/power_check.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <stdio.h>
#include <string.h>

/* What a load brings. */
struct found {
        struct power_sum sum;
        uint64_t *answered; /* batches that have an answer */
        size_t n_answered, cap;
};

static void on_message(void *context, const struct stored_message *message) {
        power_sum_message(&((struct found *)context)->sum, message);
}

static void on_seen(void *context, const struct stored_seen *seen) {
        power_sum_seen(&((struct found *)context)->sum, seen);
}

static void on_note(void *context, const struct stored_note *note) {
        power_sum_note(&((struct found *)context)->sum, note);
}

static void on_batch(void *context, const struct stored_batch *batch) {
        struct found *found = context;

        power_sum_batch(&found->sum, batch);
        if (!batch->is_answered)
                return;
        if (found->n_answered == found->cap) {
                found->cap = found->cap ? found->cap * 2 : 64;
                found->answered = memory_resize(found->answered, found->cap, sizeof *found->answered);
        }
        found->answered[found->n_answered++] = batch->seq;
}

/* A load leaves answers where they are; a run reads its own. */
static int read_answers(struct store *store, struct found *found, char **ret_error) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct bytes answer;
        int r = 0;

        for (size_t i = 0; i < found->n_answered && r == 0; i++) {
                buffer_clear(&memory);
                r = store_read_answer(store, found->answered[i], &memory, &answer);
                if (r == 0)
                        power_sum_answer(&found->sum, found->answered[i], answer);
                else
                        *ret_error = memory_print("the store is damaged: answer %llu: %s",
                                                  (unsigned long long)found->answered[i], strerror(-r));
        }
        store_release(store);
        return r;
}

static int read_all(struct store *store, struct power_sum *ret_sum, char **ret_error) {
        struct found found = {0};
        struct store_visitor visitor = {
                .batch = on_batch, .message = on_message, .seen = on_seen, .note = on_note, .context = &found};
        int r = store_load(store, &visitor, ret_error);

        if (r == 0)
                r = read_answers(store, &found, ret_error);
        *ret_sum = found.sum;
        free(found.answered);
        return r;
}

static enum power_verdict refuse(const char *error, char *why) {
        snprintf(why, POWER_WHY, "%s", error ? error : "no word of explanation");
        return error && strncmp(error, "the store is damaged: ", 22) == 0 ? POWER_NAMED : POWER_REFUSED;
}

static bool is_equal(struct power_sum a, struct power_sum b) { return a.sum == b.sum && a.n == b.n; }

/* Nothing is used twice: epochs, and with them fences, nor sequence numbers. */
static const char *wrong_head(const struct power_story *story, const struct power_image *image,
                              struct store_head head) {
        const struct power_ack *ack = &story->acks[image->ack];

        if (ack->end > image->at) /* nothing was acknowledged yet */
                return NULL;
        return head.epoch <= ack->epoch             ? "the epoch did not grow"
               : head.salt != story->salt           ? "the salt is another"
               : head.first_seq <= ack->highest_seq ? "sequence numbers would be used again"
                                                    : NULL;
}

static enum power_verdict judge(const struct power_story *story, const struct power_image *image,
                                struct store_head head, struct power_sum sum, char *why) {
        const struct power_ack *ack = &story->acks[image->ack];
        struct power_sum before = ack->end <= image->at ? ack->sum : (struct power_sum){0};
        const char *wrong = wrong_head(story, image, head);

        if (!wrong && is_equal(sum, before))
                return POWER_OLD;
        if (!wrong && image->is_under_way && is_equal(sum, ack[1].sum))
                return POWER_NEW;
        snprintf(why, POWER_WHY, "%s; %u values were acknowledged, %u are there",
                 wrong ? wrong : "what is in it is not what was acknowledged", before.n, sum.n);
        return POWER_WRONG;
}

/* The broker goes on with it: a message more, and all the others still there at the next start. */
static enum power_verdict go_on(struct store **store, const char *uri, struct power_sum sum, char *why) {
        struct change change = {.type = CHANGE_PUT_MESSAGE};
        CLEANUP_FREE char *error = NULL;
        struct power_sum after;
        int r;

        change.message = (struct stored_message){.seq = store_head(*store).first_seq, .thread = bytes_of("goes on")};
        power_sum_message(&sum, &change.message);
        r = store_commit(*store, &change, 1);
        *store = store_close(*store);
        if (r == 0)
                r = store_open_formed(uri, &power_store_form, store, &error);
        if (r == 0)
                r = read_all(*store, &after, &error);
        if (r < 0)
                return refuse(error, why);
        if (is_equal(sum, after))
                return POWER_OLD;
        snprintf(why, POWER_WHY, "after one more commit %u values should be there, %u are", sum.n, after.n);
        return POWER_WRONG;
}

static void store_files(const struct power_story *story, const struct power_image *image, const char *folder) {
        for (int i = 0; i < DISK_LOG_FILES; i++) {
                CLEANUP_FREE char *path = memory_print("%s/%s", folder, story->log.names[i]);

                disk_file_store(path, buffer_bytes(&image->contents[i]));
        }
}

enum power_verdict power_check(const struct power_story *story, const struct power_image *image, const char *folder,
                               bool is_used, char *why) {
        CLEANUP_FREE char *uri = memory_print("lmdb:%s", folder);
        CLEANUP_FREE char *error = NULL;
        CLEANUP_STORE struct store *store = NULL;
        struct power_sum sum;
        enum power_verdict verdict, later;
        int r;

        store_files(story, image, folder);
        r = store_open_formed(uri, &power_store_form, &store, &error);
        if (r == 0)
                r = read_all(store, &sum, &error);
        if (r < 0)
                return refuse(error, why);
        verdict = judge(story, image, store_head(store), sum, why);
        if (!is_used || verdict == POWER_WRONG)
                return verdict;
        later = go_on(&store, uri, sum, why);
        return later == POWER_OLD ? verdict : later;
}
