/* What libmpack says of bytes, and what common/pack.c must say of them too: the one door to libmpack. */
#pragma once

#include "common/bytes.h"

/* Every pop, at the front of the bytes and at whatever they pass on to: both give the same value, stop at the same
 * place, and refuse the same. ENSURE()s it. */
void pack_oracle_check_read(struct bytes bytes);
/* Whole numbers and lengths, as every push writes them: the same bytes. `number` is a value, and a length, of which the
 * low 32 bits count (what follows such a length is not written). ENSURE()s it. */
void pack_oracle_check_write(uint64_t number);
