#include "worker/broker_link.h"

#include "common/clock.h"
#include "common/gathered.h"
#include "common/limits.h"
#include "common/link.h"
#include "common/log.h"
#include "common/memory.h"

#include <errno.h>
#include <string.h>

enum {
        HELLO_MS = 1000,
        /* There is no connection yet, or none any more: the first moment of one should not be missed by much. */
        UNSENT_MS = 100,
        /* Whatever a broker asks for. */
        ALIVE_MIN_MS = 50,
};

struct broker_link {
        struct loop *loop;
        struct link *link;
        struct loop_watch *watch;
        struct loop_timer *timer; /* for HELLO, then for ALIVE */
        struct loop_timer *sweep; /* to look for frames once more */
        struct loop_hook *flush;
        struct broker_link_owner owner;
        uint8_t uuid[WIRE_UUID_LEN];
        uint64_t incarnation;
        uint32_t slots;
        bool is_connected;
        struct span alive;
        struct lease_clock clock;
        struct buffer frame;
        struct gathered gathered; /* what the broker is told of runs: it leaves at the end of the loop's turn */
};

/* -- sending ------------------------------------------------------------------------------------------------------- */

/* A send may eat the edge of a receive, so frames that came meanwhile would lie there unseen: look again soon. */
static void look_again(struct broker_link *link) {
        struct mono now = clock_mono();

        loop_timer_set(link->sweep, now, now);
}

static void log_connection(struct broker_link *link, bool is_connected) {
        if (link->is_connected && !is_connected)
                log_warning("broker_unreachable");
        link->is_connected = is_connected;
}

static int send_bytes(struct broker_link *link, struct bytes frame) {
        int r = link_send(link->link, frame);

        log_connection(link, r == 0);
        return r;
}

/* What is not sent, as there is no connection, each run says again by its own timer. */
static void send_gathered(void *context, struct bytes frame) { (void)send_bytes(context, frame); }

/* Sends what link->frame holds, behind what was gathered. 1 when there is no connection. */
static int send_frame(struct broker_link *link) {
        int r;

        gathered_flush(&link->gathered);
        r = send_bytes(link, buffer_bytes(&link->frame));
        look_again(link);
        return r;
}

static void end_gathered(struct broker_link *link) {
        gathered_end(&link->gathered);
        loop_hook_set(link->flush);
}

static void set_timer(struct broker_link *link, struct span span) {
        struct mono now = clock_mono();

        loop_timer_set(link->timer, now, mono_add(now, span));
}

static void say_hello(struct broker_link *link) {
        struct wire_hello hello = {
                .uuid = {link->uuid, sizeof link->uuid},
                .incarnation = link->incarnation,
                .slots = link->slots,
                .version = bytes_of(LULL_VERSION),
                .n_held = link->owner.count_held(link->owner.context),
                .takes_bundles = true,
        };
        struct mono now = clock_mono();
        bool is_sent;

        lease_clock_on_doubt(&link->clock);
        buffer_clear(&link->frame);
        wire_encode_hello(&link->frame, &hello);
        link->owner.encode_held(link->owner.context, &link->frame);
        wire_encode_hello_end(&link->frame, &hello);
        is_sent = send_frame(link) == 0;
        if (is_sent)
                lease_clock_on_hello_sent(&link->clock, now);
        set_timer(link, span_ms(is_sent ? HELLO_MS : UNSENT_MS));
}

/* `now` is from before the leases are named: this process may have been stopped since. */
static void say_alive(struct broker_link *link, struct mono now) {
        buffer_clear(&link->frame);
        wire_encode_alive(&link->frame, link->slots, link->owner.count_held(link->owner.context));
        link->owner.encode_held(link->owner.context, &link->frame);
        wire_encode_alive_end(&link->frame, lease_clock_next_beat(&link->clock));
        if (send_frame(link) == 0) {
                lease_clock_on_alive_sent(&link->clock, now);
                set_timer(link, link->alive);
        } else {
                set_timer(link, span_min(link->alive, span_ms(UNSENT_MS)));
        }
}

struct lease_mark broker_link_mark(const struct broker_link *link) {
        return lease_clock_mark(&link->clock);
}

bool broker_link_is_sure(const struct broker_link *link, const struct lease_mark *mark, struct mono now) {
        return lease_clock_is_sure_of(&link->clock, mark, now);
}

static void on_timer(void *context) {
        struct broker_link *link = context;
        struct mono now = clock_mono();

        if (lease_clock_is_sure(&link->clock, now)) {
                say_alive(link, now);
                return;
        }
        if (link->clock.is_welcomed)
                log_warning("broker_out_of_touch", LOG_NUMBER("held", link->owner.count_held(link->owner.context)));
        say_hello(link);
}

void broker_link_set_slots(struct broker_link *link, uint32_t slots) {
        link->slots = slots;
        on_timer(link);
}

void broker_link_send_answered(struct broker_link *link, const struct wire_answered *answered) {
        wire_encode_answered(gathered_begin(&link->gathered), answered);
        end_gathered(link);
}

void broker_link_send_result(struct broker_link *link, const struct wire_result *result) {
        wire_encode_result(gathered_begin(&link->gathered), result);
        end_gathered(link);
}

void broker_link_send_posted(struct broker_link *link, const struct wire_posted *posted) {
        wire_encode_posted(gathered_begin(&link->gathered), posted);
        end_gathered(link);
}

void broker_link_send_tally(struct broker_link *link, struct bytes tenant, const struct wire_tally_item *items,
                            uint32_t n) {
        wire_encode_tally(gathered_begin(&link->gathered), tenant, items, n);
        end_gathered(link);
}

/* -- receiving ----------------------------------------------------------------------------------------------------- */

static int on_welcome(struct broker_link *link, struct bytes body) {
        struct mono now = clock_mono();
        struct wire_welcome welcome;
        bool was_welcomed = link->clock.is_welcomed;
        int r = wire_decode_welcome(body, &welcome);

        if (r < 0)
                return r;
        if (!lease_clock_on_welcome(&link->clock, now, welcome.lease)) {
                say_hello(link);
                return 0;
        }
        link->gathered.takes_bundles = welcome.takes_bundles;
        if (was_welcomed)
                return 0;
        link->alive = span_max(welcome.alive, span_ms(ALIVE_MIN_MS));
        log_info("welcomed", LOG_NUMBER("epoch", welcome.epoch), LOG_NUMBER("lease_ms", span_to_ms(welcome.lease)),
                 LOG_NUMBER("alive_ms", span_to_ms(welcome.alive)), LOG_BYTES("broker_version", welcome.version));
        say_alive(link, now);
        return 0;
}

static int on_heard(struct broker_link *link, struct bytes body) {
        uint64_t beat;
        int r = wire_decode_heard(body, &beat);

        if (r == 0)
                lease_clock_on_heard(&link->clock, beat);
        return r;
}

static int on_run(struct broker_link *link, struct bytes body) {
        struct wire_run run;
        int r = wire_decode_run(body, &run);

        if (r == 0 && lease_clock_is_sure(&link->clock, clock_mono()))
                link->owner.on_run(link->owner.context, &run);
        return r;
}

static int on_go(struct broker_link *link, struct bytes body) {
        uint64_t fence;
        int r = wire_decode_go(body, &fence);

        if (r == 0 && lease_clock_is_sure(&link->clock, clock_mono()))
                link->owner.on_go(link->owner.context, fence);
        return r;
}

static int on_verdict(struct broker_link *link, enum wire_type type, struct bytes body) {
        struct wire_verdict verdict;
        int r = wire_decode_verdict(body, &verdict);

        if (r == 0)
                link->owner.on_verdict(link->owner.context, type, &verdict);
        return r;
}

static int on_settled(struct broker_link *link, struct bytes body) {
        struct wire_settled settled;
        int r = wire_decode_settled(body, &settled);

        if (r == 0)
                link->owner.on_settled(link->owner.context, &settled);
        return r;
}

static int on_error(struct broker_link *link, struct bytes body) {
        struct bytes code, why;
        int r = wire_decode_error(body, &code, &why);

        if (r < 0)
                return r;
        if (bytes_is_text(code, "hello_first")) {
                if (link->clock.is_welcomed)
                        say_hello(link);
                return 0;
        }
        log_error("broker_complains", LOG_BYTES("code", code), LOG_BYTES("why", why));
        return 0;
}

static int on_single(struct broker_link *link, struct bytes frame) {
        enum wire_type type;
        struct bytes body;
        int r = wire_open(frame, &type, &body);

        if (r < 0)
                return r;
        switch (type) {
        case WIRE_WELCOME:
                return on_welcome(link, body);
        case WIRE_HEARD:
                return on_heard(link, body);
        case WIRE_RUN:
                return on_run(link, body);
        case WIRE_GO:
                return on_go(link, body);
        case WIRE_STOP:
        case WIRE_CANCEL:
                return on_verdict(link, type, body);
        case WIRE_SETTLED:
                return on_settled(link, body);
        case WIRE_ERROR:
                return on_error(link, body);
        case WIRE_MESSAGES:
        case WIRE_ACK:
        case WIRE_HELLO:
        case WIRE_ALIVE:
        case WIRE_ANSWERED:
        case WIRE_RESULT:
        case WIRE_POSTED:
        case WIRE_TALLY:
        case WIRE_EVENTS:
        case WIRE_BUNDLE: /* within a bundle */
                return -EBADMSG;
        }
        return -EBADMSG;
}

static void log_bad(int r, struct bytes frame) {
        if (r < 0)
                log_error("bad_frame", LOG_NUMBER("bytes", frame.len));
}

/* One frame that is none does not take the others with it. */
static int on_bundle(struct broker_link *link, struct bytes body) {
        struct pack_reader reader;
        struct bytes frame;
        uint32_t n;
        int r = wire_decode_bundle(body, &n, &reader);

        for (uint32_t i = 0; r == 0 && i < n; i++) {
                r = wire_bundled_next(&reader, &frame);
                if (r == 0)
                        log_bad(on_single(link, frame), frame);
        }
        return r;
}

static void on_frame(struct broker_link *link, struct bytes frame) {
        enum wire_type type;
        struct bytes body;
        bool is_bundle = wire_open(frame, &type, &body) == 0 && type == WIRE_BUNDLE;

        log_bad(is_bundle ? on_bundle(link, body) : on_single(link, frame), frame);
}

/* Takes what is there, up to a turn's share; then the rest of the loop has its turn. */
static void receive(struct broker_link *link) {
        struct bytes frame;

        for (int i = 0; i < LIMIT_FRAMES_PER_TURN; i++) {
                if (link_receive(link->link, &frame) != 0)
                        return;
                on_frame(link, frame);
        }
        look_again(link);
}

static void on_ready(void *context, int events) {
        struct broker_link *link = context;

        receive(link);
        if (!link->clock.is_welcomed && !link->is_connected)
                say_hello(link);
}

static void on_sweep(void *context) { receive(context); }

/* What is taken in here may bring more to say: that leaves at once, and the next look is in the next turn. */
static void on_turn_end(void *context) {
        struct broker_link *link = context;

        gathered_flush(&link->gathered);
        receive(link);
        if (!gathered_is_empty(&link->gathered)) {
                gathered_flush(&link->gathered);
                look_again(link);
        }
}

int broker_link_new(struct loop *loop, const char *endpoint, const uint8_t uuid[WIRE_UUID_LEN], uint64_t incarnation,
                    uint32_t slots, const struct broker_link_owner *owner, struct broker_link **ret) {
        struct broker_link *link;
        struct link *connection;
        int r = link_new(endpoint, &connection);

        if (r < 0)
                return r;
        link = memory_new(1, sizeof *link);
        *link = (struct broker_link){.loop = loop, .link = connection, .owner = *owner, .incarnation = incarnation};
        memcpy(link->uuid, uuid, sizeof link->uuid);
        link->slots = slots;
        link->gathered.send = send_gathered;
        link->gathered.context = link;
        link->watch = loop_watch_new(loop, link_fd(connection), on_ready, link);
        link->timer = loop_timer_new(loop, on_timer, link);
        link->sweep = loop_timer_new(loop, on_sweep, link);
        link->flush = loop_hook_new(loop, on_turn_end, link);
        loop_watch_set(link->watch, LOOP_READ);
        say_hello(link);
        *ret = link;
        return 0;
}

struct broker_link *broker_link_free(struct broker_link *link) {
        if (!link)
                return NULL;
        loop_watch_free(link->watch);
        loop_timer_free(link->timer);
        loop_timer_free(link->sweep);
        loop_hook_free(link->flush);
        gathered_flush(&link->gathered);
        link_free(link->link);
        buffer_done(&link->frame);
        gathered_done(&link->gathered);
        free(link);
        return NULL;
}
