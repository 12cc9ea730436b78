/* What the tests of a producer's events share: the items of a platform, in few words. All are of "acme". */
#pragma once

#include "tests/unit/broker_verb.h"

static inline int setup_items(void **state) {
        world_init(&world);
        world.tenants[0].typing_hold = span_s(8);
        world.tenants[0].hold_for = span_s(3600);
        return 0;
}

#define ITEM_TEST(name) cmocka_unit_test_setup_teardown(name, setup_items, teardown)

static inline void tell_with(enum wire_what what, const char *thread, const char *id, struct wire_body body) {
        world_item(&world, (struct wire_message){.what = what, .thread = bytes_of(thread), .id = bytes_of(id)}, &body);
}

static inline void tell(enum wire_what what, const char *thread) {
        tell_with(what, thread, NULL, (struct wire_body){0});
        assert_int_equal(world.n_accepted, 1);
}

/* A message, or an event, of a thread that is called otherwise, too. */
static inline void tell_of(enum wire_what what, const char *thread, const char *alias) {
        world_item(&world,
                   (struct wire_message){
                           .what = what, .thread = bytes_of(thread), .n_aliases = 1, .aliases = {bytes_of(alias)}},
                   &(struct wire_body){.text = bytes_of("Oi")});
        assert_int_equal(world.n_accepted, 1);
}

static inline void say_as(const char *thread, const char *alias) { tell_of(WIRE_WHAT_MESSAGE, thread, alias); }

static inline const struct tenant_counters *counted(void) { return &core_counters(world.core)->savings; }

static uint32_t n_writes;

static inline void on_write(void *context, const struct change *change) { n_writes++; }

/* Ends the one run that the last step started, with so many messages. */
static inline void finish(uint32_t n_messages) {
        struct world_run run = the_run(n_messages);

        world_result(&world, &run, WIRE_DONE);
}

static inline void assert_messages(const char *thread, uint32_t n) {
        assert_int_equal(world_why(&world, thread).n_messages, n);
}
