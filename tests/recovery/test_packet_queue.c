/* SPDX-License-Identifier: MIT
 *
 * Packets come out as they went in, whatever their lengths and however full the memory is.
 */
#include "check.h"

#include <string.h>

#include "port/packet_queue.h"

#define SIZE  200u
#define LIMIT 60u /* of a packet */
#define GUARD 0xa5

static uint8_t memory[SIZE + 8];
static struct hf_packet_queue queue;

static int set_up(void **state)
{
	(void)state;
	memset(memory, GUARD, sizeof memory);
	queue = (struct hf_packet_queue){ .buf = memory, .size = SIZE };
	return 0;
}

static bool put(uint32_t len, uint8_t value)
{
	uint8_t *to = hf_packet_queue_place(&queue, LIMIT);

	if (!to)
		return false;
	assert_true(to >= memory && to + LIMIT <= memory + SIZE);
	memset(to, value, len);
	hf_packet_queue_add(&queue, len, (uint8_t)~value);
	assert_int_equal(memory[SIZE], GUARD);
	return true;
}

static void take(uint32_t want, uint8_t value)
{
	uint32_t len;
	uint8_t kind;
	const uint8_t *p = hf_packet_queue_first(&queue, &len, &kind);

	assert_non_null(p);
	assert_int_equal(len, want);
	assert_int_equal(kind, (uint8_t)~value);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(p[i], value);
	hf_packet_queue_drop(&queue);
}

static void queue_without_packets_gives_none(void **state)
{
	uint32_t len;
	uint8_t kind;

	(void)state;
	assert_null(hf_packet_queue_first(&queue, &len, &kind));
	hf_packet_queue_drop(&queue);
	assert_true(put(7, 1));
	take(7, 1);
	assert_null(hf_packet_queue_first(&queue, &len, &kind));
}

static void packets_of_the_greatest_length_fill_it_again_and_again(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		unsigned n = 0;

		while (put(LIMIT, (uint8_t)(round + n)))
			n++;
		assert_int_equal(n, SIZE / (LIMIT + HF_PACKET_QUEUE_HEAD));
		for (unsigned i = 0; i < n; i++)
			take(LIMIT, (uint8_t)(round + i));
	}
}

static void memory_for_one_packet_takes_one_after_the_other(void **state)
{
	(void)state;
	queue.size = LIMIT + HF_PACKET_QUEUE_HEAD;
	for (uint32_t len = 0; len <= LIMIT; len++) {
		assert_true(put(len, (uint8_t)len));
		if (len > 3)
			assert_false(put(1, 0));
		take(len, (uint8_t)len);
		while (queue.count)
			hf_packet_queue_drop(&queue);
	}
}

/* Against a list: any lengths, puts and takes in any order; packets that were found no place for are never lost. */
static void packets_of_any_length_come_out_in_order(void **state)
{
	uint32_t lengths[64], x = 1, in = 0, out = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		x = x * 1664525u + 1013904223u;
		if (x >> 31 && in - out < 64) {
			uint32_t len = x >> 8 & 63;

			len = len > LIMIT ? LIMIT : len;
			if (put(len, (uint8_t)in))
				lengths[in++ % 64] = len;
			else
				assert_true(in > out);
		} else if (in > out) {
			take(lengths[out % 64], (uint8_t)out);
			out++;
		}
		assert_int_equal(queue.count, in - out);
	}
	assert_true(in > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(queue_without_packets_gives_none, set_up),
		cmocka_unit_test_setup(packets_of_the_greatest_length_fill_it_again_and_again, set_up),
		cmocka_unit_test_setup(memory_for_one_packet_takes_one_after_the_other, set_up),
		cmocka_unit_test_setup(packets_of_any_length_come_out_in_order, set_up),
	};

	return cmocka_run_group_tests_name("packet_queue", tests, NULL, NULL);
}
