/* cmocka with what it needs in front. A unit test is a sentence: `the_fence_of_a_new_lease_is_higher_than_the_last`. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
