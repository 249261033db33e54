/* SPDX-License-Identifier: MIT
 *
 * USART1, 2, 3 and 6 with the lines at their pins (RM0090, 30). The functions that tests and tools call are in twin.h
 * and pins.h; here is what the twin's other models and its test bench need besides.
 *
 * Modelled: 8 and 9 bit frames, parity, stop bits, both oversamplings, the flags and the sequences that clear them,
 * interrupts, DMA requests. Not modelled, and reported as misuse: LIN, smartcard, IrDA, flow control, mute mode.
 */
#ifndef HF_TWIN_USART_H
#define HF_TWIN_USART_H

#include "line.h"
#include "machine.h"

#define HF_USART_QUEUE 8192 /* bytes that wait for the line to the device */

struct hf_usart_counts {
	uint64_t taken;     /* characters from the line that reached DR undamaged */
	uint64_t damaged;   /* that reached DR with a framing, parity or noise error */
	uint64_t overruns;  /* that were lost because DR was full */
	uint64_t unheard;   /* that the far end sent while nobody listened: cable, power, receiver or pins */
	uint64_t sent;      /* by the device onto the line */
};

void hf_usart_add(struct hf_machine *machine);

void hf_usart_counts(struct hf_machine *machine, unsigned usart, struct hf_usart_counts *counts);

/* As hf_twin_uart_attach, with what the far end's receiver makes of the frame. c->t_ns is the end of the frame. One
 * peer at a time, of either kind; NULL detaches. */
typedef void hf_usart_char_fn(void *ctx, const struct hf_line_char *c);
void hf_usart_attach(struct hf_machine *machine, unsigned usart, hf_usart_char_fn *fn, void *ctx);

/* As hf_twin_uart_send. */
HF_MUST_USE enum hf_err hf_usart_send(struct hf_machine *machine, unsigned usart, const void *data, size_t len);

/* How the far end is set. */
const struct hf_line_format *hf_usart_far_format(struct hf_machine *machine, unsigned usart);

/* The cable; a break that the far end sends; the share of bits that flip on the way, both ways. */
void hf_usart_cable(struct hf_machine *machine, unsigned usart, bool plugged);
void hf_usart_break(struct hf_machine *machine, unsigned usart, bool on);
void hf_usart_noise(struct hf_machine *machine, unsigned usart, double bit_error_rate);

/* A watcher at the device's end, for code that is modelled and not executed: told when a character is in DR, when DR is
 * free again, and, while edges are measured, when a frame of the far end is over. It may schedule, nothing else. Stays
 * for the machine's life. */
typedef void hf_usart_watch_fn(struct hf_dev *watcher);
void hf_usart_watch(struct hf_machine *machine, unsigned usart, hf_usart_watch_fn *fn, struct hf_dev *watcher);
/* The edges of the line at the device's end from now on (hf_line_measure), and how many there were; at most
 * HF_LINE_EDGES. */
void hf_usart_measure(struct hf_machine *machine, unsigned usart, bool on);
unsigned hf_usart_measured(struct hf_machine *machine, unsigned usart, uint64_t edge_ps[HF_LINE_EDGES]);

/* A pin's mode or output changed: which lines are connected may have changed with it. */
void hf_usart_pins_changed(struct hf_machine *machine);

/* Does a far end that is plugged in hold this pin low now: in a frame, or by a break? */
bool hf_usart_holds_low(struct hf_machine *machine, unsigned port, unsigned pin);

/* The level of a DMA request line. */
bool hf_usart_wants_dma(struct hf_machine *machine, unsigned usart, bool transmit);

#endif
