/* SPDX-License-Identifier: MIT
 *
 * Pins by the datasheet's table of alternate functions (DS8626, table 9; the F427's is the same for these). Only the
 * general-purpose timers 2 to 5 are listed: they share one register layout, and the LED needs no more.
 */
#include "chip.h"

#include <stddef.h>
#include <string.h>

static const struct hf_chip chips[] = {
	{"STM32F405RGT6", 0x08000000, 1024, 128, 64, 168000000, 2000000, 0x413},
	{"STM32F407VGT6", 0x08000000, 1024, 128, 64, 168000000, 2000000, 0x413},
	{"STM32F427VGT6", 0x08000000, 1024, 192, 64, 180000000, 2000000, 0x419},
};

struct usart_pin {
	uint8_t usart, signal, af;
	struct hf_pin pin;
};

enum { A, B, C, D };

static const struct usart_pin usart_pins[] = {
	{1, HF_SIGNAL_TX, 7, {A, 9}},  {1, HF_SIGNAL_TX, 7, {B, 6}}, {1, HF_SIGNAL_RX, 7, {A, 10}},
	{1, HF_SIGNAL_RX, 7, {B, 7}},  {2, HF_SIGNAL_TX, 7, {A, 2}}, {2, HF_SIGNAL_TX, 7, {D, 5}},
	{2, HF_SIGNAL_RX, 7, {A, 3}},  {2, HF_SIGNAL_RX, 7, {D, 6}}, {3, HF_SIGNAL_TX, 7, {B, 10}},
	{3, HF_SIGNAL_TX, 7, {C, 10}}, {3, HF_SIGNAL_TX, 7, {D, 8}}, {3, HF_SIGNAL_RX, 7, {B, 11}},
	{3, HF_SIGNAL_RX, 7, {C, 11}}, {3, HF_SIGNAL_RX, 7, {D, 9}}, {6, HF_SIGNAL_TX, 8, {C, 6}},
	{6, HF_SIGNAL_RX, 8, {C, 7}},
};

struct timer_pin {
	uint8_t timer, channel, af;
	struct hf_pin pin;
};

static const struct timer_pin timer_pins[] = {
	{2, 1, 1, {A, 0}},  {2, 1, 1, {A, 5}},  {2, 1, 1, {A, 15}}, {2, 2, 1, {A, 1}},  {2, 2, 1, {B, 3}},
	{2, 3, 1, {A, 2}},  {2, 3, 1, {B, 10}}, {2, 4, 1, {A, 3}},  {2, 4, 1, {B, 11}}, {3, 1, 2, {A, 6}},
	{3, 1, 2, {B, 4}},  {3, 1, 2, {C, 6}},  {3, 2, 2, {A, 7}},  {3, 2, 2, {B, 5}},  {3, 2, 2, {C, 7}},
	{3, 3, 2, {B, 0}},  {3, 3, 2, {C, 8}},  {3, 4, 2, {B, 1}},  {3, 4, 2, {C, 9}},  {4, 1, 2, {B, 6}},
	{4, 1, 2, {D, 12}}, {4, 2, 2, {B, 7}},  {4, 2, 2, {D, 13}}, {4, 3, 2, {B, 8}},  {4, 3, 2, {D, 14}},
	{4, 4, 2, {B, 9}},  {4, 4, 2, {D, 15}}, {5, 1, 2, {A, 0}},  {5, 2, 2, {A, 1}},  {5, 3, 2, {A, 2}},
	{5, 4, 2, {A, 3}},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct hf_chip *hf_chip_find(const char *name)
{
	for (size_t i = 0; i < COUNT(chips); i++) {
		if (strcmp(chips[i].name, name) == 0)
			return &chips[i];
	}
	return NULL;
}

const char *hf_chip_names(void)
{
	static _Thread_local char names[128];

	if (!names[0]) {
		for (size_t i = 0; i < COUNT(chips); i++) {
			if (i)
				strcat(names, ", ");
			strcat(names, chips[i].name);
		}
	}
	return names;
}

static bool same_pin(struct hf_pin a, struct hf_pin b)
{
	return a.port == b.port && a.pin == b.pin;
}

uint8_t hf_chip_usart_af(unsigned usart, enum hf_signal signal, struct hf_pin pin)
{
	for (size_t i = 0; i < COUNT(usart_pins); i++) {
		const struct usart_pin *row = &usart_pins[i];

		if (row->usart == usart && row->signal == signal && same_pin(row->pin, pin))
			return row->af;
	}
	return 0;
}

uint8_t hf_chip_timer_channel(unsigned timer, struct hf_pin pin, uint8_t *af)
{
	for (size_t i = 0; i < COUNT(timer_pins); i++) {
		const struct timer_pin *row = &timer_pins[i];

		if (row->timer == timer && same_pin(row->pin, pin)) {
			*af = row->af;
			return row->channel;
		}
	}
	return 0;
}

uint32_t hf_chip_usart_clock(unsigned usart, uint32_t sysclk_hz)
{
	return usart == 1 || usart == 6 ? sysclk_hz / 2 : sysclk_hz / 4;
}
