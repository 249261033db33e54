/* SPDX-License-Identifier: MIT
 *
 * What goes on whatever the main loop does: the clock, the Modbus master, the light, the watchdog, the maintenance UART.
 *
 * Everything in live.c, and everything that it calls, is in RAM: flash is one bank, and any fetch from it waits while a
 * sector is erased, for up to 2 s. All interrupts have one priority, so that handlers never interrupt each other.
 */
#ifndef HF_LIVE_H
#define HF_LIVE_H

#include "modbus_master.h"

#include "port/led_stage.h"
#include "port/life.h"
#include "port/stm32f407/led.h"
#include "port/stm32f407/start.h"
#include "port/stm32f407/usart.h"

#define HF_LIVE_RX_BYTES 16384u /* what a sender may have under way during an erase: buf_count packets, framed */
#define HF_LIVE_TX_BYTES 2048u

struct hf_live {
	struct hf_usart_stream maintenance;
	struct hf_modbus_master master;
	struct hf_life life;
	struct hf_led led;
	volatile enum hf_led_stage stage;
	uint32_t modbus;    /* its USART's base */
	uint8_t request_at; /* bytes of the request that have been sent */
	uint8_t rx[HF_LIVE_RX_BYTES];
	uint8_t tx[HF_LIVE_TX_BYTES];
};

extern struct hf_live hf_live;
extern struct hf_vectors hf_live_vectors;

/* The interrupts' handlers. */
void hf_live_systick(void);
void hf_live_maintenance(void);
void hf_live_modbus(void);

/* The main loop has come round, or is between two flash operations. ctx is not used. */
void hf_live_progress(void *ctx);

#endif
