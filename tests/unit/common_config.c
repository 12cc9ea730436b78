#include "tests/unit/common_config.h"

#include "common/limits.h"

#include <errno.h>
#include <string.h>

/* A world of two variables and two files. */
static const char *find_variable(void *context, const char *name) {
        return strcmp(name, "TOKEN") == 0 ? "s3cret" : strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

static int read_file(void *context, const char *path, size_t max, struct buffer *ret) {
        if (strcmp(path, "/run/secrets/token") == 0)
                buffer_push_text(ret, "from a file\n");
        else if (strcmp(path, "/big") == 0)
                return -EFBIG;
        else
                return -ENOENT;
        return 0;
}

static const struct config_world world = {find_variable, read_file, NULL};

/* The smallest tenant there is, for tests of other things. */
#define TENANT "tenants: {acme: {handler: {kind: echo}}}\n"
#define ACME "tenants:\n  acme:\n    handler: {kind: echo}\n"

/* -- what is there ------------------------------------------------------------------------------------------------- */

static void a_file_that_says_little_is_complete(void **state) {
        CLEANUP_CONFIG struct config *config = decode(TENANT);

        assert_string_equal(config->path, "lull.yaml");
        assert_string_equal(config->broker.ingest, "tcp://127.0.0.1:7601");
        assert_string_equal(config->broker.bind_workers, "tcp://127.0.0.1:7602");
        assert_string_equal(config->broker.stats, "tcp://127.0.0.1:7603");
        assert_string_equal(config->broker.store, "lmdb:var/lull");
        assert_int_equal(config->broker.lease.us, 5000000);
        assert_false(config->broker.is_insecure);
        assert_string_equal(config->redis, "redis://127.0.0.1:6379/0");
        assert_string_equal(config->ingest.http, "127.0.0.1:8600");
        assert_null(config->ingest.token);
        assert_int_equal(config->ingest.ack_timeout.us, 5000000);
        assert_null(config->ingest.spool);
        assert_int_equal(config->ingest.spool_bytes, LIMIT_SPOOL_BYTES_DEFAULT);
        assert_int_equal(config->worker.slots, 256);
        assert_int_equal(config->worker.drain.us, 30000000);
        assert_int_equal(config->limits.message_bytes, 65536);
        assert_int_equal(config->limits.memory, INT64_C(2) << 30);
        assert_int_equal(config->limits.store_bytes, INT64_C(64) << 30);
        assert_int_equal(config->limits.free_bytes, 64 << 20);
        assert_int_equal(config->limits.dedupe_window.us, INT64_C(86400000000));
        assert_int_equal(config->limits.dedupe_ids, 1000000);
        assert_int_equal(config->n_tenants, 1);
}

static void a_tenant_that_says_little_is_complete(void **state) {
        CLEANUP_CONFIG struct config *config = decode(TENANT);
        const struct config_tenant *acme = &config->tenants[0];

        assert_string_equal(acme->name, "acme");
        assert_int_equal(acme->quiet.us, 8000000);
        assert_int_equal(acme->max_wait.us, 30000000);
        assert_int_equal(acme->max_messages, 20);
        assert_int_equal(acme->max_bytes, 65536);
        assert_int_equal(acme->retry.attempts, 6);
        assert_int_equal(acme->retry.base.us, 2000000);
        assert_int_equal(acme->retry.cap.us, 32000000);
        assert_true(acme->retry.factor == 2.0 && acme->retry.jitter == 0.1);
        assert_int_equal(acme->busy.base.us, 100000);
        assert_int_equal(acme->busy.cap.us, 2000000);
        assert_int_equal(acme->busy.give_up.us, 60000000);
        assert_int_equal(acme->lock_ttl.us, 30000000);
        assert_int_equal(acme->run_timeout.us, 300000000);
        assert_int_equal(acme->concurrency, 100);
        assert_int_equal(acme->rate.count, 0);
        assert_int_equal(acme->max_pending, 0);
        assert_int_equal(acme->on_new_message, CONFIG_ON_NEW_QUEUE);
        assert_int_equal(acme->max_interrupts, 3);
        assert_int_equal(acme->on_unknown, CONFIG_ON_UNKNOWN_REPEAT);
        assert_int_equal(acme->typing_hold.us, 8000000);
        assert_int_equal(acme->transcription_wait.us, 0);
        assert_int_equal(acme->on_takeover, CONFIG_ON_TAKEOVER_HOLD);
        assert_int_equal(acme->hold_for.us, INT64_C(12) * 3600 * 1000000);
        assert_int_equal(acme->on_resume, CONFIG_ON_RESUME_REST);
        assert_null(acme->context.url);
        assert_int_equal(acme->handler.kind, CONFIG_HANDLER_ECHO);
        assert_int_equal(acme->n_channels, 0);
}

static void a_file_that_says_everything_is_read_as_it_says(void **state) {
        CLEANUP_CONFIG struct config *config = decode(
                "broker: {ingest: 'ipc://run/i', workers: 'ipc://run/w', stats: 'ipc://run/s', store: 'memory:', "
                "lease: 3s}\n"
                "redis: none\n"
                "ingest: {http: '0.0.0.0:80', token: '${TOKEN}', ack_timeout: 100ms}\n"
                "worker: {slots: 1, drain: 0s}\n"
                "limits: {message_bytes: 1MiB, memory: 6GiB, store_bytes: 5GiB, free_bytes: 0, "
                "dedupe_window: 168h, dedupe_ids: 7}\n"
                "tenants:\n"
                "  b:\n"
                "    quiet: 0s\n"
                "    max_wait: 1h\n"
                "    max_messages: 4095\n"
                "    max_bytes: 2097152\n"
                "    on_new_message: interrupt\n"
                "    max_interrupts: 100\n"
                "    on_unknown: silence\n"
                "    retry: {attempts: 1, base: 1ms, factor: 1.5, cap: 1ms, jitter: 0}\n"
                "    busy: {base: 1ms, cap: 3ms, give_up: 1s}\n"
                "    lock: {ttl: 1s}\n"
                "    run_timeout: 1s\n"
                "    concurrency: 1\n"
                "    max_pending: 500\n"
                "    handler: {kind: exec, command: [/bin/cat, '${file:/run/secrets/token}', '$${HOME}']}\n"
                "    channels:\n"
                "      in: {kind: generic, token: \"a-${TOKEN}\"}\n"
                "  a:\n"
                "    handler: {kind: http, url: 'https://h/x', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n");
        const struct config_tenant *b = config_tenant_find(config, bytes_of("b"));
        const struct config_channel *in = config_channel_find(b, bytes_of("in"));

        assert_string_equal(config->broker.bind_ingest, "ipc://run/i");
        assert_string_equal(config->redis, "");
        assert_string_equal(config->ingest.token, "s3cret");
        assert_int_equal(config->limits.message_bytes, 1 << 20);
        assert_int_equal(config->limits.memory, INT64_C(6) << 30);
        assert_int_equal(config->limits.store_bytes, INT64_C(5) << 30);
        assert_int_equal(config->limits.free_bytes, 0);
        assert_int_equal(config->limits.dedupe_window.us, INT64_C(604800000000));
        assert_int_equal(config->limits.dedupe_ids, 7);
        assert_string_equal(config->tenants[0].name, "a");
        assert_string_equal(config->tenants[0].handler.url, "https://h/x");
        assert_int_equal(b->quiet.us, 0);
        assert_int_equal(b->max_pending, 500);
        assert_int_equal(b->on_new_message, CONFIG_ON_NEW_INTERRUPT);
        assert_int_equal(b->max_interrupts, 100);
        assert_int_equal(b->on_unknown, CONFIG_ON_UNKNOWN_SILENCE);
        assert_true(b->retry.factor == 1.5 && b->retry.jitter == 0);
        assert_string_equal(b->handler.command[1], "from a file");
        assert_string_equal(b->handler.command[2], "${HOME}");
        assert_null(b->handler.command[3]);
        assert_string_equal(in->kind, "generic");
        assert_string_equal(config_setting_find(in, "token"), "a-s3cret");
        assert_null(config_setting_find(in, "kind"));
        assert_null(config_channel_find(b, bytes_of("out")));
        assert_null(config_tenant_find(config, bytes_of("bb")));
        assert_null(config_tenant_find(config, BYTES_NONE));
}

static void the_broker_binds_where_it_is_told(void **state) {
        CLEANUP_CONFIG struct config *config =
                decode("broker: {ingest: 'tcp://broker:1', workers: 'tcp://localhost:2', "
                       "stats: 'ipc://s', bind: 0.0.0.0, insecure: true}\n" TENANT);
        CLEANUP_CONFIG struct config *local =
                decode("broker: {ingest: 'tcp://localhost:1', workers: 'tcp://[::1]:2'}\n" TENANT);

        assert_string_equal(config->broker.ingest, "tcp://broker:1");
        assert_string_equal(config->broker.bind_ingest, "tcp://0.0.0.0:1");
        assert_string_equal(config->broker.bind_workers, "tcp://0.0.0.0:2");
        assert_string_equal(config->broker.bind_stats, "ipc://s");
        assert_string_equal(local->broker.bind_ingest, "tcp://127.0.0.1:1");
        assert_string_equal(local->broker.bind_workers, "tcp://[::1]:2");
}

/* -- what is refused ----------------------------------------------------------------------------------------------- */

static void an_unknown_key_is_told_what_was_meant(void **state) {
        assert_refused(ACME "    quite: 8s\n",
                       "lull.yaml:4: unknown key 'quite' in tenants.acme; did you mean 'quiet'?");
        assert_refused("tenant: {}\n" TENANT, "lull.yaml:1: unknown key 'tenant'; did you mean 'tenants'?");
        assert_refused("worker: {colour: red}\n" TENANT,
                       "lull.yaml:1: unknown key 'colour' in worker; the keys there are slots and drain");
        assert_refused(ACME "    channels: {c: {kind: generic, tokn: x, unsigned: true}}\n",
                       "lull.yaml:4: tenants.acme.channels.c: unknown key 'tokn'; did you mean 'token'?");
}

static void a_key_of_a_later_version_is_called_that(void **state) {
        assert_refused("ingest: {admin: x}\n" TENANT,
                       "lull.yaml:1: ingest.admin: is not supported by this version of lull; remove it");
}

static void a_spool_holds_more_than_one_message(void **state) {
        assert_refused("ingest: {spool: x, spool_bytes: 1MiB}\n" TENANT,
                       "lull.yaml:1: ingest.spool_bytes: '1MiB' is too small; at least 2MiB");
}

static void a_length_of_time_needs_its_unit(void **state) {
        assert_refused(ACME "    quiet: 8\n",
                       "lull.yaml:4: tenants.acme.quiet: '8' has no unit; write '8s', '500ms' or '2m'");
        assert_refused(ACME "    quiet: adaptive\n",
                       "lull.yaml:4: tenants.acme.quiet: 'adaptive' is not supported by this version of lull; write a "
                       "value such as '8s'");
        assert_refused(ACME "    quiet: soon\n",
                       "lull.yaml:4: tenants.acme.quiet: 'soon' is no length of time; write a whole number and "
                       "ms, s, m, h or d, such as '8s', '500ms' or '2m'");
}

static void other_values_say_what_they_want(void **state) {
        assert_refused("limits: {message_bytes: 64KB}\n" TENANT,
                       "lull.yaml:1: limits.message_bytes: '64KB' is no size; write bytes, or a "
                       "whole number and KiB, MiB or GiB, such as '64KiB'");
        assert_refused("worker: {slots: many}\n" TENANT,
                       "lull.yaml:1: worker.slots: 'many' is no whole number; write digits only, such as '20'");
        assert_refused(ACME "    retry: {jitter: 0.12345}\n",
                       "lull.yaml:4: tenants.acme.retry.jitter: '0.12345' is no number with at most "
                       "three decimals; write it such as '2' or '0.125'");
        assert_refused("broker: {insecure: yes}\n" TENANT,
                       "lull.yaml:1: broker.insecure: 'yes' is neither true nor false; write one of them");
        assert_refused("worker: 5\n" TENANT, "lull.yaml:1: worker: must be a map of keys and values; this is a text");
        assert_refused("worker: {slots: [1]}\n" TENANT, "lull.yaml:1: worker.slots: must be one value; this is a list");
        assert_refused("worker: {slots: }\n" TENANT,
                       "lull.yaml:1: worker.slots: has no value; give it one, or remove the key");
}

static void a_choice_says_what_there_is(void **state) {
        assert_refused(ACME "    on_new_message: interupt\n",
                       "lull.yaml:4: tenants.acme.on_new_message: 'interupt' is unknown; write queue or interrupt");
        assert_refused(ACME "    on_unknown: '${TOKEN}'\n",
                       "lull.yaml:4: tenants.acme.on_unknown: '${TOKEN}' is unknown; write repeat or silence");
        assert_refused(ACME "    max_interrupts: 101\n",
                       "lull.yaml:4: tenants.acme.max_interrupts: '101' is too large; at most 100");
}

static void a_value_out_of_bounds_is_told_the_bound(void **state) {
        assert_refused(ACME "    lock: {ttl: 500ms}\n",
                       "lull.yaml:4: tenants.acme.lock.ttl: '500ms' is too small; at least 1s");
        assert_refused("broker: {lease: 6m}\n" TENANT, "lull.yaml:1: broker.lease: '6m' is too large; at most 5m");
        assert_refused(ACME "    max_bytes: 3MiB\n",
                       "lull.yaml:4: tenants.acme.max_bytes: '3MiB' is too large; at most 2MiB");
        assert_refused(ACME "    max_messages: 0\n",
                       "lull.yaml:4: tenants.acme.max_messages: '0' is too small; at least 1");
        assert_refused(ACME "    retry: {factor: 0.5}\n",
                       "lull.yaml:4: tenants.acme.retry.factor: '0.5' is too small; at least 1");
        assert_refused("worker: {slots: 99999999999999999999}\n" TENANT,
                       "lull.yaml:1: worker.slots: '99999999999999999999' is too large; at most 10000");
}

static void what_does_not_go_together_is_refused(void **state) {
        assert_refused(
                ACME "    quiet: 1m\n",
                "lull.yaml:2: tenants.acme.max_wait: 30s is shorter than quiet, which is 1m; make it 1m or more");
        assert_refused(
                ACME "    retry: {base: 5s, cap: 4s}\n",
                "lull.yaml:4: tenants.acme.retry.cap: 4s is shorter than retry.base, which is 5s; make it 5s or more");
        assert_refused(ACME "    busy: {cap: 1ms}\n", "lull.yaml:4: tenants.acme.busy.cap: 1ms is shorter than "
                                                      "busy.base, which is 100ms; make it 100ms or more");
}

static void a_handler_has_what_its_kind_needs(void **state) {
        assert_refused("tenants: {acme: {}}\n",
                       "lull.yaml:1: tenants.acme.handler: is missing: what answers this tenant's batches? Write "
                       "handler: {kind: http, url: \"http://127.0.0.1:9000/answer\"}");
        assert_refused("tenants: {acme: {handler: {}}}\n",
                       "lull.yaml:1: tenants.acme.handler: has no kind; write http, openai, langgraph, exec or echo");
        assert_refused("tenants: {acme: {handler: {kind: htpp}}}\n",
                       "lull.yaml:1: tenants.acme.handler.kind: 'htpp' is unknown; did you mean 'http'?");
        assert_refused("tenants: {acme: {handler: {kind: http}}}\n",
                       "lull.yaml:1: tenants.acme.handler: a handler of kind http needs url; "
                       "write url: \"http://127.0.0.1:9000/answer\"");
        assert_refused("tenants: {acme: {handler: {kind: http, url: 'ftp://x'}}}\n",
                       "lull.yaml:1: tenants.acme.handler.url: must begin with http:// or https://");
        assert_refused("tenants: {acme: {handler: {kind: exec, command: cat}}}\n",
                       "lull.yaml:1: tenants.acme.handler.command: must be a list of the program and its arguments, at "
                       "most 64, such as "
                       "[/usr/bin/python3, bot.py]");
        assert_refused("tenants: {acme: {handler: {kind: echo, url: 'http://x'}}}\n",
                       "lull.yaml:1: unknown key 'url' in tenants.acme.handler; the keys there are kind");
}

static void there_is_a_tenant_and_its_name_is_a_name(void **state) {
        assert_refused("", "lull.yaml:1: tenants: there must be at least one tenant; write its name as a key and its "
                           "settings, at least "
                           "`handler`, below it");
        assert_refused("tenants: {'a b': {handler: {kind: echo}}}\n",
                       "lull.yaml:1: tenants: 'a b' is no name; write 1 to 64 letters, digits, '-' and '_'");
        assert_refused(
                ACME "    channels: {'a/b': {kind: generic, unsigned: true}}\n",
                "lull.yaml:4: tenants.acme.channels: 'a/b' is no name; write 1 to 64 letters, digits, '-' and '_'");
}

#define INSECURE                                                                                                       \
        "is beyond this machine, and what goes over it is not encrypted or authenticated yet; put it on a private "    \
        "network and set broker.insecure: true"

static void an_endpoint_beyond_this_machine_wants_to_be_called_insecure(void **state) {
        assert_refused("broker:\n  ingest: tcp://10.0.0.5:7601\n" TENANT, "lull.yaml:2: broker.ingest: " INSECURE);
        assert_refused("broker:\n  bind: 0.0.0.0\n" TENANT, "lull.yaml:2: broker.bind: " INSECURE);
}

static void an_endpoint_is_one_that_can_be_used(void **state) {
        assert_refused(
                "broker: {insecure: true, ingest: 'tcp://broker:1'}\n" TENANT,
                "lull.yaml:1: broker.ingest: 'broker' is a name, and the broker must know which address to bind; set "
                "broker.bind, such as broker.bind: 0.0.0.0");
        assert_refused("broker: {ingest: 'tcp://0.0.0.0:1'}\n" TENANT,
                       "lull.yaml:1: broker.ingest: nobody can connect to '0.0.0.0'; write the address that workers "
                       "and ingest "
                       "connect to, and broker.bind: 0.0.0.0");
        assert_refused("broker: {ingest: 'tcp://127.0.0.1'}\n" TENANT,
                       "lull.yaml:1: broker.ingest: must be tcp://ADDRESS:PORT, such as tcp://127.0.0.1:7601");
        assert_refused("broker: {ingest: 'udp://127.0.0.1:1'}\n" TENANT,
                       "lull.yaml:1: broker.ingest: must be tcp://ADDRESS:PORT or ipc://PATH");
        assert_refused("broker: {stats: 'tcp://127.0.0.1:7601'}\n" TENANT,
                       "lull.yaml:1: broker.stats: is the same as broker.ingest; each needs its own");
        assert_refused("broker: {store: lmdb}\n" TENANT, "lull.yaml:1: broker.store: must be lmdb:FOLDER, or memory: "
                                                         "for trying things out (nothing survives a restart)");
        assert_refused("broker: {bind: eth0}\n" TENANT, "lull.yaml:1: broker.bind: 'eth0' is no address; write the one "
                                                        "of an interface of this machine, or 0.0.0.0 for all");
        assert_refused("ingest: {http: 'localhost'}\n" TENANT,
                       "lull.yaml:1: ingest.http: 'localhost' must be ADDRESS:PORT, such as 127.0.0.1:8600, or "
                       "0.0.0.0:8600 for all "
                       "interfaces");
}

static void the_address_of_redis_is_one(void **state) {
        static const char *const good[] = {"redis://h",
                                           "redis://h:1/2",
                                           "redis://u:p@h:6379/0",
                                           "redis://:p@[::1]:6379",
                                           "redis+unix:///run/redis.sock?db=1",
                                           "redis+unix://u:p@/run/r"};

        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
                CLEANUP_FREE char *text = memory_print("redis: \"%s\"\n" TENANT, good[i]);
                CLEANUP_CONFIG struct config *config = decode(text);

                assert_string_equal(config->redis, good[i]);
        }
        assert_refused("redis: rediss://user:pass@h\n" TENANT,
                       "lull.yaml:1: redis: Redis over TLS is not supported by this version of lull; "
                       "use redis:// on a private network, or redis+unix://");
        assert_refused("redis: redis://u:pass@:1\n" TENANT,
                       "lull.yaml:1: redis: must be redis://[user:password@]host:port/db, redis+unix:///path?db=N, or "
                       "none for no lock "
                       "(right only when nothing else works on the same threads)");
}

static void what_a_variable_or_a_file_lacks_is_said(void **state) {
        assert_refused("ingest: {token: '${ANSWER_SECRET}'}\n" TENANT,
                       "lull.yaml:1: ingest.token: environment variable ANSWER_SECRET is not set; set it, or write "
                       "${file:/path}");
        assert_refused("ingest: {token: '${EMPTY}'}\n" TENANT,
                       "lull.yaml:1: ingest.token: is empty; give it a value, or remove the key");
        assert_refused("ingest: {token: '${TOKEN'}\n" TENANT,
                       "lull.yaml:1: ingest.token: a '${' has no '}'; write ${NAME}, or $${ for the text ${ itself");
        assert_refused("ingest: {token: '${file:/none}'}\n" TENANT,
                       "lull.yaml:1: ingest.token: the file /none cannot be read (No such file or "
                       "directory); create it or let this user read it");
        assert_refused("ingest: {token: '${file:/big}'}\n" TENANT,
                       "lull.yaml:1: ingest.token: the file /big is over 65536 bytes; it should hold one secret");
        assert_refused("ingest: {token: '${file:x}'}\n" TENANT,
                       "lull.yaml:1: ingest.token: '${file:x}' must name a file from the root on, such as "
                       "${file:/run/secrets/token}");
}

static void an_error_shows_no_secret(void **state) {
        assert_refused("worker: {slots: '${TOKEN}'}\n" TENANT,
                       "lull.yaml:1: worker.slots: '${TOKEN}' is no whole number; write digits only, such as '20'");
        assert_refused("tenants: {acme: {handler: {kind: http, url: 'http://x', secret: hunter2}}}\n",
                       "lull.yaml:1: tenants.acme.handler.secret: is not \"whsec_\" and the base64 of 24 to 64 bytes; "
                       "make one with: "
                       "echo whsec_$(openssl rand -base64 32)");
}

static void errors_come_together_and_in_the_order_of_lines(void **state) {
        assert_refused("worker: {slots: 0}\n" ACME "    quiet: 8\n    quiett: 1s\n",
                       "lull.yaml:1: worker.slots: '0' is too small; at least 1\n"
                       "lull.yaml:5: tenants.acme.quiet: '8' has no unit; write '8s', '500ms' or '2m'\n"
                       "lull.yaml:6: unknown key 'quiett' in tenants.acme; did you mean 'quiet'?");
}

static void more_errors_than_anyone_reads_are_counted(void **state) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_BUFFER struct buffer text = {0};
        CLEANUP_FREE char *error = NULL;

        buffer_push_text(&text, ACME);
        for (int i = 0; i < LIMIT_CONFIG_ERRORS + 3; i++)
                buffer_print(&text, "    unheard_of_%d: 1\n", i);
        assert_int_equal(config_decode("lull.yaml", buffer_bytes(&text), &world, &config, &error), -EINVAL);
        assert_non_null(strstr(error, "\nlull.yaml: 3 more, not shown"));
}

static void a_file_that_is_not_there_is_said_so(void **state) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_FREE char *error = NULL;

        assert_int_equal(config_load("/nowhere/lull.yaml", &config, &error), -ENOENT);
        assert_string_equal(
                error, "/nowhere/lull.yaml: cannot be read (No such file or directory); name the configuration as the "
                       "argument or in LULL_CONFIG");
}

static void of_very_many_errors_the_first_are_told_at_once(void **state) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_BUFFER struct buffer text = {0};
        CLEANUP_FREE char *error = NULL;

        buffer_push_text(&text, "tenants:\n  acme:\n    handler: {kind: echo}\n");
        for (int i = 0; i < 100000; i++)
                buffer_print(&text, "    quite%d: 1s\n", i);
        for (int i = 0; i < 100000; i++)
                buffer_print(&text, "brokr%d: 1s\n", i);
        assert_int_not_equal(config_decode("lull.yaml", buffer_bytes(&text), &world, &config, &error), 0);
        assert_ptr_equal(strstr(error, "lull.yaml:4: unknown key 'quite0' in tenants.acme; did you mean"), error);
        assert_non_null(strstr(error, "\nlull.yaml:13: "));
        assert_non_null(strstr(error, "\nlull.yaml: 199990 more, not shown"));
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_file_that_says_little_is_complete),
                cmocka_unit_test(a_tenant_that_says_little_is_complete),
                cmocka_unit_test(a_file_that_says_everything_is_read_as_it_says),
                cmocka_unit_test(the_broker_binds_where_it_is_told),
                cmocka_unit_test(an_unknown_key_is_told_what_was_meant),
                cmocka_unit_test(a_key_of_a_later_version_is_called_that),
                cmocka_unit_test(a_spool_holds_more_than_one_message),
                cmocka_unit_test(a_length_of_time_needs_its_unit),
                cmocka_unit_test(other_values_say_what_they_want),
                cmocka_unit_test(a_choice_says_what_there_is),
                cmocka_unit_test(a_value_out_of_bounds_is_told_the_bound),
                cmocka_unit_test(what_does_not_go_together_is_refused),
                cmocka_unit_test(a_handler_has_what_its_kind_needs),
                cmocka_unit_test(there_is_a_tenant_and_its_name_is_a_name),
                cmocka_unit_test(an_endpoint_beyond_this_machine_wants_to_be_called_insecure),
                cmocka_unit_test(an_endpoint_is_one_that_can_be_used),
                cmocka_unit_test(the_address_of_redis_is_one),
                cmocka_unit_test(what_a_variable_or_a_file_lacks_is_said),
                cmocka_unit_test(an_error_shows_no_secret),
                cmocka_unit_test(errors_come_together_and_in_the_order_of_lines),
                cmocka_unit_test(more_errors_than_anyone_reads_are_counted),
                cmocka_unit_test(a_file_that_is_not_there_is_said_so),
                cmocka_unit_test(of_very_many_errors_the_first_are_told_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
