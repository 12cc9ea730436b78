#include "worker/lock.h"

#include "common/memory.h"
#include "common/sign.h"

#include <inttypes.h>
#include <stdio.h>

enum { ACQUIRE, EXTEND, RELEASE, N_SCRIPTS };

/* KEYS[1] the lock. ARGV[1] the value we set, ARGV[2] its time to live in milliseconds.
 *
 * A value begins with 20 digits of the fence, so the order of the texts is the order of the fences. (Lua's own numbers
 * cannot hold 64 bits.) Finding our own value means that an earlier answer was lost. */
static const char *const scripts[N_SCRIPTS] = {
        [ACQUIRE] = "local held = redis.call('GET', KEYS[1])\n"
                    "if held and held ~= ARGV[1] and string.sub(held, 1, 20) >= string.sub(ARGV[1], 1, 20) then\n"
                    "  return 0\n"
                    "end\n"
                    "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
                    "return 1\n",
        [EXTEND] = "if redis.call('GET', KEYS[1]) == ARGV[1] then\n"
                   "  return redis.call('PEXPIRE', KEYS[1], ARGV[2])\n"
                   "end\n"
                   "return 0\n",
        [RELEASE] = "if redis.call('GET', KEYS[1]) == ARGV[1] then\n"
                    "  return redis.call('DEL', KEYS[1])\n"
                    "end\n"
                    "return 0\n",
};

struct locks {
        struct redis *redis;
        char uuid[2 * WIRE_UUID_LEN + 1];
};

int locks_new(struct loop *loop, const char *redis_url, const uint8_t uuid[WIRE_UUID_LEN], struct locks **ret,
              char **ret_error) {
        struct locks *locks = memory_new(1, sizeof *locks);
        CLEANUP_BUFFER struct buffer hex = {0};

        sign_hex_encode((struct bytes){uuid, WIRE_UUID_LEN}, &hex);
        snprintf(locks->uuid, sizeof locks->uuid, "%s", buffer_text(&hex));
        if (*redis_url) {
                int r = redis_new(loop, redis_url, scripts, N_SCRIPTS, &locks->redis, ret_error);

                if (r < 0) {
                        free(locks);
                        return r;
                }
        }
        *ret = locks;
        return 0;
}

struct locks *locks_free(struct locks *locks) {
        if (!locks)
                return NULL;
        redis_free(locks->redis);
        free(locks);
        return NULL;
}

static struct redis_request *eval(struct locks *locks, int script, const struct lock_claim *claim,
                                  void (*on_answer)(void *context, enum redis_result result, int64_t answer),
                                  void *context) {
        CLEANUP_FREE char *key = memory_print("lull:{%s/%s}:lock", claim->tenant, claim->thread);
        CLEANUP_FREE char *value = memory_print("%020" PRIu64 " %s", claim->fence, locks->uuid);
        CLEANUP_FREE char *ttl = memory_print("%" PRId64, span_to_ms(claim->ttl));
        const char *arguments[] = {value, ttl};

        return redis_eval(locks->redis, script, key, arguments, 2, on_answer, context);
}

struct redis_request *lock_acquire(struct locks *locks, const struct lock_claim *claim,
                                   void (*on_answer)(void *context, enum redis_result result, int64_t answer),
                                   void *context) {
        return eval(locks, ACQUIRE, claim, on_answer, context);
}

struct redis_request *lock_extend(struct locks *locks, const struct lock_claim *claim,
                                  void (*on_answer)(void *context, enum redis_result result, int64_t answer),
                                  void *context) {
        return eval(locks, EXTEND, claim, on_answer, context);
}

enum lock_answer lock_answer_of(enum redis_result result, int64_t answer) {
        if (result == REDIS_UNKNOWN)
                return LOCK_UNKNOWN;
        return answer == 1 ? LOCK_OURS : LOCK_THEIRS;
}

void lock_release(struct locks *locks, const struct lock_claim *claim) {
        struct redis_request *request = eval(locks, RELEASE, claim, NULL, NULL);

        redis_request_free(request);
}
