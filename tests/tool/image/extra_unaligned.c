/* SPDX-License-Identifier: MIT
 *
 * An address at an odd place.
 */
#include "fw.h"

static uint32_t target(void)
{
	return 9;
}

static const struct __attribute__((packed)) {
	uint8_t tag;
	uint32_t (*f)(void);
} fw_packed = {1, target};

uint32_t fw_extra(void)
{
	const volatile uint8_t *tag = &fw_packed.tag;

	return *tag + fw_packed.f();
}
