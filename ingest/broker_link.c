#include "ingest/broker_link.h"

#include "common/limits.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

struct broker_link {
        struct link *link;
        struct intake *intake;
        char *endpoint;
        struct mono sent; /* since when no acknowledgement has come */
        bool is_waiting; /* for one */
        bool is_away; /* and that was said in the log */
        uint32_t n_old_events; /* that the broker is too old for, since that was said */
        struct mono tell_old; /* when it may be said again */
};

int broker_link_new(const char *endpoint, struct intake *intake, struct broker_link **ret) {
        CLEANUP_BROKER_LINK struct broker_link *link = memory_new(1, sizeof *link);
        int r;

        r = link_new(endpoint, &link->link);
        if (r < 0)
                return r;
        link->intake = intake;
        link->endpoint = memory_print("%s", endpoint);
        *ret = TAKE(link);
        return 0;
}

struct broker_link *broker_link_free(struct broker_link *link) {
        if (!link)
                return NULL;
        link_free(link->link);
        free(link->endpoint);
        free(link);
        return NULL;
}

int broker_link_fd(const struct broker_link *link) { return link_fd(link->link); }

/* -- out ----------------------------------------------------------------------------------------------------------- */

static void send_due(struct broker_link *link, struct mono now) {
        struct bytes frame;

        if (!intake_pop_frame(link->intake, now, &frame))
                return;
        if (link_send(link->link, frame) != 0)
                intake_on_unsent(link->intake, now);
        if (!link->is_waiting)
                link->sent = now;
        link->is_waiting = true;
        if (link->is_away || mono_since(now, link->sent).us < span_ms(LIMIT_RESEND_MS).us)
                return;
        link->is_away = true;
        log_warning("broker_away", LOG_TEXT("endpoint", link->endpoint),
                    LOG_TEXT("why", "no acknowledgement; what comes in waits, and is sent again"));
}

/* -- in ------------------------------------------------------------------------------------------------------------ */

static void on_ack(struct broker_link *link, struct bytes body) {
        struct wire_ack ack;
        int r = wire_decode_ack(body, &ack);

        if (r == 0)
                r = intake_on_ack(link->intake, &ack);
        if (r < 0) {
                log_warning("ack_refused", LOG_TEXT("why", "it does not fit the frame it is for"));
                return;
        }
        /* Also of a frame that was given up meanwhile: the broker is there. */
        link->is_waiting = false;
        if (link->is_away)
                log_info("broker_back", LOG_TEXT("endpoint", link->endpoint));
        link->is_away = false;
}

/* At once, and then now and then: every frame with an event comes here. */
static void tell_old(struct broker_link *link, uint32_t n_events, struct mono now) {
        link->n_old_events += n_events;
        if (!mono_is_due(now, link->tell_old))
                return;
        log_error("broker_too_old", LOG_TEXT("endpoint", link->endpoint), LOG_NUMBER("events", link->n_old_events),
                  LOG_TEXT("why",
                           "it knows no frame with events or aliases, as brokers before lull/1.2; so many events "
                           "were refused, and the messages go to it without aliases"),
                  LOG_TEXT("next", "upgrade the broker first, then lull-ingest"));
        link->tell_old = mono_add(now, span_s(LIMIT_SPOOL_LOG_S));
        link->n_old_events = 0;
}

static void on_error(struct broker_link *link, struct bytes body, struct mono now) {
        struct bytes code, why;
        uint32_t n_events;

        if (wire_decode_error(body, &code, &why) < 0)
                return;
        if (bytes_is_text(code, "bad_frame") && intake_on_bad_frame(link->intake, now, &n_events))
                tell_old(link, n_events, now);
        else
                log_warning("broker_refused", LOG_BYTES("code", code), LOG_BYTES("why", why));
}

static void on_frame(struct broker_link *link, struct bytes frame, struct mono now) {
        enum wire_type type;
        struct bytes body;

        if (wire_open(frame, &type, &body) == 0 && type == WIRE_ACK)
                on_ack(link, body);
        else if (wire_open(frame, &type, &body) == 0 && type == WIRE_ERROR)
                on_error(link, body, now);
        else
                log_warning("frame_refused", LOG_TEXT("why", "not one that a broker sends to a producer"));
}

void broker_link_run(struct broker_link *link, struct mono now) {
        struct bytes frame;

        intake_on_time(link->intake, now);
        send_due(link, now);
        /* An acknowledgement makes room for the next frame, and sending may eat the edge of receiving: on until
         * neither. */
        while (link_receive(link->link, &frame) == 0) {
                on_frame(link, frame, now);
                send_due(link, now);
        }
}
