/* MessagePack: what is read of any bytes, and how any number is written, beside libmpack. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pack_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        uint64_t number = 0;

        pack_oracle_check_read((struct bytes){data, len});
        for (size_t i = 0; i < len && i < sizeof number; i++)
                number = number << 8 | data[i];
        pack_oracle_check_write(number);
        return 0;
}
