/* SPDX-License-Identifier: MIT
 *
 * What every test here includes, in the order that cmocka wants.
 */
#ifndef HF_TEST_RECOVERY_CHECK_H
#define HF_TEST_RECOVERY_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#endif
