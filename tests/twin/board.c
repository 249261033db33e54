/* SPDX-License-Identifier: MIT */
#include "board.h"

#include <stdlib.h>

#include "firmware.h"

static uint8_t elf[1 << 20];
static size_t elf_len;

static void read_elf(void)
{
	const char *path = getenv("HF_TWIN_FW");
	FILE *f = fopen(path ? path : "fw.elf", "rb");

	assert_non_null(f);
	elf_len = fread(elf, 1, sizeof(elf), f);
	fclose(f);
}

uint32_t board_symbol(const char *name)
{
	struct hf_firmware firmware;
	uint32_t addr;

	assert_int_equal(hf_firmware_open(&firmware, elf, elf_len), HF_OK);
	assert_int_equal(hf_firmware_symbol(&firmware, name, &addr), HF_OK);
	return addr;
}

static void on_event(void *ctx, const struct hf_twin_event *event)
{
	struct board *board = ctx;

	if (board->events < BOARD_EVENTS) {
		struct hf_twin_event *e = &board->event[board->events];

		*e = *event;
		snprintf(board->text[board->events], sizeof(board->text[0]), "%s", event->text ? event->text : "");
		e->text = board->text[board->events++];
	}
	if (event->kind == HF_TWIN_EV_PC) {
		board->done = true;
		hf_twin_stop(board->twin);
	}
}

void board_open(struct board *board, const struct hf_twin_config *config)
{
	struct hf_twin_config usual;

	if (!elf_len)
		read_elf();
	hf_twin_config_default(&usual);
	usual.erase_16k_ns /= 50;
	usual.erase_64k_ns /= 50;
	usual.erase_128k_ns /= 50;
	memset(board, 0, sizeof(*board));
	assert_int_equal(hf_twin_open(&board->twin, NULL, config ? config : &usual), HF_OK);
	hf_twin_on_event(board->twin, on_event, board);
	assert_int_equal(hf_twin_load_elf(board->twin, elf, elf_len, 0, NULL), HF_OK);
	assert_int_equal(hf_twin_watch_pc(board->twin, board_symbol("fw_done")), HF_OK);
}

void board_close(struct board *board)
{
	hf_twin_close(board->twin);
}

void board_select(struct board *board, enum board_program program, const uint32_t *arguments, unsigned count)
{
	uint32_t words[8];

	memset(words, 0xff, sizeof(words));
	words[0] = program;
	assert_true(count < 8);
	if (count)
		memcpy(words + 1, arguments, count * 4);
	assert_int_equal(hf_twin_load(board->twin, FW_ARGS, words, sizeof(words)), HF_OK);
}

bool board_run(struct board *board, uint64_t limit_ns)
{
	board->done = false;
	hf_twin_power_on(board->twin);
	while (!board->done) {
		enum hf_twin_stop stop = hf_twin_run(board->twin, limit_ns);

		assert_int_not_equal(stop, HF_TWIN_BROKEN);
		if (stop == HF_TWIN_TIME || stop == HF_TWIN_OFF)
			return false;
	}
	return true;
}

void board_ask(struct board *board, enum board_program program, const uint32_t *arguments, unsigned count)
{
	board_select(board, program, arguments, count);
	assert_true(board_run(board, hf_twin_now_ns(board->twin) + 20 * S));
}

uint32_t board_word(struct board *board, uint32_t addr)
{
	uint32_t word;

	assert_int_equal(hf_twin_peek(board->twin, addr, &word, 4), HF_OK);
	return word;
}

unsigned board_answers(struct board *board)
{
	return board_word(board, FW_ANSWERS);
}

uint32_t board_answer(struct board *board, unsigned n)
{
	assert_true(n < board_answers(board));
	return board_word(board, FW_ANSWERS + 4 + 4 * n);
}

unsigned board_count(const struct board *board, enum hf_twin_event_kind kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < board->events; i++)
		count += board->event[i].kind == kind;
	return count;
}

const struct hf_twin_event *board_event(const struct board *board, enum hf_twin_event_kind kind, unsigned n)
{
	for (unsigned i = 0; i < board->events; i++)
		if (board->event[i].kind == kind && n-- == 0)
			return &board->event[i];
	fail_msg("no such event: kind %d", (int)kind);
	return NULL;
}

struct hf_twin_counts board_counts(const struct board *board)
{
	struct hf_twin_counts counts;

	hf_twin_counts(board->twin, &counts);
	return counts;
}
