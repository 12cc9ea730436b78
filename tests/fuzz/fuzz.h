/* What the fuzz targets share. A target is one function, LLVMFuzzerTestOneInput(), that hands bytes to an entry point
 * of lull as a stranger would. It may not crash, leak, run for long, or read past its bytes; ENSURE() states what else
 * must hold. tests/fuzz/run says how they are run. */
#pragma once

#include "common/bytes.h"
#include "common/ensure.h"

#include <stdbool.h>
#include <stdint.h>

/* Returns 0. Called millions of times in one process: what it leaves behind the next call finds. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Bytes that are taken apart from the front. Past the end everything is zero or empty. */
struct input {
        const uint8_t *at;
        size_t left;
};

uint8_t input_pop_byte(struct input *input);
/* One byte that says how many, at most 255, and those. */
struct bytes input_pop_chunk(struct input *input);
/* Up to a newline, which is taken off; the last line needs none. */
struct bytes input_pop_line(struct input *input);
struct bytes input_pop_rest(struct input *input);

/* A slice that decoding gave out must lie in what was decoded. */
void fuzz_check_within(struct bytes part, struct bytes whole);
/* `recode` decodes and appends what it found, encoded again; or it answers a negative errno. What was encoded must be
 * decoded again, to the same. */
void fuzz_check_recode(int (*recode)(struct bytes bytes, struct buffer *ret), struct bytes bytes);
/* A BUNDLE, each of whose frames is tried as `recode` tries it alone. */
int fuzz_recode_bundle(int (*recode)(struct bytes frame, struct buffer *ret), struct bytes body, struct buffer *ret);
/* The ERROR frame, which each client of the broker may get: for fuzz_check_recode(). */
int fuzz_recode_error(struct bytes body, struct buffer *ret);
