/* What comes to a worker: RUN with its messages and the batch that is made of them, GO, STOP, SETTLED, CANCEL, WELCOME,
 * HEARD, ERROR. */
#include "tests/fuzz/fuzz.h"

#include "common/json.h"
#include "common/wire.h"
#include "worker/core/batch.h"

#include <errno.h>
#include <string.h>

/* The question to the handler is JSON, whatever the run held. */
static void check_batch(const struct wire_run *run) {
        CLEANUP_BATCH struct batch *batch = NULL;
        CLEANUP_JSON json_t *question = NULL;
        CLEANUP_BUFFER struct buffer text = {0}, prompt = {0};
        CLEANUP_FREE char *error = NULL;

        if (batch_new(run, &batch) < 0)
                return;
        ENSURE(batch->n_messages == run->n_messages && memcmp(run->batch.data, batch->id, WIRE_BATCH_LEN) == 0);
        batch_encode_question(batch, &text);
        ENSURE(json_decode(buffer_bytes(&text), &question, &error) == 0);
        batch_push_prompt(batch, &prompt);
}

static int recode_run(struct bytes body, struct buffer *ret) {
        struct wire_run_message message;
        struct wire_run run;

        if (wire_decode_run(body, &run) < 0)
                return -EBADMSG;
        fuzz_check_within(run.batch, body);
        fuzz_check_within(run.tenant, body);
        fuzz_check_within(run.thread, body);
        fuzz_check_within(run.answer, body);
        check_batch(&run);
        wire_encode_run(ret, &run);
        for (uint32_t i = 0; i < run.n_messages; i++) {
                if (wire_run_next(&run, &message) < 0)
                        return -EBADMSG;
                fuzz_check_within(message.id, body);
                fuzz_check_within(message.channel, body);
                fuzz_check_within(message.body, body);
                wire_encode_run_message(ret, &message);
        }
        wire_encode_run_end(ret, &run);
        return 0;
}

static int recode_go(struct bytes body, struct buffer *ret) {
        uint64_t fence;

        if (wire_decode_go(body, &fence) < 0)
                return -EBADMSG;
        wire_encode_go(ret, fence);
        return 0;
}

static int recode_verdict(enum wire_type type, struct bytes body, struct buffer *ret) {
        struct wire_verdict verdict;

        if (wire_decode_verdict(body, &verdict) < 0)
                return -EBADMSG;
        fuzz_check_within(verdict.code, body);
        fuzz_check_within(verdict.why, body);
        wire_encode_verdict(ret, type, &verdict);
        return 0;
}

static int recode_settled(struct bytes body, struct buffer *ret) {
        struct wire_settled settled;

        if (wire_decode_settled(body, &settled) < 0)
                return -EBADMSG;
        wire_encode_settled(ret, &settled);
        return 0;
}

static int recode_welcome(struct bytes body, struct buffer *ret) {
        struct wire_welcome welcome;

        if (wire_decode_welcome(body, &welcome) < 0)
                return -EBADMSG;
        ENSURE(welcome.lease.us >= 0 && welcome.alive.us >= 0);
        fuzz_check_within(welcome.version, body);
        wire_encode_welcome(ret, &welcome);
        return 0;
}

static int recode_heard(struct bytes body, struct buffer *ret) {
        uint64_t beat;

        if (wire_decode_heard(body, &beat) < 0)
                return -EBADMSG;
        wire_encode_heard(ret, beat);
        return 0;
}

static int recode(struct bytes frame, struct buffer *ret) {
        enum wire_type type;
        struct bytes body;

        if (wire_open(frame, &type, &body) < 0)
                return -EBADMSG;
        if (type == WIRE_RUN)
                return recode_run(body, ret);
        if (type == WIRE_GO)
                return recode_go(body, ret);
        if (type == WIRE_STOP || type == WIRE_CANCEL)
                return recode_verdict(type, body, ret);
        if (type == WIRE_SETTLED)
                return recode_settled(body, ret);
        if (type == WIRE_WELCOME)
                return recode_welcome(body, ret);
        if (type == WIRE_HEARD)
                return recode_heard(body, ret);
        if (type == WIRE_BUNDLE)
                return fuzz_recode_bundle(recode, body, ret);
        return type == WIRE_ERROR ? fuzz_recode_error(body, ret) : -EBADMSG;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        fuzz_check_recode(recode, (struct bytes){data, len});
        return 0;
}
