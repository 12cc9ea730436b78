#include "tests/sim/power_image.h"

#include "common/ensure.h"
#include "common/memory.h"

#include <string.h>

const char *const power_class_names[POWER_N_CLASSES] = {
        "all unsynced sectors lost",
        "none lost",
        "later writes lost",
        "one write lost",
        "torn write",
        "any sectors lost",
        "all combinations of",
        "damage: bit flipped",
        "damage: sector zeroed",
};

/* A moment at which the power may go. */
struct point {
        size_t at;
        enum power_file file; /* the one that is being written */
        uint32_t n_sectors; /* of it, that are not synced there */
        uint32_t first; /* the number of its first image */
        bool is_exhausted;
};

struct power_images {
        const struct power_story *story;
        uint64_t seed;
        struct point *points;
        uint32_t n_points, n_losses, n_damages;
        /* The files after `at` entries. */
        struct disk_file files[DISK_LOG_FILES];
        size_t at;
        uint32_t ack; /* the last acknowledgement at or before `at` */
};

/* -- replaying the log --------------------------------------------------------------------------------------------- */

static void replay_one(struct power_images *images) {
        const struct disk_log *log = &images->story->log;
        const struct disk_entry *entry = &log->entries[images->at++];
        struct disk_file *file = &images->files[entry->file];

        if (entry->type == DISK_ENTRY_WRITE)
                disk_file_write(file, entry->offset, (struct bytes){log->bytes.data + entry->at, entry->len},
                                entry->file_len);
        else if (entry->type == DISK_ENTRY_SYNC)
                disk_file_sync(file);
        else
                disk_file_sync_sectors(file, entry->offset, entry->len);
}

static void replay_to(struct power_images *images, size_t at) {
        const struct power_story *story = images->story;

        if (at < images->at) {
                for (int i = 0; i < DISK_LOG_FILES; i++)
                        disk_file_start(&images->files[i], BYTES_NONE);
                images->at = images->ack = 0;
        }
        while (images->at < at)
                replay_one(images);
        while (images->ack + 1 < story->n_acks && story->acks[images->ack + 1].end <= at)
                images->ack++;
}

/* Sectors that are not synced; those that an O_DSYNC write synced are not among them. */
static uint32_t count_unsynced(const struct disk_file *file) {
        uint32_t n = 0;

        for (size_t i = 0; i < file->n_sectors; i++)
                n += !file->sectors[i].is_synced;
        return n;
}

/* -- points -------------------------------------------------------------------------------------------------------- */

/* The store syncs one of them before it goes on with another. */
static struct point point_at(const struct power_images *images, size_t at) {
        static const enum power_file files[] = {POWER_DATABASE, POWER_JOURNAL_2, POWER_JOURNAL};
        uint32_t n = 0, i = 0;

        while (n == 0 && i < sizeof files / sizeof *files)
                n = count_unsynced(&images->files[files[i++]]);
        return (struct point){.at = at, .file = files[i - 1], .n_sectors = n};
}

static void find_points(struct power_images *images) {
        size_t n = images->story->log.n;

        images->points = memory_new(n, sizeof *images->points);
        for (size_t at = 1; at <= n; at++) {
                replay_to(images, at);
                images->points[images->n_points++] = point_at(images, at);
        }
}

/* At most `share` images for a point; fewer where that is all there are. */
static uint32_t images_of(const struct point *point, uint32_t share) {
        return point->n_sectors < 20 && (1u << point->n_sectors) <= share ? 1u << point->n_sectors : share;
}

static uint64_t count_images(const struct power_images *images, uint32_t share) {
        uint64_t sum = 0;

        for (uint32_t i = 0; i < images->n_points; i++)
                sum += images_of(&images->points[i], share);
        return sum;
}

/* Every point gets the same share, and what the small ones leave goes to the others. */
static void share_out(struct power_images *images, uint32_t n) {
        uint32_t low = 1, high = n, first = 0;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (count_images(images, middle) < n)
                        low = middle + 1;
                else
                        high = middle;
        }
        for (uint32_t i = 0; i < images->n_points; i++) {
                struct point *point = &images->points[i];

                point->first = first;
                point->is_exhausted = point->n_sectors < 20 && (1u << point->n_sectors) <= low;
                first += images_of(point, low);
        }
        images->n_losses = first;
}

struct power_images *power_images_new(const struct power_story *story, uint64_t seed, uint32_t n) {
        struct power_images *images = memory_new(1, sizeof *images);

        images->story = story;
        images->seed = seed;
        find_points(images);
        share_out(images, n - n / 5);
        images->n_damages = n > images->n_losses + n / 5 ? n - images->n_losses : n / 5;
        return images;
}

struct power_images *power_images_free(struct power_images *images) {
        for (int i = 0; i < DISK_LOG_FILES; i++)
                disk_file_done(&images->files[i]);
        free(images->points);
        free(images);
        return NULL;
}

uint32_t power_images_losses(const struct power_images *images) { return images->n_losses; }
uint32_t power_images_all(const struct power_images *images) { return images->n_losses + images->n_damages; }

uint32_t power_images_points(const struct power_images *images, uint32_t *ret_exhausted) {
        *ret_exhausted = 0;
        for (uint32_t i = 0; i < images->n_points; i++)
                *ret_exhausted += images->points[i].is_exhausted;
        return images->n_points;
}

/* -- building ------------------------------------------------------------------------------------------------------ */

static const struct point *point_of(const struct power_images *images, uint32_t number) {
        uint32_t low = 0, high = images->n_points;

        while (high - low > 1) {
                uint32_t middle = low + (high - low) / 2;

                if (images->points[middle].first <= number)
                        low = middle;
                else
                        high = middle;
        }
        return &images->points[low];
}

/* The files beside it go their own way. */
static void lose_others(struct power_images *images, struct power_image *image, enum disk_loss loss, uint64_t *dice) {
        for (int i = 0; i < DISK_LOG_FILES; i++)
                if (i != (int)image->file)
                        disk_file_lose(&images->files[i], loss, 0, dice, &image->contents[i]);
}

static void lose(struct power_images *images, struct power_image *image, uint64_t *dice) {
        static const enum disk_loss in_turn[] = {DISK_LOSE_LATER, DISK_LOSE_ONE, DISK_TEAR, DISK_LOSE_ANY};
        const struct point *point = point_of(images, image->number);
        uint32_t nth = image->number - point->first, victim = nth;
        enum disk_loss loss;

        if (point->is_exhausted)
                loss = DISK_LOSE_UNCHOSEN;
        else
                loss = nth == 0 ? DISK_LOSE_ALL : nth == 1 ? DISK_LOSE_NONE : in_turn[(nth + point->at) % 4];
        replay_to(images, point->at);
        image->file = point->file;
        if (!point->is_exhausted && images->files[image->file].n_writes > 0)
                victim = disk_roll(dice, images->files[image->file].n_writes);
        disk_file_lose(&images->files[image->file], loss, victim, dice, &image->contents[image->file]);
        lose_others(images, image, loss == DISK_LOSE_ALL || loss == DISK_LOSE_NONE ? loss : DISK_LOSE_ANY, dice);
        image->class = loss == DISK_LOSE_UNCHOSEN ? POWER_LOSE_UNCHOSEN : (enum power_class)loss;
        image->at = point->at;
}

/* Half of the blows go where LMDB keeps its structure: its two heads, and the first bytes of a page. Of the journal it
 * is the heads of records: each begins a page, and most are at its beginning. */
static uint64_t pick_byte(struct power_image *image, uint64_t *dice) {
        uint32_t len = (uint32_t)image->contents[image->file].len, page = disk_roll(dice, len / 4096) * 4096;

        switch (disk_roll(dice, 4)) {
        case 0:
                return disk_roll(dice, 2) * 4096 + disk_roll(dice, 152);
        case 1:
                return page + disk_roll(dice, 64);
        default:
                return disk_roll(dice, len);
        }
}

/* A story's commit whose every byte is on the platter, and a blow to one of them. */
static void damage(struct power_images *images, struct power_image *image, uint64_t *dice) {
        const struct power_story *story = images->story;
        uint32_t nth = image->number - images->n_losses;
        size_t ack = 1 + (size_t)nth * (story->n_acks - 1) / images->n_damages;
        uint8_t *data;

        image->at = story->acks[ack].end;
        image->file = disk_roll(dice, 2) ? POWER_DATABASE : disk_roll(dice, 2) ? POWER_JOURNAL : POWER_JOURNAL_2;
        replay_to(images, image->at);
        disk_file_lose(&images->files[image->file], DISK_LOSE_ALL, 0, dice, &image->contents[image->file]);
        lose_others(images, image, DISK_LOSE_NONE, dice);
        image->class = disk_roll(dice, 2) ? POWER_FLIP : POWER_ZERO;
        image->damaged_at = pick_byte(image, dice);
        image->bit = disk_roll(dice, 8);
        data = image->contents[image->file].data;
        if (image->class == POWER_FLIP)
                data[image->damaged_at] ^= (uint8_t)(1u << image->bit);
        else
                memset(data + image->damaged_at / DISK_SECTOR * DISK_SECTOR, 0, DISK_SECTOR);
}

void power_images_build(struct power_images *images, uint32_t number, struct power_image *image) {
        const struct power_story *story = images->story;
        uint64_t dice = images->seed * 1000003 + number;

        ENSURE(number < power_images_all(images));
        image->number = number;
        if (number < images->n_losses)
                lose(images, image, &dice);
        else
                damage(images, image, &dice);
        image->ack = images->ack;
        image->is_under_way = images->ack + 1 < story->n_acks && story->acks[images->ack + 1].begin < image->at;
}
