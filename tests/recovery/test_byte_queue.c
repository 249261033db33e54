/* SPDX-License-Identifier: MIT
 *
 * Bytes come out as they went in, whatever the pieces.
 */
#include "check.h"

#include <string.h>

#include "port/byte_queue.h"

#define SIZE 13u /* no power of two */

static uint8_t memory[SIZE];
static struct hf_byte_queue queue;

static int set_up(void **state)
{
	(void)state;
	queue = (struct hf_byte_queue){ .buf = memory, .size = SIZE };
	return 0;
}

/* Puts up to n bytes that count up from `value`; returns how many fitted. */
static uint32_t put(uint32_t n, uint8_t value)
{
	uint32_t done = 0, room;

	while (done < n) {
		uint8_t *to = hf_byte_queue_space(&queue, &room);

		if (room == 0)
			break;
		assert_true(to >= memory && to + room <= memory + SIZE);
		if (room > n - done)
			room = n - done;
		for (uint32_t i = 0; i < room; i++)
			to[i] = (uint8_t)(value + done + i);
		hf_byte_queue_added(&queue, room);
		done += room;
	}
	return done;
}

static void take(uint32_t n, uint8_t value)
{
	uint32_t len;

	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(*hf_byte_queue_head(&queue, &len), (uint8_t)(value + i));
		assert_true(len > 0);
		hf_byte_queue_taken(&queue, 1);
	}
}

static void bytes_come_out_in_order_whatever_the_pieces(void **state)
{
	uint8_t in = 0, out = 0;

	(void)state;
	for (uint32_t n = 1; n < 200; n++) {
		uint32_t piece = n % SIZE + 1, taken;

		in = (uint8_t)(in + put(piece, in));
		taken = n % 7 < queue.fill ? n % 7 : queue.fill;
		take(taken, out);
		out = (uint8_t)(out + taken);
	}
	take(queue.fill, out);
	assert_int_equal(queue.fill, 0);
}

static void full_queue_takes_nothing_more(void **state)
{
	uint32_t len;

	(void)state;
	assert_int_equal(put(SIZE + 5, 1), SIZE);
	take(3, 1);
	assert_int_equal(put(5, 100), 3);
	take(SIZE - 3, 4);
	take(3, 100);
	(void)hf_byte_queue_head(&queue, &len);
	assert_int_equal(len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bytes_come_out_in_order_whatever_the_pieces, set_up),
		cmocka_unit_test_setup(full_queue_takes_nothing_more, set_up),
	};

	return cmocka_run_group_tests_name("byte_queue", tests, NULL, NULL);
}
