/* Programs of the loop: a child process with three pipes, that leaves nothing behind. */
#include "common/ensure.h"
#include "common/limits.h"
#include "common/memory.h"
#include "worker/loop_private.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { STDIN, STDOUT, STDERR, N_PIPES };

/* Of what a program writes on stderr only the first line is used. */
enum { ERRORS_MAX = 4096, READ_MAX = 16384 };

struct loop_program {
        struct loop *loop;
        struct loop_program *next, **link; /* in loop->programs */
        uv_process_t process;
        uv_pipe_t pipes[N_PIPES];
        uv_timer_t grace;
        uv_write_t write;
        struct buffer input, output, errors;
        size_t output_max;
        char chunk[READ_MAX];
        void (*on_end)(void *context, const struct loop_program_end *end); /* NULL = freed by its owner */
        void *context;
        int64_t status;
        int signal;
        int n_open; /* handles that are not closed yet */
        bool has_exited, is_stdout_over, is_stderr_over, is_too_large, is_closing;
};

static void kill_group(struct loop_program *program) {
        if (!program->has_exited)
                kill(-program->process.pid, SIGKILL);
}

static void on_closed(uv_handle_t *handle) {
        struct loop_program *program = handle->data;

        if (--program->n_open > 0)
                return;
        buffer_done(&program->input);
        buffer_done(&program->output);
        buffer_done(&program->errors);
        free(program);
}

static void close_handle(struct loop_program *program, uv_handle_t *handle) {
        if (uv_is_closing(handle))
                return;
        handle->data = program;
        uv_close(handle, on_closed);
}

static void close_all(struct loop_program *program) {
        program->is_closing = true;
        *program->link = program->next;
        if (program->next)
                program->next->link = program->link;
        for (int i = 0; i < N_PIPES; i++)
                close_handle(program, (uv_handle_t *)&program->pipes[i]);
        close_handle(program, (uv_handle_t *)&program->grace);
        close_handle(program, (uv_handle_t *)&program->process);
}

static void end(struct loop_program *program) {
        struct loop_program_end result = {
                .status = program->status,
                .signal = program->signal,
                .is_too_large = program->is_too_large,
                .output = buffer_bytes(&program->output),
                .errors = buffer_bytes(&program->errors),
        };

        if (program->is_closing)
                return;
        close_all(program);
        if (program->on_end)
                program->on_end(program->context, &result);
}

static void end_if_over(struct loop_program *program) {
        if (program->has_exited && program->is_stdout_over && program->is_stderr_over)
                end(program);
}

/* It has exited, and somebody it left behind still holds its stdout. */
static void on_grace_over(uv_timer_t *timer) { end(timer->data); }

static void on_program_exit(uv_process_t *process, int64_t status, int signal) {
        struct loop_program *program = process->data;

        /* What it started goes with it. */
        kill_group(program);
        program->has_exited = true;
        program->status = status;
        program->signal = signal;
        uv_update_time(&program->loop->uv);
        uv_timer_start(&program->grace, on_grace_over, LIMIT_EXEC_GRACE_MS, 0);
        end_if_over(program);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret) {
        struct loop_program *program = handle->data;

        *ret = uv_buf_init(program->chunk, sizeof program->chunk);
}

static void keep_output(struct loop_program *program, const char *data, size_t len) {
        if (program->output.len + len <= program->output_max) {
                buffer_push(&program->output, data, len);
                return;
        }
        if (!program->is_too_large)
                kill_group(program);
        program->is_too_large = true;
}

static void keep_errors(struct loop_program *program, const char *data, size_t len) {
        size_t left = ERRORS_MAX - program->errors.len;

        buffer_push(&program->errors, data, len < left ? len : left);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk) {
        struct loop_program *program = stream->data;
        bool is_stdout = stream == (uv_stream_t *)&program->pipes[STDOUT];

        if (n > 0 && is_stdout)
                keep_output(program, chunk->base, (size_t)n);
        else if (n > 0)
                keep_errors(program, chunk->base, (size_t)n);
        if (n >= 0)
                return;
        uv_read_stop(stream);
        if (is_stdout)
                program->is_stdout_over = true;
        else
                program->is_stderr_over = true;
        end_if_over(program);
}

/* Whether it read all of its input is its own business: closing is all that is left to do. */
static void on_written(uv_write_t *write, int status) {
        struct loop_program *program = write->data;

        close_handle(program, (uv_handle_t *)&program->pipes[STDIN]);
}

static void start_pipes(struct loop_program *program) {
        uv_buf_t input = uv_buf_init((char *)program->input.data, (unsigned)program->input.len);

        program->write.data = program;
        ENSURE(uv_read_start((uv_stream_t *)&program->pipes[STDOUT], on_alloc, on_read) == 0);
        ENSURE(uv_read_start((uv_stream_t *)&program->pipes[STDERR], on_alloc, on_read) == 0);
        if (uv_write(&program->write, (uv_stream_t *)&program->pipes[STDIN], &input, 1, on_written) < 0)
                close_handle(program, (uv_handle_t *)&program->pipes[STDIN]);
}

/* Puts the variable of ours into `ret`, if there is one. */
static void push_variable(const char *name, char **ret, uint32_t *n) {
        size_t len = strlen(name);

        for (char **variable = environ; *variable; variable++)
                if (strncmp(*variable, name, len) == 0 && (*variable)[len] == '=') {
                        ret[(*n)++] = *variable;
                        return;
                }
}

/* libuv can set no limits between fork and exec, and around them ours would be lowered too, for all threads. So the
 * program has the raised limit for its first moments; it has the old one before its input is written. */
static void restore_descriptors(const struct loop_program *program) {
        prlimit(program->process.pid, RLIMIT_NOFILE, &program->loop->descriptors, NULL);
}

static int spawn(struct loop_program *program, const struct loop_program_start *start) {
        uv_stdio_container_t stdio[N_PIPES];
        char *environment[LOOP_PROGRAM_VARIABLES_MAX + 1] = {0};
        uint32_t n_variables = 0;
        uv_process_options_t options = {
                .exit_cb = on_program_exit,
                .file = start->argv[0],
                .args = (char **)start->argv,
                .env = environment,
                .flags = UV_PROCESS_DETACHED, /* a process group of its own */
                .stdio = stdio,
                .stdio_count = N_PIPES,
        };

        for (const char *const *name = start->environment; *name; name++) {
                ENSURE(n_variables < LOOP_PROGRAM_VARIABLES_MAX);
                push_variable(*name, environment, &n_variables);
        }
        for (int i = 0; i < N_PIPES; i++) {
                stdio[i].flags = UV_CREATE_PIPE | (i == STDIN ? UV_READABLE_PIPE : UV_WRITABLE_PIPE);
                stdio[i].data.stream = (uv_stream_t *)&program->pipes[i];
        }
        /* Libraries open descriptors of which some stay open over exec: mark them all. An old kernel says no. */
        close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
        return uv_spawn(&program->loop->uv, &program->process, &options);
}

static struct loop_program *program_new(struct loop *loop, const struct loop_program_start *start) {
        struct loop_program *program = memory_new(1, sizeof *program);

        program->loop = loop;
        program->output_max = start->output_max;
        program->process.data = program->grace.data = program;
        buffer_push(&program->input, start->input.data, start->input.len);
        for (int i = 0; i < N_PIPES; i++) {
                ENSURE(uv_pipe_init(&loop->uv, &program->pipes[i], 0) == 0);
                program->pipes[i].data = program;
        }
        ENSURE(uv_timer_init(&loop->uv, &program->grace) == 0);
        program->n_open = N_PIPES + 2;
        program->link = &loop->programs;
        program->next = loop->programs;
        if (program->next)
                program->next->link = &program->next;
        loop->programs = program;
        return program;
}

int loop_program_new(struct loop *loop, const struct loop_program_start *start,
                     void (*on_end)(void *context, const struct loop_program_end *end), void *context,
                     struct loop_program **ret) {
        struct loop_program *program = program_new(loop, start);
        int r = spawn(program, start);

        if (r < 0) {
                close_all(program);
                return r;
        }
        program->on_end = on_end;
        program->context = context;
        restore_descriptors(program);
        start_pipes(program);
        *ret = program;
        return 0;
}

struct loop_program *loop_program_free(struct loop_program *program) {
        if (!program || program->is_closing)
                return NULL;
        program->on_end = NULL;
        if (program->has_exited)
                end(program);
        else
                kill_group(program);
        return NULL;
}

void loop_program_kill_all(struct loop *loop) {
        struct loop_program *next;

        for (struct loop_program *program = loop->programs; program; program = next) {
                next = program->next;
                program->on_end = NULL;
                kill_group(program);
                end(program);
        }
}
