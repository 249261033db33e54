/* SPDX-License-Identifier: MIT
 *
 * On the digital twin, with a board like any other.
 */
#include "image_fixture.h"
#include "run_flash.h"
#include "twin.h"

#define USART	    1
#define PATIENCE_NS UINT64_C(100000000) /* of virtual time; the firmware needs a few milliseconds */

struct listener {
	struct hf_twin *twin;
	char *line;
	size_t cap, len;
};

static void hear(void *ctx, uint8_t byte, uint64_t at_ns)
{
	struct listener *l = ctx;

	(void)at_ns;
	if (byte == '\n' || l->len + 1 == l->cap)
		hf_twin_stop(l->twin);
	else
		l->line[l->len++] = (char)byte;
}

void run_flash(const uint8_t flash[FLASH_BYTES], char *line, size_t cap)
{
	struct listener listener = {.line = line, .cap = cap};
	struct hf_twin_config config;

	memset(line, 0, cap);
	hf_twin_config_default(&config);
	assert_int_equal(hf_twin_open(&listener.twin, NULL, &config), HF_OK);
	assert_int_equal(hf_twin_load(listener.twin, FLASH_ADDR, flash, FLASH_BYTES), HF_OK);
	hf_twin_uart_attach(listener.twin, USART, hear, &listener);
	hf_twin_uart_line(listener.twin, USART, &(struct hf_twin_line){115200, 8, 'N', 1});
	hf_twin_power_on(listener.twin);
	assert_int_not_equal(hf_twin_run(listener.twin, PATIENCE_NS), HF_TWIN_BROKEN);
	hf_twin_close(listener.twin);
}
