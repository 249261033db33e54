/* SPDX-License-Identifier: MIT
 *
 * Runs from RAM as a whole. Only the transmit ring is shared with the interrupt: one side moves tx_in, the other
 * tx_out. Reception has no interrupt per byte; that of the idle line serves to wake a sleeping main loop, and clears what an
 * overrun leaves.
 */
#include "usart.h"

#include "stm32.h"
#include "systick.h"

#define DISABLE_LIMIT_MS 2

/* DMA streams and channels for reception (RM0090, tables 42 and 43). */
static void rx_stream(unsigned number, uint32_t *dma, uint8_t *stream, uint32_t *channel)
{
	static const uint8_t stream_of[] = { 0, 2, 5, 1, 2, 0, 1 };

	*dma = number == 1 || number == 6 ? DMA2_BASE : DMA1_BASE;
	*stream = stream_of[number];
	*channel = number == 6 ? 5 : 4;
}

void hf_usart_stream_open(struct hf_usart_stream *s, unsigned number, uint8_t *rx, uint32_t rx_size, uint8_t *tx,
			  uint32_t tx_size)
{
	struct hf_wait wait;
	uint32_t channel;

	*s = (struct hf_usart_stream){ .rx = rx, .rx_size = rx_size, .tx = tx, .tx_size = tx_size };
	s->base = USART_BASE(number);
	rx_stream(number, &s->dma, &s->stream, &channel);
	RCC_AHB1ENR |= s->dma == DMA1_BASE ? RCC_AHB1_DMA1 : RCC_AHB1_DMA2;
	(void)RCC_AHB1ENR;
	DMA_SCR(s->dma, s->stream) = 0;
	hf_wait_begin(&wait, DISABLE_LIMIT_MS);
	while ((DMA_SCR(s->dma, s->stream) & DMA_SCR_EN) && !hf_wait_over(&wait))
		;
	DMA_IFCR(s->dma, s->stream) = 0x3du << (s->stream % 4u * 6u + (s->stream % 4u >= 2 ? 4u : 0u));
	DMA_SPAR(s->dma, s->stream) = s->base + 0x04u;
	DMA_SM0AR(s->dma, s->stream) = (uint32_t)(uintptr_t)rx;
	DMA_SNDTR(s->dma, s->stream) = rx_size;
	DMA_SCR(s->dma, s->stream) = DMA_SCR_CHSEL(channel) | DMA_SCR_PL_HIGH | DMA_SCR_MINC | DMA_SCR_CIRC;
	DMA_SCR(s->dma, s->stream) |= DMA_SCR_EN;
	USART_CR3(s->base) |= USART_CR3_DMAR | USART_CR3_EIE;
	USART_CR1(s->base) |= USART_CR1_IDLEIE;
	NVIC_ISER(USART_IRQ(number) / 32u) = 1u << USART_IRQ(number) % 32u;
}

void hf_usart_stream_irq(struct hf_usart_stream *s)
{
	uint32_t sr = USART_SR(s->base);

	if (sr & (USART_SR_FE | USART_SR_NE))
		s->errors++;
	if (sr & USART_SR_FE)
		s->framing++;
	if (sr & USART_SR_ORE)
		s->overruns++;
	if (sr & (USART_SR_IDLE | USART_SR_FE | USART_SR_NE | USART_SR_ORE))
		(void)USART_DR(s->base); /* after the read of SR this clears them; the DMA has taken the byte by now */
	if ((sr & USART_SR_TXE) && (USART_CR1(s->base) & USART_CR1_TXEIE)) {
		if (s->tx_out == s->tx_in)
			USART_CR1(s->base) &= ~USART_CR1_TXEIE;
		else
			USART_DR(s->base) = s->tx[s->tx_out++ & (s->tx_size - 1)];
	}
}

const uint8_t *hf_usart_stream_peek(struct hf_usart_stream *s, uint32_t *len)
{
	uint32_t write_pos = (s->rx_size - DMA_SNDTR(s->dma, s->stream)) & (s->rx_size - 1);

	__asm__ volatile("" ::: "memory"); /* the bytes behind the count */
	*len = (write_pos >= s->rx_pos ? write_pos : s->rx_size) - s->rx_pos;
	return s->rx + s->rx_pos;
}

void hf_usart_stream_skip(struct hf_usart_stream *s, uint32_t len)
{
	s->rx_pos = (s->rx_pos + len) & (s->rx_size - 1);
}

bool hf_usart_stream_write(struct hf_usart_stream *s, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t in = s->tx_in;

	if (s->tx_size - (in - s->tx_out) < len)
		return false;
	for (size_t i = 0; i < len; i++)
		s->tx[in++ & (s->tx_size - 1)] = p[i];
	__asm__ volatile("" ::: "memory"); /* the bytes before the count */
	s->tx_in = in;
	/* The handler clears this bit too, and may come in the middle of the change: it must not. */
	__asm__ volatile("cpsid i" ::: "memory");
	USART_CR1(s->base) |= USART_CR1_TXEIE;
	__asm__ volatile("cpsie i" ::: "memory");
	return true;
}

bool hf_usart_stream_idle(const struct hf_usart_stream *s)
{
	return s->tx_out == s->tx_in && (USART_SR(s->base) & USART_SR_TC);
}
