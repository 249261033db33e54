/* SPDX-License-Identifier: MIT
 *
 * A USART: opening it, polled output, and a stream that goes on while flash is busy.
 *
 * Polled output is boot's. The stream receives by DMA into a ring that never stops, and sends from a ring by interrupt;
 * its handler and all that it calls run from RAM (usart_stream.c). What arrives while the ring is full overwrites the
 * oldest bytes: the protocol above has checksums and windows.
 */
#ifndef HF_USART_H
#define HF_USART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "gpio.h"

struct hf_usart_config {
	uint8_t number;    /* 1 to 6 */
	uint8_t alternate; /* AF of both pins */
	uint8_t tx_port, tx_pin;
	uint8_t rx_port, rx_pin;
	bool even_parity;  /* 8E1, else 8N1 */
	uint32_t baud;
};

/* Clocks and sets up the USART and its pins, receiver and transmitter on, no interrupts. Returns its register base. */
uint32_t hf_usart_open(const struct hf_usart_config *config, const struct hf_clock *clock);

/* Another rate, also in the middle of a stream: what is on the wire is lost. */
void hf_usart_set_baud(const struct hf_usart_config *config, const struct hf_clock *clock, uint32_t baud);

/* Sends and waits, at most a few milliseconds a byte. */
void hf_usart_send(uint32_t base, const void *data, size_t len);
/* Waits until the last byte has left, at most a few milliseconds. */
void hf_usart_drain(uint32_t base);

struct hf_usart_stream {
	uint32_t base;
	uint32_t dma;      /* controller's base */
	uint8_t stream;    /* its stream for reception */
	uint8_t *rx;       /* ring in SRAM, not CCM; rx_size a power of two, at most 32768 */
	uint32_t rx_size;
	uint32_t rx_pos;   /* next byte to be read */
	uint8_t *tx;       /* ring, tx_size a power of two */
	uint32_t tx_size;
	volatile uint32_t tx_in, tx_out; /* count up for ever */
	volatile uint32_t errors;        /* characters that came damaged: framing or noise. Counts up for ever */
	volatile uint32_t framing;       /* those with a wrong frame */
	volatile uint32_t overruns;      /* characters lost */
};

/* rings are kept. number: the USART's, opened before. The interrupt is enabled here and must call
 * hf_usart_stream_irq(). */
void hf_usart_stream_open(struct hf_usart_stream *s, unsigned number, uint8_t *rx, uint32_t rx_size, uint8_t *tx,
			  uint32_t tx_size);
void hf_usart_stream_irq(struct hf_usart_stream *s);
/* What has arrived, oldest first, as far as it lies in one piece; and how much of it was taken. */
const uint8_t *hf_usart_stream_peek(struct hf_usart_stream *s, uint32_t *len);
void hf_usart_stream_skip(struct hf_usart_stream *s, uint32_t len);
/* All or nothing: false if the ring has no room. len is at most tx_size. */
bool hf_usart_stream_write(struct hf_usart_stream *s, const void *data, size_t len);
/* Everything has left the ring and the shift register. */
bool hf_usart_stream_idle(const struct hf_usart_stream *s);

#endif
