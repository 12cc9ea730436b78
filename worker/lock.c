#include "worker/lock.h"

#include "common/memory.h"
#include "common/sign.h"
#include "worker/core/run_record.h"
#include "worker/scripts.h"

#include <stdio.h>

struct locks {
        struct redis *redis;
        char uuid[2 * WIRE_UUID_LEN + 1];
        /* What a script is given, while it is. */
        struct buffer lock, record, value, ttl, text;
};

struct locks *locks_new(struct redis *redis, const uint8_t uuid[WIRE_UUID_LEN]) {
        struct locks *locks = memory_new(1, sizeof *locks);
        CLEANUP_BUFFER struct buffer hex = {0};

        sign_hex_encode((struct bytes){uuid, WIRE_UUID_LEN}, &hex);
        snprintf(locks->uuid, sizeof locks->uuid, "%s", buffer_text(&hex));
        locks->redis = redis;
        return locks;
}

struct locks *locks_free(struct locks *locks) {
        if (!locks)
                return NULL;
        buffer_done(&locks->lock);
        buffer_done(&locks->record);
        buffer_done(&locks->value);
        buffer_done(&locks->ttl);
        buffer_done(&locks->text);
        free(locks);
        return NULL;
}

/* -- what the scripts are given ------------------------------------------------------------------------------------ */

static struct bytes write_record(struct locks *locks, const struct lock_claim *claim, const char *provider_id) {
        struct run_record record = {
                .fence = claim->fence,
                .batch = claim->batch,
                .worker = locks->uuid,
                .since = claim->since,
                .provider = claim->provider,
                .provider_id = provider_id,
        };

        buffer_clear(&locks->text);
        run_record_encode(&record, &locks->text);
        return buffer_bytes(&locks->text);
}

static struct bytes write_ttl(struct locks *locks, const struct lock_claim *claim) {
        buffer_clear(&locks->ttl);
        buffer_push_number(&locks->ttl, (uint64_t)span_to_ms(claim->ttl));
        return buffer_bytes(&locks->ttl);
}

static struct bytes write_key(const struct lock_claim *claim, const char *name, struct buffer *key) {
        buffer_clear(key);
        buffer_push_text(key, "lull:{");
        buffer_push_text(key, claim->tenant);
        buffer_push_text(key, "/");
        buffer_push_text(key, claim->thread);
        buffer_push_text(key, name);
        return buffer_bytes(key);
}

/* FENCE_DIGITS of the fence, so that the order of the texts is the order of the fences. */
static struct bytes write_value(struct locks *locks, const struct lock_claim *claim) {
        enum { FENCE_DIGITS = 20 };
        char digits[FENCE_DIGITS + 1];
        uint64_t fence = claim->fence;

        digits[FENCE_DIGITS] = ' ';
        for (int i = FENCE_DIGITS - 1; i >= 0; i--, fence /= 10)
                digits[i] = (char)('0' + fence % 10);
        buffer_clear(&locks->value);
        buffer_push(&locks->value, digits, sizeof digits);
        buffer_push_text(&locks->value, locks->uuid);
        return buffer_bytes(&locks->value);
}

/* `others` are the arguments behind the lock's value. */
static struct redis_request *eval(struct locks *locks, enum script script, const struct lock_claim *claim,
                                  const struct bytes *others, int n_others,
                                  void (*on_answer)(void *context, const struct redis_answer *answer), void *context) {
        struct redis_call call = {
                .script = script,
                .keys = {write_key(claim, "}:lock", &locks->lock), write_key(claim, "}:run", &locks->record)},
                .n_keys = 2,
                .arguments = {write_value(locks, claim)},
                .n_arguments = 1,
        };

        for (int i = 0; i < n_others; i++)
                call.arguments[call.n_arguments++] = others[i];
        return redis_eval(locks->redis, &call, on_answer, context);
}

/* -- asking -------------------------------------------------------------------------------------------------------- */

struct redis_request *lock_acquire(struct locks *locks, const struct lock_claim *claim,
                                   void (*on_answer)(void *context, const struct redis_answer *answer), void *context) {
        const struct bytes others[] = {write_ttl(locks, claim), write_record(locks, claim, NULL)};

        return eval(locks, SCRIPT_LOCK_ACQUIRE, claim, others, 2, on_answer, context);
}

struct redis_request *lock_extend(struct locks *locks, const struct lock_claim *claim,
                                  void (*on_answer)(void *context, const struct redis_answer *answer), void *context) {
        const struct bytes others[] = {write_ttl(locks, claim)};

        return eval(locks, SCRIPT_LOCK_EXTEND, claim, others, 1, on_answer, context);
}

enum lock_answer lock_answer_of(const struct redis_answer *answer) {
        if (answer->result == REDIS_UNKNOWN)
                return LOCK_UNKNOWN;
        return answer->number == 1 ? LOCK_OURS : LOCK_THEIRS;
}

void lock_note(struct locks *locks, const struct lock_claim *claim, const char *provider_id) {
        const struct bytes others[] = {write_record(locks, claim, provider_id)};

        eval(locks, SCRIPT_LOCK_NOTE, claim, others, 1, NULL, NULL);
}

void lock_release(struct locks *locks, const struct lock_claim *claim) {
        eval(locks, SCRIPT_LOCK_RELEASE, claim, NULL, 0, NULL, NULL);
}
