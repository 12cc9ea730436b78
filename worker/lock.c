#include "worker/lock.h"

#include "common/memory.h"
#include "common/sign.h"
#include "worker/core/run_record.h"
#include "worker/scripts.h"

#include <inttypes.h>
#include <stdio.h>

struct locks {
        struct redis *redis;
        char uuid[2 * WIRE_UUID_LEN + 1];
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
        free(locks);
        return NULL;
}

/* -- what the scripts are given ------------------------------------------------------------------------------------ */

static void push_record(const struct locks *locks, const struct lock_claim *claim, const char *provider_id,
                        struct buffer *text) {
        struct run_record record = {
                .fence = claim->fence,
                .batch = claim->batch,
                .worker = locks->uuid,
                .since = claim->since,
                .provider = claim->provider,
                .provider_id = provider_id,
        };

        run_record_encode(&record, text);
}

/* `others` are the arguments behind the lock's value. */
static struct redis_request *eval(struct locks *locks, enum script script, const struct lock_claim *claim,
                                  const struct bytes *others, int n_others,
                                  void (*on_answer)(void *context, const struct redis_answer *answer), void *context) {
        CLEANUP_FREE char *lock = memory_print("lull:{%s/%s}:lock", claim->tenant, claim->thread);
        CLEANUP_FREE char *record = memory_print("lull:{%s/%s}:run", claim->tenant, claim->thread);
        CLEANUP_FREE char *value = memory_print("%020" PRIu64 " %s", claim->fence, locks->uuid);
        struct redis_call call = {
                .script = script,
                .keys = {bytes_of(lock), bytes_of(record)},
                .n_keys = 2,
                .arguments = {bytes_of(value)},
                .n_arguments = 1,
        };

        for (int i = 0; i < n_others; i++)
                call.arguments[call.n_arguments++] = others[i];
        return redis_eval(locks->redis, &call, on_answer, context);
}

/* -- asking -------------------------------------------------------------------------------------------------------- */

struct redis_request *lock_acquire(struct locks *locks, const struct lock_claim *claim,
                                   void (*on_answer)(void *context, const struct redis_answer *answer), void *context) {
        CLEANUP_FREE char *ttl = memory_print("%" PRId64, span_to_ms(claim->ttl));
        CLEANUP_BUFFER struct buffer record = {0};

        push_record(locks, claim, NULL, &record);
        return eval(locks, SCRIPT_LOCK_ACQUIRE, claim, (struct bytes[]){bytes_of(ttl), buffer_bytes(&record)}, 2,
                    on_answer, context);
}

struct redis_request *lock_extend(struct locks *locks, const struct lock_claim *claim,
                                  void (*on_answer)(void *context, const struct redis_answer *answer), void *context) {
        CLEANUP_FREE char *ttl = memory_print("%" PRId64, span_to_ms(claim->ttl));

        return eval(locks, SCRIPT_LOCK_EXTEND, claim, (struct bytes[]){bytes_of(ttl)}, 1, on_answer, context);
}

enum lock_answer lock_answer_of(const struct redis_answer *answer) {
        if (answer->result == REDIS_UNKNOWN)
                return LOCK_UNKNOWN;
        return answer->number == 1 ? LOCK_OURS : LOCK_THEIRS;
}

void lock_note(struct locks *locks, const struct lock_claim *claim, const char *provider_id) {
        CLEANUP_BUFFER struct buffer record = {0};

        push_record(locks, claim, provider_id, &record);
        eval(locks, SCRIPT_LOCK_NOTE, claim, (struct bytes[]){buffer_bytes(&record)}, 1, NULL, NULL);
}

void lock_release(struct locks *locks, const struct lock_claim *claim) {
        eval(locks, SCRIPT_LOCK_RELEASE, claim, NULL, 0, NULL, NULL);
}
