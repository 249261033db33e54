/* SPDX-License-Identifier: MIT
 *
 * A pin or a line counts only if it is asserted at every look, over the whole time: no spike gets a gateway out of its
 * work, and a line that somebody talks on is not low. ESC counts only if it is all that comes: a peer that goes on
 * sending data over a reset (a binary upload holds any byte) asks for nothing. Boot itself never sends ESC, so an echo
 * is not taken for one.
 *
 * The line is read as a pin: a receiver that is switched on while its line is low waits for an edge, and sees no break.
 */
#include "entry.h"

#include "board.h"
#include "port/stm32f407/gpio.h"
#include "port/stm32f407/stm32.h"
#include "port/stm32f407/systick.h"

#define ESC 0x1b

static bool level(unsigned port, unsigned pin)
{
	return GPIO_IDR(port) >> pin & 1;
}

static enum hf_recovery_reason listen(uint32_t usart)
{
	bool pressed = true, low = true, esc = false, other = false;
	struct hf_wait wait;

	hf_gpio_setup(HF_BOARD_RECOVERY_PORT, HF_BOARD_RECOVERY_PIN, HF_GPIO_INPUT,
		      HF_BOARD_RECOVERY_ACTIVE_LOW ? HF_GPIO_PULL_UP : HF_GPIO_PULL_DOWN, 0);
	(void)USART_DR(usart); /* what came while we spoke */
	hf_wait_begin(&wait, 1); /* the pull needs a moment */
	while (!hf_wait_over(&wait))
		;
	hf_wait_begin(&wait, HF_ENTRY_MS - 3);
	while (!hf_wait_over(&wait)) {
		uint32_t sr = USART_SR(usart);
		uint32_t byte = USART_DR(usart);

		if ((sr & (USART_SR_RXNE | USART_SR_FE)) == USART_SR_RXNE) {
			esc |= byte == ESC;
			other |= byte != ESC;
		}
		pressed &= level(HF_BOARD_RECOVERY_PORT, HF_BOARD_RECOVERY_PIN) != HF_BOARD_RECOVERY_ACTIVE_LOW;
		low &= !level(HF_BOARD_MAINT_RX_PORT, HF_BOARD_MAINT_RX_PIN);
	}
	if (pressed)
		return HF_RECOVERY_PIN;
	return low || (esc && !other) ? HF_RECOVERY_LINE : HF_RECOVERY_NONE;
}

struct hf_entry hf_entry_take(enum hf_request request, enum hf_reset_cause cause, uint32_t usart)
{
	bool pattern = hf_reset_take_pattern(cause);
	enum hf_recovery_reason reason = HF_RECOVERY_NONE;

	if (request == HF_REQUEST_LAST_RESORT)
		return (struct hf_entry){ .wish = HF_WISH_LAST_RESORT };
	if (request == HF_REQUEST_RECOVERY)
		reason = HF_RECOVERY_REQUEST;
	else if (request != HF_REQUEST_NORMAL)
		reason = pattern ? HF_RECOVERY_PATTERN : listen(usart);
	return (struct hf_entry){ reason ? HF_WISH_RECOVERY : HF_WISH_NONE, (uint8_t)reason };
}
