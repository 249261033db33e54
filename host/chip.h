/* SPDX-License-Identifier: MIT
 *
 * What the tools know of a chip: memory, clocks, and which pin can do what.
 *
 * A board file names pins and peripherals; this table says whether the chip can connect them, and by which alternate
 * function, so that a wrong pin is a sentence on the desk and not a dead line on the board. A chip is a row.
 */
#ifndef HF_CHIP_H
#define HF_CHIP_H

#include <stdbool.h>
#include <stdint.h>

struct hf_pin {
	uint8_t port; /* A = 0 */
	uint8_t pin;
};

struct hf_chip {
	const char *name;
	uint32_t flash_addr;
	uint32_t flash_kib;
	uint32_t ram_kib; /* contiguous, at 0x20000000 */
	uint32_t ccm_kib; /* at 0x10000000: no DMA, no execution */
	uint32_t sysclk_max_hz;
	uint32_t baud_max;
	uint16_t rom_id; /* as the ROM loader's Get ID says it */
};

enum hf_signal { HF_SIGNAL_TX, HF_SIGNAL_RX };

/* NULL: unknown. */
const struct hf_chip *hf_chip_find(const char *name);
/* The names of all known chips, separated by ", ". */
const char *hf_chip_names(void);

/* The alternate function that connects pin with the UART's signal; 0: none does. */
uint8_t hf_chip_usart_af(unsigned usart, enum hf_signal signal, struct hf_pin pin);

/* The timer's channel at pin (0: none), and the alternate function that connects them. */
uint8_t hf_chip_timer_channel(unsigned timer, struct hf_pin pin, uint8_t *af);

/* The clock of a UART with the system clock at sysclk_hz, by the prescalers that the firmware sets (APB1: 4, APB2:
 * 2). */
uint32_t hf_chip_usart_clock(unsigned usart, uint32_t sysclk_hz);

#endif
