/* SPDX-License-Identifier: MIT
 *
 * Board files: any text is a board that keeps its promises, or refused with a sentence that names a line.
 */
#include <stdlib.h>
#include <string.h>

#include "../host/board.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
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

static void check(const struct hf_board *board)
{
	const struct hf_layout *l = &board->layout;
	const struct hf_span parts[] = {l->boot,    l->journal[0], l->journal[1], l->recovery,
					l->slot[0], l->slot[1],    l->data};
	const size_t count = sizeof(parts) / sizeof(parts[0]);

	if (l->sectors == 0 || l->sectors > HF_MAX_SECTORS || l->slot[0].size != l->slot[1].size ||
	    !within(l->keyset, l->boot) || board->boot_limit > l->boot.size - l->keyset.size || !board->led.channel ||
	    !board->maintenance.af || !board->modbus.af)
		abort();
	for (size_t i = 0; i < count; i++) {
		if (parts[i].size == 0)
			continue;
		if (!within(parts[i], board->flash))
			abort();
		for (size_t k = 0; k < i; k++) {
			if (parts[k].size && !apart(parts[i], parts[k]))
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct hf_diag diag = {""};
	struct hf_board board;

	memcpy(text, data, len);
	text[len] = 0;
	if (hf_board_parse(text, "f", &board, &diag) == HF_OK)
		check(&board);
	else if (strncmp(diag.text, "f:", 2) != 0)
		abort();
	free(text);
	return 0;
}
