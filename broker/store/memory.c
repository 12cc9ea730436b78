/* The memory engine: what LMDB does, without a disk. Sorted arrays; a removed value leaves a hole, until half are. */
#include "broker/store/engine.h"

#include "common/memory.h"

#include <string.h>

struct value {
        struct engine_key key;
        uint8_t *data; /* NULL = removed */
        size_t len;
};

struct values {
        struct value *items;
        size_t n, cap, n_holes;
};

struct memory {
        struct engine engine;
        struct values tables[ENGINE_N_TABLES];
        uint64_t bytes, number;
};

static struct memory *memory_of(struct engine *engine) { return (struct memory *)engine; }

static int compare(struct engine_key a, struct engine_key b) {
        if (a.seq != b.seq)
                return a.seq < b.seq ? -1 : 1;
        return a.piece - b.piece;
}

/* The first place whose key is not below `key`. */
static size_t place_of(const struct values *values, struct engine_key key) {
        size_t low = 0, high = values->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (compare(values->items[middle].key, key) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static void drop(struct memory *memory, struct values *values, struct value *value) {
        if (!value->data)
                return;
        memory->bytes -= value->len;
        free(value->data);
        value->data = NULL;
        values->n_holes++;
}

static void compact(struct values *values) {
        size_t n = 0;

        if (values->n_holes < 64 || values->n_holes * 2 < values->n)
                return;
        for (size_t i = 0; i < values->n; i++)
                if (values->items[i].data)
                        values->items[n++] = values->items[i];
        values->n = n;
        values->n_holes = 0;
}

static void memory_close(struct engine *engine) {
        struct memory *memory = memory_of(engine);

        for (int i = 0; i < ENGINE_N_TABLES; i++) {
                for (size_t k = 0; k < memory->tables[i].n; k++)
                        free(memory->tables[i].items[k].data);
                free(memory->tables[i].items);
        }
        free(memory);
}

/* Nothing can fail here, so changes are made at once and there is nothing to commit, or to abort. */
static int memory_begin(struct engine *engine) {
        memory_of(engine)->number++;
        return 0;
}

static uint64_t memory_number(const struct engine *engine) { return ((const struct memory *)engine)->number; }
static int memory_commit(struct engine *engine) { return 0; }
static void memory_abort(struct engine *engine) {}
static void memory_release(struct engine *engine) {}

static int memory_put(struct engine *engine, enum engine_table table, struct engine_key key, struct bytes value) {
        struct memory *memory = memory_of(engine);
        struct values *values = &memory->tables[table];
        size_t at = place_of(values, key);

        if (at < values->n && compare(values->items[at].key, key) == 0) {
                drop(memory, values, &values->items[at]);
                values->n_holes--;
        } else {
                if (values->n == values->cap) {
                        values->cap = values->cap ? values->cap * 2 : 64;
                        values->items = memory_resize(values->items, values->cap, sizeof *values->items);
                }
                memmove(values->items + at + 1, values->items + at, (values->n - at) * sizeof *values->items);
                values->n++;
        }
        values->items[at] = (struct value){key, memory_new(value.len + 1, 1), value.len};
        memcpy(values->items[at].data, value.data, value.len);
        memory->bytes += value.len;
        return 0;
}

static int memory_remove(struct engine *engine, enum engine_table table, uint64_t first, uint64_t last,
                         void (*gone)(void *context, struct engine_key key, struct bytes piece), void *context) {
        struct memory *memory = memory_of(engine);
        struct values *values = &memory->tables[table];

        for (size_t at = place_of(values, (struct engine_key){first, 0});
             at < values->n && values->items[at].key.seq <= last; at++) {
                const struct value *value = &values->items[at];

                if (value->data)
                        gone(context, value->key, (struct bytes){value->data, value->len});
                drop(memory, values, &values->items[at]);
        }
        compact(values);
        return 0;
}

static int memory_scan(struct engine *engine, enum engine_table table, uint64_t from,
                       int (*visit)(void *context, struct engine_key key, struct bytes value), void *context) {
        struct values *values = &memory_of(engine)->tables[table];
        int r = 0;

        for (size_t at = place_of(values, (struct engine_key){from, 0}); at < values->n && r == 0; at++)
                if (values->items[at].data)
                        r = visit(context, values->items[at].key,
                                  (struct bytes){values->items[at].data, values->items[at].len});
        return r;
}

static uint64_t memory_bytes(const struct engine *engine) { return ((const struct memory *)engine)->bytes; }

static const struct engine_ops memory_ops = {
        .kind = "memory",
        .close = memory_close,
        .begin = memory_begin,
        .put = memory_put,
        .remove = memory_remove,
        .commit = memory_commit,
        .abort = memory_abort,
        .scan = memory_scan,
        .release = memory_release,
        .bytes = memory_bytes,
        .number = memory_number,
};

struct engine *engine_memory_open(void) {
        struct memory *memory = memory_new(1, sizeof *memory);

        memory->engine.ops = &memory_ops;
        return &memory->engine;
}
