/* Cuts replies that are longer than their channel takes into several. Pure.
 *
 * A cut stands behind a paragraph, else a line, a sentence, a word; where a single word is too long, within it, but
 * never inside a character, nor inside an emoji of several. The parts joined are the text, but that a part which would
 * be nothing but white space is left out: platforms refuse such. */
#pragma once

#include "common/bytes.h"
#include "common/channel.h"
#include "worker/core/answer.h"

struct split_limit {
        size_t longest; /* 0 = as long as you like */
        enum channel_unit unit;
};

/* Where a cut may stand, the best place first. */
enum split_place { SPLIT_PARAGRAPH, SPLIT_LINE, SPLIT_SENTENCE, SPLIT_WORD, SPLIT_CHARACTER };

/* Cuts one text, at `best` or what comes after it: the later that begins, the fewer parts there are. Answers their
 * number, `n_max` + 1 for more than that, and fills *ret_parts, borrowed from `text`, which must be UTF-8. */
uint32_t split_text(struct bytes text, struct split_limit limit, enum split_place best, struct bytes *ret_parts,
                    uint32_t n_max);

/* Cuts the replies of an answer that is done, where they need it. When they come to more than LIMIT_REPLIES wherever
 * they are cut, it has failed for good with code too_long. */
void split_answer(struct answer *answer, struct split_limit limit);
