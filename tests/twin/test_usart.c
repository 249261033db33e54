/* SPDX-License-Identifier: MIT
 *
 * The USART's registers and lines, with exact times.
 */
#include "check.h"
#include "models.h"

static struct heard heard;

static int set_up(void **state)
{
	(void)state;
	memset(&heard, 0, sizeof(heard));
	fake_open(all_models);
	hf_twin_uart_attach(fake_twin(), 1, hear, &heard);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_close();
	return 0;
}

static uint32_t sr(void)
{
	return fake_read(USART1 + USART_SR);
}

static uint32_t dr(void)
{
	return fake_read(USART1 + USART_DR);
}

static void status_after_reset_is_c0(void **state)
{
	(void)state;
	assert_int_equal(sr(), TXE | TC);
}

static void sent_byte_arrives_at_its_frames_end(void **state)
{
	(void)state;
	fake_run(MS);
	usart_begin(USART1, 1, UE_TE_RE);
	(void)sr();
	fake_write(USART1 + USART_DR, 0x5a);
	assert_int_equal(sr(), TXE); /* the shift register has it, TC fell by SR then DR */
	fake_run(MS + FRAME - 1);
	assert_int_equal(heard.n, 0);
	fake_run(MS + FRAME);
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.data[0], 0x5a);
	assert_int_equal(heard.at_ns[0], MS + FRAME);
	assert_int_equal(sr() & (TXE | TC), TXE | TC);
}

static void two_bytes_go_back_to_back(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE);
	fake_write(USART1 + USART_DR, 1);
	fake_write(USART1 + USART_DR, 2);
	assert_int_equal(sr() & TXE, 0);
	fake_run(FRAME);
	assert_int_equal(sr() & TXE, TXE);
	fake_run(MS);
	assert_int_equal(heard.n, 2);
	assert_int_equal(heard.at_ns[1] - heard.at_ns[0], FRAME);
}

static void tc_stays_set_unless_it_is_cleared(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE);
	fake_write(USART1 + USART_DR, 1); /* SR was not read before: TC stays, as on the chip */
	assert_int_equal(sr(), TXE | TC);
	fake_write(USART1 + USART_SR, ~TC);
	assert_int_equal(sr(), TXE);
	fake_run(FRAME);
	assert_int_equal(sr() & (TXE | TC), TXE | TC);
}

static void received_byte_sets_rxne_in_its_stop_bit(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE | RXNEIE);
	usart_feed(1, "\xc3", 1);
	fake_run(TAKEN - 1);
	assert_int_equal(sr() & RXNE, 0);
	assert_false(fake_irq(USART1_IRQ));
	fake_run(TAKEN);
	assert_true(fake_irq(USART1_IRQ));
	assert_int_equal(sr() & (RXNE | ORE | FE | NE), RXNE);
	assert_int_equal(dr(), 0xc3);
	assert_int_equal(sr() & RXNE, 0);
	assert_false(fake_irq(USART1_IRQ));
}

static void queued_bytes_arrive_a_frame_apart(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE);
	usart_feed(1, "abc", 3);
	for (unsigned i = 0; i < 3; i++) {
		fake_run(i * FRAME + TAKEN - 1);
		assert_int_equal(sr() & RXNE, 0);
		fake_run(i * FRAME + TAKEN);
		assert_int_equal(sr() & RXNE, RXNE);
		assert_int_equal(dr(), 'a' + i);
	}
}

static void unread_byte_is_kept_and_the_next_overruns(void **state)
{
	(void)state;
	struct hf_usart_counts counts;
	usart_begin(USART1, 1, UE_TE_RE | RXNEIE);
	usart_feed(1, "ab", 2);
	fake_run(MS);
	assert_int_equal(sr() & (RXNE | ORE), RXNE | ORE);
	assert_int_equal(dr(), 'a');
	assert_int_equal(sr() & (RXNE | ORE), 0);
	assert_false(fake_irq(USART1_IRQ));
	hf_usart_counts(fake_machine(), 1, &counts);
	assert_true(counts.taken == 1 && counts.overruns == 1);
}

static void overrun_is_not_cleared_by_dr_alone(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE | RXNEIE);
	usart_feed(1, "ab", 2);
	fake_run(MS);
	(void)dr();
	assert_true(fake_irq(USART1_IRQ));
	assert_int_equal(sr() & (RXNE | ORE), ORE);
	(void)dr();
	assert_int_equal(sr() & ORE, 0);
}

static void idle_line_is_told_once_after_a_frame_of_silence(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE);
	fake_run(MS);
	(void)sr();
	(void)dr(); /* the idle frame after switching on */
	assert_int_equal(sr() & IDLE, 0);
	fake_write(USART1 + USART_CR1, UE_TE_RE | IDLEIE);
	usart_feed(1, "x", 1);
	uint64_t end = MS + FRAME;
	fake_run(end + FRAME - BIT);
	assert_int_equal(sr() & IDLE, 0);
	fake_run(end + FRAME + BIT);
	assert_true(fake_irq(USART1_IRQ));
	assert_int_equal(sr() & (IDLE | RXNE), IDLE | RXNE);
	assert_int_equal(dr(), 'x');
	assert_int_equal(sr() & IDLE, 0);
	fake_run(10 * MS);
	assert_int_equal(sr() & IDLE, 0);
}

static void idle_is_not_told_between_bytes_that_follow(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE);
	fake_run(MS);
	(void)sr();
	(void)dr();
	usart_feed(1, "xyz", 3);
	for (unsigned i = 0; i < 3; i++) {
		fake_run(MS + i * FRAME + TAKEN);
		assert_int_equal(sr() & (IDLE | RXNE), RXNE);
		(void)dr();
	}
}

static void wrong_baud_gives_garbage(void **state)
{
	(void)state;
	const struct hf_twin_line fast = { 115200, 8, 'N', 1 };
	uint8_t text[32];
	unsigned same = 0;
	usart_begin(USART1, 1, UE_TE_RE);
	hf_twin_uart_line(fake_twin(), 1, &fast);
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(37 * i + 11);
	usart_feed(1, text, sizeof(text));
	uint32_t errors = 0;
	for (unsigned i = 0; fake_now() < 5 * MS; fake_run(fake_now() + 10000)) {
		uint32_t flags = sr();
		errors |= flags;
		if ((flags & RXNE) != 0)
			same += dr() == text[i++ % sizeof(text)];
	}
	assert_true((errors & (FE | NE)) != 0);
	assert_true(same < sizeof(text) / 4);
	/* And the other way round: the far end hears garbage. */
	fake_write(USART1 + USART_DR, 0x5a);
	fake_run(6 * MS);
	assert_true(heard.n > 0 && heard.data[0] != 0x5a);
}

static void baud_follows_the_clock(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE);
	fake_clock(HF_CLOCK_PCLK2, 84000000);
	fake_write(USART1 + USART_BRR, 840);
	fake_write(USART1 + USART_DR, 'k');
	fake_run(MS);
	assert_int_equal(heard.at_ns[0], FRAME);
	/* OVER8: 84 MHz / 100 kHz / 8 = 105.0 */
	fake_write(USART1 + USART_CR1, UE_TE_RE | 0x8000);
	fake_write(USART1 + USART_BRR, 105 << 4);
	fake_write(USART1 + USART_DR, 'k');
	fake_run(2 * MS);
	assert_int_equal(heard.at_ns[1], MS + FRAME);
	assert_int_equal(heard.data[1], 'k');
}

static void even_parity_works_both_ways(void **state)
{
	(void)state;
	const struct hf_twin_line even = { 100000, 8, 'E', 1 };
	usart_begin(USART1, 1, UE_TE_RE | 0x1400); /* M, PCE */
	hf_twin_uart_line(fake_twin(), 1, &even);
	usart_feed(1, "\x7f\x01", 2);
	fake_run(TAKEN + BIT);
	assert_int_equal(sr() & (RXNE | PE | FE), RXNE);
	assert_int_equal(dr() & 0xff, 0x7f);
	fake_write(USART1 + USART_DR, 0x81);
	fake_run(MS);
	assert_int_equal(heard.data[0], 0x81);
	assert_int_equal(heard.at_ns[0], TAKEN + BIT + 11 * BIT);
}

static void missing_parity_is_an_error(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE | 0x1400);
	usart_feed(1, "\x01", 1); /* the far end sends 8N1: idle stands where parity and stop belong */
	fake_run(MS);
	assert_int_equal(sr() & (RXNE | PE), RXNE); /* 0x01 has odd ones, the idle line reads as the parity bit 1 */
	(void)dr();
	usart_feed(1, "\x03", 1);
	fake_run(2 * MS);
	assert_int_equal(sr() & (RXNE | PE), RXNE | PE);
	(void)dr();
	assert_int_equal(sr() & PE, 0);
}

static void pulled_cable_loses_bytes_both_ways(void **state)
{
	(void)state;
	struct hf_usart_counts counts;
	usart_begin(USART1, 1, UE_TE_RE);
	hf_usart_cable(fake_machine(), 1, false);
	usart_feed(1, "lost", 4);
	fake_write(USART1 + USART_DR, 'l');
	fake_run(MS);
	assert_int_equal(sr() & RXNE, 0);
	assert_int_equal(heard.n, 0);
	hf_usart_cable(fake_machine(), 1, true);
	usart_feed(1, "k", 1);
	fake_write(USART1 + USART_DR, 'K');
	fake_run(2 * MS);
	assert_int_equal(dr(), 'k');
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.data[0], 'K');
	hf_usart_counts(fake_machine(), 1, &counts);
	assert_true(counts.unheard == 4 && counts.taken == 1);
}

static void cable_pulled_in_mid_byte_damages_it(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE);
	usart_feed(1, "\x00", 1);
	fake_run(5 * BIT);
	hf_usart_cable(fake_machine(), 1, false);
	fake_run(MS);
	assert_int_equal(sr() & RXNE, RXNE);
	assert_int_equal(dr(), 0xf0);
}

static void noise_damages_some_bytes(void **state)
{
	(void)state;
	unsigned damaged = 0;
	usart_begin(USART1, 1, UE_TE_RE);
	hf_usart_noise(fake_machine(), 1, 0.01);
	for (unsigned i = 0; i < 200; i++) {
		uint64_t begin = fake_now();
		usart_feed(1, "U", 1);
		fake_run(begin + 3 * FRAME);
		bool fine = (sr() & (RXNE | FE)) == RXNE && dr() == 'U';
		damaged += !fine;
		(void)sr();
		(void)dr();
	}
	assert_in_range(damaged, 5, 45);
}

static void break_is_a_framing_error(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE);
	hf_usart_break(fake_machine(), 1, true);
	fake_run(MS);
	assert_int_equal(sr() & (RXNE | FE), RXNE | FE);
	assert_int_equal(dr(), 0);
	hf_usart_break(fake_machine(), 1, false);
	usart_feed(1, "z", 1);
	fake_run(2 * MS);
	assert_int_equal(dr(), 'z');
}

static void switched_off_receiver_hears_nothing(void **state)
{
	(void)state;
	usart_begin(USART1, 1, 0);
	usart_feed(1, "abc", 3);
	fake_run(FRAME + BIT);
	assert_int_equal(hf_twin_uart_queued(fake_twin(), 1), 2);
	fake_run(MS);
	assert_int_equal(hf_twin_uart_queued(fake_twin(), 1), 0);
	assert_int_equal(sr() & RXNE, 0);
}

static void power_off_ends_the_frame_and_the_registers(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE);
	fake_write(USART1 + USART_DR, 0x00);
	fake_run(3 * BIT);
	fake_power_off();
	usart_feed(1, "x", 1);
	fake_run(MS);
	assert_int_equal(heard.n, 1); /* three low bits, then an idle line: the far end takes it for a character */
	assert_int_equal(heard.data[0], 0xfc);
	fake_reset(true);
	assert_int_equal(fake_read(USART1 + USART_CR1), 0);
	assert_int_equal(sr(), TXE | TC);
}

static void pins_without_their_function_connect_nothing(void **state)
{
	(void)state;
	const struct hf_twin_uart_pins pins = { .tx = { 0, 9 }, .rx = { 0, 10 }, .af = 7 };
	hf_twin_uart_pins(fake_twin(), 1, &pins);
	usart_begin(USART1, 1, UE_TE_RE);
	fake_write(USART1 + USART_DR, 'a');
	usart_feed(1, "b", 1);
	fake_run(MS);
	assert_int_equal(heard.n, 0);
	assert_int_equal(sr() & RXNE, 0);
	fake_write(GPIO(0) + MODER, 2u << 18 | 2u << 20);
	fake_write(GPIO(0) + AFRH, 8u << 4 | 8u << 8); /* the wrong function */
	fake_write(USART1 + USART_DR, 'a');
	fake_run(2 * MS);
	assert_int_equal(heard.n, 0);
	fake_write(GPIO(0) + AFRH, 7u << 4 | 7u << 8);
	fake_write(USART1 + USART_DR, 'a');
	usart_feed(1, "b", 1);
	fake_run(3 * MS);
	assert_int_equal(heard.n, 1);
	assert_int_equal(dr(), 'b');
}

static void far_end_that_holds_the_line_low_shows_at_the_pin(void **state)
{
	(void)state;
	const struct hf_twin_uart_pins pins = { .tx = { 0, 9 }, .rx = { 0, 10 }, .af = 7 };
	hf_twin_uart_pins(fake_twin(), 1, &pins);
	fake_write(GPIO(0) + MODER, 2u << 18 | 2u << 20);
	fake_write(GPIO(0) + PUPDR, 1u << 18 | 1u << 20);
	fake_write(GPIO(0) + AFRH, 7u << 4 | 7u << 8);
	assert_int_equal(fake_read(GPIO(0) + IDR) & 1u << 10, 1u << 10);
	hf_usart_break(fake_machine(), 1, true);
	assert_int_equal(fake_read(GPIO(0) + IDR) & 3u << 9, 1u << 9);
	hf_usart_cable(fake_machine(), 1, false); /* the pull resistor alone */
	assert_int_equal(fake_read(GPIO(0) + IDR) & 1u << 10, 1u << 10);
	hf_usart_cable(fake_machine(), 1, true);
	hf_usart_break(fake_machine(), 1, false);
	assert_int_equal(fake_read(GPIO(0) + IDR) & 1u << 10, 1u << 10);
}

static void rs485_driver_off_before_tc_tears_the_last_byte(void **state)
{
	(void)state;
	const struct hf_twin_uart_pins pins = { { 0, 9 }, { 0, 10 }, 7, true, { 0, 1 } };
	hf_twin_uart_pins(fake_twin(), 1, &pins);
	fake_write(GPIO(0) + MODER, 2u << 18 | 2u << 20 | 1u << 2);
	fake_write(GPIO(0) + AFRH, 7u << 4 | 7u << 8);
	usart_begin(USART1, 1, UE_TE_RE);
	fake_write(GPIO(0) + BSRR, 1u << 1);
	fake_write(USART1 + USART_DR, 0x00);
	fake_run(FRAME);
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.data[0], 0);
	fake_write(USART1 + USART_DR, 0x00);
	fake_run(FRAME + 5 * BIT);
	fake_write(GPIO(0) + BSRR, 1u << 17); /* too early */
	fake_run(MS);
	assert_int_equal(heard.n, 2);
	assert_int_equal(heard.data[1], 0xf0);
	/* With the driver on, the device does not hear the bus. */
	fake_write(GPIO(0) + BSRR, 1u << 1);
	usart_feed(1, "q", 1);
	fake_run(2 * MS);
	assert_int_equal(sr() & RXNE, 0);
	fake_write(GPIO(0) + BSRR, 1u << 17);
	usart_feed(1, "q", 1);
	fake_run(3 * MS);
	assert_int_equal(dr(), 'q');
}

static void byte_written_over_another_is_reported(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE);
	fake_write(USART1 + USART_DR, 1);
	fake_write(USART1 + USART_DR, 2);
	assert_int_equal(fake_events(HF_TWIN_EV_LOG), 0);
	fake_write(USART1 + USART_DR, 3);
	assert_int_equal(fake_events(HF_TWIN_EV_LOG), 1);
	fake_run(MS);
	assert_int_equal(heard.n, 2);
	assert_int_equal(heard.data[1], 3);
}

static void full_queue_refuses_all_of_it(void **state)
{
	(void)state;
	static uint8_t data[HF_USART_QUEUE];
	usart_begin(USART1, 1, UE_TE_RE);
	usart_feed(1, data, HF_USART_QUEUE); /* one of them is on the wire at once */
	assert_int_equal(hf_twin_uart_send(fake_twin(), 1, data, 2), HF_ERR_FULL);
	assert_int_equal(hf_twin_uart_send(fake_twin(), 1, data, 1), HF_OK);
}

static void transmit_interrupts_follow_their_flags(void **state)
{
	(void)state;
	usart_begin(USART1, 1, UE_TE_RE | TXEIE);
	assert_true(fake_irq(USART1_IRQ));
	fake_write(USART1 + USART_DR, 1);
	assert_true(fake_irq(USART1_IRQ));
	fake_write(USART1 + USART_DR, 2);
	assert_false(fake_irq(USART1_IRQ));
	fake_run(FRAME);
	assert_true(fake_irq(USART1_IRQ));
	fake_write(USART1 + USART_SR, ~TC);
	fake_write(USART1 + USART_CR1, UE_TE_RE | TCIE);
	assert_false(fake_irq(USART1_IRQ));
	fake_run(2 * FRAME);
	assert_true(fake_irq(USART1_IRQ));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(status_after_reset_is_c0),
		TEST(sent_byte_arrives_at_its_frames_end),
		TEST(two_bytes_go_back_to_back),
		TEST(tc_stays_set_unless_it_is_cleared),
		TEST(received_byte_sets_rxne_in_its_stop_bit),
		TEST(queued_bytes_arrive_a_frame_apart),
		TEST(unread_byte_is_kept_and_the_next_overruns),
		TEST(overrun_is_not_cleared_by_dr_alone),
		TEST(idle_line_is_told_once_after_a_frame_of_silence),
		TEST(idle_is_not_told_between_bytes_that_follow),
		TEST(wrong_baud_gives_garbage),
		TEST(baud_follows_the_clock),
		TEST(even_parity_works_both_ways),
		TEST(missing_parity_is_an_error),
		TEST(pulled_cable_loses_bytes_both_ways),
		TEST(cable_pulled_in_mid_byte_damages_it),
		TEST(noise_damages_some_bytes),
		TEST(break_is_a_framing_error),
		TEST(switched_off_receiver_hears_nothing),
		TEST(power_off_ends_the_frame_and_the_registers),
		TEST(pins_without_their_function_connect_nothing),
		TEST(far_end_that_holds_the_line_low_shows_at_the_pin),
		TEST(rs485_driver_off_before_tc_tears_the_last_byte),
		TEST(byte_written_over_another_is_reported),
		TEST(full_queue_refuses_all_of_it),
		TEST(transmit_interrupts_follow_their_flags),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
