/* The frames of a run: RUN, ANSWERED, GO, STOP, RESULT, SETTLED, CANCEL. */
#include "common/wire_private.h"

#include "common/ensure.h"

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
        if (wire_verdict(&reader, n_fields >= 8 && run.batch.len == WIRE_BATCH_LEN && run.attempt > 0) < 0)
                return -EBADMSG;
        *ret = run;
        return 0;
}

int wire_run_next(struct wire_run *run, struct wire_run_message *ret) {
        struct pack_reader *reader = &run->messages;
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

void wire_encode_run(struct buffer *buffer, const struct wire_run *run) {
        wire_push_type(buffer, WIRE_RUN);
        pack_push_array(buffer, 8);
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
        is_within = n_fields >= 9 && result.batch.len == WIRE_BATCH_LEN && outcome <= WIRE_HANDED_BACK &&
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
        pack_push_array(buffer, 9);
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
