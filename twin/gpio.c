/* SPDX-License-Identifier: MIT
 *
 * What drives a pin, in this order: the chip's output (a push-pull one, or an open drain that pulls low), the board
 * (hf_twin_pin_drive), the pull resistor; a serial line's far end pulls its pin low. A pin that nothing drives reads 0. What the board drives outlives resets.
 */
#include "gpio.h"

#include <assert.h>

#include "led_pin.h"
#include "usart.h"

enum {
	PORTS = 9,
	PINS = 16,
	MODER = 0x00,
	OTYPER = 0x04,
	OSPEEDR = 0x08,
	PUPDR = 0x0c,
	IDR = 0x10,
	ODR = 0x14,
	BSRR = 0x18,
	LCKR = 0x1c,
	AFRL = 0x20,
	AFRH = 0x24,
	PULL_UP = 1,
};

struct gpio {
	uint32_t moder, otyper, ospeedr, pupdr, odr, lckr, afr[2];
	uint16_t driven;       /* pins that the board drives */
	uint16_t driven_high;
	uint16_t output;       /* levels that were last told */
};

static enum hf_gpio_mode mode_of(const struct gpio *g, unsigned pin)
{
	return (enum hf_gpio_mode)(g->moder >> 2 * pin & 3);
}

static bool level_of(const struct gpio *g, unsigned pin)
{
	bool odr = (g->odr >> pin & 1) != 0;
	if (mode_of(g, pin) == HF_GPIO_OUTPUT && (!odr || (g->otyper >> pin & 1) == 0))
		return odr;
	if ((g->driven >> pin & 1) != 0)
		return (g->driven_high >> pin & 1) != 0;
	return (g->pupdr >> 2 * pin & 3) == PULL_UP;
}

static uint32_t idr_of(struct hf_dev *dev)
{
	const struct gpio *g = dev->state;
	uint32_t idr = 0;
	for (unsigned pin = 0; pin < PINS; pin++) {
		bool high = mode_of(g, pin) != HF_GPIO_ANALOG && level_of(g, pin) &&
			    !hf_usart_holds_low(dev->machine, dev->unit, pin);
		idr |= (uint32_t)high << pin;
	}
	return idr;
}

/* Tells which outputs changed, and whoever depends on a pin. */
static void changed(struct hf_dev *dev)
{
	struct gpio *g = dev->state;
	for (unsigned pin = 0; pin < PINS; pin++) {
		bool level = mode_of(g, pin) == HF_GPIO_OUTPUT && level_of(g, pin);
		if (level == (g->output >> pin & 1))
			continue;
		g->output ^= (uint16_t)(1u << pin);
		hf_machine_event(dev->machine, HF_TWIN_EV_PIN, dev->unit << 8 | pin, level, NULL);
	}
	hf_usart_pins_changed(dev->machine);
	hf_led_changed(dev->machine);
}

static uint32_t *register_of(struct gpio *g, uint32_t offset)
{
	switch (offset) {
	case MODER:
		return &g->moder;
	case OTYPER:
		return &g->otyper;
	case OSPEEDR:
		return &g->ospeedr;
	case PUPDR:
		return &g->pupdr;
	case ODR:
		return &g->odr;
	case LCKR:
		return &g->lckr;
	case AFRL:
		return &g->afr[0];
	case AFRH:
		return &g->afr[1];
	default:
		return NULL;
	}
}

static uint32_t gpio_read(struct hf_dev *dev, uint32_t offset, unsigned size)
{
	struct gpio *g = dev->state;
	const uint32_t *reg = register_of(g, offset & ~3u);
	(void)size;
	uint32_t value = (offset & ~3u) == IDR ? idr_of(dev) : reg != NULL ? *reg : 0;
	return value >> 8 * (offset & 3);
}

static void gpio_write(struct hf_dev *dev, uint32_t offset, unsigned size, uint32_t value)
{
	struct gpio *g = dev->state;
	unsigned shift = 8 * (offset & 3);
	uint32_t mask = size == 4 ? UINT32_MAX : ((1u << 8 * size) - 1) << shift;
	uint32_t bits = value << shift & mask;
	uint32_t *reg = register_of(g, offset & ~3u);
	if ((offset & ~3u) == BSRR)
		g->odr = (g->odr & ~(bits >> 16)) | (bits & 0xffff); /* setting wins */
	else if (reg != NULL)
		*reg = (*reg & ~mask) | bits;
	else
		return;
	g->odr &= 0xffff;
	changed(dev);
}

static void clear_registers(struct hf_dev *dev)
{
	struct gpio *g = dev->state;
	bool a = dev->unit == 0, b = dev->unit == 1;
	g->moder = a ? 0xa8000000 : b ? 0x280 : 0;
	g->pupdr = a ? 0x64000000 : b ? 0x100 : 0;
	g->ospeedr = a ? 0x0c000000 : b ? 0xc0 : 0;
	g->otyper = g->odr = g->lckr = g->afr[0] = g->afr[1] = 0;
	changed(dev);
}

static void gpio_reset(struct hf_dev *dev, bool power_on)
{
	(void)power_on;
	clear_registers(dev);
}

static const struct hf_dev_ops gpio_ops = {
	.name = "gpio",
	.kind = HF_DEV_GPIO,
	.state_bytes = sizeof(struct gpio),
	.read = gpio_read,
	.write = gpio_write,
	.reset = gpio_reset,
	.power_off = clear_registers,
};

void hf_gpio_add(struct hf_machine *machine)
{
	for (unsigned unit = 0; unit < PORTS; unit++) {
		struct hf_dev *dev = hf_machine_add(machine, &gpio_ops, 0x40020000 + 0x400 * unit, 0x400);
		dev->unit = unit;
		dev->enable_reg = 0x30;
		dev->enable_bit = (uint8_t)unit;
	}
}

/* ---- what others ask ---- */

static struct hf_dev *port_of(struct hf_machine *machine, unsigned port)
{
	struct hf_dev *dev = hf_machine_find(machine, HF_DEV_GPIO, port);
	assert(dev != NULL && "a port that the chip does not have");
	return dev;
}

enum hf_gpio_mode hf_gpio_mode(struct hf_machine *machine, struct hf_twin_pin pin)
{
	return mode_of(port_of(machine, pin.port)->state, pin.pin);
}

unsigned hf_gpio_function(struct hf_machine *machine, struct hf_twin_pin pin)
{
	const struct gpio *g = port_of(machine, pin.port)->state;
	return g->afr[pin.pin / 8] >> 4 * (pin.pin % 8) & 15;
}

bool hf_gpio_level(struct hf_machine *machine, struct hf_twin_pin pin)
{
	return level_of(port_of(machine, pin.port)->state, pin.pin);
}

void hf_twin_pin_drive(struct hf_twin *twin, unsigned port, unsigned pin, int level)
{
	struct hf_dev *dev = port_of(hf_twin_machine(twin), port);
	struct gpio *g = dev->state;
	uint16_t bit = (uint16_t)(1u << pin);
	g->driven = (uint16_t)(level >= 0 ? g->driven | bit : g->driven & ~bit);
	g->driven_high = (uint16_t)(level > 0 ? g->driven_high | bit : g->driven_high & ~bit);
	changed(dev);
}

bool hf_twin_pin_level(const struct hf_twin *twin, unsigned port, unsigned pin)
{
	struct hf_machine *machine = hf_twin_machine((struct hf_twin *)(uintptr_t)twin);
	return hf_gpio_level(machine, (struct hf_twin_pin){ (uint8_t)port, (uint8_t)pin });
}
