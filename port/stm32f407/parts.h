/* SPDX-License-Identifier: MIT
 *
 * What every program on a board opens alike: initializers from the board's file. Include board.h before.
 */
#ifndef HF_PARTS_H
#define HF_PARTS_H

/* Of a struct hf_usart_config. */
#define HF_PARTS_MAINTENANCE                                                                                          \
	{                                                                                                             \
		.number = HF_BOARD_MAINT_USART, .alternate = HF_BOARD_MAINT_AF, .tx_port = HF_BOARD_MAINT_TX_PORT,    \
		.tx_pin = HF_BOARD_MAINT_TX_PIN, .rx_port = HF_BOARD_MAINT_RX_PORT, .rx_pin = HF_BOARD_MAINT_RX_PIN,  \
		.baud = HF_BOARD_MAINT_BAUD,                                                                          \
	}

/* Of a struct hf_led_config. */
#define HF_PARTS_LIGHT                                                                                                \
	{                                                                                                             \
		.port = HF_BOARD_LED_PORT, .pin = HF_BOARD_LED_PIN, .alternate = HF_BOARD_LED_AF,                     \
		.timer = HF_BOARD_LED_TIM, .channel = HF_BOARD_LED_CHANNEL, .active_low = HF_BOARD_LED_ACTIVE_LOW,    \
	}

#endif
