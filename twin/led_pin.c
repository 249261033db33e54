/* SPDX-License-Identifier: MIT
 *
 * The light is what its pin drives: an output's level, or the duty of the timer channel when the pin has that alternate
 * function; a pin in any other mode drives nothing, and the light is off. It is a model without registers, so that what
 * was seen so far is part of a snapshot; a reset of the chip is nothing to the eye.
 */
#include "led_pin.h"

#include <assert.h>
#include <stdlib.h>

#include "gpio.h"
#include "tim.h"

struct host {
	bool has_pins;
	struct hf_twin_led_pins pins;
};

static uint32_t brightness(struct hf_dev *dev)
{
	const struct host *host = dev->host;
	const struct hf_twin_led_pins *p = &host->pins;
	struct hf_machine *m = dev->machine;
	if (!host->has_pins)
		return 0;
	uint32_t high;
	enum hf_gpio_mode mode = hf_gpio_mode(m, p->pin);
	if (mode == HF_GPIO_OUTPUT)
		high = hf_gpio_level(m, p->pin) ? HF_LED_FULL : 0;
	else if (mode == HF_GPIO_ALTERNATE && p->tim != 0 && hf_gpio_function(m, p->pin) == p->af)
		high = hf_tim_duty(m, p->tim, p->channel);
	else
		return 0;
	return p->active_low ? HF_LED_FULL - high : high;
}

static void settle(struct hf_dev *dev, bool news)
{
	struct hf_led *led = dev->state;
	hf_machine_schedule(dev, 0, hf_led_next(led));
	uint32_t rhythm = led->period_ms | (uint32_t)led->flashes << 24;
	if (news)
		hf_machine_event(dev->machine, HF_TWIN_EV_LED, led->state, rhythm, hf_led_text(led->state));
}

static void led_due(struct hf_dev *dev, unsigned event)
{
	(void)event;
	settle(dev, hf_led_look(dev->state, hf_machine_now_ns(dev->machine)));
}

static void see(struct hf_dev *dev)
{
	settle(dev, hf_led_level(dev->state, hf_machine_now_ns(dev->machine), brightness(dev)));
}

static void led_reset(struct hf_dev *dev, bool power_on)
{
	(void)power_on;
	see(dev);
}

static void led_close(struct hf_dev *dev)
{
	free(dev->host);
}

static const struct hf_dev_ops led_ops = {
	.name = "led",
	.kind = HF_DEV_LED,
	.state_bytes = sizeof(struct hf_led),
	.reset = led_reset,
	.due = led_due,
	.power_off = see,
	.close = led_close,
};

void hf_led_pin_add(struct hf_machine *machine)
{
	struct hf_dev *dev = hf_machine_add(machine, &led_ops, 0, 0);
	hf_led_init(dev->state, 0);
	dev->host = calloc(1, sizeof(struct host));
	assert(dev->host != NULL);
}

void hf_led_changed(struct hf_machine *machine)
{
	struct hf_dev *dev = hf_machine_find(machine, HF_DEV_LED, 0);
	const struct host *host = dev->host;
	if (host->has_pins)
		see(dev);
}

void hf_twin_led_pins(struct hf_twin *twin, const struct hf_twin_led_pins *pins)
{
	struct hf_dev *dev = hf_machine_find(hf_twin_machine(twin), HF_DEV_LED, 0);
	struct host *host = dev->host;
	host->pins = *pins;
	host->has_pins = true;
	see(dev);
}

const struct hf_led *hf_twin_led(struct hf_twin *twin)
{
	const struct hf_dev *dev = hf_machine_find(hf_twin_machine(twin), HF_DEV_LED, 0);
	return dev->state;
}
