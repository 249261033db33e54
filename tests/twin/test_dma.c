/* SPDX-License-Identifier: MIT
 *
 * DMA streams that serve USART1: DMA2 stream 2 (receive) and 7 (transmit), channel 4.
 */
#include "check.h"
#include "models.h"

#define DMA2    0x40026400u
#define LISR    (DMA2 + 0x00)
#define HISR    (DMA2 + 0x04)
#define LIFCR   (DMA2 + 0x08)
#define HIFCR   (DMA2 + 0x0c)
#define CR(n)   (DMA2 + 0x10 + 0x18 * (n))
#define NDTR(n) (CR(n) + 0x04)
#define PAR(n)  (CR(n) + 0x08)
#define M0AR(n) (CR(n) + 0x0c)
#define FCR(n)  (CR(n) + 0x14)
#define CHANNEL4 (4u << 25)
#define EN      0x001u
#define TEIE    0x004u
#define HTIE    0x008u
#define TCIE_   0x010u
#define TO_PER  0x040u
#define CIRC    0x100u
#define MINC    0x400u
#define RX_IRQ  58
#define TX_IRQ  70
#define RAM     0x20001000u
/* Flags of stream 2 in LISR, of stream 7 in HISR. */
#define TC2 (0x20u << 16)
#define HT2 (0x10u << 16)
#define TE2 (0x08u << 16)
#define TC7 (0x20u << 22)
#define HT7 (0x10u << 22)
#define DMAR 0x40u
#define DMAT 0x80u

static struct heard heard;

static int set_up(void **state)
{
	(void)state;
	memset(&heard, 0, sizeof(heard));
	fake_open(all_models);
	hf_twin_uart_attach(fake_twin(), 1, hear, &heard);
	usart_begin(USART1, 1, UE_TE_RE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_close();
	return 0;
}

static void begin(unsigned n, uint32_t memory, uint32_t count, uint32_t cr)
{
	fake_write(PAR(n), USART1 + USART_DR);
	fake_write(M0AR(n), memory);
	fake_write(NDTR(n), count);
	fake_write(CR(n), CHANNEL4 | MINC | cr | EN);
}

static void circular_reception_goes_round(void **state)
{
	(void)state;
	begin(2, RAM, 8, CIRC);
	fake_write(USART1 + USART_CR3, DMAR);
	usart_feed(1, "0123456789ab", 12);
	fake_run(20 * FRAME);
	assert_memory_equal(fake_ram(RAM), "89ab4567", 8);
	assert_int_equal(fake_read(NDTR(2)), 4);
	assert_int_equal(fake_read(CR(2)) & EN, EN);
	assert_int_equal(fake_read(USART1 + USART_SR) & (RXNE | ORE), 0);
}

static void half_and_complete_are_told(void **state)
{
	(void)state;
	begin(2, RAM, 8, CIRC | HTIE | TCIE_);
	fake_write(USART1 + USART_CR3, DMAR);
	usart_feed(1, "01234567", 8);
	fake_run(3 * FRAME + TAKEN - 1);
	assert_false(fake_irq(RX_IRQ));
	fake_run(3 * FRAME + TAKEN);
	assert_true(fake_irq(RX_IRQ));
	assert_int_equal(fake_read(LISR), HT2);
	fake_write(LIFCR, HT2);
	assert_false(fake_irq(RX_IRQ));
	fake_run(7 * FRAME + TAKEN);
	assert_true(fake_irq(RX_IRQ));
	assert_int_equal(fake_read(LISR), TC2);
	fake_write(LIFCR, TC2);
	assert_int_equal(fake_read(LISR), 0);
	assert_int_equal(fake_read(NDTR(2)), 8);
}

static void normal_transmission_ends_by_itself(void **state)
{
	(void)state;
	memcpy(fake_ram(RAM), "hello", 5);
	fake_write(USART1 + USART_CR3, DMAT);
	fake_write(USART1 + USART_SR, ~TC);
	begin(7, RAM, 5, TO_PER | TCIE_);
	assert_int_equal(fake_read(NDTR(7)), 3); /* one in the shift register, one in DR */
	fake_run(10 * FRAME);
	assert_int_equal(heard.n, 5);
	assert_memory_equal(heard.data, "hello", 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(heard.at_ns[i], (i + 1) * FRAME);
	assert_int_equal(fake_read(HISR), TC7 | HT7);
	assert_true(fake_irq(TX_IRQ));
	assert_int_equal(fake_read(CR(7)) & EN, 0);
	assert_int_equal(fake_read(USART1 + USART_SR) & TC, TC);
}

static void ccm_memory_is_a_transfer_error(void **state)
{
	(void)state;
	begin(2, 0x10000000, 8, CIRC | TEIE);
	fake_write(USART1 + USART_CR3, DMAR);
	usart_feed(1, "0", 1);
	fake_run(MS);
	assert_int_equal(fake_read(LISR) & TE2, TE2);
	assert_true(fake_irq(RX_IRQ));
	assert_int_equal(fake_read(CR(2)) & EN, 0);
	assert_int_equal(fake_events(HF_TWIN_EV_LOG), 1);
}

static void byte_that_came_first_is_fetched_on_enabling(void **state)
{
	(void)state;
	fake_write(USART1 + USART_CR3, DMAR);
	usart_feed(1, "x", 1);
	fake_run(MS);
	assert_int_equal(fake_read(USART1 + USART_SR) & RXNE, RXNE);
	begin(2, RAM, 8, CIRC);
	assert_int_equal(*fake_ram(RAM), 'x');
	assert_int_equal(fake_read(USART1 + USART_SR) & RXNE, 0);
}

static void wrong_channel_moves_nothing(void **state)
{
	(void)state;
	fake_write(USART1 + USART_CR3, DMAR);
	fake_write(PAR(2), USART1 + USART_DR);
	fake_write(M0AR(2), RAM);
	fake_write(NDTR(2), 8);
	fake_write(CR(2), 3u << 25 | MINC | CIRC | EN);
	usart_feed(1, "x", 1);
	fake_run(MS);
	assert_int_equal(*fake_ram(RAM), 0);
	assert_int_equal(fake_read(USART1 + USART_SR) & RXNE, RXNE);
	assert_int_equal(fake_events(HF_TWIN_EV_LOG), 1);
}

static void stopped_stream_says_done_and_keeps_its_count(void **state)
{
	(void)state;
	begin(2, RAM, 8, 0);
	fake_write(USART1 + USART_CR3, DMAR);
	usart_feed(1, "012", 3);
	fake_run(5 * FRAME);
	fake_write(CR(2), CHANNEL4 | MINC);
	assert_int_equal(fake_read(NDTR(2)), 5);
	assert_int_equal(fake_read(LISR), TC2);
}

static void running_stream_keeps_its_addresses(void **state)
{
	(void)state;
	begin(2, RAM, 8, CIRC);
	fake_write(M0AR(2), RAM + 64);
	assert_int_equal(fake_read(M0AR(2)), RAM);
	assert_int_equal(fake_events(HF_TWIN_EV_LOG), 1);
}

/* A character that is fetched by DMA at the instant at which a frame of the other direction ends must not cost that
 * frame: it did, and letters were missing in the log of a gateway that took an upload. */
static void both_directions_at_once_lose_nothing(void **state)
{
	(void)state;
	uint8_t data[100];
	for (unsigned shift = 0; shift < 80; shift++) {
		heard.n = 0;
		for (unsigned i = 0; i < sizeof(data); i++) {
			data[i] = (uint8_t)(i * 7 + shift);
			*fake_ram(RAM + 0x800 + i) = (uint8_t)~data[i];
		}
		fake_write(CR(2), 0);
		fake_write(CR(7), 0);
		fake_write(LIFCR, UINT32_MAX);
		fake_write(HIFCR, UINT32_MAX);
		fake_write(USART1 + USART_CR3, DMAR | DMAT);
		begin(2, RAM, sizeof(data), 0);
		usart_feed(1, data, sizeof(data));
		fake_run(fake_now() + shift * BIT / 8);
		begin(7, RAM + 0x800, sizeof(data), TO_PER);
		fake_run(fake_now() + (sizeof(data) + 10) * FRAME);
		assert_memory_equal(fake_ram(RAM), data, sizeof(data));
		assert_int_equal(heard.n, sizeof(data));
		assert_memory_equal(heard.data, fake_ram(RAM + 0x800), sizeof(data));
	}
}

static void wrong_peripheral_address_does_not_hang_the_twin(void **state)
{
	(void)state;
	begin(2, RAM, 64, CIRC);
	fake_write(CR(2), 0);
	fake_write(LIFCR, UINT32_MAX);
	fake_write(PAR(2), USART1 + USART_SR); /* never takes the byte away */
	fake_write(NDTR(2), 64);
	fake_write(CR(2), CHANNEL4 | MINC | CIRC | EN);
	fake_write(USART1 + USART_CR3, DMAR);
	usart_feed(1, "x", 1);
	fake_run(MS);
	assert_int_equal(*fake_ram(RAM) & RXNE, RXNE);
	assert_int_equal(fake_read(LISR) & TC2, TC2);
}

static void dma_through_power_loss_is_reset(void **state)
{
	(void)state;
	begin(2, RAM, 8, CIRC);
	fake_power_off();
	fake_reset(true);
	assert_int_equal(fake_read(CR(2)), 0);
	assert_int_equal(fake_read(FCR(2)), 0x21);
}

/* Both at once: a character is taken at the very time at which the frame of another one ends. */
static void reception_loses_no_transmitted_character(void **state)
{
	(void)state;
	begin(2, RAM, 8, CIRC);
	fake_write(USART1 + USART_CR3, DMAR);
	usart_feed(1, "0123", 4);
	fake_run(TAKEN);
	for (unsigned i = 0; i < 3; i++) {
		fake_write(USART1 + USART_DR, 'a' + i);
		fake_run(TAKEN + i * FRAME + 1);
	}
	fake_run(10 * FRAME);
	assert_int_equal(heard.n, 3);
	assert_memory_equal(heard.data, "abc", 3);
	assert_memory_equal(fake_ram(RAM), "0123", 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(circular_reception_goes_round),
		TEST(half_and_complete_are_told),
		TEST(normal_transmission_ends_by_itself),
		TEST(ccm_memory_is_a_transfer_error),
		TEST(byte_that_came_first_is_fetched_on_enabling),
		TEST(wrong_channel_moves_nothing),
		TEST(stopped_stream_says_done_and_keeps_its_count),
		TEST(running_stream_keeps_its_addresses),
		TEST(both_directions_at_once_lose_nothing),
		TEST(wrong_peripheral_address_does_not_hang_the_twin),
		TEST(dma_through_power_loss_is_reset),
		TEST(reception_loses_no_transmitted_character),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
