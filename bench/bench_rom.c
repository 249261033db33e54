/* SPDX-License-Identifier: MIT
 *
 * stm32flash through the chip's ROM loader: an image that fills slot A, at the usual rates and adapters' latencies.
 *
 *   bench_rom TWIN SHIM BOARD
 */
#include <stdlib.h>

#include "board.h"
#include "rom_burn.h"
#include "row.h"

static void rows(const struct rom_burn *burn)
{
	struct rom_burn_times times;
	struct hf_diag diag;
	char name[64];

	if (!rom_burn(burn, &times, &diag)) {
		fprintf(stderr, "bench_rom: %u baud, %u ms: %s\n", burn->baud, burn->latency_ms, diag.text);
		exit(1);
	}
	snprintf(name, sizeof(name), "rom.stm32flash_%u_%ums_s", burn->baud, burn->latency_ms);
	row(name, (double)times.whole_ns / 1e9, "s", LOWER, NULL, "connect, erase, write, verify; 384 KiB in slot A");
	snprintf(name, sizeof(name), "rom.stm32flash_%u_%ums_write_s", burn->baud, burn->latency_ms);
	row(name, (double)times.write_ns / 1e9, "s", LOWER, NULL, "connect and write alone");
}

int main(int argc, char **argv)
{
	static const uint32_t bauds[] = { 921600, 115200 };
	static const unsigned latencies[] = { 0, 1, 16 };
	static struct hf_board board;
	struct hf_diag diag;

	if (argc != 4 || hf_board_load(argv[3], &board, &diag) != HF_OK) {
		fprintf(stderr, "bench_rom: %s\n", argc != 4 ? "usage: bench_rom TWIN SHIM BOARD" : diag.text);
		return 1;
	}
	for (unsigned i = 0; i < 2; i++)
		for (unsigned k = 0; k < 3; k++) {
			const struct rom_burn burn = { argv[1], argv[2], argv[3], bauds[i], latencies[k],
						       board.layout.slot[0].addr, board.layout.slot[0].size };
			rows(&burn);
		}
	return 0;
}
