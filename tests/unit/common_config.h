/* What the tests of lull.yaml share: a text is read in the `world` that the test file defines. */
#pragma once

#include "tests/unit/unit.h"

#include "common/config_reader.h"

#include <errno.h>

static const struct config_world world;

static inline struct config *decode(const char *text) {
        struct config *config = NULL;
        char *error = NULL;

        if (config_decode("lull.yaml", bytes_of(text), &world, &config, &error) != 0)
                fail_msg("%s", error);
        return config;
}

static inline void assert_refused(const char *text, const char *expected) {
        CLEANUP_CONFIG struct config *config = NULL;
        CLEANUP_FREE char *error = NULL;

        assert_int_equal(config_decode("lull.yaml", bytes_of(text), &world, &config, &error), -EINVAL);
        assert_null(config);
        assert_string_equal(error, expected);
}
