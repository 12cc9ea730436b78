/* What the shell of a worker stands on in place of libuv and its settings' files: timers, watches and signals in
 * virtual time. Takes the place of worker/loop.c and worker/settings.c. */
#include "common/ensure.h"
#include "common/memory.h"
#include "tests/sim/net.h"
#include "tests/sim/sim.h"
#include "tests/sim/doors.h"
#include "worker/loop.h"
#include "worker/settings.h"

#include <signal.h>

struct loop {
        void (*on_signal)(void *context, int signal);
        void *context;
        bool is_stopped;
        struct process *process;
};

struct loop_timer {
        struct process *process;
        void (*on_time)(void *context);
        void *context;
        int64_t due;
        uint64_t token; /* an entry with another one is void */
        bool is_freed;
};

/* -- the loop ------------------------------------------------------------------------------------------------------ */

struct loop *loop_new(void) {
        struct loop *loop = sim_new(sizeof *loop);

        loop->process = sim.current;
        return loop;
}

void loop_run(struct loop *loop) { UNREACHABLE("the simulator's own loop runs everything"); }
struct loop *loop_free(struct loop *loop) {
        return NULL;
}

void loop_stop(struct loop *loop) {
        loop->is_stopped = true;
        doors_on_stopped(loop->process);
}

void loop_on_signal(struct loop *loop, int signal, void (*on_signal)(void *context, int signal), void *context) {
        if (signal != SIGTERM)
                return;
        loop->on_signal = on_signal;
        loop->context = context;
        doors_on_signal(loop->process, on_signal, context);
}

/* -- timers -------------------------------------------------------------------------------------------------------- */

struct loop_timer *loop_timer_new(struct loop *loop, void (*on_time)(void *context), void *context) {
        struct loop_timer *timer = sim_new(sizeof *timer);

        *timer = (struct loop_timer){.process = loop->process, .on_time = on_time, .context = context};
        return timer;
}

static void on_timer(void *context, uint64_t token) {
        struct loop_timer *timer = context;

        if (timer->is_freed || timer->token != token)
                return;
        timer->token++;
        sim_step(STEP_TIMER);
        timer->on_time(timer->context);
}

void loop_timer_set(struct loop_timer *timer, struct mono now, struct mono due) {
        timer->token++;
        if (due.us != MONO_NEVER.us)
                sim_at(due.us, timer->process, on_timer, timer, timer->token);
}

struct loop_timer *loop_timer_free(struct loop_timer *timer) {
        if (timer)
                timer->is_freed = true;
        return NULL;
}

/* -- before it sleeps: as soon as it has done what it does now ----------------------------------------------------- */

struct loop_hook {
        struct process *process;
        void (*on_turn_end)(void *context);
        void *context;
        bool is_set, is_freed;
};

struct loop_hook *loop_hook_new(struct loop *loop, void (*on_turn_end)(void *context), void *context) {
        struct loop_hook *hook = sim_new(sizeof *hook);

        *hook = (struct loop_hook){.process = loop->process, .on_turn_end = on_turn_end, .context = context};
        return hook;
}

static void on_turn_end(void *context, uint64_t token) {
        struct loop_hook *hook = context;

        if (hook->is_freed)
                return;
        hook->is_set = false;
        hook->on_turn_end(hook->context);
}

void loop_hook_set(struct loop_hook *hook) {
        if (!hook->is_set)
                sim_at(sim_time(), hook->process, on_turn_end, hook, 0);
        hook->is_set = true;
}

struct loop_hook *loop_hook_free(struct loop_hook *hook) {
        if (hook)
                hook->is_freed = true;
        return NULL;
}

/* -- descriptors: there is only the one of the broker's link ------------------------------------------------------- */

struct loop_watch {
        void (*on_ready)(void *context, int events);
        void *context;
};

static void on_ready(void *context) {
        struct loop_watch *watch = context;

        if (watch->on_ready)
                watch->on_ready(watch->context, LOOP_READ);
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, void (*ready)(void *context, int events), void *context) {
        struct loop_watch *watch = sim_new(sizeof *watch);

        *watch = (struct loop_watch){ready, context};
        net_watch(net_link_of(loop->process), on_ready, watch);
        return watch;
}

void loop_watch_set(struct loop_watch *watch, int events) {}

struct loop_watch *loop_watch_free(struct loop_watch *watch) {
        if (watch)
                watch->on_ready = NULL;
        return NULL;
}

/* -- settings: the world's own, the same for every worker ---------------------------------------------------------- */

struct settings {
        struct channel *plain, *readable;
};

static struct settings settings;

int settings_new(struct config *config, struct settings **ret, char **ret_error) {
        *ret = &settings;
        return 0;
}

struct settings *settings_hold(struct settings *held) {
        return held;
}
struct settings *settings_free(struct settings *held) {
        return NULL;
}
const struct config *settings_config(const struct settings *held) { return &sim.config; }

const struct config_tenant *settings_tenant_find(const struct settings *held, const char *name) {
        return config_tenant_find(&sim.config, bytes_of(name));
}

static struct channel *channel_of(const struct config_channel *config) {
        struct channel *channel;
        char *error = NULL;

        ENSURE(channel_new(config, &channel, &error) == 0);
        return channel;
}

/* One kind of channel that can only be posted to, and one that can be read back. */
const struct channel *settings_channel_find(const struct settings *held, const struct config_tenant *tenant,
                                            const char *name) {
        static char words[][40] = {"generic",
                                   "secret",
                                   "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
                                   "reply_url",
                                   "chatwoot",
                                   "url",
                                   "http://simulated/",
                                   "account",
                                   "1",
                                   "token",
                                   "unsigned",
                                   "true"};
        static struct config_setting plain[] = {{words[1], words[2], 0}, {words[3], words[6], 0}};
        static struct config_setting readable[] = {
                {words[5], words[6], 0}, {words[7], words[8], 0}, {words[9], words[9], 0}, {words[10], words[11], 0}};
        static const struct config_channel plain_config = {
                .name = words[0], .kind = words[0], .settings = plain, .n_settings = 2};
        static const struct config_channel readable_config = {
                .name = words[4], .kind = words[4], .settings = readable, .n_settings = 4};

        if (!settings.plain)
                settings = (struct settings){channel_of(&plain_config), channel_of(&readable_config)};
        return world_can_read_back((uint32_t)(tenant - sim.tenants)) ? settings.readable : settings.plain;
}
