/* SPDX-License-Identifier: MIT */
#include "fw.h"

uint32_t fw_extra(void)
{
	return 1;
}
