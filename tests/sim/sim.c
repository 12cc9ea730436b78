/* Time, chance and order: what everything else in the simulator stands on, and what the shells of lull ask of the
 * system (clock, log, random bytes). */
#include "common/clock.h"
#include "common/ensure.h"
#include "common/log.h"
#include "common/memory.h"
#include "tests/sim/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct sim sim;

/* -- memory -------------------------------------------------------------------------------------------------------- */

enum { BLOCK_BYTES = 256 * 1024, AT_ONCE_MAX = 100000 };

struct block {
        struct block *next;
        size_t used, size;
        _Alignas(16) uint8_t data[];
};

static struct block *blocks, *first_block;

static struct block *block_new(size_t size) {
        struct block *block = memory_new(1, sizeof *block + size);

        block->size = size;
        return block;
}

/* Blocks are kept from seed to seed. */
void *sim_new(size_t size) {
        void *data;

        size = (size + 15) & ~(size_t)15;
        ENSURE(size <= BLOCK_BYTES);
        if (!blocks)
                blocks = first_block = block_new(BLOCK_BYTES);
        if (blocks->used + size > blocks->size) {
                if (!blocks->next)
                        blocks->next = block_new(BLOCK_BYTES);
                blocks = blocks->next;
                blocks->used = 0;
        }
        data = blocks->data + blocks->used;
        blocks->used += size;
        return memset(data, 0, size);
}

/* -- chance -------------------------------------------------------------------------------------------------------- */

uint32_t sim_roll(uint32_t n) {
        sim.dice = sim.dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t)(((sim.dice >> 33) * n) >> 31);
}

bool sim_is_rare(uint32_t n) { return !sim.profile.is_still && sim_roll(n) == 0; }

int64_t sim_delay(int64_t low, int64_t high) {
        uint32_t what;

        if (sim.profile.is_still || high <= low)
                return low;
        what = sim_roll(64);
        if (what > 3)
                high = low + (high - low) / (what > 20 ? 64 : 8);
        return low + (int64_t)sim_roll((uint32_t)(high - low) + 1);
}

bool sim_goes_wrong(enum fault fault) {
        if (sim.profile.is_still || sim.profile.weights[fault] == 0 || sim_roll(1000) >= sim.profile.weights[fault])
                return false;
        sim_fault(fault);
        return true;
}

/* What the system would give: the same again from the same seed. */
ssize_t getrandom(void *data, size_t size, unsigned flags) {
        uint8_t *bytes = data;

        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)sim_roll(256);
        return (ssize_t)size;
}

/* -- order --------------------------------------------------------------------------------------------------------- */

struct entry {
        int64_t at;
        uint64_t order;
        struct process *process;
        uint32_t generation;
        void (*on)(void *context, uint64_t token);
        void *context;
        uint64_t token;
};

static struct {
        struct entry *items;
        uint32_t n, cap;
        uint64_t n_ever;
} heap;

static bool is_before(const struct entry *a, const struct entry *b) {
        return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct entry entry) {
        uint32_t at = heap.n++;

        if (heap.n > heap.cap) {
                heap.cap = heap.cap ? heap.cap * 2 : 1024;
                heap.items = memory_resize(heap.items, heap.cap, sizeof *heap.items);
        }
        while (at > 0 && is_before(&entry, &heap.items[(at - 1) / 2])) {
                heap.items[at] = heap.items[(at - 1) / 2];
                at = (at - 1) / 2;
        }
        heap.items[at] = entry;
}

static struct entry pop(void) {
        struct entry top = heap.items[0], last = heap.items[--heap.n];
        uint32_t at = 0;

        for (uint32_t child; (child = 2 * at + 1) < heap.n; at = child) {
                if (child + 1 < heap.n && is_before(&heap.items[child + 1], &heap.items[child]))
                        child++;
                if (!is_before(&heap.items[child], &last))
                        break;
                heap.items[at] = heap.items[child];
        }
        if (heap.n > 0)
                heap.items[at] = last;
        return top;
}

void sim_at(int64_t at, struct process *process, void (*on)(void *context, uint64_t token), void *context,
            uint64_t token) {
        if (at < sim_time())
                at = sim_time();
        push((struct entry){at, heap.n_ever++, process, process ? process->generation : 0, on, context, token});
}

/* What came while a process was stopped is found all at once, in no order: timers, descriptors and answers are looked
 * at in turn, not by their age. */
static void wait_for(struct entry entry) {
        int64_t waits = entry.process->busy_until - entry.at;

        entry.at = entry.process->busy_until + (waits > 10000 && !sim.profile.is_still ? (int64_t)sim_roll(500) : 0);
        entry.order = heap.n_ever++;
        push(entry);
}

static void run(struct entry *entry) {
        struct process *process = entry->process;

        sim.current = process;
        sim.lag_us = 0;
        entry->on(entry->context, entry->token);
        if (process && sim.lag_us > 0 && process->busy_until < sim.now_us + sim.lag_us)
                process->busy_until = sim.now_us + sim.lag_us;
        sim.lag_us = 0;
        sim.current = NULL;
}

/* Somebody who always has something more to do at this very moment keeps time from going on. */
static void check_that_time_goes_on(int64_t at) {
        static uint32_t n_at_once;

        n_at_once = at > sim.now_us ? 0 : n_at_once + 1;
        if (n_at_once > AT_ONCE_MAX)
                sim_violation("liveness", "time stands still: %u things happened at once, and there are more",
                              n_at_once);
}

bool sim_next(int64_t until) {
        struct entry entry;

        if (heap.n == 0 || heap.items[0].at > until) {
                sim.now_us = until;
                return false;
        }
        entry = pop();
        check_that_time_goes_on(entry.at);
        sim.now_us = entry.at;
        if (entry.process && (!entry.process->is_up || entry.process->generation != entry.generation))
                return true;
        if (entry.process && entry.process->busy_until > sim.now_us)
                wait_for(entry);
        else
                run(&entry);
        return true;
}

/* -- clocks -------------------------------------------------------------------------------------------------------- */

int64_t sim_time(void) { return sim.now_us + sim.lag_us; }

struct now sim_now(void) {
        return (struct now){{sim_time()}, {sim.wall_ms + sim_time() / 1000}};
}

/* A process can be stopped anywhere, so also between two looks at the clock. */
struct mono clock_mono(void) {
        if (sim.current && worker_of(sim.current) < SIM_WORKERS && sim_goes_wrong(FAULT_WORKER_STOP_INSIDE)) {
                int64_t us = 1000 + (int64_t)sim_roll(12000) * 1000;

                tell(sim.current->name, "stands still for %lld ms in the middle of what it does", (long long)us / 1000);
                sim.lag_us += us;
                check_on_trouble(sim.current, sim_time());
                net_on_stop(sim.current, sim_time());
        }
        return (struct mono){sim_time()};
}

struct now clock_now(void) {
        return sim_now();
}

struct wall clock_wall(void) {
        return sim_now().wall;
}

const char *clock_text(struct wall at, char *text) {
        time_t seconds = (time_t)(at.ms / 1000);
        struct tm parts;

        gmtime_r(&seconds, &parts);
        snprintf(text, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year % 10000 + 1900,
                 parts.tm_mon % 100 + 1, parts.tm_mday % 100, parts.tm_hour % 100, parts.tm_min % 100,
                 parts.tm_sec % 100, (int)(at.ms % 1000) % 1000);
        return text;
}

/* -- the log: nobody reads it here --------------------------------------------------------------------------------- */

void log_init(const char *program) {}
void log_line(enum log_level level, const char *event, const struct log_field *fields) {}

/* -- counting ------------------------------------------------------------------------------------------------------ */

void sim_step(enum step step) {
        sim.stats.steps[step]++;
        sim.stats.n_steps++;
}

void sim_fault(enum fault fault) {
        sim.stats.faults[fault]++;
        sim_step(STEP_FAULT);
}

/* -- the beginning and the end ------------------------------------------------------------------------------------- */

void sim_init(uint64_t seed) {
        struct sim_stats stats = sim.stats;
        bool is_telling = sim.is_telling;

        sim = (struct sim){.seed = seed, .stats = stats, .is_telling = is_telling};
        sim.dice = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        sim.now_us = 1000000000;
        sim.wall_ms = 1795000000000;
        for (int i = 0; i < 8; i++)
                sim_roll(2);
        blocks = first_block;
        if (blocks)
                blocks->used = 0;
}

void sim_done(void) { heap.n = 0; }

void sim_violation(const char *guarantee, const char *format, ...) {
        char what[512];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(what, sizeof what, format, arguments);
        va_end(arguments);
        violation_end(guarantee, what);
}

/* A broken invariant inside lull itself. */
void ensure_failed(const char *condition, const char *file, int line) {
        sim_violation("an invariant of lull", "%s:%d: %s", file, line, condition);
}
