/* What comes back to a producer: ACK, also into an intake that waits for it, and ERROR. */
#include "tests/fuzz/fuzz.h"

#include "common/wire.h"
#include "ingest/core/intake.h"

#include <errno.h>

enum { N_REQUESTS = 3, N_MESSAGES = 2 };

static const struct mono now = {1000000};

/* Requests of two messages each: one with an id of its sender's, one without. */
static void push_requests(struct intake *intake) {
        struct parcel_ids ids = {"seed", 0};

        for (int i = 0; i < N_REQUESTS; i++) {
                CLEANUP_PARCEL struct parcel parcel = {0};
                struct wire_message message = {bytes_of("acme"), bytes_of("t"), BYTES_NONE, BYTES_NONE,
                                               bytes_of("body")};

                parcel_push(&parcel, &ids, &message, 0);
                message.id = bytes_of("id");
                parcel_push(&parcel, &ids, &message, 1);
                ENSURE(intake_push(intake, &parcel, NULL, mono_add(now, span_s(5))) == 0);
        }
}

/* Each request gets its verdict: by this acknowledgement when it adds up, else when its time is over. A patient intake
 * also waits when something found no room. */
static void check_intake(const struct wire_ack *ack, bool is_patient) {
        struct intake *intake = intake_new();
        struct intake_verdict verdict;
        struct bytes frame;
        uint32_t n = 0;
        bool is_settled;

        if (is_patient)
                intake_be_patient(intake);
        push_requests(intake);
        ENSURE(intake_pop_frame(intake, now, &frame));
        is_settled = intake_on_ack(intake, ack) == 0 && !intake_waits_for(intake);
        ENSURE(is_patient || !intake_waits_for(intake));
        if (!is_settled)
                intake_on_time(intake, mono_add(now, span_s(6)));
        while (intake_pop_verdict(intake, &verdict)) {
                ENSURE(verdict.is_late != is_settled);
                ENSURE(verdict.is_late || verdict.n_accepted + verdict.n_duplicates + verdict.refusals.n == N_MESSAGES);
                intake_verdict_done(&verdict);
                n++;
        }
        ENSURE(n == N_REQUESTS && intake_n_waiting(intake) == 0);
        intake_free(intake);
}

/* Only what is small: reading past it is what matters. */
enum { RECODED_MAX = 64 };

static int recode_ack(struct bytes body, struct buffer *ret) {
        struct wire_refusal refusals[RECODED_MAX];
        uint32_t duplicates[RECODED_MAX];
        struct wire_ack ack;

        if (wire_decode_ack(body, &ack) < 0)
                return -EBADMSG;
        check_intake(&ack, false);
        check_intake(&ack, true);
        if (ack.n_duplicates > RECODED_MAX || ack.n_refusals > RECODED_MAX)
                return -EBADMSG;
        for (uint32_t i = 0; i < ack.n_duplicates; i++)
                duplicates[i] = (uint32_t)pack_pop_uint(&ack.duplicates);
        if (!pack_is_good(&ack.duplicates))
                return -EBADMSG;
        for (uint32_t i = 0; i < ack.n_refusals; i++) {
                if (wire_refusal_next(&ack.refusals, &refusals[i]) < 0)
                        return -EBADMSG;
                fuzz_check_within(refusals[i].code, body);
                fuzz_check_within(refusals[i].why, body);
        }
        wire_encode_ack(ret, ack.request, ack.n_accepted, duplicates, ack.n_duplicates, refusals, ack.n_refusals);
        return 0;
}

static int recode(struct bytes frame, struct buffer *ret) {
        enum wire_type type;
        struct bytes body;

        if (wire_open(frame, &type, &body) < 0)
                return -EBADMSG;
        if (type == WIRE_ACK)
                return recode_ack(body, ret);
        return type == WIRE_ERROR ? fuzz_recode_error(body, ret) : -EBADMSG;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
        fuzz_check_recode(recode, (struct bytes){data, len});
        return 0;
}
