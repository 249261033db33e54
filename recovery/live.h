/* SPDX-License-Identifier: MIT
 *
 * What goes on whatever the main loop does: the clock, the light, the watchdog, the maintenance UART.
 */
#ifndef HF_LIVE_H
#define HF_LIVE_H

#include "port/led_stage.h"
#include "port/life.h"
#include "port/stm32f407/led.h"
#include "port/stm32f407/start.h"
#include "port/stm32f407/usart.h"

#define HF_LIVE_RX_BYTES 32768u /* 355 ms at 921600 baud: the main loop comes round more often, or flash waits drain it */
#define HF_LIVE_TX_BYTES 2048u

struct hf_live {
	struct hf_usart_stream maintenance;
	struct hf_life life;
	struct hf_led led;
	volatile enum hf_led_stage stage;
	volatile uint32_t low_ms; /* for how long the line to us has been low */
	uint8_t tx[HF_LIVE_TX_BYTES];
};

extern struct hf_live hf_live;
extern uint8_t hf_live_rx[HF_LIVE_RX_BYTES];
extern struct hf_vectors hf_live_vectors;

/* The interrupts' handlers. */
void hf_live_systick(void);
void hf_live_maintenance(void);

/* The main loop has come round, or is between two flash operations. ctx is not used. */
void hf_live_progress(void *ctx);

#endif
