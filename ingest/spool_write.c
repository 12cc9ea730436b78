/* Writing: what is put and removed until the next commit. */
#include "ingest/spool_private.h"

#include "common/ensure.h"

#include <errno.h>

static bool is_writing(struct spool *spool) {
        if (!spool->txn && spool->error == 0) {
                spool->tally_before = spool->tally;
                spool->error = spool->env ? spool_errno(mdb_txn_begin(spool->env, NULL, 0, &spool->txn)) : -EIO;
        }
        return spool->error == 0;
}

void spool_put(struct spool *spool, struct spool_key key, struct bytes record) {
        const uint8_t *data = record.data;
        uint8_t bytes[KEY_LEN];

        ENSURE(record.len <= (size_t)PIECE * PIECES_MAX);
        for (size_t at = 0; at < record.len && is_writing(spool); at += PIECE) {
                size_t len = record.len - at < PIECE ? record.len - at : PIECE;
                MDB_val name = {KEY_LEN, bytes}, value = {len, (void *)(uintptr_t)(data + at)};

                spool_key_encode(key, (uint16_t)(at / PIECE), bytes);
                spool->error = spool_errno(mdb_put(spool->txn, spool->records, &name, &value, 0));
        }
        spool->tally.n++;
        spool->tally.sum += spool_record_sum(record);
}

/* The first piece has the checksum that is no longer part of the sum. */
static int remove_pieces(struct spool *spool, struct spool_key key) {
        uint8_t bytes[KEY_LEN];
        MDB_val name = {KEY_LEN, bytes}, value;
        int error = 0;

        for (uint16_t piece = 0; error == 0; piece++) {
                spool_key_encode(key, piece, bytes);
                error = mdb_get(spool->txn, spool->records, &name, &value);
                if (error == 0 && piece == 0) {
                        spool->tally.n--;
                        spool->tally.sum -= spool_record_sum((struct bytes){value.mv_data, value.mv_size});
                }
                if (error == 0)
                        error = mdb_del(spool->txn, spool->records, &name, NULL);
        }
        return error == MDB_NOTFOUND ? 0 : spool_errno(error);
}

void spool_remove(struct spool *spool, struct spool_key key) {
        if (is_writing(spool))
                spool->error = remove_pieces(spool, key);
}

static int write_tally(struct spool *spool) {
        MDB_val key = {TALLY_KEY_LEN, (void *)(uintptr_t)spool_tally_key}, value = {sizeof spool->tally, &spool->tally};

        return spool_errno(mdb_put(spool->txn, spool->records, &key, &value, 0));
}

int spool_commit(struct spool *spool) {
        int r = is_writing(spool) ? write_tally(spool) : spool->error;
        MDB_txn *txn = TAKE(spool->txn);
        int64_t number = txn ? (int64_t)mdb_txn_id(txn) : 0;

        if (r < 0 && txn)
                mdb_txn_abort(txn);
        if (r == 0)
                r = spool_errno(mdb_txn_commit(txn));
        spool->error = 0;
        if (r < 0) {
                spool->tally = spool->tally_before;
                return r;
        }
        spool_mark_note(&spool->place, number);
        return 0;
}
