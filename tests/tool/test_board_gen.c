/* SPDX-License-Identifier: MIT
 *
 * The layout that the firmware compiles is the one that the host reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../../host/board.h"

extern const struct hf_layout hf_board_layout; /* generated from boards/compact.conf */

static void assert_same(struct hf_span a, struct hf_span b)
{
	assert_int_equal(a.addr, b.addr);
	assert_int_equal(a.size, b.size);
}

static void generated_layout_equals_the_board_file(void **state)
{
	const struct hf_layout *made = &hf_board_layout;
	struct hf_board board;
	struct hf_diag diag;

	(void)state;
	assert_int_equal(hf_board_load(HF_SOURCE_ROOT "/boards/compact.conf", &board, &diag), HF_OK);
	assert_string_equal(made->name, board.layout.name);
	assert_memory_equal(made->vendor_id, board.layout.vendor_id, 16);
	assert_memory_equal(made->class_id, board.layout.class_id, 16);
	assert_int_equal(made->sectors, board.layout.sectors);
	for (unsigned i = 0; i < HF_MAX_SECTORS; i++)
		assert_same(made->sector[i], board.layout.sector[i]);
	assert_same(made->boot, board.layout.boot);
	assert_same(made->keyset, board.layout.keyset);
	assert_same(made->recovery, board.layout.recovery);
	assert_same(made->data, board.layout.data);
	for (unsigned i = 0; i < 2; i++) {
		assert_same(made->journal[i], board.layout.journal[i]);
		assert_same(made->slot[i], board.layout.slot[i]);
		assert_same(made->ram[i], board.layout.ram[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated_layout_equals_the_board_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
