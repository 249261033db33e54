/* SPDX-License-Identifier: MIT
 *
 * The USART's two parts: the chip's registers and shift registers (usart.c), what is connected to them (usart_far.c).
 */
#ifndef HF_TWIN_USART_INTERNAL_H
#define HF_TWIN_USART_INTERNAL_H

#include "pins.h"
#include "usart.h"

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

#endif
