/* SPDX-License-Identifier: MIT
 *
 * What a USB adapter holds back, and for how long.
 */
#include "adapter.h"
#include "check.h"

static struct hf_adapter adapter;
static uint8_t got[256];
static size_t got_len;

static void take(void *ctx, uint8_t byte)
{
	(void)ctx;
	assert_true(got_len < sizeof(got));
	got[got_len++] = byte;
}

static int set_up(void **state)
{
	(void)state;
	hf_adapter_init(&adapter);
	got_len = 0;
	return 0;
}

static void bytes_without_latency_come_at_once(void **state)
{
	(void)state;
	hf_adapter_hear(&adapter, 0, 'a', 10, take, NULL);
	assert_int_equal(got_len, 1);
	assert_int_equal(adapter.due_ns, HF_ADAPTER_NEVER);
}

static void bytes_wait_for_the_timer_of_the_first(void **state)
{
	(void)state;
	hf_adapter_hear(&adapter, 16 * MS, 'a', 100, take, NULL);
	hf_adapter_hear(&adapter, 16 * MS, 'b', 15 * MS, take, NULL);
	assert_int_equal(adapter.due_ns, 16 * MS + 100);
	hf_adapter_release(&adapter, 16 * MS + 99, take, NULL);
	assert_int_equal(got_len, 0);
	hf_adapter_release(&adapter, 16 * MS + 100, take, NULL);
	assert_int_equal(got_len, 2);
	assert_memory_equal(got, "ab", 2);
}

static void full_packet_does_not_wait(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HF_ADAPTER_PACKET; i++) {
		assert_int_equal(got_len, 0);
		hf_adapter_hear(&adapter, 16 * MS, (uint8_t)i, i, take, NULL);
	}
	assert_int_equal(got_len, HF_ADAPTER_PACKET);
	hf_adapter_hear(&adapter, 16 * MS, 0, 70, take, NULL);
	assert_int_equal(got_len, HF_ADAPTER_PACKET);
	assert_int_equal(adapter.due_ns, 16 * MS + 70);
}

static void packet_that_nobody_fetched_ends_before_the_next_byte(void **state)
{
	(void)state;
	hf_adapter_hear(&adapter, MS, 'a', 0, take, NULL);
	hf_adapter_hear(&adapter, MS, 'b', 5 * MS, take, NULL);
	assert_int_equal(got_len, 1);
	assert_int_equal(adapter.due_ns, 6 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bytes_without_latency_come_at_once, set_up),
		cmocka_unit_test_setup(bytes_wait_for_the_timer_of_the_first, set_up),
		cmocka_unit_test_setup(full_packet_does_not_wait, set_up),
		cmocka_unit_test_setup(packet_that_nobody_fetched_ends_before_the_next_byte, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
