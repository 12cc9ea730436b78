/* Opens an image with the real store and judges what it finds. */
#pragma once

#include "tests/sim/power_image.h"

enum power_verdict {
        POWER_OLD, /* what was acknowledged last, exactly */
        POWER_NEW, /* the commit that was under way, exactly */
        POWER_NAMED, /* refused: which value is damaged */
        POWER_REFUSED, /* refused with LMDB's own words */
        POWER_SIGNAL, /* the process ended by a signal */
        POWER_HUNG, /* it did not end */
        POWER_WRONG, /* it opened, and something else is in it: lost or changed in silence */
        POWER_N_VERDICTS,
};

enum { POWER_WHY = 300 };

/* `folder` gets the image's files. `why` (POWER_WHY bytes) gets the words of a refusal, or what is wrong. With
 * `is_used` it is also written to, closed and opened again. */
enum power_verdict power_check(const struct power_story *story, const struct power_image *image, const char *folder,
                               bool is_used, char *why);
