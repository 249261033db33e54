/* SPDX-License-Identifier: MIT
 *
 * SREC: a file is read, or refused with a sentence; what is read lies in the board's flash, and has as many bytes as the
 * lowest and the highest record say.
 */
#include <stdlib.h>
#include <string.h>

#include "records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct hf_span flash = {0x08020000, 0x4000};
	struct hf_diag diag = {""};
	struct hf_flash_map map;
	uint32_t put = 0;

	if (hf_flash_map_open(&map, flash))
		abort();
	enum hf_err err = hf_srec_read(&map, (struct hf_bytes){data, len}, &diag);
	if (err && !diag.text[0])
		abort();
	for (uint32_t i = 0; i < flash.size; i++) {
		put += map.used[i];
		if (!map.used[i] && map.bytes[i] != 0xFF)
			abort();
	}
	if (map.low > map.high || put > map.high - map.low || 2 * put > len)
		abort();
	if (put && (!map.used[map.low - flash.addr] || !map.used[map.high - 1 - flash.addr]))
		abort();
	hf_flash_map_close(&map);
	return 0;
}
