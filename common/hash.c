#include "common/hash.h"

/* Its source, not its library: what is hashed is mostly of a length that a call through the library's tables and
 * dispatch takes longer for than the hash itself. */
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_64(uint64_t seed, struct bytes bytes) { return XXH3_64bits_withSeed(bytes.data, bytes.len, seed); }

struct hash_128 hash_128(uint64_t seed, struct bytes bytes) {
        XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data, bytes.len, seed);

        return (struct hash_128){hash.low64, hash.high64};
}
