/* gearmand WORKLOAD PORT N: background jobs through libgearman, two worker processes of four threads. W1, W2, W3. */
#include "bench.h"
#include <libgearman/gearman.h>
#include <pthread.h>

enum { CHUNK = 500, THREADS = 4, PER_S = 500 };
static int port;
static struct shared *shared;

static void submit(gearman_client_st *c, long from, long to) {
        static char p[CHUNK][PAYLOAD];
        gearman_return_t rc;

        for (long i = from; i < to; i++) {
                payload_set(p[i - from], i, now_ns());
                gearman_client_add_task_background(c, NULL, NULL, "q", NULL, p[i - from], PAYLOAD, &rc);
                if (rc != GEARMAN_SUCCESS)
                        die("add task");
        }
        if (gearman_client_run_tasks(c) != GEARMAN_SUCCESS)
                die(gearman_client_error(c));
        gearman_client_task_free_all(c);
}

static gearman_return_t handle(gearman_job_st *job, void *context) {
        (void)context;
        shared_start(shared, gearman_job_workload(job), 0);
        return GEARMAN_SUCCESS;
}

static void *loop(void *context) {
        gearman_worker_st *w = gearman_worker_create(NULL);

        (void)context;
        gearman_worker_add_server(w, "127.0.0.1", port);
        gearman_worker_define_function(w, "q", 1, gearman_function_create(handle), 0, NULL);
        gearman_worker_set_timeout(w, 200);
        while (!atomic_load(&shared->stop))
                if (gearman_worker_work(w) == GEARMAN_SUCCESS)
                        shared_ack(shared, 1);
        gearman_worker_free(w);
        return NULL;
}

static void work(void) {
        pthread_t threads[THREADS];

        for (int k = 0; k < THREADS; k++)
                pthread_create(&threads[k], NULL, loop, NULL);
        for (int k = 0; k < THREADS; k++)
                pthread_join(threads[k], NULL);
        _exit(0);
}

int main(int argc, char **argv) {
        const char *w = argc > 3 ? argv[1] : "";
        long n = argc > 3 ? atol(argv[3]) : 0, step = is_word(w, "W3") ? 1 : CHUNK;
        gearman_client_st *c;
        int64_t begin;

        if (n < 1)
                die("gearmand WORKLOAD PORT N");
        port = atoi(argv[2]);
        shared = shared_new(n);
        for (int i = 0; i < 2 && !is_word(w, "W1"); i++)
                if (!fork())
                        work();
        usleep(300000);
        c = gearman_client_create(NULL);
        gearman_client_add_server(c, "127.0.0.1", port);
        begin = now_ns();
        for (long i = 0; i < n; i += step) {
                if (is_word(w, "W3"))
                        sleep_until(begin + i * NS_PER_S / PER_S);
                submit(c, i, i + step < n ? i + step : n);
        }
        if (is_word(w, "W1")) {
                row(n, (double)(now_ns() - begin) / 1e9, NULL);
                return 0;
        }
        shared_wait(shared, n);
        row(n, (double)(atomic_load(&shared->last) - begin) / 1e9, is_word(w, "W3") ? shared->lat : NULL);
        shared_stop(shared);
        return 0;
}
