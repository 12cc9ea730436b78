/* A record of the spool: one item, as it goes to the broker, with a checksum that its place is part of. Pure.
 *
 * LMDB's pages bear no checksum, and a record that lies in another's place would change the order: either is found
 * when it is read. */
#pragma once

#include "common/wire.h"

/* Where a record lies. The records of a lane are of one tenant, in the order of their numbers; of two lanes the later
 * one has the higher number, also when another process made it. */
struct spool_key {
        uint64_t slot; /* which spool of the folder */
        uint64_t lane, number;
};

/* Appends the record of an item: one that wire_encode_message() wrote. */
void spool_record_encode(struct buffer *ret, struct spool_key key, struct bytes item);
/* How long a record is in all, as its beginning says; 0 when that is none. */
size_t spool_record_len(struct bytes beginning);
/* 0, and the item as bytes and as a message, both borrowed; -EBADMSG when it is not what was written there. */
MUST_USE int spool_record_decode(struct spool_key key, struct bytes record, struct bytes *ret_item,
                                 struct wire_message *ret_message);
/* What the records of a spool add up to, whatever their order. */
uint64_t spool_record_sum(struct bytes record);
/* The next item of `n` that stand in a row, as bytes and as a message, borrowed; -EBADMSG when there is none. */
MUST_USE int spool_item_next(struct pack_reader *reader, struct bytes *ret_item, struct wire_message *ret_message);
