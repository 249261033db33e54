/* SPDX-License-Identifier: MIT
 *
 * The bench of slaves at the end of a USART's line: the test is the master, register by register.
 */
#include "check.h"
#include "models.h"

#define DELAY (5 * MS)

static uint64_t told_gap;

static void on_gap(void *ctx, uint64_t gap_ns, uint64_t start_ns)
{
	(void)ctx;
	(void)start_ns;
	told_gap = gap_ns;
}

static int set_up(void **state)
{
	(void)state;
	told_gap = 0;
	fake_open(all_models);
	usart_begin(USART2, 2, UE_TE_RE);
	hf_modbus_bus_attach(fake_machine(), 2, 2, DELAY, on_gap, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_close();
	return 0;
}

static const uint8_t read_two[] = { 0x01, 0x03, 0x00, 0x00, 0x00, 0x02, 0xc4, 0x0b };

/* Sends the request that begins now, and reads the answer for 30 ms; returns its length. */
static unsigned poll(uint8_t *answer)
{
	unsigned n = 0, sent = 0;
	for (uint64_t end = fake_now() + 30 * MS; fake_now() < end; fake_run(fake_now() + 20000)) {
		uint32_t sr = fake_read(USART2 + USART_SR);
		if ((sr & TXE) != 0 && sent < sizeof(read_two))
			fake_write(USART2 + USART_DR, read_two[sent++]);
		if ((sr & RXNE) != 0)
			answer[n++] = (uint8_t)fake_read(USART2 + USART_DR);
	}
	return n;
}

static void poll_is_answered_and_counted(void **state)
{
	(void)state;
	uint8_t answer[64];
	fake_run(9 * S);
	assert_int_equal(poll(answer), 9);
	assert_memory_equal(answer, "\x01\x03\x04\x00\x09", 5);
	assert_int_equal(hf_modbus_crc(answer, 7), answer[7] | answer[8] << 8);
	const struct hf_modbus_bench *bench = hf_modbus_bus_bench(fake_machine());
	assert_true(bench->polls == 1 && bench->readings == 1 && bench->slave[0].readings == 1);
	/* 8 characters, the delay, 9 characters. */
	assert_int_equal(bench->last_ns, 9 * S + 8 * FRAME + DELAY + 9 * FRAME);
}

static void gap_is_measured_exactly(void **state)
{
	(void)state;
	uint8_t answer[64];
	for (unsigned i = 0; i < 5; i++) {
		fake_run((i + 1) * 100 * MS);
		assert_int_equal(poll(answer), 9);
	}
	assert_int_equal(hf_modbus_bus_bench(fake_machine())->gap_ns, 100 * MS);
	fake_run(1234567890);
	assert_int_equal(poll(answer), 9);
	assert_int_equal(hf_modbus_bus_bench(fake_machine())->gap_ns, 1234567890 - 500 * MS);
	assert_int_equal(told_gap, 1234567890 - 500 * MS);
}

static void answer_that_the_master_misses_is_no_reading(void **state)
{
	(void)state;
	const struct hf_modbus_bench *bench = hf_modbus_bus_bench(fake_machine());
	uint8_t answer[64];
	fake_run(100 * MS);
	for (unsigned i = 0; i < sizeof(read_two); i++) {
		fake_write(USART2 + USART_DR, read_two[i]);
		fake_run(fake_now() + FRAME);
	}
	fake_run(fake_now() + 50 * MS); /* nobody reads DR: overrun */
	assert_true(bench->polls == 1 && bench->readings == 0 && bench->lost == 1);
	(void)fake_read(USART2 + USART_SR);
	(void)fake_read(USART2 + USART_DR);
	assert_int_equal(poll(answer), 9);
	assert_int_equal(bench->readings, 1);
}

static void power_loss_during_the_answer_loses_it(void **state)
{
	(void)state;
	const struct hf_modbus_bench *bench = hf_modbus_bus_bench(fake_machine());
	for (unsigned i = 0; i < sizeof(read_two); i++) {
		fake_write(USART2 + USART_DR, read_two[i]);
		fake_run(fake_now() + FRAME);
	}
	fake_run(fake_now() + DELAY + 3 * FRAME);
	(void)fake_read(USART2 + USART_DR);
	fake_power_off();
	fake_run(fake_now() + S);
	fake_reset(true);
	fake_run(fake_now() + S);
	assert_true(bench->polls == 1 && bench->readings == 0 && bench->lost == 1);
}

static void wrong_baud_is_not_understood(void **state)
{
	(void)state;
	uint8_t answer[64];
	fake_write(USART2 + USART_BRR, BRR_100K * 2);
	assert_int_equal(poll(answer), 0);
	const struct hf_modbus_bench *bench = hf_modbus_bus_bench(fake_machine());
	assert_true(bench->polls == 0 && bench->crc_errors > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(poll_is_answered_and_counted),
		TEST(gap_is_measured_exactly),
		TEST(answer_that_the_master_misses_is_no_reading),
		TEST(power_loss_during_the_answer_loses_it),
		TEST(wrong_baud_is_not_understood),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
