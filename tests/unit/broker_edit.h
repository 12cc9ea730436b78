/* What the tests of edits share: of the thread "t". */
#pragma once

#include "tests/unit/broker_item.h"

static inline void edit(const char *id, const char *text) {
        tell_with(WIRE_WHAT_EDIT, "t", id, (struct wire_body){.text = bytes_of(text)});
        assert_int_equal(world.n_accepted, 1);
}

static inline void take_back(const char *id) {
        tell_with(WIRE_WHAT_DELETE, "t", id, (struct wire_body){.kind = bytes_of("deleted")});
        assert_int_equal(world.n_accepted, 1);
}

/* The text, and kind, of the message as it is stored. */
static inline void assert_stored(uint64_t seq, const char *text, const char *kind) {
        CLEANUP_BUFFER struct buffer memory = {0};
        struct stored_message message;
        struct wire_body body;

        assert_int_equal(store_read_message(world.store, seq, &memory, &message), 0);
        assert_int_equal(wire_decode_body(message.body, &body), 0);
        assert_true(bytes_is_text(body.text, text));
        assert_true(bytes_is_text(body.kind, kind));
        assert_true(bytes_is_text(message.thread, "t"));
}

/* Did it take place? And is the store whole? */
static inline void assert_late(uint64_t n) {
        assert_int_equal(counted()->late_edits, n);
        world_restart(&world);
}
