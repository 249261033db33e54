/* SPDX-License-Identifier: MIT
 *
 * Board files: any text is a board that keeps its promises, or refused with a sentence that names a line. Written again by
 * libconfig, it is the same board, for the firmware's build, too; and a text that libconfig does not read is none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/board.h"
#include "../tool/board_gen.h"
#include "settings.h"

const char *__lsan_default_suppressions(void);

/* libconfig 1.5 keeps the buffer of a string that is not terminated. The tool reads one board file and ends. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static bool within(struct hf_span inner, struct hf_span outer)
{
	return inner.addr >= outer.addr && hf_range_ok(inner.addr - outer.addr, inner.size, outer.size);
}

static bool apart(struct hf_span a, struct hf_span b)
{
	return a.addr + a.size <= b.addr || b.addr + b.size <= a.addr;
}

/* The sectors tile the flash, and each has one owner. */
static void check_sectors(const struct hf_board *board)
{
	const struct hf_layout *l = &board->layout;
	unsigned owned[HF_MAX_SECTORS] = {0};
	uint32_t end = board->flash.addr;

	must(l->sectors > 0 && l->sectors <= HF_MAX_SECTORS);
	for (unsigned i = 0; i < l->sectors; i++) {
		must(l->sector[i].addr == end && l->sector[i].size > 0);
		end += l->sector[i].size;
	}
	must(end == board->flash.addr + board->flash.size);
	for (unsigned p = 0; p < HF_PARTITIONS + board->unuseds; p++) {
		struct hf_board_partition part = p < HF_PARTITIONS ? board->partition[p] : board->unused[p - HF_PARTITIONS];

		for (unsigned i = part.first; i <= part.last; i++)
			owned[i]++;
	}
	for (unsigned i = 0; i < l->sectors; i++)
		must(owned[i] == 1);
}

static void check_uart(const struct hf_board *board, const struct hf_board_uart *u)
{
	must(u->af && u->usart >= 1 && u->usart <= 6 && u->bauds >= 1 && u->bauds <= HF_BOARD_BAUDS);
	for (unsigned i = 0; i < u->bauds; i++)
		must(u->baud[i] >= 1200 && u->baud[i] <= board->chip->baud_max);
	must(memcmp(&u->tx, &u->rx, sizeof(u->tx)) != 0);
}

static void check(const struct hf_board *board)
{
	const struct hf_layout *l = &board->layout;
	const struct hf_span parts[] = {l->boot,    l->journal[0], l->journal[1], l->recovery,
					l->slot[0], l->slot[1],    l->data};
	const size_t count = sizeof(parts) / sizeof(parts[0]);

	must(l->slot[0].size == l->slot[1].size && l->journal[0].size == l->journal[1].size);
	must(within(l->keyset, l->boot) && board->boot_limit <= l->boot.size - l->keyset.size);
	must(board->led.channel && board->protect.rdp < 2 && board->maintenance.usart != board->modbus.usart);
	must(board->sysclk_hz <= board->chip->sysclk_max_hz && board->ram.size <= board->chip->ram_kib * 1024u);
	check_uart(board, &board->maintenance);
	check_uart(board, &board->modbus);
	check_sectors(board);
	for (size_t i = 0; i < count; i++) {
		if (parts[i].size == 0)
			continue;
		must(within(parts[i], board->flash));
		for (size_t k = 0; k < i; k++)
			must(parts[k].size == 0 || apart(parts[i], parts[k]));
	}
}

/* Everything that the firmware's build takes from it. To be freed. */
static char *generate(const struct hf_board *board)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	must(f != NULL);
	hf_board_write_header(board, f);
	hf_board_write_source(board, f);
	hf_board_write_linker(board, f);
	fclose(f);
	return text;
}

static void check_again(const struct hf_board *board, const char *text)
{
	char *again = settings_again(text), *one, *other;
	struct hf_diag diag = {""};
	struct hf_board second;

	must(again && hf_board_parse(again, "f", &second, &diag) == HF_OK);
	one = generate(board);
	other = generate(&second);
	must(strcmp(one, other) == 0);
	must(strcmp(board->name, second.name) == 0 && board->sysclk_hz == second.sysclk_hz &&
	     board->gateway_access == second.gateway_access && board->recovery_access == second.recovery_access &&
	     board->readback == second.readback && board->erase == second.erase && board->interface_khz == second.interface_khz);
	free(one);
	free(other);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct hf_diag diag = {""};
	struct hf_board board;

	memcpy(text, data, len);
	text[len] = 0;
	if (hf_board_parse(text, "f", &board, &diag) == HF_OK) {
		check(&board);
		check_again(&board, text);
	} else {
		must(strncmp(diag.text, "f:", 2) == 0);
	}
	free(text);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	static const char *const texts[] = {
		"PA1", "PA2", "PA3", "PA9", "PA10", "PA15", "PB0", "PB6", "PB7", "PB10", "PB11", "PC6", "PC7", "PC8", "PC13", "PD12",
		"PE2", "PH1", "PI11", "PA16", "STM32F407VGT6", "open", "local", "signed", "swd", "jtag", "crc32", "needed", "slot",
		"a.example", "gw-f407", "", NULL,
	};

	return settings_mutate_input(data, len, max, seed, texts);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t len1, const uint8_t *data2, size_t len2, uint8_t *out,
				 size_t max, unsigned int seed)
{
	return settings_cross_inputs((struct hf_bytes){data1, len1}, (struct hf_bytes){data2, len2}, out, max, seed);
}
