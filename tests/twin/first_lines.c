/* SPDX-License-Identifier: MIT
 *
 * What a factory image says on its maintenance port at its first start, up to the first line that begins with
 * "gateway".
 *
 *   first_lines BOARD FLASH.BIN
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "file.h"
#include "twin.h"

#define LIMIT_NS 20000000000ull

struct listener {
	struct hf_twin *twin;
	char line[256];
	size_t len;
	bool done;
};

static void die(const char *what)
{
	fprintf(stderr, "first_lines: %s\n", what);
	exit(1);
}

static void on_byte(void *ctx, uint8_t byte, uint64_t at_ns)
{
	struct listener *l = ctx;

	(void)at_ns;
	putchar(byte);
	if (byte != '\n') {
		if (l->len + 1 < sizeof(l->line))
			l->line[l->len++] = (char)byte;
		return;
	}
	l->done = l->len >= 7 && memcmp(l->line, "gateway", 7) == 0;
	l->len = 0;
	if (l->done)
		hf_twin_stop(l->twin);
}

int main(int argc, char **argv)
{
	static struct hf_board board;
	struct listener l = { .len = 0 };
	struct hf_twin_config config;
	struct hf_twin_line line = { .data_bits = 8, .parity = 'N', .stop_bits = 1 };
	struct hf_buffer flash;
	struct hf_diag diag;

	if (argc != 3)
		die("usage: first_lines BOARD FLASH.BIN");
	if (hf_board_load(argv[1], &board, &diag) || hf_file_read(argv[2], 4u << 20, &flash, &diag))
		die(diag.text);
	hf_twin_config_default(&config);
	if (hf_twin_open(&l.twin, &board.layout, &config) ||
	    hf_twin_load(l.twin, board.layout.sector[0].addr, flash.ptr, flash.len))
		die("no twin");
	line.baud = board.maintenance.baud[0];
	hf_twin_uart_line(l.twin, board.maintenance.usart, &line);
	hf_twin_uart_attach(l.twin, board.maintenance.usart, on_byte, &l);
	hf_twin_power_on(l.twin);
	(void)hf_twin_run(l.twin, LIMIT_NS);
	hf_twin_close(l.twin);
	hf_buffer_free(&flash);
	if (!l.done)
		die("no line of the application within 20 s of virtual time");
	return 0;
}
