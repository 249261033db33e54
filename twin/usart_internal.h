/* SPDX-License-Identifier: MIT
 *
 * The USART's parts: the chip's registers and shift registers (usart.c), what is connected to them (usart_far.c), what
 * goes wrong between them (usart_fault.c).
 */
#ifndef HF_TWIN_USART_INTERNAL_H
#define HF_TWIN_USART_INTERNAL_H

#include "pins.h"
#include "usart.h"

struct usart_fault {
	struct hf_twin_line_fault fault;
	uint64_t seen; /* bytes of its direction since it was set */
};

struct usart {
	uint32_t sr, brr, cr1, cr2, cr3, gtpr;
	uint32_t shown;         /* flags of SR that the last read showed; cleared by the access to DR that follows */
	uint16_t rdr;
	uint16_t tdr;
	uint64_t tdr_ns;        /* since when it may go to the shift register */
	uint64_t idle_from_ns;  /* end of the last frame: an idle frame from here on raises IDLE; HF_NEVER: raised */
	struct hf_line in;      /* far end to device */
	struct hf_line out;
	struct hf_line_format far;
	bool catching_up;
	bool pulled;            /* the cable is not plugged */
	bool powered;
	uint16_t head, queued;  /* of the ring below */
	uint64_t queue_ns;      /* when its first byte was queued */
	uint8_t faults;
	struct usart_fault fault[HF_TWIN_LINE_FAULTS];
	uint32_t in_again;      /* times that the first byte of the queue is to go out before it leaves it */
	uint32_t out_again;     /* times that the far end hears the frame on the wire besides the first */
	struct hf_usart_counts counts;
	uint8_t queue[HF_USART_QUEUE];
};

struct usart_host {
	hf_usart_char_fn *fn;
	hf_twin_uart_fn *plain_fn;
	void *ctx;
	hf_usart_watch_fn *watch_fn;
	struct hf_dev *watcher;
	bool has_pins;
	struct hf_twin_uart_pins pins;
};

/* Tells the watcher. */
void hf_usart_tell(const struct hf_dev *dev);
/* Both lines, up to now; a frame of the device that is still on the wire is left for its end. */
void hf_usart_catch_up(struct hf_dev *dev);
/* The line to the far end, in mid-frame too. */
void hf_usart_catch_up_out(struct hf_dev *dev);
/* Schedules what comes next, and lets the interrupt line follow the flags. */
void hf_usart_settle(struct hf_dev *dev);

/* What goes wrong with the frame that was just put on one of the lines; u->faults is not 0. Says how often it is to come
 * again. */
uint32_t hf_usart_damage(struct usart *u, bool to_device);

#endif
