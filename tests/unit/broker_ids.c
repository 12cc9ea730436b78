/* Ids on their way to the engine: neighbours are one value there, and none is lost with another, or comes back. */
#include "tests/unit/unit.h"

#include "broker/store/ids.h"
#include "common/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SEQS = 6 * VALUES_IDS }; /* that the tests use */

/* What the engine should have, and how the ids get there. */
struct stage {
        struct engine *engine;
        struct values_tally tally;
        struct buffer scratch;
        struct ids ids;
        bool has[SEQS];
        uint32_t n_found, n_values;
        uint64_t last;
};

static struct stored_seen seen_of(uint64_t seq) {
        return (struct stored_seen){seq, {seq * 31, ~seq}, {1700000000000 + (int64_t)(seq % 7) * 100 - (int64_t)seq}};
}

static struct stage *stage_new(struct engine *engine) {
        struct stage *stage = memory_new(1, sizeof *stage);

        stage->engine = engine;
        return stage;
}

static void stage_free(struct stage *stage) {
        stage->engine->ops->close(stage->engine);
        buffer_done(&stage->scratch);
        free(stage);
}

static void begin(struct stage *stage, uint64_t fresh_from) {
        stage->ids = (struct ids){
                .engine = stage->engine, .tally = &stage->tally, .scratch = &stage->scratch, .fresh_from = fresh_from};
        assert_int_equal(stage->engine->ops->begin(stage->engine), 0);
}

static void commit(struct stage *stage) {
        assert_int_equal(ids_flush(&stage->ids), 0);
        assert_int_equal(stage->engine->ops->commit(stage->engine), 0);
        stage->engine->ops->release(stage->engine);
}

static void put(struct stage *stage, uint64_t seq) {
        struct stored_seen seen = seen_of(seq);

        assert_int_equal(ids_put(&stage->ids, &seen), 0);
        stage->has[seq] = true;
}

static void drop(struct stage *stage, uint64_t seq) {
        assert_int_equal(ids_drop(&stage->ids, seq), 0);
        stage->has[seq] = false;
}

/* By itself, as up to layout 3. */
static void put_former(struct stage *stage, uint64_t seq) {
        struct stored_seen seen = seen_of(seq);
        struct bytes value;

        buffer_clear(&stage->scratch);
        values_encode_seen(&stage->scratch, &seen);
        value = buffer_bytes(&stage->scratch);
        assert_int_equal(stage->engine->ops->put(stage->engine, ENGINE_SEEN, (struct engine_key){seq, 0}, value), 0);
        stage->tally.n++;
        stage->tally.sum += values_checksum(value);
        stage->has[seq] = true;
}

static int on_value(void *context, struct engine_key key, struct bytes value) {
        struct stage *stage = context;
        struct values_ids ids = {.first = values_ids_first(key.seq)};
        struct bytes payload;

        assert_int_equal(values_open(key.seq, value, &payload), 0);
        assert_int_equal(values_decode_ids(key.seq, payload, &ids), 0);
        for (uint64_t seq = ids.first; seq < ids.first + VALUES_IDS; seq++) {
                struct stored_seen wanted = seen_of(seq);

                if (!values_ids_has(&ids, seq))
                        continue;
                assert_true(stage->has[seq] && seq > stage->last);
                assert_memory_equal(&ids.items[seq - ids.first], &wanted, sizeof wanted);
                stage->last = seq;
                stage->n_found++;
        }
        stage->n_values++;
        stage->tally.n--;
        stage->tally.sum -= values_checksum(value);
        return 0;
}

/* Each once, in order, and tallied. */
static void expect(struct stage *stage, uint32_t n_values) {
        struct values_tally tally = stage->tally;
        uint32_t n = 0;

        for (uint64_t seq = 0; seq < SEQS; seq++)
                n += stage->has[seq];
        stage->n_found = stage->n_values = 0;
        stage->last = 0;
        assert_int_equal(stage->engine->ops->scan(stage->engine, ENGINE_SEEN, 0, on_value, stage), 0);
        stage->engine->ops->release(stage->engine);
        assert_int_equal(stage->n_found, n);
        assert_int_equal(stage->n_values, n_values);
        assert_true(stage->tally.n == 0 && stage->tally.sum == 0);
        stage->tally = tally;
}

/* -- on either engine ---------------------------------------------------------------------------------------------- */

static void keep_neighbours_as_one_value(struct stage *stage) {
        begin(stage, 0);
        for (uint64_t seq = 1; seq < 3 * VALUES_IDS; seq++)
                put(stage, seq);
        commit(stage);
        expect(stage, 3);
}

static void add_to_what_is_there(struct stage *stage) {
        for (uint64_t seq = 1; seq < SEQS; seq += 20) {
                begin(stage, seq);
                for (uint64_t next = seq; next < seq + 20 && next < SEQS; next++)
                        put(stage, next);
                commit(stage);
                expect(stage, (uint32_t)((seq + 19 < SEQS ? seq + 19 : SEQS - 1) / VALUES_IDS) + 1);
        }
}

static void take_one_after_the_other(struct stage *stage) {
        keep_neighbours_as_one_value(stage);
        for (uint64_t seq = 1; seq < 3 * VALUES_IDS; seq++) {
                begin(stage, SEQS);
                drop(stage, seq);
                commit(stage);
                expect(stage, 3 - (uint32_t)((seq + 1) / VALUES_IDS));
        }
        assert_int_equal(stage->tally.n, 0);
}

/* Two checkpoints' worth of each, by turns: a value is under way more than once. */
static void go_from_one_to_the_other_and_back(struct stage *stage) {
        begin(stage, 0);
        for (uint64_t seq = 1; seq < VALUES_IDS; seq++) {
                put(stage, seq);
                put(stage, seq + VALUES_IDS);
                put(stage, seq + 4 * VALUES_IDS);
        }
        drop(stage, 5);
        drop(stage, 5 + 4 * VALUES_IDS);
        drop(stage, 3 * VALUES_IDS);
        put(stage, 5);
        commit(stage);
        expect(stage, 3);
}

static void read_the_older_layout(struct stage *stage) {
        begin(stage, 0);
        for (uint64_t seq = 1; seq < 3 * VALUES_IDS; seq++)
                put_former(stage, seq);
        commit(stage);
        expect(stage, 3 * VALUES_IDS - 1);

        /* Whose range is touched become one value; the others stay as they are. */
        begin(stage, SEQS);
        drop(stage, VALUES_IDS);
        drop(stage, VALUES_IDS + 3);
        commit(stage);
        expect(stage, 2 * VALUES_IDS - 1 + 1);
        begin(stage, SEQS);
        put(stage, VALUES_IDS + 3);
        drop(stage, 2 * VALUES_IDS + 9);
        commit(stage);
        expect(stage, VALUES_IDS - 1 + 2);
}

/* -- the tests ----------------------------------------------------------------------------------------------------- */

static void on_memory(void (*play)(struct stage *stage)) {
        struct stage *stage = stage_new(engine_memory_open());

        play(stage);
        stage_free(stage);
}

static void on_lmdb(void (*play)(struct stage *stage)) {
        static const char *const names[] = {"data.mdb", "lock.mdb", "lull.lock"};
        char folder[] = "/tmp/lull-ids-XXXXXX";
        struct engine *engine = NULL;
        char *error = NULL;
        struct stage *stage;

        assert_non_null(mkdtemp(folder));
        assert_int_equal(engine_lmdb_open(folder, &engine, &error), 0);
        stage = stage_new(engine);
        play(stage);
        stage_free(stage);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                CLEANUP_FREE char *path = memory_print("%s/%s", folder, names[i]);

                unlink(path);
        }
        assert_int_equal(rmdir(folder), 0);
}

static void neighbours_are_one_value(void **state) {
        on_memory(keep_neighbours_as_one_value);
        on_lmdb(keep_neighbours_as_one_value);
}

static void what_comes_later_joins_what_is_there(void **state) {
        on_memory(add_to_what_is_there);
        on_lmdb(add_to_what_is_there);
}

static void what_goes_takes_no_other_with_it_and_the_last_the_value(void **state) {
        on_memory(take_one_after_the_other);
        on_lmdb(take_one_after_the_other);
}

static void ids_in_no_order_are_kept_all_the_same(void **state) {
        on_memory(go_from_one_to_the_other_and_back);
        on_lmdb(go_from_one_to_the_other_and_back);
}

static void ids_of_an_older_layout_are_read_and_forgotten_as_well(void **state) {
        on_memory(read_the_older_layout);
        on_lmdb(read_the_older_layout);
}

/* Written anew with a right checksum it would pass for what it was. */
static void a_damaged_value_is_not_written_anew(void **state) {
        struct stage *stage = stage_new(engine_memory_open());
        struct stored_seen seen = seen_of(2);
        struct bytes value;

        begin(stage, 0);
        values_encode_seen(&stage->scratch, &seen);
        value = buffer_bytes(&stage->scratch);
        stage->scratch.data[value.len - 1] ^= 4;
        assert_int_equal(stage->engine->ops->put(stage->engine, ENGINE_SEEN, (struct engine_key){2, 0}, value), 0);
        commit(stage);
        begin(stage, SEQS);
        seen = seen_of(3);
        assert_int_equal(ids_put(&stage->ids, &seen), -EBADMSG);
        stage->engine->ops->abort(stage->engine);
        stage_free(stage);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(neighbours_are_one_value),
                cmocka_unit_test(what_comes_later_joins_what_is_there),
                cmocka_unit_test(what_goes_takes_no_other_with_it_and_the_last_the_value),
                cmocka_unit_test(ids_in_no_order_are_kept_all_the_same),
                cmocka_unit_test(ids_of_an_older_layout_are_read_and_forgotten_as_well),
                cmocka_unit_test(a_damaged_value_is_not_written_anew),
        };

        return cmocka_run_group_tests_name("broker/store/ids", tests, NULL, NULL);
}
