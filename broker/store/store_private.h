/* What the files of the store share. */
#pragma once

#include "broker/store/engine.h"
#include "broker/store/store.h"
#include "broker/store/values.h"

struct store {
        struct engine *engine;
        struct values_meta meta;
        uint64_t first_seq;
        struct buffer scratch;
};

/* Puts the value in `scratch`, cut into pieces, where there is none. Within a transaction, as the next two. */
MUST_USE int store_put(struct store *store, enum engine_table table, uint64_t seq);
MUST_USE int store_drop(struct store *store, enum engine_table table, uint64_t seq);
MUST_USE int store_write_meta(struct store *store);
/* A value goes, says its first piece: takes it off the tally, which is the context. */
void store_on_gone(void *context, struct bytes piece, bool is_first);
