/* nats WORKLOAD PORT N: a JetStream work queue in files, through the C client; two worker processes. W1, W2 (pulled),
 * W3 (pushed to a queue group). */
#include "bench.h"
#include <nats/nats.h>

enum { FETCH = 500, IN_FLIGHT = 4000, PER_S = 500 };
static char url[64];
static struct shared *shared;

static void want(natsStatus status, const char *what) {
        if (status == NATS_OK)
                return;
        fprintf(stderr, "%s: %s %s\n", what, natsStatus_GetText(status), nats_GetLastError(NULL));
        exit(1);
}

static natsConnection *dial(jsCtx **ret) {
        natsConnection *c = NULL;
        jsOptions options;

        jsOptions_Init(&options);
        options.PublishAsync.MaxPending = IN_FLIGHT;
        options.Wait = 10000;
        want(natsConnection_ConnectTo(&c, url), "connect");
        want(natsConnection_JetStream(ret, c, &options), "jetstream");
        return c;
}

static void on_message(natsConnection *c, natsSubscription *subscription, natsMsg *message, void *context) {
        (void)c, (void)subscription, (void)context;
        shared_start(shared, natsMsg_GetData(message), 0);
        natsMsg_Ack(message, NULL);
        natsMsg_Destroy(message);
        shared_ack(shared, 1);
}

static void push(jsCtx *js) {
        natsSubscription *subscription = NULL;
        jsSubOptions options;

        jsSubOptions_Init(&options);
        options.ManualAck = true;
        options.Queue = "g";
        want(js_Subscribe(&subscription, js, "q", on_message, NULL, NULL, &options, NULL), "queue subscribe");
        while (!atomic_load(&shared->stop))
                usleep(20000);
}

static void pull(jsCtx *js, natsConnection *c) {
        natsSubscription *subscription = NULL;

        want(js_PullSubscribe(&subscription, js, "q", "d", NULL, NULL, NULL), "pull subscribe");
        while (!atomic_load(&shared->stop)) {
                natsMsgList list = {0};
                natsStatus status = natsSubscription_Fetch(&list, subscription, FETCH, 200, NULL);

                if (status != NATS_TIMEOUT)
                        want(status, "fetch");
                for (int i = 0; i < list.Count; i++) {
                        shared_start(shared, natsMsg_GetData(list.Msgs[i]), 0);
                        natsMsg_Ack(list.Msgs[i], NULL);
                }
                natsConnection_Flush(c);
                if (list.Count)
                        shared_ack(shared, list.Count);
                natsMsgList_Destroy(&list);
        }
}

/* A worker may subscribe only once the stream is there: it is told through the pipe. */
static void start_worker(const int pipe_fds[2], int is_pulled) {
        natsConnection *c;
        jsCtx *js;
        char byte;

        if (fork())
                return;
        close(pipe_fds[1]);
        if (read(pipe_fds[0], &byte, 1) != 1)
                _exit(1);
        c = dial(&js);
        if (is_pulled)
                pull(js, c);
        else
                push(js);
        _exit(0);
}

static void make_stream(jsCtx *js, int is_pulled) {
        const char *subjects[] = {"q"};
        jsStreamConfig stream;
        jsConsumerConfig consumer;

        jsStreamConfig_Init(&stream);
        stream.Name = "Q";
        stream.Subjects = subjects;
        stream.SubjectsLen = 1;
        stream.Storage = js_FileStorage;
        stream.Retention = js_WorkQueuePolicy;
        want(js_AddStream(NULL, js, &stream, NULL, NULL), "add stream");
        if (!is_pulled)
                return;
        jsConsumerConfig_Init(&consumer);
        consumer.Durable = "d";
        consumer.AckPolicy = js_AckExplicit;
        consumer.MaxAckPending = 20000;
        consumer.FilterSubject = "q";
        want(js_AddConsumer(NULL, js, "Q", &consumer, NULL, NULL), "add consumer");
}

static void produce(jsCtx *js, long n, int is_paced) {
        int64_t begin = now_ns();
        char p[PAYLOAD];

        for (long i = 0; i < n; i++) {
                if (is_paced)
                        sleep_until(begin + i * NS_PER_S / PER_S);
                payload_set(p, i, now_ns());
                if (is_paced)
                        want(js_Publish(NULL, js, "q", p, PAYLOAD, NULL, NULL), "publish");
                else
                        want(js_PublishAsync(js, "q", p, PAYLOAD, NULL), "publish");
        }
        if (!is_paced)
                want(js_PublishAsyncComplete(js, NULL), "complete");
}

int main(int argc, char **argv) {
        const char *w = argc > 3 ? argv[1] : "";
        long n = argc > 3 ? atol(argv[3]) : 0;
        int is_pulled = is_word(w, "W2"), is_paced = is_word(w, "W3"), pipe_fds[2];
        natsConnection *c;
        int64_t begin;
        jsCtx *js;

        if (n < 1 || pipe(pipe_fds))
                die("nats WORKLOAD PORT N");
        snprintf(url, sizeof url, "nats://127.0.0.1:%s", argv[2]);
        shared = shared_new(n);
        for (int i = 0; i < 2 && !is_word(w, "W1"); i++)
                start_worker(pipe_fds, is_pulled);
        c = dial(&js);
        make_stream(js, is_pulled);
        if (write(pipe_fds[1], "go", 2) != 2)
                die("write");
        usleep(600000);
        begin = now_ns();
        produce(js, n, is_paced);
        if (is_word(w, "W1")) {
                row(n, (double)(now_ns() - begin) / 1e9, NULL);
                return 0;
        }
        shared_wait(shared, n);
        row(n, (double)(atomic_load(&shared->last) - begin) / 1e9, is_paced ? shared->lat : NULL);
        shared_stop(shared);
        natsConnection_Destroy(c);
        return 0;
}
