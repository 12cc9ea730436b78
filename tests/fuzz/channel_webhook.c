/* The body of a webhook, of every kind of channel. The first byte chooses the channel. */
#include "tests/fuzz/channels.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        struct input input = {data, len};
        const struct channel *channel;

        channels_get(input_pop_byte(&input), &channel);
        channels_read(channel, input_pop_rest(&input));
        return 0;
}
