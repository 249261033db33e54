/* SPDX-License-Identifier: MIT
 *
 * What every test file of the twin begins with.
 */
#ifndef HF_TESTS_TWIN_CHECK_H
#define HF_TESTS_TWIN_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define MS 1000000ull
#define S  1000000000ull

#endif
