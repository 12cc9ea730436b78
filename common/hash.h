/* Fast hashes (XXH3): the one door to xxhash. Not for secrets. The seed keeps two stores from agreeing on anything. */
#pragma once

#include "common/bytes.h"

#include <stdint.h>

struct hash_128 {
        uint64_t low, high;
};

uint64_t hash_64(uint64_t seed, struct bytes bytes);
struct hash_128 hash_128(uint64_t seed, struct bytes bytes);
