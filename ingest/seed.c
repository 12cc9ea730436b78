#include "ingest/seed.h"

#include "common/ensure.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

void seed_new(char *ret) {
        uint8_t dice[(SEED_MAX - 1) / 2];

        ENSURE(getrandom(dice, sizeof dice, 0) == (ssize_t)sizeof dice);
        for (size_t i = 0; i < sizeof dice; i++)
                snprintf(ret + 2 * i, 3, "%02x", dice[i]);
}
