#include "worker/context.h"

#include "common/clock.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/memory.h"
#include "common/sign.h"
#include "worker/core/context_url.h"
#include "worker/scripts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The first pause before what another looks up is looked for again, and the bytes of a key's hash. */
enum { AGAIN_FIRST_MS = 5, HASH_LEN = 16 };

struct context {
        const struct context_doors *doors;
        const struct config_context *config;
        struct buffer url;
        char *key, *key_asked; /* NULL = nothing is kept */
        char *token; /* whose lookup it is */
        struct redis_request *request;
        struct call *call;
        struct loop_timer *deadline; /* of the whole */
        struct loop_timer *again; /* waiting: to look again; asking: to say again that we do */
        struct span pause;
        struct mono began;
        bool is_bad_name; /* what the URL would say with it is not what the config means */
        void (*on_end)(void *context, struct bytes json, enum context_source source, struct span took,
                       const struct outcome *why_failed);
        void *context;
};

static void free_parts(struct context *lookup) {
        redis_request_free(lookup->request);
        call_free(lookup->call);
        loop_timer_free(lookup->deadline);
        loop_timer_free(lookup->again);
        buffer_done(&lookup->url);
        free(lookup->key);
        free(lookup->key_asked);
        free(lookup->token);
        free(lookup);
}

/* -- the two scripts ----------------------------------------------------------------------------------------------- */

static struct redis_request *find(struct context *lookup,
                                  void (*on_end)(void *context, const struct redis_answer *answer)) {
        CLEANUP_FREE char *ms = memory_print("%d", LIMIT_CONTEXT_ASKED_MS);
        const struct redis_call call = {
                .script = SCRIPT_CONTEXT_FIND,
                .keys = {bytes_of(lookup->key), bytes_of(lookup->key_asked)},
                .n_keys = 2,
                .arguments = {bytes_of(lookup->token), bytes_of(ms)},
                .n_arguments = 2,
        };

        return redis_eval(lookup->doors->redis, &call, on_end, lookup);
}

/* Keeps what was found, for as long as the config says, and lets others look it up again. Nobody waits. */
static void keep(struct context *lookup, struct bytes json) {
        CLEANUP_FREE char *ms = memory_print("%" PRId64, span_to_ms(lookup->config->cache));
        const struct redis_call call = {
                .script = SCRIPT_CONTEXT_KEEP,
                .keys = {bytes_of(lookup->key), bytes_of(lookup->key_asked)},
                .n_keys = 2,
                .arguments = {bytes_of(lookup->token), json, bytes_of(ms)},
                .n_arguments = 3,
        };

        redis_eval(lookup->doors->redis, &call, NULL, NULL);
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

static void end(struct context *lookup, struct bytes json, enum context_source source,
                const struct outcome *why_failed) {
        /* What a call or a request gave is valid as long as they are: they end by themselves. */
        lookup->on_end(lookup->context, json, source, mono_since(clock_mono(), lookup->began), why_failed);
        free_parts(lookup);
}

/* Another run may fare better, or the handler answers without: to the run it has failed, never for good. */
static void fail(struct context *lookup, const struct outcome *why) {
        struct outcome outcome;

        outcome_init(&outcome, WIRE_FAILED, "", "%s", why->why);
        snprintf(outcome.code, sizeof outcome.code, "context_%.*s", (int)(sizeof outcome.code - sizeof "context_"),
                 why->code);
        outcome.status = why->status;
        outcome.retry_after = why->retry_after;
        if (lookup->key)
                keep(lookup, BYTES_NONE);
        end(lookup, BYTES_NONE, CONTEXT_FAILED, &outcome);
}

static void on_deadline(void *context) {
        struct context *lookup = context;
        struct outcome why;

        if (lookup->is_bad_name)
                outcome_init(&why, WIRE_FAILED, "bad_name",
                             "with this thread or sender in it context.url would name another folder, so nobody was "
                             "asked");
        else
                outcome_init(&why, WIRE_FAILED, "timeout",
                             "the context lookup took longer than context.timeout, %" PRId64 " ms",
                             span_to_ms(lookup->config->timeout));
        fail(lookup, &why);
}

/* -- asking the service -------------------------------------------------------------------------------------------- */

/* The answer as it is kept: JSON on one line. 0; -EBADMSG and *ret_why. */
static int decode_json(const struct outcome_response *response, struct buffer *json, struct outcome *ret_why) {
        CLEANUP_FREE char *error = NULL;
        CLEANUP_JSON json_t *value = NULL;
        int r;

        /* 204: it is known that nothing is known. */
        if (response->status == 204) {
                buffer_push_text(json, "null");
                return 0;
        }
        r = json_decode(response->body, &value, &error);
        if (r < 0) {
                outcome_init(ret_why, WIRE_FAILED, "bad_answer", "the context lookup answered what is not JSON: %s",
                             error);
                return r;
        }
        json_encode(value, json);
        if (json->len <= LIMIT_CONTEXT_BYTES)
                return 0;
        outcome_init(ret_why, WIRE_FAILED, "bad_answer", "the context lookup answered more than %d bytes",
                     LIMIT_CONTEXT_BYTES);
        return -EBADMSG;
}

static void on_answer(void *context, const struct outcome_response *response) {
        struct context *lookup = context;
        CLEANUP_BUFFER struct buffer json = {0};
        struct outcome outcome;

        lookup->call = NULL;
        outcome_of_http(response, "the context lookup", &outcome);
        if (outcome.kind != WIRE_DONE || decode_json(response, &json, &outcome) < 0) {
                fail(lookup, &outcome);
                return;
        }
        if (lookup->key)
                keep(lookup, buffer_bytes(&json));
        end(lookup, buffer_bytes(&json), CONTEXT_MISS, NULL);
}

static void set_again(struct context *lookup, struct span pause) {
        struct mono now = clock_mono();

        loop_timer_set(lookup->again, now, mono_add(now, pause));
}

static void ask_service(struct context *lookup) {
        const struct config_context *config = lookup->config;
        CLEANUP_FREE char *token = config->token ? memory_print("Authorization: Bearer %s", config->token) : NULL;
        const char *const headers[] = {"Accept: application/json", token, NULL};
        struct call_request request = {
                .method = "GET",
                .url = buffer_text(&lookup->url),
                .headers = headers,
                .is_repeatable = true,
                .is_private_allowed = config->is_private,
                .body_max = LIMIT_CONTEXT_BYTES,
        };

        lookup->call = call_new(lookup->doors->calls, &request, on_answer, lookup);
        if (lookup->key)
                set_again(lookup, span_ms(LIMIT_CONTEXT_ASKED_MS / 3));
}

/* -- asking Redis -------------------------------------------------------------------------------------------------- */

static void on_found(void *context, const struct redis_answer *answer);

/* Straight to the service when Redis cannot be asked. */
static void look(struct context *lookup) {
        lookup->request = find(lookup, on_found);
        if (!lookup->request)
                ask_service(lookup);
}

/* Anybody may have written it. */
static bool is_json(struct bytes text) {
        CLEANUP_FREE char *error = NULL;
        CLEANUP_JSON json_t *value = NULL;

        return text.len <= LIMIT_CONTEXT_BYTES && json_decode(text, &value, &error) == 0;
}

static void on_found(void *context, const struct redis_answer *answer) {
        struct context *lookup = context;

        lookup->request = NULL;
        if (answer->text.data && is_json(answer->text)) {
                end(lookup, answer->text, CONTEXT_HIT, NULL);
        } else if (answer->result == REDIS_ANSWERED && !answer->text.data && answer->number == 0) {
                set_again(lookup, lookup->pause);
                lookup->pause = span_min(span_us(lookup->pause.us * 2), span_ms(LIMIT_CONTEXT_AGAIN_MS));
        } else {
                ask_service(lookup);
        }
}

static void on_again(void *context) {
        struct context *lookup = context;

        if (!lookup->call) {
                look(lookup);
                return;
        }
        find(lookup, NULL);
        set_again(lookup, span_ms(LIMIT_CONTEXT_ASKED_MS / 3));
}

/* -- beginning ----------------------------------------------------------------------------------------------------- */

/* A stranger names threads: a hash that can be made to collide would give one person what is known of another. */
static void name_keys(struct context *lookup, const char *tenant) {
        uint8_t mac[SIGN_SHA256_LEN];
        CLEANUP_BUFFER struct buffer hex = {0};

        sign_hmac_sha256(bytes_of(tenant), buffer_bytes(&lookup->url), mac);
        sign_hex_encode((struct bytes){mac, HASH_LEN}, &hex);
        lookup->key = memory_print("lull:context:{%s}", buffer_text(&hex));
        lookup->key_asked = memory_print("%s:asked", lookup->key);
}

struct context *context_new(const struct context_doors *doors, const struct config_tenant *tenant,
                            const struct batch *batch,
                            void (*on_end)(void *context, struct bytes json, enum context_source source,
                                           struct span took, const struct outcome *why_failed),
                            void *context) {
        struct context *lookup = memory_new(1, sizeof *lookup);
        struct context_about about = {tenant->name, batch->thread, batch->from};

        lookup->doors = doors;
        lookup->config = &tenant->context;
        lookup->on_end = on_end;
        lookup->context = context;
        lookup->pause = span_ms(AGAIN_FIRST_MS);
        lookup->began = clock_mono();
        lookup->token = memory_print("%020" PRIu64 " %s", batch->fence, batch->id);
        lookup->deadline = loop_timer_new(doors->loop, on_deadline, lookup);
        lookup->again = loop_timer_new(doors->loop, on_again, lookup);
        lookup->is_bad_name = context_url_encode(lookup->config->url, &about, &lookup->url) < 0;
        if (lookup->is_bad_name) {
                loop_timer_set(lookup->deadline, lookup->began, lookup->began);
                return lookup;
        }
        loop_timer_set(lookup->deadline, lookup->began, mono_add(lookup->began, lookup->config->timeout));
        if (doors->redis && lookup->config->cache.us > 0) {
                name_keys(lookup, tenant->name);
                look(lookup);
        } else {
                ask_service(lookup);
        }
        return lookup;
}

struct context *context_free(struct context *lookup) {
        if (!lookup)
                return NULL;
        if (lookup->key)
                keep(lookup, BYTES_NONE);
        free_parts(lookup);
        return NULL;
}
