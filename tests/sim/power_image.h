/* The images of a story: what its files may be after the power went, at every point of its writing; and what it may
 * be after damage that no healthy disk makes. Image n is always the same for the same story and number of images. */
#pragma once

#include "tests/sim/disk_file.h"
#include "tests/sim/power_story.h"

enum power_class {
        POWER_LOSE_ALL, /* as enum disk_loss */
        POWER_LOSE_NONE,
        POWER_LOSE_LATER,
        POWER_LOSE_ONE,
        POWER_TEAR,
        POWER_LOSE_ANY,
        POWER_LOSE_UNCHOSEN, /* every combination, where there are few */
        POWER_FLIP, /* a bit of synced data is flipped */
        POWER_ZERO, /* a sector of synced data is zeros */
        POWER_N_CLASSES,
};

extern const char *const power_class_names[POWER_N_CLASSES];
static inline bool power_is_damage(enum power_class class) { return class >= POWER_FLIP; }

struct power_image {
        uint32_t number;
        enum power_class class;
        size_t at; /* so many entries of the log had happened */
        uint32_t ack; /* the last acknowledgement before */
        bool is_under_way; /* the next one's writing had begun */
        enum power_file file; /* the one that is damaged, or whose sectors are lost */
        uint64_t damaged_at; /* damage: the byte; and which bit */
        uint32_t bit;
        struct buffer contents[DISK_LOG_FILES]; /* of the log's files */
};

struct power_images;

/* About `n` images of the story, four fifths of them losses of power. The story must stay. */
struct power_images *power_images_new(const struct power_story *story, uint64_t seed, uint32_t n);
struct power_images *power_images_free(struct power_images *images);
/* How many there are: of losses, which come first, and of all. */
uint32_t power_images_losses(const struct power_images *images);
uint32_t power_images_all(const struct power_images *images);
/* Points at which the power may go, and how many of them have all their combinations. */
uint32_t power_images_points(const struct power_images *images, uint32_t *ret_exhausted);
/* Builds image `number` into *image, whose buffer is used again. Fast when the numbers ascend. */
void power_images_build(struct power_images *images, uint32_t number, struct power_image *image);
