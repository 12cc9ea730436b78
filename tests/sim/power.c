/* Loss of power, and damage: plays a store's life on a simulated disk (power_story.h), then builds what its file may be
 * after the power went at any point of its writing, opens each such image with the real store, and checks:
 *
 *   - after a loss of power it opens, and holds what was acknowledged last, or with it the one commit that was under
 *     way, all of it. Epoch and sequence numbers only grow
 *   - after damage that no healthy disk makes (a bit flipped, a sector zeroed) it holds exactly the same, because the
 *     place was free, or it is refused; nothing is lost or changed in silence. LMDB's own pages bear no checksum: where
 *     they make it stumble the process may end by a signal, which is as loud
 *
 * Usage: power [FIRST_SEED [N_IMAGES]]          each story has up to 25,000 images, the next one the next seed
 *        power SEED N_IMAGES IMAGE              that one alone, in this process; its folder stays */
#include "common/clock.h"
#include "common/ensure.h"
#include "common/memory.h"
#include "tests/sim/power_check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
        IMAGES_OF_A_STORY = 25000,
        COMMITS = 300,
        COMMITS_OF_A_SMALL_STORY = 60, /* below 10,000 images: so that each point still has some */
        USED_EVERY = 8, /* each so manieth image that opens is also written to */
        PATIENCE_S = 20, /* an image that takes longer hangs */
        WORKERS_MAX = 16,
        FAILURES_SHOWN = 10,
};

/* What workers and parent share. */
struct worker {
        pid_t pid;
        uint32_t next, end; /* images: the one being checked, and where it stops */
        uint32_t counts[POWER_N_CLASSES][POWER_N_VERDICTS];
        struct power_image image; /* the one being checked */
        enum power_verdict verdict; /* by the child that checks a damaged one */
        char why[POWER_WHY];
        uint32_t n_failed;
};

struct run {
        const char *folder;
        uint64_t seed;
        uint32_t n_images; /* as asked for in this story */
        struct power_story story;
        struct power_images *images;
        struct worker *workers; /* shared memory */
        uint32_t n_workers;
};

struct total {
        uint32_t counts[POWER_N_CLASSES][POWER_N_VERDICTS];
        uint32_t n_images, n_stories, n_commits, n_points, n_exhausted, n_syncs, n_writes, n_failed;
        uint64_t n_sectors, longest_file;
        struct store_counts journal;
};

/* -- one image ----------------------------------------------------------------------------------------------------- */

static bool is_failure(enum power_class class, enum power_verdict verdict) {
        if (power_is_damage(class))
                return verdict == POWER_WRONG;
        return verdict != POWER_OLD && verdict != POWER_NEW;
}

static void describe(const struct power_image *image) {
        printf("%s, after %zu of the writes and syncs", power_class_names[image->class], image->at);
        if (power_is_damage(image->class))
                printf(", %s", power_file_names[image->file]);
        if (power_is_damage(image->class))
                printf(", byte %llu of page %llu, bit %u", (unsigned long long)image->damaged_at % 4096,
                       (unsigned long long)image->damaged_at / 4096, image->bit);
}

/* Notes a verdict; a failure is shown at once, with the command that builds the image again. */
static void count(const struct run *run, struct worker *worker, enum power_verdict verdict) {
        const struct power_image *image = &worker->image;

        worker->counts[image->class][verdict]++;
        if (!is_failure(image->class, verdict) || worker->n_failed++ >= FAILURES_SHOWN)
                return;
        printf("\nFAILED: ");
        describe(image);
        printf(": %s\n        again: power %llu %u %u\n", worker->why, (unsigned long long)run->seed, run->n_images,
               image->number);
        fflush(stdout);
}

static enum power_verdict verdict_of(int status, struct worker *worker) {
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return worker->verdict;
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
                return snprintf(worker->why, POWER_WHY, "it did not end"), POWER_HUNG;
        snprintf(worker->why, POWER_WHY, "the process ended, status %x", (unsigned)status);
        return POWER_SIGNAL;
}

static bool is_used(uint32_t number) { return number % USED_EVERY == 0; }

/* In a child of its own: what LMDB does with a damaged page is not known beforehand. */
static enum power_verdict check_damaged(const struct run *run, struct worker *worker, const struct power_image *image,
                                        const char *folder) {
        pid_t pid = fork();
        int status;

        ENSURE(pid >= 0);
        if (pid == 0) {
                int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

                dup2(null, STDERR_FILENO); /* LMDB's assertions, a sanitizer's report */
                alarm(PATIENCE_S);
                worker->verdict = power_check(&run->story, image, folder, true, worker->why);
                _exit(0);
        }
        while (waitpid(pid, &status, 0) < 0)
                ENSURE(errno == EINTR);
        return verdict_of(status, worker);
}

/* -- a worker ------------------------------------------------------------------------------------------------------ */

static void forget_files(const char *folder) {
        static const char *const names[] = {"data.mdb", "lock.mdb", "lull.lock", "journal", "journal-2"};

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                CLEANUP_FREE char *path = memory_print("%s/%s", folder, names[i]);

                unlink(path);
        }
}

static void check_one(const struct run *run, struct worker *worker, struct power_image *image, const char *folder) {
        enum power_verdict verdict;

        power_images_build(run->images, worker->next, image);
        worker->image = *image; /* its contents are this process's own */
        if (power_is_damage(image->class))
                verdict = check_damaged(run, worker, image, folder);
        else
                verdict = power_check(&run->story, image, folder, is_used(image->number), worker->why);
        count(run, worker, verdict);
        worker->next++;
}

static _Noreturn void work(const struct run *run, struct worker *worker, const char *folder) {
        struct power_image image = {0};

        while (worker->next < worker->end) {
                alarm(2 * PATIENCE_S);
                check_one(run, worker, &image, folder);
        }
        _exit(0);
}

static void start(const struct run *run, struct worker *worker) {
        CLEANUP_FREE char *folder = memory_print("%s/%zu", run->folder, (size_t)(worker - run->workers));
        pid_t pid;

        mkdir(folder, 0700);
        forget_files(folder);
        fflush(stdout);
        pid = fork();
        ENSURE(pid >= 0);
        if (pid == 0)
                work(run, worker, folder);
        worker->pid = pid; /* not by the child as well: it is shared */
}

/* A worker that ended by its image has failed with it; another goes on behind it. */
static bool is_ended(const struct run *run, struct worker *worker) {
        int status;

        if (worker->pid == 0)
                return true;
        if (waitpid(worker->pid, &status, WNOHANG) != worker->pid)
                return false;
        worker->pid = 0;
        if (worker->next >= worker->end)
                return true;
        count(run, worker, verdict_of(status, worker));
        worker->next++;
        start(run, worker);
        return false;
}

/* -- a story ------------------------------------------------------------------------------------------------------- */

/* On a terminal a line that changes, else a line for each tenth. */
static void show_progress(const struct run *run, uint32_t n_before, uint32_t n_wanted) {
        static uint32_t shown;
        uint32_t n = n_before, n_failed = 0;

        for (uint32_t i = 0; i < run->n_workers; i++) {
                const struct worker *worker = &run->workers[i];

                for (uint32_t k = 0; k < POWER_N_CLASSES * POWER_N_VERDICTS; k++)
                        n += (&worker->counts[0][0])[k];
                n_failed += worker->n_failed;
        }
        if (!isatty(STDERR_FILENO) && n < shown + n_wanted / 10)
                return;
        shown = n;
        fprintf(stderr, "%spower: %u of %u images, %u failed in this story%s", isatty(STDERR_FILENO) ? "\r" : "", n,
                n_wanted, n_failed, isatty(STDERR_FILENO) ? " " : "\n");
}

static void wait_for_workers(struct run *run, uint32_t n_before, uint32_t n_wanted) {
        bool is_running = true;

        while (is_running) {
                is_running = false;
                for (uint32_t i = 0; i < run->n_workers; i++)
                        is_running |= !is_ended(run, &run->workers[i]);
                show_progress(run, n_before, n_wanted);
                if (is_running)
                        poll(NULL, 0, 100);
        }
}

static void share_images(struct run *run) {
        uint32_t n = power_images_all(run->images), share = n / run->n_workers + 1;

        for (uint32_t i = 0; i < run->n_workers; i++) {
                run->workers[i].next = i * share < n ? i * share : n;
                run->workers[i].end = (i + 1) * share < n ? (i + 1) * share : n;
        }
}

static void add_up(const struct run *run, struct total *total) {
        const struct power_story *story = &run->story;
        uint32_t n_exhausted;

        for (uint32_t i = 0; i < run->n_workers; i++) {
                for (uint32_t k = 0; k < POWER_N_CLASSES * POWER_N_VERDICTS; k++) {
                        total->n_images += (&run->workers[i].counts[0][0])[k];
                        (&total->counts[0][0])[k] += (&run->workers[i].counts[0][0])[k];
                }
                total->n_failed += run->workers[i].n_failed;
        }
        total->n_stories++;
        total->n_commits += story->n_commits;
        total->n_points += power_images_points(run->images, &n_exhausted);
        total->n_exhausted += n_exhausted;
        total->n_sectors += story->n_sectors;
        total->journal.n_records += story->journal.n_records;
        total->journal.n_replayed += story->journal.n_replayed;
        total->journal.n_checkpoints += story->journal.n_checkpoints;
        total->journal.n_grown += story->journal.n_grown;
        for (size_t i = 0; i < story->log.n; i++)
                ++*(story->log.entries[i].type == DISK_ENTRY_WRITE ? &total->n_writes : &total->n_syncs);
        if (story->file_len > total->longest_file)
                total->longest_file = story->file_len;
}

static void begin_story(struct run *run, const char *folder, uint64_t seed, uint32_t n_images) {
        CLEANUP_FREE char *place = memory_print("%s/story", folder);
        long n = sysconf(_SC_NPROCESSORS_ONLN);

        *run = (struct run){.folder = folder, .seed = seed, .n_images = n_images};
        run->n_workers = n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (uint32_t)n;
        mkdir(place, 0700);
        power_story_init(&run->story, place, seed, n_images < 10000 ? COMMITS_OF_A_SMALL_STORY : COMMITS);
        forget_files(place);
        rmdir(place);
        run->images = power_images_new(&run->story, seed, n_images);
        run->workers = mmap(NULL, run->n_workers * sizeof *run->workers, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ENSURE(run->workers != MAP_FAILED);
}

static void end_story(struct run *run) {
        power_images_free(run->images);
        power_story_done(&run->story);
        munmap(run->workers, run->n_workers * sizeof *run->workers);
}

static void check_story(const char *folder, uint64_t seed, uint32_t n_images, uint32_t n_wanted, struct total *total) {
        struct run run;

        begin_story(&run, folder, seed, n_images);
        share_images(&run);
        for (uint32_t i = 0; i < run.n_workers; i++)
                start(&run, &run.workers[i]);
        wait_for_workers(&run, total->n_images, n_wanted);
        add_up(&run, total);
        for (uint32_t i = 0; i < run.n_workers; i++) {
                CLEANUP_FREE char *place = memory_print("%s/%u", folder, i);

                forget_files(place);
                rmdir(place);
        }
        end_story(&run);
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

static void show_row(const char *name, const uint32_t *counts) {
        uint32_t n = 0;

        for (int i = 0; i < POWER_N_VERDICTS; i++)
                n += counts[i];
        printf("%-26s %8u", name, n);
        for (int i = 0; i < POWER_N_VERDICTS; i++)
                printf(" %9u", counts[i]);
        putchar('\n');
}

static void show_total(const struct total *total, struct span took) {
        printf("\n%u stories, %u commits: %u writes of %llu sectors, %u syncs; files of up to %llu KB\n",
               total->n_stories, total->n_commits, total->n_writes, (unsigned long long)total->n_sectors,
               total->n_syncs, (unsigned long long)total->longest_file / 1024);
        printf("%llu of the commits went into the journal, which was emptied %llu times, grew %llu times, and had %llu "
               "records at a start\n",
               (unsigned long long)total->journal.n_records, (unsigned long long)total->journal.n_checkpoints,
               (unsigned long long)total->journal.n_grown, (unsigned long long)total->journal.n_replayed);
        printf("%u points at which the power goes, %u of them with every combination of unsynced sectors\n",
               total->n_points, total->n_exhausted);
        printf("%u images in %.1f s; each %uth that opened was written to and opened again\n\n", total->n_images,
               (double)span_to_ms(took) / 1000, USED_EVERY);
        printf("%-26s %8s %9s %9s %9s %9s %9s %9s %9s\n", "", "images", "as acked", "under way", "named", "refused",
               "signal", "hung", "WRONG");
        for (int i = 0; i < POWER_N_CLASSES; i++)
                show_row(power_class_names[i], total->counts[i]);
        printf("\n%u passed, %u failed\n", total->n_images - total->n_failed, total->n_failed);
}

static int check_all(const char *folder, uint64_t seed, uint32_t n_images) {
        struct mono began = clock_mono();
        struct total total = {0};

        for (uint32_t left = n_images; left > 0;) {
                uint32_t n = left < IMAGES_OF_A_STORY ? left : IMAGES_OF_A_STORY;

                check_story(folder, seed++, n, n_images, &total);
                left -= n;
        }
        if (isatty(STDERR_FILENO))
                fputs("\r\033[K", stderr);
        show_total(&total, mono_since(clock_mono(), began));
        return total.n_failed > 0;
}

/* One image, without a child: for a debugger. */
static int check_image(const char *folder, uint64_t seed, uint32_t n_images, uint32_t number) {
        static const char *const verdicts[POWER_N_VERDICTS] = {"holds what was acknowledged",
                                                               "holds what was under way",
                                                               "refused, damage named",
                                                               "refused by LMDB",
                                                               "ended by a signal",
                                                               "hung",
                                                               "WRONG"};
        struct power_image image = {0};
        char why[POWER_WHY] = "";
        enum power_verdict verdict;
        struct run run;

        begin_story(&run, folder, seed, n_images);
        ENSURE(number < power_images_all(run.images));
        power_images_build(run.images, number, &image);
        describe(&image);
        printf("\nin %s\n", folder);
        fflush(stdout);
        verdict = power_check(&run.story, &image, folder, power_is_damage(image.class) || is_used(number), why);
        printf("%s %s\n", verdicts[verdict], why);
        for (int i = 0; i < DISK_LOG_FILES; i++)
                buffer_done(&image.contents[i]);
        end_story(&run);
        return is_failure(image.class, verdict);
}

int main(int argc, char **argv) {
        uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
        uint32_t n_images = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 125000;
        char folder[] = "/dev/shm/lull-power-XXXXXX";
        char spare[] = "/tmp/lull-power-XXXXXX";
        char *place = seed > 0 && n_images > 0 ? mkdtemp(folder) : NULL;
        int r;

        if (seed == 0 || n_images == 0) {
                fputs("usage: power [FIRST_SEED [N_IMAGES [IMAGE]]]\n", stderr);
                return 2;
        }
        if (!place)
                place = mkdtemp(spare);
        ENSURE(place);
        if (argc > 3)
                return check_image(place, seed, n_images, (uint32_t)strtoul(argv[3], NULL, 10));
        r = check_all(place, seed, n_images);
        rmdir(place);
        return r;
}
