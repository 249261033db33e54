/* SPDX-License-Identifier: MIT
 *
 * A serial server's bytes. What the parser makes of them must not depend on how they are cut, and must fit where it is put;
 * and whatever goes out escaped comes back as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "telnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hf_telnet t = {0}, back = {0};
	uint8_t *escaped = malloc(2 * size + 1);
	size_t n, got = 0;

	for (size_t i = 0; i < size; i++) {
		enum hf_telnet_event event = hf_telnet_take(&t, data[i]);

		if (t.len > sizeof(t.message) || (event == HF_TELNET_OPTION && t.len == 0))
			abort();
		if (event == HF_TELNET_NEGOTIATE && (t.verb < HF_TELNET_WILL || t.verb > HF_TELNET_DONT))
			abort();
	}
	n = hf_telnet_escape(data, size, escaped);
	for (size_t i = 0; i < n; i++) {
		enum hf_telnet_event event = hf_telnet_take(&back, escaped[i]);

		if (event == HF_TELNET_NOTHING)
			continue;
		if (event != HF_TELNET_DATA || got >= size || back.byte != data[got++])
			abort();
	}
	if (got != size)
		abort();
	free(escaped);
	return 0;
}
