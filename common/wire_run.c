/* The frames of a run: RUN, ANSWERED, GO, STOP, POSTED, RESULT, SETTLED, CANCEL; and TALLY, what runs added up to. */
#include "common/wire_private.h"

#include "common/ensure.h"

enum {
        /* What each had before lull/1.1. */
        RUN_FIELDS = 8,
        RESULT_FIELDS = 9,
};

/* What stands behind the messages. */
static bool pop_run_end(struct pack_reader reader, uint32_t n_fields, struct wire_run *run) {
        run->is_doubtful = run->is_silent = run->is_record = false;
        if (n_fields > RUN_FIELDS) {
                pack_skip(&reader, run->n_messages);
                run->is_doubtful = wire_pop_bool(&reader);
        }
        if (n_fields > RUN_FIELDS + 1)
                run->is_silent = wire_pop_bool(&reader);
        if (n_fields > RUN_FIELDS + 2)
                run->is_record = wire_pop_bool(&reader);
        return pack_is_good(&reader);
}

int wire_decode_run(struct bytes body, struct wire_run *ret) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_run run;

        run.fence = pack_pop_uint(&reader);
        run.batch = pack_pop_bytes(&reader);
        run.tenant = pack_pop_bytes(&reader);
        run.thread = pack_pop_bytes(&reader);
        run.attempt = wire_pop_u32(&reader);
        run.answer = pack_pop_optional(&reader);
        run.posted = wire_pop_u32(&reader);
        run.n_messages = pack_pop_array(&reader);
        run.messages = reader;
        if (wire_verdict(&reader, n_fields >= RUN_FIELDS && run.batch.len == WIRE_BATCH_LEN && run.attempt > 0) < 0)
                return -EBADMSG;
        if (!pop_run_end(reader, n_fields, &run))
                return -EBADMSG;
        *ret = run;
        return 0;
}

int wire_decode_run_message(struct pack_reader *reader, struct wire_run_message *ret) {
        uint32_t n_fields = pack_pop_array(reader);
        struct wire_run_message message;

        message.id = pack_pop_optional(reader);
        message.accepted.ms = pack_pop_int(reader);
        message.channel = pack_pop_optional(reader);
        message.body = pack_pop_bytes(reader);
        pack_pop_rest(reader, n_fields, 4);
        if (wire_verdict(reader, true) < 0)
                return -EBADMSG;
        *ret = message;
        return 0;
}

int wire_run_next(struct wire_run *run, struct wire_run_message *ret) {
        return wire_decode_run_message(&run->messages, ret);
}

void wire_encode_run(struct buffer *buffer, const struct wire_run *run) {
        wire_push_type(buffer, WIRE_RUN);
        pack_push_array(buffer, RUN_FIELDS + 3);
        pack_push_uint(buffer, run->fence);
        pack_push_str(buffer, run->batch);
        pack_push_str(buffer, run->tenant);
        pack_push_str(buffer, run->thread);
        pack_push_uint(buffer, run->attempt);
        if (run->answer.len > 0)
                pack_push_bin(buffer, run->answer);
        else
                pack_push_nil(buffer);
        pack_push_uint(buffer, run->posted);
        pack_push_array(buffer, run->n_messages);
}

void wire_encode_run_message(struct buffer *buffer, const struct wire_run_message *message) {
        pack_push_array(buffer, 4);
        pack_push_optional(buffer, message->id);
        pack_push_int(buffer, message->accepted.ms);
        pack_push_optional(buffer, message->channel);
        pack_push_bin(buffer, message->body);
}

void wire_encode_run_end(struct buffer *buffer, const struct wire_run *run) {
        pack_push_uint(buffer, run->is_doubtful);
        pack_push_uint(buffer, run->is_silent);
        pack_push_uint(buffer, run->is_record);
}

int wire_decode_answered(struct bytes body, struct wire_answered *ret) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_answered answered;

        answered.fence = pack_pop_uint(&reader);
        answered.batch = pack_pop_bytes(&reader);
        answered.answer = pack_pop_bytes(&reader);
        if (wire_verdict(&reader, n_fields >= 3 && answered.batch.len == WIRE_BATCH_LEN) < 0)
                return -EBADMSG;
        *ret = answered;
        return 0;
}

void wire_encode_answered(struct buffer *buffer, const struct wire_answered *answered) {
        wire_push_type(buffer, WIRE_ANSWERED);
        pack_push_array(buffer, 3);
        pack_push_uint(buffer, answered->fence);
        pack_push_str(buffer, answered->batch);
        pack_push_bin(buffer, answered->answer);
}

int wire_decode_go(struct bytes body, uint64_t *ret_fence) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        uint64_t fence = pack_pop_uint(&reader);

        if (wire_verdict(&reader, n_fields >= 1) < 0)
                return -EBADMSG;
        *ret_fence = fence;
        return 0;
}

void wire_encode_go(struct buffer *buffer, uint64_t fence) {
        wire_push_type(buffer, WIRE_GO);
        pack_push_array(buffer, 1);
        pack_push_uint(buffer, fence);
}

int wire_decode_verdict(struct bytes body, struct wire_verdict *ret) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_verdict verdict;

        verdict.fence = pack_pop_uint(&reader);
        verdict.code = pack_pop_bytes(&reader);
        verdict.why = pack_pop_bytes(&reader);
        if (wire_verdict(&reader, n_fields >= 3) < 0)
                return -EBADMSG;
        *ret = verdict;
        return 0;
}

void wire_encode_verdict(struct buffer *buffer, enum wire_type type, const struct wire_verdict *verdict) {
        ENSURE(type == WIRE_STOP || type == WIRE_CANCEL);
        wire_push_type(buffer, type);
        pack_push_array(buffer, 3);
        pack_push_uint(buffer, verdict->fence);
        pack_push_str(buffer, verdict->code);
        pack_push_str(buffer, verdict->why);
}

int wire_decode_posted(struct bytes body, struct wire_posted *ret) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_posted posted;

        posted.fence = pack_pop_uint(&reader);
        posted.batch = pack_pop_bytes(&reader);
        posted.posted = wire_pop_u32(&reader);
        if (wire_verdict(&reader, n_fields >= 3 && posted.batch.len == WIRE_BATCH_LEN) < 0)
                return -EBADMSG;
        *ret = posted;
        return 0;
}

void wire_encode_posted(struct buffer *buffer, const struct wire_posted *posted) {
        wire_push_type(buffer, WIRE_POSTED);
        pack_push_array(buffer, 3);
        pack_push_uint(buffer, posted->fence);
        pack_push_str(buffer, posted->batch);
        pack_push_uint(buffer, posted->posted);
}

/* What lull/1.1 added; an older worker says none of it. */
static void pop_result_end(struct pack_reader *reader, uint32_t n_fields, struct wire_result *result) {
        uint64_t provider = 0;

        result->is_of_old = n_fields <= RESULT_FIELDS;
        result->is_doubtful = n_fields > RESULT_FIELDS && wire_pop_bool(reader);
        if (n_fields > RESULT_FIELDS + 1)
                provider = pack_pop_uint(reader);
        result->provider = provider <= WIRE_PROVIDER_UNPAID ? (enum wire_provider)provider : WIRE_PROVIDER_SILENT;
        result->pause = n_fields > RESULT_FIELDS + 2 ? wire_pop_ms(reader) : span_us(0);
}

int wire_decode_result(struct bytes body, struct wire_result *ret) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_result result;
        uint64_t outcome;
        bool is_within;

        result.fence = pack_pop_uint(&reader);
        result.batch = pack_pop_bytes(&reader);
        outcome = pack_pop_uint(&reader);
        result.code = pack_pop_optional(&reader);
        result.why = pack_pop_optional(&reader);
        result.retry_after = pack_pop_nil(&reader) ? span_us(0) : wire_pop_ms(&reader);
        result.posted = wire_pop_u32(&reader);
        result.lock_wait = wire_pop_us(&reader);
        result.answering = wire_pop_us(&reader);
        pop_result_end(&reader, n_fields, &result);
        is_within = n_fields >= RESULT_FIELDS && result.batch.len == WIRE_BATCH_LEN && outcome <= WIRE_HANDED_BACK &&
                    result.code.len <= LIMIT_CODE_LEN && result.why.len <= LIMIT_WHY_LEN &&
                    bytes_is_utf8(result.code) && bytes_is_utf8(result.why);
        if (wire_verdict(&reader, is_within) < 0)
                return -EBADMSG;
        result.outcome = (enum wire_outcome)outcome;
        *ret = result;
        return 0;
}

void wire_encode_result(struct buffer *buffer, const struct wire_result *result) {
        wire_push_type(buffer, WIRE_RESULT);
        pack_push_array(buffer, RESULT_FIELDS + 3);
        pack_push_uint(buffer, result->fence);
        pack_push_str(buffer, result->batch);
        pack_push_uint(buffer, result->outcome);
        pack_push_optional(buffer, result->code);
        pack_push_optional(buffer, result->why);
        if (result->retry_after.us > 0)
                wire_push_ms(buffer, result->retry_after);
        else
                pack_push_nil(buffer);
        pack_push_uint(buffer, result->posted);
        wire_push_us(buffer, result->lock_wait);
        wire_push_us(buffer, result->answering);
        pack_push_uint(buffer, result->is_doubtful);
        pack_push_uint(buffer, result->provider);
        wire_push_ms(buffer, result->pause);
}

int wire_decode_settled(struct bytes body, struct wire_settled *ret) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct wire_settled settled;
        uint64_t is_accepted;

        settled.fence = pack_pop_uint(&reader);
        is_accepted = pack_pop_uint(&reader);
        if (wire_verdict(&reader, n_fields >= 2 && is_accepted <= 1) < 0)
                return -EBADMSG;
        settled.is_accepted = is_accepted == 1;
        *ret = settled;
        return 0;
}

void wire_encode_settled(struct buffer *buffer, const struct wire_settled *settled) {
        wire_push_type(buffer, WIRE_SETTLED);
        pack_push_array(buffer, 2);
        pack_push_uint(buffer, settled->fence);
        pack_push_uint(buffer, settled->is_accepted ? 1 : 0);
}

int wire_decode_tally(struct bytes body, struct bytes *ret_tenant, uint32_t *ret_n, struct pack_reader *ret_reader) {
        struct pack_reader reader = pack_open(body);
        uint32_t n_fields = pack_pop_array(&reader);
        struct bytes tenant = pack_pop_bytes(&reader);
        uint32_t n = pack_pop_array(&reader);

        if (wire_verdict(&reader, n_fields >= 2 && n <= LIMIT_TALLY_ITEMS) < 0)
                return -EBADMSG;
        *ret_tenant = tenant;
        *ret_n = n;
        *ret_reader = reader;
        return 0;
}

int wire_tally_next(struct pack_reader *reader, struct wire_tally_item *ret) {
        uint32_t n_fields = pack_pop_array(reader);
        uint64_t what = pack_pop_uint(reader);
        uint64_t amount = pack_pop_uint(reader);

        pack_pop_rest(reader, n_fields, 2);
        if (wire_verdict(reader, amount <= LIMIT_TALLY_AMOUNT) < 0)
                return -EBADMSG;
        ret->what = what < N_WIRE_TALLY ? (enum wire_tally)what : WIRE_TALLY_UNKNOWN;
        ret->amount = amount;
        return 0;
}

void wire_encode_tally(struct buffer *buffer, struct bytes tenant, const struct wire_tally_item *items, uint32_t n) {
        ENSURE(n <= LIMIT_TALLY_ITEMS);
        wire_push_type(buffer, WIRE_TALLY);
        pack_push_array(buffer, 2);
        pack_push_str(buffer, tenant);
        pack_push_array(buffer, n);
        for (uint32_t i = 0; i < n; i++) {
                pack_push_array(buffer, 2);
                pack_push_uint(buffer, items[i].what);
                pack_push_uint(buffer, items[i].amount);
        }
}

void wire_encode_answer(struct buffer *buffer, const struct bytes *replies, uint32_t n) {
        pack_push_array(buffer, n);
        for (uint32_t i = 0; i < n; i++)
                pack_push_str(buffer, replies[i]);
}

int wire_decode_answer(struct bytes answer, struct bytes *ret_replies, uint32_t *ret_n) {
        struct pack_reader reader = pack_open(answer);
        uint32_t n = pack_pop_array(&reader);

        if (n > LIMIT_REPLIES)
                return -EBADMSG;
        for (uint32_t i = 0; i < n; i++) {
                ret_replies[i] = pack_pop_bytes(&reader);
                if (!bytes_is_utf8(ret_replies[i]))
                        return -EBADMSG;
        }
        *ret_n = n;
        return wire_verdict(&reader, !pack_has_more(&reader));
}
